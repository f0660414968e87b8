// SPDX-License-Identifier: GPL-2.0-only
/* How frames move: descriptors, rings, filters; and what else a device has. */
#include <stdlib.h>
#include <string.h>

#include "xml.h"

const char *const model_meanings[FIELD_MEANINGS] = {
	[FIELD_ADDRESS] = "address",
	[FIELD_LENGTH] = "length",
	[FIELD_ROOM] = "room",
	[FIELD_END] = "end",
	[FIELD_FIRST] = "first",
	[FIELD_OWN] = "own",
	[FIELD_WRAP] = "wrap",
	[FIELD_DONE] = "done",
	[FIELD_REPORT] = "report",
	[FIELD_UNICAST] = "unicast",
	[FIELD_MULTICAST] = "multicast",
	[FIELD_BROADCAST] = "broadcast",
	[FIELD_HASHED] = "hashed",
	[FIELD_VLAN_INSERT] = "vlan-insert",
	[FIELD_VLAN_TAG] = "vlan-tag",
	[FIELD_VLAN_FOUND] = "vlan-found",
	[FIELD_SUM] = "checksum",
	[FIELD_SUM_START] = "checksum-start",
	[FIELD_SUM_AT] = "checksum-at",
	[FIELD_IP_SUM] = "ip-checksum",
	[FIELD_L4_SUM] = "l4-checksum",
	[FIELD_SEGMENT] = "segment",
	[FIELD_IP_START] = "ip-start",
	[FIELD_IP_AT] = "ip-at",
	[FIELD_IP_END] = "ip-end",
	[FIELD_L4_START] = "l4-start",
	[FIELD_L4_AT] = "l4-at",
	[FIELD_L4_END] = "l4-end",
	[FIELD_SEGMENT_SIZE] = "segment-size",
	[FIELD_HEADER_SIZE] = "header-size",
	[FIELD_PAYLOAD_SIZE] = "payload-size",
	[FIELD_IS_TCP] = "tcp",
};

/* --- descriptors ------------------------------------------------------------------------------ */

static void field_parse(const xmlNode *node, struct model_field *field)
{
	field->bit = 8 * xml_number(node, "byte", 0) + xml_number(node, "bit", 0);
	field->width = xml_number(node, "width", 1);
	field->value = xml_number(node, "value", 1);
	field->add = xml_number(node, "add", 0);
	field->line = xml_line(node);
}

static void constants_read(struct reader *reader, const xmlNode *node, const char *name,
			   struct model_field *fields, unsigned int *n)
{
	for (const xmlNode *each = xml_child(node, name); each; each = xml_next(each->next, name)) {
		if (*n == MODEL_CONSTANTS) {
			complain(reader->complaints, xml_line(each), "more than %d of <%s>",
				 MODEL_CONSTANTS, name);
			return;
		}
		field_parse(each, &fields[(*n)++]);
	}
}

static void field_of_layout(struct reader *reader, const xmlNode *node, struct model_layout *layout)
{
	int meaning = xml_word(node, "meaning", model_meanings, FIELD_MEANINGS);

	if (meaning < 0)
		return;
	if (layout->field[meaning].line)
		complain(reader->complaints, xml_line(node), "descriptor %s has its %s already, "
			 "at line %d", layout->name, model_meanings[meaning],
			 layout->field[meaning].line);
	field_parse(node, &layout->field[meaning]);
}

static void layout_read(struct reader *reader, const xmlNode *node)
{
	struct model *model = reader->model;
	struct model_layout *layout = &model->layout[model->layouts];

	if (model->layouts == MODEL_LAYOUTS) {
		complain(reader->complaints, xml_line(node), "more than %d descriptors",
			 MODEL_LAYOUTS);
		return;
	}
	model->layouts++;
	xml_text(node, "name", layout->name, sizeof(layout->name));
	layout->size = xml_number(node, "size", 0);
	layout->context = xml_yes(node, "context");
	layout->line = xml_line(node);
	for (const xmlNode *each = xml_child(node, "field"); each;
	     each = xml_next(each->next, "field"))
		field_of_layout(reader, each, layout);
	constants_read(reader, node, "match", layout->match, &layout->matches);
	constants_read(reader, node, "constant", layout->constant, &layout->constants);
}

void xml_layouts(struct reader *reader, const xmlNode *root)
{
	for (const xmlNode *each = xml_child(root, "descriptor"); each;
	     each = xml_next(each->next, "descriptor"))
		layout_read(reader, each);
}

/* --- rings ------------------------------------------------------------------------------------ */

static void ring_layouts(struct reader *reader, const xmlNode *node, struct model_ring *ring)
{
	const struct model *model = reader->model;
	char name[MODEL_NAME];

	for (const xmlNode *each = xml_child(node, "uses"); each;
	     each = xml_next(each->next, "uses")) {
		unsigned int i = 0;

		xml_text(each, "descriptor", name, sizeof(name));
		while (i < model->layouts && strcmp(model->layout[i].name, name))
			i++;
		if (i == model->layouts)
			complain(reader->complaints, xml_line(each), "there is no descriptor %s", name);
		else if (ring->layouts == MODEL_RING_LAYOUTS)
			complain(reader->complaints, xml_line(each), "more than %d descriptors",
				 MODEL_RING_LAYOUTS);
		else
			ring->layout[ring->layouts++] = i;
	}
}

static void ring_causes(struct reader *reader, const xmlNode *node, struct model_ring *ring)
{
	static const char *const events[ON_EVENTS] = { "done", "empty", "full", "low", "idle" };

	for (const xmlNode *each = xml_child(node, "raises"); each;
	     each = xml_next(each->next, "raises")) {
		int on = xml_word(each, "on", events, ON_EVENTS);

		if (on >= 0)
			ring->cause[on] |= xml_cause(reader, each, "cause");
	}
}

static void ring_conditions(struct reader *reader, const xmlNode *node, struct model_ring *ring)
{
	const xmlNode *one = xml_child(node, "empty");

	xml_cases(reader, node, "size", &ring->size);
	xml_cases(reader, node, "limit", &ring->limit);
	xml_conditions(reader, node, "enable", &ring->enable);
	xml_conditions(reader, node, "crc", &ring->crc);
	xml_conditions(reader, node, "linear", &ring->linear);
	xml_conditions(reader, node, "strip-vlan", &ring->strip);
	xml_conditions(reader, node, "insert-vlan", &ring->insert);
	xml_cases(reader, node, "low", &ring->low);
	ring->has_empty = one;
	if (one)
		xml_condition(reader, one, &ring->empty);
	one = xml_child(node, "doorbell");
	ring->has_doorbell = one;
	if (one)
		xml_condition(reader, one, &ring->doorbell);
}

static void ring_read(struct reader *reader, const xmlNode *node)
{
	static const char *const kinds[] = { "queue", "own", "slots", "bytes" };
	static const char *const directions[] = { "out", "in" };
	struct model *model = reader->model;
	struct model_ring *ring = &model->ring[model->rings];

	if (model->rings == MODEL_RINGS) {
		complain(reader->complaints, xml_line(node), "more than %d rings", MODEL_RINGS);
		return;
	}
	model->rings++;
	ring->line = xml_line(node);
	xml_text(node, "name", ring->name, sizeof(ring->name));
	ring->kind = xml_word(node, "kind", kinds, 4);
	ring->in = xml_word(node, "direction", directions, 2) == 1;
	ring->base = xml_ref(reader, node, "base");
	ring->base_high = xml_ref(reader, node, "base-high");
	ring->length = xml_ref(reader, node, "length");
	ring->head = xml_ref(reader, node, "head");
	ring->tail = xml_ref(reader, node, "tail");
	ring->address = xml_ref(reader, node, "address");
	ring->status = xml_ref(reader, node, "status");
	ring->align = xml_number(node, "align", 4);
	ring->bias = xml_number(node, "bias", 0);
	ring->skips_null = xml_yes(node, "skips-null");
	ring_layouts(reader, node, ring);
	ring_causes(reader, node, ring);
	ring_conditions(reader, node, ring);
}

void xml_rings(struct reader *reader, const xmlNode *root)
{
	for (const xmlNode *each = xml_child(root, "ring"); each; each = xml_next(each->next, "ring"))
		ring_read(reader, each);
}

/* --- filters ---------------------------------------------------------------------------------- */

static void filter_unicast(struct reader *reader, const xmlNode *node, struct model_filter *filter)
{
	const struct model_register *reg;

	filter->unicast = xml_ref(reader, node, "register");
	if (filter->unicast.reg < 0)
		return;
	reg = &reader->model->reg[filter->unicast.reg];
	filter->entries = xml_number(node, "entries", reg->count);
	filter->step = xml_number(node, "step", reg->stride);
	filter->valid = xml_number(node, "valid", 0);
	xml_conditions(reader, node, "when", &filter->unicast_when);
}

static void filter_hash(struct reader *reader, const xmlNode *node, struct model_filter *filter)
{
	static const char *const kinds[] = { "crc32", "address" };

	filter->hash = xml_ref(reader, node, "register");
	filter->hash_kind = xml_word(node, "kind", kinds, 2);
	filter->hash_bits = xml_number(node, "bits", 6);
	xml_cases(reader, node, "shift", &filter->hash_shift);
	xml_conditions(reader, node, "when", &filter->hash_when);
}

static void filter_read(struct reader *reader, const xmlNode *node)
{
	struct model_filter *filter = &reader->model->filter;
	const xmlNode *one = xml_child(node, "unicast");

	filter->present = true;
	if (one)
		filter_unicast(reader, one, filter);
	one = xml_child(node, "hash");
	if (one)
		filter_hash(reader, one, filter);
	one = xml_child(node, "vlan");
	if (one) {
		filter->vlan = xml_ref(reader, one, "register");
		xml_conditions(reader, one, "when", &filter->vlan_when);
	}
	xml_conditions(reader, node, "promiscuous", &filter->promiscuous);
	xml_conditions(reader, node, "all-unicast", &filter->all_unicast);
	xml_conditions(reader, node, "all-multicast", &filter->all_multicast);
	xml_conditions(reader, node, "broadcast", &filter->broadcast);
	filter->broadcast_always = !filter->broadcast.n;
}

/* --- and the rest ----------------------------------------------------------------------------- */

static void counters_read(struct reader *reader, const xmlNode *root)
{
	struct model *model = reader->model;

	for (const xmlNode *each = xml_child(root, "counter"); each;
	     each = xml_next(each->next, "counter")) {
		struct model_counter *counter = &model->counter[model->counters];

		if (model->counters == MODEL_COUNTERS) {
			complain(reader->complaints, xml_line(each), "more than %d counters",
				 MODEL_COUNTERS);
			return;
		}
		counter->ref = xml_ref(reader, each, "register");
		counter->counts = xml_word(each, "counts", model_counts, COUNTS);
		model->counters++;
	}
}

static void programs_read(struct reader *reader, const xmlNode *root)
{
	struct model *model = reader->model;
	const xmlNode *node = xml_child(root, "script");

	if (node) {
		xml_text(node, "file", model->script, sizeof(model->script));
		model->script_instructions = xml_number(node, "instructions", 100000);
		model->script_memory = xml_number(node, "memory", 1 << 20);
		model->script_line = xml_line(node);
	}
	node = xml_child(root, "module");
	if (node) {
		xml_text(node, "file", model->module, sizeof(model->module));
		model->module_line = xml_line(node);
	}
}

static void window_read(struct reader *reader, const xmlNode *node)
{
	struct model *model = reader->model;
	char name[MODEL_NAME];
	int space;

	model->window_address = xml_ref(reader, node, "address");
	model->window_data = xml_ref(reader, node, "data");
	xml_text(node, "space", name, sizeof(name));
	space = model_find_space(model, name);
	if (space < 0)
		complain(reader->complaints, xml_line(node), "there is no space %s", name);
	else if (model->window_data.reg >= 0 &&
		 model->reg[model->window_data.reg].space == (unsigned int)space)
		complain(reader->complaints, xml_line(node), "a window can't show its own space");
	else
		model->window_space = space;
}

void xml_device(struct reader *reader, const xmlNode *root)
{
	struct model *model = reader->model;

	counters_read(reader, root);
	programs_read(reader, root);
	for (const xmlNode *each = root->children; each; each = each->next) {
		if (xml_is(each, "filter"))
			filter_read(reader, each);
		else if (xml_is(each, "station"))
			model->station = xml_ref(reader, each, "register");
		else if (xml_is(each, "window"))
			window_read(reader, each);
		else if (xml_is(each, "reset")) {
			model->has_reset = true;
			xml_condition(reader, each, &model->reset);
		} else if (xml_is(each, "link")) {
			model->has_link = true;
			xml_condition(reader, each, &model->link);
			model->link_cause = xml_cause(reader, each, "cause");
		}
	}
}

// SPDX-License-Identifier: GPL-2.0-only
/* What a driver finds first: config space, registers, interrupt causes. */
#include <stdlib.h>
#include <string.h>

#include "xml.h"

/* --- registers -------------------------------------------------------------------------------- */

static void register_read(struct reader *reader, const xmlNode *node, unsigned int space)
{
	struct model *model = reader->model;
	struct model_register *reg = &model->reg[model->registers];
	char name[MODEL_NAME];

	if (model->registers == MODEL_REGISTERS) {
		complain(reader->complaints, xml_line(node), "more than %d registers",
			 MODEL_REGISTERS);
		return;
	}
	xml_text(node, "name", name, sizeof(name));
	if (model_find_register(model, name) >= 0)
		complain(reader->complaints, xml_line(node), "a register %s is there already", name);
	memcpy(reg->name, name, sizeof(name));
	reg->line = xml_line(node);
	reg->space = space;
	reg->at = xml_number(node, "at", 0);
	reg->width = xml_number(node, "width", 4);
	reg->count = xml_number(node, "count", 1);
	reg->stride = xml_number(node, "stride", reg->width);
	reg->reset = xml_number(node, "reset", 0);
	reg->read = xml_number(node, "read", UINT64_MAX);
	reg->write = xml_number(node, "write", 0);
	reg->clear_on_read = xml_number(node, "clear-on-read", 0);
	reg->clear_on_one = xml_number(node, "clear-on-one", 0);
	reg->set_on_one = xml_number(node, "set-on-one", 0);
	reg->clear_on_write = xml_number(node, "clear-on-write", 0);
	reg->clear_with = xml_number(node, "clear-with", 0);
	reg->keep = xml_yes(node, "keep");
	model->registers++;
}

static void space_read(struct reader *reader, const xmlNode *node)
{
	struct model *model = reader->model;
	struct model_space *space = &model->space[model->spaces];

	if (model->spaces == MODEL_SPACES) {
		complain(reader->complaints, xml_line(node), "more than %d spaces", MODEL_SPACES);
		return;
	}
	xml_text(node, "name", space->name, sizeof(space->name));
	space->size = xml_number(node, "size", 0);
	space->line = xml_line(node);
	if (!space->size || space->size > MODEL_SPACE_SIZE) {
		complain(reader->complaints, space->line, "space %s can't have %u bytes: 1 to %u",
			 space->name, space->size, MODEL_SPACE_SIZE);
		return;
	}
	if (model_find_space(model, space->name) >= 0)
		complain(reader->complaints, space->line, "a space %s is there already",
			 space->name);
	model->spaces++;
	for (const xmlNode *each = xml_child(node, "register"); each;
	     each = xml_next(each->next, "register"))
		register_read(reader, each, model->spaces - 1);
}

void xml_spaces(struct reader *reader, const xmlNode *root)
{
	for (const xmlNode *each = xml_child(root, "space"); each;
	     each = xml_next(each->next, "space"))
		space_read(reader, each);
}

/* --- config space ----------------------------------------------------------------------------- */

static void map_add(struct reader *reader, const xmlNode *node, const char *attribute,
		    struct model_bar *bar)
{
	char name[MODEL_NAME];
	int space;

	if (!xml_text(node, attribute, name, sizeof(name)))
		return;
	space = model_find_space(reader->model, name);
	if (space < 0)
		complain(reader->complaints, xml_line(node), "there is no space %s", name);
	else if (bar->maps == MODEL_MAPS)
		complain(reader->complaints, xml_line(node), "more than %d spaces in a BAR",
			 MODEL_MAPS);
	else
		bar->map[bar->maps++] = (struct model_map){
			xml_is(node, "map") ? xml_number(node, "at", 0) : 0, space };
}

static void bar_read(struct reader *reader, const xmlNode *node)
{
	static const char *const kinds[] = { "memory", "memory64", "io" };
	unsigned int index = xml_number(node, "index", 0);
	struct model_bar *bar = &reader->model->pci.bar[index];
	int kind = xml_word(node, "kind", kinds, 3);

	if (bar->line)
		complain(reader->complaints, xml_line(node), "BAR %u is there already, at line %d",
			 index, bar->line);
	bar->line = xml_line(node);
	bar->size = xml_number(node, "size", 0);
	bar->wide = kind == 1;
	bar->io = kind == 2;
	bar->prefetch = xml_yes(node, "prefetch");
	map_add(reader, node, "space", bar);
	for (const xmlNode *each = xml_child(node, "map"); each; each = xml_next(each->next, "map"))
		map_add(reader, each, "space", bar);
}

/* Hexadecimal digits, two for each byte, as the schema has it. */
static unsigned int bytes_read(const xmlNode *node, const char *name, uint8_t *to)
{
	char text[160], two[3] = "";
	unsigned int n = 0;

	xml_text(node, name, text, sizeof(text));
	for (const char *at = text; at[0] && at[1] && n < 62; at += 2) {
		memcpy(two, at, 2);
		to[n++] = strtoul(two, NULL, 16);
	}
	return n;
}

static void capability_read(struct reader *reader, const xmlNode *node)
{
	static const char *const kinds[] = { "pm", "msi", "msix", "raw" };
	static const uint8_t ids[] = { 1, 5, 17, 0 }, sizes[] = { 8, 14, 12, 2 };
	struct model_pci *pci = &reader->model->pci;
	struct model_capability *cap = &pci->capability[pci->capabilities];

	if (pci->capabilities == MODEL_CAPABILITIES) {
		complain(reader->complaints, xml_line(node), "more than %d capabilities",
			 MODEL_CAPABILITIES);
		return;
	}
	pci->capabilities++;
	cap->line = xml_line(node);
	cap->kind = xml_word(node, "kind", kinds, 4);
	cap->id = xml_number(node, "id", ids[cap->kind]);
	cap->at = xml_number(node, "at", 0);
	cap->size = sizes[cap->kind];
	cap->vectors = xml_number(node, "vectors", 1);
	cap->table_bar = xml_number(node, "table-bar", 0);
	cap->table_at = xml_number(node, "table-at", 0);
	cap->pending_bar = xml_number(node, "pending-bar", cap->table_bar);
	cap->pending_at = xml_number(node, "pending-at", 0);
	if (cap->kind != CAP_RAW)
		return;
	cap->size += bytes_read(node, "bytes", cap->bytes);
	bytes_read(node, "write", cap->write);
}

void xml_pci(struct reader *reader, const xmlNode *node)
{
	struct model_pci *pci = &reader->model->pci;

	pci->vendor = xml_number(node, "vendor", 0);
	pci->device = xml_number(node, "device", 0);
	pci->subvendor = xml_number(node, "subvendor", 0);
	pci->subdevice = xml_number(node, "subdevice", 0);
	pci->class = xml_number(node, "class", 0x020000);
	pci->status = xml_number(node, "status", 0);
	pci->revision = xml_number(node, "revision", 0);
	pci->pin = xml_number(node, "pin", 1);
	pci->min_grant = xml_number(node, "min-grant", 0);
	pci->max_latency = xml_number(node, "max-latency", 0);
	for (const xmlNode *each = node->children; each; each = each->next) {
		if (xml_is(each, "bar"))
			bar_read(reader, each);
		else if (xml_is(each, "capability"))
			capability_read(reader, each);
	}
}

/* --- interrupts ------------------------------------------------------------------------------- */

uint64_t xml_cause(struct reader *reader, const xmlNode *node, const char *name)
{
	char text[MODEL_NAME];
	int i;

	if (!xml_text(node, name, text, sizeof(text)))
		return 0;
	i = model_find_cause(reader->model, text);
	if (i >= 0)
		return reader->model->irq.each[i].bits;
	complain(reader->complaints, xml_line(node), "there is no interrupt cause %s", text);
	return 0;
}

static void cause_read(struct reader *reader, const xmlNode *node)
{
	struct model_irq *irq = &reader->model->irq;
	struct model_cause *cause = &irq->each[irq->causes];

	if (irq->causes == MODEL_CAUSES) {
		complain(reader->complaints, xml_line(node), "more than %d causes", MODEL_CAUSES);
		return;
	}
	xml_text(node, "name", cause->name, sizeof(cause->name));
	cause->bits = xml_number(node, "bits", 0);
	cause->vector = xml_number(node, "vector", 0);
	if (cause->vector >= MODEL_VECTORS)
		complain(reader->complaints, xml_line(node), "vector %u: %d is the last there can be",
			 cause->vector, MODEL_VECTORS - 1);
	irq->causes++;
}

void xml_interrupts(struct reader *reader, const xmlNode *root)
{
	const xmlNode *node = xml_child(root, "interrupts"), *throttle;
	struct model_irq *irq = &reader->model->irq;

	if (!node)
		return;
	irq->cause = xml_ref(reader, node, "cause");
	irq->set = xml_ref(reader, node, "set");
	irq->mask = xml_ref(reader, node, "mask");
	irq->mask_clear = xml_ref(reader, node, "mask-clear");
	irq->one_message = xml_yes(node, "one-message");
	for (const xmlNode *each = xml_child(node, "cause"); each;
	     each = xml_next(each->next, "cause"))
		cause_read(reader, each);
	throttle = xml_child(node, "throttle");
	if (!throttle)
		return;
	irq->throttle = xml_ref(reader, throttle, "register");
	irq->throttle_mask = xml_number(throttle, "mask", UINT64_MAX);
	irq->throttle_unit = xml_number(throttle, "nanoseconds", 1);
}

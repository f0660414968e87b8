// SPDX-License-Identifier: GPL-2.0-only
/* uvf personality show: a personality's config space, registers and rings, as tables or JSON. */
#include "personality.h"

#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "../nic/nic.h"
#include "why.h"

static const char *const ring_kinds[] = { "queue", "own", "slots", "bytes" };
static const char *const cap_kinds[] = { "pm", "msi", "msix", "raw" };

/* --- text ------------------------------------------------------------------------------------- */

static const char *bar_kind(const struct model_bar *bar)
{
	return bar->io ? "io" : bar->wide ? "memory64" : "memory";
}

static void show_pci(const struct model *model)
{
	const struct model_pci *pci = &model->pci;

	printf("%s: %s\n\nPCI %04x:%04x, subsystem %04x:%04x, class %06x, revision %02x\n",
	       model->name, model->text, pci->vendor, pci->device, pci->subvendor, pci->subdevice,
	       pci->class, pci->revision);
	for (unsigned int i = 0; i < MODEL_BARS; i++) {
		const struct model_bar *bar = &pci->bar[i];

		if (!bar->size)
			continue;
		printf("  BAR %u  %-8s %#8" PRIx64, i, bar_kind(bar), bar->size);
		for (unsigned int k = 0; k < bar->maps; k++)
			printf("  %s at %#x", model->space[bar->map[k].space].name, bar->map[k].at);
		putchar('\n');
	}
	for (unsigned int i = 0; i < pci->capabilities; i++)
		printf("  capability %-4s at %#04x\n", cap_kinds[pci->capability[i].kind],
		       pci->capability[i].at);
}

/* r: read; w: write; c: cleared by reading; 1: by a one; z: by a write; s: set by a one; lua */
static const char *register_ways(const struct model_register *reg, const struct script *script,
				 int number)
{
	static char text[32];

	snprintf(text, sizeof(text), "%s%s%s%s%s%s%s", reg->read ? "r" : "",
		 reg->write ? "w" : "", reg->clear_on_read ? "c" : "",
		 reg->clear_on_one ? "1" : "", reg->clear_on_write ? "z" : "",
		 reg->set_on_one ? "s" : "",
		 script_has(script, number) ? " lua" : "");
	return text;
}

/* In the order of their addresses: registers may be described in any. */
static void show_space(const struct personality *personality, unsigned int space)
{
	const struct model *model = personality->model;
	unsigned int shown = 0;

	printf("\nSpace %s, %#x bytes\n  %-8s %-16s %5s %6s %-8s %-18s %s\n",
	       model->space[space].name, model->space[space].size, "AT", "REGISTER", "BYTES",
	       "COUNT", "WAYS", "RESET", "WRITE");
	for (uint32_t at = 0; at < model->space[space].size; at++) {
		unsigned int owner = model->space[space].owner[at];
		const struct model_register *reg;

		if (!owner || model->reg[owner - 1].at != at)
			continue;
		reg = &model->reg[owner - 1];
		printf("  %#06x   %-16s %5u %6u %-8s %#-18" PRIx64 " %#" PRIx64 "\n", at, reg->name,
		       reg->width, reg->count, register_ways(reg, personality->script, owner - 1),
		       reg->reset, reg->write);
		shown++;
	}
	if (!shown)
		printf("  (all of it is the shared object's)\n");
}

static void show_layout(const struct model_layout *layout)
{
	printf("  descriptor %s, %u bytes\n", layout->name, layout->size);
	for (unsigned int i = 0; i < FIELD_MEANINGS; i++)
		if (layout->field[i].width)
			printf("    bits %3u to %3u  %s\n", layout->field[i].bit,
			       layout->field[i].bit + layout->field[i].width - 1,
			       model_meanings[i]);
}

static void show_rings(const struct model *model)
{
	if (model->rings)
		puts("\nRings");
	for (unsigned int i = 0; i < model->rings; i++) {
		const struct model_ring *ring = &model->ring[i];

		printf("  %s: %s, %s\n", ring->name, ring_kinds[ring->kind],
		       ring->in ? "in" : "out");
	}
	for (unsigned int i = 0; i < model->layouts; i++)
		show_layout(&model->layout[i]);
	if (model->irq.causes)
		puts("\nInterrupt causes");
	for (unsigned int i = 0; i < model->irq.causes; i++)
		printf("  %-16s %#" PRIx64 "\n", model->irq.each[i].name, model->irq.each[i].bits);
}

/* --- JSON ------------------------------------------------------------------------------------- */

static void add_number(struct json_object *to, const char *name, uint64_t value)
{
	json_object_object_add(to, name, json_object_new_uint64(value));
}

static void add_text(struct json_object *to, const char *name, const char *value)
{
	json_object_object_add(to, name, json_object_new_string(value));
}

static struct json_object *register_json(const struct model *model,
					 const struct model_register *reg)
{
	struct json_object *object = json_object_new_object();

	add_text(object, "name", reg->name);
	add_text(object, "space", model->space[reg->space].name);
	add_number(object, "at", reg->at);
	add_number(object, "bytes", reg->width);
	add_number(object, "count", reg->count);
	add_number(object, "stride", reg->stride);
	add_number(object, "reset", reg->reset);
	add_number(object, "read", reg->read & width_mask(reg->width));
	add_number(object, "write", reg->write);
	add_number(object, "clear_on_read", reg->clear_on_read & width_mask(reg->width));
	add_number(object, "clear_on_one", reg->clear_on_one);
	add_number(object, "set_on_one", reg->set_on_one);
	add_number(object, "clear_on_write", reg->clear_on_write);
	return object;
}

static struct json_object *bar_json(const struct model *model, unsigned int i)
{
	const struct model_bar *bar = &model->pci.bar[i];
	struct json_object *object = json_object_new_object(), *spaces = json_object_new_array();

	add_number(object, "index", i);
	add_text(object, "kind", bar_kind(bar));
	add_number(object, "size", bar->size);
	for (unsigned int k = 0; k < bar->maps; k++)
		json_object_array_add(spaces, json_object_new_string(
					      model->space[bar->map[k].space].name));
	json_object_object_add(object, "spaces", spaces);
	return object;
}

static struct json_object *ring_json(const struct model_ring *ring)
{
	struct json_object *object = json_object_new_object();

	add_text(object, "name", ring->name);
	add_text(object, "kind", ring_kinds[ring->kind]);
	add_text(object, "direction", ring->in ? "in" : "out");
	return object;
}

static struct json_object *model_json(const struct model *model, const char *path)
{
	struct json_object *object = json_object_new_object(), *bars = json_object_new_array(),
			   *registers = json_object_new_array(), *rings = json_object_new_array();

	add_text(object, "name", model->name);
	add_text(object, "text", model->text);
	add_text(object, "path", path);
	add_number(object, "vendor", model->pci.vendor);
	add_number(object, "device", model->pci.device);
	for (unsigned int i = 0; i < MODEL_BARS; i++)
		if (model->pci.bar[i].size)
			json_object_array_add(bars, bar_json(model, i));
	for (unsigned int i = 0; i < model->registers; i++)
		json_object_array_add(registers, register_json(model, &model->reg[i]));
	for (unsigned int i = 0; i < model->rings; i++)
		json_object_array_add(rings, ring_json(&model->ring[i]));
	json_object_object_add(object, "bars", bars);
	json_object_object_add(object, "registers", registers);
	json_object_object_add(object, "rings", rings);
	return object;
}

int personality_show(int argc, char **argv)
{
	struct personality_query query = { 0 };
	struct complaints complaints = { 0 };
	struct personality *personality;

	personality_parse(&query, argc, argv, "PERSONALITY", "Shows what a personality is: config "
			  "space, the map of its registers, descriptors and rings.", 1, 1);
	personality = personality_load(query.names[0], &complaints);
	if (!personality) {
		personality_complain(&complaints);
		return 1;
	}
	if (query.json) {
		struct json_object *object = model_json(personality->model, personality->path);

		puts(json_object_to_json_string_ext(object, JSON_C_TO_STRING_PRETTY));
		json_object_put(object);
	} else {
		show_pci(personality->model);
		for (unsigned int i = 0; i < personality->model->spaces; i++)
			show_space(personality, i);
		show_rings(personality->model);
	}
	personality_free(personality);
	return 0;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * What no schema can say: that nothing overlaps, that everything fits, and that what belongs
 * together is there together. What is checked here is not looked at again while frames move.
 */
#include <stdlib.h>
#include <string.h>

#include "model.h"

struct check {
	struct model *model;
	struct complaints *to;
};

/* --- names ------------------------------------------------------------------------------------ */

int model_find_register(const struct model *model, const char *name)
{
	for (unsigned int i = 0; i < model->registers; i++)
		if (!strcmp(model->reg[i].name, name))
			return i;
	return -1;
}

int model_find_cause(const struct model *model, const char *name)
{
	for (unsigned int i = 0; i < model->irq.causes; i++)
		if (!strcmp(model->irq.each[i].name, name))
			return i;
	return -1;
}

int model_find_space(const struct model *model, const char *name)
{
	for (unsigned int i = 0; i < model->spaces; i++)
		if (!strcmp(model->space[i].name, name))
			return i;
	return -1;
}

/* --- registers -------------------------------------------------------------------------------- */

static bool register_fits(struct check *check, const struct model_register *reg)
{
	const struct model_space *space = &check->model->space[reg->space];
	uint64_t bits = reg->width == 8 ? UINT64_MAX : (1ULL << 8 * reg->width) - 1;

	if (!reg->count || reg->stride < reg->width) {
		complain(check->to, reg->line, "register %s: %s", reg->name, reg->count ?
			 "its elements overlap: the stride is less than the width" :
			 "it has no element");
		return false;
	}
	if (reg->at + (uint64_t)(reg->count - 1) * reg->stride + reg->width > space->size) {
		complain(check->to, reg->line, "register %s ends behind its space %s, which has "
			 "%#x bytes", reg->name, space->name, space->size);
		return false;
	}
	if (reg->reset & ~bits)
		complain(check->to, reg->line, "register %s has %u bytes, and a reset value of more",
			 reg->name, reg->width);
	return true;
}

static void register_place(struct check *check, unsigned int i)
{
	const struct model_register *reg = &check->model->reg[i], *other;
	uint16_t *owner = check->model->space[reg->space].owner;

	if (!register_fits(check, reg))
		return;
	for (unsigned int k = 0; k < reg->count; k++)
		for (unsigned int byte = 0; byte < reg->width; byte++) {
			uint16_t *at = &owner[reg->at + k * reg->stride + byte];

			if (*at) {
				other = &check->model->reg[*at - 1];
				complain(check->to, reg->line, "register %s overlaps register %s "
					 "of line %d, at %#x", reg->name, other->name, other->line,
					 reg->at + k * reg->stride + byte);
				return;
			}
			*at = i + 1;
		}
}

static void registers_check(struct check *check)
{
	struct model *model = check->model;

	for (unsigned int i = 0; i < model->spaces; i++) {
		/* an access of eight bytes looks at no owner behind the end */
		model->space[i].owner = calloc(model->space[i].size + 8, sizeof(uint16_t));
		if (!model->space[i].owner) {
			complain(check->to, 0, "no memory");
			return;
		}
	}
	for (unsigned int i = 0; i < model->registers; i++)
		register_place(check, i);
}

/* --- config space ----------------------------------------------------------------------------- */

static void bar_check(struct check *check, unsigned int i)
{
	const struct model *model = check->model;
	const struct model_bar *bar = &model->pci.bar[i];
	uint64_t least = bar->io ? 4 : 16;

	if (bar->size < least || bar->size & (bar->size - 1) || (bar->io && bar->size > 256))
		complain(check->to, bar->line, "BAR %u can't have %#llx bytes: a power of two, %llu "
			 "at least%s", i, (unsigned long long)bar->size, (unsigned long long)least,
			 bar->io ? " and 256 at most" : "");
	if (bar->wide && i + 1 == MODEL_BARS)
		complain(check->to, bar->line, "BAR %u is the last and can't be wide", i);
	else if (bar->wide && model->pci.bar[i + 1].line)
		complain(check->to, bar->line, "BAR %u is wide and overlaps BAR %u of line %d", i,
			 i + 1, model->pci.bar[i + 1].line);
	for (unsigned int k = 0; k < bar->maps; k++) {
		const struct model_map *map = &bar->map[k];
		const struct model_space *space = &model->space[map->space];

		if (map->at + (uint64_t)space->size > bar->size)
			complain(check->to, bar->line, "space %s does not fit BAR %u", space->name, i);
		for (unsigned int j = 0; j < k; j++) {
			const struct model_map *other = &bar->map[j];
			const struct model_space *its = &model->space[other->space];

			if (map->at < other->at + (uint64_t)its->size &&
			    other->at < map->at + (uint64_t)space->size)
				complain(check->to, bar->line, "in BAR %u, space %s overlaps space "
					 "%s", i, space->name, its->name);
		}
	}
}

static bool in_bar(const struct model *model, unsigned int bar, uint32_t at, uint32_t size)
{
	return bar < MODEL_BARS && !model->pci.bar[bar].io && at % 8 == 0 &&
	       at + (uint64_t)size <= model->pci.bar[bar].size;
}

static void vectors_check(struct check *check, const struct model_capability *cap)
{
	if (!cap->vectors || cap->vectors > MODEL_VECTORS ||
	    (cap->kind == CAP_MSI && (cap->vectors > 32 || cap->vectors & (cap->vectors - 1))))
		complain(check->to, cap->line, "a capability can't have %u vectors: %s", cap->vectors,
			 cap->kind == CAP_MSI ? "1, 2, 4, 8, 16 or 32" : "1 to 64");
	if (cap->kind != CAP_MSIX)
		return;
	if (!in_bar(check->model, cap->table_bar, cap->table_at, 16 * cap->vectors) ||
	    !in_bar(check->model, cap->pending_bar, cap->pending_at, 8))
		complain(check->to, cap->line, "the table of vectors, or their pending bits, are not "
			 "in a memory BAR, at a multiple of 8");
	else if (cap->table_bar == cap->pending_bar &&
		 cap->pending_at < cap->table_at + 16 * cap->vectors &&
		 cap->table_at < cap->pending_at + 8)
		complain(check->to, cap->line, "the table of vectors overlaps their pending bits");
}

static void capabilities_check(struct check *check)
{
	const struct model_pci *pci = &check->model->pci;
	unsigned int kinds = 0;

	for (unsigned int i = 0; i < pci->capabilities; i++) {
		const struct model_capability *cap = &pci->capability[i];

		if (cap->at < 0x40 || cap->at % 4 || cap->at + cap->size > 256)
			complain(check->to, cap->line, "a capability can't be at %#x: 0x40 at least, "
				 "a multiple of 4, and it must fit", cap->at);
		for (unsigned int k = 0; k < i; k++)
			if (cap->at < pci->capability[k].at + pci->capability[k].size &&
			    pci->capability[k].at < cap->at + cap->size)
				complain(check->to, cap->line, "it overlaps the capability of line %d",
					 pci->capability[k].line);
		if (cap->kind != CAP_RAW && kinds >> cap->kind & 1)
			complain(check->to, cap->line, "there is such a capability already");
		kinds |= 1u << cap->kind;
		if (cap->kind == CAP_MSI || cap->kind == CAP_MSIX)
			vectors_check(check, cap);
	}
}

/* --- descriptors ------------------------------------------------------------------------------ */

static void field_check(struct check *check, const struct model_layout *layout,
			struct model_field *field, const char *what)
{
	unsigned int end = field->bit + field->width;

	field->byte = field->bit / 8;
	field->shift = field->bit % 8;
	field->mask = field->width >= 64 ? UINT64_MAX : (1ULL << field->width) - 1;
	if (!field->width || field->width > 64 || field->shift + field->width > 64)
		complain(check->to, field->line, "%s of descriptor %s can't have %u bits: 1 to 64, "
			 "within eight bytes", what, layout->name, field->width);
	else if (end > 8 * layout->size)
		complain(check->to, field->line, "%s of descriptor %s ends at bit %u, and the "
			 "descriptor at bit %u", what, layout->name, end, 8 * layout->size);
	else if (field->value & ~field->mask)
		complain(check->to, field->line, "%s of descriptor %s has %u bits, and a value of "
			 "more", what, layout->name, field->width);
}

static bool fields_overlap(const struct model_field *a, const struct model_field *b)
{
	return a->line && b->line && a->bit < b->bit + b->width && b->bit < a->bit + a->width;
}

static void layout_overlaps(struct check *check, const struct model_layout *layout)
{
	for (unsigned int i = 0; i < FIELD_MEANINGS; i++)
		for (unsigned int k = 0; k < i; k++)
			if (fields_overlap(&layout->field[i], &layout->field[k]))
				complain(check->to, layout->field[i].line, "in descriptor %s, %s "
					 "overlaps %s of line %d", layout->name, model_meanings[i],
					 model_meanings[k], layout->field[k].line);
}

static void layout_check(struct check *check, struct model_layout *layout)
{
	if (!layout->size || layout->size > MODEL_DESCRIPTOR) {
		complain(check->to, layout->line, "descriptor %s can't have %u bytes: 1 to %d",
			 layout->name, layout->size, MODEL_DESCRIPTOR);
		return;
	}
	for (unsigned int i = 0; i < FIELD_MEANINGS; i++)
		if (layout->field[i].line)
			field_check(check, layout, &layout->field[i], model_meanings[i]);
	for (unsigned int i = 0; i < layout->matches; i++)
		field_check(check, layout, &layout->match[i], "a match");
	for (unsigned int i = 0; i < layout->constants; i++)
		field_check(check, layout, &layout->constant[i], "a constant");
	if (layout->field[FIELD_OWN].width > 1 || layout->field[FIELD_DONE].width > 1 ||
	    layout->field[FIELD_SEGMENT].width > 1)
		complain(check->to, layout->line, "descriptor %s: own, done and segment have one bit "
						  "each", layout->name);
	layout_overlaps(check, layout);
}

/* --- rings ------------------------------------------------------------------------------------ */

static void wants(struct check *check, const struct model_ring *ring, bool there, const char *what)
{
	if (!there)
		complain(check->to, ring->line, "ring %s needs %s", ring->name, what);
}

static void ring_layouts_check(struct check *check, const struct model_ring *ring)
{
	const struct model *model = check->model;
	const struct model_layout *first = &model->layout[ring->layout[0]];

	for (unsigned int i = 0; i < ring->layouts; i++) {
		const struct model_layout *layout = &model->layout[ring->layout[i]];

		if (layout->size != first->size)
			complain(check->to, ring->line, "ring %s: descriptor %s has %u bytes, and %s "
				 "has %u", ring->name, layout->name, layout->size, first->name,
				 first->size);
		if (layout->context || ring->kind == RING_BYTES)
			continue;
		if (!layout->field[FIELD_LENGTH].line ||
		    (ring->kind != RING_SLOTS && !layout->field[FIELD_ADDRESS].line))
			complain(check->to, ring->line, "ring %s: descriptor %s has no address, or no "
				 "length", ring->name, layout->name);
		if (ring->kind != RING_QUEUE && !layout->field[FIELD_OWN].line)
			complain(check->to, ring->line, "ring %s: descriptor %s does not say whose it "
				 "is (own)", ring->name, layout->name);
	}
}

/* Its status is a register, which a descriptor of the same size lies in. */
static void slots_check(struct check *check, const struct model_ring *ring)
{
	const struct model_register *status, *address;

	wants(check, ring, ring->status.reg >= 0 && ring->address.reg >= 0, "address and status");
	if (ring->status.reg < 0 || ring->address.reg < 0)
		return;
	status = &check->model->reg[ring->status.reg];
	address = &check->model->reg[ring->address.reg];
	if (status->count - ring->status.index > address->count - ring->address.index)
		complain(check->to, ring->line, "ring %s has fewer addresses than it has slots",
			 ring->name);
	if (check->model->layout[ring->layout[0]].size != status->width)
		complain(check->to, ring->line, "ring %s: its descriptor has not the width of "
			 "register %s", ring->name, status->name);
	if (ring->in)
		complain(check->to, ring->line, "ring %s: slots are for what goes out", ring->name);
}

static void bytes_check(struct check *check, const struct model_ring *ring)
{
	wants(check, ring, ring->base.reg >= 0 && ring->head.reg >= 0 && ring->tail.reg >= 0,
	      "base, head and tail");
	wants(check, ring, ring->size.n, "a size");
	if (!ring->in)
		complain(check->to, ring->line, "ring %s: bytes are for what comes in", ring->name);
	if (!ring->align || check->model->layout[ring->layout[0]].size > ring->align) {
		complain(check->to, ring->line, "ring %s: a header does not fit what frames are "
			 "aligned to", ring->name);
		return;
	}
	for (unsigned int i = 0; i < ring->size.n; i++)
		if (!ring->size.each[i].is || ring->size.each[i].is % ring->align ||
		    ring->size.each[i].is > 1u << 20 || ring->bias > ring->size.each[i].is)
			complain(check->to, ring->line, "ring %s can't have %llu bytes", ring->name,
				 (unsigned long long)ring->size.each[i].is);
}

static void ring_check(struct check *check, const struct model_ring *ring)
{
	ring_layouts_check(check, ring);
	if (ring->low.n && (ring->kind != RING_QUEUE || !ring->in))
		complain(check->to, ring->line, "ring %s: low is for a queue that comes in",
			 ring->name);
	if (ring->cause[ON_IDLE] && (ring->kind != RING_BYTES || !ring->has_empty))
		complain(check->to, ring->line, "ring %s: idle is for a ring of bytes that has empty",
			 ring->name);
	if (ring->skips_null && (ring->kind == RING_SLOTS || ring->kind == RING_BYTES))
		complain(check->to, ring->line, "ring %s: skips-null is for descriptors in memory",
			 ring->name);
	switch (ring->kind) {
	case RING_QUEUE:
		wants(check, ring, ring->base.reg >= 0 && ring->length.reg >= 0 &&
		      ring->head.reg >= 0 && ring->tail.reg >= 0, "base, length, head and tail");
		break;
	case RING_OWN:
		wants(check, ring, ring->base.reg >= 0, "a base");
		wants(check, ring, ring->in || ring->has_doorbell, "a doorbell");
		break;
	case RING_SLOTS:
		slots_check(check, ring);
		break;
	case RING_BYTES:
		bytes_check(check, ring);
		break;
	}
}

static void filter_check(struct check *check)
{
	const struct model *model = check->model;
	const struct model_filter *filter = &model->filter;
	const struct model_register *reg;
	uint64_t end;

	if (filter->unicast.reg >= 0) {
		reg = &model->reg[filter->unicast.reg];
		end = reg->at + filter->unicast.index * (uint64_t)reg->stride;
		end += (filter->entries ? filter->entries - 1 : 0) * (uint64_t)filter->step + 8;
		if (end > model->space[reg->space].size)
			complain(check->to, reg->line, "the filter's addresses end behind the space of "
				 "register %s", reg->name);
	}
	if (filter->hash.reg >= 0 && (!filter->hash_bits || filter->hash_bits > 16))
		complain(check->to, model->reg[filter->hash.reg].line,
			 "the filter's hash can't have %u bits: 1 to 16", filter->hash_bits);
	if (model->station.reg < 0)
		return;
	reg = &model->reg[model->station.reg];
	if (reg->at + model->station.index * (uint64_t)reg->stride + 6 >
	    model->space[reg->space].size)
		complain(check->to, reg->line, "the station's address ends behind the space of register "
			 "%s", reg->name);
}

/* --- what a write sets off -------------------------------------------------------------------- */

static void acts_add(struct model *model, struct model_ref ref, uint32_t acts)
{
	if (ref.reg >= 0)
		model->reg[ref.reg].acts |= acts;
}

static void ring_acts(struct model *model, const struct model_ring *ring)
{
	acts_add(model, ring->base, ACT_BASE);
	acts_add(model, ring->base_high, ACT_BASE);
	acts_add(model, ring->length, ACT_BASE);
	acts_add(model, ring->head, ACT_BASE);
	acts_add(model, ring->tail, ACT_RING | ACT_BASE);
	acts_add(model, ring->status, ACT_RING | ACT_SLOT);
	if (ring->has_doorbell)
		acts_add(model, ring->doorbell.ref, ACT_RING);
	for (unsigned int i = 0; i < ring->enable.n; i++)
		acts_add(model, ring->enable.each[i].ref, ACT_RING);
}

static void acts_fill(struct model *model)
{
	acts_add(model, model->irq.cause, ACT_IRQ);
	acts_add(model, model->irq.mask, ACT_IRQ);
	acts_add(model, model->irq.set, ACT_CAUSE_SET);
	acts_add(model, model->irq.mask_clear, ACT_MASK_CLEAR);
	acts_add(model, model->irq.throttle, ACT_IRQ);
	acts_add(model, model->window_data, ACT_WINDOW);
	if (model->has_reset)
		acts_add(model, model->reset.ref, ACT_RESET);
	for (unsigned int i = 0; i < model->rings; i++)
		ring_acts(model, &model->ring[i]);
}

void model_check(struct model *model, struct complaints *complaints)
{
	struct check check = { model, complaints };

	registers_check(&check);
	for (unsigned int i = 0; i < MODEL_BARS; i++)
		if (model->pci.bar[i].line)
			bar_check(&check, i);
	capabilities_check(&check);
	for (unsigned int i = 0; i < model->layouts; i++)
		layout_check(&check, &model->layout[i]);
	for (unsigned int i = 0; i < model->rings && !complaints->n; i++)
		ring_check(&check, &model->ring[i]);
	filter_check(&check);
	if (!complaints->n)
		acts_fill(model);
}

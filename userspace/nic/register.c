// SPDX-License-Identifier: GPL-2.0-only
/*
 * Registers: a space is its bytes, and each byte belongs to an element of a register, or to none.
 * An access of any width is taken apart at the borders of elements.
 */
#include "nic.h"

#include "module.h"
#include "script.h"

/* Some bytes of an element. */
struct piece {
	const struct model_register *reg;
	struct model_ref ref;
	uint8_t *bytes; /* of the element */
	unsigned int shift; /* in bits: where in the element it begins */
	unsigned int n; /* bytes */
};

/* --- as the device sees them ------------------------------------------------------------------ */

uint8_t *register_bytes(const struct nic *nic, struct model_ref ref, uint32_t *left)
{
	const struct model_register *reg = &nic->model->reg[ref.reg];
	uint32_t at = reg->at + ref.index * reg->stride;

	*left = nic->model->space[reg->space].size - at;
	return nic->value[reg->space] + at;
}

uint64_t register_get(const struct nic *nic, struct model_ref ref)
{
	uint32_t left;

	if (ref.reg < 0)
		return 0;
	return little_get(register_bytes(nic, ref, &left), nic->model->reg[ref.reg].width);
}

void register_set(struct nic *nic, struct model_ref ref, uint64_t value)
{
	uint32_t left;

	if (ref.reg >= 0)
		little_put(register_bytes(nic, ref, &left), nic->model->reg[ref.reg].width, value);
}

bool condition_holds(const struct nic *nic, const struct model_condition *condition)
{
	return condition->ref.reg < 0 ||
	       (register_get(nic, condition->ref) & condition->mask) == condition->value;
}

bool conditions_hold(const struct nic *nic, const struct model_conditions *all)
{
	for (unsigned int i = 0; i < all->n; i++)
		if (!condition_holds(nic, &all->each[i]))
			return false;
	return true;
}

bool conditions_any(const struct nic *nic, const struct model_conditions *any)
{
	for (unsigned int i = 0; i < any->n; i++)
		if (condition_holds(nic, &any->each[i]))
			return true;
	return false;
}

uint64_t cases_get(const struct nic *nic, const struct model_cases *cases, uint64_t otherwise)
{
	for (unsigned int i = 0; i < cases->n; i++)
		if (condition_holds(nic, &cases->each[i].when))
			return cases->each[i].is;
	return otherwise;
}

void registers_reset(struct nic *nic, bool all)
{
	struct model_ref station = nic->model->station;

	for (unsigned int i = 0; i < nic->model->registers; i++) {
		const struct model_register *reg = &nic->model->reg[i];

		if (reg->keep && !all)
			continue;
		for (unsigned int k = 0; k < reg->count; k++)
			register_set(nic, (struct model_ref){ i, k }, reg->reset);
	}
	if (station.reg >= 0 && (all || !nic->model->reg[station.reg].keep)) {
		uint32_t left;

		memcpy(register_bytes(nic, station, &left), nic->mac, NIC_MAC);
	}
}

/* --- as the guest does ------------------------------------------------------------------------ */

static bool piece_find(const struct nic *nic, unsigned int space, uint32_t offset,
		       unsigned int width, struct piece *piece)
{
	const struct model_space *in = &nic->model->space[space];
	uint32_t into;
	unsigned int byte;

	if (offset >= in->size || !in->owner[offset])
		return false;
	piece->reg = &nic->model->reg[in->owner[offset] - 1];
	into = offset - piece->reg->at;
	piece->ref.reg = in->owner[offset] - 1;
	piece->ref.index = into / piece->reg->stride;
	byte = into % piece->reg->stride;
	piece->bytes = nic->value[space] + offset - byte;
	piece->shift = 8 * byte;
	piece->n = piece->reg->width - byte < width ? piece->reg->width - byte : width;
	return true;
}

static uint64_t piece_read(struct nic *nic, const struct piece *piece)
{
	const struct model_register *reg = piece->reg;
	uint64_t bits = width_mask(piece->n) << piece->shift, value, clear;

	if (reg->acts & ACT_WINDOW && piece->ref.reg == nic->model->window_data.reg) {
		space_access(nic, nic->model->window_space,
			     register_get(nic, nic->model->window_address), piece->n, false,
			     &value);
		return value;
	}
	if (nic->script_acts[piece->ref.reg] & SCRIPT_READ)
		script_read(nic, piece->ref);
	value = little_get(piece->bytes, reg->width);
	clear = value & reg->clear_on_read & (reg->clear_with & bits ? UINT64_MAX :
					      reg->clear_with ? 0 : bits);
	if (clear) {
		little_put(piece->bytes, reg->width, value & ~clear);
		if (reg->acts & ACT_IRQ)
			causes_update(nic);
	}
	return (value & reg->read & bits) >> piece->shift;
}

/* What a write sets off. @ones: bits that were written as ones. */
static void act(struct nic *nic, const struct piece *piece, uint64_t ones)
{
	uint32_t acts = piece->reg->acts;
	const struct model *model = nic->model;

	if (acts & ACT_RESET && (ones & model->reset.mask) == model->reset.value) {
		nic_soft_reset(nic);
		return;
	}
	if (acts & ACT_CAUSE_SET)
		register_set(nic, model->irq.cause, register_get(nic, model->irq.cause) |
			     (ones & model->reg[model->irq.cause.reg].read));
	if (acts & ACT_MASK_CLEAR)
		register_set(nic, model->irq.mask, register_get(nic, model->irq.mask) & ~ones);
	if (acts & ACT_BASE)
		rings_rebase(nic, piece->ref.reg);
	if (acts & (ACT_IRQ | ACT_CAUSE_SET | ACT_MASK_CLEAR))
		causes_update(nic);
	if (acts & ACT_RING)
		nic->kicked = true;
}

static void piece_write(struct nic *nic, const struct piece *piece, uint64_t value)
{
	const struct model_register *reg = piece->reg;
	uint64_t bits = width_mask(piece->n) << piece->shift;
	uint64_t before = little_get(piece->bytes, reg->width), now, ones;

	if (reg->acts & ACT_WINDOW && piece->ref.reg == nic->model->window_data.reg) {
		space_access(nic, nic->model->window_space,
			     register_get(nic, nic->model->window_address), piece->n, true, &value);
		return;
	}
	ones = value << piece->shift & bits;
	now = (before & ~(reg->write & bits)) | (ones & reg->write);
	now &= ~(ones & reg->clear_on_one) & ~reg->clear_on_write;
	now |= ones & reg->set_on_one;
	little_put(piece->bytes, reg->width, now);
	if (nic->script_acts[piece->ref.reg] & SCRIPT_WRITE)
		script_write(nic, piece->ref, (before & ~bits) | ones, before);
	act(nic, piece, ones);
}

/* What no register has reads as zeroes within a space, and as ones behind it. */
static void pieces_access(struct nic *nic, unsigned int space, uint32_t offset, unsigned int width,
			  bool write, uint64_t *value)
{
	uint64_t all = 0;
	struct piece piece;

	for (unsigned int done = 0; done < width; done += piece.n) {
		piece.n = 1;
		if (!piece_find(nic, space, offset + done, width - done, &piece))
			continue;
		if (write)
			piece_write(nic, &piece, *value >> 8 * done & width_mask(piece.n));
		else
			all |= piece_read(nic, &piece) << 8 * done;
	}
	if (!write)
		*value = all;
}

void space_access(struct nic *nic, unsigned int space, uint32_t offset, unsigned int width,
		  bool write, uint64_t *value)
{
	uint32_t size = nic->model->space[space].size;

	*(write ? &nic->counters.writes : &nic->counters.reads) += 1;
	if (offset >= size || width > size - offset) {
		if (!write)
			*value = width_mask(width);
		return;
	}
	if (module_access(nic, space, offset, width, write, value))
		return;
	pieces_access(nic, space, offset, width, write, value);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rings of bytes: received frames one behind the other, each behind a header, all of them aligned.
 * The device writes at the head, the guest has read up to the tail (CBR and CAPR of an RTL8139: its
 * data sheet, 6 and 6.8, and its programming guide, 2).
 *
 * Of the head, only what is in ring->at is believed: the register tells it to the guest.
 */
#include "nic.h"

struct measure {
	uint32_t size; /* of the ring */
	uint32_t used;
};

static bool measure(struct nic *nic, struct ring *ring, struct measure *of)
{
	uint64_t size = cases_get(nic, &ring->model->size, 0), tail;

	of->size = size;
	if (!size || size > 1u << 20 || size % ring->model->align)
		return false;
	ring->at %= of->size;
	tail = (register_get(nic, ring->model->tail) + ring->model->bias) % size;
	of->used = (ring->at + size - tail) % size;
	return true;
}

static uint32_t room_of(const struct nic *nic, const struct ring *ring, uint32_t len)
{
	uint32_t align = ring->model->align;
	uint32_t header = nic->model->layout[ring->model->layout[0]].size;

	return (header + len + align - 1) / align * align;
}

static void empty_write(struct nic *nic, struct ring *ring, bool empty)
{
	const struct model_condition *bits = &ring->model->empty;

	if (ring->model->has_empty)
		register_set(nic, bits->ref, (register_get(nic, bits->ref) & ~bits->mask) |
			     (empty ? bits->value : ~bits->value & bits->mask));
}

void bytes_update(struct nic *nic, struct ring *ring)
{
	struct measure of;

	if (measure(nic, ring, &of))
		empty_write(nic, ring, !of.used);
}

void bytes_told(struct nic *nic, struct ring *ring)
{
	if (ring->model->has_empty && condition_holds(nic, &ring->model->empty))
		cause_raise(nic, ring->model->cause[ON_IDLE]);
}

/* Never quite full: that would look like empty. */
bool bytes_fit(struct nic *nic, struct ring *ring, uint32_t len)
{
	struct measure of;

	return measure(nic, ring, &of) && room_of(nic, ring, len) < of.size - of.used;
}

/* @from: of header and frame. Wraps, unless the guest has left room behind the end. */
static void write_wrapped(struct nic *nic, struct ring *ring, uint32_t size, const uint8_t *header,
			  uint32_t headers, const struct incoming *frame)
{
	uint64_t base = ring_base(nic, ring);
	uint32_t here = size - ring->at, n;

	/* aligned, so a header of four bytes or eight never wraps */
	dma_write(nic, base + ring->at, header, headers);
	here -= headers;
	n = frame->total;
	if (n > here && !conditions_any(nic, &ring->model->linear))
		n = here;
	if (n)
		incoming_write(nic, frame, 0, base + ring->at + headers, n);
	if (n < frame->total)
		incoming_write(nic, frame, n, base, frame->total - n);
}

void bytes_receive(struct nic *nic, struct ring *ring, const struct incoming *frame)
{
	const struct model_layout *layout = &nic->model->layout[ring->model->layout[0]];
	uint8_t header[MODEL_DESCRIPTOR + 8] = { 0 };
	struct measure of;

	if (!measure(nic, ring, &of))
		return;
	field_put(layout, FIELD_LENGTH, header, frame->total);
	fields_received(layout, header, frame);
	for (unsigned int i = 0; i < layout->constants; i++)
		field_write(&layout->constant[i], header, layout->constant[i].value);
	write_wrapped(nic, ring, of.size, header, layout->size, frame);
	ring->at = (ring->at + room_of(nic, ring, frame->total)) % of.size;
	register_set(nic, ring->model->head, ring->at);
	empty_write(nic, ring, false);
	cause_raise(nic, ring->model->cause[ON_DONE]);
}

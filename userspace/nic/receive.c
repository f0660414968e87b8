// SPDX-License-Identifier: GPL-2.0-only
/* Frames for the guest: a filter, scripts, and then the guest's buffers, or its ring of bytes. */
#include "nic.h"

#include "module.h"
#include "script.h"

#define BUFFER_DEFAULT 2048

void incoming_copy(const struct incoming *frame, uint32_t from, uint8_t *to, uint32_t len)
{
	uint32_t n = from < frame->len ? frame->len - from : 0;

	n = n < len ? n : len;
	memcpy(to, frame->bytes + from, n);
	if (n < len)
		memcpy(to + n, frame->crc + (from + n - frame->len), len - n);
}

bool incoming_write(struct nic *nic, const struct incoming *frame, uint32_t from, uint64_t at,
		    uint32_t len)
{
	uint32_t n = from < frame->len ? frame->len - from : 0;

	n = n < len ? n : len;
	if (n && !dma_write(nic, at, frame->bytes + from, n))
		return false;
	return n == len ||
	       dma_write(nic, at + n, frame->crc + (from + n - frame->len), len - n);
}

void fields_received(const struct model_layout *layout, uint8_t *bytes,
		     const struct incoming *frame)
{
	field_put(layout, FIELD_UNICAST, bytes, frame->unicast);
	field_put(layout, FIELD_MULTICAST, bytes, frame->multicast);
	field_put(layout, FIELD_BROADCAST, bytes, frame->broadcast);
	field_put(layout, FIELD_HASHED, bytes, frame->hashed);
	field_put(layout, FIELD_VLAN_FOUND, bytes, frame->tagged);
	field_put(layout, FIELD_VLAN_TAG, bytes, frame->tag);
}

/* --- buffers ---------------------------------------------------------------------------------- */

struct buffers {
	const struct model_layout *layout;
	uint64_t base;
	uint32_t at, free, entries; /* `free`: of a queue */
	uint32_t room; /* of each; 0: each says it itself */
};

static bool buffers_find(struct nic *nic, struct ring *ring, struct buffers *buffers)
{
	const struct model_ring *model = ring->model;

	buffers->layout = &nic->model->layout[model->layout[0]];
	buffers->entries = ring_entries(nic, ring, buffers->layout);
	if (!buffers->entries)
		return false;
	buffers->base = ring_base(nic, ring);
	buffers->at = ring->at % buffers->entries;
	buffers->free = buffers->entries;
	buffers->room = field_is(buffers->layout, FIELD_ROOM) ? 0 :
			cases_get(nic, &model->size, BUFFER_DEFAULT);
	if (model->kind == RING_QUEUE) {
		buffers->at = register_get(nic, model->head);
		buffers->free = (register_get(nic, model->tail) + buffers->entries - buffers->at) %
				buffers->entries;
	}
	return true;
}

static uint64_t buffer_at(const struct buffers *buffers, uint32_t i)
{
	return buffers->base + (uint64_t)i * buffers->layout->size;
}

static bool buffer_read(struct nic *nic, struct ring *ring, const struct buffers *buffers,
			uint8_t *bytes)
{
	memset(bytes, 0, MODEL_DESCRIPTOR + 8);
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	if (dma_read(nic, buffer_at(buffers, buffers->at), bytes, buffers->layout->size))
		return true;
	ring_break(nic, ring, "is not in guest memory");
	return false;
}

static void buffer_step(struct buffers *buffers, const uint8_t *bytes)
{
	buffers->at = buffers->at + 1 == buffers->entries ||
		      field_get(buffers->layout, FIELD_WRAP, bytes) ? 0 : buffers->at + 1;
}

static uint32_t buffer_room(const struct buffers *buffers, const uint8_t *bytes)
{
	return buffers->room ? buffers->room : field_get(buffers->layout, FIELD_ROOM, bytes);
}

static bool is_the_devices(const struct model_layout *layout, const uint8_t *bytes)
{
	const struct model_field *own = &layout->field[FIELD_OWN];

	return !own->width || field_read(own, bytes) == own->value;
}

static bool is_null(const struct ring *ring, const struct buffers *buffers, const uint8_t *bytes)
{
	return ring->model->skips_null && !field_get(buffers->layout, FIELD_ADDRESS, bytes);
}

/* Enough of them for @len bytes? Buffers that say what they are have to be looked at. */
static bool buffers_fit(struct nic *nic, struct ring *ring, struct buffers buffers, uint32_t len)
{
	uint8_t bytes[MODEL_DESCRIPTOR + 8];
	uint64_t room = 0;

	if (buffers.room && ring->model->kind == RING_QUEUE && !ring->model->skips_null)
		return (uint64_t)buffers.free * buffers.room >= len;
	for (uint32_t i = 0; i < buffers.free && i < NIC_PARTS && room < len; i++) {
		if (!buffer_read(nic, ring, &buffers, bytes) ||
		    !is_the_devices(buffers.layout, bytes))
			return false;
		room += is_null(ring, &buffers, bytes) ? 0 : buffer_room(&buffers, bytes);
		buffer_step(&buffers, bytes);
	}
	return room >= len;
}

/* One descriptor's: how many bytes went there. */
static uint32_t buffer_fill(struct nic *nic, struct ring *ring, struct buffers *buffers,
			    const struct incoming *frame, uint32_t from, uint8_t *bytes)
{
	const struct model_layout *layout = buffers->layout;
	uint32_t room = buffer_room(buffers, bytes), n = frame->total - from;

	n = n < room ? n : room;
	incoming_write(nic, frame, from, field_get(layout, FIELD_ADDRESS, bytes), n);
	field_put(layout, FIELD_LENGTH, bytes, field_is(layout, FIELD_FIRST) ? frame->total : n);
	field_put(layout, FIELD_FIRST, bytes, !from);
	field_put(layout, FIELD_END, bytes, from + n == frame->total);
	fields_received(layout, bytes, frame);
	descriptor_complete(nic, ring, buffer_at(buffers, buffers->at), layout, bytes);
	return n;
}

/* It is done, and nothing else of it changes. */
static void buffer_skip(struct nic *nic, const struct buffers *buffers, uint8_t *bytes)
{
	field_put(buffers->layout, FIELD_DONE, bytes, 1);
	dma_write(nic, buffer_at(buffers, buffers->at), bytes, buffers->layout->size);
}

/* By those that were used just now, fewer than a part of the ring have become left. */
static bool is_low_now(const struct nic *nic, const struct ring *ring,
		       const struct buffers *buffers, uint32_t used)
{
	uint64_t part = cases_get(nic, &ring->model->low, 0), most;

	if (!part)
		return false;
	most = buffers->entries / part;
	return buffers->free > most && buffers->free - used <= most;
}

static void buffers_receive(struct nic *nic, struct ring *ring, struct buffers *buffers,
			    const struct incoming *frame)
{
	uint8_t bytes[MODEL_DESCRIPTOR + 8];
	uint32_t from = 0, used = 0;

	while (from < frame->total && used < buffers->free && used < NIC_PARTS) {
		if (!buffer_read(nic, ring, buffers, bytes))
			break;
		if (is_null(ring, buffers, bytes))
			buffer_skip(nic, buffers, bytes);
		else
			from += buffer_fill(nic, ring, buffers, frame, from, bytes);
		buffer_step(buffers, bytes);
		used++;
	}
	ring->at = buffers->at;
	if (ring->model->kind == RING_QUEUE)
		register_set(nic, ring->model->head, buffers->at);
	cause_raise(nic, ring->model->cause[ON_DONE] |
		    (used == buffers->free ? ring->model->cause[ON_EMPTY] : 0) |
		    (is_low_now(nic, ring, buffers, used) ? ring->model->cause[ON_LOW] : 0));
}

/* --- which ring, and whether ------------------------------------------------------------------ */

static struct ring *ring_find(struct nic *nic)
{
	for (unsigned int i = 0; i < nic->model->rings; i++) {
		struct ring *ring = &nic->state->ring[i];

		if (ring->model->in && !ring->broken && conditions_hold(nic, &ring->model->enable))
			return ring;
	}
	return NULL;
}

static bool ring_fits(struct nic *nic, struct ring *ring, uint32_t len)
{
	struct buffers buffers;

	if (ring->model->kind == RING_BYTES)
		return bytes_fit(nic, ring, len);
	return buffers_find(nic, ring, &buffers) && buffers_fit(nic, ring, buffers, len);
}

static void ring_receive(struct nic *nic, struct ring *ring, const struct incoming *frame)
{
	struct buffers buffers;

	if (ring->model->kind == RING_BYTES)
		bytes_receive(nic, ring, frame);
	else if (buffers_find(nic, ring, &buffers))
		buffers_receive(nic, ring, &buffers, frame);
}

/* A tag goes into the descriptor: the addresses move up to the type. */
static void tag_strip(struct incoming *frame, uint8_t *bytes)
{
	if (frame->len < 18 || bytes[12] != 0x81 || bytes[13])
		return;
	frame->tagged = true;
	frame->tag = bytes[14] << 8 | bytes[15];
	memmove(bytes + 4, bytes, 12);
	frame->bytes = bytes + 4;
	frame->len -= 4;
}

static uint32_t padded(uint32_t len)
{
	return len < NIC_FRAME_PADDED ? NIC_FRAME_PADDED : len;
}

/* On a wire there is no shorter one, and drivers drop one that is. */
static uint8_t *pad(struct incoming *frame, uint8_t *bytes, uint32_t len)
{
	memcpy(frame->padded, bytes, len);
	memset(frame->padded + len, 0, NIC_FRAME_PADDED - len);
	frame->len = NIC_FRAME_PADDED;
	return frame->padded;
}

static void describe(struct nic *nic, const struct ring *ring, struct incoming *frame,
		     uint8_t *bytes, uint32_t len, enum accepted accepted)
{
	static const uint8_t all[NIC_MAC] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };

	frame->len = len;
	if (len < NIC_FRAME_PADDED)
		bytes = pad(frame, bytes, len);
	frame->bytes = bytes;
	frame->tagged = false;
	frame->tag = 0;
	if (ring->model->strip.n && conditions_hold(nic, &ring->model->strip))
		tag_strip(frame, bytes);
	frame->total = frame->len;
	frame->broadcast = !memcmp(frame->bytes, all, NIC_MAC);
	frame->multicast = frame->bytes[0] & 1 && !frame->broadcast;
	frame->unicast = !(frame->bytes[0] & 1) && accepted == ACCEPTED_ADDRESS;
	frame->hashed = accepted == ACCEPTED_HASH;
	if (ring->model->crc.n && conditions_hold(nic, &ring->model->crc)) {
		little_put(frame->crc, NIC_CRC, crc_of(frame->bytes, frame->len));
		frame->total += NIC_CRC;
	}
}

static enum nic_taken deliver(struct nic *nic, struct ring *ring, uint8_t *bytes, uint32_t len,
			      enum accepted accepted)
{
	uint32_t size = len;
	struct incoming frame;

	if (!script_frame(nic, true, bytes, &len, size) ||
	    !module_frame_in(nic, bytes, &len, size) || len < NIC_FRAME_MIN || len > size) {
		nic->counters.script_dropped++;
		return NIC_DROPPED;
	}
	count_frame(nic, true, bytes, padded(len));
	describe(nic, ring, &frame, bytes, len, accepted);
	ring_receive(nic, ring, &frame);
	return NIC_TAKEN;
}

static enum nic_taken drop(uint64_t *counter)
{
	++*counter;
	return NIC_DROPPED;
}

enum nic_taken nic_receive(struct nic *nic, uint8_t *frame, uint32_t len)
{
	enum accepted accepted;
	enum nic_taken taken;
	struct ring *ring;

	if (!nic->model)
		return NIC_OFF;
	if (len < NIC_FRAME_MIN || len > NIC_FRAME_MAX)
		return drop(&nic->counters.rx_long);
	if (module_receive(nic, frame, len, &taken))
		return taken;
	ring = ring_find(nic);
	if (!ring)
		return NIC_OFF;
	accepted = filter_accepts(nic, frame, len);
	if (!accepted)
		return drop(&nic->counters.rx_filtered);
	if (len > cases_get(nic, &ring->model->limit, NIC_FRAME_MAX))
		return drop(&nic->counters.rx_long);
	if (!ring_fits(nic, ring, padded(len) + NIC_CRC))
		return ring->broken ? NIC_OFF : NIC_FULL;
	return deliver(nic, ring, frame, len, accepted);
}

void nic_overrun(struct nic *nic)
{
	struct ring *ring;

	nic->counters.rx_full++;
	if (!nic->model)
		return;
	count_add(nic, COUNT_RX_FULL, 1);
	ring = ring_find(nic);
	if (ring)
		cause_raise(nic, ring->model->cause[ON_FULL]);
}

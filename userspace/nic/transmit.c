// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the guest sends. A frame is looked at whole, from its first descriptor to the one that ends
 * it, before anything of it is done; then it goes out, and then its descriptors are given back. So
 * between two entry points there is no half of a frame, whatever the guest does meanwhile.
 */
#include "nic.h"

#include "module.h"
#include "script.h"

/* --- where descriptors are -------------------------------------------------------------------- */

void ring_break(struct nic *nic, struct ring *ring, const char *why)
{
	ring->broken = true;
	nic->counters.ring_errors++;
	nic_say(nic, "ring %s %s; it is left alone until the guest programs it anew",
		ring->model->name, why);
}

uint64_t ring_base(const struct nic *nic, const struct ring *ring)
{
	const struct model_ring *model = ring->model;
	uint64_t base = register_get(nic, model->base);

	if (model->base_high.reg >= 0)
		base |= register_get(nic, model->base_high) << 32;
	return base;
}

uint32_t ring_entries(struct nic *nic, struct ring *ring, const struct model_layout *layout)
{
	const struct model_ring *model = ring->model;
	const struct model_register *reg;
	uint64_t entries = MODEL_RING_ENTRIES;

	if (model->kind == RING_SLOTS) {
		reg = &nic->model->reg[model->status.reg];
		return reg->count - model->status.index;
	}
	if (model->length.reg >= 0)
		entries = register_get(nic, model->length) / layout->size;
	if (!entries) /* not programmed yet */
		return 0;
	if (entries > MODEL_RING_ENTRIES) {
		ring_break(nic, ring, "has more than 65536 descriptors");
		return 0;
	}
	if (model->kind == RING_QUEUE && (register_get(nic, model->head) >= entries ||
					  register_get(nic, model->tail) >= entries)) {
		ring_break(nic, ring, "has its head or tail behind its end");
		return 0;
	}
	return entries;
}

static bool layout_matches(const struct model_layout *layout, const uint8_t *bytes)
{
	for (unsigned int i = 0; i < layout->matches; i++)
		if (field_read(&layout->match[i], bytes) != layout->match[i].value)
			return false;
	return true;
}

static const struct model_layout *layout_find(const struct nic *nic, const struct ring *ring,
					      const uint8_t *bytes)
{
	for (unsigned int i = 0; i < ring->model->layouts; i++) {
		const struct model_layout *layout = &nic->model->layout[ring->model->layout[i]];

		if (layout_matches(layout, bytes))
			return layout;
	}
	return NULL;
}

static struct model_ref slot(struct model_ref first, uint32_t i)
{
	return (struct model_ref){ first.reg, first.index + i };
}

static bool is_the_devices(const struct model_layout *layout, const uint8_t *bytes)
{
	const struct model_field *own = &layout->field[FIELD_OWN];

	return !own->width || field_read(own, bytes) == own->value;
}

/* --- giving back ------------------------------------------------------------------------------ */

/* Ownership goes last, behind all that the guest reads then: pairs with the driver's barrier. */
void descriptor_complete(struct nic *nic, const struct ring *ring, uint64_t at,
			 const struct model_layout *layout, uint8_t *bytes)
{
	const struct model_field *last = &layout->field[field_is(layout, FIELD_OWN) ? FIELD_OWN :
							FIELD_DONE];
	unsigned int byte = last->byte + last->shift / 8;
	uint8_t before = bytes[byte];

	for (unsigned int i = 0; i < layout->constants; i++)
		field_write(&layout->constant[i], bytes, layout->constant[i].value);
	field_put(layout, FIELD_DONE, bytes, 1);
	if (field_is(layout, FIELD_OWN))
		field_write(&layout->field[FIELD_OWN], bytes, !layout->field[FIELD_OWN].value);
	if (ring->model->kind == RING_SLOTS) {
		register_set(nic, slot(ring->model->status, at), little_get(bytes, layout->size));
		return;
	}
	if (last->width) {
		uint8_t now = bytes[byte];

		bytes[byte] = before;
		dma_write(nic, at, bytes, layout->size);
		__atomic_thread_fence(__ATOMIC_RELEASE);
		dma_write(nic, at + byte, &now, 1);
		return;
	}
	dma_write(nic, at, bytes, layout->size);
}

static bool wants_report(const struct model_layout *layout, const uint8_t *bytes)
{
	return !field_is(layout, FIELD_REPORT) || field_get(layout, FIELD_REPORT, bytes);
}

/* --- a frame, from its descriptors ------------------------------------------------------------ */

struct walk {
	uint32_t at, tail, entries;
	uint64_t base;
	unsigned int size;
};

static bool walk_begin(struct nic *nic, struct ring *ring, struct walk *walk)
{
	const struct model_layout *layout = &nic->model->layout[ring->model->layout[0]];

	walk->entries = ring_entries(nic, ring, layout);
	if (!walk->entries)
		return false;
	walk->size = layout->size;
	walk->base = ring_base(nic, ring);
	walk->at = ring->at % walk->entries;
	walk->tail = 0;
	if (ring->model->kind == RING_QUEUE) {
		walk->at = register_get(nic, ring->model->head);
		walk->tail = register_get(nic, ring->model->tail);
	}
	return true;
}

/* The next descriptor's bytes; false: there is none. */
static bool walk_read(struct nic *nic, struct ring *ring, const struct walk *walk,
		      uint64_t *at, uint8_t *bytes)
{
	const struct model_ring *model = ring->model;

	memset(bytes, 0, MODEL_DESCRIPTOR + 8);
	if (model->kind == RING_SLOTS) {
		*at = walk->at;
		little_put(bytes, 8, register_get(nic, slot(model->status, walk->at)));
		return true;
	}
	if (model->kind == RING_QUEUE && walk->at == walk->tail)
		return false;
	*at = walk->base + (uint64_t)walk->at * walk->size;
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	if (dma_read(nic, *at, bytes, walk->size))
		return true;
	ring_break(nic, ring, "is not in guest memory");
	return false;
}

static void part_add(struct nic *nic, struct ring *ring, struct outgoing *frame, uint64_t at,
		     const struct model_layout *layout)
{
	const uint8_t *bytes = frame->part[frame->n].bytes;
	uint64_t len = field_get(layout, FIELD_LENGTH, bytes);

	frame->part[frame->n].at = at;
	frame->part[frame->n].layout = layout;
	frame->part[frame->n].address = field_get(layout, FIELD_ADDRESS, bytes);
	if (ring->model->kind == RING_SLOTS)
		frame->part[frame->n].address = register_get(nic, slot(ring->model->address, at));
	if (ring->model->skips_null && !frame->part[frame->n].address)
		len = 0;
	/* More than a frame can have is not added up. */
	frame->bad |= len > NIC_FRAME_MAX + NIC_HEADERS;
	frame->part[frame->n].len = frame->bad ? 0 : len;
	frame->len += frame->part[frame->n].len;
	if (!frame->n)
		frame->layout = layout;
	frame->n++;
}

static void walk_step(struct walk *walk, const struct model_layout *layout, const uint8_t *bytes)
{
	walk->at = walk->at + 1 == walk->entries || field_get(layout, FIELD_WRAP, bytes) ?
		   0 : walk->at + 1;
}

/* 1: there is one in nic->outgoing, and walk->at is behind it; 0: there is none, or not whole. */
static int gather(struct nic *nic, struct ring *ring, struct walk *walk)
{
	struct outgoing *frame = &nic->outgoing;

	frame->n = 0;
	frame->len = 0;
	frame->bad = false;
	for (;;) {
		uint8_t *bytes = frame->part[frame->n].bytes;
		const struct model_layout *layout;
		uint64_t at;

		if (!walk_read(nic, ring, walk, &at, bytes))
			return 0;
		layout = layout_find(nic, ring, bytes);
		if (!layout) {
			ring_break(nic, ring, "has a descriptor of no known kind");
			return 0;
		}
		if (!is_the_devices(layout, bytes) || frame->n >= walk->entries)
			return 0;
		part_add(nic, ring, frame, at, layout);
		walk_step(walk, layout, bytes);
		if (layout->context || !field_is(layout, FIELD_END) ||
		    field_get(layout, FIELD_END, bytes))
			return 1;
		if (frame->n == NIC_PARTS) { /* the rest of it is passed over, too */
			frame->bad = true;
			ring->skipping = true;
			return 1;
		}
	}
}

/* True: something was reported, so there is a cause to interrupt. */
static bool give_back(struct nic *nic, struct ring *ring, const struct walk *walk)
{
	struct outgoing *frame = &nic->outgoing;
	bool reported = false;

	for (unsigned int i = 0; i < frame->n; i++) {
		if (!wants_report(frame->part[i].layout, frame->part[i].bytes))
			continue;
		reported = true;
		descriptor_complete(nic, ring, frame->part[i].at, frame->part[i].layout,
				    frame->part[i].bytes);
	}
	ring->at = walk->at;
	if (ring->model->kind == RING_QUEUE)
		register_set(nic, ring->model->head, walk->at);
	return reported;
}

bool outgoing_copy(struct nic *nic, const struct outgoing *frame, uint64_t from, uint8_t *to,
		   uint32_t len)
{
	for (unsigned int i = 0; i < frame->n && len; i++) {
		uint32_t part = frame->part[i].len, n;

		if (from >= part) {
			from -= part;
			continue;
		}
		n = part - from < len ? part - from : len;
		if (!dma_read(nic, frame->part[i].address + from, to, n))
			return false;
		to += n;
		len -= n;
		from = 0;
	}
	return !len;
}

/* --- out -------------------------------------------------------------------------------------- */

void frame_out(struct nic *nic, uint8_t *room, uint32_t size, uint32_t len)
{
	if (script_frame(nic, false, room, &len, size) && module_frame_out(nic, room, &len, size) &&
	    len >= NIC_FRAME_MIN && len <= size) {
		count_frame(nic, false, room, len);
		nic->ops->frame_send(nic->ctx, room, len);
		return;
	}
	nic->counters.script_dropped++;
	nic->ops->frame_send(nic->ctx, room, 0);
}

bool tag_wanted(const struct nic *nic, const struct ring *ring, const struct outgoing *frame,
		const uint8_t *bytes)
{
	return field_get(frame->layout, FIELD_VLAN_INSERT, bytes) &&
	       conditions_hold(nic, &ring->model->insert);
}

/* 802.1Q: the tag is put in front of the type. */
uint32_t tag_insert(uint8_t *room, uint32_t size, uint32_t len, uint16_t tag)
{
	if (len + 4 > size)
		return len;
	memmove(room + 16, room + 12, len - 12);
	room[12] = 0x81;
	room[13] = 0;
	room[14] = tag >> 8;
	room[15] = tag;
	return len + 4;
}

static void sums_insert(const struct ring *ring, const struct outgoing *frame, uint8_t *room)
{
	const struct context *context = &ring->context[0];
	const uint8_t *last = frame->part[frame->n - 1].bytes, *first = frame->part[0].bytes;
	const struct model_layout *layout = frame->layout;

	if (field_get(layout, FIELD_SUM, last))
		checksum_insert(room, frame->len, field_get(layout, FIELD_SUM_START, first),
				field_get(layout, FIELD_SUM_AT, last), 0);
	if (field_get(layout, FIELD_IP_SUM, first))
		checksum_insert(room, frame->len, context->ip_start, context->ip_at,
				context->ip_end);
	if (field_get(layout, FIELD_L4_SUM, first))
		checksum_insert(room, frame->len, context->l4_start, context->l4_at,
				context->l4_end);
}

/* 1: gone; 0: no room; -1: it can't be */
static int whole_send(struct nic *nic, struct ring *ring, const struct outgoing *frame)
{
	const struct outgoing *all = frame;
	uint64_t most = cases_get(nic, &ring->model->limit, NIC_FRAME_MAX);
	const uint8_t *last = frame->part[frame->n - 1].bytes;
	uint32_t size, len = frame->len;
	uint8_t *room;

	if (frame->len < NIC_FRAME_MIN || frame->len > most)
		return -1;
	room = nic->ops->frame_room(nic->ctx, &size);
	if (!room)
		return 0;
	if (len > size || !outgoing_copy(nic, all, 0, room, len)) {
		nic->ops->frame_send(nic->ctx, room, 0);
		return -1;
	}
	sums_insert(ring, frame, room);
	if (tag_wanted(nic, ring, frame, last))
		len = tag_insert(room, size, len, field_get(frame->layout, FIELD_VLAN_TAG, last));
	if (len < NIC_FRAME_PADDED && size >= NIC_FRAME_PADDED) {
		memset(room + len, 0, NIC_FRAME_PADDED - len);
		len = NIC_FRAME_PADDED;
	}
	frame_out(nic, room, size, len);
	return 1;
}

static void context_take(struct ring *ring, const struct outgoing *frame)
{
	const struct model_layout *layout = frame->layout;
	const uint8_t *bytes = frame->part[0].bytes;
	bool cut = field_get(layout, FIELD_SEGMENT, bytes);

	ring->context[cut] = (struct context){
		.ip_start = field_get(layout, FIELD_IP_START, bytes),
		.ip_at = field_get(layout, FIELD_IP_AT, bytes),
		.ip_end = field_get(layout, FIELD_IP_END, bytes),
		.l4_start = field_get(layout, FIELD_L4_START, bytes),
		.l4_at = field_get(layout, FIELD_L4_AT, bytes),
		.l4_end = field_get(layout, FIELD_L4_END, bytes),
		.segment_size = field_get(layout, FIELD_SEGMENT_SIZE, bytes),
		.header_size = field_get(layout, FIELD_HEADER_SIZE, bytes),
		.payload_size = field_get(layout, FIELD_PAYLOAD_SIZE, bytes),
		.tcp = field_get(layout, FIELD_IS_TCP, bytes),
	};
}

/* As above, and 1 for what is no frame. */
static int send(struct nic *nic, struct ring *ring)
{
	const struct outgoing *frame = &nic->outgoing;
	bool ends = !field_is(frame->layout, FIELD_END) ||
		    field_get(frame->layout, FIELD_END, frame->part[frame->n - 1].bytes);

	if (frame->layout->context) {
		context_take(ring, frame);
		return 1;
	}
	if (ring->skipping) {
		ring->skipping = !ends;
		return frame->bad ? -1 : 1;
	}
	if (frame->bad)
		return -1;
	if (field_get(frame->layout, FIELD_SEGMENT, frame->part[0].bytes))
		return segments_send(nic, ring, frame);
	return whole_send(nic, ring, frame);
}

/* Returns what is left of the budget. */
static unsigned int ring_send(struct nic *nic, struct ring *ring, unsigned int budget)
{
	uint64_t causes = 0;
	struct walk walk;
	bool some = false;

	while (budget && walk_begin(nic, ring, &walk) && gather(nic, ring, &walk)) {
		int sent = send(nic, ring);
		unsigned int cost = nic->outgoing.n + ring->segments;

		if (!sent) {
			nic->waits = true;
			break;
		}
		nic->counters.tx_bad += sent < 0;
		ring->segments = 0;
		if (give_back(nic, ring, &walk))
			causes |= ring->model->cause[ON_DONE];
		some = true;
		budget -= cost < budget ? cost : budget;
	}
	if (some && budget && !nic->waits)
		causes |= ring->model->cause[ON_EMPTY];
	cause_raise(nic, causes);
	return budget;
}

/* --- beginnings ------------------------------------------------------------------------------- */

static void ring_begin(struct nic *nic, struct ring *ring)
{
	const struct model_ring *model = ring->model;

	*ring = (struct ring){ .model = model, .enabled = ring->enabled };
	if (model->kind == RING_BYTES)
		register_set(nic, model->head, 0);
}

void rings_reset(struct nic *nic)
{
	for (unsigned int i = 0; i < nic->model->rings; i++) {
		nic->state->ring[i] = (struct ring){ .model = &nic->model->ring[i] };
		ring_begin(nic, &nic->state->ring[i]);
		if (nic->model->ring[i].kind == RING_BYTES)
			bytes_update(nic, &nic->state->ring[i]);
	}
	nic->kicked = false;
	nic->left = false;
	nic->waits = false;
}

static bool concerns(const struct model_ring *ring, int reg)
{
	return ring->base.reg == reg || ring->base_high.reg == reg || ring->length.reg == reg;
}

void rings_rebase(struct nic *nic, int reg)
{
	for (unsigned int i = 0; i < nic->model->rings; i++) {
		struct ring *ring = &nic->state->ring[i];

		if (concerns(ring->model, reg))
			ring_begin(nic, ring);
		else if (ring->model->head.reg == reg || ring->model->tail.reg == reg)
			ring->broken = false;
		if (ring->model->kind == RING_BYTES && ring->model->tail.reg == reg)
			bytes_told(nic, ring);
	}
}

/* --- running ---------------------------------------------------------------------------------- */

/* One that the guest has just enabled begins at its beginning. */
static bool is_enabled(struct nic *nic, struct ring *ring)
{
	bool enabled = conditions_hold(nic, &ring->model->enable);

	if (enabled && !ring->enabled)
		ring_begin(nic, ring);
	ring->enabled = enabled;
	return enabled;
}

void rings_run(struct nic *nic)
{
	nic->kicked = false;
	nic->left = false;
	nic->waits = false;
	for (unsigned int i = 0; i < nic->model->rings; i++) {
		struct ring *ring = &nic->state->ring[i];
		bool enabled = is_enabled(nic, ring);

		if (ring->model->kind == RING_BYTES)
			bytes_update(nic, ring);
		else if (enabled && !ring->model->in && !ring->broken)
			nic->left |= !ring_send(nic, ring, NIC_BUDGET);
	}
}

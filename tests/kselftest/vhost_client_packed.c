// SPDX-License-Identifier: GPL-2.0-only
/* A packed ring, the driver's side: Virtio 1.2, 2.8. */
#include "vhost_client.h"

#define AVAIL (1 << VRING_PACKED_DESC_F_AVAIL)
#define USED (1 << VRING_PACKED_DESC_F_USED)
#define WRAP (1 << VRING_PACKED_EVENT_F_WRAP_CTR)

static struct vring_packed_desc_event *events(void *at) { return at; }


static uint16_t available(const struct ring *ring)
{
	return ring->avail_wrap ? AVAIL : USED;
}

static void step(uint16_t *at, bool *wrap, const struct ring *ring, unsigned int by)
{
	*at += by;
	if (*at >= ring->num) {
		*at -= ring->num;
		*wrap = !*wrap;
	}
}

/* 2.8.21.1: the first descriptor of a chain becomes available last, and the chain with it. */
static int packed_add(struct ring *ring, const struct part *part, unsigned int outs,
		      unsigned int ins)
{
	unsigned int count = outs + ins ? outs + ins : 1;
	struct vring_packed_desc *desc = ring->desc;
	uint16_t head = ring->next_avail, head_flags = 0, id = ring->free_head;

	for (unsigned int i = 0; i < count; i++) {
		struct vring_packed_desc *at = desc + ring->next_avail;
		uint16_t flags = available(ring) | (i < outs ? 0 : VRING_DESC_F_WRITE);

		if (i + 1 < count)
			flags |= VRING_DESC_F_NEXT;
		if (!(outs + ins))
			flags = available(ring) | VRING_DESC_F_INDIRECT;
		at->addr = memory_guest(ring->memory, part[i].at);
		at->len = part[i].len;
		at->id = id;
		if (i)
			at->flags = flags;
		else
			head_flags = flags;
		step(&ring->next_avail, &ring->avail_wrap, ring, 1);
	}
	__atomic_store_n(&desc[head].flags, head_flags, __ATOMIC_RELEASE);
	ring->free_head = ring->next[id];
	ring->added += count;
	return id;
}

/* 2.8.14: the place of the event is told with the wrap counter it has. */
static bool packed_wants_kick(struct ring *ring)
{
	uint16_t flags = __atomic_load_n(&events(ring->device)->flags, __ATOMIC_RELAXED);
	uint16_t where = __atomic_load_n(&events(ring->device)->off_wrap, __ATOMIC_RELAXED);
	uint16_t event = where & ~WRAP;

	if (flags != VRING_PACKED_EVENT_FLAG_DESC)
		return flags == VRING_PACKED_EVENT_FLAG_ENABLE;
	if (ring->avail_wrap != !!(where & WRAP))
		event -= ring->num;
	return vring_need_event(event, ring->next_avail, ring->next_avail - ring->added);
}

static bool packed_take(struct ring *ring, uint32_t *id, uint32_t *len)
{
	struct vring_packed_desc *desc = (struct vring_packed_desc *)ring->desc + ring->next_used;
	uint16_t flags = __atomic_load_n(&desc->flags, __ATOMIC_ACQUIRE);

	if (!!(flags & AVAIL) != ring->used_wrap || !!(flags & USED) != ring->used_wrap)
		return false;
	*id = desc->id;
	/* 2.8.8: of a chain in which nothing may be written, the length is none. */
	*len = flags & VRING_DESC_F_WRITE ? desc->len : 0;
	if (*id < ring->num)
		step(&ring->next_used, &ring->used_wrap, ring, ring->slot[*id].descs);
	return true;
}

static void packed_release(struct ring *ring, uint16_t id)
{
	ring->next[id] = ring->free_head;
	ring->free_head = id;
}

static void packed_want_calls(struct ring *ring, bool want, unsigned int after)
{
	struct vring_packed_desc_event *event = events(ring->driver);
	uint16_t at = ring->next_used;
	bool wrap = ring->used_wrap;
	uint16_t flags = want ? VRING_PACKED_EVENT_FLAG_ENABLE : VRING_PACKED_EVENT_FLAG_DISABLE;

	if (want && ring->event_idx) {
		step(&at, &wrap, ring, after - 1);
		__atomic_store_n(&event->off_wrap, at | (wrap ? WRAP : 0), __ATOMIC_RELEASE);
		flags = VRING_PACKED_EVENT_FLAG_DESC;
	}
	__atomic_store_n(&event->flags, flags, __ATOMIC_RELEASE);
}

const struct ring_ops packed_ring = {
	.add = packed_add, .wants_kick = packed_wants_kick,
	.take = packed_take, .release = packed_release, .want_calls = packed_want_calls,
};

// SPDX-License-Identifier: GPL-2.0-only
/* A split ring, the driver's side: Virtio 1.2, 2.7. */
#include "vhost_client.h"

static struct vring_avail *avail(const struct ring *ring) { return ring->driver; }
static struct vring_used *used(const struct ring *ring) { return ring->device; }

/* 2.7.6 and 2.7.8: each index that calls for an event stands behind the other side's ring. */
static uint16_t *used_event(const struct ring *ring) { return &avail(ring)->ring[ring->num]; }
static uint16_t *avail_event(const struct ring *ring)
{
	return (void *)&used(ring)->ring[ring->num];
}


/* No parts to read or to write: the only one is a table of indirect descriptors. */
static int split_add(struct ring *ring, const struct part *part, unsigned int outs,
		     unsigned int ins)
{
	unsigned int count = outs + ins ? outs + ins : 1;
	uint16_t head = ring->free_head, at = head;
	struct vring_desc *desc = ring->desc;

	for (unsigned int i = 0; i < count; i++) {
		at = ring->free_head;
		desc[at].addr = memory_guest(ring->memory, part[i].at);
		desc[at].len = part[i].len;
		desc[at].flags = i < outs ? 0 : VRING_DESC_F_WRITE;
		if (i + 1 < count)
			desc[at].flags |= VRING_DESC_F_NEXT;
		desc[at].next = ring->next[at];
		ring->free_head = ring->next[at];
	}
	if (!(outs + ins))
		desc[head].flags = VRING_DESC_F_INDIRECT;
	avail(ring)->ring[ring->next_avail++ % ring->num] = head;
	ring->added++;
	return head;
}

static void split_publish(struct ring *ring)
{
	__atomic_store_n(&avail(ring)->idx, ring->next_avail, __ATOMIC_RELEASE);
}

static bool split_wants_kick(struct ring *ring)
{
	uint16_t event = __atomic_load_n(avail_event(ring), __ATOMIC_RELAXED);

	if (ring->event_idx)
		return vring_need_event(event, ring->next_avail, ring->next_avail - ring->added);
	return !(__atomic_load_n(&used(ring)->flags, __ATOMIC_RELAXED) & VRING_USED_F_NO_NOTIFY);
}

static bool split_take(struct ring *ring, uint32_t *id, uint32_t *len)
{
	struct vring_used_elem *elem = &used(ring)->ring[ring->next_used % ring->num];
	uint16_t idx = __atomic_load_n(&used(ring)->idx, __ATOMIC_ACQUIRE);

	if (idx == ring->next_used)
		return false;
	if ((uint16_t)(idx - ring->next_used) > ring->num) {
		ring_complain(ring, "the used index jumped");
		return false;
	}
	*id = elem->id;
	*len = elem->len;
	ring->next_used++;
	return true;
}

static void split_release(struct ring *ring, uint16_t id)
{
	uint16_t last = id;

	for (unsigned int i = 1; i < ring->slot[id].descs; i++)
		last = ring->next[last];
	ring->next[last] = ring->free_head;
	ring->free_head = id;
}

static void split_want_calls(struct ring *ring, bool want, unsigned int after)
{
	if (ring->event_idx)
		__atomic_store_n(used_event(ring), ring->next_used + (want ? after - 1 : ~0U),
				 __ATOMIC_RELAXED);
	else
		__atomic_store_n(&avail(ring)->flags, want ? 0 : VRING_AVAIL_F_NO_INTERRUPT,
				 __ATOMIC_RELAXED);
}

const struct ring_ops split_ring = {
	.add = split_add, .publish = split_publish, .wants_kick = split_wants_kick,
	.take = split_take, .release = split_release, .want_calls = split_want_calls,
};

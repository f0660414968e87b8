// SPDX-License-Identifier: GPL-2.0-only
/* Split virtqueues (Virtio 1.2, 2.7). Indexes run freely; slots are index & (num - 1). */
#include <stddef.h>

#include "desc.h"
#include "inflight_ring.h"
#include "why.h"

static inline uint16_t *used_event(const struct vring *ring)
{
	return &ring->split_avail->ring[ring->num];
}

static inline uint16_t *avail_event(const struct vring *ring)
{
	return (uint16_t *)&ring->split_used->ring[ring->num];
}

/* --- taking --- */

static int indirect_walk(struct vring *ring, struct vring_chain *chain, const struct desc *to)
{
	unsigned int i = 0, left;
	struct table table;
	uint64_t addr, rest;
	struct desc desc;
	int err = table_open(ring, &table, to);

	for (left = table.entries; !err; left--) {
		if (!left)
			return chain_break(ring, to, "leads to a table whose chain is a loop");
		if (i >= table.entries || !table_read(&table, i, &addr, &rest))
			return chain_break(ring, to, "leads to a chain that leaves its table");
		desc = split_decode(addr, rest);
		if (desc.flags & DESC_INDIRECT)
			return chain_break(ring, to, "leads to a table that leads to another");
		err = chain_add(ring, chain, &desc);
		if (!(desc.flags & DESC_NEXT))
			break;
		i = desc.link;
	}
	return err;
}

/* As many descriptors as the ring has, at most: a longer chain is a loop. */
static inline int chain_walk(struct vring *ring, struct vring_chain *chain, uint16_t head)
{
	uint16_t i = head;

	chain_begin(chain);
	chain->id = head;
	for (unsigned int left = ring->num; left; left--) {
		const struct split_desc *at = &ring->desc[i];
		struct desc desc = split_decode(once64(&at->addr), once64(&at->rest));
		int err;

		if (desc.flags & DESC_INDIRECT)
			return indirect_walk(ring, chain, &desc);
		err = chain_add(ring, chain, &desc);
		if (err || !(desc.flags & DESC_NEXT))
			return err;
		i = desc.link;
		if (i >= ring->num)
			return vring_break(ring, "descriptor %u is next, of %u", i, ring->num);
	}
	return vring_break(ring, "the chain that begins at descriptor %u is a loop", head);
}

/* The driver's index: what is in the ring before it was written before it (2.7.13.3). */
static inline int look(struct vring *ring)
{
	uint16_t idx = le16toh(__atomic_load_n(&ring->split_avail->idx, __ATOMIC_ACQUIRE));
	uint16_t n = idx - ring->avail;

	if (__builtin_expect(n > ring->num, 0))
		return vring_break(ring, "the driver's index jumped to %u, from %u in a ring of %u",
				   idx, ring->avail, ring->num);
	ring->seen = idx;
	return n;
}

static int pop_again(struct vring *ring, struct vring_chain *chain)
{
	int err = chain_walk(ring, chain, ring->again[ring->again_next].entry);

	if (err)
		return err;
	chain->again = true;
	ring->again_next++;
	return 1;
}

int split_pop(struct vring *ring, struct vring_chain *chain)
{
	uint16_t head;
	int err;

	if (__builtin_expect(vring_agains(ring), 0))
		return pop_again(ring, chain);
	if (ring->avail == ring->seen) {
		err = look(ring);
		if (err <= 0)
			return err;
	}
	head = once16(&ring->split_avail->ring[ring->avail & (ring->num - 1)]);
	if (__builtin_expect(head >= ring->num, 0))
		return vring_break(ring, "descriptor %u is available, of %u", head, ring->num);
	err = chain_walk(ring, chain, head);
	if (err)
		return err;
	if (ring->inflight)
		inflight_split_popped(ring, head);
	ring->avail++;
	return 1;
}

void split_unpop(struct vring *ring, const struct vring_chain *chain)
{
	if (chain->again) {
		ring->again_next--;
		return;
	}
	ring->avail--;
	if (ring->inflight)
		inflight_split_unpopped(ring, chain->id);
}

/* --- giving back --- */

void split_push(struct vring *ring, uint16_t id, uint32_t written)
{
	uint16_t slot = (uint16_t)(ring->used + ring->fresh) & (ring->num - 1);
	struct split_used_elem elem = { htole32(id), htole32(written) };

	ring->split_used->ring[slot] = elem;
	ring->fresh++;
	if (ring->inflight)
		inflight_split_pushed(ring, id);
}

/* What lies at [from, from + n) of the used ring, counted from its beginning. */
static void log_used(const struct vring *ring, uint64_t from, uint64_t n)
{
	guest_log_address(ring->guest, ring->log + from, n);
}

static void log_entries(const struct vring *ring)
{
	unsigned int first = ring->used & (ring->num - 1);
	unsigned int n = ring->fresh < ring->num - first ? ring->fresh : ring->num - first;
	const size_t entry = sizeof(struct split_used_elem);

	log_used(ring, offsetof(struct split_used, ring) + first * entry, n * entry);
	log_used(ring, offsetof(struct split_used, ring), (ring->fresh - n) * entry);
}

/* The entries are written before the index that makes them the driver's (2.7.8). */
void split_flush(struct vring *ring)
{
	uint16_t idx = ring->used + ring->fresh;

	__atomic_store_n(&ring->split_used->idx, htole16(idx), __ATOMIC_RELEASE);
	if (ring->inflight)
		inflight_split_flushed(ring, idx);
	if (ring->logs) {
		log_entries(ring);
		log_used(ring, offsetof(struct split_used, idx), sizeof(idx));
	}
	ring->used = idx;
	ring->uncalled += ring->fresh;
	ring->fresh = 0;
}

/* --- notifications (2.7.7, 2.7.10) --- */

bool split_wants_call(struct vring *ring)
{
	uint32_t n = ring->uncalled;

	ring->uncalled = 0;
	/* The index is written before it is read what the driver wants; it does the reverse. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (!ring->event_idx)
		return !(once16(&ring->split_avail->flags) & 1);
	return n > UINT16_MAX ||
	       event_passed(once16(used_event(ring)), ring->used, ring->used - n);
}

static void ask(struct vring *ring, bool want)
{
	uint16_t *at = ring->event_idx ? avail_event(ring) : &ring->split_used->flags;
	uint16_t value = ring->event_idx ? ring->seen : !want;

	__atomic_store_n(at, htole16(value), __ATOMIC_RELAXED);
	if (ring->logs)
		log_used(ring, (uint8_t *)at - (uint8_t *)ring->split_used, sizeof(*at));
}

/*
 * With event indexes, not to ask is enough: the driver kicks when it passes the index that it was
 * told last.
 */
bool split_kicks(struct vring *ring, bool want)
{
	if (ring->event_idx ? want : ring->kicks != want)
		ask(ring, want);
	ring->kicks = want;
	if (!want)
		return false;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return once16(&ring->split_avail->idx) != ring->seen;
}

bool split_waits(const struct vring *ring)
{
	return once16(&ring->split_avail->idx) != ring->avail;
}

/* --- beginning and end --- */

int split_map(struct vring *ring)
{
	uint64_t num = ring->num;

	ring->desc = ring_find(ring, "descriptor table", ring->addr.desc, 16 * num, 16);
	ring->split_avail = ring_find(ring, "available ring", ring->addr.avail, 6 + 2 * num, 2);
	ring->split_used = ring_find(ring, "used ring", ring->addr.used, 6 + 8 * num, 4);
	return ring->desc && ring->split_avail && ring->split_used ? 0 : -EINVAL;
}

/*
 * Where the used ring ends is where the driver goes on. Were this not the base, a predecessor died
 * with chains in its hands, which are available still.
 */
int split_start(struct vring *ring)
{
	int err;

	if (ring->num & (ring->num - 1))
		return uvf_fail(EINVAL, "ring %u has %u descriptors: a split ring must have a power "
				"of two", ring->number, ring->num);
	ring->used = once16(&ring->split_used->idx);
	ring->avail = ring->used;
	err = ring->inflight ? inflight_split_start(ring) : 0;
	ring->seen = ring->avail;
	return err;
}

uint32_t split_stop(struct vring *ring)
{
	return ring->avail;
}

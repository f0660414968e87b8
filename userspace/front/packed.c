// SPDX-License-Identifier: GPL-2.0-only
/*
 * Packed virtqueues (Virtio 1.2, 2.8). A position in the ring is a slot and a wrap counter, which
 * turns when the slot begins anew (2.8.1); the number of slots need not be a power of two.
 */
#include "desc.h"
#include "inflight_ring.h"
#include "why.h"

/* Flags of an event suppression structure (2.8.10). */
#define EVENT_ENABLE 0
#define EVENT_DISABLE 1
#define EVENT_DESC 2

static inline void advance(const struct vring *ring, uint16_t *slot, bool *wrap, uint16_t n)
{
	unsigned int at = *slot + n;

	if (at >= ring->num) {
		at -= ring->num;
		*wrap = !*wrap;
	}
	*slot = at;
}

static inline void retreat(const struct vring *ring, uint16_t *slot, bool *wrap, uint16_t n)
{
	if (*slot < n) {
		*slot += ring->num;
		*wrap = !*wrap;
	}
	*slot -= n;
}

static inline bool is_available(uint16_t flags, bool wrap)
{
	return !!(flags & DESC_AVAIL) == wrap && !!(flags & DESC_USED) != wrap;
}

/* --- taking --- */

/* All entries are used, one behind the other: NEXT has no meaning here (2.8.7). */
static int indirect_walk(struct vring *ring, struct vring_chain *chain, const struct desc *to)
{
	struct table table;
	uint64_t addr, rest;
	struct desc desc;
	int err = table_open(ring, &table, to);

	for (unsigned int i = 0; !err && i < table.entries; i++) {
		if (!table_read(&table, i, &addr, &rest))
			return chain_break(ring, to, "leads to a table that leaves guest memory");
		desc = packed_decode(addr, rest);
		if (desc.flags & DESC_INDIRECT)
			return chain_break(ring, to, "leads to a table that leads to another");
		err = chain_add(ring, chain, &desc);
	}
	return err;
}

/* One descriptor; 1: and there is a next. */
static inline int desc_use(struct vring *ring, struct vring_chain *chain, const struct desc *desc)
{
	int err;

	chain->id = desc->link; /* the last one's counts (2.8.6) */
	if (desc->flags & DESC_INDIRECT) {
		if (chain->descs > 1)
			return chain_break(ring, desc, "is indirect, in the middle of a chain");
		return indirect_walk(ring, chain, desc);
	}
	err = chain_add(ring, chain, desc);
	return err ? err : desc->flags & DESC_NEXT;
}

static inline int chain_walk(struct vring *ring, struct vring_chain *chain, struct desc desc)
{
	uint16_t i = ring->avail;
	int more;

	chain_begin(chain);
	for (;;) {
		const struct packed_desc *at;

		more = desc_use(ring, chain, &desc);
		if (more <= 0)
			return more;
		if (chain->descs == ring->num)
			return vring_break(ring, "a chain has more than all %u descriptors",
					   ring->num);
		if (++i == ring->num)
			i = 0;
		chain->descs++;
		at = &ring->slots[i];
		desc = packed_decode(once64(&at->addr), once64(&at->rest));
	}
}

/* From the in-flight region: the ring's slots may have been written over since. */
static int pop_again(struct vring *ring, struct vring_chain *chain)
{
	uint16_t first = ring->again[ring->again_next].entry, entry = first;
	int more;

	chain_begin(chain);
	for (;;) {
		struct desc desc;

		if (!inflight_packed_read(ring, &entry, &desc))
			return vring_break(ring, "the in-flight region was damaged");
		more = desc_use(ring, chain, &desc);
		if (more < 0)
			return more;
		if (!more)
			break;
		if (chain->descs++ == ring->num)
			return vring_break(ring, "the in-flight region was damaged: a loop");
	}
	chain->again = true;
	ring->entry_of[chain->id] = first;
	ring->again_next++;
	return 1;
}

/* The driver writes a chain's first flags last, and so makes all of it available (2.8.21). */
int packed_pop(struct vring *ring, struct vring_chain *chain)
{
	const struct packed_desc *at = &ring->slots[ring->avail];
	uint64_t rest;
	int err;

	if (__builtin_expect(vring_agains(ring), 0))
		return pop_again(ring, chain);
	rest = le64toh(__atomic_load_n(&at->rest, __ATOMIC_ACQUIRE));
	if (!is_available(rest >> 48, ring->avail_wrap))
		return 0;
	err = chain_walk(ring, chain, packed_decode(once64(&at->addr), rest));
	if (!err && ring->inflight)
		err = inflight_packed_popped(ring, chain);
	if (err)
		return err;
	advance(ring, &ring->avail, &ring->avail_wrap, chain->descs);
	ring->ahead -= ring->ahead < chain->descs ? ring->ahead : chain->descs;
	return 1;
}

void packed_unpop(struct vring *ring, const struct vring_chain *chain)
{
	if (chain->again) {
		ring->again_next--;
		return;
	}
	retreat(ring, &ring->avail, &ring->avail_wrap, chain->descs);
	ring->ahead += chain->descs;
	if (ring->inflight)
		inflight_packed_unpopped(ring, chain->id);
}

/* --- giving back --- */

void packed_push(struct vring *ring, uint16_t id, uint16_t descs, uint32_t written)
{
	if (ring->fresh == ring->num) /* as many as there can be: one was pushed twice */
		return;
	ring->pushed[ring->fresh++] = (struct vring_pushed){ id, descs, written };
}

/* WRITE tells whether the length is valid (2.8.4). */
static inline uint64_t used_rest(const struct vring_pushed *pushed, bool wrap)
{
	uint16_t flags = (wrap ? DESC_AVAIL | DESC_USED : 0) | (pushed->written ? DESC_WRITE : 0);

	return (uint64_t)flags << 48 | (uint64_t)pushed->id << 32 | pushed->written;
}

static void log_slot(struct vring *ring, const struct packed_desc *slot)
{
	guest_log_written(ring->guest, slot, sizeof(*slot));
}

/* All but the first, which makes the others visible: the driver looks at one after the other. */
static uint32_t slots_write(struct vring *ring, uint16_t *slot, bool *wrap)
{
	uint32_t slots = 0;

	for (uint16_t i = 0; i < ring->fresh; i++) {
		const struct vring_pushed *pushed = &ring->pushed[i];
		struct packed_desc *at = &ring->slots[*slot];

		if (i)
			__atomic_store_n(&at->rest, htole64(used_rest(pushed, *wrap)),
					 __ATOMIC_RELAXED);
		if (ring->logs)
			log_slot(ring, at);
		advance(ring, slot, wrap, pushed->descs);
		slots += pushed->descs;
	}
	return slots;
}

/* Where the ring will stand: the region knows it before the slots do. */
static void flushing(struct vring *ring)
{
	uint16_t slot = ring->used;
	bool wrap = ring->used_wrap;

	for (uint16_t i = 0; i < ring->fresh; i++)
		advance(ring, &slot, &wrap, ring->pushed[i].descs);
	inflight_packed_flushing(ring, slot, wrap);
}

void packed_flush(struct vring *ring)
{
	struct packed_desc *first = &ring->slots[ring->used];
	uint64_t rest = used_rest(&ring->pushed[0], ring->used_wrap);
	uint16_t slot = ring->used;
	bool wrap = ring->used_wrap;

	if (ring->inflight)
		flushing(ring);
	ring->uncalled += slots_write(ring, &slot, &wrap);
	__atomic_store_n(&first->rest, htole64(rest), __ATOMIC_RELEASE);
	if (ring->logs)
		log_slot(ring, first);
	if (ring->inflight)
		inflight_packed_flushed(ring);
	ring->used = slot;
	ring->used_wrap = wrap;
	ring->fresh = 0;
}

/* --- notifications (2.8.10) --- */

/* Offset and flags belong together: one load. */
static void event_read(const struct packed_event *at, uint16_t *off_wrap, uint16_t *flags)
{
	uint32_t both = le32toh(__atomic_load_n((const uint32_t *)at, __ATOMIC_RELAXED));

	*off_wrap = both;
	*flags = both >> 16;
}

bool packed_wants_call(struct vring *ring)
{
	uint32_t n = ring->uncalled;
	uint16_t off_wrap, flags, event;

	ring->uncalled = 0;
	/* As in a split ring: written first, then read what the driver wants. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	event_read(ring->driver, &off_wrap, &flags);
	if (flags != EVENT_DESC || !ring->event_idx)
		return flags != EVENT_DISABLE;
	event = off_wrap & 0x7fff;
	if (off_wrap >> 15 != ring->used_wrap)
		event -= ring->num;
	return n >= ring->num || event_passed(event, ring->used, ring->used - n);
}

static void ask(struct vring *ring, uint16_t off_wrap, uint16_t flags)
{
	uint32_t both = (uint32_t)flags << 16 | off_wrap;

	__atomic_store_n((uint32_t *)ring->device, htole32(both), __ATOMIC_RELAXED);
	if (ring->logs)
		guest_log_address(ring->guest, ring->log, sizeof(both));
}

/* The first slot that was not seen to be available: behind those that were unpopped, too. */
bool packed_kicks(struct vring *ring, bool want)
{
	uint16_t slot = ring->avail;
	bool wrap = ring->avail_wrap;

	advance(ring, &slot, &wrap, ring->ahead);
	if (want && ring->event_idx)
		ask(ring, slot | wrap << 15, EVENT_DESC);
	else if (ring->kicks != want)
		ask(ring, 0, want ? EVENT_ENABLE : EVENT_DISABLE);
	ring->kicks = want;
	if (!want)
		return false;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return is_available(once16(&ring->slots[slot].flags), wrap);
}

bool packed_waits(const struct vring *ring)
{
	return is_available(once16(&ring->slots[ring->avail].flags), ring->avail_wrap);
}

/* --- beginning and end --- */

int packed_map(struct vring *ring)
{
	ring->slots = ring_find(ring, "descriptor ring", ring->addr.desc, 16ULL * ring->num, 16);
	ring->driver = ring_find(ring, "driver event suppression", ring->addr.avail, 4, 4);
	ring->device = ring_find(ring, "device event suppression", ring->addr.used, 4, 4);
	return ring->slots && ring->driver && ring->device ? 0 : -EINVAL;
}

/*
 * The base says in its low half where to take from, and in its high one, which some front-ends
 * leave zero, where to give back to. Without chains in flight, both are the same.
 */
int packed_start(struct vring *ring)
{
	ring->avail = ring->base & 0x7fff;
	ring->avail_wrap = ring->base >> 15 & 1;
	if (ring->avail >= ring->num)
		return uvf_fail(EINVAL, "ring %u can't begin at slot %u of %u", ring->number,
				ring->avail, ring->num);
	ring->used = ring->avail;
	ring->used_wrap = ring->avail_wrap;
	return ring->inflight ? inflight_packed_start(ring) : 0;
}

uint32_t packed_stop(struct vring *ring)
{
	return ring->avail | (uint32_t)ring->avail_wrap << 15 | (uint32_t)ring->used << 16 |
	       (uint32_t)ring->used_wrap << 31;
}

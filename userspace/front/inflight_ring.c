// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a ring writes down, and finds. Every store is a release, so that none overtakes another,
 * neither by the compiler nor on its way to memory.
 */
#include "inflight_ring.h"

#include <stdlib.h>

#include "why.h"

#define put(to, value) __atomic_store_n(&(to), value, __ATOMIC_RELEASE)
#define get(from) __atomic_load_n(&(from), __ATOMIC_ACQUIRE)

static int by_counter(const void *a, const void *b)
{
	const struct vring_again *x = a, *y = b;

	return x->counter < y->counter ? -1 : x->counter > y->counter;
}

static void again_add(struct vring *ring, uint64_t counter, uint16_t entry)
{
	ring->again[ring->agains++] = (struct vring_again){ counter, entry };
}

static void again_sort(struct vring *ring)
{
	qsort(ring->again, ring->agains, sizeof(*ring->again), by_counter);
	ring->counter = ring->agains ? ring->again[ring->agains - 1].counter + 1 : 0;
}

void inflight_forget(struct vring *ring)
{
	if (ring->is_packed)
		put(ring->in_packed->version, 0);
	else
		put(ring->in_split->version, 0);
}

static int version_check(const struct vring *ring, uint16_t version)
{
	if (version <= INFLIGHT_VERSION)
		return 0;
	return uvf_fail(EINVAL, "the in-flight region of ring %u has version %u, which is not "
			"known here: reset the device", ring->number, version);
}

/* --- split --- */

void inflight_split_popped(struct vring *ring, uint16_t head)
{
	struct inflight_split_desc *desc = &ring->in_split->desc[head];

	put(desc->counter, ring->counter++);
	put(desc->inflight, 1);
}

void inflight_split_unpopped(struct vring *ring, uint16_t head)
{
	ring->counter--;
	put(ring->in_split->desc[head].inflight, 0);
}

void inflight_split_pushed(struct vring *ring, uint16_t head)
{
	struct inflight_split *region = ring->in_split;

	put(region->desc[head].next, get(region->last_batch_head));
	put(region->last_batch_head, head);
}

static void batch_clear(const struct vring *ring, uint16_t n)
{
	struct inflight_split *region = ring->in_split;
	uint16_t i = get(region->last_batch_head);

	for (; n && i < ring->num; n--) {
		put(region->desc[i].inflight, 0);
		i = get(region->desc[i].next);
	}
}

void inflight_split_flushed(struct vring *ring, uint16_t idx)
{
	batch_clear(ring, ring->fresh);
	put(ring->in_split->used_idx, idx);
}

static void split_init(struct vring *ring)
{
	struct inflight_split *region = ring->in_split;

	memset(region->desc, 0, ring->num * sizeof(*region->desc));
	region->features = 0;
	region->num = ring->num;
	region->last_batch_head = 0;
	region->used_idx = ring->used;
	put(region->version, INFLIGHT_VERSION);
}

static void split_collect(struct vring *ring)
{
	const struct inflight_split_desc *desc = ring->in_split->desc;

	for (uint16_t i = 0; i < ring->num; i++)
		if (get(desc[i].inflight))
			again_add(ring, get(desc[i].counter), i);
	again_sort(ring);
}

/* What is in flight was available. */
static bool split_fits(const struct vring *ring)
{
	return ring->agains <= (uint16_t)(once16(&ring->split_avail->idx) - ring->used);
}

/*
 * A region that does not fit its ring is from another life of it: the driver has been reset while
 * nobody was there to see it. It is begun anew then.
 */
int inflight_split_start(struct vring *ring)
{
	struct inflight_split *region = ring->in_split;
	uint16_t version = get(region->version);
	uint16_t batch = ring->used - get(region->used_idx);
	int err = version_check(ring, version);

	if (err)
		return err;
	if (version && get(region->num) == ring->num && batch <= ring->num) {
		batch_clear(ring, batch);
		put(region->used_idx, ring->used);
		split_collect(ring);
	}
	if (!version || get(region->num) != ring->num || batch > ring->num || !split_fits(ring)) {
		ring->agains = 0;
		split_init(ring);
	}
	ring->avail = ring->used + ring->agains;
	return 0;
}

/* --- packed --- */

static void heads_put(struct inflight_packed *region, uint16_t free, uint16_t old_free)
{
	const union inflight_heads heads = { .free = free, .old_free = old_free };

	put(region->heads.both, heads.both);
}

static void used_put(struct inflight_packed *region, uint16_t idx, bool wrap, uint16_t old_idx,
		     bool old_wrap)
{
	const union inflight_used used = {
		.idx = idx, .wrap = wrap, .old_idx = old_idx, .old_wrap = old_wrap,
	};

	put(region->used.all, used.all);
}

static void desc_put(struct inflight_packed_desc *to, const struct packed_desc *from, uint16_t id,
		     bool last)
{
	uint64_t rest = once64(&from->rest);

	put(to->addr, once64(&from->addr));
	put(to->len, (uint32_t)rest);
	put(to->id, id);
	put(to->flags, (uint16_t)((rest >> 48 & ~DESC_NEXT) | (last ? 0 : DESC_NEXT)));
}

/* Takes an entry of the free list for each slot, without unlinking them: the heads do that. */
int inflight_packed_popped(struct vring *ring, const struct vring_chain *chain)
{
	struct inflight_packed *region = ring->in_packed;
	uint16_t head = get(region->heads.free), next = head, entry = head;
	uint16_t slot = ring->avail;

	for (uint16_t i = 1; i <= chain->descs; i++) {
		if (next >= ring->num)
			return vring_break(ring, "the in-flight region was damaged: it is full");
		entry = next;
		desc_put(&region->desc[entry], &ring->slots[slot], chain->id, i == chain->descs);
		next = get(region->desc[entry].next);
		if (++slot == ring->num)
			slot = 0;
	}
	put(region->desc[head].num, chain->descs);
	put(region->desc[head].last, entry);
	put(region->desc[head].counter, ring->counter++);
	put(region->desc[head].inflight, 1);
	heads_put(region, next, next);
	ring->entry_of[chain->id] = head;
	return 0;
}

/* Puts the entries of the chain that begins with @head before @free; the new beginning. */
static uint16_t entries_free(const struct vring *ring, uint16_t head, uint16_t free)
{
	struct inflight_packed_desc *desc = ring->in_packed->desc;
	uint16_t last = get(desc[head].last);

	if (last >= ring->num)
		return free;
	put(desc[last].next, free);
	return head;
}

void inflight_packed_unpopped(struct vring *ring, uint16_t id)
{
	struct inflight_packed *region = ring->in_packed;
	uint16_t head = ring->entry_of[id];
	uint16_t free = entries_free(ring, head, get(region->heads.free));

	heads_put(region, free, free);
	put(region->desc[head].inflight, 0);
	ring->counter--;
}

bool inflight_packed_read(const struct vring *ring, uint16_t *entry, struct desc *desc)
{
	const struct inflight_packed_desc *at = &ring->in_packed->desc[*entry];

	if (*entry >= ring->num)
		return false;
	*desc = (struct desc){ get(at->addr), get(at->len), get(at->flags), get(at->id) };
	*entry = get(at->next);
	return true;
}

void inflight_packed_flushing(struct vring *ring, uint16_t used, bool wrap)
{
	struct inflight_packed *region = ring->in_packed;
	uint16_t old = get(region->heads.old_free), free = old;

	for (uint16_t i = 0; i < ring->fresh; i++)
		free = entries_free(ring, ring->entry_of[ring->pushed[i].id], free);
	heads_put(region, free, old);
	used_put(region, used, wrap, ring->used, ring->used_wrap);
}

static void used_settle(struct inflight_packed *region)
{
	union inflight_heads heads = { .both = get(region->heads.both) };
	union inflight_used used = { .all = get(region->used.all) };

	heads_put(region, heads.free, heads.free);
	used_put(region, used.idx, used.wrap, used.idx, used.wrap);
}

void inflight_packed_flushed(struct vring *ring)
{
	struct inflight_packed *region = ring->in_packed;

	for (uint16_t i = 0; i < ring->fresh; i++)
		put(region->desc[ring->entry_of[ring->pushed[i].id]].inflight, 0);
	used_settle(region);
}

static void packed_init(struct vring *ring)
{
	struct inflight_packed *region = ring->in_packed;

	memset(region->desc, 0, ring->num * sizeof(*region->desc));
	for (uint16_t i = 0; i < ring->num; i++)
		region->desc[i].next = i + 1;
	region->features = 0;
	region->num = ring->num;
	heads_put(region, 0, 0);
	used_put(region, ring->used, ring->used_wrap, ring->used, ring->used_wrap);
	put(region->version, INFLIGHT_VERSION);
}

/*
 * Takes a flush back that made nothing visible. Slots behind its first may look used already: the
 * driver must not come across them when something else is flushed there.
 */
static void used_undo(const struct vring *ring, const union inflight_used *used)
{
	uint16_t slot = used->old_idx;
	bool wrap = used->old_wrap;

	for (uint16_t i = 0; i < ring->num && (slot != used->idx || wrap != used->wrap); i++) {
		put(ring->slots[slot].flags, htole16(wrap ? DESC_AVAIL : DESC_USED));
		if (++slot == ring->num) {
			slot = 0;
			wrap = !wrap;
		}
	}
}

static bool is_under_way(const union inflight_used *used)
{
	return used->idx != used->old_idx || used->wrap != used->old_wrap;
}

/* The driver was not told of it: the slot at the old index is still available. */
static bool is_secret(const struct vring *ring, const union inflight_used *used)
{
	uint16_t flags = once16(&ring->slots[used->old_idx].flags);

	return !!(flags & DESC_AVAIL) == used->old_wrap && !!(flags & DESC_USED) != used->old_wrap;
}

/* Brings a flush that was under way to one of its ends, and says so in @used as well. */
static void used_decide(const struct vring *ring, union inflight_used *used)
{
	struct inflight_packed *region = ring->in_packed;
	uint16_t old = get(region->heads.old_free);

	if (is_under_way(used) && !is_secret(ring, used)) {
		used_settle(region);
		used->old_idx = used->idx;
		used->old_wrap = used->wrap;
		return;
	}
	used_undo(ring, used);
	used->idx = used->old_idx;
	used->wrap = used->old_wrap;
	used_put(region, used->idx, used->wrap, used->idx, used->wrap);
	heads_put(region, old, old); /* last, as the first of used_settle() */
}

static void free_clear(const struct vring *ring)
{
	struct inflight_packed *region = ring->in_packed;
	uint16_t i = get(region->heads.free);

	for (uint16_t n = 0; n < ring->num && i < ring->num; n++) {
		put(region->desc[i].inflight, 0);
		i = get(region->desc[i].next);
	}
}

/* Returns how many slots they have, or more than there are. */
static uint32_t packed_collect(struct vring *ring)
{
	const struct inflight_packed_desc *desc = ring->in_packed->desc;
	uint32_t slots = 0;

	for (uint16_t i = 0; i < ring->num; i++)
		if (get(desc[i].inflight)) {
			uint16_t num = get(desc[i].num);

			slots += num ? num : ring->num + 1;
			again_add(ring, get(desc[i].counter), i);
		}
	again_sort(ring);
	return slots;
}

/* What is in flight was available, and what is used next is what has been longest so. */
static bool packed_fits(const struct vring *ring, const union inflight_used *used, uint32_t slots)
{
	return !slots || (slots <= ring->num && is_secret(ring, used));
}

/* False: the region does not fit the ring. */
static bool packed_recover(struct vring *ring)
{
	union inflight_used used = { .all = get(ring->in_packed->used.all) };
	uint32_t slots;

	if (used.idx >= ring->num || used.old_idx >= ring->num || used.wrap > 1 ||
	    used.old_wrap > 1)
		return false;
	used_decide(ring, &used);
	free_clear(ring);
	slots = packed_collect(ring);
	if (!packed_fits(ring, &used, slots))
		return false;
	ring->used = used.idx;
	ring->used_wrap = used.wrap;
	slots += ring->used;
	ring->avail = slots < ring->num ? slots : slots - ring->num;
	ring->avail_wrap = ring->used_wrap ^ (slots >= ring->num);
	return true;
}

int inflight_packed_start(struct vring *ring)
{
	const struct inflight_packed *region = ring->in_packed;
	uint16_t version = get(region->version);
	int err = version_check(ring, version);

	if (err || (version && get(region->num) == ring->num && packed_recover(ring)))
		return err;
	ring->agains = 0;
	packed_init(ring);
	return 0;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where the way without a copy begins and ends: what a predecessor had lent is found again, and
 * what is lent is given back before a ring stops or guest memory goes.
 */
#include "shim.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "why.h"

/* --- the in-flight region --------------------------------------------------------------------- */

static bool is_same(const struct shim_kept *kept, const struct vring *ring)
{
	return kept->used && kept->num == ring->num && kept->packed == ring->is_packed &&
	       kept->addr.desc == ring->addr.desc && kept->addr.used == ring->addr.used &&
	       kept->addr.avail == ring->addr.avail;
}

/* A guest that has set up another ring meanwhile has nothing in flight. */
int shim_track(struct lane *lane)
{
	struct front *front = lane->front;
	struct shim *shim = shim_of(lane);
	struct vring *ring = &lane->ring;

	/* Of a split ring that is copied the used index tells all (vring.h). */
	if ((!front->mapped && !ring->is_packed) || ring->num > SHIM_RING_MAX)
		return 0;
	if (!is_same(shim->kept, ring)) {
		shim_untrack(lane);
		shim->kept->num = ring->num;
		shim->kept->packed = ring->is_packed;
		shim->kept->addr = ring->addr;
		__atomic_store_n(&shim->kept->used, 1, __ATOMIC_RELEASE);
	}
	if (front->inflight.map)
		return 0;
	if (inflight_size(ring->is_packed, ring->num) > sizeof(shim->kept->inflight))
		return uvf_fail(E2BIG, "a ring of %u is too large to be tracked", ring->num);
	return vring_set_inflight(ring, shim->kept->inflight,
				  sizeof(shim->kept->inflight));
}

void shim_untrack(struct lane *lane)
{
	struct shim_kept *kept = shim_of(lane)->kept;

	if (!lane->front->inflight.map)
		vring_set_inflight(&lane->ring, NULL, 0);
	__atomic_store_n(&kept->used, 0, __ATOMIC_RELEASE);
	memset(kept->entry, 0, sizeof(kept->entry));
	memset(kept->inflight, 0, sizeof(kept->inflight));
}

/* --- beginning -------------------------------------------------------------------------------- */

/* Behind the index of the kernel's ring: written to the table, but not yet to the ring. */
static bool is_published(const struct lent_entry *entry, uint32_t index)
{
	return entry->order - index >= SHIM_RING_MAX + BURST;
}

/* It is with the kernel: an entry of its tx ring belongs to it again. */
static void stay(struct lane *lane, const struct vring_chain *chain)
{
	struct shim *shim = shim_of(lane);
	struct lent_entry *entry = &shim->lent.entry[chain->id];

	entry->popped = 0;
	if (lane_receives(lane))
		return;
	shim->sending[entry->order % SHIM_SENDING].id = chain->id;
	shim->sending[entry->order % SHIM_SENDING].descs = chain->descs;
	if ((int32_t)(entry->order - shim->taken) < 0)
		shim->taken = entry->order;
}

/*
 * What the dead one had popped, in its order. Whatever of it the kernel has, or has taken, stays
 * so; with the rest @anew begins again. Marks in @found what was in flight.
 */
static int resume(struct lane *lane, uint32_t index, bool *found,
		  void (*anew)(struct lane *lane, const struct vring_chain *chain))
{
	static struct vring_chain chain;
	struct lent *lent = &shim_of(lane)->lent;

	while (vring_agains(&lane->ring)) {
		int got = vring_pop(&lane->ring, &chain);

		if (got <= 0)
			return got;
		if (chain.id < lent->num)
			found[chain.id] = true;
		if (lent_has(lent, chain.id) && is_published(&lent->entry[chain.id], index)) {
			stay(lane, &chain);
			continue;
		}
		if (lent_has(lent, chain.id))
			lent_remove(lent, chain.id);
		anew(lane, &chain);
	}
	return 0;
}

/* Entries of chains that the driver has back. How many there are. */
static unsigned int stale(const struct lent *lent, const bool *found)
{
	unsigned int n = 0;

	for (uint16_t id = 0; id < lent->num; id++)
		n += lent->entry[id].addr && !found[id];
	return n;
}

static bool is_stale(const struct lent *lent, const bool *found, uint64_t addr)
{
	uint16_t id = lent_find(lent, addr);

	return id != LENT_NONE && !found[id];
}

/* They were made used, and the kernel's ring was not told yet: there they are the first. */
static void stale_take(struct lane *lane, const bool *found)
{
	struct lent *lent = &shim_of(lane)->lent;
	struct uvf_frame frame;

	while (uvf_dev__peek(lane->queue->dev, &frame, 1) && is_stale(lent, found, frame.addr)) {
		uvf_dev__take(lane->queue->dev, 1);
		lent_remove(lent, lent_find(lent, frame.addr));
	}
}

static void stale_remove(struct lent *lent, const bool *found)
{
	for (uint16_t id = 0; id < lent->num; id++)
		if (lent->entry[id].addr && !found[id])
			lent_remove(lent, id);
}

/* The last batch may be told already, in full: then its entries are all that is left of it. */
static int start(struct lane *lane, uint32_t index,
		 void (*anew)(struct lane *lane, const struct vring_chain *chain))
{
	struct shim *shim = shim_of(lane);
	bool found[SHIM_RING_MAX] = { false };
	int err;

	if (!lane->front->mapped)
		return uvf_fail(ENOTSUP, "%s", lane->front->unmapped_why);
	if (lane->ring.num > SHIM_RING_MAX)
		return uvf_fail(E2BIG, "the ring has %u entries, and up to %d go without a copy",
				lane->ring.num, SHIM_RING_MAX);
	shim->own = shim->done = 0;
	shim->taken = lane->queue->dev ? uvf_dev__tx_taken(lane->queue->dev) : 0;
	memset(shim->sending, 0xff, sizeof(shim->sending));
	err = lent_open(&shim->lent, shim->kept->entry, lane->ring.num, lane_receives(lane));
	if (err)
		return err;
	err = resume(lane, index, found, anew);
	if (err) {
		lent_close(&shim->lent);
		return err;
	}
	if (lane_receives(lane) && lane->queue->dev)
		stale_take(lane, found);
	if (lane_receives(lane) && stale(&shim->lent, found) > BURST)
		function_quiesce(lane->front);
	stale_remove(&shim->lent, found);
	vring_kicks(&lane->ring, false);
	return 0;
}

static void receive_anew(struct lane *lane, const struct vring_chain *chain)
{
	struct uvf_dev *dev = lane->queue->dev;
	uint64_t addr;

	if (!shim_lend(lane, chain, &addr)) {
		vring_push(&lane->ring, chain->id, chain->descs, 0);
		return;
	}
	lent_add(&shim_of(lane)->lent, chain->id, &(struct lent_entry){
		.addr = addr,
		.order = uvf_dev__lend_index(dev),
		.descs = chain->descs,
	});
	uvf_dev__lend(dev, &addr, 1);
}

/* Before anything else is sent. What finds no room is lost, as on a wire. */
static void send_anew(struct lane *lane, const struct vring_chain *chain)
{
	struct uvf_dev *dev = lane->queue->dev;
	struct uvf_frame frame;

	if (shim_frame(lane, chain, &frame)) {
		shim_sending(lane, chain, &frame, uvf_dev__tx_index(dev));
		if (uvf_dev__tx(dev, &frame, 1))
			return;
		if (lent_has(&shim_of(lane)->lent, chain->id))
			lent_remove(&shim_of(lane)->lent, chain->id);
	}
	vring_push(&lane->ring, chain->id, chain->descs, 0);
}

int shim_receive_start(struct lane *lane)
{
	return start(lane, lane->queue->dev ? uvf_dev__lend_index(lane->queue->dev) : 0,
		     receive_anew);
}

int shim_send_start(struct lane *lane)
{
	return start(lane, lane->queue->dev ? uvf_dev__tx_index(lane->queue->dev) : 0, send_anew);
}

/* --- ending ----------------------------------------------------------------------------------- */

static const struct lent *sorted;

static int last_popped_first(const void *a, const void *b)
{
	uint64_t one = sorted->entry[*(const uint16_t *)a].popped;
	uint64_t other = sorted->entry[*(const uint16_t *)b].popped;

	return one < other ? 1 : one > other ? -1 : 0;
}

static unsigned int lent_ids(const struct lent *lent, uint16_t *ids)
{
	unsigned int n = 0;

	for (uint16_t id = 0; id < lent->num; id++)
		if (lent->entry[id].addr)
			ids[n++] = id;
	sorted = lent;
	qsort(ids, n, sizeof(*ids), last_popped_first);
	return n;
}

/*
 * To the driver as if they had never been taken, as far as no later one was used; the others as
 * used, with nothing in them. What was to be sent was sent, or is lost with the sockets.
 */
static void give_back(struct lane *lane)
{
	struct lent *lent = &shim_of(lane)->lent;
	uint16_t ids[SHIM_RING_MAX];
	unsigned int n = lent_ids(lent, ids);

	for (unsigned int i = 0; i < n; i++) {
		struct taken taken = { .id = ids[i], .descs = lent->entry[ids[i]].descs };

		if (lane_receives(lane) && lent->entry[ids[i]].popped == lane->ring.stats.popped)
			lane_unpop(lane, &taken);
		else
			vring_push(&lane->ring, ids[i], taken.descs, 0);
		lent_remove(lent, ids[i]);
	}
	vring_flush(&lane->ring);
}

#define LAST_LOOKS 64 /* bursts: more than the rings hold; others may come all the time */

/* The last look at what came, then no socket is left that could write to the guest's memory. */
void shim_stop(struct lane *lane)
{
	struct shim *shim = shim_of(lane);
	unsigned int looks = lane->queue->dev && !lane->ring.broken ? LAST_LOOKS : 0;

	while (looks-- && (lane_receives(lane) ? shim_deliver(lane) : shim_complete(lane)) > 0)
		;
	if (shim->lent.count || shim->own)
		function_quiesce(lane->front);
	shim->own = 0;
	give_back(lane);
	lent_close(&shim->lent);
	lane->waits = false;
}

void shim_again(struct lane *lane)
{
	struct lent *lent = &shim_of(lane)->lent;
	uint64_t addr;

	shim_of(lane)->own = 0;
	if (!lane_receives(lane)) {
		give_back(lane);
		shim_of(lane)->taken = uvf_dev__tx_index(lane->queue->dev);
		return;
	}
	for (uint16_t id = 0; id < lent->num; id++) {
		addr = lent->entry[id].addr;
		if (!addr)
			continue;
		lent->entry[id].order = uvf_dev__lend_index(lane->queue->dev);
		uvf_dev__lend(lane->queue->dev, &addr, 1);
	}
}

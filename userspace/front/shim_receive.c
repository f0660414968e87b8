// SPDX-License-Identifier: GPL-2.0-only
/* Receiving without a copy: the kernel writes into a guest's buffer; see shim.h. */
#include "shim.h"

#include <string.h>

#include <linux/virtio_config.h>

/*
 * The order is what a successor relies on: the driver has them, the kernel's ring is told, and then
 * the table forgets them.
 */
static void settle(struct lane *lane, unsigned int n)
{
	struct shim *shim = shim_of(lane);

	if (!n)
		return;
	vring_flush(&lane->ring);
	uvf_dev__take(lane->queue->dev, n);
	while (shim->done)
		lent_remove(&shim->lent, shim->ids[--shim->done]);
	vring_call(&lane->ring);
}

static void header_write(struct lane *lane, uint8_t *at, uint32_t len)
{
	const struct virtio_net_hdr_mrg_rxbuf header = { .num_buffers = htole16(1) };
	uint32_t size = lane->front->header;

	memcpy(at, &header, size);
	guest_log(&lane->front->guest, at, size + len);
}

static uint8_t *pointer(const struct front *front, uint64_t addr)
{
	for (unsigned int i = 0; i < front->memories; i++)
		if (addr - front->memory[i].at < front->memory[i].size)
			return front->memory_at[i] + (addr - front->memory[i].at);
	return NULL;
}

/*
 * What no entry leads to is a predecessor's, which the driver has already; and what it left in the
 * table is not believed to be in guest memory.
 */
static void deliver_lent(struct lane *lane, const struct uvf_frame *frame)
{
	struct shim *shim = shim_of(lane);
	uint16_t id = lent_find(&shim->lent, frame->addr);
	uint8_t *at = pointer(lane->front, frame->addr - lane->front->header);

	if (id == LENT_NONE || !at)
		return;
	header_write(lane, at, frame->len);
	vring_push(&lane->ring, id, shim->lent.entry[id].descs, lane->front->header + frame->len);
	shim->ids[shim->done++] = id;
	shim_count(lane, frame->len);
}

/* A ring that is disabled: "the back-end must process the ring without causing any side effects" */
static void relend(struct lane *lane, const struct uvf_frame *frames, unsigned int n)
{
	struct shim *shim = shim_of(lane);
	uint64_t addrs[BURST];
	unsigned int lent = 0;

	uvf_dev__take(lane->queue->dev, n);
	for (unsigned int i = 0; i < n; i++) {
		uint16_t id = lent_find(&shim->lent, frames[i].addr);

		lane->count->dropped++;
		if (shim_is_own(lane, frames[i].addr)) {
			uvf__free(lane->queue->uvf, &frames[i], 1);
			shim->own -= shim->own > 0; /* it may be a predecessor's */
		} else if (id != LENT_NONE) {
			shim->lent.entry[id].order = uvf_dev__lend_index(lane->queue->dev) + lent;
			addrs[lent++] = frames[i].addr;
		}
	}
	uvf_dev__lend(lane->queue->dev, addrs, lent);
}

/* Own frames are free when the kernel's ring was told that they are taken. */
static void own_free(struct lane *lane, const struct uvf_frame *frames, unsigned int n)
{
	struct shim *shim = shim_of(lane);

	for (unsigned int i = 0; i < n; i++)
		if (shim_is_own(lane, frames[i].addr)) {
			uvf__free(lane->queue->uvf, &frames[i], 1);
			shim->own -= shim->own > 0;
		}
}

int shim_deliver(struct lane *lane)
{
	struct uvf_frame frames[BURST];
	unsigned int n = uvf_dev__peek(lane->queue->dev, frames, BURST), i;
	int got = 1;

	if (n && !lane->ring.enabled) {
		relend(lane, frames, n);
		return n;
	}
	for (i = 0; i < n && got >= 0; i++) {
		if (!shim_is_own(lane, frames[i].addr)) {
			deliver_lent(lane, &frames[i]);
			continue;
		}
		got = copy_deliver(lane, &frames[i]);
		lane->count->dropped += !got;
	}
	settle(lane, i);
	own_free(lane, frames, i);
	return got < 0 ? got : (int)i;
}

/* One part that has room for header and frame, and is not with the kernel yet. */
bool shim_lend(struct lane *lane, const struct vring_chain *chain, uint64_t *addr)
{
	const struct front *front = lane->front;
	struct lent *lent = &shim_of(lane)->lent;
	const struct vring_part *part = &chain->part[0];
	uint64_t at;

	if (chain->outs || !chain->ins || part->len < front->header + front->frame_max ||
	    !lent_can(lent, chain->id))
		return false;
	at = shim_addr(front, part->at);
	if (!at || lent_find(lent, at + front->header) != LENT_NONE)
		return false;
	*addr = at + front->header;
	return true;
}

/* For buffers of no use: as many frames of our own as may come before the guest has seen one. */
static void own_lend(struct lane *lane)
{
	struct shim *shim = shim_of(lane);
	struct uvf_frame frames[SHIM_OWN];
	uint64_t addrs[SHIM_OWN];
	unsigned int n;

	n = uvf__alloc(lane->queue->uvf, frames, SHIM_OWN - shim->own);
	for (unsigned int i = 0; i < n; i++)
		addrs[i] = frames[i].addr;
	shim->own += uvf_dev__lend(lane->queue->dev, addrs, n);
}

/* 1: there was a burst, there may be more; 0: no more; negative: the ring is broken. */
static int lend_burst(struct lane *lane)
{
	static struct vring_chain chain;
	struct lent *lent = &shim_of(lane)->lent;
	uint32_t index = uvf_dev__lend_index(lane->queue->dev);
	uint64_t addrs[BURST];
	unsigned int n = 0;
	int got = 1;

	while (n < BURST && (got = vring_pop(&lane->ring, &chain)) > 0) {
		if (!shim_lend(lane, &chain, &addrs[n])) {
			vring_unpop(&lane->ring, &chain);
			own_lend(lane);
			got = 0;
			break;
		}
		lent_add(lent, chain.id, &(struct lent_entry){
			.addr = addrs[n],
			.order = index + n,
			.descs = chain.descs,
			.popped = lane->ring.stats.popped,
		});
		n++;
	}
	uvf_dev__lend(lane->queue->dev, addrs, n);
	return got;
}

/* The fill ring has 2048 entries: more than SHIM_RING_MAX and SHIM_OWN. */
static int lend(struct lane *lane)
{
	const struct lent *lent = &shim_of(lane)->lent;
	int got = 1;

	while (got > 0 && lent->count < lane->ring.num)
		got = lend_burst(lane);
	/* Those that are of no use until a frame has come, a kick would not change. */
	lane->waits = lent->count < lane->ring.num && !shim_of(lane)->own;
	return got;
}

static int receive(struct lane *lane)
{
	int delivered = shim_deliver(lane);
	int got = delivered < 0 ? 0 : lend(lane);

	return got < 0 ? got : delivered;
}

/* With some buffers lent, the guest need not tell of more: frames wake us in time. */
static bool receive_rest(struct lane *lane)
{
	if (shim_of(lane)->lent.count >= lane->ring.num / 4)
		return false;
	return vring_kicks(&lane->ring, true) && lane->waits;
}

const struct datapath shim_receive = {
	.name = "shim",
	.start = shim_receive_start,
	.stop = shim_stop,
	.run = receive,
	.rest = receive_rest,
	.wake = shim_wake,
};

// SPDX-License-Identifier: GPL-2.0-only
/* Frames on their way without a copy; see shim.h. */
#include "shim.h"

#include <string.h>

#include <linux/if_ether.h>
#include <linux/virtio_config.h>

static inline struct shim *shim_of(const struct lane *lane)
{
	return lane->state;
}

uint64_t shim_addr(const struct front *front, const uint8_t *at)
{
	for (unsigned int i = 0; i < front->memories; i++)
		if ((uint64_t)(at - front->memory_at[i]) < front->memory[i].size)
			return front->memory[i].at + (at - front->memory_at[i]);
	return 0;
}

static bool is_own(const struct lane *lane, uint64_t addr)
{
	return addr < lane->front->memory[0].at;
}

/*
 * The order is what a successor relies on: the driver has them, the kernel's ring is told, and then
 * the table forgets them.
 */
static void settle(struct lane *lane, void (*take)(struct uvf_dev *dev, unsigned int n),
		   unsigned int n)
{
	struct shim *shim = shim_of(lane);

	if (!n)
		return;
	vring_flush(&lane->ring);
	take(lane->queue->dev, n);
	while (shim->done)
		lent_remove(&shim->lent, shim->ids[--shim->done]);
	vring_call(&lane->ring);
}

/* --- receive: the kernel wrote into a guest's buffer ------------------------------------------ */

static void header_write(struct lane *lane, uint8_t *data, uint32_t len)
{
	const struct virtio_net_hdr_mrg_rxbuf header = { .num_buffers = htole16(1) };
	uint32_t size = lane->front->header;

	memcpy(data - size, &header, size);
	guest_log(&lane->front->guest, data - size, size + len);
}

static uint8_t *pointer(const struct front *front, uint64_t addr)
{
	for (unsigned int i = 0; i < front->memories; i++)
		if (addr - front->memory[i].at < front->memory[i].size)
			return front->memory_at[i] + (addr - front->memory[i].at);
	return NULL;
}

static void count(struct lane *lane, uint32_t len)
{
	lane->count->frames++;
	lane->count->bytes += len;
}

/* What no entry leads to is a predecessor's, which the driver has already. */
static void deliver_lent(struct lane *lane, const struct uvf_frame *frame)
{
	struct shim *shim = shim_of(lane);
	uint16_t id = lent_find(&shim->lent, frame->addr);

	if (id == LENT_NONE)
		return;
	header_write(lane, pointer(lane->front, frame->addr), frame->len);
	vring_push(&lane->ring, id, shim->lent.entry[id].descs, lane->front->header + frame->len);
	shim->ids[shim->done++] = id;
	count(lane, frame->len);
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
		if (is_own(lane, frames[i].addr)) {
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
		if (is_own(lane, frames[i].addr)) {
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
		if (!is_own(lane, frames[i].addr)) {
			deliver_lent(lane, &frames[i]);
			continue;
		}
		got = copy_deliver(lane, &frames[i]);
		lane->count->dropped += !got;
	}
	settle(lane, uvf_dev__take, i);
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

static void wake(struct lane *lane)
{
	vring_kicks(&lane->ring, false);
}

const struct datapath shim_receive = {
	.name = "shim",
	.start = shim_receive_start,
	.stop = shim_stop,
	.run = receive,
	.rest = receive_rest,
	.wake = wake,
};

/* --- send: the kernel reads from a guest's buffer --------------------------------------------- */

/* What the kernel says of frames that have left concerns frames of our own alone. */
static void own_reap(struct lane *lane)
{
	uint64_t addrs[BURST];
	unsigned int n;

	while ((n = uvf_dev__done(lane->queue->dev, addrs, BURST)))
		uvf_dev__take_done(lane->queue->dev, n);
}

static void used(struct lane *lane)
{
	struct shim *shim = shim_of(lane);

	vring_flush(&lane->ring);
	while (shim->done)
		lent_remove(&shim->lent, shim->ids[--shim->done]);
}

/*
 * The kernel takes a frame out of its ring when it has copied it: the guest has its buffers back in
 * the order in which it gave them, and at once, however long frames are on their way.
 */
int shim_complete(struct lane *lane)
{
	struct shim *shim = shim_of(lane);
	uint32_t n = uvf_dev__tx_taken(lane->queue->dev) - shim->taken;

	own_reap(lane);
	if (!n || n > SHIM_SENDING)
		return 0;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t at = shim->taken++ % SHIM_SENDING;
		uint16_t id = shim->sending[at].id;

		vring_push(&lane->ring, id, shim->sending[at].descs, 0);
		if (lent_has(&shim->lent, id))
			shim->ids[shim->done++] = id;
		if (shim->done == BURST)
			used(lane);
	}
	used(lane);
	vring_call(&lane->ring);
	return n;
}

/* The frame in one part, alone or behind the header. */
static const uint8_t *frame_in(const struct lane *lane, const struct vring_chain *chain)
{
	uint32_t header = lane->front->header;

	if (chain->outs == 1)
		return chain->part[0].at + header;
	if (chain->outs == 2 && chain->part[0].len == header)
		return chain->part[1].at;
	return NULL;
}

bool shim_frame(struct lane *lane, const struct vring_chain *chain, struct uvf_frame *frame)
{
	const uint8_t *data = frame_in(lane, chain);

	frame->len = chain->out_len - lane->front->header;
	frame->options = 0;
	frame->addr = data ? shim_addr(lane->front, data) : 0;
	if (frame->addr)
		return true;
	if (!uvf__alloc(lane->queue->uvf, frame, 1))
		return false;
	frame->len = chain->out_len - lane->front->header;
	copy_read(lane, chain, frame);
	lane->count->copied += frame->len;
	return true;
}

void shim_sending(struct lane *lane, const struct vring_chain *chain,
		  const struct uvf_frame *frame, uint32_t index)
{
	struct shim *shim = shim_of(lane);

	shim->sending[index % SHIM_SENDING].id = chain->id;
	shim->sending[index % SHIM_SENDING].descs = chain->descs;
	if (lent_can(&shim->lent, chain->id))
		lent_add(&shim->lent, chain->id, &(struct lent_entry){
			.addr = frame->addr,
			.order = index,
			.descs = chain->descs,
			.popped = lane->ring.stats.popped,
		});
}

struct sending {
	struct uvf_frame frame[BURST];
	struct taken taken[BURST];
	unsigned int n;
};

static bool is_frame(const struct lane *lane, const struct vring_chain *chain)
{
	uint32_t header = lane->front->header;

	return chain->outs && chain->out_len >= header + ETH_HLEN &&
	       chain->out_len <= header + lane->front->frame_max;
}

/* 1: it is in @sending; 0: there is no frame to copy it to now; -1: it is none. */
static int chain_take(struct lane *lane, const struct vring_chain *chain, struct sending *sending,
		      uint32_t index)
{
	struct uvf_frame *frame = &sending->frame[sending->n];

	if (!lane->ring.enabled || !is_frame(lane, chain))
		return -1;
	if (!shim_frame(lane, chain, frame))
		return 0;
	shim_sending(lane, chain, frame, index + sending->n);
	sending->taken[sending->n++] = (struct taken){ chain->id, chain->descs, chain->again };
	return 1;
}

static void drop(struct lane *lane, const struct vring_chain *chain)
{
	vring_push(&lane->ring, chain->id, chain->descs, 0);
	lane->count->dropped++;
}

/* Until there are no more, or no room. One that is no frame ends it: it is in @odd then, and 1. */
static int sending_pop(struct lane *lane, struct sending *sending, struct vring_chain *odd)
{
	uint32_t index = uvf_dev__tx_index(lane->queue->dev);
	int got = 0, taken;

	sending->n = 0;
	lane->waits = false;
	while (sending->n < BURST && (got = vring_pop(&lane->ring, odd)) > 0) {
		taken = chain_take(lane, odd, sending, index);
		if (taken < 0)
			return 1;
		if (!taken) {
			vring_unpop(&lane->ring, odd);
			lane->waits = true;
			return 0;
		}
	}
	return got < 0 ? got : 0;
}

/* The function has no room for it: it stays in the guest's ring. */
static void unsend(struct lane *lane, const struct sending *sending, unsigned int from)
{
	struct lent *lent = &shim_of(lane)->lent;

	for (unsigned int i = sending->n; i > from; i--) {
		const struct uvf_frame *frame = &sending->frame[i - 1];

		if (is_own(lane, frame->addr))
			uvf__free(lane->queue->uvf, frame, 1);
		if (lent_has(lent, sending->taken[i - 1].id))
			lent_remove(lent, sending->taken[i - 1].id);
		lane_unpop(lane, &sending->taken[i - 1]);
	}
}

/* How many the kernel's ring had room for. It is told again of those that it has. */
static unsigned int sending_send(struct lane *lane, const struct sending *sending)
{
	unsigned int n = uvf_dev__tx(lane->queue->dev, sending->frame, sending->n);

	for (unsigned int i = 0; i < n; i++)
		count(lane, sending->frame[i].len);
	if (n < sending->n) {
		lane->count->full += !lane->waits;
		lane->waits = true;
	}
	return n;
}

static bool all_taken(const struct lane *lane)
{
	return shim_of(lane)->taken == uvf_dev__tx_index(lane->queue->dev);
}

/* Behind those in front of it: buffers go back in order. 1: it is dropped. */
static int odd_drop(struct lane *lane, const struct vring_chain *odd)
{
	if (!all_taken(lane)) {
		vring_unpop(&lane->ring, odd);
		return 0;
	}
	drop(lane, odd);
	vring_flush(&lane->ring);
	vring_call(&lane->ring);
	return 1;
}

static int send(struct lane *lane)
{
	static struct vring_chain odd;
	struct sending sending;
	int got = sending_pop(lane, &sending, &odd);
	unsigned int n = 0, done;

	if (sending.n || !all_taken(lane))
		n = sending_send(lane, &sending);
	if (got > 0 && n < sending.n) {
		vring_unpop(&lane->ring, &odd);
		got = 0;
	}
	unsend(lane, &sending, n);
	done = shim_complete(lane);
	if (got > 0)
		done += odd_drop(lane, &odd);
	return got < 0 ? got : (int)(n + done);
}

/* The kernel tells nobody when it can go on. */
static bool send_rest(struct lane *lane)
{
	bool later = lane->waits || !all_taken(lane);

	if (later)
		loop_hurry(lane->front);
	return vring_kicks(&lane->ring, true) && !later;
}

const struct datapath shim_send = {
	.name = "shim",
	.start = shim_send_start,
	.stop = shim_stop,
	.run = send,
	.rest = send_rest,
	.wake = wake,
};

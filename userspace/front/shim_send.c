// SPDX-License-Identifier: GPL-2.0-only
/* Sending without a copy: the kernel reads from a guest's buffer; see shim.h. */
#include "shim.h"

#include <linux/if_ether.h>

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

		if (shim_is_own(lane, frame->addr))
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
		shim_count(lane, sending->frame[i].len);
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
	.wake = shim_wake,
};

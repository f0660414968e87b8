// SPDX-License-Identifier: GPL-2.0-only
/*
 * The data path that copies each frame once: between frames of libuvf, which the kernel reads and
 * writes, and buffers of the guest.
 *
 * Nothing is lost when the process dies here. Received frames are freed when the guest has them
 * (vring_flush()), so that a successor receives again what it does not have; buffers that the
 * guest sent are given back when the kernel has the frame (uvf_dev__tx()). What was under way
 * between these two steps comes twice.
 */
#include "front.h"

#include <string.h>

#include <linux/if_ether.h>
#include <linux/virtio_config.h>

/* Where a frame is spread over several chains of small buffers (VIRTIO_NET_F_MRG_RXBUF) */
#define MERGED 64

/* --- receive: function to guest --------------------------------------------------------------- */

/* What a frame is written to: chains, or the first of them alone. */
static struct merged {
	struct vring_chain chain[MERGED];
	unsigned int chains;
	uint64_t room;
} merged; /* one thread; too large for the stack */

/* Where the next byte goes. */
struct cursor {
	struct guest *guest;
	const struct vring_part *part;
	unsigned int parts;
	uint32_t at;
};

static void cursor_write(struct cursor *to, const void *from, uint32_t len)
{
	while (len && to->parts) {
		uint32_t room = to->part->len - to->at, n = len < room ? len : room;

		memcpy(to->part->at + to->at, from, n);
		guest_log(to->guest, to->part->at + to->at, n);
		from = (const char *)from + n;
		len -= n;
		to->at += n;
		if (to->at == to->part->len) {
			to->part++;
			to->parts--;
			to->at = 0;
		}
	}
}

/* The next chain has nothing to do with the one before: a cursor for each. */
static uint32_t chain_write(struct guest *guest, const struct vring_chain *chain,
			    const struct virtio_net_hdr_mrg_rxbuf *header, uint32_t header_size,
			    const uint8_t *data, uint32_t len)
{
	struct cursor to = { guest, chain->part + chain->outs, chain->ins, 0 };
	uint32_t room = chain->in_len - header_size;
	uint32_t n = len < room ? len : room;

	if (header_size)
		cursor_write(&to, header, header_size);
	cursor_write(&to, data, n);
	return n;
}

/* 1: enough chains for @need bytes; 0: there are not enough now; -1: they never will be. */
static int chains_pop(struct lane *lane, uint64_t need)
{
	unsigned int most = front_has(lane->front, VIRTIO_NET_F_MRG_RXBUF) ? MERGED : 1;

	merged.chains = 0;
	merged.room = 0;
	while (merged.room < need) {
		struct vring_chain *chain = &merged.chain[merged.chains];
		int got;

		if (merged.chains == most)
			return -1;
		got = vring_pop(&lane->ring, chain);
		if (got <= 0)
			return got;
		merged.chains++;
		merged.room += chain->in_len;
	}
	return merged.chain[0].in_len < lane->front->header ? -1 : 1;
}

static void chains_unpop(struct lane *lane)
{
	while (merged.chains)
		vring_unpop(&lane->ring, &merged.chain[--merged.chains]);
}

/* Virtio 1.2, 5.1.6.4.1: the header is in the first buffer, and tells how many there are. */
static void frame_write(struct lane *lane, const struct uvf_frame *frame)
{
	const struct virtio_net_hdr_mrg_rxbuf header = { .num_buffers = htole16(merged.chains) };
	const uint8_t *data = uvf__data(lane->queue->uvf, frame);
	uint32_t header_size = lane->front->header, len = frame->len;

	for (unsigned int i = 0; i < merged.chains; i++) {
		const struct vring_chain *chain = &merged.chain[i];
		uint32_t n = chain_write(&lane->front->guest, chain, &header, header_size, data,
					 len);

		vring_push(&lane->ring, chain->id, chain->descs, header_size + n);
		data += n;
		len -= n;
		header_size = 0;
	}
	lane->count->frames++;
	lane->count->bytes += frame->len;
	lane->count->copied += frame->len;
}

/* 1: the guest has it, or never will; 0: it has no buffers; negative: it broke the rules. */
int copy_deliver(struct lane *lane, const struct uvf_frame *frame)
{
	int got = chains_pop(lane, (uint64_t)lane->front->header + frame->len);

	if (got > 0) {
		frame_write(lane, frame);
		return 1;
	}
	chains_unpop(lane);
	if (lane->ring.broken)
		return -1;
	if (got < 0)
		lane->count->dropped++;
	return -got;
}

static int receive(struct lane *lane)
{
	unsigned int n = lane->ring.enabled ? function_receive(lane) : 0, done = 0;
	int got = 1;

	if (n > BURST)
		n = BURST;
	while (done < n && (got = copy_deliver(lane, &lane->frame[lane->first + done])) > 0)
		done++;
	if (done) {
		vring_flush(&lane->ring);
		uvf__free(lane->queue->uvf, lane->frame + lane->first, done);
		vring_call(&lane->ring);
		lane->first += done;
		lane->frames -= done;
	}
	if (!got && !lane->waits)
		lane->count->waits++;
	lane->waits = !got;
	return got < 0 ? got : (int)done;
}

/* What was held is received again when there is somebody to have it. */
static void receive_stop(struct lane *lane)
{
	lane->waits = false;
}

static int start(struct lane *lane)
{
	vring_kicks(&lane->ring, false);
	return 0;
}

static bool receive_rest(struct lane *lane)
{
	return lane->waits && vring_kicks(&lane->ring, true);
}

static void wake(struct lane *lane)
{
	vring_kicks(&lane->ring, false);
}

const struct datapath copy_receive = {
	.name = "copy",
	.start = start,
	.stop = receive_stop,
	.run = receive,
	.rest = receive_rest,
	.wake = wake,
};

/* --- send: guest to function ------------------------------------------------------------------ */

struct batch {
	struct uvf_frame frame[BURST];
	struct taken taken[BURST];
	unsigned int n;
};

void copy_read(const struct lane *lane, const struct vring_chain *chain,
	       const struct uvf_frame *frame)
{
	uint8_t *to = uvf__data(lane->queue->uvf, frame);
	uint32_t skip = lane->front->header;

	for (unsigned int i = 0; i < chain->outs; i++) {
		const struct vring_part *part = &chain->part[i];

		if (skip >= part->len) {
			skip -= part->len;
			continue;
		}
		memcpy(to, part->at + skip, part->len - skip);
		to += part->len - skip;
		skip = 0;
	}
}

/* No feature was offered that would give the header a meaning (Virtio 1.2, 5.1.6.2). */
static bool is_frame(const struct lane *lane, const struct vring_chain *chain,
		     const struct uvf_frame *frame)
{
	uint64_t len = chain->out_len - lane->front->header;

	return chain->outs && chain->out_len >= lane->front->header + ETH_HLEN &&
	       len <= uvf__room(lane->queue->uvf, frame);
}

static void chain_drop(struct lane *lane, const struct vring_chain *chain)
{
	vring_push(&lane->ring, chain->id, chain->descs, 0);
	lane->count->dropped++;
}

/* Up to a batch. One that is no frame, or is not to be sent, ends it: it is in @odd then. */
static int batch_pop(struct lane *lane, struct batch *batch, struct vring_chain *odd)
{
	int got = 0;

	while (batch->n < lane->frames && (got = vring_pop(&lane->ring, odd)) > 0) {
		struct uvf_frame *frame = &batch->frame[batch->n];

		*frame = lane->frame[lane->frames - 1 - batch->n];
		if (!lane->ring.enabled || !is_frame(lane, odd, frame))
			return 1;
		frame->len = odd->out_len - lane->front->header;
		copy_read(lane, odd, frame);
		batch->taken[batch->n++] = (struct taken){ odd->id, odd->descs, odd->again };
	}
	return got < 0 ? got : 0;
}

static void batch_count(struct lane *lane, const struct batch *batch, unsigned int sent)
{
	uint64_t bytes = 0;

	for (unsigned int i = 0; i < sent; i++) {
		vring_push(&lane->ring, batch->taken[i].id, batch->taken[i].descs, 0);
		bytes += batch->frame[i].len;
	}
	lane->count->frames += sent;
	lane->count->bytes += bytes;
	lane->count->copied += bytes;
}

/* The function has no room: the guest's buffers wait in its ring, where it sees that. */
static void batch_unpop(struct lane *lane, const struct batch *batch, unsigned int from)
{
	for (unsigned int i = batch->n; i > from; i--)
		lane_unpop(lane, &batch->taken[i - 1]);
}

/* Spare frames are taken from the end: those that were not sent are spare as they are. */
static unsigned int batch_send(struct lane *lane, const struct batch *batch)
{
	unsigned int sent = batch->n ? uvf_dev__tx(lane->queue->dev, batch->frame, batch->n) : 0;

	lane->frames -= sent;
	return sent;
}

static void spare_frames(struct lane *lane)
{
	lane->frames += uvf__alloc(lane->queue->uvf, lane->frame + lane->frames,
				   BURST - lane->frames);
}

static int send(struct lane *lane)
{
	static struct vring_chain odd;
	struct batch batch;
	unsigned int sent;
	int got;

	spare_frames(lane);
	batch.n = 0;
	got = batch_pop(lane, &batch, &odd);
	sent = batch_send(lane, &batch);
	if (got > 0 && sent < batch.n) {
		vring_unpop(&lane->ring, &odd);
		got = 0;
	}
	batch_unpop(lane, &batch, sent);
	/* In the order they came: a successor goes on behind the last that was used. */
	batch_count(lane, &batch, sent);
	if (got > 0)
		chain_drop(lane, &odd);
	vring_flush(&lane->ring);
	vring_call(&lane->ring);
	if (sent < batch.n || !lane->frames) {
		lane->count->full += !lane->waits;
		lane->waits = true;
	} else {
		lane->waits = false;
	}
	return got < 0 ? got : (int)(sent + got);
}

static void send_stop(struct lane *lane)
{
	uvf__free(lane->queue->uvf, lane->frame, lane->frames);
	lane->frames = 0;
	lane->waits = false;
}

/* That a function has room again, no descriptor of its tells. */
static bool send_rest(struct lane *lane)
{
	if (lane->waits)
		loop_hurry(lane->front);
	return vring_kicks(&lane->ring, true) && !lane->waits;
}

const struct datapath copy_send = {
	.name = "copy",
	.start = start,
	.stop = send_stop,
	.run = send,
	.rest = send_rest,
	.wake = wake,
};

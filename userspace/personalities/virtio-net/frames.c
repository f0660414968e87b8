// SPDX-License-Identifier: GPL-2.0-only
/* Frames between the rings and the function: Virtio 1.2, 5.1.6. Each is copied once. */
#include "virtio.h"

#include <string.h>

/* --- out -------------------------------------------------------------------------------------- */

/* What the driver sends, without the header; 0: it does not fit, or is none. */
static uint32_t chain_read(const struct vring_chain *chain, uint8_t *room, uint32_t size)
{
	uint32_t skip = HEADER, len = 0;

	if (chain->out_len < HEADER + 14 || chain->out_len - HEADER > size)
		return 0;
	for (unsigned int i = 0; i < chain->outs; i++) {
		const struct vring_part *part = &chain->part[i];
		uint32_t from = part->len < skip ? part->len : skip;

		memcpy(room + len, part->at + from, part->len - from);
		len += part->len - from;
		skip -= from;
	}
	return len;
}

/* 1: gone, or dropped; 0: there is nothing to send, or no room */
static int frame_send(struct virtio *virtio, struct queue *queue)
{
	struct vring_chain *chain = &virtio->chain[0];
	int got = vring_pop(&queue->ring, chain);
	uint32_t size, len;
	uint8_t *room;

	if (got <= 0) {
		if (got < 0)
			device_break(virtio, queue);
		return 0;
	}
	room = virtio->ops->room(virtio->nic, &size);
	if (!room) {
		vring_unpop(&queue->ring, chain);
		return 0;
	}
	len = chain_read(chain, room, size);
	if (!len)
		virtio->ops->fault(virtio->nic, 0);
	virtio->ops->send(virtio->nic, room, len);
	vring_push(&queue->ring, chain->id, chain->descs, 0);
	return 1;
}

static bool runs(const struct virtio *virtio, const struct queue *queue)
{
	return queue->kept->enabled && virtio->kept->status & STATUS_DRIVER_OK &&
	       !(virtio->kept->status & STATUS_NEEDS_RESET);
}

bool frames_send(struct virtio *virtio)
{
	struct queue *queue = &virtio->queue[QUEUE_TX];
	unsigned int n = 0;

	if (!runs(virtio, queue) || !queue_found(virtio, queue))
		return false;
	while (n < BURST && frame_send(virtio, queue))
		n++;
	vring_flush(&queue->ring);
	queue_interrupt(virtio, queue);
	if (n == BURST)
		return true;
	return vring_kicks(&queue->ring, true) && n;
}

/* --- in --------------------------------------------------------------------------------------- */

static void chains_unpop(struct virtio *virtio, struct queue *queue, unsigned int n)
{
	while (n--)
		vring_unpop(&queue->ring, &virtio->chain[n]);
}

/* How many chains have @len bytes; 0: there are not enough; -1: the ring is broken. */
static int chains_take(struct virtio *virtio, struct queue *queue, uint32_t len)
{
	unsigned int most = has(virtio, F_MRG_RXBUF) ? CHAINS : 1, n = 0;
	uint64_t room = 0;

	while (room < len && n < most) {
		int got = vring_pop(&queue->ring, &virtio->chain[n]);

		if (got < 0) {
			device_break(virtio, queue);
			return -1;
		}
		if (!got)
			break;
		room += virtio->chain[n++].in_len;
	}
	if (room >= len)
		return n;
	chains_unpop(virtio, queue, n);
	return n == most ? -1 : 0; /* it would not fit, ever */
}

struct source {
	const uint8_t *at[2];
	uint32_t len[2], next, done;
};

/* Into the writable parts of a chain: how many bytes. */
static uint32_t chain_fill(const struct vring_chain *chain, struct source *from)
{
	uint32_t written = 0;

	for (unsigned int i = chain->outs; i < (unsigned int)chain->outs + chain->ins; i++) {
		uint8_t *to = chain->part[i].at;
		uint32_t left = chain->part[i].len;

		while (left && from->next < 2) {
			uint32_t n = from->len[from->next] - from->done;

			n = n < left ? n : left;
			memcpy(to, from->at[from->next] + from->done, n);
			to += n;
			left -= n;
			written += n;
			from->done += n;
			if (from->done == from->len[from->next]) {
				from->next++;
				from->done = 0;
			}
		}
	}
	return written;
}

int frames_receive(void *state, uint8_t *frame, uint32_t len)
{
	struct virtio *virtio = state;
	struct queue *queue = &virtio->queue[QUEUE_RX];
	uint8_t header[HEADER] = { 0 };
	struct source from = { { header, frame }, { HEADER, len }, 0, 0 };
	int n;

	if (!runs(virtio, queue) || !queue_found(virtio, queue))
		return UVF_NIC_OFF;
	n = chains_take(virtio, queue, HEADER + len);
	if (n <= 0)
		return n ? UVF_NIC_DROPPED : UVF_NIC_FULL;
	header[10] = n; /* num_buffers: 5.1.6.4 */
	for (int i = 0; i < n; i++) {
		uint32_t written = chain_fill(&virtio->chain[i], &from);

		vring_push(&queue->ring, virtio->chain[i].id, virtio->chain[i].descs, written);
	}
	vring_flush(&queue->ring);
	queue_interrupt(virtio, queue);
	virtio->ops->received(virtio->nic, frame, len);
	return UVF_NIC_TAKEN;
}

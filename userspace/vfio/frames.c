// SPDX-License-Identifier: GPL-2.0-only
/*
 * Frames between the function and the NIC. Each is copied once, by the NIC, between guest memory
 * and a frame of the session.
 *
 * A guest that has no buffers for a frame gets some milliseconds to give some, and other frames
 * wait in the function's own ring meanwhile. After that, frames are dropped as they come and the
 * guest is told of it as its card tells it, until it takes one. A card that asked nobody to wait
 * would lose frames whenever a guest's processor does something else.
 */
#include "vfio.h"

#include <errno.h>

#include <linux/if_ether.h>

#include "why.h"

#define MS 1000000ull
#define PATIENCE (20 * MS)
#define AGAIN MS

/* --- to the guest ----------------------------------------------------------------------------- */

/* False: the guest has no buffers, and is waited for. */
static bool deliver(struct front *front, const struct uvf_frame *frame)
{
	enum nic_taken taken = nic_receive(front->nic, uvf__data(front->uvf, frame), frame->len);

	memory_settle(front);
	if (taken == NIC_OFF)
		front->counters->rx_off++;
	if (taken != NIC_FULL) {
		front->rx_since = 0;
		return true;
	}
	if (!front->rx_since) {
		front->rx_since = front_now();
		front->counters->rx_waits++;
	}
	if (front_now() - front->rx_since < PATIENCE)
		return false;
	front->counters->rx_dropped++;
	nic_overrun(front->nic);
	return true;
}

bool frames_receive(struct front *front)
{
	unsigned int first = front->rx_next;

	if (first == front->rx_count) {
		front->rx_count = uvf_dev__rx(front->dev, front->rx, BURST);
		front->rx_next = first = 0;
	}
	while (!front->stop && front->rx_next < front->rx_count &&
	       deliver(front, &front->rx[front->rx_next]))
		front->rx_next++;
	uvf__free(front->uvf, front->rx + first, front->rx_next - first);
	return front->rx_next != first;
}

/* --- from the guest --------------------------------------------------------------------------- */

uint8_t *frames_room(void *ctx, uint32_t *room)
{
	struct front *front = ctx;

	if (front->tx_count == BURST)
		frames_flush(front);
	if (!front->has_room && front->tx_count < BURST)
		front->has_room = uvf__alloc(front->uvf, &front->room, 1);
	if (!front->has_room || front->tx_count == BURST) {
		front->counters->tx_full++;
		return NULL;
	}
	*room = uvf__room(front->uvf, &front->room);
	if (*room > front->frame_max)
		*room = front->frame_max;
	return uvf__data(front->uvf, &front->room);
}

void frames_send(void *ctx, uint8_t *frame, uint32_t len)
{
	struct front *front = ctx;

	if (!len) /* it is as good for the next one */
		return;
	front->room.len = len;
	front->tx[front->tx_count++] = front->room;
	front->has_room = false;
}

bool frames_flush(struct front *front)
{
	unsigned int sent = 0;

	if (front->tx_count)
		sent = uvf_dev__tx(front->dev, front->tx, front->tx_count);
	for (unsigned int i = sent; i < front->tx_count && sent; i++)
		front->tx[i - sent] = front->tx[i];
	front->tx_count -= sent;
	return sent;
}

uint64_t frames_patience(const struct front *front)
{
	return front->tx_count || front->rx_next < front->rx_count ? AGAIN : UINT64_MAX;
}

/* --- the session ------------------------------------------------------------------------------ */

int frames_open(struct front *front)
{
	int err = uvf__open(&front->uvf, NULL);

	if (!err)
		err = uvf_dev__open(&front->dev, front->uvf, front->counters->function);
	if (err)
		return uvf_fail(-err, "%s", uvf__why());
	front->info = *uvf_dev__info(front->dev);
	/* An Ethernet header, a VLAN tag, and the MTU: longer frames a function has none. */
	front->frame_max = front->info.mtu + ETH_HLEN + 4;
	return 0;
}

void frames_close(struct front *front)
{
	uvf__close(front->uvf);
	front->uvf = NULL;
	front->dev = NULL;
}

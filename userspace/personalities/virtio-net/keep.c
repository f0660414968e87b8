// SPDX-License-Identifier: GPL-2.0-only
/*
 * What outlives a process that is killed: what the driver has told the device, and the in-flight
 * regions of the rings (userspace/front/inflight_ring.h), by which nothing is lost or done twice
 * that was under way in one.
 */
#include "virtio.h"

#include <string.h>

#include "../../front/inflight.h"

#define ALIGN 64

struct room {
	struct kept kept;
	uint8_t inflight[QUEUES][INFLIGHT] __attribute__((aligned(ALIGN)));
};

void kept_set(struct virtio *virtio, struct kept *kept)
{
	virtio->kept = kept;
	for (unsigned int i = 0; i < QUEUES; i++)
		virtio->queue[i].kept = &kept->queue[i];
}

void *kept_inflight(const struct queue *queue, bool packed, unsigned int entries)
{
	return inflight_size(packed, entries) <= INFLIGHT ? queue->inflight : NULL;
}

/* Each ring that ran goes on, and the driver looks whether it missed something. */
static void go_on(struct virtio *virtio)
{
	for (unsigned int i = 0; i < QUEUES; i++) {
		struct queue *queue = &virtio->queue[i];

		if (!queue->kept->enabled)
			continue;
		device_enable(virtio, queue);
		device_interrupt(virtio, queue->kept->vector, ISR_QUEUE);
	}
	device_line(virtio);
}

/* Numbers of a predecessor's are looked at where they are used, as the driver's are. */
void kept_move(void *state, void *memory, size_t size, int left)
{
	struct virtio *virtio = state;
	struct room *room = memory;

	if (size < sizeof(*room))
		return;
	if (!left)
		room->kept = *virtio->kept;
	for (unsigned int i = 0; i < QUEUES; i++)
		virtio->queue[i].inflight = room->inflight[i];
	kept_set(virtio, &room->kept);
	if (left)
		go_on(virtio);
}

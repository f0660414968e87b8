// SPDX-License-Identifier: GPL-2.0-only
/* The device's life: features, status, queues, interrupts (Virtio 1.2, 2 and 3.1). */
#include "virtio.h"

#include <stdio.h>
#include <stdlib.h>

#include "why.h"

#define PACKED_BASE (1u << 15 | 1u << 31) /* 2.8.1: both wrap counters begin at 1 */

static const uint64_t offered = 1ull << F_MAC | 1ull << F_MRG_RXBUF | 1ull << F_STATUS |
				1ull << F_VERSION_1 | 1ull << VRING_F_INDIRECT_DESC |
				1ull << VRING_F_EVENT_IDX | 1ull << VRING_F_PACKED;

/* --- interrupts: 4.1.4.5, 4.1.5.3, 4.1.5.4 ---------------------------------------------------- */

void device_line(struct virtio *virtio)
{
	virtio->ops->line(virtio->nic, virtio->kept->isr != 0);
}

void device_interrupt(struct virtio *virtio, uint16_t vector, uint8_t isr)
{
	if (virtio->ops->has_msix(virtio->nic)) {
		if (vector != NO_VECTOR)
			virtio->ops->fire(virtio->nic, vector);
		return;
	}
	virtio->kept->isr |= isr;
	device_line(virtio);
}

void queue_interrupt(struct virtio *virtio, struct queue *queue)
{
	if (vring_wants_call(&queue->ring))
		device_interrupt(virtio, queue->kept->vector, ISR_QUEUE);
}

/* The bit is set with MSI-X too: 4.1.4.5.1. */
static void config_changed(struct virtio *virtio)
{
	virtio->kept->changed = true;
	if (!(virtio->kept->status & STATUS_DRIVER_OK))
		return;
	virtio->kept->isr |= ISR_CONFIG;
	device_interrupt(virtio, virtio->kept->config_vector, ISR_CONFIG);
}

void device_break(struct virtio *virtio, const struct queue *queue)
{
	if (virtio->kept->status & STATUS_NEEDS_RESET)
		return;
	virtio->ops->say(virtio->nic, queue->ring.why);
	virtio->ops->fault(virtio->nic, 1);
	virtio->kept->status |= STATUS_NEEDS_RESET;
	config_changed(virtio);
}

/*
 * --- memory: the front's table, whose user addresses are the guest's here; where the carrier has
 * none, it is asked for each address, and what it says holds until a call returns ---------------
 */

static uint8_t *find(void *ctx, uint64_t at, uint64_t len, bool write, uint64_t *contiguous)
{
	struct virtio *virtio = ctx;

	return virtio->ops->dma(virtio->nic, at, len, write, contiguous);
}

bool queue_found(struct virtio *virtio, struct queue *queue)
{
	if (!virtio->guest.find || !vring_remap(&queue->ring))
		return true;
	device_break(virtio, queue);
	return false;
}

static void memory(void *state)
{
	struct virtio *virtio = state;
	struct guest *guest = &virtio->guest;
	uint64_t at, size;
	unsigned int n = 0;
	void *pointer;

	while (n < GUEST_REGIONS && virtio->ops->range(virtio->nic, n, &at, &size, &pointer)) {
		guest->region[n] = (struct guest_region){ .gpa = at, .size = size, .at = pointer,
							  .uva = at };
		n++;
	}
	for (unsigned int i = n; i < guest->regions; i++)
		guest->region[i].size = 0;
	guest->regions = n;
	guest->find = n ? NULL : find;
	guest->find_ctx = virtio;
	guest->changes++;
	for (unsigned int i = 0; i < QUEUES; i++)
		if (vring_remap(&virtio->queue[i].ring))
			device_break(virtio, &virtio->queue[i]);
}

/* --- queues ----------------------------------------------------------------------------------- */

static void queue_reset(struct queue *queue)
{
	vring_reset(&queue->ring);
	queue->kept->size = QUEUE_SIZE;
	queue->kept->vector = NO_VECTOR;
	queue->kept->enabled = false;
	queue->kept->desc = 0;
	queue->kept->driver = 0;
	queue->kept->device = 0;
}

void device_enable(struct virtio *virtio, struct queue *queue)
{
	const struct vring_addr addr = { .desc = queue->kept->desc, .avail = queue->kept->driver,
					 .used = queue->kept->device };
	bool packed = has(virtio, VRING_F_PACKED);
	struct vring *ring = &queue->ring;
	uint16_t size = queue->kept->size;

	if (ring->started || !(virtio->kept->status & STATUS_FEATURES_OK))
		return;
	if (vring_set_inflight(ring, kept_inflight(queue, packed, size), INFLIGHT) ||
	    vring_set_features(ring, virtio->kept->features) || vring_set_num(ring, size) ||
	    vring_set_base(ring, packed ? PACKED_BASE : 0) ||
	    vring_set_addr(ring, &addr) || vring_start(ring)) {
		snprintf(ring->why, sizeof(ring->why), "%.*s", VRING_WHY - 1, uvf_why());
		device_break(virtio, queue);
		return;
	}
	vring_enable(ring, true);
	queue->kept->enabled = true;
}

void device_notified(struct virtio *virtio, unsigned int queue)
{
	if (queue == QUEUE_TX && frames_send(virtio))
		virtio->ops->again(virtio->nic);
}

/* --- status ----------------------------------------------------------------------------------- */

static void reset(void *state)
{
	struct virtio *virtio = state;

	for (unsigned int i = 0; i < QUEUES; i++)
		queue_reset(&virtio->queue[i]);
	virtio->kept->features = 0;
	virtio->kept->device_select = 0;
	virtio->kept->driver_select = 0;
	virtio->kept->queue_select = 0;
	virtio->kept->config_vector = NO_VECTOR;
	virtio->kept->status = 0;
	virtio->kept->isr = 0;
	device_line(virtio);
}

/* 2.2.2: a set of features that is not ours is refused by not keeping FEATURES_OK. */
void device_status(struct virtio *virtio, uint8_t status)
{
	if (!status) {
		reset(virtio);
		return;
	}
	if (status & STATUS_FEATURES_OK && !(virtio->kept->status & STATUS_FEATURES_OK) &&
	    (virtio->kept->features & ~virtio->offered || !has(virtio, F_VERSION_1)))
		status &= ~STATUS_FEATURES_OK;
	virtio->kept->status = status | (virtio->kept->status & STATUS_NEEDS_RESET);
}

static void *start(struct uvf_nic *nic, const struct uvf_nic_ops *ops)
{
	struct virtio *virtio = calloc(1, sizeof(*virtio));

	if (!virtio)
		return NULL;
	virtio->nic = nic;
	virtio->ops = ops;
	virtio->offered = offered;
	kept_set(virtio, &virtio->own);
	guest_init(&virtio->guest);
	for (unsigned int i = 0; i < QUEUES; i++)
		vring_init(&virtio->queue[i].ring, &virtio->guest, i);
	reset(virtio);
	memory(virtio);
	return virtio;
}

static void stop(void *state)
{
	struct virtio *virtio = state;

	for (unsigned int i = 0; i < QUEUES; i++)
		vring_reset(&virtio->queue[i].ring);
	free(virtio);
}

static void link_changed(void *state, int up)
{
	config_changed(state);
}

static int poll(void *state)
{
	return frames_send(state);
}

UVF_PERSONALITY = {
	.version = UVF_PERSONALITY_VERSION,
	.size = sizeof(struct uvf_personality),
	.name = "virtio-net",
	.start = start,
	.stop = stop,
	.reset = reset,
	.access = registers_access,
	.config = config_access,
	.receive = frames_receive,
	.poll = poll,
	.link = link_changed,
	.memory = memory,
	.keep = kept_move,
};

/* SPDX-License-Identifier: GPL-2.0-only */
/* A virtio network device; its rings are those of the vhost-user front. */
#ifndef PERSONALITY_VIRTIO_H
#define PERSONALITY_VIRTIO_H

#include <stdbool.h>
#include <stdint.h>

#include <uvf/personality.h>

#include "../../front/vring.h"

#define QUEUES 2 /* 5.1.2: receiveq, transmitq */
#define QUEUE_RX 0
#define QUEUE_TX 1
#define QUEUE_SIZE 1024
#define HEADER 12 /* struct virtio_net_hdr, 5.1.6 */
#define NO_VECTOR 0xffff
#define CHAINS 32 /* receive buffers of a frame, at most */
#define BURST 256 /* frames of a call */
#define INFLIGHT 0x9000 /* bytes in which a ring writes down what it does */

/* 2.1: device status */
#define STATUS_DRIVER_OK 4
#define STATUS_FEATURES_OK 8
#define STATUS_NEEDS_RESET 64

#define F_MAC 5
#define F_MRG_RXBUF 15
#define F_STATUS 16
#define F_VERSION_1 32

#define ISR_QUEUE 1
#define ISR_CONFIG 2

/* What outlives a process that is killed: keep.c. */
struct queue_kept {
	uint16_t size, vector;
	uint8_t enabled;
	uint64_t desc, driver, device;
};

struct kept {
	uint64_t features;
	uint32_t device_select, driver_select;
	uint16_t queue_select, config_vector;
	uint8_t status, generation, isr;
	uint8_t changed; /* the device's configuration, since the driver has read it */
	struct queue_kept queue[QUEUES];
};

struct queue {
	struct vring ring;
	struct queue_kept *kept;
	void *inflight; /* NULL: what the ring is about to do is written down nowhere */
};

struct virtio {
	struct uvf_nic *nic;
	const struct uvf_nic_ops *ops;
	struct guest guest;
	uint64_t offered;
	struct kept *kept, own;
	struct queue queue[QUEUES];
	struct vring_chain chain[CHAINS]; /* of the frame that is received */
};

/* --- device.c --------------------------------------------------------------------------------- */

static inline bool has(const struct virtio *virtio, unsigned int feature)
{
	return virtio->kept->features >> feature & 1;
}

/* The queue has used something: an interrupt, if the driver wants one. */
void queue_interrupt(struct virtio *virtio, struct queue *queue);
/* By this vector, or, without MSI-X, by the line, whose reason is in @isr. */
void device_interrupt(struct virtio *virtio, uint16_t vector, uint8_t isr);
/* A ring is broken: the device needs a reset (2.1.2). */
void device_break(struct virtio *virtio, const struct queue *queue);

/* Where the queue's rings are, for this call. False: nowhere, and the device needs a reset. */
bool queue_found(struct virtio *virtio, struct queue *queue);

/* --- registers.c: 4.1.4 ----------------------------------------------------------------------- */

int registers_access(void *state, unsigned int space, uint32_t offset, unsigned int width,
		     int write, uint64_t *value);
int config_access(void *state, uint32_t offset, unsigned int width, int write, uint64_t *value);
/* By registers.c: what the driver wrote. */
void device_status(struct virtio *virtio, uint8_t status);
void device_enable(struct virtio *virtio, struct queue *queue);
void device_notified(struct virtio *virtio, unsigned int queue);
void device_line(struct virtio *virtio);

/* --- keep.c ----------------------------------------------------------------------------------- */

/* Where what outlives the process is: in the object itself, until it is told better. */
void kept_set(struct virtio *virtio, struct kept *kept);
void kept_move(void *state, void *memory, size_t size, int left);
/* The part in which a ring writes down what it does, if it has room for one of @entries. */
void *kept_inflight(const struct queue *queue, bool packed, unsigned int entries);

/* --- frames.c --------------------------------------------------------------------------------- */

/* True: there is more. */
bool frames_send(struct virtio *virtio);
int frames_receive(void *state, uint8_t *frame, uint32_t len);

#endif /* PERSONALITY_VIRTIO_H */

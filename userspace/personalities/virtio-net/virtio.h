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

struct queue {
	struct vring ring;
	uint16_t size, vector;
	bool enabled;
	uint64_t desc, driver, device;
};

struct virtio {
	struct uvf_nic *nic;
	const struct uvf_nic_ops *ops;
	struct guest guest;
	uint64_t offered, features;
	uint32_t device_select, driver_select;
	uint16_t queue_select, config_vector;
	uint8_t status, generation, isr;
	bool changed; /* the device's configuration, since the driver has read it */
	struct queue queue[QUEUES];
	struct vring_chain chain[CHAINS]; /* of the frame that is received */
};

/* --- device.c --------------------------------------------------------------------------------- */

static inline bool has(const struct virtio *virtio, unsigned int feature)
{
	return virtio->features >> feature & 1;
}

/* The queue has used something: an interrupt, if the driver wants one. */
void queue_interrupt(struct virtio *virtio, struct queue *queue);
/* A ring is broken: the device needs a reset (2.1.2). */
void device_break(struct virtio *virtio, const struct queue *queue);

/* --- registers.c: 4.1.4 ----------------------------------------------------------------------- */

int registers_access(void *state, unsigned int space, uint32_t offset, unsigned int width,
		     int write, uint64_t *value);
int config_access(void *state, uint32_t offset, unsigned int width, int write, uint64_t *value);
/* By registers.c: what the driver wrote. */
void device_status(struct virtio *virtio, uint8_t status);
void device_enable(struct virtio *virtio, struct queue *queue);
void device_notified(struct virtio *virtio, unsigned int queue);
void device_line(struct virtio *virtio);

/* --- frames.c --------------------------------------------------------------------------------- */

/* True: there is more. */
bool frames_send(struct virtio *virtio);
int frames_receive(void *state, uint8_t *frame, uint32_t len);

#endif /* PERSONALITY_VIRTIO_H */

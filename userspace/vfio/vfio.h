/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The interface process of a function that is a VFIO device. What its parts share.
 *
 *	loop		sleeps, wakes, and lets each of the others run
 *	channel		what the user of the device asks, by the kernel (uapi/linux/uvf_vfio.h)
 *	memory		the guest's, in a window onto it
 *	frames		between the function and the NIC
 *	device		the NIC, its personality, and the one that comes next
 *	control		what the operator says meanwhile
 *
 * All of it is one thread. The NIC itself is the generic one (nic/transport.h).
 */
#ifndef VFIO_VFIO_H
#define VFIO_VFIO_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include <uvf/libuvf.h>

#include "../nic/transport.h"
#include "carrier.h"
#include "counters.h"
#include "uapi/linux/uvf_vfio.h"

#define BURST 64
#define PAGES 4096 /* of guest memory, that are known to be there */
#define KEPT (1u << 19) /* bytes of what a successor is to know of the device */

struct front {
	/* packet path */
	struct nic *nic;
	struct uvf *uvf;
	struct uvf_dev *dev;
	struct front_vfio *counters;
	unsigned int rx_next, rx_count; /* received, and not yet the guest's */
	struct uvf_frame rx[BURST];
	uint64_t rx_since; /* since when the guest has no buffers; 0: it has */
	unsigned int tx_count; /* the guest's, and not yet sent */
	struct uvf_frame tx[BURST];
	struct uvf_frame room; /* for what the NIC sends next */
	bool has_room;
	uint32_t frame_max; /* bytes of the longest frame */

	/* guest memory */
	uint8_t *window;
	uint64_t known[PAGES]; /* memory.c */

	/* device */
	int channel;
	bool open; /* a user has it */
	struct nic *next; /* what it is to be when nobody has it; or NULL */
	void *kept; /* what a successor is to know: KEPT bytes of a file that outlives us */
	struct nic_counters before; /* counted by NICs that have gone */

	/* loop */
	bool stop; /* nothing of the NIC is run any more */
	int failed; /* -errno: it can't go on */
	struct uvf_carrier carrier;
	int listener; /* of the operator's; -1: none */
	struct uvf_dev_info info;
};

/* "fw0: …", on standard error */
__attribute__((format(printf, 2, 3))) void front_say(const struct front *front, const char *format,
						      ...);

/* Monotonic time in nanoseconds. */
uint64_t front_now(void);

/* --- channel.c -------------------------------------------------------------------------------- */

/* Declares the device that @nic is. -EBUSY: a user has it open, and knows it as another one. */
int channel_serve(struct front *front, const struct nic *nic);
/* Answers what was asked: how many requests; 0: none; -EPIPE, with a sentence: it has ended. */
int channel_run(struct front *front);
/* Asks the kernel who listens, for the counters; and whether a user has the device open. */
bool channel_look(struct front *front);
/* Operations of the NIC: struct nic_transport. */
void channel_intx(void *ctx, bool asserted);
void channel_message(void *ctx, unsigned int vector, uint64_t address, uint32_t data);

/* --- memory.c --------------------------------------------------------------------------------- */

int memory_open(struct front *front);
void memory_close(struct front *front);
/* An operation of the NIC. */
void *memory_dma(void *ctx, uint64_t at, uint64_t len, bool write, uint64_t *row);
/*
 * Behind each entry point of the NIC: if the user took a page away that it touched, zeroes stood
 * there since. Now what is there is there again; or the process has failed, and stops.
 */
void memory_settle(struct front *front);
/* Another user, or none: nothing is known of its memory. */
void memory_forget(struct front *front);

/* --- frames.c --------------------------------------------------------------------------------- */

int frames_open(struct front *front);
/* Not when a successor is to go on. */
void frames_close(struct front *front);
/* Operations of the NIC. */
uint8_t *frames_room(void *ctx, uint32_t *room);
void frames_send(void *ctx, uint8_t *frame, uint32_t len);
/* What came, to the guest; what it sent, to the function. Whether something moved. */
bool frames_receive(struct front *front);
bool frames_flush(struct front *front);
/* Nanoseconds until one of the two has to be tried again; UINT64_MAX: when something is told. */
uint64_t frames_patience(const struct front *front);

/* --- device.c --------------------------------------------------------------------------------- */

/* A NIC of this personality; NULL, with a sentence. */
struct nic *device_make(struct front *front, const char *personality);
/* As what the device begins. */
int device_open(struct front *front, const char *personality);
/* When guest memory is there: goes on where a predecessor was killed, if it was. */
int device_go_on(struct front *front);
void device_close(struct front *front);
/* A user has the device now, or has it no more, or asks for a reset: enum uvf_vfio_reset. */
void device_reset(struct front *front, uint64_t why);
/*
 * From now on it is @personality; if a user has it open, from when that lets go: *later. 0, or
 * -errno, with a sentence, and all is as it was.
 */
int device_swap(struct front *front, const char *personality, bool *later);
/* If one waits and nobody has the device. */
void device_try_swap(struct front *front);
/* The function's link is up or down. */
void device_link(void *ctx, bool up);
/* The counters, for whoever looks. */
void device_count(struct front *front);

/* --- control.c -------------------------------------------------------------------------------- */

/* Somebody has connected: takes what he says, and answers. */
void control_run(struct front *front);

/* --- loop.c ----------------------------------------------------------------------------------- */

int loop_open(struct front *front);
int loop_run(struct front *front);
void loop_close(struct front *front);

#endif /* VFIO_VFIO_H */

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The data path without a copy: guest memory is the UMEM. Buffers that the guest posts to receive
 * into are lent to the kernel, the virtio header's size ahead of where the frame is to lie; frames
 * that it sends are sent from where they lie. The table of lent.h joins the two. Where a buffer is
 * of no use for that, it is copied: to or from a frame of the session's own.
 *
 *	shim_receive.c	frames on their way to the guest
 *	shim_send.c	and from it
 *	shim_start.c	what is there when a ring starts, and what is given back when it stops
 *	function.c	guest memory becomes the UMEM, and sockets are closed for it to go
 */
#ifndef FRONT_SHIM_H
#define FRONT_SHIM_H

#include "front.h"
#include "lent.h"

#define SHIM_RING_MAX 1024 /* of larger rings the table has no room for */
#define SHIM_OWN 64 /* frames of our own that are lent for a ring, where a buffer is of no use */
#define SHIM_SENDING 2048 /* entries of the kernel's tx ring (libuvf), a power of two */

/* What outlives the process, for each lane, in uvf__kept(). */
struct shim_kept {
	uint32_t used; /* 1: what follows is of a ring that runs */
	uint16_t num;
	uint8_t packed;
	uint8_t pad;
	struct vring_addr addr;
	struct lent_entry entry[SHIM_RING_MAX];
	uint8_t inflight[48 * 1024] __attribute__((aligned(64)));
};

struct shim {
	struct lent lent;
	struct shim_kept *kept;
	unsigned int own; /* frames of our own that are lent */
	uint16_t ids[BURST]; /* used, and in the table yet */
	unsigned int done;
	uint32_t taken; /* sending: the next entry of the tx ring that the kernel is to take */
	struct {
		uint16_t id, descs;
	} sending[SHIM_SENDING]; /* by entry of the tx ring */
};

static inline struct shim *shim_of(const struct lane *lane)
{
	return lane->state;
}

/* Where in the UMEM guest memory is; 0: not there. */
static inline uint64_t shim_addr(const struct front *front, const uint8_t *at)
{
	for (unsigned int i = 0; i < front->memories; i++)
		if ((uint64_t)(at - front->memory_at[i]) < front->memory[i].size)
			return front->memory[i].at + (at - front->memory_at[i]);
	return 0;
}

/* A frame of the session's own, rather than a buffer of the guest. */
static inline bool shim_is_own(const struct lane *lane, uint64_t addr)
{
	return addr < lane->front->memory[0].at;
}

static inline void shim_count(struct lane *lane, uint32_t len)
{
	lane->count->frames++;
	lane->count->bytes += len;
}

static inline void shim_wake(struct lane *lane)
{
	vring_kicks(&lane->ring, false);
}

/* shim_start.c */
int shim_receive_start(struct lane *lane);
int shim_send_start(struct lane *lane);
void shim_stop(struct lane *lane);
/* The in-flight region is ours to keep, where the front-end keeps none: before vring_start(). */
int shim_track(struct lane *lane);
/* The ring has stopped: nothing of it is to be found by a successor. */
void shim_untrack(struct lane *lane);
/* All sockets were closed, and are open again: buffers of rings that go on are lent anew. */
void shim_again(struct lane *lane);

/* shim_receive.c, of a chain that was popped. False: it is of no use without a copy. */
bool shim_lend(struct lane *lane, const struct vring_chain *chain, uint64_t *addr);
/* shim_send.c. False: there is no frame to copy it to. */
bool shim_frame(struct lane *lane, const struct vring_chain *chain, struct uvf_frame *frame);
/* It is the entry @index of the kernel's ring. */
void shim_sending(struct lane *lane, const struct vring_chain *chain,
		  const struct uvf_frame *frame, uint32_t index);
/* One pass over what the kernel has done; as datapath.run(). */
int shim_deliver(struct lane *lane);
int shim_complete(struct lane *lane);

#endif /* FRONT_SHIM_H */

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A ring's part of the in-flight region, as split.c and packed.c keep it (vhost-user, "Inflight I/O
 * tracking").
 *
 * A process may be killed between any two instructions, so each of these is made true by one
 * store, the last of its kind, and what comes before it is nothing until then:
 *
 *	split	popped		desc[].inflight
 *		used		the used ring's idx; used_idx then follows
 *	packed	popped		heads (free_head and old_free_head together)
 *		used		flags of the first slot; heads, then used (all four) follow
 *
 * The region is the front-end's memory: what is read from it is checked as what the guest writes.
 */
#ifndef FRONT_INFLIGHT_RING_H
#define FRONT_INFLIGHT_RING_H

#include "desc.h"

#define INFLIGHT_VERSION 1 /* 0: not initialized */

struct inflight_split_desc {
	uint8_t inflight;
	uint8_t pad[5];
	uint16_t next; /* entry of the batch that was pushed before */
	uint64_t counter;
};

struct inflight_split {
	uint64_t features;
	uint16_t version;
	uint16_t num;
	uint16_t last_batch_head;
	uint16_t used_idx;
	struct inflight_split_desc desc[];
};

struct inflight_packed_desc {
	uint8_t inflight;
	uint8_t pad;
	uint16_t next; /* of the chain, or of the free list */
	uint16_t last; /* heads only, with num and counter */
	uint16_t num;
	uint64_t counter;
	uint16_t id;
	uint16_t flags;
	uint32_t len;
	uint64_t addr;
};

union inflight_heads {
	uint32_t both;
	struct {
		uint16_t free;
		uint16_t old_free;
	};
};

union inflight_used {
	uint64_t all;
	struct {
		uint16_t idx;
		uint16_t old_idx;
		uint8_t wrap;
		uint8_t old_wrap;
		uint8_t pad[2];
	};
};

/*
 * The specification lists seven bytes of padding behind old_used_wrap_counter, two of which are
 * the ones in `used`: desc begins at 32 both ways.
 */
struct inflight_packed {
	uint64_t features;
	uint16_t version;
	uint16_t num;
	union inflight_heads heads;
	union inflight_used used;
	uint8_t pad[8];
	struct inflight_packed_desc desc[];
};

/* What a dead predecessor had popped, in order. */
struct vring_again {
	uint64_t counter;
	uint16_t entry; /* of the region; split: the head */
};

/* Sets `used` and `avail` of the ring, and `again`. */
int inflight_split_start(struct vring *ring);
int inflight_packed_start(struct vring *ring);

/* All is given back: the next start begins where this one ends. */
void inflight_forget(struct vring *ring);

void inflight_split_popped(struct vring *ring, uint16_t head);
void inflight_split_unpopped(struct vring *ring, uint16_t head);
void inflight_split_pushed(struct vring *ring, uint16_t head);
void inflight_split_flushed(struct vring *ring, uint16_t idx);

/* -EPROTO: the front-end damaged the region. */
int inflight_packed_popped(struct vring *ring, const struct vring_chain *chain);
void inflight_packed_unpopped(struct vring *ring, uint16_t id);
/* The descriptor that comes next in a predecessor's chain; false: the region is damaged. */
bool inflight_packed_read(const struct vring *ring, uint16_t *entry, struct desc *desc);
/* A flush: before the slots are written, and after. */
void inflight_packed_flushing(struct vring *ring, uint16_t used, bool wrap);
void inflight_packed_flushed(struct vring *ring);

#endif /* FRONT_INFLIGHT_RING_H */

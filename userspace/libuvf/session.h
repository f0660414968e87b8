/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* A session and its functions, as the library sees them. */
#ifndef UVF_SESSION_H
#define UVF_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include <uvf/libuvf.h>

#include "proto.h"
#include "ring.h"

#define UVF_DEVS UVF_PROTO_FUNCTIONS

/* Where a frame is; the states of libuvf.h. A function's frames carry its number. */
#define OWNER_FREE 0
#define OWNER_HELD 1
#define OWNER_DEV 2 /* + number: filling or sending */

struct uvf_dev {
	/* packet path */
	struct uvf_ring rx, tx, fill, done;
	struct uvf *uvf;
	uint8_t owner;
	bool wants_room; /* uvf_dev__tx() refused frames: uvf__wait() looks for room */
	bool gone;
	int fd;
	struct uvf_dev_stats stats;

	/* slow path */
	struct uvf_dev_info info;
};

struct uvf {
	/* packet path */
	uint8_t *area;
	uint32_t frame_shift;
	uint32_t frames;
	uint32_t free_count;
	uint32_t fill_most; /* frames that one function is lent at a time */
	uint32_t *free; /* stack of frame numbers */
	uint8_t *owner; /* of each frame, and one for all that are none */
	struct uvf_dev *devs[UVF_DEVS];

	/* slow path */
	uint64_t size;
	int sock;
	int memfd;
	unsigned int functions; /* that share the frames, as far as is known */
	bool orphan; /* uvfd has ended */
	bool recheck; /* a function may be gone */
};

/* 64 bits: the upper ones of a wrong address must not be lost, and make it a frame's. */
static inline uint64_t frame_number(const struct uvf *uvf, uint64_t addr)
{
	return addr >> uvf->frame_shift;
}

static inline uint64_t frame_addr(const struct uvf *uvf, uint32_t number)
{
	return (uint64_t)number << uvf->frame_shift;
}

/* Addresses from a broken caller must not reach outside the tables; nor must frames given twice. */
static inline void frame_own(struct uvf *uvf, uint64_t addr, uint8_t owner)
{
	uint64_t number = frame_number(uvf, addr);

	uvf->owner[number < uvf->frames ? number : uvf->frames] = owner;
}

static inline void frame_put(struct uvf *uvf, uint64_t number)
{
	if (number >= uvf->frames || uvf->owner[number] == OWNER_FREE ||
	    uvf->free_count == uvf->frames)
		return;
	uvf->owner[number] = OWNER_FREE;
	uvf->free[uvf->free_count++] = number;
}

/* One function must not be lent all frames before the last one has any. */
void frames_share(struct uvf *uvf, unsigned int functions);

/* Give the kernel frames to receive into, and take back those it has sent. */
void dev_refill(struct uvf_dev *dev);
void dev_reap(struct uvf_dev *dev);

#endif /* UVF_SESSION_H */

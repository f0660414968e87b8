/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A driver of virtqueues, for tests of the device's side: written from Virtio 1.2, 2.7 and 2.8,
 * with nothing of ours in it. All its state lies in the guest's memory, so that a copy of that is
 * a guest that can go on.
 *
 * Each chain has a token, 1, 2, 3 …, which is written into its first buffer.
 */
#ifndef DRIVER_H
#define DRIVER_H

#include <stdbool.h>
#include <stdint.h>

#define DRIVER_GPA 0x40000000ULL
#define DRIVER_UVA 0x7f0040000000ULL
#define DRIVER_SIZE 0x40000

#define DRIVER_NUM 256 /* descriptors, at most */
#define DRIVER_TOKENS 0x8000
#define DRIVER_BUFFER 256 /* bytes that each id has */
#define DRIVER_CHAIN 8 /* descriptors of a chain */

/* Where things are in its memory. */
enum {
	AT_DRIVER = 0,
	AT_DESC = 0x10000, /* packed: the ring */
	AT_AVAIL = 0x11000, /* packed: driver event suppression */
	AT_USED = 0x12000, /* packed: device event suppression */
	AT_TABLES = 0x13000,
	AT_BUFFERS = 0x20000,
	AT_END = 0x30000,
};

enum { DESC_F_NEXT = 1, DESC_F_WRITE = 2, DESC_F_INDIRECT = 4, DESC_F_AVAIL = 1 << 7,
	DESC_F_USED = 1 << 15 };

struct driver_desc {
	uint64_t addr;
	uint32_t len;
	uint16_t a; /* split: flags; packed: id */
	uint16_t b; /* split: next; packed: flags */
};

struct driver_given {
	uint32_t token;
	uint16_t descs;
	uint16_t head; /* split */
};

struct driver {
	bool packed;
	bool event_idx;
	uint16_t num;
	uint16_t next; /* split: index; packed: slot */
	uint16_t used;
	bool next_wrap;
	bool used_wrap;
	uint16_t told; /* split: index at the last look at whether to kick; packed: slots since */
	uint16_t room; /* descriptors that are free */
	uint16_t ids; /* free ones */
	uint16_t id[DRIVER_NUM];
	struct driver_given given[DRIVER_NUM]; /* by id */
	uint32_t tokens;
	uint32_t reaped;
	uint8_t back[DRIVER_TOKENS]; /* how often a token was reaped */
};

struct driver_buf {
	uint64_t gpa;
	uint32_t len;
	bool in; /* the device writes it */
};

static inline struct driver *driver_of(uint8_t *mem)
{
	return (struct driver *)(mem + AT_DRIVER);
}

static inline struct driver_desc *driver_desc(uint8_t *mem, unsigned int i)
{
	return (struct driver_desc *)(mem + AT_DESC) + i;
}

/* @start: split: index; packed: slot and wrap << 15. */
void driver_init(uint8_t *mem, bool packed, bool event_idx, uint16_t num, uint16_t start);

/* The buffers that the next chain's id has, cut into @outs and @ins. */
unsigned int driver_bufs(uint8_t *mem, struct driver_buf *bufs, unsigned int outs,
			 unsigned int ins);

/* Makes a chain available. Its token, or 0 when there is no room. */
uint32_t driver_add(uint8_t *mem, const struct driver_buf *bufs, unsigned int n, bool indirect);

/* The token of the next used chain, or 0. An id that is nobody's: UINT32_MAX. */
uint32_t driver_reap(uint8_t *mem, uint32_t *len);

/* Does the device want a kick for what was added since this was asked last? */
bool driver_kicks(uint8_t *mem);

/* Interrupts: none, always, or when the one after the next @after is used (event index). */
enum driver_calls { CALLS_NONE, CALLS_ALWAYS, CALLS_AFTER };
void driver_calls(uint8_t *mem, enum driver_calls calls, uint16_t after);

#endif /* DRIVER_H */

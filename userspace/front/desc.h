/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * For split.c, packed.c and inflight.c: how rings lie in memory, and how a chain is gathered from
 * them. Little-endian all of it; each value is read once.
 */
#ifndef FRONT_DESC_H
#define FRONT_DESC_H

#include <endian.h>
#include <errno.h>
#include <string.h>

#include "vring.h"

/* Flags of descriptors: Virtio 1.2, 2.7.5 and 2.8. */
#define DESC_NEXT 1
#define DESC_WRITE 2
#define DESC_INDIRECT 4
#define DESC_AVAIL (1 << 7) /* packed */
#define DESC_USED (1 << 15)

/* Virtio 1.2, 2.7.5 */
struct split_desc {
	uint64_t addr;
	uint64_t rest; /* length, flags, index of the next */
};

struct split_avail {
	uint16_t flags;
	uint16_t idx;
	uint16_t ring[]; /* and used_event */
};

struct split_used_elem {
	uint32_t id;
	uint32_t len;
};

struct split_used {
	uint16_t flags;
	uint16_t idx;
	struct split_used_elem ring[]; /* and avail_event */
};

/* Virtio 1.2, 2.8.13 */
struct packed_desc {
	uint64_t addr;
	union {
		uint64_t rest; /* length, id, flags */
		struct {
			uint32_t len;
			uint16_t id;
			uint16_t flags;
		};
	};
};

/* Virtio 1.2, 2.8.14 */
struct packed_event {
	uint16_t off_wrap;
	uint16_t flags;
};

/* A descriptor as it was read. */
struct desc {
	uint64_t addr;
	uint32_t len;
	uint16_t flags;
	uint16_t link; /* split: next; packed: id */
};

/* What is pushed and not flushed. */
struct vring_pushed {
	uint16_t id;
	uint16_t descs;
	uint32_t written;
};

static inline uint16_t once16(const uint16_t *at)
{
	return le16toh(__atomic_load_n(at, __ATOMIC_RELAXED));
}

static inline uint64_t once64(const uint64_t *at)
{
	return le64toh(__atomic_load_n(at, __ATOMIC_RELAXED));
}

static inline struct desc split_decode(uint64_t addr, uint64_t rest)
{
	return (struct desc){ addr, rest, rest >> 32, rest >> 48 };
}

static inline struct desc packed_decode(uint64_t addr, uint64_t rest)
{
	return (struct desc){ addr, rest, rest >> 48, rest >> 32 };
}

/* Did what lies between `old` and `new` pass `event`? (Virtio 1.2, 2.7.7.1) */
static inline bool event_passed(uint16_t event, uint16_t new, uint16_t old)
{
	return (uint16_t)(new - event - 1) < (uint16_t)(new - old);
}

/* The ring is broken: keeps the sentence, tells the front-end, returns -EPROTO. */
__attribute__((format(printf, 2, 3), cold)) int vring_break(struct vring *ring,
							    const char *format, ...);

static inline void chain_begin(struct vring_chain *chain)
{
	chain->descs = 1;
	chain->outs = 0;
	chain->ins = 0;
	chain->again = false;
	chain->cut = false;
	chain->out_len = 0;
	chain->in_len = 0;
}

int chain_break(struct vring *ring, const struct desc *desc, const char *why);
int chain_cut(struct vring *ring, struct vring_chain *chain, bool in);

/* A descriptor's memory, which may lie in several regions, or in none but be found. */
static inline int chain_add(struct vring *ring, struct vring_chain *chain,
			    const struct desc *desc)
{
	bool in = desc->flags & DESC_WRITE;
	uint64_t addr = desc->addr, left = desc->len;

	if (__builtin_expect(!in && chain->ins, 0))
		return chain_break(ring, desc, "is to be read, behind one that is to be written");
	if (__builtin_expect(chain->cut, 0))
		return chain_cut(ring, chain, in);
	while (left) {
		const struct guest_region *region = guest_region(ring->guest, addr, ring->region);
		unsigned int parts = chain->outs + chain->ins;
		uint8_t *at;
		uint64_t n;

		if (__builtin_expect(!!region, 1)) {
			ring->region = region;
			at = region->at + (addr - region->gpa);
			n = region->size - (addr - region->gpa);
			if (n > left)
				n = left;
		} else {
			at = guest_find(ring->guest, addr, left, in, &n);
		}
		if (__builtin_expect(!at, 0))
			return chain_break(ring, desc, "is not in guest memory");
		if (__builtin_expect(parts == VRING_PARTS, 0))
			return chain_cut(ring, chain, in);
		chain->part[parts] = (struct vring_part){ at, (uint32_t)n };
		if (in) {
			chain->ins++;
			chain->in_len += n;
		} else {
			chain->outs++;
			chain->out_len += n;
		}
		addr += n;
		left -= n;
	}
	return 0;
}

/* Entries of an indirect table, which ends a chain. */
struct table {
	const struct guest *guest;
	uint64_t gpa;
	const uint64_t *at; /* NULL: entries are to be copied out one by one */
	unsigned int entries;
};

int table_open(struct vring *ring, struct table *table, const struct desc *desc);
bool table_read(const struct table *table, unsigned int i, uint64_t *addr, uint64_t *rest);

int split_map(struct vring *ring);
int split_start(struct vring *ring);
uint32_t split_stop(struct vring *ring);
int split_pop(struct vring *ring, struct vring_chain *chain);
void split_unpop(struct vring *ring, const struct vring_chain *chain);
void split_push(struct vring *ring, uint16_t id, uint32_t written);
void split_flush(struct vring *ring);
bool split_wants_call(struct vring *ring);
bool split_kicks(struct vring *ring, bool want);
bool split_waits(const struct vring *ring);

int packed_map(struct vring *ring);
int packed_start(struct vring *ring);
uint32_t packed_stop(struct vring *ring);
int packed_pop(struct vring *ring, struct vring_chain *chain);
void packed_unpop(struct vring *ring, const struct vring_chain *chain);
void packed_push(struct vring *ring, uint16_t id, uint16_t descs, uint32_t written);
void packed_flush(struct vring *ring);
bool packed_wants_call(struct vring *ring);
bool packed_kicks(struct vring *ring, bool want);
bool packed_waits(const struct vring *ring);

/* Bytes of a ring at a user address, aligned; NULL, and a sentence, when they are not there. */
void *ring_find(const struct vring *ring, const char *what, uint64_t uva, uint64_t len,
		unsigned int align);

#endif /* FRONT_DESC_H */

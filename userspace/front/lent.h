/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Buffers of the guest that are in the kernel's hands: the one table between the two sets of
 * pointers. The driver knows a buffer by the id of its chain, the kernel by its address in the
 * UMEM.
 *
 * A buffer is in exactly one of these states:
 *
 *	available	the driver gave it (vring.h)
 *	popped		ours; in no table, and in no ring of the kernel
 *	lent		receive: in the fill ring, in the kernel, or in the rx ring
 *			transmit: in the tx ring; what the kernel has taken out, it has copied
 *	used		the driver's again
 *
 *	available -> popped		vring_pop()
 *	popped -> lent			lent_add(), and then uvf_dev__lend() or uvf_dev__tx()
 *	lent -> used			vring_push() and vring_flush(), then uvf_dev__take() when
 *					received, then lent_remove()
 *	lent -> popped			the function's sockets are closed: the kernel has nothing
 *	popped -> available		vring_unpop()
 *	popped -> used			vring_push(): copied, or not used
 *
 * Forbidden, and why: lent -> available or used while sockets that it was lent to are open, for
 * the kernel may write to it at any time; lent -> lent, for a frame would be written over another;
 * used before it is written, for the driver may look at once.
 *
 * The entries lie in memory that a successor finds again (uvf__kept()). A process may be killed
 * between any two steps, so what a successor finds is:
 *
 *	in flight, and here, published		lent: it stays so
 *	in flight, and here, not published	popped: it is lent anew (`order`, as in place.h)
 *	in flight, and not here			popped
 *	not in flight, and here			used already; its entry in the kernel's ring,
 *						if there yet, is the first: passed over
 */
#ifndef FRONT_LENT_H
#define FRONT_LENT_H

#include <stdbool.h>
#include <stdint.h>

#define LENT_NONE UINT16_MAX

struct lent_entry {
	uint64_t addr; /* in the UMEM; 0: not lent */
	uint32_t order; /* index in the kernel's ring, running freely */
	uint16_t descs; /* for vring_push() */
	uint16_t pad;
	uint64_t popped; /* the how-manieth chain that was popped */
};

struct lent {
	struct lent_entry *entry; /* by id */
	uint16_t num;
	uint16_t count;
	uint32_t mask;
	uint16_t *bucket; /* by address: the first id; NULL: nobody asks by address */
	uint16_t *next; /* by id: the next one of its bucket */
};

/*
 * @entry: @num of them. What is in there is lent already. Is it to be found by address? Sending it
 * is not: the kernel gives back in order, and a guest may send from one address all the time, whose
 * bucket would be a long one. 0 or -ENOMEM.
 */
int lent_open(struct lent *lent, struct lent_entry *entry, uint16_t num, bool finds);
void lent_close(struct lent *lent);

static inline uint32_t lent_hash(const struct lent *lent, uint64_t addr)
{
	return (addr * 0x9e3779b97f4a7c15ULL >> 40) & lent->mask;
}

/* The id that was lent with this address first, or LENT_NONE. Of a table that finds. */
static inline uint16_t lent_find(const struct lent *lent, uint64_t addr)
{
	uint16_t id = lent->bucket[lent_hash(lent, addr)], found = LENT_NONE;

	for (; id != LENT_NONE; id = lent->next[id])
		if (lent->entry[id].addr == addr)
			found = id;
	return found;
}

static inline bool lent_has(const struct lent *lent, uint16_t id)
{
	return id < lent->num && lent->entry[id].addr;
}

/* Whether the chain can be noted: ids of the packed ring may be any. */
static inline bool lent_can(const struct lent *lent, uint16_t id)
{
	return id < lent->num && !lent->entry[id].addr;
}

static inline void lent_link(struct lent *lent, uint16_t id)
{
	uint16_t *bucket;

	lent->count++;
	if (!lent->bucket)
		return;
	bucket = &lent->bucket[lent_hash(lent, lent->entry[id].addr)];
	lent->next[id] = *bucket;
	*bucket = id;
}

static inline void lent_unlink(struct lent *lent, uint16_t id)
{
	uint16_t *at;

	lent->count--;
	if (!lent->bucket)
		return;
	at = &lent->bucket[lent_hash(lent, lent->entry[id].addr)];
	while (*at != id)
		at = &lent->next[*at];
	*at = lent->next[id];
}

/* The address is written last: with it the entry is there. */
static inline void lent_add(struct lent *lent, uint16_t id, const struct lent_entry *entry)
{
	struct lent_entry *to = &lent->entry[id];

	to->order = entry->order;
	to->descs = entry->descs;
	to->popped = entry->popped;
	__atomic_store_n(&to->addr, entry->addr, __ATOMIC_RELEASE);
	lent_link(lent, id);
}

/* Once, though a driver that breaks the rules may have given a chain twice. */
static inline void lent_remove(struct lent *lent, uint16_t id)
{
	if (!lent_has(lent, id))
		return;
	lent_unlink(lent, id);
	__atomic_store_n(&lent->entry[id].addr, 0, __ATOMIC_RELEASE);
}

#endif /* FRONT_LENT_H */

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A ring of pointers, by the burst.
 *
 * Producers hold the lock, which also guards what the queue keeps beside the ring. There is one
 * consumer, which needs none. The kernel's ptr_ring tells full from empty by what is in a slot,
 * and so looks at each slot both ways; here two counters that run freely are looked at once for
 * each burst, and a frame costs a third of the instructions.
 */
#ifndef UVF_RING_H
#define UVF_RING_H

#include <linux/cache.h>
#include <linux/minmax.h>
#include <linux/skbuff.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

/* Two NAPI budgets of the uplink's and some: what two of its queues may bring before we run. */
#define UVF_RING_SIZE 1024

struct uvf_ring {
	void **slot;
	/* producers */
	spinlock_t lock ____cacheline_aligned_in_smp;
	u32 tail; /* the slot to be filled next, modulo the size */
	/* the consumer */
	u32 head ____cacheline_aligned_in_smp; /* the slot to be emptied next */
};

static inline int uvf_ring_init(struct uvf_ring *ring)
{
	ring->slot = kmalloc_array(UVF_RING_SIZE, sizeof(*ring->slot), GFP_KERNEL);
	spin_lock_init(&ring->lock);
	return ring->slot ? 0 : -ENOMEM;
}

/* Of an empty one. */
static inline void uvf_ring_free(struct uvf_ring *ring)
{
	kfree(ring->slot);
}

/* Returns how many were taken, from the first on. Under the lock. */
static inline unsigned int uvf_ring_put(struct uvf_ring *ring, void *const *entries, unsigned int n)
{
	u32 i, tail = ring->tail;

	/* What is behind the head has been read: pairs with the consumer's release. */
	n = min(n, UVF_RING_SIZE - (tail - smp_load_acquire(&ring->head)));
	for (i = 0; i < n; i++)
		ring->slot[(tail + i) % UVF_RING_SIZE] = entries[i];
	/* The entries, and what they point to, before the counter that tells of them. */
	smp_store_release(&ring->tail, tail + n);
	return n;
}

/* Returns how many there were, `n` at most. The consumer's. */
static inline unsigned int uvf_ring_take(struct uvf_ring *ring, void **entries, unsigned int n)
{
	u32 i, head = ring->head;

	/* Pairs with the producer's release. */
	n = min(n, smp_load_acquire(&ring->tail) - head);
	for (i = 0; i < n; i++)
		entries[i] = ring->slot[(head + i) % UVF_RING_SIZE];
	/* Read before they may be written again. */
	smp_store_release(&ring->head, head + n);
	return n;
}

/* An entry is an xdp_frame or an sk_buff, told apart by the lowest bit. */
#define UVF_RING_SKB 1UL

static inline void *uvf_ring_skb(struct sk_buff *skb)
{
	return (void *)((unsigned long)skb | UVF_RING_SKB);
}

static inline bool uvf_ring_is_skb(const void *entry)
{
	return (unsigned long)entry & UVF_RING_SKB;
}

static inline struct sk_buff *uvf_ring_to_skb(void *entry)
{
	return (struct sk_buff *)((unsigned long)entry & ~UVF_RING_SKB);
}

#endif /* UVF_RING_H */

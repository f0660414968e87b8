/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A ring of pointers, by the burst.
 *
 * Producers hold the lock, which also guards what the queue keeps beside the ring. There is one
 * consumer, which needs none. The kernel's ptr_ring tells full from empty by what is in a slot,
 * and so looks at each slot both ways; here two counters that run freely are looked at once for
 * each burst. Documentation/benchmarks.rst has what a frame costs with it.
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
	u32 tail = ring->tail, at = tail % UVF_RING_SIZE, to_end = UVF_RING_SIZE - at;

	/* What is behind the head has been read: pairs with the consumer's release. */
	n = min(n, UVF_RING_SIZE - (tail - smp_load_acquire(&ring->head)));
	memcpy(ring->slot + at, entries, min(n, to_end) * sizeof(*entries));
	if (unlikely(n > to_end))
		memcpy(ring->slot, entries + to_end, (n - to_end) * sizeof(*entries));
	/* The entries, and what they point to, before the counter that tells of them. */
	smp_store_release(&ring->tail, tail + n);
	return n;
}

/*
 * Up to `n` entries beside each other, where they are; 0 only if there is none. The consumer's,
 * until it releases them.
 */
static inline unsigned int uvf_ring_peek(struct uvf_ring *ring, void *const **entries,
					 unsigned int n)
{
	u32 at = ring->head % UVF_RING_SIZE;

	*entries = ring->slot + at;
	/* Pairs with the producer's release. */
	return min3(n, smp_load_acquire(&ring->tail) - ring->head, UVF_RING_SIZE - at);
}

static inline void uvf_ring_release(struct uvf_ring *ring, unsigned int n)
{
	/* Read before they may be written again. */
	smp_store_release(&ring->head, ring->head + n);
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

/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * One AF_XDP ring, shared with the kernel (Documentation/networking/af_xdp.rst).
 *
 * Single producer, single consumer. The producer's release store of the producer index pairs
 * with the consumer's acquire load of it, so that entries are seen whole; the consumer's
 * release store of the consumer index pairs with the producer's acquire load, so that an entry
 * is read before it is overwritten. Indexes run freely and wrap at 2^32.
 */
#ifndef UVF_RING_H
#define UVF_RING_H

#include <stdbool.h>
#include <stdint.h>

#include <linux/if_xdp.h>

/* As of Linux 6.6. */
#ifndef XDP_PKT_CONTD
#define XDP_PKT_CONTD (1 << 0)
#endif

/* As of Linux 6.8. */
#ifndef XDP_TX_METADATA
#define XDP_TX_METADATA (1 << 1)
#endif

struct uvf_ring {
	uint32_t *producer;
	uint32_t *consumer;
	uint32_t *flags;
	void *entries;
	uint32_t mask;
	uint32_t size;
	void *map;
	uint64_t map_size;
};

static inline uint32_t ring_ours(const uint32_t *index)
{
	return __atomic_load_n(index, __ATOMIC_RELAXED);
}

static inline uint32_t ring_theirs(const uint32_t *index)
{
	return __atomic_load_n(index, __ATOMIC_ACQUIRE);
}

static inline void ring_publish(uint32_t *index, uint32_t value)
{
	__atomic_store_n(index, value, __ATOMIC_RELEASE);
}

/* As the producer: entries that may be written. */
static inline uint32_t ring_room(const struct uvf_ring *ring)
{
	return ring->size - (ring_ours(ring->producer) - ring_theirs(ring->consumer));
}

/* As the consumer: entries that may be read. */
static inline uint32_t ring_filled(const struct uvf_ring *ring)
{
	return ring_theirs(ring->producer) - ring_ours(ring->consumer);
}

static inline uint64_t *ring_addr(const struct uvf_ring *ring, uint32_t index)
{
	return (uint64_t *)ring->entries + (index & ring->mask);
}

static inline struct xdp_desc *ring_desc(const struct uvf_ring *ring, uint32_t index)
{
	return (struct xdp_desc *)ring->entries + (index & ring->mask);
}

static inline bool ring_needs_wakeup(const struct uvf_ring *ring)
{
	return __atomic_load_n(ring->flags, __ATOMIC_RELAXED) & XDP_RING_NEED_WAKEUP;
}

#endif /* UVF_RING_H */

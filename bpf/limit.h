/* SPDX-License-Identifier: GPL-2.0-only */
/* Rate limits: two token buckets for each function and direction. */
#ifndef UVF_BPF_LIMIT_H
#define UVF_BPF_LIMIT_H

#include "lookup.h"

#include <stdbool.h>

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 2 * UVF_SLOTS);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u32);
	__type(value, struct uvf_limit);
} limits SEC(".maps");

/*
 * When the bucket, after @cost more, would be as full as it is allowed to be. It fills with time
 * up to its burst, so that @spent never lies further back than that.
 */
static __always_inline __u64 bucket_after(__u64 spent, __u64 burst, __u64 cost, __u64 now)
{
	__u64 earliest = now > burst ? now - burst : 0;

	return (spent > earliest ? spent : earliest) + cost;
}

static __always_inline bool bucket_take(struct uvf_limit *limit, __u64 cost, __u64 now)
{
	__u64 bytes, frames;
	bool allowed;

	bpf_spin_lock(&limit->lock);
	bytes = bucket_after(limit->bytes_spent, limit->bytes_burst, cost, now);
	frames = bucket_after(limit->frames_spent, limit->frames_burst, limit->frame_cost, now);
	allowed = bytes <= now && frames <= now;
	if (allowed) {
		limit->bytes_spent = bytes;
		limit->frames_spent = frames;
	}
	bpf_spin_unlock(&limit->lock);
	return allowed;
}

static __always_inline bool uvf_allowed(__u32 slot, enum uvf_direction direction, __u64 bytes)
{
	__u32 key = UVF_LIMIT_KEY(slot, direction);
	struct uvf_limit *limit = bpf_map_lookup_elem(&limits, &key);
	__u64 cost;

	if (!limit)
		return true;
	cost = limit->byte_cost * bytes >> UVF_LIMIT_SHIFT;
	return bucket_take(limit, cost, bpf_ktime_get_ns());
}

#endif /* UVF_BPF_LIMIT_H */

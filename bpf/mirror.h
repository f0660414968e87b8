/* SPDX-License-Identifier: GPL-2.0-only */
/* Copies of a function's frames for another function. */
#ifndef UVF_BPF_MIRROR_H
#define UVF_BPF_MIRROR_H

#include "lookup.h"

#include <stdbool.h>

/*
 * By slot, for XDP: the function's port and that of who gets the copies. XDP can't clone a frame,
 * but a broadcast to a DEVMAP does.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH_OF_MAPS);
	__uint(max_entries, UVF_SLOTS);
	__type(key, __u32);
	__array(values, struct {
		__uint(type, BPF_MAP_TYPE_DEVMAP);
		__uint(max_entries, UVF_MIRROR_PORTS);
		__uint(key_size, sizeof(__u32));
		__uint(value_size, sizeof(__u32));
	});
} mirrors SEC(".maps");

/* By slot, for tc. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, UVF_SLOTS);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u32);
	__type(value, struct uvf_mirror);
} taps SEC(".maps");

static __always_inline void mirror_count(__u32 slot)
{
	struct uvf_counts *count = uvf_counts_of(slot);

	if (count)
		count->mirror_frames++;
}

static __always_inline bool uvf_mirror_xdp(__u32 slot)
{
	void *both = bpf_map_lookup_elem(&mirrors, &slot);

	if (!both)
		return false;
	mirror_count(slot);
	return bpf_redirect_map(both, 0, BPF_F_BROADCAST) == XDP_REDIRECT;
}

/*
 * A broadcast to a DEVMAP copies one buffer and believes that there are more (xdpf_clone(),
 * net/core/xdp.c): of a frame of several, tc makes the copy. It does so for functions with a port;
 * others get such a frame, and nobody a copy.
 */
static __always_inline bool uvf_mirrors_tc(const struct uvf_verdict *to)
{
	__u32 slot = to->slot;
	struct uvf_mirror *tap = bpf_map_lookup_elem(&taps, &slot);
	struct uvf_flood *port = bpf_map_lookup_elem(&flood, &slot);

	return to->action == UVF_ACTION_ACCEPT && tap && tap->flags & UVF_MIRROR_RX && port &&
	       port->ifindex;
}

/* @what: UVF_MIRROR_* that it must be for */
static __always_inline void uvf_mirror_tc(struct __sk_buff *skb, __u32 slot, __u32 what)
{
	struct uvf_mirror *to = bpf_map_lookup_elem(&taps, &slot);

	if (!to || !(to->flags & what))
		return;
	mirror_count(slot);
	bpf_clone_redirect(skb, to->ifindex, 0);
}

#endif /* UVF_BPF_MIRROR_H */

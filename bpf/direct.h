/* SPDX-License-Identifier: GPL-2.0-only */
/* Queues of the uplink that are leased: a frame that came there is in its appliance's memory. */
#ifndef UVF_BPF_DIRECT_H
#define UVF_BPF_DIRECT_H

#include "lookup.h"

#include <stdbool.h>

/* Whose a queue is: slot + 1; 0: nobody's. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, UVF_DIRECT_QUEUES);
	__type(key, __u32);
	__type(value, __u32);
} owners SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_XSKMAP);
	__uint(max_entries, UVF_DIRECT_QUEUES);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
} direct SEC(".maps");

/* Without a socket there, the frame goes the way of all others. */
static __always_inline bool uvf_direct(const struct xdp_md *ctx, __u32 slot)
{
	__u32 queue = ctx->rx_queue_index;
	__u32 *owner = bpf_map_lookup_elem(&owners, &queue);

	return owner && *owner == slot + 1 &&
	       bpf_redirect_map(&direct, queue, XDP_PASS) == XDP_REDIRECT;
}

#endif /* UVF_BPF_DIRECT_H */

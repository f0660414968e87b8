// SPDX-License-Identifier: GPL-2.0-only
/*
 * The time that a frame takes from the entry of the uplink's XDP program to that of the function's.
 * It is known again by what is in it, as it may have been copied in between: by the bytes behind
 * its addresses and tag, in which at least an IP identification or a sequence number differs.
 */
#include "latency.h"
#include "traced.h"

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <stdbool.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

/* Of the shortest frame, what lies behind the Ethernet header less a tag. */
struct key {
	__u8 bytes[40];
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 65536);
	__type(key, struct key);
	__type(value, __u64);
} started SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct latency_counts);
} counts SEC(".maps");

const volatile struct latency_filter filter;

static __always_inline bool read_key(void *data, bool any_address, struct key *key)
{
	struct { __u8 to[ETH_ALEN], from[ETH_ALEN]; __be16 proto; } head;

	if (bpf_probe_read_kernel(&head, sizeof(head), data))
		return false;
	for (int i = 0; i < ETH_ALEN && !any_address; i++)
		if (head.to[i] != filter.mac[i])
			return false;
	data += ETH_HLEN;
	if (head.proto == bpf_htons(ETH_P_8021Q))
		data += 4;
	return !bpf_probe_read_kernel(key, sizeof(*key), data);
}

SEC("fentry")
int latency_uplink(__u64 *args)
{
	struct xdp_buff *xdp = (void *)args[0];
	struct key key;
	__u64 now;

	if (xdp->rxq->dev->ifindex != filter.uplink || !read_key(xdp->data, false, &key))
		return 0;
	now = bpf_ktime_get_ns();
	bpf_map_update_elem(&started, &key, &now, BPF_ANY);
	return 0;
}

static __always_inline __u32 bucket_of(__u64 ns)
{
	__u32 log = 0;

	if (ns < LATENCY_SUB)
		return ns;
	for (int step = 32; step; step >>= 1)
		if (ns >> (log + step))
			log += step;
	return (log - 1) * LATENCY_SUB + ((ns >> (log - 2)) & (LATENCY_SUB - 1));
}

SEC("fentry")
int latency_function(__u64 *args)
{
	struct xdp_buff *xdp = (void *)args[0];
	struct latency_counts *count;
	__u64 *start, took;
	struct key key;
	__u32 zero = 0;

	if (xdp->rxq->dev->ifindex != filter.function || !read_key(xdp->data, true, &key))
		return 0;
	count = bpf_map_lookup_elem(&counts, &zero);
	if (!count)
		return 0;
	count->seen++;
	start = bpf_map_lookup_elem(&started, &key);
	if (!start) {
		count->unmatched++;
		return 0;
	}
	took = bpf_ktime_get_ns() - *start;
	bpf_map_delete_elem(&started, &key);
	count->total += took;
	count->bucket[bucket_of(took) & (LATENCY_BUCKETS - 1)]++;
	return 0;
}

char _license[] SEC("license") = "GPL";

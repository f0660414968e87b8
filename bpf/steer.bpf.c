// SPDX-License-Identifier: GPL-2.0-only
/*
 * Steering on the uplink: which function is a frame for?
 *
 * Unicast to a function's (MAC, VLAN) is redirected to the function's port and never reaches
 * the host's stack. Everything else passes. Broadcast and multicast pass too: the host is to
 * have its copy, and the functions get theirs behind XDP, from uvf.ko's receive handler or from
 * uvf_flood() in port.bpf.c.
 *
 * Frames are not changed here. From 6.12 on the kernel refuses a program that changes packets
 * behind the dispatcher of a libxdp that is older than that rule, such as Debian 12's.
 */
#include "lookup.h"

#include <stdbool.h>
#include <xdp/xdp_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP);
	__uint(max_entries, UVF_SLOTS);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
} ports SEC(".maps");

/* Queues of the uplink that are leased: whose (slot + 1), and the socket that is bound there. */
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

static __always_inline bool same_mac(const __u8 *a, const __u8 *b)
{
	const __u16 *x = (const void *)a, *y = (const void *)b;

	return x[0] == y[0] && x[1] == y[1] && x[2] == y[2];
}

/* In passthru mode addresses do not matter, but for the uplink's own (as in kmod/uplink.c). */
static __always_inline bool all_go_to(const __u8 *mac, __u32 *slot)
{
	struct uvf_config *now = uvf_config_get();

	if (!now || same_mac(now->uplink, mac))
		return false;
	*slot = now->passthru;
	return true;
}

static __always_inline bool find(const struct ethhdr *eth, __u16 vlan, __u32 *slot)
{
	struct uvf_station *station;

	if (on.passthru)
		return all_go_to(eth->h_dest, slot);
	station = uvf_station_find(eth->h_dest, vlan);
	if (!station || station->flags & UVF_STATION_UNTAG)
		return false;
	*slot = station->slot;
	return true;
}

/* Programs of others run after ours for all that is not ours, and before it if they wish. */
struct {
	__uint(priority, 40);
	__uint(XDP_PASS, 1);
} XDP_RUN_CONFIG(uvf_steer);

static __always_inline bool is_direct(__u32 queue, __u32 slot)
{
	__u32 *owner;

	if (!on.direct)
		return false;
	owner = bpf_map_lookup_elem(&owners, &queue);
	return owner && *owner == slot + 1;
}

SEC("xdp")
int uvf_steer(struct xdp_md *ctx)
{
	void *end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = (void *)(long)ctx->data;
	struct uvf_vlan_tag *tag = (void *)(eth + 1);
	struct uvf_counts *count;
	__u16 vlan = UVF_VLAN_NONE;
	__u64 bytes = end - (void *)eth;
	__u32 slot;

	if ((void *)(eth + 1) > end || eth->h_dest[0] & 1)
		return XDP_PASS;
	if (eth->h_proto == bpf_htons(ETH_P_8021Q)) {
		if ((void *)(tag + 1) > end)
			return XDP_PASS;
		vlan = bpf_ntohs(tag->tci) & UVF_VID_MASK;
	}
	if (!find(eth, vlan, &slot))
		return XDP_PASS;
	count = uvf_counts_of(slot);
	if (count) {
		count->rx_frames++;
		count->rx_bytes += bytes;
	}
	/* Without a socket there, the frame goes the way of all others. */
	if (is_direct(ctx->rx_queue_index, slot) &&
	    bpf_redirect_map(&direct, ctx->rx_queue_index, XDP_PASS) == XDP_REDIRECT)
		return XDP_REDIRECT;
	return bpf_redirect_map(&ports, slot, XDP_PASS);
}

char _license[] SEC("license") = "GPL";

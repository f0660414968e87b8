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
#include "decide.h"
#include "direct.h"
#include "limit.h"
#include "mirror.h"

#include <xdp/xdp_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP);
	__uint(max_entries, UVF_SLOTS);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
} ports SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct uvf_verdict);
} verdict SEC(".maps");

/* Programs of others run after ours for all that is not ours, and before it if they wish. */
struct {
	__uint(priority, 40);
	__uint(XDP_PASS, 1);
} XDP_RUN_CONFIG(uvf_steer);

/*
 * Frames of several buffers come to programs that know of them. Of such a one only the first buffer
 * lies between ctx->data and ctx->data_end: all headers that are looked at.
 */
static __always_inline __u64 frame_bytes(struct xdp_md *ctx)
{
	return bpf_xdp_get_buff_len(ctx);
}

static __always_inline bool is_jumbo(struct xdp_md *ctx)
{
	return frame_bytes(ctx) > (__u64)(ctx->data_end - ctx->data);
}

/* False: not even an Ethernet header. */
static __always_inline bool read_frame(const struct xdp_md *ctx, struct frame *frame)
{
	const void *end = (void *)(long)ctx->data_end;
	const struct ethhdr *eth = (void *)(long)ctx->data;
	const struct uvf_vlan_tag *tag = (void *)(eth + 1);

	if ((void *)(eth + 1) > end)
		return false;
	*frame = (struct frame){
		.mac = eth->h_dest,
		.inner = eth + 1,
		.end = end,
		.proto = eth->h_proto,
		.vlan = UVF_VLAN_NONE,
	};
	if (eth->h_proto != bpf_htons(ETH_P_8021Q))
		return true;
	if ((void *)(tag + 1) > end)
		return false;
	frame->vlan = bpf_ntohs(tag->tci) & UVF_VID_MASK;
	frame->proto = tag->proto;
	frame->inner = tag + 1;
	return true;
}

static __always_inline int drop(__u32 slot, enum uvf_drop why)
{
	struct uvf_counts *count = uvf_counts_of(slot);

	if (count)
		count->drops[why]++;
	return XDP_DROP;
}

static __always_inline bool give_directly(const struct xdp_md *ctx, __u32 slot, __u64 bytes,
					  struct uvf_counts *count)
{
	if (!uvf_direct(ctx, slot))
		return false;
	if (count) {
		count->direct_frames++;
		count->direct_bytes += bytes;
	}
	return true;
}

static __always_inline int give(struct xdp_md *ctx, __u32 slot)
{
	struct uvf_counts *count = uvf_counts_of(slot);
	__u64 bytes = frame_bytes(ctx);

	if (on.limits && !uvf_allowed(slot, UVF_RX, bytes))
		return drop(slot, UVF_DROP_RX_LIMIT);
	if (count) {
		count->rx_frames++;
		count->rx_bytes += bytes;
	}
	if (on.mirrors && !is_jumbo(ctx) && uvf_mirror_xdp(slot))
		return XDP_REDIRECT;
	if (on.direct && give_directly(ctx, slot, bytes, count))
		return XDP_REDIRECT;
	return bpf_redirect_map(&ports, slot, XDP_PASS);
}

SEC("xdp.frags")
int uvf_steer(struct xdp_md *ctx)
{
	struct uvf_verdict to;
	struct frame frame;

	if (!read_frame(ctx, &frame))
		return XDP_PASS;
	uvf_decide(&frame, &to);
	/* What tc has to look at as well is counted there. */
	if (to.flags & UVF_STATION_UNTAG || (on.mirrors && is_jumbo(ctx) && uvf_mirrors_tc(&to)))
		return XDP_PASS;
	if (on.rules && to.rule)
		uvf_rule_hit(to.index);
	if (to.action == UVF_ACTION_DROP)
		return drop(to.slot, UVF_DROP_RULE);
	if (to.action == UVF_ACTION_PASS)
		return XDP_PASS;
	return give(ctx, to.slot);
}

/* What uvf_steer would decide, for BPF_PROG_TEST_RUN: nothing is counted. */
SEC("xdp")
int uvf_explain(struct xdp_md *ctx)
{
	struct frame frame;
	struct uvf_verdict *to;
	__u32 only = 0;

	to = bpf_map_lookup_elem(&verdict, &only);
	if (!to || !read_frame(ctx, &frame))
		return XDP_ABORTED;
	uvf_decide(&frame, to);
	return XDP_PASS;
}

char _license[] SEC("license") = "GPL";

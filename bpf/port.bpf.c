// SPDX-License-Identifier: GPL-2.0-only
/*
 * The slow path of veth-backed functions, as tc programs. (Functions of uvf.ko have theirs in
 * the module.)
 *
 *	client ──▶ uplink ─ uvf_flood ─▶ port ══ fw0 (appliance)
 *	           uplink ◀─ uvf_uplift ─ port ══ fw0
 *
 * uvf_flood, ingress of the uplink: copies of broadcast and multicast to each function, and
 * unicast that XDP did not take (a program of somebody else's in its place, or none).
 * uvf_uplift, ingress of a port: what the appliance sends leaves by the uplink.
 */
#include "decide.h"
#include "limit.h"
#include "mirror.h"

#include <linux/pkt_cls.h>

struct flood_walk {
	struct __sk_buff *skb;
	struct uvf_group_key group; /* its destination */
	__u16 vlan; /* UVF_VLAN_ANY: the functions that see the frame as it is */
};

static __always_inline int drop(__u32 slot, enum uvf_drop why)
{
	struct uvf_counts *count = uvf_counts_of(slot);

	if (count)
		count->drops[why]++;
	return TC_ACT_SHOT;
}

static __always_inline bool is_broadcast(const __u8 *mac)
{
	return (mac[0] & mac[1] & mac[2] & mac[3] & mac[4] & mac[5]) == 0xff;
}

static __always_inline bool is_wanted(const struct uvf_flood *to, __u32 slot,
				      struct flood_walk *walk)
{
	if (to->flags & UVF_FLOOD_ALL || is_broadcast(walk->group.mac))
		return true;
	walk->group.slot = slot;
	return bpf_map_lookup_elem(&groups, &walk->group);
}

static long flood_one(__u32 slot, struct flood_walk *walk)
{
	struct uvf_flood *to = bpf_map_lookup_elem(&flood, &slot);
	struct uvf_counts *count;

	if (!to)
		return 1;
	if (!to->ifindex || to->flags & UVF_FLOOD_NONE || to->vlan != walk->vlan ||
	    !is_wanted(to, slot, walk))
		return 0;
	if (on.limits && !uvf_allowed(slot, UVF_RX, walk->skb->len)) {
		drop(slot, UVF_DROP_RX_LIMIT);
		return 0;
	}
	count = uvf_counts_of(slot);
	if (count) {
		count->flood_frames++;
		count->flood_bytes += walk->skb->len;
	}
	if (on.mirrors)
		uvf_mirror_tc(walk->skb, slot, UVF_MIRROR_FLOOD);
	bpf_clone_redirect(walk->skb, to->ifindex, 0);
	return 0;
}

static __always_inline void flood_all(struct flood_walk *walk)
{
	struct uvf_config *now = uvf_config_get();

	if (now)
		bpf_loop(now->flood_end, flood_one, walk, 0);
}

/* The tag is taken off for the functions of that VLAN, and put back for the host. */
static __always_inline void flood_vlan(struct flood_walk *walk, __u16 vlan)
{
	struct __sk_buff *skb = walk->skb;
	__u16 tci = skb->vlan_tci;
	__u16 proto = skb->vlan_proto;

	walk->vlan = vlan;
	if (bpf_skb_vlan_pop(skb))
		return;
	flood_all(walk);
	bpf_skb_vlan_push(skb, proto, tci);
}

/* Headers that a rule may look at. */
#define HEADERS 256

static __always_inline bool read_frame(struct __sk_buff *skb, struct frame *frame)
{
	const struct ethhdr *eth;

	/* They need not lie in one piece. */
	if (on.rules && skb->data_end - skb->data < HEADERS)
		bpf_skb_pull_data(skb, skb->len < HEADERS ? skb->len : HEADERS);
	eth = (void *)(long)skb->data;
	if ((void *)(eth + 1) > (void *)(long)skb->data_end)
		return false;
	*frame = (struct frame){
		.mac = eth->h_dest,
		.inner = eth + 1,
		.end = (void *)(long)skb->data_end,
		.proto = eth->h_proto,
		.vlan = skb->vlan_present ? skb->vlan_tci & UVF_VID_MASK : UVF_VLAN_NONE,
	};
	return true;
}

static __always_inline int give(struct __sk_buff *skb, const struct uvf_verdict *verdict)
{
	__u32 slot = verdict->slot;
	struct uvf_flood *to = bpf_map_lookup_elem(&flood, &slot);
	struct uvf_counts *count = uvf_counts_of(slot);

	if (!to || !to->ifindex)
		return TC_ACT_UNSPEC;
	if (on.limits && !uvf_allowed(slot, UVF_RX, skb->len))
		return drop(slot, UVF_DROP_RX_LIMIT);
	if (count) {
		count->rx_frames++;
		count->rx_bytes += skb->len;
	}
	if (verdict->flags & UVF_STATION_UNTAG && bpf_skb_vlan_pop(skb))
		return drop(slot, UVF_DROP_VLAN);
	if (on.mirrors)
		uvf_mirror_tc(skb, slot, UVF_MIRROR_RX);
	return bpf_redirect(to->ifindex, 0);
}

static __always_inline int unicast(struct __sk_buff *skb, const struct frame *frame)
{
	struct uvf_verdict to;

	uvf_decide(frame, &to);
	if (on.rules && to.rule && !(on.xdp && to.action == UVF_ACTION_PASS))
		uvf_rule_hit(to.index);
	if (to.action == UVF_ACTION_DROP)
		return drop(to.slot, UVF_DROP_RULE);
	if (to.action == UVF_ACTION_PASS)
		return TC_ACT_UNSPEC;
	return give(skb, &to);
}

SEC("tc")
int uvf_flood(struct __sk_buff *skb)
{
	struct flood_walk walk = { .skb = skb, .vlan = UVF_VLAN_ANY };
	struct frame frame;

	if (!read_frame(skb, &frame))
		return TC_ACT_UNSPEC;
	if (!(frame.mac[0] & 1))
		return unicast(skb, &frame);
	__builtin_memcpy(walk.group.mac, frame.mac, ETH_ALEN);
	flood_all(&walk);
	if (frame.vlan)
		flood_vlan(&walk, frame.vlan);
	return TC_ACT_UNSPEC;
}

SEC("tc")
int uvf_uplift(struct __sk_buff *skb)
{
	__u32 port = skb->ifindex;
	struct uvf_uplift *to = bpf_map_lookup_elem(&uplifts, &port);
	struct uvf_counts *count;

	if (!to)
		return TC_ACT_SHOT;
	if (on.limits && !uvf_allowed(to->slot, UVF_TX, skb->len))
		return drop(to->slot, UVF_DROP_TX_LIMIT);
	if (on.mirrors)
		uvf_mirror_tc(skb, to->slot, UVF_MIRROR_TX);
	count = uvf_counts_of(to->slot);
	if (count) {
		count->tx_frames++;
		count->tx_bytes += skb->len;
	}
	if (to->vlan != UVF_VLAN_ANY && bpf_skb_vlan_push(skb, bpf_htons(ETH_P_8021Q), to->vlan))
		return drop(to->slot, UVF_DROP_VLAN);
	return bpf_redirect(to->ifindex, 0);
}

char _license[] SEC("license") = "GPL";

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
#include "lookup.h"

#include <linux/pkt_cls.h>
#include <stdbool.h>

struct flood_walk {
	struct __sk_buff *skb;
	__u16 vlan; /* UVF_VLAN_ANY: the functions that see the frame as it is */
};

static long flood_one(__u32 slot, struct flood_walk *walk)
{
	struct uvf_flood *to = bpf_map_lookup_elem(&flood, &slot);
	struct uvf_counts *count;

	if (!to)
		return 1;
	if (!to->ifindex || to->vlan != walk->vlan)
		return 0;
	count = uvf_counts_of(slot);
	if (count) {
		count->flood_frames++;
		count->flood_bytes += walk->skb->len;
	}
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
static __always_inline void flood_vlan(struct __sk_buff *skb, __u16 vlan)
{
	struct flood_walk walk = { .skb = skb, .vlan = vlan };
	__u16 tci = skb->vlan_tci;
	__u16 proto = skb->vlan_proto;

	if (bpf_skb_vlan_pop(skb))
		return;
	flood_all(&walk);
	bpf_skb_vlan_push(skb, proto, tci);
}

static __always_inline int unicast(struct __sk_buff *skb, const __u8 *mac, __u16 vlan)
{
	struct uvf_station *station = uvf_station_find(mac, vlan);
	struct uvf_counts *count;
	struct uvf_flood *to;
	__u32 slot;

	if (!station)
		return TC_ACT_UNSPEC;
	slot = station->slot;
	to = bpf_map_lookup_elem(&flood, &slot);
	if (!to || !to->ifindex)
		return TC_ACT_UNSPEC;
	count = uvf_counts_of(slot);
	if (count) {
		count->rx_frames++;
		count->rx_bytes += skb->len;
	}
	if (station->flags & UVF_STATION_UNTAG && bpf_skb_vlan_pop(skb))
		return TC_ACT_SHOT;
	return bpf_redirect(to->ifindex, 0);
}

SEC("tc")
int uvf_flood(struct __sk_buff *skb)
{
	struct flood_walk walk = { .skb = skb, .vlan = UVF_VLAN_ANY };
	__u16 vlan = UVF_VLAN_NONE;
	__u8 mac[ETH_ALEN];

	if (bpf_skb_load_bytes(skb, 0, mac, sizeof(mac)))
		return TC_ACT_UNSPEC;
	if (skb->vlan_present)
		vlan = skb->vlan_tci & UVF_VID_MASK;
	if (!(mac[0] & 1))
		return unicast(skb, mac, vlan);
	flood_all(&walk);
	if (vlan)
		flood_vlan(skb, vlan);
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
	count = uvf_counts_of(to->slot);
	if (count) {
		count->tx_frames++;
		count->tx_bytes += skb->len;
	}
	if (to->vlan != UVF_VLAN_ANY && bpf_skb_vlan_push(skb, bpf_htons(ETH_P_8021Q), to->vlan))
		return TC_ACT_SHOT;
	return bpf_redirect(to->ifindex, 0);
}

char _license[] SEC("license") = "GPL";

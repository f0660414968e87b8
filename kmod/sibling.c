// SPDX-License-Identifier: GPL-2.0-only
/*
 * Traffic between siblings.
 *
 * What one sends and another is to receive goes through the ring of the receiver's queue, as all
 * that it receives. From one UMEM to the other there is a shorter way: the sender's NAPI takes
 * the receiver's over, for as long as it has frames for it. Taken over means that its SCHED bit
 * is ours, as if it had been scheduled here: it runs nowhere else, RTNL waits for us to disable
 * it, and its fill ring, its socket and its counts have one user, as ever. Where another
 * processor has it, nobody waits: the frame takes the way through the ring.
 */
#include "sibling.h"
#include "mirror.h"
#include "redirect.h"
#include "rx.h"
#include "tx.h"
#include "uplink.h"
#include "xdp.h"

#include <linux/etherdevice.h>
#include <linux/filter.h>
#include <linux/uvf.h>

/* What may wait in a queue that is taken over, before the new frames. */
#define BACKLOG NAPI_POLL_WEIGHT

static const struct uvf_uplink *uplink_of(const struct uvf_netdev *un)
{
	/* NULL while the function goes; freed after readers have gone by. */
	return uvf_sibling_bridges(un) ? READ_ONCE(un->uplink) : NULL;
}

/*
 * The sibling for a destination, or NULL: then the frame is for the uplink. That it is for a
 * sibling is said by the mode of who has the address, whoever receives for it. What one sends to
 * oneself is the uplink's: to one's own address, or to one whose frames one has.
 */
static struct uvf_netdev *find(const struct uvf_netdev *un, const u8 *addr, u16 vlan)
{
	const struct uvf_uplink *uplink = uplink_of(un);
	struct uvf_netdev *owner, *sibling;

	if (!uplink || is_multicast_ether_addr(addr))
		return NULL;
	owner = uvf_uplink_owner(uplink, addr, vlan);
	if (!owner || owner == un || !uvf_sibling_bridges(owner))
		return NULL;
	sibling = uvf_redirect_of(owner);
	return sibling != un ? sibling : NULL;
}

static bool wants_group(const struct uvf_netdev *sibling, const struct uvf_netdev *un,
			const u8 *group, u16 vlan)
{
	return sibling != un && (!sibling->vlan || sibling->vlan == vlan) &&
	       uvf_redirect_wants(sibling, un, group);
}

static u16 tag_of(const void *frame, u32 len)
{
	const struct vlan_ethhdr *header = frame;

	if (len < VLAN_ETH_HLEN || header->h_vlan_proto != htons(ETH_P_8021Q))
		return 0;
	return ntohs(header->h_vlan_TCI) & VLAN_VID_MASK;
}

/* --- from the stack ----------------------------------------------------------------------- */

static void flood_skb(struct uvf_netdev *un, const struct uvf_uplink *uplink, struct sk_buff *skb,
		      u16 vlan)
{
	struct uvf_netdev *sibling;
	struct sk_buff *copy;

	list_for_each_entry_rcu(sibling, &uplink->functions, node) {
		if (!wants_group(sibling, un, eth_hdr(skb)->h_dest, vlan))
			continue;
		/* A program may write to it. */
		copy = skb_copy(skb, GFP_ATOMIC);
		if (copy)
			uvf_rx_sibling(sibling, copy);
		else
			dev_core_stats_rx_dropped_inc(sibling->dev);
	}
}

/* The tag of a frame, which is beside its data afterwards, as it is on receive. */
static u16 tag_beside(struct sk_buff *skb)
{
	u16 tci;

	if (!skb_vlan_tag_present(skb) && skb->protocol == htons(ETH_P_8021Q)) {
		if (__vlan_get_tag(skb, &tci) || skb_vlan_pop(skb))
			return 0;
		__vlan_hwaccel_put_tag(skb, htons(ETH_P_8021Q), tci);
	}
	if (!skb_vlan_tag_present(skb) || skb->vlan_proto != htons(ETH_P_8021Q))
		return 0;
	return skb_vlan_tag_get_id(skb);
}

bool uvf_sibling_send_skb(struct uvf_netdev *un, struct sk_buff *skb)
{
	const struct uvf_uplink *uplink;
	struct uvf_netdev *sibling = NULL;
	u16 vlan;

	skb_reset_mac_header(skb);
	vlan = tag_beside(skb);
	rcu_read_lock();
	uplink = uplink_of(un);
	if (uplink && is_multicast_ether_addr(eth_hdr(skb)->h_dest))
		flood_skb(un, uplink, skb, vlan);
	else
		sibling = find(un, eth_hdr(skb)->h_dest, vlan);
	if (sibling)
		uvf_rx_sibling(sibling, skb);
	rcu_read_unlock();
	return sibling;
}

/* --- from NAPI, through the ring ---------------------------------------------------------- */

static void flood_frame(struct uvf_burst *burst, const struct uvf_uplink *uplink,
			const struct xdp_frame *frame, u16 vlan)
{
	const struct ethhdr *eth = frame->data;
	struct uvf_netdev *sibling;
	struct xdp_frame *copy;

	list_for_each_entry_rcu(sibling, &uplink->functions, node) {
		if (!wants_group(sibling, burst->queue->un, eth->h_dest, vlan))
			continue;
		copy = uvf_tx_copy(frame);
		if (copy)
			uvf_rx_frame(sibling, copy);
		else
			dev_core_stats_rx_dropped_inc(sibling->dev);
	}
}

bool uvf_sibling_send_frame(struct uvf_burst *burst, struct xdp_frame *frame)
{
	struct uvf_netdev *sibling, *un = burst->queue->un;
	const struct uvf_uplink *uplink = uplink_of(un);
	const struct ethhdr *eth = frame->data;
	u16 vlan;

	if (!uplink)
		return false;
	vlan = tag_of(frame->data, frame->len);
	if (is_multicast_ether_addr(eth->h_dest)) {
		flood_frame(burst, uplink, frame, vlan);
		return false;
	}
	sibling = find(un, eth->h_dest, vlan);
	if (!sibling)
		return false;
	burst->counts.tx_packets++;
	burst->counts.tx_bytes += frame->len;
	uvf_rx_frame(sibling, frame);
	return true;
}

/* --- from NAPI, from UMEM to UMEM --------------------------------------------------------- */

void uvf_sibling_done(struct uvf_burst *peer)
{
	if (!peer->queue)
		return;
	uvf_rx_end(peer);
	/* Runs it again, here, if it was scheduled meanwhile. */
	napi_complete_done(&peer->queue->napi, 1);
	peer->queue = NULL;
}

static bool take_over(struct uvf_burst *peer, struct uvf_queue *queue)
{
	if (likely(peer->queue == queue))
		return true;
	uvf_sibling_done(peer);
	if (!napi_schedule_prep(&queue->napi))
		return false;
	uvf_rx_begin(peer, queue);
	/* First come, first served. What is too much for now is left to its own NAPI. */
	if (uvf_rx_ring(peer, BACKLOG) < BACKLOG && peer->prog)
		return true;
	uvf_rx_end(peer);
	__napi_schedule(&queue->napi);
	peer->queue = NULL;
	return false;
}

bool uvf_sibling_copy(struct uvf_burst *burst, struct uvf_burst *peer, const void *data, u32 len)
{
	struct uvf_netdev *sibling, *un = burst->queue->un;
	struct xdp_buff *xdp;
	struct vlan_ethhdr header;

	/* What is seen is to be what was sent, whatever the owner writes meanwhile: by the ring. */
	if (len < VLAN_ETH_HLEN || uvf_mirror_is_on(un) || trace_uvf_sent_enabled())
		return false;
	/* The owner may write to it while we look: what was judged is what arrives. */
	memcpy(&header, data, sizeof(header));
	sibling = find(un, header.h_dest, un->vlan ?: tag_of(&header, sizeof(header)));
	if (!sibling || sibling->vlan != un->vlan || !rcu_access_pointer(sibling->prog) ||
	    len > un->dev->mtu + VLAN_ETH_HLEN)
		return false;
	if (!take_over(peer, uvf_rx_queue(sibling, data, len)))
		return false;
	burst->counts.tx_packets++;
	burst->counts.tx_bytes += len;
	xdp = uvf_xdp_alloc(peer, len);
	if (unlikely(!xdp))
		return true;
	memcpy(xdp->data, &header, sizeof(header));
	memcpy(xdp->data + sizeof(header), data + sizeof(header), len - sizeof(header));
	uvf_xdp_run(peer, xdp, len);
	return true;
}

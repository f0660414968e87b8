// SPDX-License-Identifier: GPL-2.0-only
/* Receive. */
#include "rx.h"
#include "burst.h"
#include "channels.h"
#include "compat/compat.h"
#include "netdev.h"
#include "redirect.h"
#include "tx.h"
#include "xdp.h"
#include "xsk.h"

#include <linux/etherdevice.h>
#include <linux/filter.h>
#include <linux/if_vlan.h>
#include <net/xdp.h>

/* --- from the uplink's handler ------------------------------------------------------------ */

/* A flow stays on its queue, whichever way its frames come. */
static struct uvf_queue *queue_of(struct uvf_netdev *un, struct sk_buff *skb)
{
	return uvf_channel(un, READ_ONCE(un->nr_queues) > 1 ? skb_get_hash(skb) : 0);
}

static void adopt(struct uvf_netdev *un, struct sk_buff *skb)
{
	skb->dev = un->dev;
	if (un->vlan)
		__vlan_hwaccel_clear_tag(skb);
}

rx_handler_result_t uvf_rx_unicast(struct uvf_netdev *un, struct sk_buff **pskb)
{
	struct sk_buff *skb;

	if (unlikely(!(un->dev->flags & IFF_UP))) {
		kfree_skb(*pskb);
		return RX_HANDLER_CONSUMED;
	}
	skb = skb_share_check(*pskb, GFP_ATOMIC);
	if (unlikely(!skb)) {
		dev_core_stats_rx_dropped_inc(un->dev);
		return RX_HANDLER_CONSUMED;
	}
	*pskb = skb;
	adopt(un, skb);
	/* Only in passthru mode it may be for somebody else. */
	skb->pkt_type = un->mode == UVF_MODE_PASSTHRU &&
			!ether_addr_equal(eth_hdr(skb)->h_dest, un->dev->dev_addr) ?
			PACKET_OTHERHOST : PACKET_HOST;
	if (!rcu_access_pointer(un->prog)) {
		dev_sw_netstats_rx_add(un->dev, skb->len + ETH_HLEN);
		return RX_HANDLER_ANOTHER;
	}
	if (unlikely(!uvf_queue_put_skb(queue_of(un, skb), skb)))
		kfree_skb(skb);
	return RX_HANDLER_CONSUMED;
}

void uvf_rx_clone(struct uvf_netdev *un, struct sk_buff *skb)
{
	struct sk_buff *clone = skb_clone(skb, GFP_ATOMIC);

	if (unlikely(!clone)) {
		dev_core_stats_rx_dropped_inc(un->dev);
		return;
	}
	adopt(un, clone);
	if (unlikely(!uvf_queue_put_skb(queue_of(un, clone), clone)))
		kfree_skb(clone);
}

void uvf_rx_sibling(struct uvf_netdev *un, struct sk_buff *skb)
{
	/* Frees the skb where it is not acceptable, and counts it as dropped. */
	if (__dev_forward_skb(un->dev, skb))
		return;
	uvf_redirect_adopt(un, skb);
	if (un->vlan)
		__vlan_hwaccel_clear_tag(skb);
	if (!rcu_access_pointer(un->prog)) {
		dev_sw_netstats_rx_add(un->dev, skb->len + ETH_HLEN);
		netif_rx(skb);
	} else if (unlikely(!uvf_queue_put_skb(queue_of(un, skb), skb))) {
		kfree_skb(skb);
	}
}

/*
 * The steering program delivers frames as they came: a program that changed packets could not
 * stand beside others (libxdp's dispatcher is refused such an extension). In place: the frame is
 * ours, and its memory was a program's to write to.
 */
static bool frame_untag(struct xdp_frame *frame, u16 vlan)
{
	const struct vlan_ethhdr *header = frame->data;

	if (frame->len < VLAN_ETH_HLEN || header->h_vlan_proto != htons(ETH_P_8021Q) ||
	    (ntohs(header->h_vlan_TCI) & VLAN_VID_MASK) != vlan)
		return false;
	memmove(frame->data + VLAN_HLEN, frame->data, 2 * ETH_ALEN);
	frame->data += VLAN_HLEN;
	frame->len -= VLAN_HLEN;
	frame->headroom += VLAN_HLEN;
	frame->metasize = 0; /* it would have to move as well, and nobody reads it behind us */
	return true;
}

/* --- from DEVMAP, for several queues ------------------------------------------------------ */

/* The same hash that the stack gives a flow: both ways lead to one queue. */
static u32 flow_hash(const struct net_device *dev, const void *data, u32 len)
{
	const struct ethhdr *eth = data;
	struct flow_keys keys = {};

	if (len < ETH_HLEN)
		return 0;
	/* Not all is IP: what it knows of a frame is in the keys even where it gives up. */
	__skb_flow_dissect(dev_net(dev), NULL, &flow_keys_dissector, &keys, data, eth->h_proto,
			   ETH_HLEN, len, FLOW_DISSECTOR_F_STOP_AT_FLOW_LABEL);
	return flow_hash_from_keys(&keys);
}

struct uvf_queue *uvf_rx_queue(const struct uvf_netdev *un, const void *data, u32 len)
{
	return uvf_channel(un, READ_ONCE(un->nr_queues) > 1 ? flow_hash(un->dev, data, len) : 0);
}

static struct uvf_queue *queue_of_frame(const struct uvf_netdev *un, const struct xdp_frame *frame)
{
	return uvf_rx_queue(un, frame->data, frame->len);
}

static void put_run(struct uvf_queue *queue, struct xdp_frame **frames, int n)
{
	int i = uvf_queue_put_frames(queue, frames, n);

	for (; unlikely(i < n); i++)
		xdp_return_frame(frames[i]);
}

void uvf_rx_frame(struct uvf_netdev *un, struct xdp_frame *frame)
{
	put_run(queue_of_frame(un, frame), &frame, 1);
}

int uvf_rx_spread(struct uvf_netdev *un, struct xdp_frame **frames, int n)
{
	struct uvf_queue *queue, *next = queue_of_frame(un, frames[0]);
	int i, first = 0;

	for (i = 1; i <= n; i++) {
		queue = next;
		next = i < n ? queue_of_frame(un, frames[i]) : NULL;
		if (next == queue)
			continue;
		put_run(queue, frames + first, i - first);
		first = i;
	}
	return n;
}

/* --- from the ring, without a program: to the stack --------------------------------------- */

static void frame_to_stack(struct uvf_burst *burst, struct xdp_frame *frame)
{
	u32 len = xdp_get_frame_len(frame);
	struct sk_buff *skb;

	skb = xdp_build_skb_from_frame(frame, burst->queue->un->dev);
	if (unlikely(!skb)) {
		xdp_return_frame(frame);
		uvf_burst_drop(burst, UVF_DROP_RX_NO_MEMORY);
		return;
	}
	burst->counts.rx_packets++;
	burst->counts.rx_bytes += len;
	uvf_redirect_adopt(burst->queue->un, skb);
	napi_gro_receive(&burst->queue->napi, skb);
}

static void skb_to_stack(struct uvf_burst *burst, struct sk_buff *skb)
{
	burst->counts.rx_packets++;
	burst->counts.rx_bytes += skb->len + ETH_HLEN;
	burst->counts.multicast += skb->pkt_type == PACKET_MULTICAST;
	/* The copies of a broadcast share their data, which GRO would write to. */
	netif_receive_skb(skb);
}

/* --- from the ring, with a program: copied into private memory, then to the program ------- */

static void segment_to_program(struct uvf_burst *burst, struct sk_buff *skb)
{
	burst->counts.multicast += skb->pkt_type == PACKET_MULTICAST;
	if (skb_vlan_tag_present(skb)) {
		/* Back into its place. Frees the skb if it can't. */
		skb = __vlan_hwaccel_push_inside(skb);
		if (unlikely(!skb)) {
			uvf_burst_drop(burst, UVF_DROP_RX_NO_MEMORY);
			return;
		}
	}
	uvf_xdp_skb(burst, skb);
	consume_skb(skb);
}

/*
 * The stack's frames may be larger than any on the wire, and their checksum may be yet to be
 * filled in: a program is to see neither.
 */
static struct sk_buff *to_wire_format(struct sk_buff *skb)
{
	struct sk_buff *segments;

	__skb_push(skb, skb->data - skb_mac_header(skb));
	if (skb_is_gso(skb)) {
		segments = skb_gso_segment(skb, NETIF_F_SG);
		if (IS_ERR_OR_NULL(segments))
			return NULL;
		consume_skb(skb);
		return segments;
	}
	if (skb->ip_summed == CHECKSUM_PARTIAL && skb_checksum_help(skb))
		return NULL;
	return skb;
}

static void skb_to_program(struct uvf_burst *burst, struct sk_buff *skb)
{
	struct sk_buff *segment, *next;

	segment = to_wire_format(skb);
	if (unlikely(!segment)) {
		uvf_burst_drop(burst, UVF_DROP_RX_NO_MEMORY);
		kfree_skb(skb);
		return;
	}
	skb_list_walk_safe(segment, segment, next) {
		skb_mark_not_on_list(segment);
		segment_to_program(burst, segment);
	}
}

/* --- NAPI --------------------------------------------------------------------------------- */

static void receive_skb(struct uvf_burst *burst, struct sk_buff *skb)
{
	if (burst->prog)
		skb_to_program(burst, skb);
	else
		skb_to_stack(burst, skb);
}

static void receive_frame(struct uvf_burst *burst, struct xdp_frame *frame)
{
	void *entry = frame;
	u16 vlan = burst->queue->un->vlan;

	if (unlikely(vlan && !frame_untag(frame, vlan))) {
		xdp_return_frame(frame);
		uvf_burst_drop(burst, UVF_DROP_RX_VLAN);
		return;
	}
	if (burst->prog)
		uvf_xdp_frames(burst, &entry, 1);
	else
		frame_to_stack(burst, frame);
}

static void receive(struct uvf_burst *burst, void *const *entries, unsigned int n)
{
	bool as_they_are = burst->prog && !burst->queue->un->vlan;
	unsigned int i = 0;

	while (i < n) {
		if (uvf_ring_is_skb(entries[i]))
			receive_skb(burst, uvf_ring_to_skb(entries[i++]));
		else if (likely(as_they_are))
			i += uvf_xdp_frames(burst, entries + i, n - i);
		else
			receive_frame(burst, entries[i++]);
	}
}

int uvf_rx_ring(struct uvf_burst *burst, int budget)
{
	struct uvf_ring *ring = &burst->queue->ring;
	void *const *entries;
	int n, done;

	for (done = 0; done < budget; done += n) {
		n = uvf_ring_peek(ring, &entries, min(budget - done, UVF_RX_BULK));
		if (!n)
			break;
		uvf_xdp_reserve(burst, n);
		receive(burst, entries, n);
		uvf_ring_release(ring, n);
	}
	return done;
}

void uvf_rx_begin(struct uvf_burst *burst, struct uvf_queue *queue)
{
	burst->queue = queue;
	burst->prog = rcu_dereference(queue->un->prog);
	memset(&burst->counts, 0, sizeof(burst->counts));
	burst->max_len = uvf_xdp_max_len(queue);
	burst->redirected = false;
	burst->fill_empty = false;
	burst->next_buff = 0;
	burst->nr_buffs = 0;
	xdp_frame_bulk_init(&burst->done);
}

void uvf_rx_end(struct uvf_burst *burst)
{
	uvf_tx_flush(burst);
	if (burst->redirected)
		xdp_do_flush();
	xdp_flush_frame_bulk(&burst->done);
	uvf_xdp_unreserve(burst);
	uvf_queue_count(burst->queue, &burst->counts);
	if (burst->queue->pool)
		uvf_xsk_need_rx(burst);
}

int uvf_rx_poll(struct napi_struct *napi, int budget)
{
	struct uvf_queue *queue = container_of(napi, struct uvf_queue, napi);
	struct uvf_burst burst;
	bool more;
	int done;

	rcu_read_lock();
	uvf_rx_begin(&burst, queue);
	more = queue->pool && uvf_xsk_transmit(&burst, budget);
	done = uvf_rx_ring(&burst, budget);
	uvf_rx_end(&burst);
	rcu_read_unlock();
	if (more)
		return budget;
	if (done < budget)
		napi_complete_done(napi, done);
	return done;
}

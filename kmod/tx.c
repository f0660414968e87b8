// SPDX-License-Identifier: GPL-2.0-only
/*
 * Transmit. All frames go out of the uplink: the stack's as they are, those of AF_XDP and XDP_TX
 * in bulk through the uplink's ndo_xdp_xmit, or where it has none, as skbs.
 */
#include "tx.h"
#include "burst.h"
#include "netdev.h"
#include "sibling.h"
#include "xdp.h"

#include <linux/etherdevice.h>
#include <linux/filter.h>
#include <linux/if_vlan.h>
#include <net/xdp.h>

netdev_tx_t uvf_tx_skb(struct sk_buff *skb, struct net_device *dev)
{
	struct uvf_netdev *un = netdev_priv(dev);
	unsigned int len = skb->len;
	int ret;

	if (un->vlan)
		__vlan_hwaccel_put_tag(skb, htons(ETH_P_8021Q), un->vlan);
	if (uvf_sibling_bridges(un) && uvf_sibling_send_skb(un, skb)) {
		dev_sw_netstats_tx_add(dev, 1, len);
		return NETDEV_TX_OK;
	}
	skb->dev = un->lower;
	ret = dev_queue_xmit(skb);
	if (likely(ret == NET_XMIT_SUCCESS || ret == NET_XMIT_CN))
		dev_sw_netstats_tx_add(dev, 1, len);
	else
		dev_core_stats_tx_dropped_inc(dev);
	return ret;
}

/* Gives the memory its type: what is sent belongs to no receive queue. */
static struct xdp_rxq_info tx_memory = { .mem.type = MEM_TYPE_PAGE_SHARED };

bool uvf_tx_alloc(struct xdp_buff *xdp, u32 len)
{
	return uvf_xdp_alloc_private(xdp, &tx_memory, len, len);
}

/* --- from NAPI ---------------------------------------------------------------------------- */

static int push_tag(struct xdp_buff *xdp, u16 vlan)
{
	struct vlan_ethhdr *header = xdp->data - VLAN_HLEN;

	if ((void *)header < xdp->data_hard_start + sizeof(struct xdp_frame))
		return -ENOSPC;
	memmove(header, xdp->data, 2 * ETH_ALEN);
	header->h_vlan_proto = htons(ETH_P_8021Q);
	header->h_vlan_TCI = htons(vlan);
	xdp->data = header;
	/* Metadata in front of the frame is lost: nobody reads it behind us. */
	xdp->data_meta = header;
	return 0;
}

int uvf_tx_buff(struct uvf_burst *burst, struct xdp_buff *xdp)
{
	struct uvf_netdev *un = burst->queue->un;
	u32 len = xdp->data_end - xdp->data;
	struct xdp_frame *frame;
	int err;

	if (unlikely(len < ETH_HLEN || len > un->dev->mtu + VLAN_ETH_HLEN))
		return -EMSGSIZE;
	if (un->vlan) {
		err = push_tag(xdp, un->vlan);
		if (unlikely(err))
			return err;
	}
	frame = xdp_convert_buff_to_frame(xdp);
	if (unlikely(!frame))
		return -EOVERFLOW;
	if (uvf_sibling_bridges(un) && uvf_sibling_send_frame(burst, frame))
		return 0;
	burst->tx[burst->nr_tx++] = frame;
	if (burst->nr_tx == UVF_TX_BULK)
		uvf_tx_flush(burst);
	return 0;
}

/* For uplinks without ndo_xdp_xmit, and those that answer -ENXIO until XDP is set up on them. */
static int send_as_skb(struct net_device *lower, struct xdp_frame *frame)
{
	struct sk_buff *skb;

	skb = xdp_build_skb_from_frame(frame, lower);
	if (unlikely(!skb)) {
		xdp_return_frame(frame);
		return -ENOMEM;
	}
	skb_reset_network_header(skb);
	skb_push(skb, ETH_HLEN);
	skb->pkt_type = PACKET_HOST;
	return dev_queue_xmit(skb) == NET_XMIT_SUCCESS ? 0 : -ENOBUFS;
}

static int send_all(struct net_device *lower, struct xdp_frame **frames, int n)
{
	const struct net_device_ops *ops = lower->netdev_ops;
	int sent = -ENXIO;

	if (!netif_running(lower) || !netif_carrier_ok(lower))
		return 0;
	if (ops->ndo_xdp_xmit)
		sent = ops->ndo_xdp_xmit(lower, n, frames, XDP_XMIT_FLUSH);
	return sent;
}

void uvf_tx_flush(struct uvf_burst *burst)
{
	struct net_device *lower = burst->queue->un->lower;
	struct uvf_counts *counts = &burst->counts;
	u32 len[UVF_TX_BULK];
	int i, sent, n = burst->nr_tx;

	if (!n)
		return;
	burst->nr_tx = 0;
	for (i = 0; i < n; i++)
		len[i] = burst->tx[i]->len;
	sent = send_all(lower, burst->tx, n);
	for (i = 0; i < n; i++) {
		bool ok = i < sent;

		if (sent < 0)
			ok = !send_as_skb(lower, burst->tx[i]);
		else if (!ok)
			/* Not taken by the uplink: still ours. */
			xdp_return_frame(burst->tx[i]);
		counts->tx_packets += ok;
		counts->tx_bytes += ok ? len[i] : 0;
		if (unlikely(!ok))
			uvf_burst_drop(burst, UVF_DROP_TX_UPLINK);
	}
}

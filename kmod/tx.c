// SPDX-License-Identifier: GPL-2.0-only
/*
 * Transmit. All frames go out of the uplink: the stack's as they are, those of AF_XDP and XDP_TX
 * in bulk through the uplink's ndo_xdp_xmit, or where it has none, as skbs.
 *
 * What the uplink has no room for waits in the queue, and as long as something waits no more is
 * taken out of an AF_XDP socket's ring: who sends too fast finds that full, as on a network card.
 */
#include "tx.h"
#include "burst.h"
#include "compat/compat.h"
#include "limit.h"
#include "mirror.h"
#include "netdev.h"
#include "sibling.h"
#include "trace.h"
#include "xdp.h"

#include <linux/etherdevice.h>
#include <linux/filter.h>
#include <linux/hrtimer.h>
#include <linux/if_vlan.h>
#include <linux/pci.h>
#include <linux/slab.h>
#include <net/xdp.h>

static void trace(const struct uvf_netdev *un, const void *data, u32 len)
{
	const struct pci_dev *pdev = un->pdev;

	trace_uvf_sent(un->dev, pdev->bus->number << 8 | pdev->devfn, data, len);
}

/* Only while somebody looks: then in one piece. */
static noinline void trace_skb(const struct uvf_netdev *un, const struct sk_buff *skb)
{
	void *copy;

	if (!skb_is_nonlinear(skb)) {
		trace(un, skb->data, skb->len);
		return;
	}
	copy = kmalloc(skb->len, GFP_ATOMIC | __GFP_NOWARN);
	if (copy && !skb_copy_bits(skb, 0, copy, skb->len))
		trace(un, copy, skb->len);
	kfree(copy);
}

netdev_tx_t uvf_tx_skb(struct sk_buff *skb, struct net_device *dev)
{
	struct uvf_netdev *un = netdev_priv(dev);
	unsigned int len = skb->len;
	int ret;

	if (uvf_limit_is_on(un) && !uvf_limit_take_skb(un, skb))
		return NET_XMIT_DROP;
	if (trace_uvf_sent_enabled())
		trace_skb(un, skb);
	if (un->vlan)
		__vlan_hwaccel_put_tag(skb, htons(ETH_P_8021Q), un->vlan);
	if (uvf_mirror_is_on(un))
		uvf_mirror_skb(un, skb);
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

struct xdp_frame *uvf_tx_copy(const struct xdp_frame *frame)
{
	struct xdp_buff xdp;

	if (!uvf_tx_alloc(&xdp, frame->len))
		return NULL;
	memcpy(xdp.data, frame->data, frame->len);
	return xdp_convert_buff_to_frame(&xdp);
}

/* --- from NAPI ---------------------------------------------------------------------------- */

static int drop(struct uvf_burst *burst, struct xdp_frame **frames, int n)
{
	int i;

	for (i = 0; i < n; i++) {
		xdp_return_frame(frames[i]);
		uvf_burst_drop(burst, UVF_DROP_TX_UPLINK);
	}
	return n;
}

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
	struct uvf_queue *queue = burst->queue;
	struct uvf_netdev *un = queue->un;
	u32 len = xdp->data_end - xdp->data;
	struct xdp_frame *frame;
	int err;

	if (unlikely(len < ETH_HLEN || len > un->dev->mtu + VLAN_ETH_HLEN))
		return -EMSGSIZE;
	if (trace_uvf_sent_enabled())
		trace(un, xdp->data, len);
	if (un->vlan) {
		err = push_tag(xdp, un->vlan);
		if (unlikely(err))
			return err;
	}
	frame = xdp_convert_buff_to_frame(xdp);
	if (unlikely(!frame))
		return -EOVERFLOW;
	if (uvf_mirror_is_on(un))
		uvf_mirror_frame(un, frame);
	if (uvf_sibling_bridges(un) && uvf_sibling_send_frame(burst, frame))
		return 0;
	/* XDP_TX has no ring that it could leave a frame in. */
	if (unlikely(queue->nr_tx == UVF_TX_MAX))
		drop(burst, &frame, 1);
	else
		queue->tx[queue->nr_tx++] = frame;
	if (queue->nr_tx % UVF_TX_BULK == 0)
		uvf_tx_flush(burst);
	return 0;
}

static void count(struct uvf_burst *burst, u32 len)
{
	burst->counts.tx_packets++;
	burst->counts.tx_bytes += len;
}

static bool send_as_skb(struct net_device *lower, struct xdp_frame *frame)
{
	struct sk_buff *skb;

	skb = xdp_build_skb_from_frame(frame, lower);
	if (unlikely(!skb)) {
		xdp_return_frame(frame);
		return false;
	}
	skb_reset_network_header(skb);
	skb_push(skb, ETH_HLEN);
	skb->pkt_type = PACKET_HOST;
	return dev_queue_xmit(skb) == NET_XMIT_SUCCESS;
}

/* For uplinks without ndo_xdp_xmit, and those that answer -ENXIO until XDP is set up on them. */
static int send_as_skbs(struct uvf_burst *burst, struct xdp_frame **frames, int n)
{
	int i;

	for (i = 0; i < n; i++) {
		u32 len = frames[i]->len;

		if (likely(send_as_skb(burst->queue->un->lower, frames[i])))
			count(burst, len);
		else
			uvf_burst_drop(burst, UVF_DROP_TX_UPLINK);
	}
	return n;
}

/* Returns how many, of the first, are no longer ours. */
static int send_bulk(struct uvf_burst *burst, struct xdp_frame **frames, int n)
{
	struct net_device *lower = burst->queue->un->lower;
	int i, sent = -ENXIO;
	u32 len[UVF_TX_BULK];

	if (unlikely(!netif_running(lower) || !netif_carrier_ok(lower)))
		return drop(burst, frames, n);
	for (i = 0; i < n; i++)
		len[i] = frames[i]->len;
	if (likely(lower->netdev_ops->ndo_xdp_xmit))
		sent = lower->netdev_ops->ndo_xdp_xmit(lower, n, frames, XDP_XMIT_FLUSH);
	if (sent < 0)
		return send_as_skbs(burst, frames, n);
	for (i = 0; i < sent; i++)
		count(burst, len[i]);
	return sent;
}

/* --- when the uplink's ring is full ------------------------------------------------------- */

/*
 * No uplink tells when there is room again, so we look: the 512 descriptors of a common ring take
 * 10 Gbit/s half a millisecond. One that takes nothing in 10 ms is stuck, or what comes first is
 * nothing it will ever take. Looks are counted and not time, which a virtual machine may lose.
 */
#define LOOK_AGAIN (50 * NSEC_PER_USEC)
#define PATIENCE 200

static enum hrtimer_restart look_again(struct hrtimer *timer)
{
	struct uvf_queue *queue = container_of(timer, struct uvf_queue, tx_timer);

	WRITE_ONCE(queue->tx_looks, READ_ONCE(queue->tx_looks) + 1);
	uvf_queue_kick(queue);
	return HRTIMER_NORESTART;
}

static void start_timer(struct uvf_queue *queue, u64 ns)
{
	hrtimer_start(&queue->tx_timer, ns_to_ktime(ns), HRTIMER_MODE_REL_SOFT);
}

static noinline void keep_rest(struct uvf_burst *burst, unsigned int sent)
{
	struct uvf_queue *queue = burst->queue;

	memmove(queue->tx, queue->tx + sent, queue->nr_tx * sizeof(*queue->tx));
	if (sent)
		WRITE_ONCE(queue->tx_looks, 0);
	else if (READ_ONCE(queue->tx_looks) > PATIENCE)
		queue->nr_tx -= drop(burst, queue->tx, queue->nr_tx);
	/* NAPI runs for other reasons, too, which are not to put it off. */
	if (queue->nr_tx && (!hrtimer_is_queued(&queue->tx_timer) ||
			     hrtimer_get_remaining(&queue->tx_timer) > LOOK_AGAIN))
		start_timer(queue, LOOK_AGAIN);
}

/* Who has just had his share leaves the next to the other queues. */
void uvf_tx_wait(struct uvf_queue *queue, u64 ns, bool served)
{
	WRITE_ONCE(queue->tx_looks, 0); /* those are the uplink's */
	start_timer(queue, served ? ns + LOOK_AGAIN : ns);
}

void uvf_tx_flush(struct uvf_burst *burst)
{
	struct uvf_queue *queue = burst->queue;
	unsigned int n, taken, sent = 0;

	if (!queue->nr_tx)
		return;
	do {
		n = min_t(unsigned int, queue->nr_tx - sent, UVF_TX_BULK);
		taken = send_bulk(burst, queue->tx + sent, n);
		sent += taken;
	} while (taken == n && sent < queue->nr_tx);
	queue->nr_tx -= sent;
	if (unlikely(queue->nr_tx))
		keep_rest(burst, sent);
	else
		WRITE_ONCE(queue->tx_looks, 0);
}

void uvf_tx_init(struct uvf_queue *queue)
{
	uvf_compat_timer_setup(&queue->tx_timer, look_again);
}

void uvf_tx_stop(struct uvf_queue *queue)
{
	hrtimer_cancel(&queue->tx_timer);
	queue->tx_looks = 0;
	while (queue->nr_tx) {
		xdp_return_frame(queue->tx[--queue->nr_tx]);
		dev_core_stats_tx_dropped_inc(queue->un->dev);
	}
}

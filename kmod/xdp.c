// SPDX-License-Identifier: GPL-2.0-only
/* The function's own XDP program: where it is set, what it sees, and its verdicts. */
#include "xdp.h"
#include "burst.h"
#include "channels.h"
#include "netdev.h"
#include "rx.h"
#include "tx.h"
#include "xsk.h"

#include <linux/bpf_trace.h>
#include <linux/etherdevice.h>
#include <linux/filter.h>
#include <linux/rtnetlink.h>
#include <net/xdp_sock_drv.h>

/* --- setting ------------------------------------------------------------------------------ */

static int set_program(struct net_device *dev, struct netdev_bpf *bpf)
{
	struct uvf_netdev *un = netdev_priv(dev);
	struct bpf_prog *old = rtnl_dereference(un->prog);

	if (bpf->prog && dev->mtu > UVF_XDP_MAX_MTU) {
		NL_SET_ERR_MSG_MOD(bpf->extack, "the MTU is too large for XDP; a frame has to fit into a page");
		return -EMSGSIZE;
	}
	/* NAPI may finish a run with the old one, which is freed after a grace period. */
	rcu_assign_pointer(un->prog, bpf->prog);
	if (old)
		bpf_prog_put(old);
	uvf_netdev_limit_mtu(un);
	return 0;
}

int uvf_xdp(struct net_device *dev, struct netdev_bpf *bpf)
{
	switch (bpf->command) {
	case XDP_SETUP_PROG:
		return set_program(dev, bpf);
	case XDP_SETUP_XSK_POOL:
		return uvf_xsk_set_pool(dev, bpf->xsk.pool, bpf->xsk.queue_id);
	default:
		return -EINVAL;
	}
}

/* --- from DEVMAP -------------------------------------------------------------------------- */

/*
 * Frames are only put into the ring here. A program that ran now would redirect while the caller
 * is in the middle of flushing redirected frames, which loses them from 6.12 on.
 */
int uvf_xdp_receive(struct net_device *dev, int n, struct xdp_frame **frames, u32 flags)
{
	struct uvf_netdev *un = netdev_priv(dev);

	if (unlikely(flags & ~XDP_XMIT_FLAGS_MASK))
		return -EINVAL;
	if (READ_ONCE(un->nr_queues) > 1)
		return uvf_rx_spread(un, frames, n);
	return uvf_queue_put_frames(un->queue[0], frames, n);
}

/* --- memory ------------------------------------------------------------------------------- */

bool uvf_xdp_alloc_private(struct xdp_buff *xdp, struct xdp_rxq_info *rxq, u32 room, u32 len)
{
	u32 size = SKB_DATA_ALIGN(XDP_PACKET_HEADROOM + room) +
		   SKB_DATA_ALIGN(sizeof(struct skb_shared_info));
	void *start = napi_alloc_frag(size);

	if (unlikely(!start))
		return false;
	xdp_init_buff(xdp, size, rxq);
	xdp_prepare_buff(xdp, start, XDP_PACKET_HEADROOM, len, true);
	return true;
}

static struct xdp_buff *alloc_from_umem(struct uvf_burst *burst, u32 len)
{
	struct xsk_buff_pool *pool = burst->queue->pool;
	struct xdp_buff *xdp;

	if (unlikely(len > xsk_pool_get_rx_frame_size(pool))) {
		uvf_burst_drop(burst, UVF_DROP_RX_TOO_LONG);
		return NULL;
	}
	xdp = xsk_buff_alloc(pool);
	if (unlikely(!xdp)) {
		burst->fill_empty = true;
		uvf_burst_drop(burst, UVF_DROP_RX_FILL_EMPTY);
		return NULL;
	}
	xsk_buff_set_size(xdp, len);
	return xdp;
}

struct xdp_buff *uvf_xdp_alloc(struct uvf_burst *burst, struct xdp_buff *buff, u32 len)
{
	struct uvf_queue *queue = burst->queue;
	u32 room = SKB_WITH_OVERHEAD(PAGE_SIZE) - XDP_PACKET_HEADROOM;

	if (queue->pool)
		return alloc_from_umem(burst, len);
	if (unlikely(len > room)) {
		uvf_burst_drop(burst, UVF_DROP_RX_TOO_LONG);
		return NULL;
	}
	if (unlikely(!uvf_xdp_alloc_private(buff, &queue->rxq, room, len))) {
		uvf_burst_drop(burst, UVF_DROP_RX_NO_MEMORY);
		return NULL;
	}
	return buff;
}

void uvf_xdp_copy_frame(void *to, struct xdp_frame *frame)
{
	struct skb_shared_info *shared;
	int i;

	memcpy(to, frame->data, frame->len);
	if (likely(!xdp_frame_has_frags(frame)))
		return;
	to += frame->len;
	shared = xdp_get_shared_info_from_frame(frame);
	for (i = 0; i < shared->nr_frags; i++) {
		const skb_frag_t *frag = &shared->frags[i];

		memcpy(to, skb_frag_address(frag), skb_frag_size(frag));
		to += skb_frag_size(frag);
	}
}

void uvf_xdp_copy_skb(void *to, const struct sk_buff *skb)
{
	struct vlan_ethhdr *header = to;

	if (likely(!skb_vlan_tag_present(skb))) {
		skb_copy_bits(skb, 0, to, skb->len);
		return;
	}
	skb_copy_bits(skb, 0, to, 2 * ETH_ALEN);
	header->h_vlan_proto = skb->vlan_proto;
	header->h_vlan_TCI = htons(skb_vlan_tag_get(skb));
	skb_copy_bits(skb, 2 * ETH_ALEN, to + 2 * ETH_ALEN + VLAN_HLEN, skb->len - 2 * ETH_ALEN);
}

/* --- verdicts ----------------------------------------------------------------------------- */

static struct sk_buff *skb_from_umem(struct uvf_queue *queue, struct xdp_buff *xdp)
{
	u32 len = xdp->data_end - xdp->data;
	struct sk_buff *skb;

	skb = napi_alloc_skb(&queue->napi, len);
	if (unlikely(!skb))
		return NULL;
	skb_put_data(skb, xdp->data, len);
	xsk_buff_free(xdp);
	return skb;
}

static struct sk_buff *skb_around(struct xdp_buff *xdp)
{
	struct sk_buff *skb;

	skb = napi_build_skb(xdp->data_hard_start, xdp->frame_sz);
	if (unlikely(!skb))
		return NULL;
	skb_reserve(skb, xdp->data - xdp->data_hard_start);
	__skb_put(skb, xdp->data_end - xdp->data);
	if (xdp->data > xdp->data_meta)
		skb_metadata_set(skb, xdp->data - xdp->data_meta);
	return skb;
}

static int pass(struct uvf_burst *burst, struct xdp_buff *xdp)
{
	struct uvf_queue *queue = burst->queue;
	struct sk_buff *skb;

	skb = queue->pool ? skb_from_umem(queue, xdp) : skb_around(xdp);
	if (unlikely(!skb))
		return -ENOMEM;
	skb->protocol = eth_type_trans(skb, queue->un->dev);
	napi_gro_receive(&queue->napi, skb);
	return 0;
}

static int redirect(struct uvf_burst *burst, struct xdp_buff *xdp)
{
	int err;

	err = xdp_do_redirect(burst->queue->un->dev, xdp, burst->prog);
	if (likely(!err))
		burst->redirected = true;
	return err;
}

void uvf_xdp_run(struct uvf_burst *burst, struct xdp_buff *xdp)
{
	struct net_device *dev = burst->queue->un->dev;
	u32 act, len = xdp->data_end - xdp->data;
	int err = 0;

	act = bpf_prog_run_xdp(burst->prog, xdp);
	switch (act) {
	case XDP_REDIRECT:
		err = redirect(burst, xdp);
		break;
	case XDP_PASS:
		err = pass(burst, xdp);
		break;
	case XDP_TX:
		err = uvf_tx_buff(burst, xdp);
		if (unlikely(err))
			trace_xdp_exception(dev, burst->prog, act);
		break;
	default:
		bpf_warn_invalid_xdp_action(dev, burst->prog, act);
		fallthrough;
	case XDP_ABORTED:
		trace_xdp_exception(dev, burst->prog, act);
		fallthrough;
	case XDP_DROP:
		xdp_return_buff(xdp);
	}
	if (unlikely(err)) {
		xdp_return_buff(xdp);
		uvf_burst_drop(burst, UVF_DROP_RX_PROGRAM);
		return;
	}
	burst->counts.rx_packets++;
	burst->counts.rx_bytes += len;
}

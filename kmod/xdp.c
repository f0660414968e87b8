// SPDX-License-Identifier: GPL-2.0-only
/* The function's own XDP program: where it is set, what it sees, and its verdicts. */
#include "xdp.h"
#include "burst.h"
#include "limit.h"
#include "multibuf.h"
#include "netdev.h"
#include "redirect.h"
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
		NL_SET_ERR_MSG_MOD(bpf->extack, "the MTU is too large for XDP; set it to 16366 or less");
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
	struct uvf_netdev *un = uvf_redirect_of(netdev_priv(dev));

	if (unlikely(flags & ~XDP_XMIT_FLAGS_MASK))
		return -EINVAL;
	if (READ_ONCE(un->nr_queues) > 1)
		return uvf_rx_spread(un, frames, n);
	return uvf_queue_put_frames(un->queue[0], frames, n);
}

/* --- memory ------------------------------------------------------------------------------- */

/*
 * The kernel's page fragments are no more than a page, whatever they once were: from 6.13 on one
 * that is larger is refused as soon as the cache has no room for it. Freed alike.
 */
static void *alloc_memory(u32 size)
{
	struct page *page;

	if (likely(size <= PAGE_SIZE))
		return napi_alloc_frag(size);
	page = alloc_pages(GFP_ATOMIC | __GFP_COMP | __GFP_NOWARN, get_order(size));
	return page ? page_address(page) : NULL;
}

bool uvf_xdp_alloc_private(struct xdp_buff *xdp, struct xdp_rxq_info *rxq, u32 room, u32 len)
{
	u32 size = SKB_DATA_ALIGN(XDP_PACKET_HEADROOM + room) +
		   SKB_DATA_ALIGN(sizeof(struct skb_shared_info));
	void *start = alloc_memory(size);

	if (unlikely(!start))
		return false;
	xdp_init_buff(xdp, size, rxq);
	xdp_prepare_buff(xdp, start, XDP_PACKET_HEADROOM, len, true);
	return true;
}

u32 uvf_xdp_max_len(const struct uvf_queue *queue)
{
	return queue->pool ? xsk_pool_get_rx_frame_size(queue->pool) : UVF_XDP_MAX_LEN;
}

void uvf_xdp_reserve(struct uvf_burst *burst, unsigned int n)
{
	if (!n || !burst->prog || !burst->queue->pool)
		return;
	/* Not every skb becomes one frame. */
	if (unlikely(burst->next_buff < burst->nr_buffs))
		return;
	burst->next_buff = 0;
	burst->nr_buffs = xsk_buff_alloc_batch(burst->queue->pool, burst->buff, n);
}

static __always_inline struct xdp_buff *umem_buff(struct uvf_burst *burst)
{
	struct xdp_buff *xdp;

	if (unlikely(burst->next_buff == burst->nr_buffs))
		return xsk_buff_alloc(burst->queue->pool);
	xdp = burst->buff[burst->next_buff++];
	/* As xsk_buff_alloc() does, and its batch does not on each kernel. */
	xdp->flags = 0;
	return xdp;
}

struct xdp_buff *uvf_xdp_umem_buff(struct uvf_burst *burst)
{
	return umem_buff(burst);
}

void uvf_xdp_unreserve(struct uvf_burst *burst)
{
	while (unlikely(burst->next_buff < burst->nr_buffs))
		xsk_buff_free(umem_buff(burst));
}

static __always_inline struct xdp_buff *alloc_from_umem(struct uvf_burst *burst, u32 len)
{
	struct xdp_buff *xdp = umem_buff(burst);

	if (unlikely(!xdp)) {
		burst->fill_empty = true;
		uvf_burst_drop(burst, UVF_DROP_RX_FILL_EMPTY);
		return NULL;
	}
	xsk_buff_set_size(xdp, len);
	return xdp;
}

static struct xdp_buff *alloc_private(struct uvf_burst *burst, u32 len)
{
	u32 room = SKB_WITH_OVERHEAD(PAGE_SIZE) - XDP_PACKET_HEADROOM;

	if (unlikely(!uvf_xdp_alloc_private(&burst->private, &burst->queue->rxq, max(room, len),
					    len))) {
		uvf_burst_drop(burst, UVF_DROP_RX_NO_MEMORY);
		return NULL;
	}
	return &burst->private;
}

static __always_inline struct xdp_buff *alloc(struct uvf_burst *burst, u32 len)
{
	if (unlikely(len > burst->max_len)) {
		uvf_burst_drop(burst, UVF_DROP_RX_TOO_LONG);
		return NULL;
	}
	return burst->queue->pool ? alloc_from_umem(burst, len) : alloc_private(burst, len);
}

struct xdp_buff *uvf_xdp_alloc(struct uvf_burst *burst, u32 len)
{
	return alloc(burst, len);
}

/* --- copies ------------------------------------------------------------------------------- */

static void copy_from_frags(const struct xdp_frame *frame, u32 offset, void *to, u32 len)
{
	const struct skb_shared_info *shared =
		xdp_get_shared_info_from_frame((struct xdp_frame *)frame);
	u32 i, piece, size;

	for (i = 0; i < shared->nr_frags && len; i++) {
		const skb_frag_t *frag = &shared->frags[i];

		size = skb_frag_size(frag);
		if (offset >= size) {
			offset -= size;
			continue;
		}
		piece = min(len, size - offset);
		memcpy(to, skb_frag_address(frag) + offset, piece);
		to += piece;
		len -= piece;
		offset = 0;
	}
}

static void copy_from_frame(const void *data, u32 offset, void *to, u32 len)
{
	const struct xdp_frame *frame = data;
	u32 piece = offset < frame->len ? min_t(u32, len, frame->len - offset) : 0;

	memcpy(to, frame->data + offset, piece);
	if (unlikely(piece < len))
		copy_from_frags(frame, offset + piece - frame->len, to + piece, len - piece);
}

static struct xdp_buff *from_pieces(struct uvf_burst *burst, struct xdp_frame *frame, u32 len)
{
	struct xdp_buff *xdp;

	if (len > burst->max_len && burst->queue->pool)
		return uvf_multibuf_receive(burst, copy_from_frame, frame, len);
	xdp = alloc(burst, len);
	if (likely(xdp))
		copy_from_frame(frame, 0, xdp->data, len);
	return xdp;
}

static __always_inline struct xdp_buff *from_frame(struct uvf_burst *burst,
						   struct xdp_frame *frame, u32 len)
{
	struct xdp_buff *xdp;

	if (unlikely(xdp_frame_has_frags(frame) || len > burst->max_len))
		return from_pieces(burst, frame, len);
	xdp = alloc(burst, len);
	if (likely(xdp))
		memcpy(xdp->data, frame->data, len);
	return xdp;
}

static void copy_from_skb(const void *skb, u32 offset, void *to, u32 len)
{
	skb_copy_bits(skb, offset, to, len);
}

static struct xdp_buff *from_skb(struct uvf_burst *burst, struct sk_buff *skb)
{
	struct xdp_buff *xdp;

	if (unlikely(skb->len > burst->max_len) && burst->queue->pool)
		return uvf_multibuf_receive(burst, copy_from_skb, skb, skb->len);
	xdp = alloc(burst, skb->len);
	if (likely(xdp))
		skb_copy_bits(skb, 0, xdp->data, skb->len);
	return xdp;
}

/* --- verdicts ----------------------------------------------------------------------------- */

static struct sk_buff *skb_from_umem(struct uvf_queue *queue, struct xdp_buff *xdp)
{
	u32 len = xdp_get_buff_len(xdp);
	struct sk_buff *skb;

	skb = napi_alloc_skb(&queue->napi, len);
	if (unlikely(!skb))
		return NULL;
	uvf_multibuf_gather(xdp, skb_put(skb, len));
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
	uvf_redirect_adopt(queue->un, skb);
	napi_gro_receive(&queue->napi, skb);
	return 0;
}

static __always_inline int redirect(struct uvf_burst *burst, struct xdp_buff *xdp)
{
	int err;

	err = xdp_do_redirect(burst->queue->un->dev, xdp, burst->prog);
	if (likely(!err))
		burst->redirected = true;
	return err;
}

/* The core's xdp_return_buff() gives a UMEM's buffer back once for each fragment. */
static void free_buff(struct uvf_burst *burst, struct xdp_buff *xdp)
{
	if (burst->queue->pool)
		xsk_buff_free(xdp);
	else
		xdp_return_buff(xdp);
}

/* A frame in several buffers is sent in one piece. */
static int send_back(struct uvf_burst *burst, struct xdp_buff *xdp)
{
	struct uvf_netdev *un = burst->queue->un;
	u32 len = xdp_get_buff_len(xdp);
	struct xdp_buff whole;
	int err;

	/* It has no ring that it could wait in. */
	if (uvf_limit_is_on(un) && !uvf_limit_take(un, len)) {
		free_buff(burst, xdp);
		uvf_burst_drop(burst, UVF_DROP_TX_LIMIT);
		return 0;
	}
	if (likely(!xdp_buff_has_frags(xdp)))
		return uvf_tx_buff(burst, xdp);
	if (!uvf_tx_alloc(&whole, len))
		return -ENOMEM;
	uvf_multibuf_gather(xdp, whole.data);
	err = uvf_tx_buff(burst, &whole);
	if (err) {
		xdp_return_buff(&whole);
		uvf_burst_drop(burst, UVF_DROP_TX_INVALID);
	}
	return 0;
}

/* What is not a redirect. With an error, the buffer stays the caller's. */
static noinline int judge(struct uvf_burst *burst, struct xdp_buff *xdp, u32 act)
{
	struct net_device *dev = burst->queue->un->dev;
	int err;

	switch (act) {
	case XDP_PASS:
		return pass(burst, xdp);
	case XDP_TX:
		err = send_back(burst, xdp);
		if (unlikely(err))
			trace_xdp_exception(dev, burst->prog, act);
		return err;
	default:
		bpf_warn_invalid_xdp_action(dev, burst->prog, act);
		fallthrough;
	case XDP_ABORTED:
		trace_xdp_exception(dev, burst->prog, act);
		fallthrough;
	case XDP_DROP:
		free_buff(burst, xdp);
		return 0;
	}
}

static __always_inline void run(struct uvf_burst *burst, struct xdp_buff *xdp, u32 len)
{
	u32 act;
	int err;

	act = bpf_prog_run_xdp(burst->prog, xdp);
	err = likely(act == XDP_REDIRECT) ? redirect(burst, xdp) : judge(burst, xdp, act);
	if (unlikely(err)) {
		free_buff(burst, xdp);
		uvf_burst_drop(burst, UVF_DROP_RX_PROGRAM);
		return;
	}
	burst->counts.rx_packets++;
	burst->counts.rx_bytes += len;
}

void uvf_xdp_run(struct uvf_burst *burst, struct xdp_buff *xdp, u32 len)
{
	run(burst, xdp, len);
}

/* --- from the ring ------------------------------------------------------------------------ */

/*
 * Given back in bulk, and never by xdp_return_frame_rx_napi(): the page pool of such a frame has
 * its own NAPI.
 */
static __always_inline void receive_frame(struct uvf_burst *burst, struct xdp_frame *frame)
{
	u32 len = xdp_get_frame_len(frame);
	struct xdp_buff *xdp = from_frame(burst, frame, len);

	if (likely(xdp))
		run(burst, xdp, len);
	xdp_return_frame_bulk(frame, &burst->done);
}

unsigned int uvf_xdp_frames(struct uvf_burst *burst, void *const *entries, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n && !uvf_ring_is_skb(entries[i]); i++)
		receive_frame(burst, entries[i]);
	return i;
}

void uvf_xdp_skb(struct uvf_burst *burst, struct sk_buff *skb)
{
	struct xdp_buff *xdp = from_skb(burst, skb);

	if (likely(xdp))
		run(burst, xdp, skb->len);
}

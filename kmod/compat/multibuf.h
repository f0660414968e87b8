/* SPDX-License-Identifier: GPL-2.0-only */
/* AF_XDP frames of several buffers, in zero-copy mode: from 6.6 on. */
#ifndef UVF_COMPAT_MULTIBUF_H
#define UVF_COMPAT_MULTIBUF_H

#include <linux/skbuff.h>
#include <linux/version.h>
#include <linux/vmalloc.h>
#include <net/xdp_sock_drv.h>

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 6, 0)

/* What the netdev announces as xdp_zc_max_segs: the head, and so many fragments less one. */
#define UVF_COMPAT_MAX_SEGMENTS MAX_SKB_FRAGS

static inline bool uvf_compat_pool_has_sg(const struct xsk_buff_pool *pool)
{
	return pool->umem->flags & XDP_UMEM_SG_FLAG;
}

static inline bool uvf_compat_continues(const struct xdp_desc *desc)
{
	return desc->options & XDP_PKT_CONTD;
}

static inline struct xdp_buff *uvf_compat_next_frag(struct xdp_buff *head)
{
	return xsk_buff_get_frag(head);
}

static inline void uvf_compat_set_max_segments(struct net_device *dev)
{
	dev->xdp_zc_max_segs = UVF_COMPAT_MAX_SEGMENTS;
}

/* 6.14: enters the fragment in the head's shared info, too, for programs. Before, drivers did. */
static inline bool uvf_compat_add_frag(struct xdp_buff *head, struct xdp_buff *xdp)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 14, 0)
	return xsk_buff_add_frag(head, xdp);
#else
	struct skb_shared_info *shared = xdp_get_shared_info_from_buff(head);
	u32 len = xdp->data_end - xdp->data;

	if (!xdp_buff_has_frags(head)) {
		shared->nr_frags = 0;
		shared->xdp_frags_size = 0;
		xdp_buff_set_frags_flag(head);
	}
	if (shared->nr_frags == MAX_SKB_FRAGS)
		return false;
	/* A UMEM is one vmap(). */
	__skb_fill_page_desc_noacc(shared, shared->nr_frags++, vmalloc_to_page(xdp->data),
				   offset_in_page(xdp->data), len);
	shared->xdp_frags_size += len;
	xsk_buff_add_frag(xdp);
	return true;
#endif
}

#else /* before 6.6 */

#define UVF_COMPAT_MAX_SEGMENTS 1

static inline bool uvf_compat_pool_has_sg(const struct xsk_buff_pool *pool)
{
	return false;
}

static inline bool uvf_compat_continues(const struct xdp_desc *desc)
{
	return false;
}

static inline struct xdp_buff *uvf_compat_next_frag(struct xdp_buff *head)
{
	return NULL;
}

static inline void uvf_compat_set_max_segments(struct net_device *dev)
{
}

static inline bool uvf_compat_add_frag(struct xdp_buff *head, struct xdp_buff *xdp)
{
	return false;
}

#endif

#endif /* UVF_COMPAT_MULTIBUF_H */

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Frames that take several buffers of a UMEM.
 *
 * The rest of the module knows frames in one piece only, of any length: it copies anyway. Pieces
 * are made here, on the way into a UMEM with XDP_USE_SG, and put together again when a program
 * wants such a frame passed or sent. (The other direction is in xsk.c: descriptors that continue
 * each other are gathered into one private buffer.)
 */
#include "multibuf.h"
#include "compat/multibuf.h"
#include "netdev.h"
#include "xdp.h"

#include <linux/filter.h>

u32 uvf_multibuf_max(struct xsk_buff_pool *pool)
{
	u32 size = xsk_pool_get_rx_frame_size(pool);

	return uvf_compat_pool_has_sg(pool) ? size * UVF_COMPAT_MAX_SEGMENTS : size;
}

static bool acceptable(const struct uvf_burst *burst, u32 len)
{
	return burst->prog->aux->xdp_has_frags && len <= uvf_multibuf_max(burst->queue->pool);
}

static struct xdp_buff *next_buffer(struct uvf_burst *burst, u32 len)
{
	struct xdp_buff *xdp = uvf_xdp_umem_buff(burst);

	if (unlikely(!xdp)) {
		burst->fill_empty = true;
		return NULL;
	}
	xsk_buff_set_size(xdp, len);
	return xdp;
}

struct xdp_buff *uvf_multibuf_receive(struct uvf_burst *burst, uvf_multibuf_copy copy,
				      const void *frame, u32 len)
{
	u32 offset, piece, size = xsk_pool_get_rx_frame_size(burst->queue->pool);
	struct xdp_buff *head = NULL, *xdp;

	if (!acceptable(burst, len)) {
		uvf_burst_drop(burst, UVF_DROP_RX_TOO_LONG);
		return NULL;
	}
	for (offset = 0; offset < len; offset += piece) {
		piece = min(len - offset, size);
		xdp = next_buffer(burst, piece);
		if (unlikely(!xdp))
			goto drop;
		copy(frame, offset, xdp->data, piece);
		if (!head) {
			head = xdp;
		} else if (unlikely(!uvf_compat_add_frag(head, xdp))) {
			xsk_buff_free(xdp);
			goto drop;
		}
	}
	return head;

drop:
	if (head)
		xsk_buff_free(head); /* and what is chained to it */
	uvf_burst_drop(burst, UVF_DROP_RX_FILL_EMPTY);
	return NULL;
}

static void *take(struct xdp_buff *xdp, void *to)
{
	u32 len = xdp->data_end - xdp->data;

	memcpy(to, xdp->data, len);
	return to + len;
}

void uvf_multibuf_gather(struct xdp_buff *head, void *to)
{
	struct xdp_buff *xdp;

	to = take(head, to);
	while (xdp_buff_has_frags(head) && (xdp = uvf_compat_next_frag(head))) {
		to = take(xdp, to);
		xsk_buff_free(xdp);
	}
	xsk_buff_free(head);
}

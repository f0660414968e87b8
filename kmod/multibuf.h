/* SPDX-License-Identifier: GPL-2.0-only */
/* Frames that take several buffers of a UMEM (XDP_USE_SG). */
#ifndef UVF_MULTIBUF_H
#define UVF_MULTIBUF_H

#include "burst.h"

#include <net/xdp.h>
#include <net/xdp_sock_drv.h>

/* Copies `len` bytes from `offset` of a frame. */
typedef void (*uvf_multibuf_copy)(const void *frame, u32 offset, void *to, u32 len);

/* The longest frame that fits into a pool: into one buffer, or into as many as there may be. */
u32 uvf_multibuf_max(struct xsk_buff_pool *pool);

/*
 * A frame of `len` bytes, copied into as many buffers as it takes, in a chain. NULL is counted as
 * dropped. Only where the program knows of fragments and the pool takes them.
 */
struct xdp_buff *uvf_multibuf_receive(struct uvf_burst *burst, uvf_multibuf_copy copy,
				      const void *frame, u32 len);

/* Copies all of a chain to one place, and gives the buffers back. */
void uvf_multibuf_gather(struct xdp_buff *head, void *to);

#endif /* UVF_MULTIBUF_H */

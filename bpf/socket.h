/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * On a leased function: each frame to the AF_XDP socket of its queue. A queue without a socket
 * passes its frames to the function's netdev. A frame of several buffers is dropped, and counted,
 * by a socket that was not bound for such (XDP_USE_SG).
 */
#ifndef UVF_BPF_SOCKET_H
#define UVF_BPF_SOCKET_H

#include <linux/bpf.h>
#include <stdbool.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include <uvf/meta.h>

#define UVF_QUEUES 64

struct {
	__uint(type, BPF_MAP_TYPE_XSKMAP);
	__uint(max_entries, UVF_QUEUES);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
} sockets SEC(".maps");

static __always_inline int to_socket(struct xdp_md *ctx)
{
	return bpf_redirect_map(&sockets, ctx->rx_queue_index, XDP_PASS);
}

/*
 * In the place of what a program on the uplink may have left there. (Where the driver has no
 * metadata, data_meta is one behind data, and the kernel refuses.)
 */
static __always_inline void meta_put(struct xdp_md *ctx, const struct uvf_meta_block *block)
{
	int there = ctx->data - ctx->data_meta;
	struct uvf_meta_block *to;

	if (bpf_xdp_adjust_meta(ctx, there - (int)sizeof(*block)))
		return;
	to = (void *)(long)ctx->data_meta;
	if ((void *)(to + 1) <= (void *)(long)ctx->data)
		*to = *block;
}

/* CLOCK_TAI, as cards that know the time have it. */
static __always_inline struct uvf_meta_block meta_now(void)
{
	return (struct uvf_meta_block){
		.time = bpf_ktime_get_tai_ns(),
		.known = UVF_BLOCK_MAGIC | UVF_BLOCK_TIME,
	};
}

#endif /* UVF_BPF_SOCKET_H */

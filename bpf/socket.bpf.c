// SPDX-License-Identifier: GPL-2.0-only
/*
 * On a leased function: each frame to the AF_XDP socket of its queue. A queue without a socket
 * passes its frames to the function's netdev. A frame of several buffers is dropped, and counted,
 * by a socket that was not bound for such (XDP_USE_SG).
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#define UVF_QUEUES 64

struct {
	__uint(type, BPF_MAP_TYPE_XSKMAP);
	__uint(max_entries, UVF_QUEUES);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
} sockets SEC(".maps");

SEC("xdp.frags")
int uvf_socket(struct xdp_md *ctx)
{
	return bpf_redirect_map(&sockets, ctx->rx_queue_index, XDP_PASS);
}

char _license[] SEC("license") = "GPL";

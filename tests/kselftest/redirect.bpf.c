// SPDX-License-Identifier: GPL-2.0-only
/*
 * Programs for the tests of uvf.ko, without any of the steering of bpf/:
 *
 *	to_function	on the uplink: frames to `address` go to the netdev in `function`
 *	all_to_function	on the uplink: all frames do
 *	reflect		on the uplink's peer: all frames go back as they came
 *	to_socket	on the function: all frames go to the AF_XDP socket of their queue
 *	to_socket_sg	the same, for frames in several buffers
 *	bounce		on the function: what `xsk ask` sends goes back
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
} function SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u8[ETH_ALEN]);
} address SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_XSKMAP);
	__uint(max_entries, 64);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
} sockets SEC(".maps");

SEC("xdp.frags")
int to_function(struct xdp_md *ctx)
{
	struct ethhdr *eth = (void *)(long)ctx->data;
	__u32 key = 0;
	__u8 *mac = bpf_map_lookup_elem(&address, &key);

	if (!mac || (void *)(eth + 1) > (void *)(long)ctx->data_end)
		return XDP_PASS;
	for (int i = 0; i < ETH_ALEN; i++)
		if (eth->h_dest[i] != mac[i])
			return XDP_PASS;
	return bpf_redirect_map(&function, 0, XDP_PASS);
}

SEC("xdp.frags")
int all_to_function(struct xdp_md *ctx __attribute__((unused)))
{
	return bpf_redirect_map(&function, 0, XDP_DROP);
}

SEC("xdp.frags")
int reflect(struct xdp_md *ctx __attribute__((unused)))
{
	return XDP_TX;
}

SEC("xdp")
int to_socket(struct xdp_md *ctx)
{
	return bpf_redirect_map(&sockets, ctx->rx_queue_index, XDP_PASS);
}

SEC("xdp.frags")
int to_socket_sg(struct xdp_md *ctx)
{
	return bpf_redirect_map(&sockets, ctx->rx_queue_index, XDP_PASS);
}

/* Answers a question as xsk.c does, without a socket. */
SEC("xdp")
int bounce(struct xdp_md *ctx)
{
	struct ethhdr *eth = (void *)(long)ctx->data;
	__u8 mac[ETH_ALEN];

	if ((void *)(eth + 1) > (void *)(long)ctx->data_end || eth->h_proto != 0xb588)
		return XDP_PASS;
	/* 0x88b5 and 0x88b6: IEEE 802 local experimental */
	eth->h_proto = 0xb688;
	__builtin_memcpy(mac, eth->h_dest, ETH_ALEN);
	__builtin_memcpy(eth->h_dest, eth->h_source, ETH_ALEN);
	__builtin_memcpy(eth->h_source, mac, ETH_ALEN);
	return XDP_TX;
}

char _license[] SEC("license") = "GPL";

// SPDX-License-Identifier: GPL-2.0-only
/*
 * The program of a leased function whose appliance asked for metadata, bound to the function's
 * device: it asks the driver (Linux 6.3). What the driver, or this kernel, does not have is left
 * out. It is an object of its own, since one that calls such functions takes a kernel with BTF.
 */
#include "socket.h"

enum xdp_rss_hash_type { UVF_RSS_TYPES = 0xffff };

extern int bpf_xdp_metadata_rx_timestamp(const struct xdp_md *ctx, __u64 *time) __ksym __weak;
extern int bpf_xdp_metadata_rx_hash(const struct xdp_md *ctx, __u32 *hash,
				    enum xdp_rss_hash_type *type) __ksym __weak;
extern int bpf_xdp_metadata_rx_vlan_tag(const struct xdp_md *ctx, __be16 *proto,
					__u16 *tci) __ksym __weak;

static __always_inline void ask_time(const struct xdp_md *ctx, struct uvf_meta_block *block)
{
	__u64 time = 0;

	if (!bpf_xdp_metadata_rx_timestamp || bpf_xdp_metadata_rx_timestamp(ctx, &time) || !time)
		return;
	block->hardware_time = time;
	block->known |= UVF_BLOCK_HARDWARE_TIME;
}

static __always_inline void ask_hash(const struct xdp_md *ctx, struct uvf_meta_block *block)
{
	enum xdp_rss_hash_type type = 0;
	__u32 hash = 0;

	if (!bpf_xdp_metadata_rx_hash || bpf_xdp_metadata_rx_hash(ctx, &hash, &type) || !type)
		return;
	block->hash = hash;
	block->hash_type = type & UVF_RSS_TYPES;
	block->known |= UVF_BLOCK_HASH;
}

static __always_inline void ask_vlan(const struct xdp_md *ctx, struct uvf_meta_block *block)
{
	__be16 proto = 0;
	__u16 tci = 0;

	if (!bpf_xdp_metadata_rx_vlan_tag || bpf_xdp_metadata_rx_vlan_tag(ctx, &proto, &tci))
		return;
	block->vlan_proto = bpf_ntohs(proto);
	block->vlan_tci = tci;
	block->known |= UVF_BLOCK_VLAN;
}

SEC("xdp.frags")
int uvf_socket(struct xdp_md *ctx)
{
	int action = to_socket(ctx);
	struct uvf_meta_block block;

	if (action != XDP_REDIRECT)
		return action;
	block = meta_now();
	ask_time(ctx, &block);
	ask_hash(ctx, &block);
	ask_vlan(ctx, &block);
	meta_put(ctx, &block);
	return action;
}

char _license[] SEC("license") = "GPL";

/* SPDX-License-Identifier: GPL-2.0-only */
/* What a rule can look at, read from a frame. */
#ifndef UVF_BPF_FLOW_H
#define UVF_BPF_FLOW_H

#include "lookup.h"

#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <stdbool.h>

#define IP4_OFFSET 0x1fff /* of a fragment, RFC 791 3.1 */
#define IP6_OFFSET 0xfff8 /* RFC 8200 4.5 */
#define IP6_HEADERS 6 /* extension headers that are walked through */

/* Protocols that begin with a source and a destination port. */
static __always_inline bool has_ports(__u8 proto)
{
	return proto == IPPROTO_TCP || proto == IPPROTO_UDP || proto == IPPROTO_SCTP ||
	       proto == IPPROTO_UDPLITE || proto == IPPROTO_DCCP;
}

static __always_inline bool flow_ports(const void *at, const void *end, struct uvf_flow *flow)
{
	const __be16 *port = at;

	if (!has_ports(flow->proto) || (void *)(port + 2) > end)
		return false;
	flow->sport = port[0];
	flow->dport = port[1];
	return true;
}

static __always_inline bool flow_ip4(const void *at, const void *end, struct uvf_flow *flow)
{
	const struct iphdr *ip = at;

	if ((void *)(ip + 1) > end)
		return false;
	flow->family = 4;
	flow->proto = ip->protocol;
	__builtin_memcpy(flow->src, &ip->saddr, sizeof(ip->saddr));
	__builtin_memcpy(flow->dst, &ip->daddr, sizeof(ip->daddr));
	if (ip->frag_off & bpf_htons(IP4_OFFSET))
		return false;
	return flow_ports(at + (ip->ihl << 2), end, flow);
}

struct ip6_extension {
	__u8 next;
	__u8 len;
	__be16 offset; /* of a fragment */
};

/* The size of an extension header; 0: it is none, or nothing behind it can be read. */
static __always_inline __u32 extension_size(__u8 proto, const struct ip6_extension *header)
{
	switch (proto) {
	case IPPROTO_HOPOPTS:
	case IPPROTO_ROUTING:
	case IPPROTO_DSTOPTS:
	case IPPROTO_MH:
		return (header->len + 1) << 3;
	case IPPROTO_AH:
		return (header->len + 2) << 2; /* RFC 4302 2.2 */
	case IPPROTO_FRAGMENT:
		return 8;
	}
	return 0;
}

static __always_inline bool flow_ip6(const void *at, const void *end, struct uvf_flow *flow)
{
	const struct ipv6hdr *ip = at;
	const struct ip6_extension *header = (void *)(ip + 1);
	bool later = false;
	__u32 size;

	if ((void *)header > end)
		return false;
	flow->family = 6;
	flow->proto = ip->nexthdr;
	__builtin_memcpy(flow->src, &ip->saddr, sizeof(ip->saddr));
	__builtin_memcpy(flow->dst, &ip->daddr, sizeof(ip->daddr));
	for (int i = 0; i < IP6_HEADERS; i++) {
		if ((void *)(header + 1) > end)
			return false;
		size = extension_size(flow->proto, header);
		if (!size)
			break;
		if (flow->proto == IPPROTO_FRAGMENT && header->offset & bpf_htons(IP6_OFFSET))
			later = true;
		flow->proto = header->next;
		if (later)
			return false;
		header = (void *)header + size;
	}
	return flow_ports(header, end, flow);
}

/* @at: behind the Ethernet header and its tag. Whether there are ports. */
static __always_inline bool uvf_flow_read(const void *at, const void *end, __be16 proto,
					  struct uvf_flow *flow)
{
	if (proto == bpf_htons(ETH_P_IP))
		return flow_ip4(at, end, flow);
	if (proto == bpf_htons(ETH_P_IPV6))
		return flow_ip6(at, end, flow);
	return false;
}

#endif /* UVF_BPF_FLOW_H */

// SPDX-License-Identifier: GPL-2.0-only
/* The way out: RFC 1812 section 5.2.1, in the order of its steps. */
#include <arpa/inet.h>
#include <string.h>

#include "checksum.h"
#include "fw.h"

/* RFC 3927 section 2.7: such a packet stays on its link. */
static bool link_local(uint32_t addr)
{
	return addr >> 16 == 0xa9fe;
}

static void decrement_ttl(struct ip *ip)
{
	uint16_t before, after;

	memcpy(&before, &ip->ttl, sizeof(before)); /* the word of TTL and protocol */
	ip->ttl--;
	memcpy(&after, &ip->ttl, sizeof(after));
	ip->check = csum_replace(ip->check, before, after);
}

void ip_forward(struct fw *fw, struct frame *frame)
{
	struct ip *ip = ip_of(frame->data);

	if (link_local(ntohl(ip->src)) || link_local(ntohl(ip->dst)))
		return drop(fw, frame, DROP_DESTINATION);
	if (ip->ttl <= 1)
		return icmp_error(fw, frame, DROP_TTL, ICMP_TIME_EXCEEDED, 0, 0);
	decrement_ttl(ip);
	ip_send(fw, frame);
}

void ip_send(struct fw *fw, struct frame *frame)
{
	const struct ip *ip = ip_of(frame->data);
	uint32_t dst = ntohl(ip->dst), hop;
	const struct route *route = config_route(fw->config, dst);
	uint16_t mtu;

	if (!route)
		return icmp_error(fw, frame, DROP_NO_ROUTE, ICMP_UNREACHABLE, UNREACHABLE_NET, 0);
	hop = route->via ? route->via : dst;
	mtu = fw->port[route->port].mtu;
	if (frame->len - sizeof(struct eth) <= mtu)
		return neigh_output(fw, route->port, hop, frame);
	if (ip->off & htons(IP_DF))
		return icmp_error(fw, frame, DROP_TOO_BIG, ICMP_UNREACHABLE,
				  UNREACHABLE_FRAG_NEEDED, mtu);
	ip_fragment(fw, frame, route->port, hop);
}

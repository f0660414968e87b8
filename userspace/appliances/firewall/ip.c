// SPDX-License-Identifier: GPL-2.0-only
/*
 * IPv4 as it comes in: what RFC 1812 section 5.2.2 wants checked, what a firewall wants
 * besides, then the rules, then the way to us or onwards. No length in a header is believed
 * before it was held against the frame's own.
 */
#include <arpa/inet.h>
#include <string.h>

#include "checksum.h"
#include "fw.h"

#define PASSED DROP_COUNT

#define TCP_HEADER_UNITS ((sizeof(struct tcp) + 7) / 8)

static enum drop check_header(struct frame *frame)
{
	const struct ip *ip = ip_of(frame->data);
	uint32_t room = frame->len - sizeof(struct eth), header, len;

	if (frame->len < sizeof(struct eth) + sizeof(*ip))
		return DROP_SHORT;
	header = (ip->version_ihl & 0xf) * 4;
	if (ip->version_ihl >> 4 != 4 || header < sizeof(*ip))
		return DROP_IP_HEADER;
	len = ntohs(ip->len);
	if (len < header || len > room)
		return DROP_IP_LENGTH;
	if (csum(ip, header))
		return DROP_IP_CHECKSUM;
	/* Source routes above all; pf blocks options by default, too. RFC 7126 tells why. */
	if (header > sizeof(*ip))
		return DROP_IP_OPTIONS;
	frame->len = sizeof(struct eth) + len; /* Ethernet's padding is not forwarded */
	return PASSED;
}

/* RFC 1858, RFC 3128: filters look into the first fragment, so that it has to hold the ports. */
static enum drop check_fragment(const struct ip *ip)
{
	uint32_t off = ntohs(ip->off) & IP_OFFSET, payload = ntohs(ip->len) - sizeof(*ip);
	bool more = ntohs(ip->off) & IP_MF;

	if (!off && !more)
		return PASSED;
	if (off * 8 + payload + sizeof(*ip) > 65535 || !payload || (more && payload % 8))
		return DROP_FRAGMENT;
	if (ip->proto != PROTO_TCP)
		return PASSED;
	if (off ? off < TCP_HEADER_UNITS : payload < sizeof(struct tcp))
		return DROP_FRAGMENT;
	return PASSED;
}

static bool ours(const struct fw *fw, uint32_t addr)
{
	for (unsigned int i = 0; i < fw->ports; i++)
		if (fw->port[i].addr == addr)
			return true;
	return false;
}

/* Broadcast or network address of a network that is connected to us. */
static bool directed_broadcast(const struct fw *fw, uint32_t addr)
{
	for (unsigned int i = 0; i < fw->ports; i++) {
		const struct port_config *port = &fw->config->port[i];
		uint32_t host = addr & ~port->mask;

		if (!((addr ^ port->addr) & port->mask) && port->prefix < 31 &&
		    (!host || host == ~port->mask))
			return true;
	}
	return false;
}

/* RFC 1812 section 5.3.7: this network, loopback, and class E. */
static bool martian(uint32_t addr)
{
	return addr >> 24 == 0 || addr >> 24 == 127 || addr >> 28 == 0xf;
}

static bool multicast(uint32_t addr)
{
	return addr >> 28 == 0xe;
}

static enum drop check_addresses(const struct fw *fw, unsigned int in, const struct frame *frame)
{
	const struct ip *ip = ip_of((void *)frame->data);
	uint32_t src = ntohl(ip->src), dst = ntohl(ip->dst);
	const struct route *back;

	if (martian(src) || multicast(src) || ours(fw, src) || directed_broadcast(fw, src))
		return DROP_SOURCE;
	if (!fw->config->trust_sources) { /* RFC 3704 section 2.2 */
		back = config_route(fw->config, src);
		if (!back || back->port != in)
			return DROP_SPOOFED;
	}
	/* Nothing here takes a broadcast, and RFC 2644 forbids to forward one. */
	if (multicast(dst) || dst == 0xffffffff || directed_broadcast(fw, dst) ||
	    (eth_of(frame->data)->dst[0] & 1))
		return DROP_BROADCAST;
	return martian(dst) ? DROP_DESTINATION : PASSED;
}

static void block(struct fw *fw, struct frame *frame)
{
	const struct ip *ip = ip_of(frame->data);

	if (fw->config->drop_silently)
		return drop(fw, frame, DROP_BLOCKED);
	if (ip->proto == PROTO_TCP && !(ip->off & htons(IP_MF | IP_OFFSET)))
		return tcp_reset(fw, frame, DROP_BLOCKED);
	icmp_error(fw, frame, DROP_BLOCKED, ICMP_UNREACHABLE, UNREACHABLE_PROHIBITED, 0);
}

/* For one of our addresses; we do not reassemble, and nothing here needs it. */
static void local_input(struct fw *fw, struct frame *frame)
{
	const struct ip *ip = ip_of(frame->data);

	if (ip->off & htons(IP_MF | IP_OFFSET))
		return drop(fw, frame, DROP_LOCAL);
	switch (ip->proto) {
	case PROTO_ICMP:
		return icmp_input(fw, frame);
	case PROTO_TCP:
		return tcp_reset(fw, frame, DROP_LOCAL);
	case PROTO_UDP:
		return icmp_error(fw, frame, DROP_LOCAL, ICMP_UNREACHABLE, UNREACHABLE_PORT, 0);
	default:
		return icmp_error(fw, frame, DROP_LOCAL, ICMP_UNREACHABLE, UNREACHABLE_PROTOCOL, 0);
	}
}

void ip_input(struct fw *fw, unsigned int in, struct frame *frame)
{
	enum drop why = check_header(frame);

	if (why == PASSED)
		why = check_fragment(ip_of(frame->data));
	if (why == PASSED)
		why = check_addresses(fw, in, frame);
	if (why != PASSED)
		return drop(fw, frame, why);
	if (rules_match(fw, in, frame) == RULE_BLOCK)
		return block(fw, frame);
	if (ours(fw, ntohl(ip_of(frame->data)->dst)))
		return local_input(fw, frame);
	ip_forward(fw, frame);
}

/* Turn @frame into a packet of our own, whose @payload bytes are in their place already. */
void ip_build(struct fw *fw, struct frame *frame, uint8_t proto, uint16_t payload, uint32_t src,
	      uint32_t dst)
{
	struct ip *ip = ip_of(frame->data);

	*ip = (struct ip){
		.version_ihl = 0x45,
		.len = htons(sizeof(*ip) + payload),
		.id = htons(fw->ip_id++),
		.ttl = IP_OWN_TTL,
		.proto = proto,
		.src = htonl(src),
		.dst = htonl(dst),
	};
	if (proto == PROTO_ICMP)
		ip->tos = IP_TOS_CONTROL;
	ip->check = csum(ip, sizeof(*ip));
	frame->len = sizeof(struct eth) + sizeof(*ip) + payload;
	frame->own = true;
}

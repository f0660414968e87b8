/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Headers as they are on the wire. They are packed because the IP header of an Ethernet frame
 * that begins at an even address is on no four-byte boundary.
 */
#ifndef FW_PACKET_H
#define FW_PACKET_H

#include <linux/types.h>
#include <stdint.h>

#define wire __attribute__((packed))

#define MAC_SIZE 6

/* IEEE 802.3 clause 3 */
struct eth {
	uint8_t dst[MAC_SIZE];
	uint8_t src[MAC_SIZE];
	__be16 type;
} wire;

#define ETH_TYPE_IP  0x0800
#define ETH_TYPE_ARP 0x0806

/* RFC 826, for Ethernet and IPv4 */
struct arp {
	__be16 hrd, pro;
	uint8_t hln, pln;
	__be16 op;
	uint8_t sha[MAC_SIZE];
	__be32 spa;
	uint8_t tha[MAC_SIZE];
	__be32 tpa;
} wire;

#define ARP_HRD_ETHERNET 1
#define ARP_REQUEST	 1
#define ARP_REPLY	 2

/* RFC 791 section 3.1 */
struct ip {
	uint8_t version_ihl;
	uint8_t tos;
	__be16 len;
	__be16 id;
	__be16 off;
	uint8_t ttl;
	uint8_t proto;
	__sum16 check;
	__be32 src, dst;
} wire;

#define IP_DF	       0x4000
#define IP_MF	       0x2000
#define IP_OFFSET      0x1fff /* in units of eight bytes */
#define IP_MIN_MTU     68     /* RFC 791: every network carries as much in one piece */
#define IP_OWN_TTL     64     /* of packets of our own; RFC 1700 */
#define IP_TOS_CONTROL 0xc0   /* precedence of ICMP errors: RFC 1812 section 4.3.2.5 */

#define PROTO_ICMP 1
#define PROTO_TCP  6
#define PROTO_UDP  17

/* RFC 792; the last word depends on the type */
struct icmp {
	uint8_t type, code;
	__sum16 check;
	__be32 rest;
} wire;

#define ICMP_ECHO_REPLY	       0
#define ICMP_UNREACHABLE       3
#define ICMP_SOURCE_QUENCH     4
#define ICMP_REDIRECT	       5
#define ICMP_ECHO	       8
#define ICMP_TIME_EXCEEDED     11
#define ICMP_PARAMETER_PROBLEM 12

#define UNREACHABLE_NET		0
#define UNREACHABLE_HOST	1
#define UNREACHABLE_PROTOCOL	2
#define UNREACHABLE_PORT	3
#define UNREACHABLE_FRAG_NEEDED 4  /* the next hop's MTU in the low half of rest: RFC 1191 */
#define UNREACHABLE_PROHIBITED	13 /* RFC 1812 section 5.2.7.1 */

/* RFC 9293 section 3.1 */
struct tcp {
	__be16 sport, dport;
	__be32 seq, ack;
	uint8_t offset; /* of the data, in words of four bytes, in the upper half */
	uint8_t flags;
	__be16 window;
	__sum16 check;
	__be16 urgent;
} wire;

#define TCP_FIN 0x01
#define TCP_SYN 0x02
#define TCP_RST 0x04
#define TCP_ACK 0x10

/* The first two headers of a frame that is known to hold them. */
static inline struct eth *eth_of(void *frame)
{
	return frame;
}

static inline struct ip *ip_of(void *frame)
{
	return (struct ip *)((uint8_t *)frame + sizeof(struct eth));
}

/* What follows an IP header without options; packets with options never get so far. */
static inline void *payload_of(void *frame)
{
	return (uint8_t *)frame + sizeof(struct eth) + sizeof(struct ip);
}

#endif /* FW_PACKET_H */

// SPDX-License-Identifier: GPL-2.0-only
/* ICMP: RFC 792, and what RFC 1812 section 4.3 makes of it for routers. */
#include <arpa/inet.h>
#include <assert.h>
#include <string.h>

#include "checksum.h"
#include "fw.h"

#define ERROR_HEADERS (sizeof(struct ip) + sizeof(struct icmp))
#define ERROR_MAX     576 /* an error quotes as much as fits: RFC 1812 section 4.3.2.3 */

static_assert(sizeof(struct eth) + ERROR_MAX <= FRAME_ROOM_MIN, "an error fits in every frame");

static uint32_t payload_size(const struct frame *frame)
{
	return frame->len - sizeof(struct eth) - sizeof(struct ip);
}

static void echo(struct fw *fw, struct frame *frame)
{
	struct ip *ip = ip_of(frame->data);
	struct icmp *icmp = payload_of(frame->data);
	uint8_t tos = ip->tos;

	icmp->type = ICMP_ECHO_REPLY;
	icmp->check = 0;
	icmp->check = csum(icmp, payload_size(frame));
	ip_build(fw, frame, PROTO_ICMP, payload_size(frame), ntohl(ip->dst), ntohl(ip->src));
	ip->tos = tos; /* RFC 1812 section 4.3.2.5: a reply has that of its request */
	ip->check = 0;
	ip->check = csum(ip, sizeof(*ip));
	fw->port[frame->in].local++;
	fw->port[frame->in].echo_replies++;
	ip_send(fw, frame);
}

void icmp_input(struct fw *fw, struct frame *frame)
{
	const struct icmp *icmp = payload_of(frame->data);
	uint32_t size = payload_size(frame);

	if (size < sizeof(*icmp) || csum(icmp, size) || icmp->type != ICMP_ECHO || icmp->code)
		return drop(fw, frame, DROP_LOCAL);
	echo(fw, frame);
}

static bool is_error(uint8_t type)
{
	return type == ICMP_UNREACHABLE || type == ICMP_SOURCE_QUENCH || type == ICMP_REDIRECT ||
	       type == ICMP_TIME_EXCEEDED || type == ICMP_PARAMETER_PROBLEM;
}

/*
 * RFC 1812 section 4.3.2.7, as far as broadcasts and odd sources have not been dropped before:
 * no error about an error, nor about a later fragment.
 */
static bool may_complain(const struct frame *frame)
{
	const struct ip *ip = ip_of((void *)frame->data);

	if (ip->off & htons(IP_OFFSET))
		return false;
	if (ip->proto != PROTO_ICMP)
		return true;
	return payload_size(frame) && !is_error(*(const uint8_t *)payload_of((void *)frame->data));
}

/* The packet moves up and becomes the quotation behind our headers. */
static void quote(struct frame *frame, uint8_t type, uint8_t code, uint16_t mtu)
{
	uint8_t *begin = frame->data + sizeof(struct eth);
	uint32_t len = frame->len - sizeof(struct eth);
	struct icmp *icmp = payload_of(frame->data);

	if (len > ERROR_MAX - ERROR_HEADERS)
		len = ERROR_MAX - ERROR_HEADERS;
	memmove(begin + ERROR_HEADERS, begin, len);
	*icmp = (struct icmp){ .type = type, .code = code, .rest = htonl(mtu) };
	icmp->check = csum(icmp, sizeof(*icmp) + len);
	frame->len = sizeof(struct eth) + ERROR_HEADERS + len;
}

/* End a packet with an error to its source, about @why. */
void icmp_error(struct fw *fw, struct frame *frame, enum drop why, uint8_t type, uint8_t code,
		uint16_t mtu)
{
	struct port *port = &fw->port[frame->in];
	uint32_t src = ntohl(ip_of(frame->data)->src);
	const struct route *back = config_route(fw->config, src);

	if (frame->own)
		return drop(fw, frame, why);
	if (!back || !may_complain(frame) || !bucket_take(&port->answers, fw->now)) {
		port->unanswered++;
		return drop(fw, frame, why);
	}
	port->drop[why]++;
	port->icmp_errors++;
	quote(frame, type, code, mtu);
	ip_build(fw, frame, PROTO_ICMP, payload_size(frame), fw->port[back->port].addr, src);
	ip_send(fw, frame);
}

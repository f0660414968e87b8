// SPDX-License-Identifier: GPL-2.0-only
/*
 * A TCP reset in the name of the host that a segment was for: a client that may not connect is
 * told so at once, where silence would let it wait. RFC 9293 section 3.5.2, group 1.
 */
#include <arpa/inet.h>
#include <string.h>

#include "checksum.h"
#include "fw.h"

static uint32_t pseudo_header(const struct ip *ip, uint16_t len)
{
	struct {
		__be32 src, dst;
		uint8_t zero, proto;
		__be16 len;
	} wire pseudo = { .src = ip->src, .dst = ip->dst, .proto = PROTO_TCP, .len = htons(len) };

	return csum_add(0, &pseudo, sizeof(pseudo));
}

static uint16_t tcp_csum(const struct frame *frame)
{
	uint16_t len = frame->len - sizeof(struct eth) - sizeof(struct ip);
	void *data = frame->data;

	return csum_fold(csum_add(pseudo_header(ip_of(data), len), payload_of(data), len));
}

/* The bytes of data in a whole segment, or -1 when it is not one that may be answered. */
static int data_size(const struct frame *frame)
{
	uint32_t size = frame->len - sizeof(struct eth) - sizeof(struct ip), header;
	const struct tcp *tcp = payload_of((void *)frame->data);

	if (size < sizeof(*tcp))
		return -1;
	header = (tcp->offset >> 4) * 4;
	if (header < sizeof(*tcp) || header > size || (tcp->flags & TCP_RST) || tcp_csum(frame))
		return -1;
	return size - header;
}

static struct tcp answer(const struct tcp *to, uint32_t data)
{
	struct tcp tcp = {
		.sport = to->dport,
		.dport = to->sport,
		.offset = sizeof(tcp) / 4 << 4,
		.flags = TCP_RST,
	};

	if (to->flags & TCP_ACK) {
		tcp.seq = to->ack;
	} else {
		tcp.flags |= TCP_ACK;
		tcp.ack = htonl(ntohl(to->seq) + data + !!(to->flags & TCP_SYN) +
				!!(to->flags & TCP_FIN));
	}
	return tcp;
}

void tcp_reset(struct fw *fw, struct frame *frame, enum drop why)
{
	struct port *port = &fw->port[frame->in];
	const struct ip *ip = ip_of(frame->data);
	struct tcp *tcp = payload_of(frame->data);
	int data = data_size(frame);

	if (data < 0 || !bucket_take(&port->answers, fw->now)) {
		port->unanswered++;
		return drop(fw, frame, why);
	}
	port->drop[why]++;
	port->tcp_resets++;
	*tcp = answer(tcp, data);
	ip_build(fw, frame, PROTO_TCP, sizeof(*tcp), ntohl(ip->dst), ntohl(ip->src));
	tcp->check = tcp_csum(frame);
	ip_send(fw, frame);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fragmentation: RFC 791 section 3.2. The frame itself becomes the first fragment, the others
 * are copies in frames of their own; packets with options do not come here.
 */
#include <arpa/inet.h>
#include <string.h>

#include "checksum.h"
#include "fw.h"

#define FRAGMENTS 32 /* beside the first; a frame of 2 KiB over the least MTU of 68 gives 37 */
#define HEADERS	  (sizeof(struct eth) + sizeof(struct ip))

/* Make @frame the fragment of @len bytes at @at of the payload it began with at @off. */
static void set_fragment(struct frame *frame, uint16_t off, uint32_t at, uint32_t len, bool more)
{
	struct ip *ip = ip_of(frame->data);

	frame->len = HEADERS + len;
	ip->len = htons(sizeof(*ip) + len);
	ip->off = htons((off & ~IP_MF) + at / 8) | (more ? htons(IP_MF) : 0);
	ip->check = 0;
	ip->check = csum(ip, sizeof(*ip));
}

static void copy_fragment(struct frame *to, const struct frame *from, uint32_t at, uint32_t len)
{
	memcpy(to->data, from->data, HEADERS);
	memcpy(to->data + HEADERS, from->data + HEADERS + at, len);
	to->in = from->in;
	to->own = true; /* the first one stands for the packet in all counters */
}

void ip_fragment(struct fw *fw, struct frame *frame, unsigned int port, uint32_t hop)
{
	uint32_t payload = frame->len - HEADERS;
	uint32_t step = (fw->port[port].mtu - sizeof(struct ip)) & ~7u;
	uint16_t off = ntohs(ip_of(frame->data)->off);
	struct frame piece[FRAGMENTS];
	unsigned int n = 0;

	for (uint32_t at = step; at < payload; at += step) {
		uint32_t len = payload - at < step ? payload - at : step;

		if (n == FRAGMENTS || !frame_alloc(&piece[n])) {
			while (n)
				frame_free(&piece[--n]);
			return drop(fw, frame, DROP_NO_FRAME);
		}
		copy_fragment(&piece[n], frame, at, len);
		set_fragment(&piece[n++], off, at, len, at + len < payload || (off & IP_MF));
	}
	set_fragment(frame, off, 0, step, true);
	neigh_output(fw, port, hop, frame);
	for (unsigned int i = 0; i < n; i++)
		neigh_output(fw, port, hop, &piece[i]);
}

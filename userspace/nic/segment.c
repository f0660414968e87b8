// SPDX-License-Identifier: GPL-2.0-only
/*
 * Checksums that a NIC inserts, and segmentation: one frame of headers and much data becomes many,
 * each with the headers, whose numbers go on (RFC 791, 8200, 9293; Intel 8254x SDM, 3.5).
 */
#include "nic.h"

#define TCP_FIN_PUSH 0x09
#define TCP_SEQUENCE 4
#define TCP_FLAGS 13
#define UDP_LENGTH 4
#define IP_VERSION(byte) ((byte) >> 4)

static uint32_t big_get(const uint8_t *at, unsigned int width)
{
	uint32_t value = 0;

	while (width--)
		value = value << 8 | *at++;
	return value;
}

static void big_put(uint8_t *at, unsigned int width, uint32_t value)
{
	while (width--)
		*at++ = value >> 8 * width;
}

/* Of the bytes as they are: what the driver left where the sum goes is part of it. RFC 1071. */
static uint16_t sum_of(const uint8_t *at, uint32_t len)
{
	uint64_t sum = 0;

	for (; len > 1; len -= 2, at += 2)
		sum += big_get(at, 2);
	if (len)
		sum += *at << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

/* @end: the last byte, or 0 for the frame's. What does not fit the frame is left alone. */
void checksum_insert(uint8_t *frame, uint32_t len, uint32_t start, uint32_t at, uint32_t end)
{
	uint32_t stop = end && end < len ? end + 1 : len;

	if (at + 2 > len || start >= stop)
		return;
	big_put(frame + at, 2, sum_of(frame + start, stop - start));
}

struct cut {
	uint32_t header, mss, data; /* bytes; of all segments */
	uint32_t segments;
	bool ip_sum, l4_sum;
	uint8_t headers[NIC_HEADERS];
};

/* False: such a frame makes no sense. */
static bool cut_plan(struct nic *nic, const struct ring *ring, const struct outgoing *frame,
		     struct cut *cut)
{
	const struct context *context = &ring->context[1];
	uint32_t least = context->tcp ? 20 : 8;

	cut->header = context->header_size;
	cut->mss = context->segment_size;
	if (!cut->mss || cut->header > NIC_HEADERS || cut->header >= frame->len ||
	    context->ip_start < NIC_FRAME_MIN || context->l4_start < context->ip_start + 20 ||
	    context->l4_start + least > cut->header)
		return false;
	cut->data = frame->len - cut->header;
	cut->segments = (cut->data + cut->mss - 1) / cut->mss;
	if (cut->segments > NIC_SEGMENTS)
		return false;
	cut->ip_sum = field_get(frame->layout, FIELD_IP_SUM, frame->part[0].bytes);
	cut->l4_sum = field_get(frame->layout, FIELD_L4_SUM, frame->part[0].bytes);
	return outgoing_copy(nic, frame, 0, cut->headers, cut->header);
}

/* The length of IPv6 does not count its own header: RFC 8200, 3. (SDM, 3.5.9, does not say so.) */
static void ip_write(const struct context *context, uint8_t *room, uint32_t len, uint32_t number)
{
	uint8_t *ip = room + context->ip_start;

	if (IP_VERSION(ip[0]) == 6) {
		big_put(ip + 4, 2, len - context->ip_start - 40);
		return;
	}
	big_put(ip + 2, 2, len - context->ip_start);
	big_put(ip + 4, 2, big_get(ip + 4, 2) + number);
}

static void l4_write(const struct context *context, const struct cut *cut, uint8_t *room,
		     uint32_t len, uint32_t number)
{
	uint8_t *l4 = room + context->l4_start;

	if (!context->tcp) {
		big_put(l4 + UDP_LENGTH, 2, len - context->l4_start);
		return;
	}
	big_put(l4 + TCP_SEQUENCE, 4, big_get(l4 + TCP_SEQUENCE, 4) + number * cut->mss);
	if (number + 1 < cut->segments)
		l4[TCP_FLAGS] &= ~TCP_FIN_PUSH;
}

/* The driver's pseudo header is without the length, which differs: it is added. */
static void sums_write(const struct context *context, const struct cut *cut, uint8_t *room,
		       uint32_t len)
{
	if (cut->ip_sum)
		checksum_insert(room, len, context->ip_start, context->ip_at, context->ip_end);
	if (cut->l4_sum && context->l4_at + 2 <= len) {
		uint32_t sum = big_get(room + context->l4_at, 2) + len - context->l4_start;

		big_put(room + context->l4_at, 2, (sum & 0xffff) + (sum >> 16));
		checksum_insert(room, len, context->l4_start, context->l4_at, context->l4_end);
	}
}

static int segment_send(struct nic *nic, const struct ring *ring, const struct outgoing *frame,
			const struct cut *cut, uint32_t number)
{
	const struct context *context = &ring->context[1];
	uint32_t from = number * cut->mss, size, n = cut->data - from, len;
	uint8_t *room = nic->ops->frame_room(nic->ctx, &size);

	if (!room)
		return 0;
	n = n < cut->mss ? n : cut->mss;
	len = cut->header + n;
	if (len > size || !outgoing_copy(nic, frame, cut->header + from, room + cut->header, n)) {
		nic->ops->frame_send(nic->ctx, room, 0);
		return -1;
	}
	memcpy(room, cut->headers, cut->header);
	ip_write(context, room, len, number);
	l4_write(context, cut, room, len, number);
	sums_write(context, cut, room, len);
	if (tag_wanted(nic, ring, frame, frame->part[0].bytes))
		len = tag_insert(room, size, len, field_get(frame->layout, FIELD_VLAN_TAG,
							    frame->part[0].bytes));
	frame_out(nic, room, size, len);
	return 1;
}

int segments_send(struct nic *nic, struct ring *ring, const struct outgoing *frame)
{
	struct cut cut;

	if (!cut_plan(nic, ring, frame, &cut))
		return -1;
	for (; ring->segments < cut.segments; ring->segments++) {
		int sent = segment_send(nic, ring, frame, &cut, ring->segments);

		if (sent <= 0)
			return sent;
	}
	return 1;
}

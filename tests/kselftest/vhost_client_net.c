// SPDX-License-Identifier: GPL-2.0-only
/* A virtio network device's driver (Virtio 1.2, 5.1), whose frames have numbers. */
#include "vhost_client.h"

#include <linux/if_ether.h>
#include <poll.h>
#include <sched.h>
#include <time.h>
#include <unistd.h>

#define HEADER sizeof(struct virtio_net_hdr_mrg_rxbuf) /* 5.1.6.1: num_buffers is always there */
#define BATCH 64

double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static struct ring *receiver(struct client *client, unsigned int pair)
{
	return &client->ring[2 * pair];
}

static struct ring *transmitter(struct client *client, unsigned int pair)
{
	return &client->ring[2 * pair + 1];
}

/* --- receiving ---------------------------------------------------------------------------- */

/* Buffers for the device: with split_header the header in a descriptor of its own. */
void net_post(struct client *client, struct ring *ring, unsigned int most)
{
	bool split = client->split_header && !client->mergeable;
	int buffer;

	while (most-- && ring->free > split && (buffer = buffer_take(ring)) >= 0) {
		uint8_t *at = buffer_at(ring, buffer);
		struct part part[2] = { { at, split ? HEADER : ring->buffers.size },
					{ at + HEADER, ring->buffers.size - HEADER } };

		ring_add(ring, part, 0, split ? 2 : 1, buffer);
	}
	ring_publish(ring);
}

static void mark(uint8_t *pages, uint64_t page)
{
	pages[page / 8] |= 1 << page % 8;
}

/* The device must have logged these pages. */
void net_wrote(struct client *client, const void *at, size_t len)
{
	uint64_t start = memory_guest(&client->memory, at), from = start / VHOST_PAGE_SIZE;
	uint64_t to = (start + len - 1) / VHOST_PAGE_SIZE;

	if (!client->written)
		return;
	while (from <= to)
		mark(client->written, from++);
}

/* 5.1.6.4: what a driver that agreed on no offload may rely on. */
static unsigned int check_header(struct client *client, struct ring *ring, const void *at)
{
	struct virtio_net_hdr_mrg_rxbuf header;

	memcpy(&header, at, sizeof(header));
	if (header.hdr.gso_type != VIRTIO_NET_HDR_GSO_NONE ||
	    header.hdr.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM)
		ring_complain(ring, "the header has an offload that nobody agreed on");
	if (!header.num_buffers || (!client->mergeable && header.num_buffers != 1))
		ring_complain(ring, "the header's number of buffers is wrong");
	return client->mergeable ? header.num_buffers : 1;
}

/* One buffer's part of a frame: appended to what came before. */
static size_t gather(struct client *client, struct ring *ring, uint16_t buffer, uint32_t len,
		     uint8_t *frame, size_t at, size_t room)
{
	size_t skip = at ? 0 : HEADER;
	uint8_t *from = buffer_at(ring, buffer);

	if (!buffer_guarded(ring, buffer))
		ring_complain(ring, "the device wrote outside of a buffer");
	net_wrote(client, from, len);
	if (len < skip || len > ring->buffers.size || at + len > room) {
		ring_complain(ring, "a used length is wrong");
		len = skip;
	}
	memcpy(frame + at, from + skip, len - skip);
	buffer_give(ring, buffer);
	return len - skip;
}

static bool receive_frame(struct client *client, struct ring *ring)
{
	static uint8_t frame[1 << 17];
	unsigned int count = 1;
	size_t size = 0;
	uint16_t buffer;
	uint32_t len;

	for (unsigned int i = 0; i < count; i++) {
		if (!ring_take(ring, &buffer, &len)) {
			if (i)
				ring_complain(ring, "not all buffers of a frame were used at once");
			return false;
		}
		if (!i)
			count = check_header(client, ring, buffer_at(ring, buffer));
		size += gather(client, ring, buffer, len, frame, size, sizeof(frame));
	}
	numbered_count(&client->tally, frame, size);
	return true;
}

static bool receive(struct client *client, struct ring *ring, const struct traffic *traffic)
{
	unsigned int came = 0;

	while (came < BATCH && receive_frame(client, ring))
		came++;
	if (!came)
		return false;
	net_wrote(client, ring->packed ? ring->desc : ring->device, 1);
	if (!traffic->hold)
		net_post(client, ring, RING_MAX);
	return true;
}

/* --- sending ------------------------------------------------------------------------------ */

static unsigned int size_of(const struct traffic *traffic, uint32_t number)
{
	if (traffic->size)
		return traffic->size;
	return NUMBERED_LEAST + number * 37 % (ETH_FRAME_LEN + 1 - NUMBERED_LEAST);
}

/* The header and the frame, in as many descriptors as was asked for. */
static unsigned int divide(uint8_t *at, size_t size, unsigned int wanted, struct part *part)
{
	size_t piece;

	if (wanted < 2) {
		part[0] = (struct part){ at, size };
		return 1;
	}
	part[0] = (struct part){ at, HEADER };
	piece = (size - HEADER) / (wanted - 1);
	for (unsigned int i = 1; i < wanted; i++)
		part[i] = (struct part){ at + HEADER + (i - 1) * piece, piece };
	part[wanted - 1].len = size - HEADER - (wanted - 2) * piece;
	return wanted;
}

static bool send_frame(struct client *client, struct ring *ring, const struct traffic *traffic,
		       uint32_t number)
{
	unsigned int size = size_of(traffic, number), n;
	struct part part[CHAIN_MAX];
	int buffer = buffer_take(ring);
	uint8_t *at;

	if (buffer < 0)
		return false;
	at = buffer_at(ring, buffer);
	memset(at, 0, HEADER + NUMBERED_HEADERS);
	memcpy(at + HEADER, traffic->to, ETH_ALEN);
	memcpy(at + HEADER + ETH_ALEN, traffic->from, ETH_ALEN);
	at[HEADER + 12] = 0x88; /* IEEE 802, local experimental */
	at[HEADER + 13] = 0xb5;
	numbered_put(at + HEADER, size, number);
	n = divide(at, HEADER + size, client->parts, part);
	if (!ring_add(ring, part, n, 0, buffer))
		return true;
	buffer_give(ring, buffer);
	return false;
}

static unsigned int allowed(const struct traffic *traffic, unsigned int came)
{
	double due = traffic->rate ? (now() - traffic->began) * traffic->rate + 1 : traffic->send;

	if (due > traffic->send)
		due = traffic->send;
	if (traffic->window && due > came + traffic->window)
		due = came + traffic->window;
	return due > traffic->sent ? (unsigned int)due - traffic->sent : 0;
}

/* Each pair has its turn, a frame at a time, unless one was named. */
static bool transmit(struct client *client, struct traffic *traffic)
{
	unsigned int most = allowed(traffic, client->tally.came), before = traffic->sent;

	for (unsigned int i = 0; i < most && i < BATCH; i++) {
		uint32_t number = traffic->first + traffic->sent;
		unsigned int pair = traffic->pair;

		if (traffic->pair < 0)
			pair = number % client->pairs;
		if (!send_frame(client, transmitter(client, pair), traffic, number))
			break;
		traffic->sent++;
	}
	for (unsigned int pair = 0; traffic->sent != before && pair < client->pairs; pair++)
		ring_publish(transmitter(client, pair));
	return traffic->sent != before;
}

static bool reap(struct ring *ring, struct traffic *traffic)
{
	unsigned int before = traffic->completed;
	uint16_t buffer;
	uint32_t len;

	while (ring_take(ring, &buffer, &len)) {
		buffer_give(ring, buffer);
		traffic->completed++;
	}
	return traffic->completed != before;
}

/* --- both --------------------------------------------------------------------------------- */

static bool progress(struct client *client, struct traffic *traffic)
{
	bool any = false;

	for (unsigned int pair = 0; pair < client->pairs; pair++) {
		any |= reap(transmitter(client, pair), traffic);
		any |= receive(client, receiver(client, pair), traffic);
	}
	any |= transmit(client, traffic);
	if (any)
		traffic->last = now();
	return any;
}

static unsigned int sending(struct client *client)
{
	unsigned int chains = 0;

	for (unsigned int pair = 0; pair < client->pairs; pair++)
		chains += ring_in_flight(transmitter(client, pair));
	return chains;
}

static bool input_waits(void)
{
	struct pollfd poller = { .fd = 0, .events = POLLIN };

	return poll(&poller, 1, 0) > 0;
}

static bool done(struct client *client, const struct traffic *traffic)
{
	if (traffic->until_input)
		return input_waits();
	if (traffic->sent < traffic->send || (!traffic->nowait && sending(client)))
		return false;
	return client->tally.came >= traffic->expect && (traffic->expect || traffic->send);
}

static void calls_wanted(struct client *client, const struct traffic *traffic, bool want)
{
	for (unsigned int pair = 0; pair < client->pairs; pair++) {
		ring_want_calls(receiver(client, pair), want, traffic->after ? traffic->after : 1);
		ring_want_calls(transmitter(client, pair), want, 1);
	}
}

static void hear_calls(struct client *client)
{
	uint64_t count;

	for (unsigned int i = 0; i < 2 * client->pairs; i++)
		if (read(client->ring[i].call, &count, sizeof(count)) == sizeof(count))
			client->ring[i].calls += count;
}

/* Until the device calls, the next frame is due, or somebody says something. */
static void wait_for_call(struct client *client, const struct traffic *traffic, int ms)
{
	struct pollfd fds[RINGS + 3] = { { .fd = client->sock, .events = POLLIN },
					 { .fd = client->backend, .events = POLLIN },
					 { .fd = traffic->until_input - 1, .events = POLLIN } };
	unsigned int n = 3;

	for (unsigned int i = 0; i < 2 * client->pairs; i++)
		fds[n++] = (struct pollfd){ .fd = client->ring[i].call, .events = POLLIN };
	if (traffic->rate && traffic->sent < traffic->send)
		ms = 1;
	poll(fds, n, ms);
	hear_calls(client);
	message_backend(client);
}

static bool rest(struct client *client, struct traffic *traffic)
{
	double left = traffic->last + traffic->idle_ms / 1000.0 - now();

	if (message_hung_up(client)) {
		if (!traffic->reconnect || device_resume(client, traffic->idle_ms))
			return false;
		traffic->reconnected++;
		traffic->last = now();
		return true;
	}
	if (traffic->until_input)
		left = 1;
	if (left <= 0)
		return false;
	if (traffic->poll) {
		sched_yield();
		return true;
	}
	calls_wanted(client, traffic, true);
	if (!progress(client, traffic))
		wait_for_call(client, traffic, left * 1000 + 1);
	calls_wanted(client, traffic, false);
	return true;
}

/* Zero, too, when it ended for want of frames: what came is in the tally. */
int net_run(struct client *client, struct traffic *traffic)
{
	traffic->began = traffic->last = now();
	calls_wanted(client, traffic, false);
	while (!done(client, traffic))
		if (!progress(client, traffic) && !rest(client, traffic))
			break;
	hear_calls(client);
	message_backend(client);
	return client->gone && traffic->reconnect ? -1 : 0;
}

// SPDX-License-Identifier: GPL-2.0-only
/* The core as a whole: its life, and the Ethernet layer that sorts what comes in. */
#include <arpa/inet.h>
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "fw.h"

const char *const drop_names[] = {
#define X(id, name) name,
	DROP_REASONS(X)
#undef X
};
static_assert(sizeof(drop_names) / sizeof(*drop_names) == DROP_COUNT, "one name for each reason");

/*
 * Errors and resets are limited (RFC 1812 section 4.3.2.8), and ARP requests (RFC 1122 section
 * 2.3.2.1). Each port has its own buckets, so that a flood on one side leaves the other alone.
 */
#define BUCKET_RATE 1000 /* a second, so that a millisecond brings one */
#define BUCKET_SIZE 200

static_assert(BUCKET_RATE == 1000, "bucket_take() takes milliseconds for tokens");

bool bucket_take(struct bucket *bucket, uint64_t now)
{
	uint64_t tokens = bucket->tokens + (now - bucket->then);

	bucket->then = now;
	bucket->tokens = tokens < BUCKET_SIZE ? tokens : BUCKET_SIZE;
	if (!bucket->tokens)
		return false;
	bucket->tokens--;
	return true;
}

int fw_init(struct fw *fw, const struct config *config, uint32_t seed)
{
	memset(fw, 0, sizeof(*fw));
	fw->config = config;
	fw->ports = config->ports;
	fw->ip_id = seed;
	for (unsigned int i = 0; i < fw->ports; i++) {
		fw->port[i].addr = config->port[i].addr;
		fw->port[i].answers.tokens = BUCKET_SIZE;
		fw->port[i].questions.tokens = BUCKET_SIZE;
		fw->port[i].neigh.seed = seed;
	}
	return neigh_pool_init(&fw->held) || rules_assign(fw) ? -1 : 0;
}

void fw_free(struct fw *fw)
{
	for (unsigned int i = 0; i < fw->ports; i++)
		free(fw->port[i].rule);
	free(fw->hits);
	neigh_pool_free(&fw->held);
}

void drop(struct fw *fw, const struct frame *frame, enum drop why)
{
	struct port *port = &fw->port[frame->in];

	if (frame->own)
		port->own_drop++;
	else
		port->drop[why]++;
	frame_free(frame);
}

static bool mac_is(const uint8_t *a, const uint8_t *b)
{
	return !memcmp(a, b, MAC_SIZE);
}

void fw_input(struct fw *fw, unsigned int in, struct frame *frame)
{
	struct port *port = &fw->port[in];
	const struct eth *eth = eth_of(frame->data);

	frame->in = in;
	frame->own = false;
	port->rx_frames++;
	port->rx_bytes += frame->len;
	if (frame->len < sizeof(*eth))
		return drop(fw, frame, DROP_SHORT);
	if ((eth->src[0] & 1) || mac_is(eth->src, port->mac))
		return drop(fw, frame, DROP_SOURCE_MAC);
	if (!(eth->dst[0] & 1) && !mac_is(eth->dst, port->mac))
		return drop(fw, frame, DROP_OTHER_HOST);

	switch (ntohs(eth->type)) {
	case ETH_TYPE_IP:
		return ip_input(fw, in, frame);
	case ETH_TYPE_ARP:
		return arp_input(fw, in, frame);
	default:
		return drop(fw, frame, DROP_ETHERTYPE);
	}
}

/* RFC 5227 section 2.3: neighbours that knew a predecessor's MAC learn ours. */
void fw_start(struct fw *fw)
{
	for (unsigned int i = 0; i < fw->ports; i++)
		arp_request(fw, i, fw->port[i].addr, NULL);
}

void fw_tick(struct fw *fw)
{
	for (unsigned int i = 0; i < fw->ports; i++)
		neigh_tick(fw, i);
}

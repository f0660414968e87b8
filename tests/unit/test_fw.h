/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A firewall without a wire: frames are buffers, what is sent is kept in a list, and the
 * firewall's accounts are held against our own after each test.
 *
 *	client 10.0.1.2 --- 10.0.1.1 fw0 [firewall] fw1 10.0.2.1 --- server 10.0.2.2
 *						    10.0.2.254 --- everything else
 *
 * Every buffer is a piece of heap of its own, so that the address sanitizer sees each step
 * over an edge. Used by the unit tests and by the fuzzer.
 */
#ifndef TEST_FW_H
#define TEST_FW_H

#include <arpa/inet.h>
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "checksum.h"
#include "fw.h"

#define ROOM	 2048
#define SENT_MAX 2048 /* a tick can ask for every neighbour that there is room for */

#define IP(a, b, c, d) ((uint32_t)(a) << 24 | (b) << 16 | (c) << 8 | (d))
#define FW0	       IP(10, 0, 1, 1)
#define FW1	       IP(10, 0, 2, 1)
#define CLIENT	       IP(10, 0, 1, 2)
#define SERVER	       IP(10, 0, 2, 2)
#define GATEWAY	       IP(10, 0, 2, 254)
#define ELSEWHERE      IP(192, 0, 2, 7)

#define PORTS                                                                                      \
	"port fw0 10.0.1.1/24\n"                                                                   \
	"port fw1 10.0.2.1/24\n"                                                                   \
	"route default via 10.0.2.254\n"

static const uint8_t mac_fw[2][MAC_SIZE] = { { 2, 0, 0, 0, 1, 1 }, { 2, 0, 0, 0, 2, 1 } };
static const uint8_t mac_client[MAC_SIZE] = { 2, 0, 0, 0, 1, 2 };
static const uint8_t mac_server[MAC_SIZE] = { 2, 0, 0, 0, 2, 2 };
static const uint8_t mac_all[MAC_SIZE] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };

static struct sent {
	unsigned int port;
	struct frame frame;
} sent[SENT_MAX];
static unsigned int sents;    /* since the last give() or forget() */
static unsigned int live;     /* buffers in the firewall's hands */
static unsigned int no_alloc; /* let frame_alloc() fail after so many; 0: never */

static struct fw *fw;
static struct config config;

bool frame_alloc(struct frame *frame)
{
	if (no_alloc && !--no_alloc)
		return false;
	*frame = (struct frame){ .data = calloc(1, ROOM), .room = ROOM };
	live++;
	return true;
}

void frame_free(const struct frame *frame)
{
	assert(live);
	live--;
	free(frame->data);
}

void frame_send(unsigned int port, const struct frame *frame)
{
	assert(live && port < fw->ports);
	assert(frame->len >= sizeof(struct eth) && frame->len <= frame->room);
	assert(sents < SENT_MAX);
	live--;
	sent[sents++] = (struct sent){ port, *frame };
}

static inline void forget(void)
{
	while (sents)
		free(sent[--sents].frame.data);
}

static inline void give(unsigned int port, const void *data, size_t len)
{
	struct frame frame;
	unsigned int limit = no_alloc;

	forget();
	no_alloc = 0;
	assert(len <= ROOM && frame_alloc(&frame));
	no_alloc = limit;
	memcpy(frame.data, data, len);
	frame.len = len;
	fw_input(fw, port, &frame);
}

/* A firewall by the rules in config. */
static inline int fw_begin(void)
{
	static struct fw storage;

	fw = &storage;
	if (fw_init(fw, &config, 12345))
		return -1;
	for (unsigned int i = 0; i < fw->ports; i++) {
		memcpy(fw->port[i].mac, mac_fw[i % 2], MAC_SIZE);
		fw->port[i].mtu = 1500;
	}
	fw->now = 1000000;
	return 0;
}

static inline int fw_up(const char *text)
{
	if (config_parse(&config, "test.conf", text, strlen(text)) || rules_compile(&config))
		return -1;
	return fw_begin();
}

/* Every frame that came in went one way, and every buffer is where it belongs. */
static inline void fw_balance(void)
{
	uint64_t rx = 0, ended = 0;
	unsigned int held = NEIGH_POOL - fw->held.left;

	for (unsigned int i = 0; i < fw->ports; i++) {
		const struct port *port = &fw->port[i];

		rx += port->rx_frames;
		ended += port->forwarded + port->local;
		for (unsigned int k = 0; k < DROP_COUNT; k++)
			ended += port->drop[k];
	}
	assert(live == held);
	assert(rx >= ended && rx <= ended + held);
}

/* Slots of the pool that are not free hold a frame. */
static inline void free_held(void)
{
	bool empty[NEIGH_POOL] = { false };

	for (unsigned int i = 0; i < fw->held.left; i++)
		empty[fw->held.free[i]] = true;
	for (unsigned int i = 0; i < NEIGH_POOL; i++)
		if (!empty[i])
			frame_free(&fw->held.frame[i]);
}

static inline void fw_end(void)
{
	forget();
	fw_balance();
	free_held();
	assert(!live);
	fw_free(fw);
}

static inline void fw_down(void)
{
	fw_end();
	config_free(&config);
}

#endif /* TEST_FW_H */

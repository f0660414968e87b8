// SPDX-License-Identifier: GPL-2.0-only
/* The neighbour cache; the states and their legal steps are in neigh.h. */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "fw.h"

/* A request is repeated on the tick, but never within this of the one before. */
#define RETRY_MS 500

int neigh_pool_init(struct neigh_pool *pool)
{
	pool->frame = calloc(NEIGH_POOL, sizeof(*pool->frame));
	if (!pool->frame)
		return -1;
	for (unsigned int i = 0; i < NEIGH_POOL; i++)
		pool->free[i] = i;
	pool->left = NEIGH_POOL;
	return 0;
}

void neigh_pool_free(struct neigh_pool *pool)
{
	free(pool->frame);
}

/* Take the oldest packet that waits for @neigh out of the pool. */
static struct frame unhold(struct neigh_pool *pool, struct neigh *neigh)
{
	uint16_t slot = neigh->held[0];

	neigh->holds--;
	memmove(neigh->held, neigh->held + 1, neigh->holds * sizeof(*neigh->held));
	pool->free[pool->left++] = slot;
	return pool->frame[slot];
}

static void drop_held(struct fw *fw, struct neigh *neigh, enum drop why)
{
	while (neigh->holds) {
		struct frame frame = unhold(&fw->held, neigh);

		drop(fw, &frame, why);
	}
}

/* The newest are the ones still wanted: a full queue gives up its oldest. */
static void hold(struct fw *fw, struct neigh *neigh, const struct frame *frame)
{
	struct neigh_pool *pool = &fw->held;
	uint16_t slot;

	if (neigh->holds == NEIGH_HOLD) {
		struct frame oldest = unhold(pool, neigh);

		drop(fw, &oldest, DROP_HOLD_FULL);
	}
	if (!pool->left)
		return drop(fw, frame, DROP_HOLD_FULL);
	slot = pool->free[--pool->left];
	pool->frame[slot] = *frame;
	neigh->held[neigh->holds++] = slot;
}

static void transmit(struct fw *fw, unsigned int out, const uint8_t *mac, struct frame *frame)
{
	struct port *port = &fw->port[out];
	struct eth *eth = eth_of(frame->data);

	memcpy(eth->dst, mac, MAC_SIZE);
	memcpy(eth->src, port->mac, MAC_SIZE);
	eth->type = htons(ETH_TYPE_IP);
	port->tx_frames++;
	port->tx_bytes += frame->len;
	if (!frame->own)
		fw->port[frame->in].forwarded++;
	frame_send(out, frame);
}

static void refuse(struct fw *fw, struct frame *frame)
{
	icmp_error(fw, frame, DROP_UNREACHABLE, ICMP_UNREACHABLE, UNREACHABLE_HOST, 0);
}

/* Jenkins' one-at-a-time; the seed keeps outsiders from filling one set. */
static struct neigh *set_of(struct neigh_table *table, uint32_t addr)
{
	uint32_t hash = table->seed;

	for (unsigned int i = 0; i < 4; i++) {
		hash += addr >> (8 * i) & 0xff;
		hash += hash << 10;
		hash ^= hash >> 6;
	}
	hash += hash << 3;
	hash ^= hash >> 11;
	hash += hash << 15;
	return table->entry[hash % NEIGH_SETS];
}

static struct neigh *find(struct neigh_table *table, uint32_t addr)
{
	struct neigh *set = set_of(table, addr);

	for (unsigned int i = 0; i < NEIGH_WAYS; i++)
		if (set[i].addr == addr && set[i].state != NEIGH_FREE)
			return &set[i];
	return NULL;
}

static struct neigh *worst(struct neigh *set)
{
	struct neigh *worst = &set[0];

	for (unsigned int i = 1; i < NEIGH_WAYS; i++) {
		struct neigh *neigh = &set[i];

		if (neigh->state < worst->state ||
		    (neigh->state == worst->state && neigh->used < worst->used))
			worst = neigh;
	}
	return worst;
}

/* A place for @addr, at the cost of an entry no better than @limit, or NULL. */
static struct neigh *claim(struct fw *fw, struct neigh_table *table, uint32_t addr,
			   enum neigh_state limit)
{
	struct neigh *neigh = worst(set_of(table, addr));

	if (neigh->state > limit)
		return NULL;
	drop_held(fw, neigh, DROP_NEIGH_FULL);
	*neigh = (struct neigh){ .addr = addr, .used = fw->now, .since = fw->now };
	return neigh;
}

/* It is known where @neigh is: what waited for that can go. */
static void resolve(struct fw *fw, unsigned int out, struct neigh *neigh, const uint8_t *mac,
		    enum neigh_state state)
{
	memcpy(neigh->mac, mac, MAC_SIZE);
	neigh->state = state;
	neigh->tries = 0;
	neigh->since = fw->now;
	while (neigh->holds) {
		struct frame frame = unhold(&fw->held, neigh);

		transmit(fw, out, neigh->mac, &frame);
	}
}

static void ask(struct fw *fw, unsigned int out, struct neigh *neigh)
{
	bool first_probe = neigh->state == NEIGH_STALE && !neigh->tries;

	neigh->tries++;
	neigh->since = fw->now;
	arp_request(fw, out, neigh->addr, first_probe ? neigh->mac : NULL);
}

static void unknown(struct fw *fw, unsigned int out, uint32_t addr, struct frame *frame)
{
	struct port *port = &fw->port[out];
	struct neigh *neigh;

	/* A scan of addresses that are not there shall not become a flood of broadcasts. */
	if (!bucket_take(&port->questions, fw->now))
		return drop(fw, frame, DROP_NEIGH_FULL);
	neigh = claim(fw, &port->neigh, addr, NEIGH_REACHABLE);
	neigh->state = NEIGH_INCOMPLETE;
	hold(fw, neigh, frame);
	ask(fw, out, neigh);
}

void neigh_output(struct fw *fw, unsigned int out, uint32_t addr, struct frame *frame)
{
	struct neigh *neigh = find(&fw->port[out].neigh, addr);

	if (!neigh)
		return unknown(fw, out, addr, frame);
	neigh->used = fw->now;
	switch (neigh->state) {
	case NEIGH_REACHABLE:
		return transmit(fw, out, neigh->mac, frame);
	case NEIGH_STALE:
		if (!neigh->tries)
			ask(fw, out, neigh);
		return transmit(fw, out, neigh->mac, frame);
	case NEIGH_INCOMPLETE:
		return hold(fw, neigh, frame);
	default:
		return refuse(fw, frame);
	}
}

void neigh_reply(struct fw *fw, unsigned int out, uint32_t addr, const uint8_t *mac)
{
	struct neigh *neigh = find(&fw->port[out].neigh, addr);

	if (neigh)
		resolve(fw, out, neigh, mac, NEIGH_REACHABLE);
}

void neigh_announced(struct fw *fw, unsigned int out, uint32_t addr, const uint8_t *mac)
{
	struct neigh *neigh = find(&fw->port[out].neigh, addr);

	if (!neigh || (neigh->state == NEIGH_REACHABLE && !memcmp(neigh->mac, mac, MAC_SIZE)))
		return;
	resolve(fw, out, neigh, mac, NEIGH_STALE);
}

void neigh_learn(struct fw *fw, unsigned int out, uint32_t addr, const uint8_t *mac)
{
	struct neigh_table *table = &fw->port[out].neigh;
	struct neigh *neigh;

	if (find(table, addr))
		return neigh_announced(fw, out, addr, mac);
	neigh = claim(fw, table, addr, NEIGH_FAILED);
	if (neigh)
		resolve(fw, out, neigh, mac, NEIGH_STALE);
}

/*
 * Three requests went unanswered. The packets are taken away before they are refused: the
 * errors need neighbours too, and may be given this very entry.
 */
static void give_up(struct fw *fw, struct neigh *neigh)
{
	struct frame frame[NEIGH_HOLD];
	unsigned int n = 0;

	neigh->state = NEIGH_FAILED;
	neigh->tries = 0;
	neigh->since = fw->now;
	while (neigh->holds)
		frame[n++] = unhold(&fw->held, neigh);
	for (unsigned int i = 0; i < n; i++)
		refuse(fw, &frame[i]);
}

static void age(struct fw *fw, unsigned int out, struct neigh *neigh)
{
	uint64_t idle = fw->now - neigh->since;

	switch (neigh->state) {
	case NEIGH_REACHABLE:
		if (idle >= NEIGH_CONFIRMED_MS)
			neigh->state = NEIGH_STALE;
		return;
	case NEIGH_STALE:
		if (!neigh->tries) {
			if (idle >= NEIGH_FORGET_MS)
				neigh->state = NEIGH_FREE;
			return;
		}
		__attribute__((fallthrough)); /* it was asked */
	case NEIGH_INCOMPLETE:
		if (idle < RETRY_MS)
			return;
		if (neigh->tries < NEIGH_TRIES)
			ask(fw, out, neigh);
		else
			give_up(fw, neigh);
		return;
	case NEIGH_FAILED:
		if (idle >= NEIGH_FAILED_MS)
			neigh->state = NEIGH_FREE;
	}
}

void neigh_tick(struct fw *fw, unsigned int out)
{
	struct neigh *neigh = fw->port[out].neigh.entry[0];

	for (unsigned int i = 0; i < NEIGH_SETS * NEIGH_WAYS; i++, neigh++)
		if (neigh->state != NEIGH_FREE)
			age(fw, out, neigh);
}

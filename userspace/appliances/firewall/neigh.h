/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who has which address on a port's link, and the packets that wait to learn it.
 *
 *		   reply	request	(1)	tick			a packet for it
 *	FREE	   -		STALE (2)	-			INCOMPLETE, ask
 *	INCOMPLETE REACHABLE	STALE		ask; third: FAILED	hold
 *	REACHABLE  REACHABLE	REACHABLE (3)	after 60 s: STALE	send
 *	STALE	   REACHABLE	STALE		probed: ask; third:	send, begin to probe
 *						FAILED; 600 s: FREE
 *	FAILED	   REACHABLE	STALE		after 3 s: FREE		host unreachable
 *
 *	(1) or an announcement, which asks for the sender itself (RFC 5227 section 2.3)
 *	(2) not by an announcement
 *	(3) STALE, when the MAC is another one: it has to confirm that when it is asked
 *
 * Forbidden: FREE to REACHABLE. Who was not asked is not believed, and so a flood of replies
 * fills nothing.
 *
 * The table is of fixed size. A full set gives up its worst entry: failed before incomplete
 * before stale before reachable, and of these the one used longest ago. A request from an
 * unknown neighbour takes nothing from an entry in use, so that a flood of requests with
 * invented senders costs a lookup each and no connection.
 */
#ifndef FW_NEIGH_H
#define FW_NEIGH_H

#include <stdbool.h>
#include <stdint.h>

#include "packet.h"

struct fw;
struct frame;

#define NEIGH_SETS 128
#define NEIGH_WAYS 8
#define NEIGH_HOLD	   4   /* packets that wait for one neighbour; RFC 1122 asks for one */
#define NEIGH_POOL	   256 /* packets that wait in all */
#define NEIGH_TRIES	   3
#define NEIGH_CONFIRMED_MS 60000
#define NEIGH_FORGET_MS	   600000
#define NEIGH_FAILED_MS	   3000

/* In the order in which entries are given up. */
enum neigh_state { NEIGH_FREE, NEIGH_FAILED, NEIGH_INCOMPLETE, NEIGH_STALE, NEIGH_REACHABLE };

struct neigh {
	uint32_t addr;
	uint8_t mac[MAC_SIZE];
	uint8_t state;
	uint8_t tries;		   /* requests sent and not answered */
	uint64_t used;		   /* when a packet was last sent to it */
	uint64_t since;		   /* when it was last confirmed, or came into its state */
	uint16_t held[NEIGH_HOLD]; /* indexes into the pool, oldest first */
	uint8_t holds;
};

struct neigh_table {
	uint32_t seed; /* so that nobody outside can choose a set */
	struct neigh entry[NEIGH_SETS][NEIGH_WAYS];
};

struct neigh_pool {
	struct frame *frame;
	uint16_t free[NEIGH_POOL];
	unsigned int left;
};

int neigh_pool_init(struct neigh_pool *pool);
void neigh_pool_free(struct neigh_pool *pool);

/* neigh_output - send the IP packet @frame to the neighbour @addr, now or when it answers. */
void neigh_output(struct fw *fw, unsigned int port, uint32_t addr, struct frame *frame);

/* neigh_reply - @addr told us its MAC when it was asked. */
void neigh_reply(struct fw *fw, unsigned int port, uint32_t addr, const uint8_t *mac);

/* neigh_learn - @addr asked for us and let its MAC be seen. */
void neigh_learn(struct fw *fw, unsigned int port, uint32_t addr, const uint8_t *mac);

/* neigh_announced - @addr tells everybody its MAC; of interest when we know another one. */
void neigh_announced(struct fw *fw, unsigned int port, uint32_t addr, const uint8_t *mac);

void neigh_tick(struct fw *fw, unsigned int port);

#endif /* FW_NEIGH_H */

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Receive queues of an uplink in a function's hands.
 *
 *	reserved ──direct_plan()──▶ away ──direct_on()──▶ on ──direct_off()──▶ reserved
 *
 * `uvf lease` reserves; that is a note and changes nothing. While an appliance has sockets on the
 * queues the direct way is on: the steering program sends the function's frames to the sockets,
 * and the card is told to bring them there. What the card was told before is noted first, and
 * told again afterwards, by the next uvfd when this one was killed (ledger.c).
 */
#ifndef UVFD_DIRECT_H
#define UVFD_DIRECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <uthash.h>

#include "ethtool.h"
#include "proto.h"

/* What a function has reserved. */
struct direct {
	int key; /* the function's, see struct function */
	int uplink;
	uint64_t queues; /* bit 0: queue 0 */
	uint32_t asked; /* enum uvf_direct_by */
	uint32_t by; /* while it is on: what it came to */
	bool copy; /* others' frames are to stay out of the appliance's memory */
	bool on;
	bool away; /* not on yet: the hash leads away from what is about to be bound */
	bool ruled; /* the rule for @mac is ours, or is about to be */
	uint8_t mac[6];
	UT_hash_handle hh;
};

/* An uplink's indirection table, while it is not as it was. */
struct spread {
	int uplink;
	unsigned int queues; /* of the uplink, when we came */
	struct uvf_rss before;
	struct uvf_rss last; /* in place, unless @ours is by now */
	struct uvf_rss ours;
	UT_hash_handle hh;
};

struct ledger {
	struct direct *directs;
	struct spread *spreads;
};

struct direct *ledger_direct(struct ledger *ledger, int key);
struct spread *ledger_spread(struct ledger *ledger, int uplink);
void ledger_drop_direct(struct ledger *ledger, struct direct *direct);
void ledger_drop_spread(struct ledger *ledger, struct spread *spread);
void ledger_free(struct ledger *ledger);

/* 0; -ENOENT: no file; else with a sentence, and nothing taken. */
int ledger_read(struct ledger *ledger, const char *path);
int ledger_parse(struct ledger *ledger, const char *text, size_t size);
/* All or nothing. No file, when there is nothing to note. */
int ledger_write(const struct ledger *ledger, const char *path);

/* The lowest queue of a mask. */
static inline uint32_t queue_first(uint64_t queues)
{
	return __builtin_ctzll(queues);
}

#endif /* UVFD_DIRECT_H */

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

/* --- ledger.c: all of this, and on disk --------------------------------------------------- */

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

/* --- direct.c: who has which queues ------------------------------------------------------ */

extern struct ledger direct_ledger;
/* Writes it; says why not. */
bool direct_note(void);

/* --- card.c: what an uplink's card is told, and what it was told before ------------------- */

/* Whether the card brings what is for @direct's address to its queue now. */
bool card_rule_add(struct direct *direct, const char *uplink);
/* If it is ours. */
void card_rule_remove(struct direct *direct);
/* The table as the leases on @uplink want it; without any, as it was before. */
void card_spread(int uplink);

/* The lowest queue of a mask. */
static inline uint32_t queue_first(uint64_t queues)
{
	return __builtin_ctzll(queues);
}

/* A mask of the first @count. */
static inline uint64_t queues_all(unsigned int count)
{
	return count >= 64 ? ~0ULL : (1ULL << count) - 1;
}

#endif /* UVFD_DIRECT_H */

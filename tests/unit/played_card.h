/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A network card with queues, an indirection table and rules, behind ioctl(); and a uvfd around
 * direct.c that can be killed at any of the changes that it makes to the card.
 */
#ifndef PLAYED_CARD_H
#define PLAYED_CARD_H

#include <setjmp.h>
#include <stdbool.h>
#include <stdint.h>

#include <linux/ethtool.h>

#define CARD 7 /* its ifindex */
#define CARD_TABLE 128
#define CARD_RULES 16

struct card {
	unsigned int queues;
	const char *driver;
	bool has_table, has_rules, special; /* special: it gives rules their places itself */
	bool configured; /* the table was set, and is not the default any more */
	uint32_t table[CARD_TABLE];
	bool taken[CARD_RULES];
	struct ethtool_rx_flow_spec rule[CARD_RULES];
};

extern struct card card;
extern bool card_gone;
/* Changes until the power goes: before the change when it is 0, right behind it when @after. */
extern int card_changes_left;
extern bool card_after;
extern jmp_buf card_killed;

void card_make(unsigned int queues, bool has_table, bool has_rules);
bool card_equal(const struct card *a, const struct card *b);

#endif /* PLAYED_CARD_H */

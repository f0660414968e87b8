// SPDX-License-Identifier: GPL-2.0-only
/*
 * What an uplink's card is told, so that frames come to leased queues, and that it forgets: a rule
 * for a function's address, and the indirection table. Each change is noted before it is made.
 */
#include "direct.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "uvfd.h"

/* --- rules ------------------------------------------------------------------------------ */

bool card_rule_add(struct direct *direct, const char *uplink)
{
	uint32_t queue = queue_first(direct->queues);

	/* An operator's own, which stays when we go. */
	if (!uvf_ethtool_rule_find(uplink, direct->mac, queue))
		return true;
	direct->ruled = true;
	if (direct_note() && !uvf_ethtool_rule_add(uplink, direct->mac, queue))
		return true;
	direct->ruled = false;
	return false;
}

void card_rule_remove(struct direct *direct)
{
	char uplink[IFNAMSIZ];
	int err;

	if (!direct->ruled)
		return;
	direct->ruled = false;
	if (!if_indextoname(direct->uplink, uplink))
		return;
	err = uvf_ethtool_rule_remove(uplink, direct->mac, queue_first(direct->queues));
	if (err && err != -ENOENT)
		say("%s: the rule for a queue that was leased stays: %s", uplink, strerror(-err));
}

/* --- the indirection table ---------------------------------------------------------------- */

static uint64_t queues_on(int uplink, uint32_t by)
{
	const struct direct *direct;
	uint64_t queues = 0;

	for (direct = direct_ledger.directs; direct; direct = direct->hh.next)
		if (direct->on && direct->uplink == uplink && direct->by == by)
			queues |= direct->queues;
	return queues;
}

static uint64_t queues_away(int uplink)
{
	const struct direct *direct;
	uint64_t queues = queues_on(uplink, UVF_DIRECT_RULE);

	for (direct = direct_ledger.directs; direct; direct = direct->hh.next)
		if (direct->away && direct->uplink == uplink)
			queues |= direct->queues;
	return queues;
}

/* The @n-th queue of a mask, and round again. */
static uint32_t queue_nth(uint64_t queues, uint32_t n)
{
	for (n %= __builtin_popcountll(queues); n; n--)
		queues &= queues - 1;
	return queue_first(queues);
}

/*
 * Where functions are found by the hash, it leads to their queues alone: theirs and all others'
 * frames. Where they are found by rules, the hash leads away from their queues; and from those
 * that a socket is about to be bound to, which receive nothing before its rings are filled.
 */
static void spread_plan(struct spread *spread)
{
	uint64_t hashed = queues_on(spread->uplink, UVF_DIRECT_RSS);
	uint64_t away = queues_away(spread->uplink);
	uint64_t others = queues_all(spread->queues) & ~away;
	struct uvf_rss *ours = &spread->ours;

	*ours = spread->before;
	for (uint32_t i = 0; i < ours->size; i++) {
		uint32_t queue = ours->queue[i];

		if (hashed)
			ours->queue[i] = queue_nth(hashed, i);
		else if (others && queue < 64 && away & 1ULL << queue)
			ours->queue[i] = queue_nth(others, i);
	}
}

static struct spread *spread_get(int uplink, const char *name)
{
	struct spread *spread = ledger_spread(&direct_ledger, uplink);
	int queues = uvf_ethtool_queues(name);

	if (spread || queues <= 1)
		return spread;
	spread = calloc(1, sizeof(*spread));
	if (!spread)
		return NULL;
	spread->uplink = uplink;
	spread->queues = queues;
	if (uvf_ethtool_rss_get(name, &spread->before)) {
		free(spread);
		return NULL;
	}
	spread->last = spread->ours = spread->before;
	HASH_ADD_INT(direct_ledger.spreads, uplink, spread);
	return spread;
}

/* A table that somebody else has changed since is theirs. */
static bool is_ours(struct spread *spread, const char *name)
{
	struct uvf_rss now;

	if (uvf_ethtool_rss_get(name, &now))
		return false;
	if (uvf_rss_equal(&now, &spread->ours) || uvf_rss_equal(&now, &spread->last)) {
		spread->last = now;
		return true;
	}
	say("%s: its indirection table was changed by somebody else, and stays so", name);
	return false;
}

static void spread_tell(const struct spread *spread, const char *name)
{
	int err = 0;

	if (!uvf_rss_equal(&spread->ours, &spread->last))
		err = uvf_ethtool_rss_set(name, &spread->ours, spread->queues);
	if (err)
		say("%s: can't set its indirection table: %s", name, strerror(-err));
}

void card_spread(int uplink)
{
	bool wanted = queues_on(uplink, UVF_DIRECT_RSS) || queues_away(uplink);
	struct spread *spread = ledger_spread(&direct_ledger, uplink);
	char name[IFNAMSIZ];

	if (!spread && !wanted)
		return;
	if (!if_indextoname(uplink, name)) {
		if (spread)
			ledger_drop_spread(&direct_ledger, spread);
		return;
	}
	spread = spread_get(uplink, name);
	if (!spread)
		return;
	if (!is_ours(spread, name)) {
		ledger_drop_spread(&direct_ledger, spread);
		return;
	}
	spread_plan(spread);
	/* What can't be noted is not changed, but for the better. */
	if (direct_note() || !wanted)
		spread_tell(spread, name);
	if (!wanted)
		ledger_drop_spread(&direct_ledger, spread);
}

// SPDX-License-Identifier: GPL-2.0-only
#include "rates.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "why.h"

const char *const rate_names[RATES] = {
	[RATE_RX_FRAMES] = "rx_frames",
	[RATE_RX_BITS] = "rx_bits",
	[RATE_TX_FRAMES] = "tx_frames",
	[RATE_TX_BITS] = "tx_bits",
	[RATE_RX_DROPPED] = "rx_dropped",
	[RATE_TX_DROPPED] = "tx_dropped",
	[RATE_STEERING + UVF_DROP_RULE] = "dropped_rule",
	[RATE_STEERING + UVF_DROP_RX_LIMIT] = "dropped_rx_limit",
	[RATE_STEERING + UVF_DROP_TX_LIMIT] = "dropped_tx_limit",
	[RATE_STEERING + UVF_DROP_VLAN] = "dropped_vlan",
	[RATE_RING_FULL] = "rx_ring_full",
	[RATE_NO_FRAME] = "rx_no_frame",
	[RATE_SOCKET_DROPPED] = "socket_dropped",
	[RATE_TX_INVALID] = "tx_invalid",
};

static void read_counters(const struct fact *fact, uint64_t *counter)
{
	const struct rtnl_link_stats64 *stats = &fact->function.netdev->stats;

	memset(counter, 0, RATES * sizeof(*counter));
	counter[RATE_RX_FRAMES] = stats->rx_packets;
	counter[RATE_RX_BITS] = stats->rx_bytes * 8;
	counter[RATE_TX_FRAMES] = stats->tx_packets;
	counter[RATE_TX_BITS] = stats->tx_bytes * 8;
	counter[RATE_RX_DROPPED] = stats->rx_dropped;
	counter[RATE_TX_DROPPED] = stats->tx_dropped;
	if (!fact->uvfd)
		return;
	/* Frames that came to the uplink's own queues never were at the netdev. */
	counter[RATE_RX_FRAMES] += fact->lease.direct_frames;
	counter[RATE_RX_BITS] += fact->lease.direct_bytes * 8;
	for (int why = 0; why < UVF_DROPS; why++)
		counter[RATE_STEERING + why] = fact->lease.drops[why];
	if (!*fact->lease.holder)
		return;
	counter[RATE_RING_FULL] = fact->lease.xsk_rx_ring_full;
	counter[RATE_NO_FRAME] = fact->lease.xsk_rx_no_frame;
	counter[RATE_SOCKET_DROPPED] = fact->lease.xsk_rx_dropped;
	counter[RATE_TX_INVALID] = fact->lease.xsk_tx_invalid;
}

static void push_history(struct rates_row *row)
{
	memmove(row->history + 1, row->history, sizeof(row->history) - sizeof(row->history[0]));
	row->history[0] = row->rate[RATE_RX_FRAMES] + row->rate[RATE_TX_FRAMES];
}

/* A counter that went back is another socket's: it began at 0. */
static void update_row(struct rates_row *row, const struct fact *fact, double seconds)
{
	uint64_t now[RATES];

	read_counters(fact, now);
	for (int i = 0; i < RATES; i++) {
		uint64_t before = row->counter[i] <= now[i] ? row->counter[i] : 0;

		row->rate[i] = row->fresh || seconds <= 0 ? 0 : (now[i] - before) / seconds;
		row->counter[i] = now[i];
	}
	if (!row->fresh)
		push_history(row);
}

static struct rates_row *row_get(struct rates *rates, int ifindex)
{
	struct rates_row *row;

	HASH_FIND_INT(rates->rows, &ifindex, row);
	if (row) {
		row->fresh = false;
		return row;
	}
	row = calloc(1, sizeof(*row));
	if (!row)
		return NULL;
	row->ifindex = ifindex;
	row->fresh = true;
	HASH_ADD_INT(rates->rows, ifindex, row);
	return row;
}

static void look_at_rings(struct rates_row *row, const struct fact *fact)
{
	double size = fact->uvfd && *fact->lease.holder ?
		      (double)fact->lease.rings * fact->lease.ring_size : 0;

	row->rx_ring = size > 0 ? fact->lease.rx_waiting / size : -1;
	row->fill_ring = size > 0 ? fact->lease.fill_left / size : -1;
}

struct look {
	struct rates *rates;
	char **names;
	int count;
};

static bool is_wanted(const struct look *look, const char *name)
{
	for (int i = 0; i < look->count; i++)
		if (!strcmp(look->names[i], name))
			return true;
	return !look->count;
}

static void look_at(const struct fact *fact, void *arg)
{
	const struct uvf_function *function = &fact->function;
	struct look *look = arg;
	struct rates_row *row;

	if (!is_wanted(look, function->netdev->name))
		return;
	row = row_get(look->rates, function->netdev->ifindex);
	if (!row)
		return;
	row->seen = true;
	strcpy(row->function, function->netdev->name);
	strcpy(row->uplink, function->uplink ? function->uplink->name : "elsewhere");
	strcpy(row->holder, !fact->uvfd ? "?" : *fact->lease.holder ? fact->lease.holder : "-");
	row->parked = fact->uvfd && fact->lease.parked;
	look_at_rings(row, fact);
	update_row(row, fact, look->rates->at - look->rates->since);
}

static void forget_unseen(struct rates *rates)
{
	struct rates_row *row, *next;

	HASH_ITER(hh, rates->rows, row, next) {
		if (!row->seen) {
			HASH_DEL(rates->rows, row);
			free(row);
			continue;
		}
		row->seen = false;
	}
}

int rates_look(struct rates *rates, struct facts *facts, char **names, int count)
{
	struct look look = { .rates = rates, .names = names, .count = count };
	struct timespec now;
	int err = facts_refresh(facts);

	if (err)
		return err;
	clock_gettime(CLOCK_MONOTONIC, &now);
	rates->since = rates->at;
	rates->at = now.tv_sec + now.tv_nsec / 1e9;
	facts_walk(facts, look_at, &look);
	forget_unseen(rates);
	return 0;
}

void rates_free(struct rates *rates)
{
	forget_unseen(rates);
}

/*
 * What the socket dropped the netdev counts too, or not, as its driver does: so no sum of these
 * two. "No frame" counts times, not frames; as a reason it tells more than that of the netdev.
 */
double rates_drops(const struct rates_row *row, int *reason)
{
	const double *rate = row->rate;
	double netdev = rate[RATE_RX_DROPPED] + rate[RATE_TX_DROPPED], steering = 0;
	double socket = rate[RATE_RING_FULL] + rate[RATE_SOCKET_DROPPED] + rate[RATE_TX_INVALID];

	*reason = -1;
	for (int i = RATE_STEERING; i < RATES; i++) {
		if (i <= RATE_STEERING_LAST)
			steering += rate[i];
		if (rate[i] > (*reason < 0 ? 0 : rate[*reason]))
			*reason = i;
	}
	for (int i = RATE_DROPS; *reason < 0 && i < RATE_STEERING; i++)
		if (rate[i] > 0)
			*reason = i;
	return steering + (netdev > socket ? netdev : socket);
}

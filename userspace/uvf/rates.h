/* SPDX-License-Identifier: GPL-2.0-only */
/* What functions receive, send and drop a second, from one look at their counters to the next. */
#ifndef UVF_RATES_H
#define UVF_RATES_H

#include <uthash.h>

#include "uvf.h"

enum rate {
	RATE_RX_FRAMES,
	RATE_RX_BITS,
	RATE_TX_FRAMES,
	RATE_TX_BITS,
	RATE_DROPS, /* the first of the drops */
	RATE_RX_DROPPED = RATE_DROPS, /* of the netdev */
	RATE_TX_DROPPED,
	RATE_STEERING, /* the first of those of the programs on the uplink, by enum uvf_drop */
	RATE_STEERING_LAST = RATE_STEERING + UVF_DROPS - 1,
	RATE_RING_FULL, /* of the AF_XDP socket, see struct xdp_statistics */
	RATE_NO_FRAME,
	RATE_SOCKET_DROPPED,
	RATE_TX_INVALID,
	RATES,
};

#define RATES_HISTORY 64

struct rates_row {
	int ifindex;
	char function[IFNAMSIZ];
	char uplink[IFNAMSIZ];
	char holder[UVF_PROTO_APPLIANCE];
	uint64_t counter[RATES];
	double rate[RATES];
	double rx_ring, fill_ring; /* how full, 0 to 1; less than 0: not known */
	double history[RATES_HISTORY]; /* of frames received and sent, the last one first */
	bool parked; /* its holder is dead, and may be followed */
	bool seen;
	bool fresh; /* seen once: there is no rate yet */
	UT_hash_handle hh;
};

struct rates {
	struct rates_row *rows;
	double at; /* seconds, of the last look */
	double since; /* the look before */
};

extern const char *const rate_names[RATES];

/* @names: of the functions wanted, @count 0 for all. 0 or -errno, with a sentence. */
int rates_look(struct rates *rates, struct facts *facts, char **names, int count);
void rates_free(struct rates *rates);

/* Frames dropped a second, and the reason for most of them; -1 when there are none. */
double rates_drops(const struct rates_row *row, int *reason);

#endif /* UVF_RATES_H */

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Places where a function's frames can be seen on their way: an XDP program that they pass, a link
 * where the network stack sees them, or a tracepoint of uvf.ko.
 */
#ifndef UVF_POINTS_H
#define UVF_POINTS_H

#include "progs.h"
#include "uvf.h"

enum point {
	POINT_UPLINK, /* where the uplink's XDP program decides whose a frame is, or the uplink */
	POINT_RX, /* where the function's own XDP program gets it */
	POINT_TX, /* what it sends: the port of a veth-backed one, a tracepoint of uvf.ko */
	POINTS,
};

struct place {
	struct prog prog; /* id 0: no program, but the link itself, or: */
	bool sent; /* what @function of uvf.ko sends */
	uint32_t function; /* bus << 8 | devfn of its PCI address */
	int ifindex; /* of the link */
	char link[IFNAMSIZ];
};

extern const char *const point_names[POINTS];
int point_parse(const char *name); /* -1: there is none of that name */

/* 0, or -errno with a sentence: why it can't be had, and what to do instead. */
int point_find(const struct fact *fact, enum point point, struct place *place);

#endif /* UVF_POINTS_H */

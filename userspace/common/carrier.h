/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A link's carrier, as rtnetlink tells of it: guests of interface processes are to see it. A link
 * whose frames are another one's (`uvf redirect`, of uvf.ko) has none, so that a guest with a card
 * on each goes over to the other.
 */
#ifndef UVF_CARRIER_H
#define UVF_CARRIER_H

#include <stdbool.h>

struct nl_sock;

struct uvf_carrier {
	struct nl_sock *sock; /* NULL: not open */
	int ifindex;
	void (*tell)(void *ctx, bool up); /* also when it is as it was */
	void *ctx;
};

/* From now on uvf_carrier_read() tells of a link, first how it is. 0, or with a sentence. */
int uvf_carrier_open(struct uvf_carrier *carrier, int ifindex, void (*tell)(void *ctx, bool up),
		     void *ctx);
void uvf_carrier_close(struct uvf_carrier *carrier);

/* Readable when there is something to be told. */
int uvf_carrier_fd(const struct uvf_carrier *carrier);
/* Calls tell() for what has come. Does not wait. */
void uvf_carrier_read(struct uvf_carrier *carrier);

#endif /* UVF_CARRIER_H */

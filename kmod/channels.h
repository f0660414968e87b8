/* SPDX-License-Identifier: GPL-2.0-only */
/* The queues of a function, all of them: made, opened, and found for a frame. */
#ifndef UVF_CHANNELS_H
#define UVF_CHANNELS_H

#include "netdev.h"

#include <linux/kernel.h>

/*
 * How many queues the function has. Under traffic, also before it is registered; on an error all
 * is as it was. Under RTNL, or before register_netdevice().
 */
int uvf_channels_set(struct uvf_netdev *un, unsigned int nr);

/* Unmakes all, when nobody sees the netdev any more. */
void uvf_channels_exit(struct uvf_netdev *un);

/* Under RTNL. */
int uvf_channels_open(struct uvf_netdev *un);
void uvf_channels_close(struct uvf_netdev *un);

/* All counts together, of queues that were taken out of use as well. */
void uvf_channels_counts(const struct uvf_netdev *un, struct uvf_counts *counts);

/* The queue for a flow, any context. It may have been closed just now: then it takes nothing. */
static inline struct uvf_queue *uvf_channel(const struct uvf_netdev *un, u32 hash)
{
	return un->queue[reciprocal_scale(hash, READ_ONCE(un->nr_queues))];
}

#endif /* UVF_CHANNELS_H */

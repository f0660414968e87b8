/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copies of what a function sends, for another function to receive, whichever its uplink.
 *
 * What receives copies has no mirror of its own, so that there is no chain and no circle, whatever
 * programs and appliances do with copies.
 */
#ifndef UVF_MIRROR_H
#define UVF_MIRROR_H

#include "netdev.h"

#include <linux/jump_label.h>

struct netlink_ext_ack;
struct xdp_frame;

/* Whether `to` could be the mirror of `un`. Under RTNL, as are all changes. */
int uvf_mirror_check(const struct uvf_netdev *un, const struct uvf_netdev *to,
		     struct netlink_ext_ack *extack);

/* NULL: no mirror. Whoever uses the former one does so until a grace period has passed. */
void uvf_mirror_set(struct uvf_netdev *un, struct uvf_netdev *to);

/* Of a function that goes: it has none, and is none. */
void uvf_mirror_detach(struct uvf_netdev *un);

DECLARE_STATIC_KEY_FALSE(uvf_mirror_key);

/* Costs nothing while no function has one. */
static inline bool uvf_mirror_is_on(const struct uvf_netdev *un)
{
	return static_branch_unlikely(&uvf_mirror_key) && rcu_access_pointer(un->mirror);
}

/* With softirqs off. As they go on the wire; of an skb, the tag beside the data. */
void uvf_mirror_skb(struct uvf_netdev *un, struct sk_buff *skb);
void uvf_mirror_frame(struct uvf_netdev *un, const struct xdp_frame *frame);

#endif /* UVF_MIRROR_H */

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A function whose frames are another one's, of the same uplink and VLAN: who receives them is
 * asked here, wherever a frame has found its function, and wherever one is for all.
 *
 * A redirect works while both functions are up. What receives for another has no redirect itself,
 * so that who has it is found in one step.
 */
#ifndef UVF_REDIRECT_H
#define UVF_REDIRECT_H

#include "netdev.h"
#include "sibling.h"

#include <linux/jump_label.h>

struct netlink_ext_ack;
struct nlattr;

/* One attribute by itself: its length. */
int uvf_redirect_validate(const struct nlattr *attr, struct netlink_ext_ack *extack);

/*
 * Whose its frames would be, with the attribute, or as they are with NULL; judged, not done. It is
 * or will be a function of `lower`. Under RTNL, as are all changes.
 */
int uvf_redirect_parse(const struct uvf_netdev *un, const struct net_device *lower,
		       const struct nlattr *attr, struct uvf_netdev **to,
		       struct netlink_ext_ack *extack);

/* NULL: none. Whoever has found the former one puts a frame into its ring yet. */
void uvf_redirect_set(struct uvf_netdev *un, struct uvf_netdev *to);

/* Of a function that goes: it has none, and nobody has it. */
void uvf_redirect_detach(struct uvf_netdev *un);

size_t uvf_redirect_size(void);
int uvf_redirect_fill(struct sk_buff *skb, const struct uvf_netdev *un);

DECLARE_STATIC_KEY_FALSE(uvf_redirect_key);

/* What costs nothing while no function has a redirect. With softirqs off. */
struct uvf_netdev *uvf_redirect_active(const struct uvf_netdev *un);
bool uvf_redirect_wants_group(const struct uvf_netdev *un, const struct uvf_netdev *sender,
			      const u8 *group);
void uvf_redirect_adopt_other(const struct uvf_netdev *un, struct sk_buff *skb);

/* Who receives what is this function's: another one, or itself. */
static inline struct uvf_netdev *uvf_redirect_of(struct uvf_netdev *un)
{
	if (static_branch_unlikely(&uvf_redirect_key))
		return uvf_redirect_active(un) ?: un;
	return un;
}

/* Whether it takes frames for this group itself, from a sibling or with NULL from the uplink. */
static inline bool uvf_redirect_wants_own(const struct uvf_netdev *un,
					  const struct uvf_netdev *sender, const u8 *group)
{
	return (!sender || uvf_sibling_bridges(un)) && uvf_netdev_wants(un, group);
}

/* Whether it gets one, for itself or for those whose frames it has. Under RCU. */
static inline bool uvf_redirect_wants(const struct uvf_netdev *un, const struct uvf_netdev *sender,
				      const u8 *group)
{
	if (static_branch_unlikely(&uvf_redirect_key))
		return uvf_redirect_wants_group(un, sender, group);
	return uvf_redirect_wants_own(un, sender, group);
}

/* For the stack, what is for the address of a function is for who has its frames. Under RCU. */
static inline void uvf_redirect_adopt(const struct uvf_netdev *un, struct sk_buff *skb)
{
	if (static_branch_unlikely(&uvf_redirect_key) && skb->pkt_type == PACKET_OTHERHOST)
		uvf_redirect_adopt_other(un, skb);
}

#endif /* UVF_REDIRECT_H */

// SPDX-License-Identifier: GPL-2.0-only
/* Copies of what a function sends. */
#include "mirror.h"
#include "netlink.h"
#include "redirect.h"
#include "rx.h"
#include "tx.h"

#include <linux/rtnetlink.h>
#include <net/xdp.h>

DEFINE_STATIC_KEY_FALSE(uvf_mirror_key);

/* --- setting ------------------------------------------------------------------------------ */

int uvf_mirror_check(const struct uvf_netdev *un, const struct uvf_netdev *to,
		     struct netlink_ext_ack *extack)
{
	if (to == un) {
		NL_SET_ERR_MSG_MOD(extack, "a function can't be a mirror of itself");
		return -EINVAL;
	}
	if (rtnl_dereference(to->mirror) || !list_empty(&un->mirrored)) {
		NL_SET_ERR_MSG_MOD(extack, "copies are not copied again: a function that receives copies can't have a mirror");
		return -ELOOP;
	}
	if (to->vlan && to->vlan != un->vlan) {
		NL_SET_ERR_MSG_MOD(extack, "the mirror is in a VLAN, and takes no frames of another or of none");
		return -EINVAL;
	}
	return 0;
}

void uvf_mirror_set(struct uvf_netdev *un, struct uvf_netdev *to)
{
	struct uvf_netdev *old = rtnl_dereference(un->mirror);

	if (old == to)
		return;
	if (old)
		list_del(&un->mirrored_node);
	if (to)
		list_add(&un->mirrored_node, &to->mirrored);
	if (to && !old)
		static_branch_inc(&uvf_mirror_key);
	rcu_assign_pointer(un->mirror, to);
	if (old && !to)
		static_branch_dec(&uvf_mirror_key);
}

/* Who has found it is waited for by unregister_netdevice(). */
void uvf_mirror_detach(struct uvf_netdev *un)
{
	struct uvf_netdev *from, *next;

	uvf_mirror_set(un, NULL);
	list_for_each_entry_safe(from, next, &un->mirrored, mirrored_node) {
		uvf_mirror_set(from, NULL);
		uvf_netlink_notify(from, UVF_CMD_FUNCTION_CHANGE_NTF);
	}
}

/* --- copies ------------------------------------------------------------------------------- */

static struct uvf_netdev *mirror_of(const struct uvf_netdev *un)
{
	struct uvf_netdev *other, *to = rcu_dereference_bh(un->mirror);

	if (!to)
		return NULL;
	/* Copies of copies could go in a circle. */
	other = uvf_redirect_of(to);
	if (!rcu_access_pointer(other->mirror))
		to = other;
	return to->dev->flags & IFF_UP ? to : NULL;
}

void uvf_mirror_skb(struct uvf_netdev *un, struct sk_buff *skb)
{
	struct uvf_netdev *to = mirror_of(un);
	struct sk_buff *copy;

	if (!to)
		return;
	/* Whoever writes to it makes it his own first. */
	copy = skb_clone(skb, GFP_ATOMIC);
	if (copy)
		uvf_rx_sibling(to, copy);
	else
		dev_core_stats_rx_dropped_inc(to->dev);
}

void uvf_mirror_frame(struct uvf_netdev *un, const struct xdp_frame *frame)
{
	struct uvf_netdev *to = mirror_of(un);
	struct xdp_frame *copy;

	if (!to)
		return;
	copy = uvf_tx_copy(frame);
	if (copy)
		uvf_rx_frame(to, copy);
	else
		dev_core_stats_rx_dropped_inc(to->dev);
}

// SPDX-License-Identifier: GPL-2.0-only
/* A function's frames are another one's. */
#include "redirect.h"
#include "function.h"
#include "netlink.h"
#include "uplink.h"

#include <linux/etherdevice.h>
#include <linux/pci.h>
#include <linux/rculist.h>
#include <linux/rtnetlink.h>
#include <linux/uvf.h>
#include <net/netlink.h>

DEFINE_STATIC_KEY_FALSE(uvf_redirect_key);

/* --- judged ------------------------------------------------------------------------------- */

int uvf_redirect_validate(const struct nlattr *attr, struct netlink_ext_ack *extack)
{
	if (strnlen(nla_data(attr), nla_len(attr)) < UVF_PCI_SIZE)
		return 0;
	NL_SET_ERR_MSG_ATTR(extack, attr, "uvf: a redirect is a PCI address, or empty for none");
	return -EINVAL;
}

static int check(const struct uvf_netdev *un, const struct net_device *lower,
		 const struct uvf_netdev *to, struct netlink_ext_ack *extack)
{
	if (to == un) {
		NL_SET_ERR_MSG_MOD(extack, "a function can't be the redirect of itself; none is what it has without one");
		return -EINVAL;
	}
	if (to->lower != lower) {
		NL_SET_ERR_MSG_MOD(extack, "the redirect is a function of another uplink; choose one of the function's own");
		return -EINVAL;
	}
	if (to->vlan != un->vlan) {
		NL_SET_ERR_MSG_MOD(extack, "the redirect is a function of another VLAN; choose one of the function's own");
		return -EINVAL;
	}
	if (rtnl_dereference(to->redirect) || !hlist_empty(&un->redirected)) {
		NL_SET_ERR_MSG_MOD(extack, "frames are not redirected twice: a function that receives those of another can't have a redirect");
		return -ELOOP;
	}
	return 0;
}

int uvf_redirect_parse(const struct uvf_netdev *un, const struct net_device *lower,
		       const struct nlattr *attr, struct uvf_netdev **to,
		       struct netlink_ext_ack *extack)
{
	struct uvf_function *function;
	char pci[UVF_PCI_SIZE];

	*to = rtnl_dereference(un->redirect);
	if (!attr)
		return 0;
	*to = NULL;
	nla_strscpy(pci, attr, sizeof(pci));
	if (!*pci)
		return 0;
	function = uvf_function_named(pci);
	if (!function || !function->netdev) {
		NL_SET_ERR_MSG_ATTR(extack, attr, "uvf: no function in use has the PCI address of the redirect; it is written as lspci -D does");
		return -ENODEV;
	}
	*to = netdev_priv(function->netdev);
	return check(un, lower, *to, extack);
}

/* --- set ---------------------------------------------------------------------------------- */

static void point(struct uvf_netdev *un, struct uvf_netdev *to)
{
	rcu_assign_pointer(un->redirect, to);
}

/* A reader may go from one list to the other, and comes to an end of it. */
static void enlist(struct uvf_netdev *un, struct uvf_netdev *to)
{
	if (!hlist_unhashed(&un->redirected_node))
		hlist_del_init_rcu(&un->redirected_node);
	if (to)
		hlist_add_head_rcu(&un->redirected_node, &to->redirected);
}

/*
 * Of a frame for a group, the pointer says who gets none, and the list who gets one instead. That
 * nobody gets it can't be: while the pointer says so, all see the list.
 */
void uvf_redirect_set(struct uvf_netdev *un, struct uvf_netdev *to)
{
	struct uvf_netdev *old = rtnl_dereference(un->redirect);

	if (old == to)
		return;
	if (!to) {
		point(un, NULL);
		synchronize_net();
		enlist(un, NULL);
		static_branch_dec(&uvf_redirect_key);
		return;
	}
	if (!old)
		static_branch_inc(&uvf_redirect_key);
	enlist(un, to);
	synchronize_net();
	point(un, to);
}

static void lose(struct uvf_netdev *un)
{
	uvf_redirect_set(un, NULL);
	uvf_netlink_notify(un, UVF_CMD_FUNCTION_CHANGE_NTF);
	/* RTM_NEWLINK, also while it is down. */
	call_netdevice_notifiers(NETDEV_CHANGEINFODATA, un->dev);
}

/* Who has found it is waited for by unregister_netdevice(). */
void uvf_redirect_detach(struct uvf_netdev *un)
{
	struct uvf_netdev *from;
	struct hlist_node *next;

	uvf_redirect_set(un, NULL);
	hlist_for_each_entry_safe(from, next, &un->redirected, redirected_node)
		lose(from);
}

/* --- reported ----------------------------------------------------------------------------- */

size_t uvf_redirect_size(void)
{
	return nla_total_size(UVF_PCI_SIZE);
}

int uvf_redirect_fill(struct sk_buff *skb, const struct uvf_netdev *un)
{
	const struct uvf_netdev *to = rtnl_dereference(un->redirect);

	return to ? nla_put_string(skb, IFLA_UVF_REDIRECT, pci_name(to->pdev)) : 0;
}

/* --- asked for each frame ----------------------------------------------------------------- */

/*
 * IFF_UP comes after the queues are open, and the other bit goes before they are closed, with a
 * grace period between the two: what is put into a ring is taken out of it.
 */
static bool is_open(const struct net_device *dev)
{
	return dev->flags & IFF_UP && netif_running(dev);
}

struct uvf_netdev *uvf_redirect_active(const struct uvf_netdev *un)
{
	struct uvf_netdev *to = rcu_dereference_bh(un->redirect);

	return to && is_open(to->dev) && un->dev->flags & IFF_UP ? to : NULL;
}

/* Not each group that one has joined is the other's as well, nor is each mode. */
bool uvf_redirect_wants_group(const struct uvf_netdev *un, const struct uvf_netdev *sender,
			      const u8 *group)
{
	const struct uvf_netdev *from;

	if (uvf_redirect_active(un))
		return false;
	if (uvf_redirect_wants_own(un, sender, group))
		return true;
	hlist_for_each_entry_rcu(from, &un->redirected, redirected_node)
		if (from != sender && is_open(un->dev) &&
		    uvf_redirect_wants_own(from, sender, group))
			return true;
	return false;
}

void uvf_redirect_adopt_other(const struct uvf_netdev *un, struct sk_buff *skb)
{
	const struct uvf_uplink *uplink = READ_ONCE(un->uplink);

	/* A function in passthru mode has whatever is not the uplink's, and none is redirected. */
	if (!uplink || un->mode == UVF_MODE_PASSTHRU)
		return;
	if (uvf_uplink_find(uplink, eth_hdr(skb)->h_dest, un->vlan) == un)
		skb->pkt_type = PACKET_HOST;
}

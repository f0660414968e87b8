// SPDX-License-Identifier: GPL-2.0-only
/*
 * Generic netlink: what functions there are, and what changes.
 *
 * Everybody sees the functions of his own network namespace. What else is seen from the initial
 * one, and by whom, is `struct view`.
 */
#include "netlink.h"
#include "bridge.h"
#include "function.h"
#include "netdev.h"

#include <linux/pci.h>
#include <linux/rtnetlink.h>
#include <net/genetlink.h>
#include <net/net_namespace.h>
#include <net/xdp_sock_drv.h>

static struct genl_family family;

/* --- who looks ---------------------------------------------------------------------------- */

struct view {
	struct net *net;
	bool spare;	/* sees functions without a netdev, as everybody does in sysfs */
	bool elsewhere; /* sees functions in other namespaces */
};

static struct view view_of(const struct sk_buff *request)
{
	struct net *net = sock_net(request->sk);
	bool host = net_eq(net, &init_net);

	return (struct view){
		.net = net,
		.spare = host,
		.elsewhere = host && netlink_capable(request, CAP_NET_ADMIN),
	};
}

static bool visible(const struct view *view, const struct uvf_function *function)
{
	if (!function->netdev)
		return view->spare;
	return view->elsewhere || net_eq(dev_net(function->netdev), view->net);
}

/* --- a function as a message -------------------------------------------------------------- */

static int put_netns(struct sk_buff *skb, int type, const struct view *view, struct net *net)
{
	int id;

	if (net_eq(net, view->net))
		return 0;
	id = peernet2id_alloc(view->net, net, GFP_KERNEL);
	/* None, if it is just dying. */
	return id < 0 ? 0 : nla_put_s32(skb, type, id);
}

static u32 lease_of(const struct uvf_netdev *un, unsigned int id)
{
	const struct xsk_buff_pool *pool = xsk_get_pool_from_qid(un->dev, id);

	if (un->queue[id]->pool)
		return UVF_QUEUE_LEASE_ZERO_COPY;
	/* Of a socket in copy mode only the core knows. It forgets a zero-copy one after we did. */
	return pool && !pool->umem->zc ? UVF_QUEUE_LEASE_COPY : UVF_QUEUE_LEASE_NONE;
}

static int put_queue(struct sk_buff *skb, const struct uvf_netdev *un, unsigned int id)
{
	struct nlattr *nest = nla_nest_start(skb, UVF_A_FUNCTION_QUEUE);

	if (!nest || nla_put_u32(skb, UVF_A_QUEUE_ID, id) ||
	    nla_put_u32(skb, UVF_A_QUEUE_LEASE, lease_of(un, id)))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static u32 link_state(const struct net_device *dev)
{
	if (!netif_running(dev))
		return UVF_LINK_STATE_DOWN;
	return netif_carrier_ok(dev) ? UVF_LINK_STATE_UP : UVF_LINK_STATE_NO_CARRIER;
}

static int put_netdev(struct sk_buff *skb, const struct view *view, const struct uvf_netdev *un)
{
	const struct net_device *dev = un->dev;
	unsigned int i;

	if (nla_put_u32(skb, UVF_A_FUNCTION_IFINDEX, dev->ifindex) ||
	    nla_put_string(skb, UVF_A_FUNCTION_IFNAME, dev->name) ||
	    nla_put_u32(skb, UVF_A_FUNCTION_UPLINK_IFINDEX, un->lower->ifindex) ||
	    put_netns(skb, UVF_A_FUNCTION_UPLINK_NETNS_ID, view, dev_net(un->lower)) ||
	    (un->appliance[0] &&
	     nla_put_string(skb, UVF_A_FUNCTION_APPLIANCE, un->appliance)) ||
	    (un->vlan && nla_put_u16(skb, UVF_A_FUNCTION_VLAN, un->vlan)) ||
	    nla_put(skb, UVF_A_FUNCTION_MAC, ETH_ALEN, dev->dev_addr) ||
	    nla_put_u32(skb, UVF_A_FUNCTION_MTU, dev->mtu) ||
	    nla_put_u32(skb, UVF_A_FUNCTION_LINK_STATE, link_state(dev)))
		return -EMSGSIZE;
	for (i = 0; i < un->nr_queues; i++)
		if (put_queue(skb, un, i))
			return -EMSGSIZE;
	return 0;
}

static int put_pci(struct sk_buff *skb, const struct pci_dev *pdev, bool used)
{
	if (nla_put_string(skb, UVF_A_FUNCTION_PCI, pci_name(pdev)))
		return -EMSGSIZE;
	return nla_put_u32(skb, UVF_A_FUNCTION_STATE,
			   used ? UVF_FUNCTION_STATE_USED : UVF_FUNCTION_STATE_SPARE);
}

static int put_used(struct sk_buff *skb, const struct view *view, const struct uvf_netdev *un)
{
	struct net *net = dev_net(un->dev);

	if (put_pci(skb, un->pdev, true) || put_netns(skb, UVF_A_FUNCTION_NETNS_ID, view, net))
		return -EMSGSIZE;
	return view->elsewhere || net_eq(net, view->net) ? put_netdev(skb, view, un) : 0;
}

static int put_unused(struct sk_buff *skb, struct uvf_function *function)
{
	struct pci_dev *pdev;
	bool used;
	int err;

	pdev = uvf_function_hold(function, &used);
	if (!pdev)
		return -ENODEV;
	err = put_pci(skb, pdev, used);
	pci_dev_put(pdev);
	return err;
}

struct address {
	u32 portid;
	u32 seq;
	int flags;
	struct netlink_callback *dump;
};

/* -ENODEV, if it has no PCI device at present. */
static int fill(struct sk_buff *skb, const struct address *to, u8 cmd, const struct view *view,
		struct uvf_function *function)
{
	void *header = genlmsg_put(skb, to->portid, to->seq, &family, to->flags, cmd);
	int err;

	ASSERT_RTNL();
	if (!header)
		return -EMSGSIZE;
	if (to->dump)
		genl_dump_check_consistent(to->dump, header);
	err = function->netdev ? put_used(skb, view, netdev_priv(function->netdev)) :
				 put_unused(skb, function);
	if (err) {
		genlmsg_cancel(skb, header);
		return err;
	}
	genlmsg_end(skb, header);
	return 0;
}

/* --- function-get ------------------------------------------------------------------------- */

static struct uvf_function *find_ifindex(struct net *net, const struct nlattr *attr,
					 struct netlink_ext_ack *extack)
{
	struct net_device *dev = __dev_get_by_index(net, nla_get_u32(attr));
	struct uvf_netdev *un;

	if (!dev) {
		NL_SET_ERR_MSG_ATTR(extack, attr, "uvf: no network device here has this ifindex");
		return ERR_PTR(-ENODEV);
	}
	if (!uvf_netdev_is(dev)) {
		NL_SET_ERR_MSG_ATTR(extack, attr, "uvf: the network device is not a uvf function");
		return ERR_PTR(-ENODEV);
	}
	un = netdev_priv(dev);
	return un->function;
}

static bool has_name(struct uvf_function *function, const char *name)
{
	bool used, equal;
	struct pci_dev *pdev = uvf_function_hold(function, &used);

	equal = pdev && !strcmp(pci_name(pdev), name);
	pci_dev_put(pdev);
	return equal;
}

static struct uvf_function *find_pci(const struct view *view, const struct nlattr *attr,
				     struct netlink_ext_ack *extack)
{
	struct uvf_function *function = NULL;
	unsigned int domain, bus, slot, func;

	/* That it is of our domain, and written in the proper way, shows when it is found. */
	if (sscanf(nla_data(attr), "%x:%2x:%2x.%1x", &domain, &bus, &slot, &func) == 4)
		function = uvf_function_at(bus * UVF_FUNCTIONS_PER_BUS + PCI_DEVFN(slot, func));
	if (function && visible(view, function) && has_name(function, nla_data(attr)))
		return function;
	NL_SET_ERR_MSG_ATTR(extack, attr, "uvf: no function here has this PCI address; it is written as lspci -D does");
	return ERR_PTR(-ENODEV);
}

static struct uvf_function *find(const struct view *view, const struct nlattr *ifindex,
				 const struct nlattr *pci, struct netlink_ext_ack *extack)
{
	if (!ifindex == !pci) {
		NL_SET_ERR_MSG(extack, "uvf: name the function, by either its ifindex or its PCI address");
		return ERR_PTR(-EINVAL);
	}
	return ifindex ? find_ifindex(view->net, ifindex, extack) : find_pci(view, pci, extack);
}

static int get_locked(struct sk_buff *skb, const struct view *view, struct genl_info *info)
{
	const struct address to = { .portid = info->snd_portid, .seq = info->snd_seq };
	struct uvf_function *function;

	function = find(view, info->attrs[UVF_A_FUNCTION_IFINDEX],
			info->attrs[UVF_A_FUNCTION_PCI], info->extack);
	if (IS_ERR(function))
		return PTR_ERR(function);
	return fill(skb, &to, UVF_CMD_FUNCTION_GET, view, function);
}

static int function_get(struct sk_buff *request, struct genl_info *info)
{
	const struct view view = view_of(request);
	struct sk_buff *skb;
	int err;

	skb = genlmsg_new(GENLMSG_DEFAULT_SIZE, GFP_KERNEL);
	if (!skb)
		return -ENOMEM;
	rtnl_lock();
	err = get_locked(skb, &view, info);
	rtnl_unlock();
	if (err) {
		nlmsg_free(skb);
		return err;
	}
	return genlmsg_reply(skb, info);
}

static int function_dump_start(struct netlink_callback *cb)
{
	if (!nlmsg_attrlen(cb->nlh, GENL_HDRLEN))
		return 0;
	NL_SET_ERR_MSG(cb->extack, "uvf: a dump takes no attributes; for one function leave out NLM_F_DUMP");
	return -EINVAL;
}

/* RTNL is held for one buffer. Who comes or goes between two of them tears the dump. */
static int function_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	const struct address to = {
		.portid = NETLINK_CB(cb->skb).portid,
		.seq = cb->nlh->nlmsg_seq,
		.flags = NLM_F_MULTI,
		.dump = cb,
	};
	const struct view view = view_of(cb->skb);
	struct uvf_function *function;
	int err = 0;

	rtnl_lock();
	cb->seq = uvf_function_generation();
	for (; (function = uvf_function_at(cb->args[0])); cb->args[0]++) {
		if (!visible(&view, function))
			continue;
		err = fill(skb, &to, UVF_CMD_FUNCTION_GET, &view, function);
		if (err == -EMSGSIZE)
			break;
	}
	rtnl_unlock();
	return skb->len ?: err == -EMSGSIZE ? err : 0;
}

/* --- events ------------------------------------------------------------------------------- */

enum { GROUP_EVENTS };

static const struct genl_multicast_group groups[] = {
	[GROUP_EVENTS] = { .name = UVF_MCGRP_EVENTS },
};

static void notify(struct net *net, struct uvf_function *function, u8 cmd)
{
	/* What listeners may know, whoever they are. */
	const struct view view = { .net = net };
	const struct address to = {};
	struct sk_buff *skb;

	if (!genl_has_listeners(&family, net, GROUP_EVENTS))
		return;
	skb = genlmsg_new(GENLMSG_DEFAULT_SIZE, GFP_KERNEL);
	if (!skb || fill(skb, &to, cmd, &view, function)) {
		nlmsg_free(skb);
		genl_set_err(&family, net, 0, GROUP_EVENTS, ENOBUFS);
		return;
	}
	genlmsg_multicast_netns(&family, net, skb, 0, GROUP_EVENTS, GFP_KERNEL);
}

void uvf_netlink_notify(struct uvf_netdev *un, u8 cmd)
{
	struct net *net = dev_net(un->dev);

	ASSERT_RTNL();
	if (!un->function->netdev)
		return;
	if (cmd != UVF_CMD_FUNCTION_CHANGE_NTF)
		uvf_function_touch();
	notify(net, un->function, cmd);
	if (!net_eq(net, &init_net))
		notify(&init_net, un->function, cmd);
}

/* Coming and going are told by newlink and dellink, but for moves to another namespace. */
static int netdev_event(struct notifier_block *nb, unsigned long event, void *data)
{
	struct net_device *dev = netdev_notifier_info_to_dev(data);

	if (!uvf_netdev_is(dev))
		return NOTIFY_DONE;
	switch (event) {
	case NETDEV_REGISTER:
		if (dev->reg_state == NETREG_REGISTERED)
			uvf_netlink_notify(netdev_priv(dev), UVF_CMD_FUNCTION_ADD_NTF);
		break;
	case NETDEV_UNREGISTER:
		if (dev->reg_state == NETREG_REGISTERED)
			uvf_netlink_notify(netdev_priv(dev), UVF_CMD_FUNCTION_DEL_NTF);
		break;
	case NETDEV_UP:
	case NETDEV_DOWN:
	case NETDEV_CHANGE:
	case NETDEV_CHANGEADDR:
	case NETDEV_CHANGEMTU:
	case NETDEV_CHANGENAME:
		uvf_netlink_notify(netdev_priv(dev), UVF_CMD_FUNCTION_CHANGE_NTF);
		break;
	}
	return NOTIFY_DONE;
}

static struct notifier_block netdev_notifier = { .notifier_call = netdev_event };

/* --- the family --------------------------------------------------------------------------- */

static const struct nla_policy function_policy[UVF_A_FUNCTION_PCI + 1] = {
	[UVF_A_FUNCTION_IFINDEX] = NLA_POLICY_MIN(NLA_U32, 1),
	[UVF_A_FUNCTION_PCI] = { .type = NLA_NUL_STRING, .len = UVF_PCI_SIZE - 1 },
};

static const struct genl_ops ops[] = {
	{
		.cmd = UVF_CMD_FUNCTION_GET,
		.policy = function_policy,
		.maxattr = ARRAY_SIZE(function_policy) - 1,
		.doit = function_get,
		.start = function_dump_start,
		.dumpit = function_dump,
	},
};

static struct genl_family family = {
	.name = UVF_FAMILY_NAME,
	.version = UVF_FAMILY_VERSION,
	.netnsok = true,
	.parallel_ops = true,
	.ops = ops,
	.n_ops = ARRAY_SIZE(ops),
	.mcgrps = groups,
	.n_mcgrps = ARRAY_SIZE(groups),
	.module = THIS_MODULE,
};

int uvf_netlink_init(void)
{
	int err;

	err = genl_register_family(&family);
	if (err)
		return err;
	err = register_netdevice_notifier(&netdev_notifier);
	if (err)
		genl_unregister_family(&family);
	return err;
}

void uvf_netlink_exit(void)
{
	unregister_netdevice_notifier(&netdev_notifier);
	genl_unregister_family(&family);
}

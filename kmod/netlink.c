// SPDX-License-Identifier: GPL-2.0-only
/*
 * Generic netlink: what functions there are, what changes, and routes for their interrupts.
 *
 * Everybody sees the functions of his own network namespace. What else is seen from the initial
 * one, and by whom, is `struct view`.
 */
#include "netlink.h"
#include "bridge.h"
#include "function.h"
#include "limit.h"
#include "netdev.h"
#include "route.h"

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

/* Of the type "uint" of specifications: as long as it needs to be. */
static int put_uint(struct sk_buff *skb, int type, u64 value)
{
	u32 low = value;

	return low == value ? nla_put_u32(skb, type, low) :
			      nla_put(skb, type, sizeof(value), &value);
}

static int put_sending(struct sk_buff *skb, const struct uvf_netdev *un)
{
	const struct uvf_limit_words limit = uvf_limit_get(un);
	const struct uvf_netdev *mirror = rtnl_dereference(un->mirror);

	if ((limit.rate && put_uint(skb, UVF_A_FUNCTION_TX_RATE, limit.rate)) ||
	    (limit.pps && nla_put_u32(skb, UVF_A_FUNCTION_TX_PPS, limit.pps)) ||
	    (limit.burst && nla_put_u32(skb, UVF_A_FUNCTION_TX_BURST, limit.burst)) ||
	    (mirror && nla_put_string(skb, UVF_A_FUNCTION_TX_MIRROR, pci_name(mirror->pdev))))
		return -EMSGSIZE;
	return 0;
}

static int put_netdev(struct sk_buff *skb, const struct view *view, const struct uvf_netdev *un)
{
	const struct uvf_netdev *redirect = rtnl_dereference(un->redirect);
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
	    nla_put_u32(skb, UVF_A_FUNCTION_LINK_STATE, link_state(dev)) ||
	    nla_put_u32(skb, UVF_A_FUNCTION_VECTORS, uvf_irq_nr(un->function)) ||
	    nla_put_u32(skb, UVF_A_FUNCTION_MODE, un->mode) || put_sending(skb, un) ||
	    (redirect &&
	     nla_put_string(skb, UVF_A_FUNCTION_REDIRECT, pci_name(redirect->pdev))))
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

static struct address answer_to(const struct genl_info *info)
{
	return (struct address){ .portid = info->snd_portid, .seq = info->snd_seq };
}

static struct address dump_to(struct netlink_callback *cb)
{
	return (struct address){
		.portid = NETLINK_CB(cb->skb).portid,
		.seq = cb->nlh->nlmsg_seq,
		.flags = NLM_F_MULTI,
		.dump = cb,
	};
}

static void *begin(struct sk_buff *skb, const struct address *to, u8 cmd)
{
	void *header = genlmsg_put(skb, to->portid, to->seq, &family, to->flags, cmd);

	if (header && to->dump)
		genl_dump_check_consistent(to->dump, header);
	return header;
}

/* The whole message or, with an error, nothing of it. */
static int end(struct sk_buff *skb, void *header, int err)
{
	if (err)
		genlmsg_cancel(skb, header);
	else
		genlmsg_end(skb, header);
	return err;
}

/* -ENODEV, if it has no PCI device at present. */
static int fill(struct sk_buff *skb, const struct address *to, u8 cmd, const struct view *view,
		struct uvf_function *function)
{
	void *header = begin(skb, to, cmd);

	ASSERT_RTNL();
	if (!header)
		return -EMSGSIZE;
	return end(skb, header,
		   function->netdev ? put_used(skb, view, netdev_priv(function->netdev)) :
				      put_unused(skb, function));
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

static struct uvf_function *find_pci(const struct view *view, const struct nlattr *attr,
				     struct netlink_ext_ack *extack)
{
	struct uvf_function *function = uvf_function_named(nla_data(attr));

	if (function && visible(view, function))
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
	const struct address to = answer_to(info);
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

static int dump_start(struct netlink_callback *cb)
{
	if (!nlmsg_attrlen(cb->nlh, GENL_HDRLEN))
		return 0;
	NL_SET_ERR_MSG(cb->extack, "uvf: a dump takes no attributes; for one function leave out NLM_F_DUMP");
	return -EINVAL;
}

/* RTNL is held for one buffer. Who comes or goes between two of them tears the dump. */
static int function_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	const struct address to = dump_to(cb);
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

/* --- vector-get --------------------------------------------------------------------------- */

static int put_owner(struct sk_buff *skb, int type, struct uvf_function *function, u32 id,
		     u32 direction)
{
	const struct uvf_route_key key = { function, id, direction };
	u32 portid = uvf_route_portid(&key);

	return portid ? nla_put_u32(skb, type, portid) : 0;
}

static int put_vector(struct sk_buff *skb, const struct view *view, struct uvf_function *function,
		      u32 id)
{
	const struct uvf_netdev *un = netdev_priv(function->netdev);
	unsigned int virq = uvf_irq_virq(function, id);

	if (net_eq(dev_net(un->dev), view->net) &&
	    nla_put_u32(skb, UVF_A_VECTOR_IFINDEX, un->dev->ifindex))
		return -EMSGSIZE;
	if (nla_put_string(skb, UVF_A_VECTOR_PCI, pci_name(un->pdev)) ||
	    nla_put_u32(skb, UVF_A_VECTOR_ID, id) ||
	    (virq && nla_put_u32(skb, UVF_A_VECTOR_IRQ, virq)) ||
	    put_owner(skb, UVF_A_VECTOR_IN_OWNER, function, id, UVF_ROUTE_DIRECTION_IN) ||
	    put_owner(skb, UVF_A_VECTOR_OUT_OWNER, function, id, UVF_ROUTE_DIRECTION_OUT))
		return -EMSGSIZE;
	return 0;
}

static int fill_vector(struct sk_buff *skb, const struct address *to, const struct view *view,
		       struct uvf_function *function, u32 id)
{
	void *header = begin(skb, to, UVF_CMD_VECTOR_GET);

	return header ? end(skb, header, put_vector(skb, view, function, id)) : -EMSGSIZE;
}

/* A function that has vectors, which takes a network device. */
static struct uvf_function *find_used(const struct view *view, const struct nlattr *ifindex,
				      const struct nlattr *pci, struct netlink_ext_ack *extack)
{
	struct uvf_function *function = find(view, ifindex, pci, extack);

	if (IS_ERR(function) || function->netdev)
		return function;
	NL_SET_ERR_MSG_ATTR(extack, pci, "uvf: the function is spare; a link brings it into use");
	return ERR_PTR(-ENODEV);
}

static int get_vector_locked(struct sk_buff *skb, const struct view *view, struct genl_info *info)
{
	const struct nlattr *id = info->attrs[UVF_A_VECTOR_ID];
	const struct address to = answer_to(info);
	struct uvf_function *function;

	function = find_used(view, info->attrs[UVF_A_VECTOR_IFINDEX],
			     info->attrs[UVF_A_VECTOR_PCI], info->extack);
	if (IS_ERR(function))
		return PTR_ERR(function);
	if (nla_get_u32(id) >= uvf_irq_nr(function)) {
		NL_SET_ERR_MSG_ATTR(info->extack, id, "uvf: the function has no such vector; it has one, and one for each queue");
		return -ERANGE;
	}
	return fill_vector(skb, &to, view, function, nla_get_u32(id));
}

static int vector_get(struct sk_buff *request, struct genl_info *info)
{
	const struct view view = view_of(request);
	struct sk_buff *skb;
	int err;

	if (GENL_REQ_ATTR_CHECK(info, UVF_A_VECTOR_ID)) {
		GENL_SET_ERR_MSG(info, "uvf: which vector is meant? Its number is missing");
		return -EINVAL;
	}
	skb = genlmsg_new(GENLMSG_DEFAULT_SIZE, GFP_KERNEL);
	if (!skb)
		return -ENOMEM;
	rtnl_lock();
	err = get_vector_locked(skb, &view, info);
	rtnl_unlock();
	if (err) {
		nlmsg_free(skb);
		return err;
	}
	return genlmsg_reply(skb, info);
}

/* From the vector args[1] on. */
static int dump_vectors(struct sk_buff *skb, struct netlink_callback *cb, const struct view *view,
			struct uvf_function *function)
{
	const struct address to = dump_to(cb);
	unsigned int nr = function->netdev ? uvf_irq_nr(function) : 0;
	int err;

	for (; cb->args[1] < nr; cb->args[1]++) {
		err = fill_vector(skb, &to, view, function, cb->args[1]);
		if (err)
			return err;
	}
	cb->args[1] = 0;
	return 0;
}

static int vector_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	const struct view view = view_of(cb->skb);
	struct uvf_function *function;
	int err = 0;

	rtnl_lock();
	cb->seq = uvf_function_generation();
	for (; (function = uvf_function_at(cb->args[0])); cb->args[0]++) {
		if (visible(&view, function))
			err = dump_vectors(skb, cb, &view, function);
		if (err)
			break;
	}
	rtnl_unlock();
	return skb->len ?: err;
}

/* --- route-add, route-del ----------------------------------------------------------------- */

static bool is_complete(struct genl_info *info, bool add)
{
	if (GENL_REQ_ATTR_CHECK(info, UVF_A_ROUTE_VECTOR))
		GENL_SET_ERR_MSG(info, "uvf: which vector is meant? Its number is missing");
	else if (GENL_REQ_ATTR_CHECK(info, UVF_A_ROUTE_DIRECTION))
		GENL_SET_ERR_MSG(info, "uvf: into the vector, or out of it? The direction is missing");
	else if (add && GENL_REQ_ATTR_CHECK(info, UVF_A_ROUTE_EVENTFD))
		GENL_SET_ERR_MSG(info, "uvf: the descriptor of an eventfd is missing");
	else
		return true;
	return false;
}

static int change_route(struct genl_info *info, const struct view *view, bool add)
{
	const struct uvf_route_owner owner = { genl_info_net(info), info->snd_portid };
	struct uvf_route_key key;

	key.function = find_used(view, info->attrs[UVF_A_ROUTE_IFINDEX],
				 info->attrs[UVF_A_ROUTE_PCI], info->extack);
	if (IS_ERR(key.function))
		return PTR_ERR(key.function);
	key.vector = nla_get_u32(info->attrs[UVF_A_ROUTE_VECTOR]);
	key.direction = nla_get_u32(info->attrs[UVF_A_ROUTE_DIRECTION]);
	if (!add)
		return uvf_route_del(&key, &owner, info->extack);
	return uvf_route_add(&key, &owner, nla_get_u32(info->attrs[UVF_A_ROUTE_EVENTFD]),
			     info->extack);
}

static int route_change(struct sk_buff *request, struct genl_info *info)
{
	const struct view view = view_of(request);
	bool add = info->genlhdr->cmd == UVF_CMD_ROUTE_ADD;
	int err;

	/* Not by a flag of the operation: the core would refuse without a text. */
	if (!netlink_capable(request, CAP_NET_ADMIN)) {
		GENL_SET_ERR_MSG(info, "uvf: this takes CAP_NET_ADMIN in the initial user namespace");
		return -EPERM;
	}
	if (!is_complete(info, add))
		return -EINVAL;
	rtnl_lock();
	err = change_route(info, &view, add);
	rtnl_unlock();
	return err;
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

static const struct nla_policy vector_policy[UVF_A_VECTOR_ID + 1] = {
	[UVF_A_VECTOR_IFINDEX] = NLA_POLICY_MIN(NLA_U32, 1),
	[UVF_A_VECTOR_PCI] = { .type = NLA_NUL_STRING, .len = UVF_PCI_SIZE - 1 },
	[UVF_A_VECTOR_ID] = { .type = NLA_U32 },
};

static const struct nla_policy route_policy[UVF_A_ROUTE_MAX + 1] = {
	[UVF_A_ROUTE_IFINDEX] = NLA_POLICY_MIN(NLA_U32, 1),
	[UVF_A_ROUTE_PCI] = { .type = NLA_NUL_STRING, .len = UVF_PCI_SIZE - 1 },
	[UVF_A_ROUTE_VECTOR] = { .type = NLA_U32 },
	[UVF_A_ROUTE_DIRECTION] = NLA_POLICY_MAX(NLA_U32, UVF_ROUTE_DIRECTION_OUT),
	[UVF_A_ROUTE_EVENTFD] = { .type = NLA_U32 },
};

static const struct genl_ops ops[] = {
	{
		.cmd = UVF_CMD_FUNCTION_GET,
		.policy = function_policy,
		.maxattr = ARRAY_SIZE(function_policy) - 1,
		.doit = function_get,
		.start = dump_start,
		.dumpit = function_dump,
	},
	{
		.cmd = UVF_CMD_VECTOR_GET,
		.policy = vector_policy,
		.maxattr = ARRAY_SIZE(vector_policy) - 1,
		.doit = vector_get,
		.start = dump_start,
		.dumpit = vector_dump,
	},
	{
		.cmd = UVF_CMD_ROUTE_ADD,
		.policy = route_policy,
		.maxattr = ARRAY_SIZE(route_policy) - 1,
		.doit = route_change,
	},
	{
		.cmd = UVF_CMD_ROUTE_DEL,
		.policy = route_policy,
		.maxattr = UVF_A_ROUTE_DIRECTION,
		.doit = route_change,
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

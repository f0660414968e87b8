// SPDX-License-Identifier: GPL-2.0-only
/*
 * uvf add, uvf del: functions of either backend.
 *
 * With uvf.ko it is what `ip link add … type uvf` does. Without, a veth pair: the function's own
 * end gets the name, the host's end becomes its port, whose alias tells uplink and appliance.
 */
#include "add.h"

#include <errno.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/ethtool.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <linux/veth.h>
#include <netlink/attr.h>
#include <uvf/steer.h>

#include "rtnl.h"
#include "uapi/linux/uvf.h"
#include "why.h"

static const struct argp_option options[] = {
	{ "link", 'l', "UPLINK", 0, "the uplink to make it on", 0 },
	{ "appliance", 'a', "NAME", 0, "the appliance it is for (default: any)", 0 },
	{ "vlan", 'V', "ID", 0, "only frames of this VLAN, 1 to 4094, untagged for the appliance", 0 },
	{ "mode", 'm', "private|bridge|passthru", 0,
	  "who else on the uplink it speaks with (default: private)", 0 },
	{ "queues", 'q', "N", 0, "pairs of queues, 1 to 16 (default: 1)", 0 },
	{ "backend", 'b', "uvf|veth", 0,
	  "made by uvf.ko, or of a veth pair (default: uvf.ko if it is loaded)", 0 },
	{ 0 },
};

static error_t on_option(int key, char *arg, struct argp_state *state)
{
	struct add_plan *plan = state->input;
	char *end;

	switch (key) {
	case 'l':
		plan->uplink = arg;
		return 0;
	case 'a':
		plan->appliance = arg;
		return 0;
	case 'V':
		plan->vlan = strtoul(arg, &end, 10);
		if (*end || end == arg || !plan->vlan || plan->vlan > 4094)
			argp_failure(state, 64, 0, "'%s' is not a VLAN id: 1 to 4094", arg);
		return 0;
	case 'm':
		plan->mode = uvf_mode_parse(arg);
		if (plan->mode < 0)
			argp_failure(state, 64, 0, "'%s' is not a mode: private, bridge or "
						   "passthru", arg);
		return 0;
	case 'q':
		plan->queues = strtoul(arg, &end, 10);
		if (*end || end == arg || !plan->queues || plan->queues > UVF_MAX_QUEUES)
			argp_failure(state, 64, 0, "'%s' is not a number of queues: 1 to 16", arg);
		return 0;
	case 'b':
		if (!strcmp(arg, "uvf"))
			plan->backend = BACKEND_UVF;
		else if (!strcmp(arg, "veth"))
			plan->backend = BACKEND_VETH;
		else
			argp_failure(state, 64, 0, "'%s' is not a backend: uvf or veth", arg);
		return 0;
	case ARGP_KEY_ARG:
		if (plan->name)
			argp_failure(state, 64, 0, "one function at a time: '%s' is too much", arg);
		plan->name = arg;
		return 0;
	case ARGP_KEY_END:
		if (!plan->name || !plan->uplink)
			argp_failure(state, 64, 0, "give a name and an uplink: "
						   "`uvf add fw0 --link eth1`");
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp argp_add = {
	.options = options,
	.parser = on_option,
	.args_doc = "FUNCTION",
	.doc = "Makes a function on an uplink.",
};

static struct nl_msg *link_message(int type, int flags, const char *name)
{
	struct ifinfomsg info = { .ifi_family = AF_UNSPEC };
	struct nl_msg *msg = nlmsg_alloc_simple(type, NLM_F_REQUEST | NLM_F_ACK | flags);

	if (!msg)
		return NULL;
	nlmsg_append(msg, &info, sizeof(info), NLMSG_ALIGNTO);
	if (name)
		nla_put_string(msg, IFLA_IFNAME, name);
	return msg;
}

static int call(struct facts *facts, struct nl_msg *msg, const char *verb, const char *name)
{
	char what[64];

	if (!msg)
		return uvf_fail(ENOMEM, "no memory for a netlink message");
	snprintf(what, sizeof(what), "can't %s %s", verb, name);
	return uvf_rtnl_call(facts->rtnl, msg, what);
}

static int add_uvf(struct facts *facts, const struct add_plan *plan, const struct uvf_link *uplink)
{
	struct nl_msg *msg = link_message(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, plan->name);
	struct nlattr *info, *data;

	if (!msg)
		return uvf_fail(ENOMEM, "no memory for a netlink message");
	nla_put_u32(msg, IFLA_LINK, uplink->ifindex);
	info = nla_nest_start(msg, IFLA_LINKINFO);
	nla_put_string(msg, IFLA_INFO_KIND, "uvf");
	data = nla_nest_start(msg, IFLA_INFO_DATA);
	if (plan->appliance)
		nla_put_string(msg, IFLA_UVF_APPLIANCE, plan->appliance);
	if (plan->vlan)
		nla_put_u16(msg, IFLA_UVF_VLAN, plan->vlan);
	if (plan->mode >= 0)
		nla_put_u32(msg, IFLA_UVF_MODE, plan->mode);
	if (plan->queues)
		nla_put_u32(msg, IFLA_UVF_QUEUES, plan->queues);
	nla_nest_end(msg, data);
	nla_nest_end(msg, info);
	return call(facts, msg, "make", plan->name);
}

static int veth_create(struct facts *facts, const struct add_plan *plan,
		       const struct uvf_link *uplink)
{
	struct nl_msg *msg = link_message(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, plan->name);
	struct ifinfomsg peer_info = { .ifi_family = AF_UNSPEC };
	struct nlattr *info, *data, *peer;

	if (!msg)
		return uvf_fail(ENOMEM, "no memory for a netlink message");
	nla_put_u32(msg, IFLA_MTU, uplink->mtu);
	info = nla_nest_start(msg, IFLA_LINKINFO);
	nla_put_string(msg, IFLA_INFO_KIND, "veth");
	data = nla_nest_start(msg, IFLA_INFO_DATA);
	peer = nla_nest_start(msg, VETH_INFO_PEER);
	nlmsg_append(msg, &peer_info, sizeof(peer_info), 0);
	nla_put_string(msg, IFLA_IFNAME, "uvfport%d");
	nla_put_u32(msg, IFLA_MTU, uplink->mtu);
	nla_nest_end(msg, peer);
	nla_nest_end(msg, data);
	nla_nest_end(msg, info);
	return call(facts, msg, "make", plan->name);
}

/* NAPI on the function's end, which XDP on the uplink delivers to: veth has it with GRO on. */
static int veth_napi(const char *name)
{
	struct ethtool_value on = { .cmd = ETHTOOL_SGRO, .data = 1 };
	struct ifreq request = { .ifr_data = (void *)&on };
	int sock = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int err;

	strcpy(request.ifr_name, name);
	err = sock < 0 || ioctl(sock, SIOCETHTOOL, &request) ? errno : 0;
	if (sock >= 0)
		close(sock);
	return err ? uvf_fail(err, "can't turn GRO on for %s: %s", name, strerror(err)) : 0;
}

/*
 * From here on it is a function: uvfd sees the alias. The port's address is that of the function,
 * for uvfd to know when the function's own end is in another network namespace.
 */
static int veth_port(struct facts *facts, const struct add_plan *plan,
		     const struct uvf_link *uplink)
{
	struct ifinfomsg info = { .ifi_family = AF_UNSPEC, .ifi_flags = IFF_UP,
				  .ifi_change = IFF_UP };
	const struct uvf_link *link;
	char alias[UVF_ALIAS_SIZE];
	struct nl_msg *msg;
	int err;

	err = uvf_links_dump(&facts->links, facts->rtnl);
	if (err)
		return err;
	link = uvf_links_find(&facts->links, plan->name);
	if (!link)
		return uvf_fail(ENODEV, "%s was removed while it was made", plan->name);
	msg = nlmsg_alloc_simple(RTM_SETLINK, NLM_F_REQUEST | NLM_F_ACK);
	if (!msg)
		return uvf_fail(ENOMEM, "no memory for a netlink message");
	info.ifi_index = link->lower;
	nlmsg_append(msg, &info, sizeof(info), NLMSG_ALIGNTO);
	uvf_port_alias(alias, uplink->ifindex, plan->appliance ?: "", plan->vlan ?: UVF_VLAN_ANY);
	nla_put(msg, IFLA_IFALIAS, strlen(alias), alias);
	nla_put(msg, IFLA_ADDRESS, sizeof(link->mac), link->mac);
	return call(facts, msg, "set up the port of", plan->name);
}

static int del_link(struct facts *facts, const char *name)
{
	return call(facts, link_message(RTM_DELLINK, 0, name), "remove", name);
}

static int add_veth(struct facts *facts, const struct add_plan *plan, const struct uvf_link *uplink)
{
	struct uvf_link up = *uplink; /* the dump behind veth_port() renews the links */
	int err = veth_create(facts, plan, &up);

	if (err)
		return err;
	err = veth_napi(plan->name);
	if (!err)
		err = veth_port(facts, plan, &up);
	if (err) {
		char why[UVF_WHY_SIZE];

		snprintf(why, sizeof(why), "%s", uvf_why());
		del_link(facts, plan->name);
		uvf_fail(-err, "%s", why);
	}
	return err;
}

/* What uvf.ko would refuse is refused for a veth pair too. */
static int check_uplink(struct facts *facts, const struct add_plan *plan,
			const struct uvf_link *uplink)
{
	struct uvf_function function;

	if (uplink->flags & IFF_LOOPBACK)
		return uvf_fail(EINVAL, "%s is the loopback device: choose an Ethernet device",
				plan->uplink);
	if (uplink->type != ARPHRD_ETHER)
		return uvf_fail(EINVAL, "%s is not an Ethernet device", plan->uplink);
	if (uplink->is_port || uvf_function_find(&facts->links, plan->uplink, &function))
		return uvf_fail(EINVAL, "%s is itself a function: choose a device that is not",
				plan->uplink);
	if (!(uplink->flags & IFF_UP))
		return uvf_fail(ENETDOWN, "%s is down: `ip link set %s up` first", plan->uplink,
				plan->uplink);
	return 0;
}

static int check_veth(const struct add_plan *plan)
{
	if (plan->mode > UVF_MODE_PRIVATE)
		return uvf_fail(EOPNOTSUPP, "the mode %s takes uvf.ko: a function backed by veth is "
					    "private", uvf_mode_text(plan->mode));
	if (plan->queues > 1)
		return uvf_fail(EOPNOTSUPP, "%u queues take uvf.ko: a function backed by veth has "
					    "one", plan->queues);
	return 0;
}

int add_function(struct facts *facts, const struct add_plan *plan)
{
	const struct uvf_link *uplink;
	int err;

	if (!*plan->name || strlen(plan->name) >= IFNAMSIZ)
		return uvf_fail(EINVAL, "'%s' can't name a function: 1 to %d characters",
				plan->name, IFNAMSIZ - 1);
	if (plan->appliance && !uvf_appliance_valid(plan->appliance))
		return uvf_fail(EINVAL, "'%s' can't name an appliance: 1 to %d letters, digits, "
					"'.', '_' and '-', the first a letter or digit",
				plan->appliance, UVF_APPLIANCE_SIZE - 1);
	uplink = uvf_links_find(&facts->links, plan->uplink);
	if (!uplink)
		return uvf_fail(ENODEV, "there is no uplink %s in this network namespace",
				plan->uplink);
	err = check_uplink(facts, plan, uplink);
	if (err)
		return err;
	if (plan->backend == BACKEND_VETH)
		return check_veth(plan) ?: add_veth(facts, plan, uplink);
	err = add_uvf(facts, plan, uplink);
	if (err != -EOPNOTSUPP)
		return err;
	if (plan->backend == BACKEND_UVF)
		return uvf_fail(EOPNOTSUPP, "the kernel does not know functions: load uvf.ko "
					    "(`modprobe uvf`), or use --backend veth");
	return check_veth(plan) ?: add_veth(facts, plan, uplink);
}

int cmd_add(int argc, char **argv)
{
	struct add_plan plan = { .mode = -1 };
	struct facts facts;
	int err;

	parse(&argp_add, argc, argv, &plan);
	err = facts_open(&facts, false);
	if (!err)
		err = add_function(&facts, &plan);
	facts_close(&facts);
	return err ? fail() : 0;
}

static const struct argp argp_del = {
	.parser = query_parse,
	.args_doc = "FUNCTION...",
	.doc = "Removes functions. Whoever holds one is told.",
};

int cmd_del(int argc, char **argv)
{
	struct query query = { 0 };
	struct facts facts;
	struct fact fact;
	int status = 0;

	parse(&argp_del, argc, argv, &query);
	if (!query.count) {
		fprintf(stderr, "uvf: remove which function? `uvf list` shows those there are\n");
		return 64;
	}
	if (facts_open(&facts, false))
		return fail();
	for (int i = 0; i < query.count; i++)
		if (facts_find(&facts, query.names[i], &fact) ||
		    del_link(&facts, query.names[i]))
			status = fail();
	facts_close(&facts);
	return status;
}

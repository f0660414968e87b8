// SPDX-License-Identifier: GPL-2.0-only
/* What uvf.ko tells of its functions, over generic netlink. */
#include "events.h"

#include <errno.h>
#include <net/if.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <stdio.h>

#include "uapi/linux/uvf.h"
#include "why.h"

static struct nl_sock *hearing;

static const char *const kinds[] = {
	[UVF_CMD_FUNCTION_ADD_NTF] = "add",
	[UVF_CMD_FUNCTION_DEL_NTF] = "del",
	[UVF_CMD_FUNCTION_CHANGE_NTF] = "change",
};
static const char *const states[] = { "down", "no carrier", "up" };
static const char *const modes[] = { "private", "bridge", "passthru" };
static const char *const leases[] = { "none", "copy", "zero-copy" };

#define WORD(words, value)                                                                         \
	((value) < sizeof(words) / sizeof((words)[0]) ? (words)[value] : "unknown")

static void queue(struct json_object *object, struct nlattr *nest)
{
	struct nlattr *tb[UVF_A_QUEUE_MAX + 1];
	struct json_object *queues;

	if (nla_parse_nested(tb, UVF_A_QUEUE_MAX, nest, NULL) || !tb[UVF_A_QUEUE_LEASE])
		return;
	if (!json_object_object_get_ex(object, "queues", &queues)) {
		queues = json_object_new_array();
		json_object_object_add(object, "queues", queues);
	}
	json_object_array_add(queues, json_object_new_string(
			WORD(leases, nla_get_u32(tb[UVF_A_QUEUE_LEASE]))));
}

static void mac(struct json_object *object, struct nlattr *attr)
{
	char address[MAC_TEXT_SIZE];

	if (nla_len(attr) == 6)
		told_text(object, "mac", mac_text(nla_data(attr), address));
}

static void uplink(struct json_object *object, struct nlattr **tb)
{
	char name[IF_NAMESIZE];

	/* It may be in another namespace, where its index means nothing to us. */
	if (tb[UVF_A_FUNCTION_UPLINK_IFINDEX] && !tb[UVF_A_FUNCTION_UPLINK_NETNS_ID] &&
	    if_indextoname(nla_get_u32(tb[UVF_A_FUNCTION_UPLINK_IFINDEX]), name))
		told_text(object, "uplink", name);
}

static void describe(struct json_object *object, struct nlattr **tb)
{
	if (tb[UVF_A_FUNCTION_IFNAME])
		told_text(object, "function", nla_get_string(tb[UVF_A_FUNCTION_IFNAME]));
	if (tb[UVF_A_FUNCTION_PCI])
		told_text(object, "pci", nla_get_string(tb[UVF_A_FUNCTION_PCI]));
	if (tb[UVF_A_FUNCTION_NETNS_ID])
		told_number(object, "netns_id", nla_get_s32(tb[UVF_A_FUNCTION_NETNS_ID]));
	uplink(object, tb);
	if (tb[UVF_A_FUNCTION_APPLIANCE])
		told_text(object, "appliance", nla_get_string(tb[UVF_A_FUNCTION_APPLIANCE]));
	if (tb[UVF_A_FUNCTION_VLAN])
		told_number(object, "vlan", nla_get_u16(tb[UVF_A_FUNCTION_VLAN]));
	if (tb[UVF_A_FUNCTION_MODE])
		told_text(object, "mode", WORD(modes, nla_get_u32(tb[UVF_A_FUNCTION_MODE])));
	if (tb[UVF_A_FUNCTION_MAC])
		mac(object, tb[UVF_A_FUNCTION_MAC]);
	if (tb[UVF_A_FUNCTION_MTU])
		told_number(object, "mtu", nla_get_u32(tb[UVF_A_FUNCTION_MTU]));
	if (tb[UVF_A_FUNCTION_LINK_STATE])
		told_text(object, "state", WORD(states, nla_get_u32(tb[UVF_A_FUNCTION_LINK_STATE])));
}

static int on_event(struct nl_msg *msg, void *arg)
{
	const struct events *events = arg;
	struct genlmsghdr *genl = nlmsg_data(nlmsg_hdr(msg));
	struct nlattr *tb[UVF_A_FUNCTION_MAX + 1], *attr;
	struct json_object *object;
	int rest;

	if (genl->cmd >= sizeof(kinds) / sizeof(kinds[0]) || !kinds[genl->cmd] ||
	    nla_parse(tb, UVF_A_FUNCTION_MAX, genlmsg_attrdata(genl, 0), genlmsg_attrlen(genl, 0),
		      NULL))
		return NL_OK;
	object = told_new(kinds[genl->cmd]);
	describe(object, tb);
	nla_for_each_attr(attr, genlmsg_attrdata(genl, 0), genlmsg_attrlen(genl, 0), rest)
		if (nla_type(attr) == UVF_A_FUNCTION_QUEUE)
			queue(object, attr);
	told_print(events, object);
	return NL_OK;
}

/* Where the module is not loaded there is no such group; it may come. */
static int subscribe(struct nl_sock *sock)
{
	int group;

	if (!sock || genl_connect(sock))
		return -1;
	group = genl_ctrl_resolve_grp(sock, UVF_FAMILY_NAME, UVF_MCGRP_EVENTS);
	return group < 0 ? -1 : nl_socket_add_membership(sock, group);
}

static int open_module(struct events *events)
{
	hearing = nl_socket_alloc();
	if (subscribe(hearing)) {
		nl_socket_free(hearing);
		return -1;
	}
	nl_socket_set_nonblocking(hearing);
	nl_socket_disable_seq_check(hearing);
	nl_socket_modify_cb(hearing, NL_CB_VALID, NL_CB_CUSTOM, on_event, events);
	return nl_socket_get_fd(hearing);
}

static int read_module(struct events *events)
{
	int err;

	while ((err = nl_recvmsgs_default(hearing)) >= 0)
		;
	if (err == -NLE_NOMEM)
		fprintf(stderr, "uvf: events were lost: `uvf list` shows how things are\n");
	if (err == -NLE_NOMEM || err == -NLE_AGAIN)
		return 0;
	nl_socket_free(hearing);
	return -1;
}

const struct events_source events_module = { .open = open_module, .read = read_module };

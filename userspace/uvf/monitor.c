// SPDX-License-Identifier: GPL-2.0-only
/* uvf monitor: what becomes of the module's functions, a line for each event. */
#include "uvf.h"

#include <errno.h>
#include <json-c/json.h>
#include <net/if.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <stdio.h>

#include "uapi/linux/uvf.h"
#include "why.h"

static const struct argp argp = {
	.options = query_options,
	.parser = query_parse,
	.doc = "Tells of functions of uvf.ko that are made, change or go in this network namespace, "
	       "until it is interrupted.",
};

static const char *const events[] = {
	[UVF_CMD_FUNCTION_ADD_NTF] = "add",
	[UVF_CMD_FUNCTION_DEL_NTF] = "del",
	[UVF_CMD_FUNCTION_CHANGE_NTF] = "change",
};
static const char *const states[] = { "down", "no carrier", "up" };
static const char *const modes[] = { "private", "bridge", "passthru" };
static const char *const leases[] = { "none", "copy", "zero-copy" };

#define WORD(words, value)                                                                         \
	((value) < sizeof(words) / sizeof((words)[0]) ? (words)[value] : "unknown")

static void text(struct json_object *object, const char *key, const char *value)
{
	json_object_object_add(object, key, json_object_new_string(value));
}

static void number(struct json_object *object, const char *key, int64_t value)
{
	json_object_object_add(object, key, json_object_new_int64(value));
}

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
		text(object, "mac", mac_text(nla_data(attr), address));
}

static void uplink(struct json_object *object, struct nlattr **tb)
{
	char name[IF_NAMESIZE];

	/* It may be in another namespace, where its index means nothing to us. */
	if (tb[UVF_A_FUNCTION_UPLINK_IFINDEX] && !tb[UVF_A_FUNCTION_UPLINK_NETNS_ID] &&
	    if_indextoname(nla_get_u32(tb[UVF_A_FUNCTION_UPLINK_IFINDEX]), name))
		text(object, "uplink", name);
}

static void describe(struct json_object *object, struct nlattr **tb)
{
	if (tb[UVF_A_FUNCTION_IFNAME])
		text(object, "function", nla_get_string(tb[UVF_A_FUNCTION_IFNAME]));
	if (tb[UVF_A_FUNCTION_PCI])
		text(object, "pci", nla_get_string(tb[UVF_A_FUNCTION_PCI]));
	if (tb[UVF_A_FUNCTION_NETNS_ID])
		number(object, "netns_id", nla_get_s32(tb[UVF_A_FUNCTION_NETNS_ID]));
	uplink(object, tb);
	if (tb[UVF_A_FUNCTION_APPLIANCE])
		text(object, "appliance", nla_get_string(tb[UVF_A_FUNCTION_APPLIANCE]));
	if (tb[UVF_A_FUNCTION_VLAN])
		number(object, "vlan", nla_get_u16(tb[UVF_A_FUNCTION_VLAN]));
	if (tb[UVF_A_FUNCTION_MODE])
		text(object, "mode", WORD(modes, nla_get_u32(tb[UVF_A_FUNCTION_MODE])));
	if (tb[UVF_A_FUNCTION_MAC])
		mac(object, tb[UVF_A_FUNCTION_MAC]);
	if (tb[UVF_A_FUNCTION_MTU])
		number(object, "mtu", nla_get_u32(tb[UVF_A_FUNCTION_MTU]));
	if (tb[UVF_A_FUNCTION_LINK_STATE])
		text(object, "state", WORD(states, nla_get_u32(tb[UVF_A_FUNCTION_LINK_STATE])));
}

static void print(struct json_object *object, bool json)
{
	const char *space = "";

	if (json) {
		puts(json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN));
		return;
	}
	json_object_object_foreach(object, key, value) {
		printf("%s%s %s", space, key, json_object_get_string(value));
		space = "  ";
	}
	puts("");
}

static int on_event(struct nl_msg *msg, void *arg)
{
	const struct query *query = arg;
	struct genlmsghdr *genl = nlmsg_data(nlmsg_hdr(msg));
	struct nlattr *tb[UVF_A_FUNCTION_MAX + 1], *attr;
	struct json_object *object;
	int rest;

	if (genl->cmd >= sizeof(events) / sizeof(events[0]) || !events[genl->cmd] ||
	    nla_parse(tb, UVF_A_FUNCTION_MAX, genlmsg_attrdata(genl, 0), genlmsg_attrlen(genl, 0),
		      NULL))
		return NL_OK;
	object = json_object_new_object();
	text(object, "event", events[genl->cmd]);
	describe(object, tb);
	nla_for_each_attr(attr, genlmsg_attrdata(genl, 0), genlmsg_attrlen(genl, 0), rest)
		if (nla_type(attr) == UVF_A_FUNCTION_QUEUE)
			queue(object, attr);
	print(object, query->json);
	json_object_put(object);
	return NL_OK;
}

static int subscribe(struct nl_sock *sock)
{
	int group;

	if (genl_connect(sock))
		return uvf_fail(EIO, "generic netlink can't be reached");
	group = genl_ctrl_resolve_grp(sock, UVF_FAMILY_NAME, UVF_MCGRP_EVENTS);
	if (group < 0)
		return uvf_fail(ENOENT, "the kernel has no functions to tell of: load uvf.ko "
					"(functions of the backend veth have no events)");
	if (nl_socket_add_membership(sock, group))
		return uvf_fail(EIO, "the kernel does not let us listen to its events");
	return 0;
}

int cmd_monitor(int argc, char **argv)
{
	struct query query = { 0 };
	struct nl_sock *sock;
	int err;

	parse(&argp, argc, argv, &query);
	if (query.count) {
		fprintf(stderr, "uvf: monitor takes no names: it tells of all functions\n");
		return 64;
	}
	sock = nl_socket_alloc();
	if (!sock || subscribe(sock)) {
		nl_socket_free(sock);
		return fail();
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	nl_socket_disable_seq_check(sock);
	nl_socket_modify_cb(sock, NL_CB_VALID, NL_CB_CUSTOM, on_event, &query);
	while ((err = nl_recvmsgs_default(sock)) >= 0 || err == -NLE_NOMEM)
		if (err == -NLE_NOMEM)
			fprintf(stderr, "uvf: events were lost: `uvf list` shows how things are\n");
	nl_socket_free(sock);
	uvf_fail(EIO, "no more events: %s", nl_geterror(err));
	return fail();
}

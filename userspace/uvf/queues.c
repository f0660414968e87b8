// SPDX-License-Identifier: GPL-2.0-only
/*
 * uvf.ko tells of its functions' queues. For veth the kernel itself does, from Linux 6.14 on:
 * family "netdev", Documentation/netlink/specs/netdev.yaml (attribute "xsk" of a queue).
 */
#include "queues.h"

#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <string.h>

#include "uapi/linux/uvf.h"

/* linux/netdev.h of Linux 6.14; Debian 12's headers are older. */
enum { NETDEV_CMD_QUEUE_GET = 10 };
enum { NETDEV_A_QUEUE_ID = 1, NETDEV_A_QUEUE_IFINDEX, NETDEV_A_QUEUE_TYPE,
       NETDEV_A_QUEUE_XSK = 7, NETDEV_A_QUEUE_MAX = NETDEV_A_QUEUE_XSK };
enum { NETDEV_QUEUE_TYPE_RX };

static void keep(struct queues *queues, uint32_t id, bool socket)
{
	if (id >= QUEUES_MAX)
		return;
	if (id >= queues->count)
		queues->count = id + 1;
	if (socket)
		queues->sockets |= 1ULL << id;
}

static int on_netdev_queue(struct nl_msg *msg, void *arg)
{
	struct nlattr *attrs[NETDEV_A_QUEUE_MAX + 1];

	if (genlmsg_parse(nlmsg_hdr(msg), 0, attrs, NETDEV_A_QUEUE_MAX, NULL) ||
	    !attrs[NETDEV_A_QUEUE_ID] || !attrs[NETDEV_A_QUEUE_TYPE] ||
	    nla_get_u32(attrs[NETDEV_A_QUEUE_TYPE]) != NETDEV_QUEUE_TYPE_RX)
		return NL_OK;
	keep(arg, nla_get_u32(attrs[NETDEV_A_QUEUE_ID]), attrs[NETDEV_A_QUEUE_XSK]);
	return NL_OK;
}

static int on_uvf_function(struct nl_msg *msg, void *arg)
{
	struct nlattr *attrs[UVF_A_QUEUE_MAX + 1], *attr;
	struct genlmsghdr *genl = nlmsg_data(nlmsg_hdr(msg));
	int rest;

	nla_for_each_attr(attr, genlmsg_attrdata(genl, 0), genlmsg_attrlen(genl, 0), rest)
		if (nla_type(attr) == UVF_A_FUNCTION_QUEUE &&
		    !nla_parse_nested(attrs, UVF_A_QUEUE_MAX, attr, NULL) &&
		    attrs[UVF_A_QUEUE_ID] && attrs[UVF_A_QUEUE_LEASE])
			keep(arg, nla_get_u32(attrs[UVF_A_QUEUE_ID]),
			     nla_get_u32(attrs[UVF_A_QUEUE_LEASE]) != UVF_QUEUE_LEASE_NONE);
	return NL_OK;
}

static void ask(struct nl_sock *sock, const char *family_name, int command, int flags,
		int attr, int ifindex)
{
	int family = genl_ctrl_resolve(sock, family_name);
	struct nl_msg *msg = nlmsg_alloc();

	if (family >= 0 && msg &&
	    genlmsg_put(msg, NL_AUTO_PORT, NL_AUTO_SEQ, family, 0, flags, command, 1) &&
	    !nla_put_u32(msg, attr, ifindex) && nl_send_auto(sock, msg) >= 0)
		nl_recvmsgs_default(sock);
	nlmsg_free(msg);
}

void queues_ask(const struct uvf_function *function, struct queues *queues)
{
	struct nl_sock *sock = nl_socket_alloc();
	int ifindex = function->netdev->ifindex;

	*queues = (struct queues){ 0 };
	if (!sock || genl_connect(sock)) {
		nl_socket_free(sock);
		return;
	}
	if (function->port == function->netdev) {
		nl_socket_modify_cb(sock, NL_CB_VALID, NL_CB_CUSTOM, on_uvf_function, queues);
		ask(sock, UVF_FAMILY_NAME, UVF_CMD_FUNCTION_GET, 0, UVF_A_FUNCTION_IFINDEX,
		    ifindex);
	} else {
		nl_socket_modify_cb(sock, NL_CB_VALID, NL_CB_CUSTOM, on_netdev_queue, queues);
		ask(sock, "netdev", NETDEV_CMD_QUEUE_GET, NLM_F_DUMP, NETDEV_A_QUEUE_IFINDEX,
		    ifindex);
	}
	nl_socket_free(sock);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * The function's link, as rtnetlink tells: the guest sees it in its device's configuration
 * (Virtio 1.2, 5.1.4, VIRTIO_NET_S_LINK_UP), and front-ends that ask are told of changes.
 */
#include "front.h"

#include <errno.h>

#include <netlink/msg.h>

#include "link.h"
#include "rtnl.h"
#include "why.h"

static int on_link(struct nl_msg *msg, void *arg)
{
	struct front *front = arg;
	struct uvf_link link;

	if (uvf_link_parse(nlmsg_hdr(msg), &link) == 1 &&
	    link.ifindex == (int)front->info.ifindex)
		device_link(front, (link.flags & (IFF_UP | IFF_RUNNING)) == (IFF_UP | IFF_RUNNING));
	return NL_OK;
}

/* The answer comes as changes do. */
static int ask(struct front *front)
{
	struct ifinfomsg request = {
		.ifi_family = AF_UNSPEC,
		.ifi_index = front->info.ifindex,
	};

	return nl_send_simple(front->hearing, RTM_GETLINK, 0, &request, sizeof(request));
}

/* Where some were lost, the last one is asked for. */
static void on_hearing(int fd, short what, void *arg)
{
	struct front *front = arg;

	if (nl_recvmsgs_default(front->hearing) == -NLE_NOMEM)
		ask(front);
}

int carrier_open(struct front *front)
{
	front->hearing = uvf_rtnl_open();
	if (!front->hearing)
		return -EIO;
	nl_socket_disable_seq_check(front->hearing);
	nl_socket_modify_cb(front->hearing, NL_CB_VALID, NL_CB_CUSTOM, on_link, front);
	if (nl_socket_add_membership(front->hearing, RTNLGRP_LINK) ||
	    nl_socket_set_nonblocking(front->hearing) || ask(front) < 0)
		return uvf_fail(EIO, "can't hear of the link of %s", front->counters->function);
	front->heard = loop_watch(front, nl_socket_get_fd(front->hearing), on_hearing, front);
	return front->heard ? 0 : -ENOMEM;
}

void carrier_close(struct front *front)
{
	loop_forget(&front->heard);
	nl_socket_free(front->hearing);
	front->hearing = NULL;
}

// SPDX-License-Identifier: GPL-2.0-only
#include "carrier.h"

#include <errno.h>

#include <netlink/msg.h>

#include "link.h"
#include "rtnl.h"
#include "why.h"

static bool is_up(const struct uvf_link *link)
{
	return (link->flags & (IFF_UP | IFF_RUNNING)) == (IFF_UP | IFF_RUNNING);
}

static int on_link(struct nl_msg *msg, void *arg)
{
	struct uvf_carrier *carrier = arg;
	struct uvf_link link;

	if (uvf_link_parse(nlmsg_hdr(msg), &link) == 1 && link.ifindex == carrier->ifindex)
		carrier->tell(carrier->ctx, is_up(&link) && !*link.redirect);
	return NL_OK;
}

/* The answer comes as changes do. */
static int ask(struct uvf_carrier *carrier)
{
	struct ifinfomsg request = {
		.ifi_family = AF_UNSPEC,
		.ifi_index = carrier->ifindex,
	};

	return nl_send_simple(carrier->sock, RTM_GETLINK, 0, &request, sizeof(request));
}

/* Where some were lost, the last one is asked for. */
void uvf_carrier_read(struct uvf_carrier *carrier)
{
	if (nl_recvmsgs_default(carrier->sock) == -NLE_NOMEM)
		ask(carrier);
}

int uvf_carrier_fd(const struct uvf_carrier *carrier)
{
	return nl_socket_get_fd(carrier->sock);
}

int uvf_carrier_open(struct uvf_carrier *carrier, int ifindex, void (*tell)(void *ctx, bool up),
		     void *ctx)
{
	*carrier = (struct uvf_carrier){ uvf_rtnl_open(), ifindex, tell, ctx };
	if (!carrier->sock)
		return -EIO;
	nl_socket_disable_seq_check(carrier->sock);
	nl_socket_modify_cb(carrier->sock, NL_CB_VALID, NL_CB_CUSTOM, on_link, carrier);
	if (!nl_socket_add_membership(carrier->sock, RTNLGRP_LINK) &&
	    !nl_socket_set_nonblocking(carrier->sock) && ask(carrier) >= 0)
		return 0;
	uvf_carrier_close(carrier);
	return uvf_fail(EIO, "can't hear of the function's link");
}

void uvf_carrier_close(struct uvf_carrier *carrier)
{
	nl_socket_free(carrier->sock);
	carrier->sock = NULL;
}

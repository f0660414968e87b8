// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a function of uvf.ko sends passes no program: the module limits and copies it, as attributes
 * of the link say. So the kernel keeps them, and is asked what they are. As another one says to
 * whom of its siblings the frames go that are for the function, whoever sent them.
 */
#include "uvfd.h"

#include <errno.h>
#include <string.h>

#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>

#include "uapi/linux/uvf.h"
#include "why.h"

void sending_read(struct function *function, const struct uvf_link *link)
{
	int mirror;

	if (function->is_port)
		return;
	function->limits[UVF_TX] = (struct uvf_limit_words){
		.rate = link->tx_rate, .pps = link->tx_pps, .burst = link->tx_burst,
	};
	mirror = *link->tx_mirror ? model_pci(link->tx_mirror) : 0;
	function->mirror_flags &= ~UVF_MIRROR_TX;
	if (!function->mirror_flags)
		function->mirror_to = mirror;
	/* One of each direction, made by others: what is ours is told. */
	if (mirror && function->mirror_to == mirror)
		function->mirror_flags |= UVF_MIRROR_TX;
	function->redirect_to = *link->redirect ? model_pci(link->redirect) : 0;
}

/* Of the form that `ip link set NAME type uvf …` has. */
static int change(struct function *function, int (*put)(struct nl_msg *msg, const void *arg),
		  const void *arg, const char *what)
{
	struct ifinfomsg info = { .ifi_index = function->netdev };
	struct nl_msg *msg = nlmsg_alloc_simple(RTM_NEWLINK, NLM_F_REQUEST | NLM_F_ACK);
	struct nlattr *linkinfo, *data;

	if (!msg)
		return uvf_fail(ENOMEM, "no memory for a message");
	nlmsg_append(msg, &info, sizeof(info), NLMSG_ALIGNTO);
	linkinfo = nla_nest_start(msg, IFLA_LINKINFO);
	nla_put_string(msg, IFLA_INFO_KIND, UVF_KIND);
	data = nla_nest_start(msg, IFLA_INFO_DATA);
	if (!linkinfo || !data || put(msg, arg)) {
		nlmsg_free(msg);
		return uvf_fail(ENOMEM, "no memory for a message");
	}
	nla_nest_end(msg, data);
	nla_nest_end(msg, linkinfo);
	return model_change(function, msg, what);
}

static int put_limit(struct nl_msg *msg, const void *arg)
{
	const struct uvf_limit_words *limit = arg;

	return nla_put_u64(msg, IFLA_UVF_TX_RATE, limit->rate) ||
	       nla_put_u32(msg, IFLA_UVF_TX_PPS, limit->pps) ||
	       nla_put_u32(msg, IFLA_UVF_TX_BURST, limit->burst);
}

int sending_limit(struct function *function, const struct uvf_limit_words *limit)
{
	return change(function, put_limit, limit, "the limit is not taken");
}

static int put_mirror(struct nl_msg *msg, const void *pci)
{
	return nla_put_string(msg, IFLA_UVF_TX_MIRROR, pci);
}

int sending_mirror(struct function *function, const struct function *to)
{
	const struct uvf_link *link = to ? model_link(to->key) : NULL;

	return change(function, put_mirror, link ? link->pci : "", "the mirror is not taken");
}

static int put_redirect(struct nl_msg *msg, const void *pci)
{
	return nla_put_string(msg, IFLA_UVF_REDIRECT, pci);
}

int sending_redirect(struct function *function, const struct function *to)
{
	const struct uvf_link *link = to ? model_link(to->key) : NULL;

	return change(function, put_redirect, link ? link->pci : "", "the redirect is not taken");
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Receive filters: what functions want besides frames for their own address, from the lists of
 * their netdevs (`ip maddr`, `bridge fdb`, sockets that join groups).
 *
 * The kernel tells of joins by IP on late kernels alone, and of others nowhere. So the lists are
 * asked for: at once when something was heard that may have changed them, and each second. Until
 * then, a new function gets all multicast.
 */
#include "uvfd.h"

#include <errno.h>
#include <string.h>

#include <linux/if_ether.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>

#include "steer.h"

#define EVERY_US 1000000
#define SOON_US 10000

/* Of Linux 6.14's rtnetlink.h; earlier kernels refuse the membership. */
#define GROUP_IPV4_MCADDR 37
#define GROUP_IPV6_MCADDR 38

static struct {
	struct nl_sock *asking;
	struct event *event;
	bool soon;
} filters;

/* --- lists -------------------------------------------------------------------------------- */

static bool listed(const struct filter *filter, const uint8_t *mac)
{
	for (unsigned int i = 0; i < filter->count; i++)
		if (!memcmp(filter->mac[i], mac, ETH_ALEN))
			return true;
	return false;
}

static void list(struct filter *filter, const uint8_t *mac)
{
	if (listed(filter, mac))
		return;
	if (filter->count < FILTER_MAX)
		memcpy(filter->mac[filter->count++], mac, ETH_ALEN);
	else if (is_group(mac))
		filter->all = true;
}

/* Of a veth-backed function, the port is its netdev's peer. */
static struct function *function_of(int ifindex)
{
	const struct uvf_link *link = model_link(ifindex);
	struct function *function = model_function(ifindex);

	if (!function && link)
		function = model_function(link->lower);
	return function && function->netdev == ifindex ? function : NULL;
}

static int on_address(struct nl_msg *msg, void *arg)
{
	struct nlmsghdr *header = nlmsg_hdr(msg);
	struct nlattr *attrs[NDA_MAX + 1];
	struct function *function;
	const struct ndmsg *about;

	if (header->nlmsg_type != RTM_NEWNEIGH ||
	    nlmsg_parse(header, sizeof(*about), attrs, NDA_MAX, NULL))
		return NL_OK;
	about = nlmsg_data(header);
	if (!(about->ndm_flags & NTF_SELF) || !attrs[NDA_LLADDR] ||
	    nla_len(attrs[NDA_LLADDR]) != ETH_ALEN)
		return NL_OK;
	function = function_of(about->ndm_ifindex);
	if (function)
		list(&function->wants, nla_data(attrs[NDA_LLADDR]));
	return NL_OK;
}

static int ask(void)
{
	struct ndmsg request = { .ndm_family = AF_BRIDGE };
	int err;

	nl_socket_modify_cb(filters.asking, NL_CB_VALID, NL_CB_CUSTOM, on_address, NULL);
	err = nl_send_simple(filters.asking, RTM_GETNEIGH, NLM_F_DUMP, &request, sizeof(request));
	return err < 0 ? err : nl_recvmsgs_default(filters.asking);
}

/*
 * Who reads a function past the kernel's stack joins no group there: the stack's list says nothing
 * of what it wants. `ip link set fw0 multicast off` says that the list is to be taken all the same.
 */
static bool wants_all(const struct function *function)
{
	const struct uvf_link *link = model_link(function->netdev);

	if (!link || function_of(function->netdev) != function)
		return true; /* away, where nobody can be asked */
	if (link->flags & (IFF_PROMISC | IFF_ALLMULTI))
		return true;
	return (function->lease || link->has_xdp) && link->flags & IFF_MULTICAST;
}

/* --- into the maps ------------------------------------------------------------------------ */

static bool same(const struct filter *a, const struct filter *b)
{
	return a->all == b->all && a->count == b->count &&
	       !memcmp(a->mac, b->mac, a->count * sizeof(a->mac[0]));
}

static void apply(struct function *function)
{
	struct steer *steer = function->uplink->steer;
	const struct steer_entry *entry = &function->entry;
	struct filter *now = &function->wants, *was = &function->has;

	if (same(now, was))
		return;
	for (unsigned int i = 0; i < now->count; i++)
		steer_filter_add(steer, entry, now->mac[i]);
	for (unsigned int i = 0; i < was->count; i++)
		if (!listed(now, was->mac[i]))
			steer_filter_remove(steer, entry, was->mac[i]);
	steer_filter_all(steer, entry, now->all);
	*was = *now;
}

void filter_off(struct function *function)
{
	for (unsigned int i = 0; i < function->has.count; i++)
		steer_filter_remove(function->uplink->steer, &function->entry,
				    function->has.mac[i]);
	memset(&function->has, 0, sizeof(function->has));
}

/* Whether an address that an earlier uvfd gave to a slot is still wanted. */
static bool still_wanted(const struct steer *steer, uint32_t slot, const uint8_t *mac)
{
	const struct function *function;

	for (function = model_functions(); function; function = function->hh.next)
		if (function->uplink && function->uplink->steer == steer &&
		    function->entry.slot == slot)
			return !memcmp(function->entry.mac, mac, ETH_ALEN) ||
			       listed(&function->has, mac);
	return false;
}

static void refresh(void)
{
	struct function *function;

	for (function = model_functions(); function; function = function->hh.next)
		memset(&function->wants, 0, sizeof(function->wants));
	if (ask()) /* the next time, then */
		return;
	for (function = model_functions(); function; function = function->hh.next) {
		if (!function->uplink)
			continue;
		function->wants.all |= wants_all(function);
		apply(function);
	}
	for (function = model_functions(); function; function = function->hh.next)
		if (function->uplink)
			steer_filter_sweep(function->uplink->steer, still_wanted);
}

/* --- when --------------------------------------------------------------------------------- */

static void arm(long us)
{
	struct timeval time = { .tv_sec = us / 1000000, .tv_usec = us % 1000000 };

	event_add(filters.event, &time);
}

static void on_time(evutil_socket_t fd, short what, void *arg)
{
	filters.soon = false;
	if (model_functions())
		refresh();
	arm(EVERY_US);
}

void filters_soon(void)
{
	if (!filters.event || filters.soon)
		return;
	filters.soon = true;
	arm(SOON_US);
}

int filters_open(struct event_base *base, struct nl_sock *asking, struct nl_sock *hearing)
{
	filters.asking = asking;
	filters.event = evtimer_new(base, on_time, NULL);
	if (!filters.event)
		return -ENOMEM;
	/* As many as there are: a second's wait is what is lost without. */
	nl_socket_add_membership(hearing, RTNLGRP_IPV6_IFADDR);
	nl_socket_add_membership(hearing, RTNLGRP_IPV4_IFADDR);
	nl_socket_add_membership(hearing, GROUP_IPV4_MCADDR);
	nl_socket_add_membership(hearing, GROUP_IPV6_MCADDR);
	arm(SOON_US);
	return 0;
}

void filters_close(void)
{
	if (filters.event)
		event_free(filters.event);
	filters.event = NULL;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Functions and uplinks: what the kernel has, and what is therefore to be steered.
 *
 * A function is steered while it and its uplink are up and in this network namespace. The first
 * function steered attaches the uplink's programs, the last one takes them off.
 */
#include "uvfd.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/if_ether.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>

#include "rtnl.h"
#include "uapi/linux/uvf.h"
#include "why.h"

static struct {
	struct uvf_links links;
	struct function *functions;
	struct uplink *uplinks;
	struct nl_sock *asking;
	struct nl_sock *hearing;
	struct event *event;
} model;

static struct uplink *uplink_get(const struct uvf_link *link)
{
	struct uplink *uplink;

	HASH_FIND_INT(model.uplinks, &link->ifindex, uplink);
	if (uplink)
		return uplink;
	uplink = calloc(1, sizeof(*uplink));
	if (!uplink)
		return NULL;
	uplink->ifindex = link->ifindex;
	uplink->steer = steer_open(link->ifindex, link->name);
	if (!uplink->steer) {
		free(uplink);
		return NULL;
	}
	uplink->dirty = true;
	HASH_ADD_INT(model.uplinks, ifindex, uplink);
	return uplink;
}

static void uplink_close(struct uplink *uplink)
{
	HASH_DEL(model.uplinks, uplink);
	steer_close(uplink->steer);
	free(uplink);
}

static void unsteer(struct function *function)
{
	struct uplink *uplink = function->uplink;

	if (!uplink)
		return;
	direct_off(function);
	rules_unsteer(function);
	filter_off(function);
	steer_remove(uplink->steer, &function->entry);
	uplink->users--;
	uplink->dirty |= function->nr_rules > 0;
	function->uplink = NULL;
	function->untold = true;
}

static void refuse(struct function *function, const char *why)
{
	if (!function->refused)
		say("%s: not steered: %s", function->name, why);
	function->refused = true;
}

/* The address of another function would take its frames away. */
static bool address_taken(const struct function *function, const struct steer_entry *entry,
			  const struct uplink *uplink)
{
	const struct function *other;

	for (other = model.functions; other; other = other->hh.next)
		if (other != function && other->uplink == uplink &&
		    other->entry.vlan == entry->vlan &&
		    !memcmp(other->entry.mac, entry->mac, sizeof(entry->mac)))
			return true;
	return false;
}

static void steer(struct function *function, const struct uvf_function *now)
{
	struct steer_entry entry = {
		.port = now->port->ifindex,
		.is_port = now->port->is_port,
		.vlan = now->port->vlan,
		.passthru = !now->port->is_port && now->port->mode == UVF_MODE_PASSTHRU,
	};
	struct uplink *uplink;
	int err;

	entry.to = redirect_port(function, entry.port);
	memcpy(entry.mac, function->mac, sizeof(entry.mac));
	uplink = uplink_get(now->uplink);
	if (!uplink) {
		refuse(function, "no memory");
		return;
	}
	if (address_taken(function, &entry, uplink)) {
		refuse(function, "another function of its uplink has the same address");
		return;
	}
	err = steer_add(uplink->steer, &entry);
	if (err) {
		refuse(function, err == -ENOSPC ? "its uplink has too many functions" :
						  strerror(-err));
		return;
	}
	function->uplink = uplink;
	uplink->users++;
	uplink->dirty |= function->nr_rules > 0;
	function->entry = entry;
	function->refused = false;
	function->fresh = true;
	direct_on(function);
	function->untold = true;
	if (verbose)
		say("%s: steered from %s", function->name, now->uplink->name);
}

static bool is_up(const struct uvf_link *link)
{
	return link && link->flags & IFF_UP;
}

static bool steered_right(const struct function *function, const struct uvf_function *now)
{
	return function->uplink->ifindex == now->uplink->ifindex &&
	       function->entry.vlan == now->port->vlan &&
	       !memcmp(function->entry.mac, function->mac, sizeof(function->mac));
}

static void function_steer(struct function *function, const struct uvf_function *now, bool up)
{
	bool wanted = up && is_up(now->port) && is_up(now->uplink);

	function->seen = true;
	if (function->uplink && (!wanted || !steered_right(function, now)))
		unsteer(function);
	if (wanted && !function->uplink)
		steer(function, now);
}

static struct function *function_get(const struct uvf_link *port)
{
	struct function *function;

	HASH_FIND_INT(model.functions, &port->ifindex, function);
	if (function)
		return function;
	function = calloc(1, sizeof(*function));
	if (!function)
		return NULL;
	function->key = port->ifindex;
	strcpy(function->name, port->name);
	function->lower = port->is_port ? port->uplink : port->lower;
	function->vlan = port->vlan;
	function->is_port = port->is_port;
	TAILQ_INIT(&function->rules);
	HASH_ADD_INT(model.functions, key, function);
	settings_load(function);
	return function;
}

/* A port has no use for an address: it keeps the function's, for the time that it is away. */
static void port_remember(const struct uvf_function *now)
{
	struct ifinfomsg info = { .ifi_index = now->port->ifindex };
	struct nl_msg *msg;

	if (!now->port->is_port || !memcmp(now->port->mac, now->netdev->mac, ETH_ALEN))
		return;
	msg = nlmsg_alloc_simple(RTM_SETLINK, NLM_F_REQUEST | NLM_F_ACK);
	if (!msg)
		return;
	nlmsg_append(msg, &info, sizeof(info), NLMSG_ALIGNTO);
	nla_put(msg, IFLA_ADDRESS, ETH_ALEN, now->netdev->mac);
	if (uvf_rtnl_call(model.asking, msg, "can't set the address of a port"))
		say("%s: %s", now->port->name, uvf_why());
}

static void function_reconcile(const struct uvf_function *now)
{
	struct function *function = function_get(now->port);

	if (!function)
		return;
	function->netdev = now->netdev->ifindex;
	strcpy(function->name, now->netdev->name);
	memcpy(function->mac, now->netdev->mac, sizeof(function->mac));
	sending_read(function, now->netdev);
	port_remember(now);
	function_steer(function, now, is_up(now->netdev));
}

static void function_drop(struct function *function)
{
	struct lease *lease = function->lease;

	if (lease) {
		struct session *session = lease->session;

		lease_close(lease);
		session_notice(session, 0);
	}
	rules_free(function);
	unsteer(function);
	direct_forget(function);
	HASH_DEL(model.functions, function);
	free(function);
}

/*
 * The function's own end of a veth pair is in another network namespace, where some container
 * uses it as an ordinary interface. It is steered by the address that it had when it left; that
 * it is up shows in the carrier of its port.
 */
static void function_away(const struct uvf_function *now)
{
	struct function *function = function_get(now->port);

	if (!function)
		return;
	memcpy(function->mac, now->port->mac, sizeof(function->mac));
	function_steer(function, now, now->port->flags & IFF_RUNNING);
}

void uplink_settle(struct uplink *uplink)
{
	bool limits = false, copies = false;
	const struct function *function;

	for (function = model.functions; function; function = function->hh.next) {
		if (function->uplink != uplink)
			continue;
		limits |= limits_any(function);
		copies |= mirrors(function) > 0;
	}
	steer_features(uplink->steer, limits, copies);
	steer_settle(uplink->steer);
}

static void settings_write(struct function *function)
{
	int err = limits_write(function);

	if (!err)
		err = mirror_write(function);
	if (err)
		say("%s: its limits or its mirror can't be set: %s", function->name,
		    strerror(-err));
	function->fresh = false;
}

/* The programs come last, and find their maps full. */
static void uplinks_settle(void)
{
	const struct uvf_link *link;
	struct uplink *uplink, *next;

	HASH_ITER(hh, model.uplinks, uplink, next) {
		if (!uplink->users) {
			uplink_close(uplink);
			continue;
		}
		link = uvf_links_get(&model.links, uplink->ifindex);
		if (link) {
			steer_address(uplink->steer, link->mac);
			steer_link_xdp(uplink->steer, link->has_xdp);
		}
		if (uplink->dirty && rules_commit(uplink))
			say("%s: its rules do not hold: %s", link ? link->name : "?", uvf_why());
		uplink->dirty = false;
		uplink_settle(uplink);
	}
}

/* Whether XDP steers shows when the uplinks have settled. */
static void tell_changed(void)
{
	struct function *function;

	for (function = model.functions; function; function = function->hh.next) {
		if (function->untold)
			serve_tell(function);
		function->untold = false;
	}
}

static void model_reconcile(void)
{
	struct function *function, *next;
	struct uvf_function now;
	struct uvf_link *link;

	for (function = model.functions; function; function = function->hh.next)
		function->seen = false;
	for (link = model.links.by_index; link; link = link->hh.next) {
		if (uvf_function_of(&model.links, link, &now))
			function_reconcile(&now);
		else if (link->is_port)
			function_away(&now);
	}
	HASH_ITER(hh, model.functions, function, next)
		if (!function->seen) {
			settings_drop(function);
			mirror_forget(function);
			redirect_forget(function);
			function_drop(function);
		}
	redirects_follow();
	/* When all are known: a mirror is between two. */
	for (function = model.functions; function; function = function->hh.next)
		if (function->uplink && function->fresh)
			settings_write(function);
	uplinks_settle();
	tell_changed();
}

static int heard(struct nl_msg *msg, void *arg)
{
	filters_soon();
	if (uvf_links_update(&model.links, nlmsg_hdr(msg)) == 1)
		*(bool *)arg = true;
	return NL_OK;
}

static void on_netlink(evutil_socket_t fd, short what, void *arg)
{
	bool changed = false;
	int err;

	nl_socket_modify_cb(model.hearing, NL_CB_VALID, NL_CB_CUSTOM, heard, &changed);
	do {
		err = nl_recvmsgs_default(model.hearing);
	} while (!err);
	if (err != -NLE_AGAIN) {
		/* Messages were lost (ENOBUFS): ask for everything. */
		if (uvf_links_dump(&model.links, model.asking))
			say("%s", uvf_why());
		changed = true;
	}
	if (changed)
		model_reconcile();
}

/* Hears first and asks then, so that no change falls between. */
int model_open(struct event_base *base)
{
	int err;

	model.hearing = uvf_rtnl_open();
	model.asking = uvf_rtnl_open();
	if (!model.hearing || !model.asking)
		return -EIO;
	nl_socket_disable_seq_check(model.hearing);
	nl_socket_set_buffer_size(model.hearing, 1 << 20, 0);
	nl_socket_set_nonblocking(model.hearing);
	err = nl_socket_add_membership(model.hearing, RTNLGRP_LINK);
	if (err)
		return uvf_fail(EIO, "can't follow the links: %s", nl_geterror(err));
	err = uvf_links_dump(&model.links, model.asking);
	if (err)
		return err;
	model.event = event_new(base, nl_socket_get_fd(model.hearing), EV_READ | EV_PERSIST,
				on_netlink, NULL);
	if (!model.event || event_add(model.event, NULL))
		return uvf_fail(ENOMEM, "no memory for the event loop");
	model_reconcile();
	settings_sweep();
	if (filters_open(base, model.asking, model.hearing))
		return uvf_fail(ENOMEM, "no memory for the event loop");
	return 0;
}

void model_close(bool leave)
{
	struct uplink *uplink, *following;
	struct function *function, *next;

	filters_close();
	if (leave)
		return;
	HASH_ITER(hh, model.functions, function, next) {
		lease_clean(function->netdev);
		function_drop(function);
	}
	HASH_ITER(hh, model.uplinks, uplink, following)
		uplink_close(uplink);
	uvf_links_free(&model.links);
	if (model.event)
		event_free(model.event);
	nl_socket_free(model.hearing);
	nl_socket_free(model.asking);
}

struct function *model_functions(void)
{
	return model.functions;
}

struct function *model_function(int key)
{
	struct function *function;

	HASH_FIND_INT(model.functions, &key, function);
	return function;
}

int function_check_seen(const struct function *function)
{
	if (function->is_port || !function->uplink || steer_is_fast(function->uplink->steer))
		return 0;
	return uvf_fail(EOPNOTSUPP, "not on this uplink: it takes no XDP program, and without one "
				    "uvf.ko gives %s its frames unseen", function->name);
}

const struct uvf_link *model_link(int ifindex)
{
	return uvf_links_get(&model.links, ifindex);
}

int model_pci(const char *pci)
{
	const struct uvf_link *link;

	for (link = model.links.by_index; link; link = link->hh.next)
		if (*link->pci && !strcmp(link->pci, pci))
			return link->ifindex;
	return 0;
}

/* Nothing is announced of a link that is down. */
int model_change(struct function *function, struct nl_msg *msg, const char *what)
{
	const struct uvf_link *link;
	int err = uvf_rtnl_call(model.asking, msg, what);

	if (!err)
		err = uvf_links_refresh(&model.links, model.asking, function->netdev);
	link = uvf_links_get(&model.links, function->netdev);
	if (!err && link)
		sending_read(function, link);
	return err;
}

struct uplink *model_uplink(const char *name)
{
	const struct uvf_link *link;
	struct uplink *uplink = NULL;

	on_netlink(-1, 0, NULL);
	link = uvf_links_find(&model.links, name);
	if (!link) {
		uvf_fail(ENODEV, "there is no link %s", name);
		return NULL;
	}
	HASH_FIND_INT(model.uplinks, &link->ifindex, uplink);
	if (!uplink)
		uvf_fail(ENODEV, "%s is not steered: it has no function that is up", name);
	return uplink;
}

void model_refresh(const char *name)
{
	const struct uvf_link *link = uvf_links_find(&model.links, name);

	if (link && uvf_links_refresh(&model.links, model.asking, link->ifindex))
		say("%s", uvf_why());
}

uint32_t model_xdp_id(int ifindex)
{
	const struct uvf_link *link;

	if (uvf_links_refresh(&model.links, model.asking, ifindex))
		return 0;
	link = uvf_links_get(&model.links, ifindex);
	return link ? link->xdp_id : 0;
}

struct function *model_find(const char *name, struct uvf_function *links)
{
	struct function *function = NULL;

	/* What `ip link` did just now is not to be missed. */
	on_netlink(-1, 0, NULL);
	if (uvf_function_find(&model.links, name, links))
		HASH_FIND_INT(model.functions, &links->port->ifindex, function);
	if (function)
		return function;
	if (uvf_links_find(&model.links, name))
		uvf_fail(ENODEV, "%s is not a function: `uvf list` shows those there are", name);
	else
		uvf_fail(ENODEV, "there is no function %s: `uvf list` shows those there are", name);
	return NULL;
}

struct function *model_get(int key)
{
	struct function *function;

	HASH_FIND_INT(model.functions, &key, function);
	return function;
}

bool model_look(const struct function *function, struct uvf_function *links)
{
	const struct uvf_link *port = uvf_links_get(&model.links, function->key);

	return port && uvf_function_of(&model.links, port, links);
}

struct function *model_next(int after, struct uvf_function *links)
{
	struct function *function, *next = NULL;

	if (!after)
		on_netlink(-1, 0, NULL);
	for (function = model.functions; function; function = function->hh.next)
		if (function->key > after && (!next || function->key < next->key))
			next = function;
	if (!next)
		return NULL;
	/* Away functions have no links here. */
	if (!uvf_function_of(&model.links, uvf_links_get(&model.links, next->key), links))
		return model_next(next->key, links);
	return next;
}

struct function *model_find_netdev(int netdev)
{
	struct function *function;

	for (function = model.functions; function; function = function->hh.next)
		if (function->netdev == netdev)
			return function;
	return NULL;
}

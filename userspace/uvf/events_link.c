// SPDX-License-Identifier: GPL-2.0-only
/*
 * Functions backed by veth, of which rtnetlink tells link by link: after each burst of messages
 * they are compared with what was known. A function's description is what makes it another.
 */
#include "events.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <linux/rtnetlink.h>
#include <uthash.h>
#include <uvf/steer.h>

#include "rtnl.h"

struct known {
	int port;
	char *text;
	struct json_object *description;
	bool seen;
	UT_hash_handle hh;
};

static struct nl_sock *hearing;
static struct uvf_links links;
static struct known *all;

static struct json_object *describe(const struct fact *fact)
{
	const struct uvf_function *function = &fact->function;
	struct json_object *object = json_object_new_object();
	char mac[MAC_TEXT_SIZE];

	told_text(object, "function", function->netdev->name);
	if (function->uplink)
		told_text(object, "uplink", function->uplink->name);
	if (*function->port->appliance)
		told_text(object, "appliance", function->port->appliance);
	if (function->port->vlan != UVF_VLAN_ANY)
		told_number(object, "vlan", function->port->vlan);
	told_text(object, "mac", mac_text(function->netdev->mac, mac));
	told_number(object, "mtu", function->netdev->mtu);
	told_text(object, "state", fact_state(fact));
	return object;
}

static void tell(const struct events *events, const char *kind, struct json_object *description)
{
	struct json_object *event;

	if (!events->started)
		return;
	event = told_new(kind);
	json_object_object_foreach(description, key, value)
		json_object_object_add(event, key, json_object_get(value));
	told_print(events, event);
}

static void known_set(struct known *known, struct json_object *description)
{
	free(known->text);
	json_object_put(known->description);
	known->text = strdup(json_object_to_json_string(description));
	known->description = description;
}

static void compare(const struct events *events, int port, struct json_object *description)
{
	struct known *known;
	const char *kind = NULL;

	HASH_FIND_INT(all, &port, known);
	if (!known) {
		known = calloc(1, sizeof(*known));
		if (!known) {
			json_object_put(description);
			return;
		}
		known->port = port;
		HASH_ADD_INT(all, port, known);
		kind = "add";
	} else if (!known->text || strcmp(known->text, json_object_to_json_string(description))) {
		kind = "change";
	}
	known_set(known, description);
	known->seen = true;
	if (kind)
		tell(events, kind, description);
}

static void forget_unseen(const struct events *events)
{
	struct known *known, *next;

	HASH_ITER(hh, all, known, next) {
		if (known->seen) {
			known->seen = false;
			continue;
		}
		tell(events, "del", known->description);
		HASH_DEL(all, known);
		json_object_put(known->description);
		free(known->text);
		free(known);
	}
}

/* A function that is away, in another network namespace, is gone as far as this one goes. */
static void sweep(const struct events *events)
{
	struct uvf_link *link;
	struct fact fact = { 0 };

	for (link = links.by_index; link; link = link->hh.next)
		if (link->is_port && uvf_function_of(&links, link, &fact.function))
			compare(events, link->ifindex, describe(&fact));
	forget_unseen(events);
}

static int on_link(struct nl_msg *msg, void *arg)
{
	uvf_links_update(&links, nlmsg_hdr(msg));
	return NL_OK;
}

static void list(struct events *events)
{
	uvf_links_dump(&links, events->facts.rtnl);
	sweep(events);
}

static int open_link(struct events *events)
{
	hearing = uvf_rtnl_open();
	if (!hearing)
		return -1;
	nl_socket_disable_seq_check(hearing);
	nl_socket_set_buffer_size(hearing, 1 << 20, 0);
	nl_socket_set_nonblocking(hearing);
	nl_socket_modify_cb(hearing, NL_CB_VALID, NL_CB_CUSTOM, on_link, NULL);
	if (nl_socket_add_membership(hearing, RTNLGRP_LINK)) {
		nl_socket_free(hearing);
		return -1;
	}
	list(events);
	return nl_socket_get_fd(hearing);
}

static int read_link(struct events *events)
{
	int err;

	while ((err = nl_recvmsgs_default(hearing)) >= 0)
		;
	if (err == -NLE_NOMEM)
		list(events); /* messages were lost: all of them anew */
	else if (err == -NLE_AGAIN)
		sweep(events);
	else {
		nl_socket_free(hearing);
		return -1;
	}
	return 0;
}

const struct events_source events_link = { .open = open_link, .read = read_link };

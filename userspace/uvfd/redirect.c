// SPDX-License-Identifier: GPL-2.0-only
/*
 * Redirects: which function gets the frames of which.
 *
 * What is set on a function, its address, rules, limits, and mirror, stays the function's; the
 * frames that come of it go to the port of another one. That is one entry of a map, and changes
 * between two frames. Functions of uvf.ko are redirected by the module, so that their siblings'
 * frames are as well (sending.c).
 */
#include "uvfd.h"

#include <errno.h>
#include <string.h>

#include "steer.h"
#include "why.h"

static bool is_running(int ifindex)
{
	const struct uvf_link *link = model_link(ifindex);

	return link && link->flags & IFF_UP && link->flags & IFF_RUNNING;
}

/* By the link, as a uvfd that begins may not know the function yet. */
int redirect_port(const struct function *function, int port)
{
	if (!function->is_port || !is_running(function->redirect_to))
		return port;
	return function->redirect_to;
}

static int turn(struct function *function)
{
	struct steer_entry *entry = &function->entry;
	int err;

	entry->to = redirect_port(function, entry->port);
	err = steer_turn(function->uplink->steer, entry, function->has.all);
	if (!err && function->mirror_to)
		err = mirror_write(function);
	return err;
}

void redirects_follow(void)
{
	struct function *function;
	int err;

	for (function = model_functions(); function; function = function->hh.next) {
		if (!function->uplink ||
		    function->entry.to == redirect_port(function, function->entry.port))
			continue;
		err = turn(function);
		if (err)
			say("%s: its frames can't be given to another: %s", function->name,
			    strerror(-err));
	}
}

/* --- setting ------------------------------------------------------------------------------ */

static bool is_target(const struct function *function)
{
	const struct function *other;

	for (other = model_functions(); other; other = other->hh.next)
		if (other->redirect_to == function->key)
			return true;
	return false;
}

static int check(const struct function *function, const struct function *to)
{
	if (to == function)
		return uvf_fail(EINVAL, "%s gets its frames already, when they are not redirected: "
					"`uvf redirect %s off`", function->name, function->name);
	if (to->is_port != function->is_port)
		return uvf_fail(EOPNOTSUPP, "one of %s and %s is backed by veth, the other by uvf.ko",
				function->name, to->name);
	if (to->lower != function->lower)
		return uvf_fail(EINVAL, "%s has another uplink than %s", to->name, function->name);
	if (to->vlan != function->vlan)
		return uvf_fail(EINVAL, "%s has another VLAN than %s, or only one of them has one",
				to->name, function->name);
	if (to->redirect_to || is_target(function))
		return uvf_fail(ELOOP, "what was redirected is not redirected again: %s", to->redirect_to ?
				"who is to get the frames has a redirect" : "it gets those of another");
	if (direct_is_leased(function))
		return uvf_fail(EBUSY, "%s has queues of its uplink, whose frames the card gives to it: "
				       "`uvf lease %s off` first", function->name, function->name);
	return 0;
}

static int apply(struct function *function, const struct function *to)
{
	int err;

	if (!function->is_port)
		return sending_redirect(function, to);
	function->redirect_to = to ? to->key : 0;
	err = function->uplink ? turn(function) : 0;
	return err ? uvf_fail(-err, "the kernel does not take the redirect: %s", strerror(-err)) : 0;
}

int redirect_set(struct function *function, const struct function *to, bool leased)
{
	bool same = function->redirect_to == (to ? to->key : 0);
	int err = to ? check(function, to) : 0;

	if (!err && !same)
		err = apply(function, to);
	if (err)
		return err;
	function->redirect_leased = to && leased;
	settings_save(function);
	if (same)
		return 0;
	say("%s: its frames are for %s", function->name, to ? to->name : "itself");
	serve_tell(function);
	return 0;
}

int redirect_allow(struct function *function, const struct function *to)
{
	int err = to ? check(function, to) : 0;

	if (err)
		return err;
	function->standby = to ? to->key : 0;
	settings_save(function);
	return 0;
}

/* --- ending ------------------------------------------------------------------------------- */

static void end(struct function *function)
{
	if (redirect_set(function, NULL, false))
		say("%s: %s", function->name, uvf_why());
}

void redirect_forget(const struct function *gone)
{
	struct function *function;

	for (function = model_functions(); function; function = function->hh.next) {
		if (function->standby == gone->key)
			redirect_allow(function, NULL);
		if (function->redirect_to == gone->key)
			end(function);
	}
}

void redirect_given_back(const struct function *to)
{
	struct function *function;

	for (function = model_functions(); function; function = function->hh.next)
		if (function->redirect_to == to->key && function->redirect_leased)
			end(function);
}

void redirects_settle(void)
{
	struct function *function;
	const struct function *to;

	for (function = model_functions(); function; function = function->hh.next) {
		to = function->redirect_leased ? model_function(function->redirect_to) : NULL;
		if (function->redirect_leased && !(to && to->lease))
			end(function);
	}
}

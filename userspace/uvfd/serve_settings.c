// SPDX-License-Identifier: GPL-2.0-only
/* What root sets on functions, and asks about it. */
#include "uvfd.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "why.h"

/* --- rules -------------------------------------------------------------------------------- */

/* A copy: the client may still write to it. Ends with NUL. */
static char *read_all(int fd)
{
	struct stat stat;
	ssize_t got;
	char *text;

	if (fstat(fd, &stat) || !S_ISREG(stat.st_mode) || stat.st_size > UVF_RULE_LINES) {
		uvf_fail(EINVAL, "rules come in a memfd of %d bytes at most", UVF_RULE_LINES);
		return NULL;
	}
	text = malloc(stat.st_size + 1);
	got = text ? pread(fd, text, stat.st_size, 0) : -1;
	if (got < 0) {
		uvf_fail(EIO, "can't read the rules: %s", strerror(errno));
		free(text);
		return NULL;
	}
	text[got] = '\0';
	return text;
}

static int on_rule_add(struct function *function, const struct uvf_incoming *in,
		       struct uvf_reply *reply)
{
	char *lines;
	int err;

	if (in->fd < 0) {
		reply->rules = 1;
		return rules_add(function, in->request.rule.text, &reply->rule);
	}
	lines = read_all(in->fd);
	if (!lines)
		return -EINVAL;
	err = rules_add_lines(function, lines, &reply->rules);
	free(lines);
	return err;
}

static int on_rule_list(const struct uvf_request *request, struct uvf_reply *reply)
{
	struct function *only = NULL, *function;
	struct uvf_function links;
	struct rule *rule;

	if (*request->function) {
		only = model_find(request->function, &links);
		if (!only)
			return -ENODEV;
	}
	rule = rules_next(only, request->rule.after, &function);
	if (!rule)
		return uvf_fail(ENOENT, "no further rule");
	strcpy(reply->function, function->name);
	reply->rule = rule->id;
	reply->hits = rules_hits(function, rule);
	uvf_rule_text(&rule->rule, reply->text);
	return 0;
}

/* --- what would be done ------------------------------------------------------------------- */

static const struct function *whose_slot(const struct uplink *uplink, uint32_t slot)
{
	const struct function *function;

	for (function = model_functions(); function; function = function->hh.next)
		if (function->uplink == uplink && function->entry.slot == slot)
			return function;
	return NULL;
}

static void describe_rule(struct uvf_reply *reply, uint32_t id)
{
	struct function *function;
	struct rule *rule = rules_next(NULL, id - 1, &function);

	if (rule && rule->id == id)
		uvf_rule_text(&rule->rule, reply->text);
}

static int on_explain(const struct uvf_request *request, struct uvf_reply *reply)
{
	struct uplink *uplink = model_uplink(request->function);
	const struct function *function = NULL;
	struct uvf_verdict verdict;
	int err;

	if (!uplink)
		return -ENODEV;
	err = steer_explain(uplink->steer, request->frame.bytes, request->frame.size, &verdict);
	if (err)
		return err;
	reply->reason = verdict.reason;
	reply->action = verdict.action;
	reply->rule = verdict.rule;
	if (verdict.rule)
		describe_rule(reply, verdict.rule);
	if (verdict.action != UVF_ACTION_PASS)
		function = whose_slot(uplink, verdict.slot);
	if (function)
		strcpy(reply->function, function->name);
	return 0;
}

/* --- limits and mirrors ------------------------------------------------------------------- */

static int on_limit(struct function *function, const struct uvf_function *links,
		    const struct uvf_request *request, struct uvf_reply *reply)
{
	int err = 0;

	if (request->limit.set)
		err = limits_set(function, request->limit.direction, &request->limit.words, links);
	memcpy(reply->limits, function->limits, sizeof(reply->limits));
	return err;
}

static int on_mirror(struct function *function, const struct uvf_request *request,
		     struct uvf_reply *reply)
{
	struct function *to = NULL;
	struct uvf_function links;
	int err = 0;

	if (request->mirror.flags) {
		to = model_find(request->mirror.to, &links);
		if (!to)
			return -ENODEV;
	}
	if (request->mirror.set)
		err = mirror_set(function, to, request->mirror.flags);
	to = model_function(function->mirror_to);
	if (!to)
		return err;
	strcpy(reply->mirror, to->name);
	reply->mirror_flags = function->mirror_flags;
	return err;
}

/* --- the requests ------------------------------------------------------------------------- */

static int on_function(const struct uvf_incoming *in, struct uvf_reply *reply)
{
	const struct uvf_request *request = &in->request;
	struct uvf_function links;
	struct function *function = model_find(request->function, &links);

	if (!function)
		return -ENODEV;
	switch (request->type) {
	case UVF_MSG_RULE_ADD:
		return on_rule_add(function, in, reply);
	case UVF_MSG_RULE_DEL:
		return rules_del(function, request->rule.text);
	case UVF_MSG_LIMIT:
		return on_limit(function, &links, request, reply);
	case UVF_MSG_MIRROR:
		return on_mirror(function, request, reply);
	}
	return -EPROTO;
}

int serve_settings(const struct session *session, const struct uvf_incoming *in,
		   struct uvf_reply *reply)
{
	if (session->is_appliance)
		return uvf_fail(EPERM, "only root may set what a function gets, and ask about it");
	switch (in->request.type) {
	case UVF_MSG_RULE_LIST:
		return on_rule_list(&in->request, reply);
	case UVF_MSG_EXPLAIN:
		return on_explain(&in->request, reply);
	}
	return on_function(in, reply);
}

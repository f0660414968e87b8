// SPDX-License-Identifier: GPL-2.0-only
/* What a configuration says of functions that uvfd keeps: leases, rules, limits, mirrors. */
#include "config_apply.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ethtool.h"
#include "rule.h"
#include "why.h"

#define FRAME_MORE 22 /* Ethernet header, two tags */

/* --- can it be? ---------------------------------------------------------------------------- */

static int check_uvfd(const struct apply *apply, const struct config_function *wanted)
{
	const char *what = wanted->has_rules ? "rules" :
			   wanted->has_limit[UVF_RX] || wanted->has_limit[UVF_TX] ? "a limit" :
			   wanted->has_mirror ? "a mirror" : NULL;

	if (apply->facts.uvfd >= 0)
		return 0;
	if (wanted->lease)
		return uvf_fail(ENOENT, "%s leases queues from uvfd, which is not running: start it",
				wanted->name);
	if (what)
		return uvf_fail(ENOENT, "%s has %s, and uvfd, which keeps them, is not running: "
					"start it", wanted->name, what);
	return 0;
}

static int check_lease(const struct apply *apply, const struct config_function *wanted)
{
	int queues = uvf_ethtool_queues(wanted->uplink);

	if (!wanted->lease)
		return 0;
	if (wanted->vlan != UVF_VLAN_ANY)
		return uvf_fail(EINVAL, "%s is of one VLAN, and can't lease queues of %s",
				wanted->name, wanted->uplink);
	if (queues >= 0 && wanted->lease > (unsigned int)queues)
		return uvf_fail(ENOSPC, "%s: %u queues to lease, and %s has %d", wanted->name,
				wanted->lease, wanted->uplink, queues);
	return 0;
}

/* Of uvf.ko, or will be: `uvf add` prefers it when it is loaded. */
static bool is_uvf(struct apply *apply, const struct config_function *wanted)
{
	struct fact fact;

	if (apply_find(apply, wanted->name, &fact))
		return !fact.function.port->is_port;
	return wanted->backend == CONFIG_UVF ||
	       (wanted->backend == CONFIG_ANY && !access("/sys/module/uvf", F_OK));
}

static unsigned int mtu_of(struct apply *apply, const struct config_function *wanted)
{
	const struct uvf_link *uplink = uvf_links_find(&apply->facts.links, wanted->uplink);
	struct fact fact;

	if (wanted->mtu)
		return wanted->mtu;
	if (apply_find(apply, wanted->name, &fact))
		return fact.function.netdev->mtu;
	return uplink ? uplink->mtu : 0;
}

static int check_limits(struct apply *apply, const struct config_function *wanted)
{
	unsigned int least = mtu_of(apply, wanted) + FRAME_MORE;

	for (int i = 0; i < UVF_DIRECTIONS; i++)
		if (wanted->limit[i].burst && wanted->limit[i].burst < least)
			return uvf_fail(EINVAL, "%s: a burst of %u bytes lets no frame of its MTU "
						"through: %u at least", wanted->name,
					wanted->limit[i].burst, least);
	return 0;
}

static const struct config_function *named(const struct config *config, const char *name)
{
	for (unsigned int i = 0; i < config->nr_functions; i++)
		if (!strcmp(config->functions[i].name, name))
			return &config->functions[i];
	return NULL;
}

static int check_mirror(struct apply *apply, const struct config *config,
			const struct config_function *wanted)
{
	const struct uvf_mirror_words *mirror = &wanted->mirror;
	const struct config_function *to = named(config, mirror->to);
	struct fact fact;
	bool to_uvf;

	if (!mirror->flags)
		return 0;
	if (!to && !apply_find(apply, mirror->to, &fact))
		return uvf_fail(ENODEV, "%s is mirrored to %s, and there is no function of that name, "
					"here or in the file", wanted->name, mirror->to);
	to_uvf = to ? is_uvf(apply, to) : !fact.function.port->is_port;
	if (mirror->flags & UVF_MIRROR_TX && is_uvf(apply, wanted) && !to_uvf)
		return uvf_fail(EOPNOTSUPP, "%s is a function of uvf.ko, which hands copies of what it "
					    "sends to such functions alone, and %s is none: mirror rx",
				wanted->name, mirror->to);
	if (to_uvf && !is_uvf(apply, wanted))
		return uvf_fail(EOPNOTSUPP, "%s is a function of uvf.ko, to which copies of %s's can't "
					    "be handed: mirror to a veth-backed function", mirror->to,
				wanted->name);
	return 0;
}

int settings_check(struct apply *apply, const struct config *config,
		   const struct config_function *wanted)
{
	int err = check_uvfd(apply, wanted);

	if (!err)
		err = check_lease(apply, wanted);
	if (!err)
		err = check_limits(apply, wanted);
	return err ?: check_mirror(apply, config, wanted);
}

/* --- rules ------------------------------------------------------------------------------------ */

static int rule_ask(struct apply *apply, const struct config_function *wanted, int type,
		    const char *text, uint32_t after, struct uvf_reply *reply)
{
	struct uvf_request request = { .version = UVF_PROTO_VERSION, .type = type };

	strcpy(request.function, wanted->name);
	snprintf(request.rule.text, sizeof(request.rule.text), "%s", text);
	request.rule.after = after;
	return uvf_proto_call(apply->facts.uvfd, &request, -1, reply, NULL);
}

static bool is_wanted(const struct config_function *wanted, const struct uvf_rule *rule,
		      bool *there)
{
	for (unsigned int i = 0; i < wanted->nr_rules; i++) {
		if (there[i] || !uvf_rule_same(&wanted->rules[i], rule))
			continue;
		there[i] = true;
		return true;
	}
	return false;
}

/* Takes away what is not wanted; notes in @there what is there. */
static int rules_prune(struct apply *apply, const struct config_function *wanted, bool *there)
{
	struct uvf_reply listed, reply;
	struct uvf_rule rule;
	uint32_t after = 0;
	char id[16];
	int err;

	while (!(err = rule_ask(apply, wanted, UVF_MSG_RULE_LIST, "", after, &listed))) {
		after = listed.rule;
		listed.text[sizeof(listed.text) - 1] = '\0';
		if (!uvf_rule_parse(listed.text, &rule) && is_wanted(wanted, &rule, there))
			continue;
		apply_tell(apply, wanted->name, "not: %s", listed.text);
		snprintf(id, sizeof(id), "%u", listed.rule);
		err = apply->dry ? 0 : rule_ask(apply, wanted, UVF_MSG_RULE_DEL, id, 0, &reply);
		if (err)
			return err;
	}
	return err == -ENOENT ? 0 : err;
}

static int set_rules(struct apply *apply, const struct config_function *wanted, bool present)
{
	bool there[wanted->nr_rules + 1];
	char text[UVF_RULE_TEXT];
	struct uvf_reply reply;
	int err = 0;

	memset(there, 0, sizeof(there));
	if (present)
		err = rules_prune(apply, wanted, there);
	for (unsigned int i = 0; !err && i < wanted->nr_rules; i++) {
		if (there[i])
			continue;
		uvf_rule_text(&wanted->rules[i], text);
		apply_tell(apply, wanted->name, "rule: %s", text);
		if (!apply->dry)
			err = rule_ask(apply, wanted, UVF_MSG_RULE_ADD, text, 0, &reply);
	}
	return err;
}

/* --- queues of the uplink ------------------------------------------------------------------ */

/* As many as there are to be, whichever they are. */
static int set_lease(struct apply *apply, const struct config_function *wanted)
{
	struct uvf_request request = {
		.version = UVF_PROTO_VERSION,
		.type = UVF_MSG_DIRECT,
		.direct.count = wanted->lease,
	};
	struct uvf_reply reply;
	struct fact fact;
	int there = 0;

	if (!wanted->lease)
		return 0;
	if (!facts_find(&apply->facts, wanted->name, &fact) && fact.uvfd)
		there = __builtin_popcountll(fact.lease.direct_queues);
	if ((int)wanted->lease == there)
		return 0;
	apply_tell(apply, wanted->name, "%u queues of %s leased", wanted->lease, wanted->uplink);
	if (apply->dry)
		return 0;
	strcpy(request.function, wanted->name);
	return uvf_proto_call(apply->facts.uvfd, &request, -1, &reply, NULL);
}

/* --- limits and mirrors -------------------------------------------------------------------- */

/* Of a function that is yet to be made, in a dry run: nothing. */
static int call(struct apply *apply, const struct config_function *wanted,
		struct uvf_request *request, struct uvf_reply *reply)
{
	struct fact fact;

	memset(reply, 0, sizeof(*reply));
	if (apply->dry && !apply_find(apply, wanted->name, &fact))
		return 0;
	request->version = UVF_PROTO_VERSION;
	strcpy(request->function, wanted->name);
	return uvf_proto_call(apply->facts.uvfd, request, -1, reply, NULL);
}

static bool same(const struct uvf_limit_words *a, const struct uvf_limit_words *b)
{
	return a->rate == b->rate && a->pps == b->pps && a->burst == b->burst;
}

static int set_limits(struct apply *apply, const struct config_function *wanted)
{
	struct uvf_request ask = { .type = UVF_MSG_LIMIT }, set;
	struct uvf_reply there, reply;
	char text[UVF_LIMIT_TEXT];
	int err = 0;

	if (wanted->has_limit[UVF_RX] || wanted->has_limit[UVF_TX])
		err = call(apply, wanted, &ask, &there);
	for (int i = 0; !err && i < UVF_DIRECTIONS; i++) {
		if (!wanted->has_limit[i] || same(&wanted->limit[i], &there.limits[i]))
			continue;
		apply_tell(apply, wanted->name, "%s limit: %s", uvf_direction_words[i],
			   uvf_limit_text(&wanted->limit[i], text));
		set = (struct uvf_request){
			.type = UVF_MSG_LIMIT,
			.limit = { .set = 1, .direction = i, .words = wanted->limit[i] },
		};
		err = apply->dry ? 0 : call(apply, wanted, &set, &reply);
	}
	return err;
}

static int set_mirror(struct apply *apply, const struct config_function *wanted)
{
	const struct uvf_mirror_words *mirror = &wanted->mirror;
	struct uvf_request ask = { .type = UVF_MSG_MIRROR }, set = ask;
	struct uvf_reply reply;
	int err;

	if (!wanted->has_mirror)
		return 0;
	err = call(apply, wanted, &ask, &reply);
	if (err || (!strcmp(reply.mirror, mirror->to) && reply.mirror_flags == mirror->flags))
		return err;
	if (mirror->flags)
		apply_tell(apply, wanted->name, "mirror: to %s %s", mirror->to,
			   uvf_mirror_direction(mirror->flags));
	else
		apply_tell(apply, wanted->name, "mirror: off");
	set.mirror.set = 1;
	set.mirror.flags = mirror->flags;
	strcpy(set.mirror.to, mirror->to);
	return apply->dry ? 0 : call(apply, wanted, &set, &reply);
}

/* Limits and mirrors first: some that are there, and are not to be, would hinder a lease. */
int settings_set(struct apply *apply, const struct config_function *wanted)
{
	struct fact fact;
	int err = set_mirror(apply, wanted);

	if (!err)
		err = set_limits(apply, wanted);
	if (!err)
		err = set_lease(apply, wanted);
	if (!err && wanted->has_rules)
		err = set_rules(apply, wanted, apply_find(apply, wanted->name, &fact));
	return err;
}

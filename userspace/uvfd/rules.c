// SPDX-License-Identifier: GPL-2.0-only
/* Rules: whose they are, in which order they hold, and when they are written to the maps. */
#include "uvfd.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "steer.h"
#include "why.h"

static uint32_t last_id;

static struct rule *rule_new(const struct uvf_rule *what, uint32_t id)
{
	struct rule *rule = calloc(1, sizeof(*rule));

	if (!rule) {
		uvf_fail(ENOMEM, "no memory for a rule");
		return NULL;
	}
	rule->rule = *what;
	rule->id = id ?: last_id + 1;
	rule->hits = -1;
	if (rule->id > last_id)
		last_id = rule->id;
	return rule;
}

static void rule_hits_give(struct function *function, struct rule *rule)
{
	if (function->uplink && rule->hits >= 0)
		steer_hits_give(function->uplink->steer, rule->hits);
	rule->hits = -1;
}

static void rule_free(struct function *function, struct rule *rule)
{
	rule_hits_give(function, rule);
	TAILQ_REMOVE(&function->rules, rule, entry);
	free(rule);
}

void rules_free(struct function *function)
{
	struct rule *rule;

	while ((rule = TAILQ_FIRST(&function->rules)))
		rule_free(function, rule);
}

void rules_unsteer(struct function *function)
{
	struct rule *rule;

	TAILQ_FOREACH(rule, &function->rules, entry)
		rule_hits_give(function, rule);
}

/* --- all of an uplink --------------------------------------------------------------------- */

/* The highest priority first; of equal ones that which was there first. */
static int by_rank(const void *a, const void *b)
{
	const struct steer_rule *x = a, *y = b;

	if (x->rule.priority != y->rule.priority)
		return x->rule.priority < y->rule.priority ? 1 : -1;
	return (x->id > y->id) - (x->id < y->id);
}

static uint32_t count_on(int lower)
{
	struct function *function;
	uint32_t count = 0;

	for (function = model_functions(); function; function = function->hh.next)
		if (function->lower == lower)
			count += function->nr_rules;
	return count;
}

static void rule_take(struct steer_rule *to, const struct function *function, struct rule *rule)
{
	const struct steer_entry *entry = &function->entry;

	if (rule->hits < 0)
		rule->hits = steer_hits_take(function->uplink->steer, rule->id);
	*to = (struct steer_rule){
		.rule = rule->rule,
		.id = rule->id,
		.index = rule->hits < 0 ? UVF_RULES : rule->hits,
		.slot = entry->slot,
		.flags = steer_flags(entry),
	};
	/* A function of one VLAN knows of no other. */
	if (entry->vlan != UVF_VLAN_ANY)
		to->rule.vlan = entry->vlan;
}

static uint32_t collect(const struct uplink *uplink, struct steer_rule *all)
{
	struct function *function;
	struct rule *rule;
	uint32_t n = 0;

	for (function = model_functions(); function; function = function->hh.next) {
		if (function->uplink != uplink)
			continue;
		TAILQ_FOREACH(rule, &function->rules, entry)
			rule_take(&all[n++], function, rule);
	}
	qsort(all, n, sizeof(*all), by_rank);
	return n;
}

int rules_commit(struct uplink *uplink)
{
	struct steer_rule *all = calloc(count_on(uplink->ifindex) + 1, sizeof(*all));
	int err;

	if (!all)
		return uvf_fail(ENOMEM, "no memory for rules");
	err = steer_rules(uplink->steer, all, collect(uplink, all));
	free(all);
	return err;
}

/* --- what clients ask --------------------------------------------------------------------- */

static int check(const struct function *function, const struct uvf_rule *rule)
{
	if (rule->vlan != UVF_VLAN_ANY && function->vlan != UVF_VLAN_ANY &&
	    rule->vlan != function->vlan)
		return uvf_fail(EINVAL, "%s is a function of VLAN %u and sees no frame of another",
				function->name, function->vlan);
	if (count_on(function->lower) >= UVF_RULES)
		return uvf_fail(ENOSPC, "the uplink of %s has %d rules, which is all it can have",
				function->name, UVF_RULES);
	return 0;
}

int rules_put(struct function *function, const char *text, uint32_t id)
{
	struct uvf_rule what;
	struct rule *rule;
	int err;

	err = uvf_rule_parse(text, &what);
	if (!err)
		err = check(function, &what);
	if (err)
		return err;
	rule = rule_new(&what, id);
	if (!rule)
		return -ENOMEM;
	TAILQ_INSERT_TAIL(&function->rules, rule, entry);
	function->nr_rules++;
	return 0;
}

static void rule_drop(struct function *function, struct rule *rule)
{
	rule_free(function, rule);
	function->nr_rules--;
}

/* Whatever came behind @last is taken back. */
static void rules_undo(struct function *function, const struct rule *last)
{
	struct rule *rule;

	while ((rule = TAILQ_LAST(&function->rules, rules)) != last)
		rule_drop(function, rule);
}

static int rules_hold(struct function *function)
{
	int err = 0;

	if (function->uplink)
		err = rules_commit(function->uplink);
	if (err)
		return err;
	if (function->uplink)
		uplink_settle(function->uplink);
	settings_save(function);
	return 0;
}

/* One that says what another one says as well would never be told from it. */
static int check_twice(const struct function *function, const struct rule *new)
{
	struct rule *rule;

	TAILQ_FOREACH(rule, &function->rules, entry)
		if (rule != new && uvf_rule_same(&rule->rule, &new->rule))
			return uvf_fail(EEXIST, "%s has this rule already, with the id %u",
					function->name, rule->id);
	return 0;
}

int rules_add(struct function *function, const char *text, uint32_t *id)
{
	struct rule *last = TAILQ_LAST(&function->rules, rules), *new;
	int err = function_check_seen(function);

	if (!err)
		err = rules_put(function, text, 0);
	if (err)
		return err;
	new = TAILQ_LAST(&function->rules, rules);
	*id = new->id;
	err = check_twice(function, new);
	if (!err)
		err = rules_hold(function);
	if (err)
		rules_undo(function, last);
	return err;
}

static int put_lines(struct function *function, char *text, uint32_t *count)
{
	char *line, *comment, why[UVF_WHY_SIZE];
	unsigned int number = 0;

	while ((line = strsep(&text, "\n"))) {
		number++;
		comment = strchr(line, '#');
		if (comment)
			*comment = '\0';
		if (strspn(line, " \t") == strlen(line))
			continue;
		if (rules_put(function, line, 0)) {
			strcpy(why, uvf_why());
			return uvf_fail(EINVAL, "line %u: %.200s", number, why);
		}
		++*count;
	}
	return 0;
}

int rules_add_lines(struct function *function, char *text, uint32_t *count)
{
	struct rule *last = TAILQ_LAST(&function->rules, rules);
	int err;

	*count = 0;
	err = function_check_seen(function);
	if (!err)
		err = put_lines(function, text, count);
	if (!err)
		err = rules_hold(function);
	if (err)
		rules_undo(function, last);
	return err;
}

static bool is_id(const char *text)
{
	return *text && strspn(text, "0123456789") == strlen(text) && strlen(text) < 10;
}

static struct rule *find_rule(const struct function *function, const char *text)
{
	struct uvf_rule what;
	struct rule *rule;

	if (!is_id(text) && uvf_rule_parse(text, &what))
		return NULL;
	TAILQ_FOREACH(rule, &function->rules, entry)
		if (is_id(text) ? rule->id == strtoul(text, NULL, 10) :
				  uvf_rule_same(&rule->rule, &what))
			return rule;
	uvf_fail(ENOENT, "%s has no such rule: `uvf rule list %s` shows those it has",
		 function->name, function->name);
	return NULL;
}

int rules_del(struct function *function, const char *text)
{
	struct rule *rule;

	if (!strcmp(text, "all")) {
		while ((rule = TAILQ_FIRST(&function->rules)))
			rule_drop(function, rule);
		return rules_hold(function);
	}
	rule = find_rule(function, text);
	if (!rule)
		return -ENOENT;
	rule_drop(function, rule);
	return rules_hold(function);
}

struct rule *rules_next(struct function *only, uint32_t after, struct function **whose)
{
	struct function *function;
	struct rule *rule, *next = NULL;

	for (function = model_functions(); function; function = function->hh.next) {
		if (only && function != only)
			continue;
		TAILQ_FOREACH(rule, &function->rules, entry) {
			if (rule->id <= after || (next && rule->id >= next->id))
				continue;
			next = rule;
			*whose = function;
		}
	}
	return next;
}

uint64_t rules_hits(const struct function *function, const struct rule *rule)
{
	if (!function->uplink || rule->hits < 0)
		return 0;
	return steer_hits(function->uplink->steer, rule->hits);
}

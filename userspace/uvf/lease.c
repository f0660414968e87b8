// SPDX-License-Identifier: GPL-2.0-only
/* uvf lease: which receive queues of their uplinks functions have. */
#include "uvf.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uvf/steer.h>

#include "why.h"

static const char *const ways[] = { "auto", "rule", "rss", "none" };
_Static_assert(sizeof(ways) / sizeof(ways[0]) == UVF_DIRECT_BYS, "a word for each way");

enum { OPT_QUEUE = 256, OPT_COPY };

struct plan {
	bool json;
	bool off;
	const char *function;
	struct uvf_request request;
};

static const struct argp_option options[] = {
	{ "queues", 'n', "N", 0, "lease N receive queues of its uplink, the last that are free", 0 },
	{ "queue", OPT_QUEUE, "QUEUE", 0, "lease this one; may be given several times", 0 },
	{ "by", 'b', "WAY", 0, "how its frames come there: rule, rss, none or auto (default)", 0 },
	{ "copy", OPT_COPY, NULL, 0, "no zero-copy: others' frames stay out of the appliance's memory", 0 },
	{ "json", 'j', NULL, 0, "print JSON", 0 },
	{ 0 },
};

static unsigned long number(const char *text, unsigned long most, const struct argp_state *state)
{
	unsigned long value;
	char *end;

	errno = 0;
	value = strtoul(text, &end, 10);
	if (errno || *end || *text < '0' || *text > '9' || value > most)
		argp_failure(state, 64, 0, "'%s' is not a number up to %lu", text, most);
	return value;
}

static void take_way(struct plan *plan, const char *word, const struct argp_state *state)
{
	for (uint32_t i = 0; i < UVF_DIRECT_BYS; i++) {
		if (strcmp(word, ways[i]))
			continue;
		plan->request.direct.by = i;
		return;
	}
	argp_failure(state, 64, 0, "'%s' is no way to a queue: rule, rss, none or auto", word);
}

static void take_argument(struct plan *plan, const char *word, const struct argp_state *state)
{
	if (!plan->function) {
		if (strlen(word) >= UVF_PROTO_NAME)
			argp_failure(state, 64, 0, "'%s' is too long for a function's name", word);
		plan->function = word;
		return;
	}
	if (strcmp(word, "off") || plan->off)
		argp_failure(state, 64, 0, "'%s' is one word too many", word);
	plan->off = true;
}

static error_t on_option(int key, char *arg, struct argp_state *state)
{
	struct plan *plan = state->input;

	switch (key) {
	case 'n':
		plan->request.direct.count = number(arg, UVF_DIRECT_QUEUES, state);
		if (!plan->request.direct.count)
			argp_failure(state, 64, 0, "0 queues: `uvf lease FUNCTION off` gives back");
		return 0;
	case OPT_QUEUE:
		plan->request.direct.queues |= 1ULL << number(arg, UVF_DIRECT_QUEUES - 1, state);
		return 0;
	case 'b':
		take_way(plan, arg, state);
		return 0;
	case OPT_COPY:
		plan->request.direct.copy = 1;
		return 0;
	case 'j':
		plan->json = true;
		return 0;
	case ARGP_KEY_ARG:
		take_argument(plan, arg, state);
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp argp = {
	.options = options,
	.parser = on_option,
	.args_doc = "[FUNCTION [off]]",
	.doc = "Leases receive queues of its uplink to a function, gives them back, or shows who has "
	       "which.",
};

/* --- showing ------------------------------------------------------------------------------ */

static struct json_object *queues_json(uint64_t queues)
{
	struct json_object *array = json_object_new_array();

	for (unsigned int i = 0; i < UVF_DIRECT_QUEUES; i++)
		if (queues & 1ULL << i)
			json_object_array_add(array, json_object_new_int(i));
	return array;
}

static struct json_object *mode_json(const struct uvf_reply *lease)
{
	if (!lease->direct_on)
		return NULL;
	return json_object_new_string(lease->direct_zerocopy ? "zero-copy" : "copy");
}

static void object(const struct fact *fact, void *arg)
{
	struct json_object *object;

	if (!fact->uvfd || !fact->lease.direct_queues)
		return;
	object = json_object_new_object();
	json_object_object_add(object, "function",
			       json_object_new_string(fact->function.netdev->name));
	json_object_object_add(object, "uplink", json_object_new_string(fact->lease.uplink));
	json_object_object_add(object, "queues", queues_json(fact->lease.direct_queues));
	json_object_object_add(object, "by", json_object_new_string(
			fact->lease.direct_by < UVF_DIRECT_BYS ? ways[fact->lease.direct_by] : "?"));
	json_object_object_add(object, "mode", mode_json(&fact->lease));
	json_object_object_add(object, "on", json_object_new_boolean(fact->lease.direct_on));
	json_object_array_add(arg, object);
}

static const char *member(struct json_object *object, const char *key)
{
	return json_object_get_string(json_object_object_get(object, key));
}

static void queues_text(struct json_object *queues)
{
	size_t n = json_object_array_length(queues);

	for (size_t i = 0; i < n; i++)
		printf("%s%s", i ? "," : "",
		       json_object_get_string(json_object_array_get_idx(queues, i)));
	puts("");
}

static void table(struct json_object *array)
{
	printf("%-15s %-15s %-5s %-4s %-10s %s\n", "FUNCTION", "UPLINK", "BY", "ON", "MODE", "QUEUES");
	for (size_t i = 0; i < json_object_array_length(array); i++) {
		struct json_object *one = json_object_array_get_idx(array, i);
		bool on = json_object_get_boolean(json_object_object_get(one, "on"));

		printf("%-15s %-15s %-5s %-4s %-10s ", member(one, "function"),
		       member(one, "uplink"), member(one, "by"), on ? "yes" : "no",
		       member(one, "mode") ?: "-");
		queues_text(json_object_object_get(one, "queues"));
	}
}

static int show(const struct plan *plan)
{
	struct json_object *array;
	struct facts facts;
	struct fact fact;
	int err;

	err = facts_open(&facts, true);
	if (err)
		return fail();
	array = json_object_new_array();
	if (!plan->function)
		facts_walk(&facts, object, array);
	else if (!(err = facts_find(&facts, plan->function, &fact)))
		object(&fact, array);
	if (err)
		fail();
	else if (plan->json)
		puts(json_object_to_json_string_ext(array, JSON_C_TO_STRING_PRETTY));
	else
		table(array);
	json_object_put(array);
	facts_close(&facts);
	return err ? 1 : 0;
}

/* --- changing ----------------------------------------------------------------------------- */

static int change(struct plan *plan)
{
	struct uvf_reply reply;
	struct facts facts;
	int err;

	plan->request.version = UVF_PROTO_VERSION;
	plan->request.type = UVF_MSG_DIRECT;
	strcpy(plan->request.function, plan->function);
	err = facts_open(&facts, true);
	if (!err)
		err = uvf_proto_call(facts.uvfd, &plan->request, -1, &reply, NULL);
	facts_close(&facts);
	return err ? fail() : 0;
}

int cmd_lease(int argc, char **argv)
{
	struct plan plan = { 0 };
	bool wants;

	parse(&argp, argc, argv, &plan);
	wants = plan.request.direct.queues || plan.request.direct.count;
	if (plan.request.direct.queues && plan.request.direct.count) {
		fprintf(stderr, "uvf: lease takes --queues or --queue, not both\n");
		return 64;
	}
	if (plan.off && wants) {
		fprintf(stderr, "uvf: lease: off gives all queues back, and takes no number\n");
		return 64;
	}
	if (wants && !plan.function) {
		fprintf(stderr, "uvf: lease: to which function? `uvf list` shows those there are\n");
		return 64;
	}
	return plan.off || wants ? change(&plan) : show(&plan);
}

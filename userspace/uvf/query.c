// SPDX-License-Identifier: GPL-2.0-only
/* The commands that ask about functions by name: --json, and what they do for each. */
#include "uvf.h"

#include <json-c/json.h>
#include <stdio.h>

const struct argp_option query_options[] = {
	{ "json", 'j', NULL, 0, "print JSON", 0 },
	{ 0 },
};

error_t query_parse(int key, char *arg, struct argp_state *state)
{
	struct query *query = state->input;

	switch (key) {
	case 'j':
		query->json = true;
		return 0;
	case ARGP_KEY_ARGS:
		query->count = state->argc - state->next;
		query->names = state->argv + state->next;
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

const struct argp_option watch_options[] = {
	{ "json", 'j', NULL, 0, "print JSON", 0 },
	{ "seconds", 's', "S", 0, "watch for S seconds", 0 },
	{ 0 },
};

error_t watch_parse(int key, char *arg, struct argp_state *state)
{
	struct watch *watch = state->input;

	switch (key) {
	case 'j':
		watch->json = true;
		return 0;
	case 's':
		watch->milliseconds = seconds_parse(arg, state);
		return 0;
	case ARGP_KEY_ARG:
		if (watch->function)
			argp_failure(state, 64, 0, "one function at a time: '%s' is too much", arg);
		watch->function = arg;
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static void print(struct json_object *object, const struct query *query,
		  void (*text)(struct json_object *object))
{
	if (query->json)
		puts(json_object_to_json_string_ext(object, JSON_C_TO_STRING_PRETTY));
	else
		text(object);
	json_object_put(object);
}

int query_each(const struct argp *argp, int argc, char **argv, query_describe *describe,
	       void (*text)(struct json_object *object))
{
	struct query query = { 0 };
	struct facts facts;
	struct fact fact;
	int status = 0;

	parse(argp, argc, argv, &query);
	if (!query.count) {
		fprintf(stderr, "%s: of which function? `uvf list` shows those there are\n",
			argv[0]);
		return 64;
	}
	if (facts_open(&facts, false))
		return fail();
	for (int i = 0; i < query.count; i++) {
		if (facts_find(&facts, query.names[i], &fact))
			status = fail();
		else
			print(describe(&fact), &query, text);
	}
	facts_close(&facts);
	return status;
}

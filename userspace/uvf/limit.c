// SPDX-License-Identifier: GPL-2.0-only
/* uvf limit: how much a function may receive and send. */
#include "rule_cmd.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include <uvf/steer.h>

#include "limit.h"
#include "why.h"

/* --- what there is ------------------------------------------------------------------------ */

static struct json_object *limit_json(const struct uvf_limit_words *limit)
{
	struct json_object *object;

	if (!limit->rate && !limit->pps)
		return NULL;
	object = json_object_new_object();
	json_object_object_add(object, "rate", limit->rate ?
			       json_object_new_uint64(limit->rate) : NULL);
	json_object_object_add(object, "pps", limit->pps ?
			       json_object_new_uint64(limit->pps) : NULL);
	json_object_object_add(object, "burst", limit->burst ?
			       json_object_new_int64(limit->burst) : NULL);
	return object;
}

static void show_json(const struct uvf_reply *reply)
{
	struct json_object *object = json_object_new_object();

	for (int i = 0; i < UVF_DIRECTIONS; i++)
		json_object_object_add(object, uvf_direction_words[i],
				       limit_json(&reply->limits[i]));
	puts(json_object_to_json_string_ext(object, JSON_C_TO_STRING_PRETTY));
	json_object_put(object);
}

static void show_text(const struct uvf_reply *reply)
{
	char text[UVF_LIMIT_TEXT];

	for (int i = 0; i < UVF_DIRECTIONS; i++)
		printf("%s %s\n", uvf_direction_words[i], uvf_limit_text(&reply->limits[i], text));
}

/* --- the command -------------------------------------------------------------------------- */

static int show(const char *function, bool json)
{
	struct uvf_request request = { .type = UVF_MSG_LIMIT };
	struct uvf_reply reply;

	if (rule_call(&request, function, -1, &reply))
		return fail();
	if (json)
		show_json(&reply);
	else
		show_text(&reply);
	return 0;
}

static int set(const char *function, int direction, const struct uvf_limit_words *limit)
{
	struct uvf_request request = {
		.type = UVF_MSG_LIMIT,
		.limit = { .set = 1, .direction = direction, .words = *limit },
	};
	struct uvf_reply reply;

	return rule_call(&request, function, -1, &reply);
}

static int set_words(const struct query *query)
{
	struct uvf_limit_words limit = { 0 };
	int direction;

	if (query->count == 2 && !strcmp(query->names[1], "off")) {
		for (direction = 0; direction < UVF_DIRECTIONS; direction++)
			if (set(query->names[0], direction, &limit))
				return fail();
		return 0;
	}
	for (direction = 0; direction < UVF_DIRECTIONS; direction++)
		if (!strcmp(query->names[1], uvf_direction_words[direction]))
			break;
	if (direction == UVF_DIRECTIONS) {
		uvf_fail(EINVAL, "'%s' is not a direction: rx, tx, or off", query->names[1]);
		return fail();
	}
	if (uvf_limit_parse_words(query->count - 2, query->names + 2, &limit) ||
	    set(query->names[0], direction, &limit))
		return fail();
	return 0;
}

int cmd_limit(int argc, char **argv)
{
	static const struct argp argp = {
		.options = query_options,
		.parser = query_parse,
		.args_doc = "FUNCTION [rx|tx [rate BITS] [pps N] [burst BYTES]]\n"
			    "FUNCTION [rx|tx] off",
		.doc = "Limits what a function receives or sends in a second, or tells the limits.",
	};
	struct query query = { 0 };

	parse(&argp, argc, argv, &query);
	if (!query.count) {
		fprintf(stderr, "uvf limit: of which function? `uvf list` shows those there are\n");
		return 64;
	}
	return query.count == 1 ? show(query.names[0], query.json) : set_words(&query);
}

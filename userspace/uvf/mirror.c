// SPDX-License-Identifier: GPL-2.0-only
/* uvf mirror: copies of a function's frames for another function. */
#include "rule_cmd.h"

#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "limit.h"

/* The words behind the function's name. */
static int parse_words(int argc, char **argv, struct uvf_request *request)
{
	struct uvf_mirror_words mirror;
	int err;

	if (!argc)
		return 0;
	request->mirror.set = 1;
	err = uvf_mirror_parse_words(argc, argv, &mirror);
	strcpy(request->mirror.to, mirror.to);
	request->mirror.flags = mirror.flags;
	return err;
}

static void show_json(const struct uvf_reply *reply)
{
	const char *direction = uvf_mirror_direction(reply->mirror_flags);
	struct json_object *object = json_object_new_object();

	json_object_object_add(object, "to", *reply->mirror ?
			       json_object_new_string(reply->mirror) : NULL);
	json_object_object_add(object, "direction", *reply->mirror ?
			       json_object_new_string(direction) : NULL);
	puts(json_object_to_json_string_ext(object, JSON_C_TO_STRING_PRETTY));
	json_object_put(object);
}

int cmd_mirror(int argc, char **argv)
{
	static const struct argp argp = {
		.options = query_options,
		.parser = query_parse,
		.args_doc = "FUNCTION [to FUNCTION [rx|tx|both]]\nFUNCTION off",
		.doc = "Copies what a function receives or sends to another function, or tells "
		       "whether that is so.",
	};
	struct uvf_request request = { .type = UVF_MSG_MIRROR };
	struct uvf_reply reply;
	struct query query = { 0 };

	parse(&argp, argc, argv, &query);
	if (!query.count) {
		fprintf(stderr, "uvf mirror: of which function? `uvf list` shows those there are\n");
		return 64;
	}
	if (parse_words(query.count - 1, query.names + 1, &request) ||
	    rule_call(&request, query.names[0], -1, &reply))
		return fail();
	if (request.mirror.set)
		return 0;
	if (query.json)
		show_json(&reply);
	else if (*reply.mirror)
		printf("to %s %s\n", reply.mirror, uvf_mirror_direction(reply.mirror_flags));
	else
		puts("off");
	return 0;
}

// SPDX-License-Identifier: GPL-2.0-only
/* uvf redirect: another function gets a function's frames. */
#include "rule_cmd.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "why.h"

/* The words behind the function's name. */
static int parse_words(int argc, char **argv, struct uvf_request *request)
{
	if (!argc)
		return 0;
	request->redirect.set = 1;
	if (argc == 1 && !strcmp(argv[0], "off"))
		return 0;
	if (argc == 2 && !strcmp(argv[0], "standby"))
		request->redirect.flags = UVF_REDIRECT_STANDBY;
	else if (argc != 2 || strcmp(argv[0], "to"))
		return uvf_fail(EINVAL, "'%s' is no redirect: it is 'to FUNCTION', 'standby "
					"FUNCTION', or 'off'", argv[0]);
	if (!*argv[1] || strlen(argv[1]) >= sizeof(request->redirect.to))
		return uvf_fail(EINVAL, "'%s' is no function's name", argv[1]);
	strcpy(request->redirect.to, argv[1]);
	return 0;
}

static void show_json(const struct uvf_reply *reply)
{
	struct json_object *object = json_object_new_object();
	bool standby = reply->redirect_flags & UVF_REDIRECT_STANDBY;

	json_object_object_add(object, "to", *reply->redirect && !standby ?
			       json_object_new_string(reply->redirect) : NULL);
	json_object_object_add(object, "standby", standby ?
			       json_object_new_string(reply->redirect) : NULL);
	puts(json_object_to_json_string_ext(object, JSON_C_TO_STRING_PRETTY));
	json_object_put(object);
}

int cmd_redirect(int argc, char **argv)
{
	static const struct argp argp = {
		.options = query_options,
		.parser = query_parse,
		.args_doc = "FUNCTION [to FUNCTION]\nFUNCTION standby FUNCTION\nFUNCTION off",
		.doc = "Gives the frames that are for a function to another one of its uplink, from one "
		       "frame to the next; or lets the appliance of that one say when; or tells whether "
		       "that is so.",
	};
	struct uvf_request request = { .type = UVF_MSG_REDIRECT };
	struct uvf_reply reply;
	struct query query = { 0 };

	parse(&argp, argc, argv, &query);
	if (!query.count) {
		fprintf(stderr, "uvf redirect: which function's frames? `uvf list` shows those there "
				"are\n");
		return 64;
	}
	if (parse_words(query.count - 1, query.names + 1, &request) ||
	    rule_call(&request, query.names[0], -1, &reply))
		return fail();
	if (request.redirect.set)
		return 0;
	if (query.json)
		show_json(&reply);
	else if (*reply.redirect)
		printf("%s %s\n", reply.redirect_flags & UVF_REDIRECT_STANDBY ? "standby" : "to",
		       reply.redirect);
	else
		puts("off");
	return 0;
}

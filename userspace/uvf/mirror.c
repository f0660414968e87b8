// SPDX-License-Identifier: GPL-2.0-only
/* uvf mirror: copies of a function's frames for another function. */
#include "rule_cmd.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include <uvf/steer.h>

#include "why.h"

static const char *const directions[] = { "off", "rx", "tx", "both" };

_Static_assert((UVF_MIRROR_RX | UVF_MIRROR_TX) + 1 == sizeof(directions) / sizeof(directions[0]),
	       "a word for each");

static int parse_direction(const char *word, uint32_t *flags)
{
	for (uint32_t i = 1; i < sizeof(directions) / sizeof(directions[0]); i++) {
		if (strcmp(word, directions[i]))
			continue;
		*flags = i;
		return 0;
	}
	return uvf_fail(EINVAL, "'%s' is not a direction: rx, tx or both", word);
}

/* The words behind the function's name. */
static int parse_words(int argc, char **argv, struct uvf_request *request)
{
	if (!argc)
		return 0;
	request->mirror.set = 1;
	if (argc == 1 && !strcmp(argv[0], "off"))
		return 0;
	if (argc < 2 || argc > 3 || strcmp(argv[0], "to"))
		return uvf_fail(EINVAL, "say where to: `to FUNCTION [rx|tx|both]`, or off");
	if (strlen(argv[1]) >= sizeof(request->mirror.to))
		return uvf_fail(EINVAL, "'%s' can't name a function: 15 characters at most", argv[1]);
	strcpy(request->mirror.to, argv[1]);
	return parse_direction(argc == 3 ? argv[2] : "both", &request->mirror.flags);
}

static void show_json(const struct uvf_reply *reply)
{
	struct json_object *object = json_object_new_object();

	json_object_object_add(object, "to", *reply->mirror ?
			       json_object_new_string(reply->mirror) : NULL);
	json_object_object_add(object, "direction", *reply->mirror ?
			       json_object_new_string(directions[reply->mirror_flags & 3]) : NULL);
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
		printf("to %s %s\n", reply.mirror, directions[reply.mirror_flags & 3]);
	else
		puts("off");
	return 0;
}

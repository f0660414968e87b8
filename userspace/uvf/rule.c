// SPDX-License-Identifier: GPL-2.0-only
/* uvf rule: which frames a function gets besides those addressed to it. */
#include "rule_cmd.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <uvf/libuvf.h>

#include "rule.h"
#include "why.h"

int rule_call(struct uvf_request *request, const char *function, int fd, struct uvf_reply *reply)
{
	int sock = reach_uvfd(), err;

	if (sock < 0)
		return sock;
	request->version = UVF_PROTO_VERSION;
	if (strlen(function) >= sizeof(request->function))
		err = uvf_fail(EINVAL, "'%s' can't name a link: 15 characters at most", function);
	else {
		strcpy(request->function, function);
		err = uvf_proto_call(sock, request, fd, reply, NULL);
	}
	close(sock);
	return err;
}

int rule_words(int argc, char **argv, char *text)
{
	size_t length = 0;

	*text = '\0';
	for (int i = 0; i < argc; i++) {
		length += strlen(argv[i]) + 1;
		if (length >= UVF_PROTO_TEXT)
			return uvf_fail(EINVAL, "a rule is %d characters long at most",
					UVF_PROTO_TEXT - 1);
		if (i)
			strcat(text, " ");
		strcat(text, argv[i]);
	}
	return 0;
}

/* --- add ---------------------------------------------------------------------------------- */

struct add {
	const char *from;
	bool json;
	int count;
	char *words[RULE_WORDS]; /* the function, then the rule */
};

static error_t add_option(int key, char *arg, struct argp_state *state)
{
	struct add *add = state->input;

	switch (key) {
	case 'f':
		add->from = arg;
		return 0;
	case ARGP_KEY_ARG:
		/* Options may stand between the words. */
		if (add->count == RULE_WORDS)
			argp_failure(state, 64, 0, "'%s' is too much for a rule", arg);
		add->words[add->count++] = arg;
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

/* Into a memfd: uvfd is to read what there is, and not to wait for more. */
static int slurp(const char *path)
{
	FILE *from = strcmp(path, "-") ? fopen(path, "re") : stdin;
	int memory = memfd_create("rules", MFD_CLOEXEC);
	char bytes[65536];
	size_t got;

	if (!from || memory < 0)
		return uvf_fail(errno, "can't read %s: %s", path, strerror(errno));
	while ((got = fread(bytes, 1, sizeof(bytes), from)))
		if (write(memory, bytes, got) != (ssize_t)got)
			return uvf_fail(errno, "can't copy %s: %s", path, strerror(errno));
	if (ferror(from))
		return uvf_fail(EIO, "can't read %s", path);
	if (from != stdin)
		fclose(from);
	return memory;
}

static int add_rules(struct add *add)
{
	struct uvf_request request = { .type = UVF_MSG_RULE_ADD };
	struct uvf_reply reply;
	struct uvf_rule rule;
	int memory = -1;

	if (add->from) {
		memory = slurp(add->from);
		if (memory < 0)
			return fail();
	} else if (rule_words(add->count - 1, add->words + 1, request.rule.text) ||
		   uvf_rule_parse(request.rule.text, &rule)) {
		return fail();
	}
	if (rule_call(&request, add->words[0], memory, &reply))
		return fail();
	if (add->from)
		printf("%u\n", reply.rules);
	else
		printf("%u\n", reply.rule);
	return 0;
}

static int cmd_rule_add(int argc, char **argv)
{
	static const struct argp_option options[] = {
		{ "from", 'f', "FILE", 0, "a rule in each line of FILE (-: standard input), all of "
					  "them or none", 0 },
		{ 0 },
	};
	static const struct argp argp = {
		.options = options,
		.parser = add_option,
		.args_doc = "FUNCTION [prio N] [src PREFIX] [dst PREFIX] [proto P] [sport A[-B]] "
			    "[dport A[-B]] [vlan N|none] [action accept|drop|pass]",
		.doc = "Gives frames to a function whatever their address, and prints the rule's id.",
	};
	struct add add = { 0 };

	parse(&argp, argc, argv, &add);
	if (!add.count || (add.from && add.count > 1)) {
		fprintf(stderr, "uvf rule add: name one function, and a rule or --from\n");
		return 64;
	}
	return add_rules(&add);
}

/* --- del ---------------------------------------------------------------------------------- */

static int cmd_rule_del(int argc, char **argv)
{
	static const struct argp argp = {
		.parser = query_parse,
		.args_doc = "FUNCTION ID|RULE|all",
		.doc = "Takes a rule from a function, or all.",
	};
	struct uvf_request request = { .type = UVF_MSG_RULE_DEL };
	struct uvf_reply reply;
	struct query query = { 0 };

	parse(&argp, argc, argv, &query);
	if (query.count < 2) {
		fprintf(stderr, "uvf rule del: name a function, and a rule by its id or its words, "
				"or all\n");
		return 64;
	}
	if (rule_words(query.count - 1, query.names + 1, request.rule.text) ||
	    rule_call(&request, query.names[0], -1, &reply))
		return fail();
	return 0;
}

/* --- list --------------------------------------------------------------------------------- */

static struct json_object *rule_json(const struct uvf_reply *reply)
{
	struct json_object *object = json_object_new_object();

	json_object_object_add(object, "id", json_object_new_int64(reply->rule));
	json_object_object_add(object, "function", json_object_new_string(reply->function));
	json_object_object_add(object, "rule", json_object_new_string(reply->text));
	json_object_object_add(object, "frames", json_object_new_uint64(reply->hits));
	return object;
}

static void rule_line(const struct uvf_reply *reply)
{
	printf("%-6u %-15s %12llu  %s\n", reply->rule, reply->function,
	       (unsigned long long)reply->hits, reply->text);
}

/* -ENOENT at the end, as uvfd says it. */
static int list_rules(int sock, const char *function, struct json_object *array)
{
	struct uvf_request request = { .version = UVF_PROTO_VERSION, .type = UVF_MSG_RULE_LIST };
	struct uvf_reply reply;
	int err;

	snprintf(request.function, sizeof(request.function), "%s", function ?: "");
	while (!(err = uvf_proto_call(sock, &request, -1, &reply, NULL))) {
		if (array)
			json_object_array_add(array, rule_json(&reply));
		else
			rule_line(&reply);
		request.rule.after = reply.rule;
	}
	return err;
}

static int cmd_rule_list(int argc, char **argv)
{
	static const struct argp argp = {
		.options = query_options,
		.parser = query_parse,
		.args_doc = "[FUNCTION]",
		.doc = "Lists the rules of a function, or of all, and how many frames each took.",
	};
	struct json_object *array = NULL;
	struct query query = { 0 };
	int sock, err;

	parse(&argp, argc, argv, &query);
	if (query.count > 1) {
		fprintf(stderr, "uvf rule list: one function, or none for all\n");
		return 64;
	}
	sock = reach_uvfd();
	if (sock < 0)
		return fail();
	if (query.json)
		array = json_object_new_array();
	else
		printf("%-6s %-15s %12s  %s\n", "ID", "FUNCTION", "FRAMES", "RULE");
	err = list_rules(sock, query.count ? query.names[0] : NULL, array);
	close(sock);
	if (query.json)
		puts(json_object_to_json_string_ext(array, JSON_C_TO_STRING_PRETTY));
	json_object_put(array);
	return err == -ENOENT ? 0 : fail();
}

/* --- which -------------------------------------------------------------------------------- */

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
} commands[] = {
	{ "add", cmd_rule_add },
	{ "del", cmd_rule_del },
	{ "list", cmd_rule_list },
	{ "test", cmd_rule_test },
};

int cmd_rule(int argc, char **argv)
{
	char name[32];

	for (unsigned int i = 0; argc > 1 && i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strcmp(argv[1], commands[i].name))
			continue;
		snprintf(name, sizeof(name), "uvf rule %s", commands[i].name);
		argv[1] = name;
		return commands[i].run(argc - 1, argv + 1);
	}
	fprintf(stderr, "uvf rule: add, del, list or test, and --help after it\n");
	return 64;
}

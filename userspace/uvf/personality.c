// SPDX-License-Identifier: GPL-2.0-only
/* uvf personality: what a virtual NIC can be. Which there are, and whether one is sound. */
#include "personality.h"

#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "../nic/personality.h"
#include "why.h"

/* --- arguments -------------------------------------------------------------------------------- */

static const struct argp_option options[] = {
	{ "json", 'j', NULL, 0, "Print JSON", 0 },
	{ 0 },
};

struct limits {
	struct personality_query *query;
	int least, most;
};

static error_t on_option(int key, char *arg, struct argp_state *state)
{
	struct limits *limits = state->input;

	switch (key) {
	case 'j':
		limits->query->json = true;
		return 0;
	case ARGP_KEY_ARGS:
		limits->query->names = state->argv + state->next;
		limits->query->count = state->argc - state->next;
		if (limits->query->count > limits->most)
			argp_failure(state, 64, 0, "'%s' is too much",
				     limits->query->names[limits->most]);
		return 0;
	case ARGP_KEY_END:
		if (limits->query->count < limits->least)
			argp_failure(state, 64, 0, "which personality? `uvf personality list` shows "
						   "those there are");
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

void personality_parse(struct personality_query *query, int argc, char **argv, const char *args,
		       const char *doc, int least, int most)
{
	const struct argp argp = { options, on_option, args, doc, NULL, NULL, NULL };
	struct limits limits = { query, least, most };

	parse(&argp, argc, argv, &limits);
}

void personality_complain(const struct complaints *complaints)
{
	for (unsigned int i = 0; i < complaints->n && i < COMPLAINTS; i++) {
		if (complaints->each[i].line)
			fprintf(stderr, "%s:%d: %s\n", complaints->path, complaints->each[i].line,
				complaints->each[i].text);
		else
			fprintf(stderr, "%s: %s\n", complaints->path, complaints->each[i].text);
	}
	if (complaints->n > COMPLAINTS)
		fprintf(stderr, "%s: and %u more\n", complaints->path, complaints->n - COMPLAINTS);
}

/* --- list ------------------------------------------------------------------------------------- */

static const char *made_of(const struct personality *personality)
{
	if (personality->module)
		return personality->script ? "XML, Lua, object" : "XML, object";
	return personality->script ? "XML, Lua" : "XML";
}

static struct json_object *entry_json(const char *name, const char *path,
				      const struct personality *personality, const char *why)
{
	struct json_object *object = json_object_new_object();

	json_object_object_add(object, "name", json_object_new_string(name));
	json_object_object_add(object, "path", json_object_new_string(path));
	json_object_object_add(object, "sound", json_object_new_boolean(!!personality));
	if (personality) {
		json_object_object_add(object, "made_of",
				       json_object_new_string(made_of(personality)));
		json_object_object_add(object, "text",
				       json_object_new_string(personality->model->text));
	} else {
		json_object_object_add(object, "why", json_object_new_string(why));
	}
	return object;
}

static void list_each(const char *name, const char *path, void *arg)
{
	struct complaints complaints = { .path = path };
	struct personality *personality = personality_load(path, &complaints);
	struct json_object *array = arg;

	if (!personality)
		complaints_result(&complaints);
	if (array)
		json_object_array_add(array, entry_json(name, path, personality, uvf_why()));
	else if (personality)
		printf("%-15s %-17s %s\n%-15s %s\n", name, made_of(personality), path, "",
		       personality->model->text);
	else
		printf("%-15s %-17s %s\n%-15s %s\n", name, "unsound", path, "", uvf_why());
	personality_free(personality);
}

static int personality_list(int argc, char **argv)
{
	struct personality_query query = { 0 };
	struct json_object *array;

	personality_parse(&query, argc, argv, "", "Lists the personalities that are installed, what "
			  "they are made of, and where they are.", 0, 0);
	if (!query.json) {
		personality_walk(list_each, NULL);
		return 0;
	}
	array = json_object_new_array();
	personality_walk(list_each, array);
	puts(json_object_to_json_string_ext(array, JSON_C_TO_STRING_PRETTY));
	json_object_put(array);
	return 0;
}

/* --- check ------------------------------------------------------------------------------------ */

static int check_one(const char *name)
{
	struct complaints complaints = { 0 };
	struct personality *personality = personality_load(name, &complaints);

	if (!personality) {
		personality_complain(&complaints);
		return 1;
	}
	printf("%s: sound (%s): %u registers, %u rings\n", name, made_of(personality),
	       personality->model->registers, personality->model->rings);
	personality_free(personality);
	return 0;
}

static int personality_check(int argc, char **argv)
{
	struct personality_query query = { 0 };
	int status = 0;

	personality_parse(&query, argc, argv, "PERSONALITY...", "Checks personalities, by name or by "
			  "path (with a '/'): the schema, overlaps, what does not fit, and the "
			  "script or shared object that belongs to it.", 1, 1000);
	for (int i = 0; i < query.count; i++)
		status |= check_one(query.names[i]);
	return status;
}

/* --- which ------------------------------------------------------------------------------------ */

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
} commands[] = {
	{ "list", personality_list },
	{ "check", personality_check },
	{ "show", personality_show },
	{ "test", personality_test },
};

int cmd_personality(int argc, char **argv)
{
	char name[32];

	for (unsigned int i = 0; argc > 1 && i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strcmp(argv[1], commands[i].name))
			continue;
		snprintf(name, sizeof(name), "uvf personality %s", commands[i].name);
		argv[1] = name;
		return commands[i].run(argc - 1, argv + 1);
	}
	if (argc > 1 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-?"))) {
		puts("Usage: uvf personality list|check|show|test [OPTION...] [PERSONALITY...]\n"
		     "What a virtual NIC can be to its guest. `--help` behind one of them tells more; "
		     "uvf-personality(5) tells how they are written.\n\n"
		     "  -j, --json    with list and show: print JSON");
		return 0;
	}
	fprintf(stderr, "uvf personality: list, check, show or test, and --help after it\n");
	return 64;
}

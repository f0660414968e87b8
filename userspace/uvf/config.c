// SPDX-License-Identifier: GPL-2.0-only
/* uvf config: what /etc/uvf/uvf.conf says is checked, or brought about. */
#include "config_apply.h"

#include <stdio.h>
#include <string.h>

struct plan {
	const char *file;
	bool dry;
};

static error_t on_option(int key, char *arg, struct argp_state *state)
{
	struct plan *plan = state->input;

	switch (key) {
	case 'n':
		plan->dry = true;
		return 0;
	case ARGP_KEY_ARG:
		if (plan->file)
			argp_failure(state, 64, 0, "one file at a time: '%s' is too much", arg);
		plan->file = arg;
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static int check(int argc, char **argv)
{
	static const struct argp argp = {
		.parser = on_option,
		.args_doc = "[FILE]",
		.doc = "Checks a configuration, by default " UVF_CONFIG ", and changes nothing.",
	};
	struct plan plan = { 0 };
	struct config config;
	int err;

	parse(&argp, argc, argv, &plan);
	err = config_read(&config, plan.file ?: UVF_CONFIG);
	if (!err)
		printf("%u functions, %u appliances\n", config.nr_functions, config.nr_appliances);
	config_free(&config);
	return err ? fail() : 0;
}

static int apply_config(const struct config *config, bool dry)
{
	struct apply apply = { .dry = dry };
	int err = facts_open(&apply.facts, false);

	if (!err)
		err = apply_check(&apply, config);
	if (!err)
		err = apply_all(&apply, config);
	if (!err && !apply.changes)
		puts("nothing to change");
	facts_close(&apply.facts);
	return err;
}

static int apply(int argc, char **argv)
{
	static const struct argp_option options[] = {
		{ "dry-run", 'n', NULL, 0, "tell what would change, and change nothing", 0 },
		{ 0 },
	};
	static const struct argp argp = {
		.options = options,
		.parser = on_option,
		.args_doc = "[FILE]",
		.doc = "Makes and sets functions as a configuration says, by default " UVF_CONFIG
		       ", and tells what it changes. Functions that it does not name stay as they "
		       "are.",
	};
	struct plan plan = { 0 };
	struct config config;
	int err;

	parse(&argp, argc, argv, &plan);
	setvbuf(stdout, NULL, _IOLBF, 0);
	err = config_read(&config, plan.file ?: UVF_CONFIG);
	if (!err)
		err = apply_config(&config, plan.dry);
	config_free(&config);
	return err ? fail() : 0;
}

static int show(int argc, char **argv)
{
	static const struct argp argp = {
		.doc = "Prints the functions that there are as a configuration would say them.",
	};

	parse(&argp, argc, argv, NULL);
	return config_show() ? fail() : 0;
}

int cmd_config(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*run)(int argc, char **argv);
	} commands[] = { { "check", check }, { "apply", apply }, { "show", show } };
	char name[32];

	for (unsigned int i = 0; argc > 1 && i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strcmp(argv[1], commands[i].name))
			continue;
		snprintf(name, sizeof(name), "uvf config %s", argv[1]);
		argv[1] = name;
		return commands[i].run(argc - 1, argv + 1);
	}
	fprintf(stderr, "uvf config: check, apply or show, and --help after it\n");
	return 64;
}

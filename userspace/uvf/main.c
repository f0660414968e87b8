// SPDX-License-Identifier: GPL-2.0-only
/* uvf: which command? */
#include "uvf.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "why.h"

const char *argp_program_version = "uvf " UVF_VERSION;

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *text;
} commands[] = {
	{ "add", cmd_add, "make a function on an uplink" },
	{ "del", cmd_del, "remove functions" },
	{ "list", cmd_list, "list the functions" },
	{ "show", cmd_show, "show all that is known of a function" },
	{ "stats", cmd_stats, "show what a function received, sent and dropped" },
	{ "top", cmd_top, "show live what functions receive, send and drop" },
	{ "capture", cmd_capture, "capture a function's frames at named points" },
	{ "latency", cmd_latency, "show how long frames take from uplink to function" },
	{ "doctor", cmd_doctor, "tell why a function receives nothing, and what to do" },
	{ "lease", cmd_lease, "lease receive queues of an uplink to a function" },
	{ "config", cmd_config, "check or apply /etc/uvf/uvf.conf" },
	{ "metrics", cmd_metrics, "print or serve all counters as OpenMetrics" },
	{ "events", cmd_events, "tell of functions that come, change and go, and of leases" },
	{ "monitor", cmd_events, "the older name of events" },
	{ "release", cmd_release, "give back what a dead appliance left" },
	{ "limit", cmd_limit, "limit the rate of what a function receives or sends" },
	{ "mirror", cmd_mirror, "copy a function's frames to another function" },
	{ "redirect", cmd_redirect, "give a function's frames to another function" },
	{ "rule", cmd_rule, "give frames to a function by what is in them" },
	{ "front", cmd_front, "present a function to a virtual machine or to DPDK" },
	{ "personality", cmd_personality, "check, show and try what a virtual NIC can be" },
	{ "vm", cmd_vm, "start a virtual machine on a function" },
	{ "run", cmd_run, "start an appliance on its functions, unprivileged" },
	{ "cni", cmd_cni, "serve functions to DPDK in a container" },
};

#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static void help(FILE *to)
{
	fprintf(to, "Usage: uvf COMMAND [OPTION...]\n"
		    "User-space virtual functions for any network card.\n\n");
	for (unsigned int i = 0; i < COMMANDS; i++)
		fprintf(to, "  %-12s%s\n", commands[i].name, commands[i].text);
	fprintf(to, "\n`uvf COMMAND --help` tells of one command, uvf(8) of all.\n");
}

int must_be_root(const char *command, const char *reason)
{
	if (!geteuid())
		return 0;
	return uvf_fail(EPERM, "`%s` needs root: %s", command, reason);
}

unsigned int seconds_parse(const char *arg, struct argp_state *state)
{
	char *end;
	double seconds = strtod(arg, &end);

	if (end == arg || *end || !(seconds >= 0.1 && seconds <= 86400))
		argp_failure(state, 64, 0, "'%s' is not a number of seconds: 0.1 to 86400", arg);
	return seconds * 1000;
}

int main(int argc, char **argv)
{
	char name[32];

	if (argc < 2) {
		help(stderr);
		return 64;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-?") || !strcmp(argv[1], "help")) {
		help(stdout);
		return 0;
	}
	if (!strcmp(argv[1], "--version") || !strcmp(argv[1], "-V")) {
		puts(argp_program_version);
		return 0;
	}
	for (unsigned int i = 0; i < COMMANDS; i++) {
		if (strcmp(argv[1], commands[i].name))
			continue;
		snprintf(name, sizeof(name), "uvf %s", commands[i].name);
		argv[1] = name;
		return commands[i].run(argc - 1, argv + 1);
	}
	fprintf(stderr, "uvf: '%s' is not a command: `uvf --help` lists them\n", argv[1]);
	return 64;
}

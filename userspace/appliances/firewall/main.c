// SPDX-License-Identifier: GPL-2.0-only
/*
 * firewall - an appliance that routes and filters IPv4 between its functions
 *
 *	rules file -> ports -> sandbox -> loop
 *
 * Everything that can be refused is refused before the first function is leased; everything
 * that needs the kernel's favour happens before the sandbox closes.
 */
#include <argp.h>
#include <arpa/inet.h>
#include <err.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "port.h"
#include "sandbox.h"

#define EXIT_USAGE 2
#define TICK_MS	   1000

/* argp looks for it, and all else is hidden. */
__attribute__((visibility("default"))) const char *argp_program_version = "firewall (uvf) " UVF_VERSION;

struct options {
	const char *rules;
	const char *stats;
	bool check;
};

static volatile sig_atomic_t stop, report;

static void on_signal(int signal)
{
	if (signal == SIGUSR1)
		report = 1;
	else
		stop = 1;
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct options *options = state->input;

	switch (key) {
	case 'c':
		options->check = true;
		return 0;
	case 's':
		options->stats = arg;
		return 0;
	case ARGP_KEY_ARG:
		if (options->rules)
			argp_error(state, "one rules file is enough, and '%s' is a second one",
				   arg);
		options->rules = arg;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "name the rules file, see uvf-firewall(8)");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option option_list[] = {
	{ "check", 'c', NULL, 0, "Only say whether RULES is correct", 0 },
	{ "stats", 's', "FILE", 0,
	  "Write statistics there, not to standard output: a line of JSON at each SIGUSR1 and one "
	  "at the end",
	  0 },
	{ 0 },
};

static const struct argp argp = {
	.options = option_list,
	.parser = parse_option,
	.args_doc = "RULES",
	.doc = "Route and filter IPv4 between the functions that RULES names.",
};

static void catch_signals(void)
{
	static const int caught[] = { SIGTERM, SIGINT, SIGUSR1 };
	struct sigaction action = { .sa_handler = on_signal };

	for (size_t i = 0; i < sizeof(caught) / sizeof(*caught); i++)
		sigaction(caught[i], &action, NULL);
	signal(SIGPIPE, SIG_IGN);
}

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	return now.tv_sec * 1000ull + now.tv_nsec / 1000000;
}

static void write_stats(struct fw *fw, int fd)
{
	char *text;

	ports_read_stats(fw);
	text = stats_json(fw);
	if (!text || dprintf(fd, "%s\n", text) < 0)
		warn("cannot write statistics");
	free(text);
}

static void announce(const struct fw *fw)
{
	const struct config *config = fw->config;

	fprintf(stderr, "firewall: ready on");
	for (unsigned int i = 0; i < config->ports; i++) {
		struct in_addr addr = { .s_addr = htonl(config->port[i].addr) };

		fprintf(stderr, "%s %s (%s/%u)", i ? "," : "", config->port[i].name,
			inet_ntoa(addr), config->port[i].prefix);
	}
	fprintf(stderr, ", %u rules\n", config->rules);
}

/* Until a signal ends it: 0, or until a port is lost: -1. */
static int loop(struct fw *fw, int stats)
{
	uint64_t tick = now_ms() + TICK_MS;
	int err = 0;

	while (!stop && !err) {
		fw->now = now_ms();
		if (fw->now >= tick) {
			fw_tick(fw);
			ports_flush(fw);
			tick = fw->now + TICK_MS;
		}
		if (report) {
			report = 0;
			write_stats(fw, stats);
		}
		if (!ports_poll(fw))
			err = ports_wait(tick - fw->now);
	}
	return err;
}

static int open_stats(const char *path)
{
	int fd = path ? open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644) : STDOUT_FILENO;

	if (fd < 0)
		warn("%s: cannot write statistics there", path);
	return fd;
}

static int run(struct fw *fw, const char *stats_path)
{
	int stats, err;

	if (ports_open(fw))
		return -1;
	stats = open_stats(stats_path);
	if (stats < 0)
		return -1;
	/* Once in vain: json-c seeds its hash from a file that the sandbox would deny. */
	free(stats_json(fw));
	if (sandbox_enter())
		return -1;
	fw->now = now_ms();
	fw_start(fw);
	ports_flush(fw);
	announce(fw);
	err = loop(fw, stats);
	write_stats(fw, stats);
	return err;
}

static int start(const struct config *config, const struct options *options)
{
	struct fw *fw = calloc(1, sizeof(*fw)); /* half a megabyte of tables */
	uint32_t seed;
	int err = -1;

	if (!fw || getrandom(&seed, sizeof(seed), 0) != sizeof(seed))
		warn("cannot begin");
	else if (fw_init(fw, config, seed))
		warnx("out of memory");
	else
		err = run(fw, options->stats);
	ports_close();
	if (fw)
		fw_free(fw);
	free(fw);
	return err ? EXIT_FAILURE : EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	struct options options = { 0 };
	struct config config;
	int status = EXIT_USAGE;

	argp_err_exit_status = EXIT_USAGE;
	argp_parse(&argp, argc, argv, 0, NULL, &options);
	if (config_load(&config, options.rules) || rules_compile(&config)) {
		fprintf(stderr, "%s\n", config.error);
	} else if (options.check) {
		status = EXIT_SUCCESS;
	} else {
		if (!geteuid())
			warnx("runs as root, which it has no need of");
		catch_signals();
		status = start(&config, &options);
	}
	config_free(&config);
	return status;
}

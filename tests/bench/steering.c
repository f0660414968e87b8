// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the steering program costs a frame, in nanoseconds, while functions become more:
 *
 *	steering [--rounds N] [--json]
 *
 * The program is the one that uvfd loads. The kernel runs it on one frame again and again
 * (BPF_PROG_TEST_RUN), which is no network: what is measured is the program with its look-ups.
 * In each round every number of functions has its turn, odd rounds from few to many, even rounds
 * from many to few.
 */
#include <uvf/steer.h>

#include "steer.skel.h"

#include <argp.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>

/* A call waits for an RCU grace period: a few long ones. */
#define CALLS 8
#define FRAMES 50000 /* in a call */
#define MAX_ROUNDS 1000

static const unsigned int numbers[] = { 1, 64, 1024, 4096 };
#define NR_NUMBERS (sizeof(numbers) / sizeof(numbers[0]))

struct job {
	const char *name;
	bool ours; /* addressed to a function */
	unsigned int verdict;
	double ns[NR_NUMBERS][MAX_ROUNDS];
};

static struct job jobs[] = {
	{ .name = "to a function", .ours = true, .verdict = XDP_REDIRECT },
	{ .name = "to the host", .verdict = XDP_PASS },
};
#define NR_JOBS (sizeof(jobs) / sizeof(jobs[0]))

struct plan {
	unsigned int rounds;
	bool json;
};

static void __attribute__((noreturn)) die(const char *what)
{
	fprintf(stderr, "steering: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* --- the map ------------------------------------------------------------------------------ */

/* Locally administered, and spread as real ones are not: the hash is to make no difference. */
static void address_of(unsigned int i, bool ours, __u8 *mac)
{
	memcpy(mac, (__u8[]){ ours ? 2 : 6, 0, 0, 0, i >> 8, i }, ETH_ALEN);
}

static void set_functions(struct steer_bpf *steer, unsigned int from, unsigned int to)
{
	int stations = bpf_map__fd(steer->maps.stations), ports = bpf_map__fd(steer->maps.ports);
	__u32 port = if_nametoindex("lo"), slot;

	for (slot = from; slot < to; slot++) {
		struct uvf_station_key key = { .vlan = UVF_VLAN_ANY };
		struct uvf_station station = { .slot = slot };

		address_of(slot, true, key.mac);
		if (bpf_map_update_elem(ports, &slot, &port, BPF_ANY) ||
		    bpf_map_update_elem(stations, &key, &station, BPF_ANY))
			die("a function is not taken");
	}
	for (slot = to; slot < from; slot++) {
		struct uvf_station_key key = { .vlan = UVF_VLAN_ANY };

		address_of(slot, true, key.mac);
		if (bpf_map_delete_elem(stations, &key))
			die("a function can't be removed");
	}
}

/* --- measuring ---------------------------------------------------------------------------- */

static double run(int program, const struct job *job, unsigned int functions)
{
	__u8 frame[ETH_ZLEN] = {};
	struct ethhdr *eth = (void *)frame;
	double sum = 0;
	unsigned int i;

	eth->h_proto = __builtin_bswap16(ETH_P_IP);
	for (i = 0; i < CALLS; i++) {
		DECLARE_LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame,
				    .data_size_in = sizeof(frame), .repeat = FRAMES);

		/* Another function for each call, in no order. */
		address_of(i * 2741 % functions, job->ours, eth->h_dest);
		if (bpf_prog_test_run_opts(program, &opts))
			die("the kernel does not run the program");
		if (opts.retval != job->verdict) {
			errno = EPROTO;
			die("a frame went astray");
		}
		sum += opts.duration;
	}
	return sum / CALLS;
}

static void measure(struct steer_bpf *steer, unsigned int rounds)
{
	int program = bpf_program__fd(steer->progs.uvf_steer);
	unsigned int round, i, j, at, now = 0;

	for (round = 0; round < rounds; round++)
		for (i = 0; i < NR_NUMBERS; i++) {
			at = round % 2 ? NR_NUMBERS - 1 - i : i;
			set_functions(steer, now, numbers[at]);
			now = numbers[at];
			for (j = 0; j < NR_JOBS; j++)
				jobs[j].ns[at][round] = run(program, &jobs[j], now);
		}
}

/* --- telling ------------------------------------------------------------------------------ */

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void tell_json(unsigned int rounds)
{
	unsigned int i, j;

	printf("[");
	for (j = 0; j < NR_JOBS; j++)
		for (i = 0; i < NR_NUMBERS; i++)
			printf("%s\n  { \"job\": \"%s\", \"functions\": %u, \"ns\": %.1f, \"min\": %.1f, \"max\": %.1f }",
			       i + j ? "," : "", jobs[j].name, numbers[i],
			       jobs[j].ns[i][rounds / 2], jobs[j].ns[i][0],
			       jobs[j].ns[i][rounds - 1]);
	printf("\n]\n");
}

static void tell_table(unsigned int rounds)
{
	unsigned int i, j;

	printf("ns a frame     functions  median    min    max  beside 1\n");
	for (j = 0; j < NR_JOBS; j++)
		for (i = 0; i < NR_NUMBERS; i++)
			printf("%-13s  %9u  %6.1f %6.1f %6.1f  %8.2f\n", jobs[j].name, numbers[i],
			       jobs[j].ns[i][rounds / 2], jobs[j].ns[i][0],
			       jobs[j].ns[i][rounds - 1],
			       jobs[j].ns[i][rounds / 2] / jobs[j].ns[0][rounds / 2]);
}

/* --- the command -------------------------------------------------------------------------- */

static const struct argp_option options[] = {
	{ "rounds", 'r', "N", 0, "turns of each number of functions, 1 to 1000 (default: 15)", 0 },
	{ "json", 'j', NULL, 0, "JSON instead of a table", 0 },
	{ 0 },
};

static error_t on_option(int key, char *arg, struct argp_state *state)
{
	struct plan *plan = state->input;
	char *end;

	switch (key) {
	case 'r':
		plan->rounds = strtoul(arg, &end, 10);
		if (*end || plan->rounds < 1 || plan->rounds > MAX_ROUNDS)
			argp_failure(state, 64, 0, "'%s' is not a number from 1 to %d", arg,
				     MAX_ROUNDS);
		return 0;
	case 'j':
		plan->json = true;
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

int main(int argc, char **argv)
{
	static const struct argp argp = {
		.options = options,
		.parser = on_option,
		.doc = "What steering costs a frame, with 1 to 4096 functions.",
	};
	struct plan plan = { .rounds = 15 };
	struct steer_bpf *steer;
	unsigned int i, j;

	argp_parse(&argp, argc, argv, 0, NULL, &plan);
	libbpf_set_print(NULL);
	steer = steer_bpf__open_and_load();
	if (!steer)
		die("the steering program does not load (root is needed)");
	measure(steer, plan.rounds);
	steer_bpf__destroy(steer);
	for (j = 0; j < NR_JOBS; j++)
		for (i = 0; i < NR_NUMBERS; i++)
			qsort(jobs[j].ns[i], plan.rounds, sizeof(double), by_size);
	if (plan.json)
		tell_json(plan.rounds);
	else
		tell_table(plan.rounds);
	return 0;
}

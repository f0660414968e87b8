// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the steering program costs a frame, in nanoseconds, while functions and rules become more:
 *
 *	steering [--rounds N] [--json]
 *
 * The program is the one that uvfd loads, and its rules are written by what uvfd writes them with.
 * The kernel runs it on one frame again and again (BPF_PROG_TEST_RUN), which is no network: what is
 * measured is the program with its look-ups. In each round every setting has its turn, odd rounds
 * from the smallest to the largest, even rounds the other way round.
 */
#include "../../userspace/uvfd/steer.h"

#include <argp.h>
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/udp.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>

#include "why.h"

/* A call waits for an RCU grace period: a few long ones. */
#define CALLS 8
#define FRAMES 50000 /* in a call */
#define MAX_ROUNDS 1000

/* Prefix lengths of the rules, each a tuple of its own: /17 to /24. */
#define SHAPES 8

static const struct setting {
	unsigned int functions, rules;
} settings[] = {
	{ 1, 0 }, { 64, 0 }, { 1024, 0 }, { 4096, 0 },
	{ 4096, 1 }, { 4096, 100 }, { 4096, 1000 }, { 4096, 10000 },
};
#define NR_SETTINGS (sizeof(settings) / sizeof(settings[0]))

enum { TO_FUNCTION, TO_HOST, BY_RULE, NR_JOBS };

struct job {
	const char *name;
	unsigned int verdict;
	double ns[NR_SETTINGS][MAX_ROUNDS];
};

/* The first two are true of no rule: all tuples are searched. The third is of the last tuple. */
static struct job jobs[] = {
	[TO_FUNCTION] = { .name = "to a function", .verdict = XDP_REDIRECT },
	[TO_HOST] = { .name = "to the host", .verdict = XDP_PASS },
	[BY_RULE] = { .name = "by a rule", .verdict = XDP_REDIRECT },
};

struct plan {
	unsigned int rounds;
	bool json;
};

static void __attribute__((noreturn)) die(const char *what)
{
	fprintf(stderr, "steering: %s: %s\n", what, strerror(errno));
	exit(1);
}

static bool has_job(const struct setting *setting, int job)
{
	return job != BY_RULE || setting->rules;
}

/* --- what userspace/uvfd/tuples.c asks of its uvfd ---------------------------------------- */

int steer_put(const struct bpf_map *map, const void *key, size_t key_size, const void *value,
	      size_t size)
{
	return bpf_map__update_elem(map, key, key_size, value, size, BPF_ANY);
}

void steer_config_write(struct steer *steer)
{
	uint32_t only = 0;

	if (steer_put(steer->bpf->maps.config, &only, sizeof(only), &steer->config,
		      sizeof(steer->config)))
		die("the configuration is not taken");
}

/* --- the maps ----------------------------------------------------------------------------- */

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

/* Rule @i: a prefix of 10.0.0.0/8, and a port. */
static void rule_text(unsigned int i, char *text)
{
	unsigned int bits = 24 - i % SHAPES, prefix = i / SHAPES << (32 - bits) & 0xffffff;

	sprintf(text, "prio %u dst 10.%u.%u.0/%u proto udp dport %u", 100 - i % SHAPES,
		prefix >> 16, prefix >> 8 & 0xff, bits, i % 60000 + 1);
}

static void set_rules(struct steer *steer, unsigned int count)
{
	struct steer_rule *rules = calloc(count + 1, sizeof(*rules));
	unsigned int shape, i, n = 0;
	char text[UVF_RULE_TEXT];

	if (!rules)
		die("no memory");
	/* In the order of their priorities. */
	for (shape = 0; shape < SHAPES; shape++)
		for (i = shape; i < count; i += SHAPES, n++) {
			rule_text(i, text);
			if (uvf_rule_parse(text, &rules[n].rule))
				die(uvf_why());
			rules[n].id = i + 1;
			rules[n].index = i;
		}
	if (steer_rules(steer, rules, count))
		die(uvf_why());
	free(rules);
}

/* --- the frames --------------------------------------------------------------------------- */

struct frame {
	struct ethhdr eth;
	struct iphdr ip;
	struct udphdr udp;
	__u8 rest[ETH_ZLEN - 42];
} __attribute__((packed));

static void frame_make(struct frame *frame, int job, const struct setting *setting,
		       unsigned int call)
{
	/* A rule of the last tuple, another one for each call, in no order. */
	unsigned int tuples = setting->rules < SHAPES ? setting->rules : SHAPES;
	unsigned int row = tuples ? call * 2741 % (setting->rules / tuples) : 0;
	unsigned int rule = tuples ? row * SHAPES + tuples - 1 : 0;
	unsigned int bits = 24 - rule % SHAPES, net = rule / SHAPES << (32 - bits) & 0xffffff;

	*frame = (struct frame){
		.eth.h_proto = htons(ETH_P_IP),
		.ip = { .version = 4, .ihl = 5, .protocol = IPPROTO_UDP },
		.udp.dest = htons(job == BY_RULE ? rule % 60000 + 1 : 65000),
	};
	frame->ip.daddr = htonl(10 << 24 | net | 1);
	address_of(call * 2741 % setting->functions, job == TO_FUNCTION, frame->eth.h_dest);
}

/* --- measuring ---------------------------------------------------------------------------- */

static double run(int program, int job, const struct setting *setting)
{
	struct frame frame;
	double sum = 0;
	unsigned int i;

	for (i = 0; i < CALLS; i++) {
		DECLARE_LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = &frame,
				    .data_size_in = sizeof(frame), .repeat = FRAMES);

		frame_make(&frame, job, setting, i);
		if (bpf_prog_test_run_opts(program, &opts))
			die("the kernel does not run the program");
		if (opts.retval != jobs[job].verdict) {
			errno = EPROTO;
			die("a frame went astray");
		}
		sum += opts.duration;
	}
	return sum / CALLS;
}

static void measure_one(struct steer *steer, const struct steer_bpf *with_rules, unsigned int at,
			unsigned int round)
{
	static struct setting now;
	const struct setting *setting = &settings[at];
	int program = bpf_program__fd(setting->rules ? with_rules->progs.uvf_steer :
				      steer->bpf->progs.uvf_steer);

	set_functions(steer->bpf, now.functions, setting->functions);
	if (now.rules != setting->rules)
		set_rules(steer, setting->rules);
	now = *setting;
	for (int job = 0; job < NR_JOBS; job++)
		if (has_job(setting, job))
			jobs[job].ns[at][round] = run(program, job, setting);
}

static void measure(struct steer *steer, const struct steer_bpf *with_rules, unsigned int rounds)
{
	for (unsigned int round = 0; round < rounds; round++)
		for (unsigned int i = 0; i < NR_SETTINGS; i++)
			measure_one(steer, with_rules, round % 2 ? NR_SETTINGS - 1 - i : i, round);
}

/* --- telling ------------------------------------------------------------------------------ */

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void tell_json(unsigned int rounds)
{
	const char *comma = "";

	printf("[");
	for (int j = 0; j < NR_JOBS; j++)
		for (unsigned int i = 0; i < NR_SETTINGS; i++) {
			const double *ns = jobs[j].ns[i];

			if (!has_job(&settings[i], j))
				continue;
			printf("%s\n  { \"job\": \"%s\", \"functions\": %u, \"rules\": %u, \"ns\": %.1f, \"min\": %.1f, \"max\": %.1f }",
			       comma, jobs[j].name, settings[i].functions, settings[i].rules,
			       ns[rounds / 2], ns[0], ns[rounds - 1]);
			comma = ",";
		}
	printf("\n]\n");
}

static void tell_table(unsigned int rounds)
{
	printf("ns a frame     functions  rules  median    min    max  beside 1\n");
	for (int j = 0; j < NR_JOBS; j++)
		for (unsigned int i = 0; i < NR_SETTINGS; i++) {
			const double *ns = jobs[j].ns[i], *one = jobs[j].ns[j == BY_RULE ? 4 : 0];

			if (has_job(&settings[i], j))
				printf("%-13s  %9u  %5u  %6.1f %6.1f %6.1f  %8.2f\n", jobs[j].name,
				       settings[i].functions, settings[i].rules, ns[rounds / 2],
				       ns[0], ns[rounds - 1], ns[rounds / 2] / one[rounds / 2]);
		}
}

/* --- the command -------------------------------------------------------------------------- */

static const struct argp_option options[] = {
	{ "rounds", 'r', "N", 0, "turns of each setting, 1 to 1000 (default: 15)", 0 },
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

/* The same maps, and the branch for rules. */
static struct steer_bpf *load_with_rules(const struct steer_bpf *first)
{
	struct steer_bpf *bpf = steer_bpf__open();
	struct bpf_map *map;

	if (!bpf)
		die("the steering program does not open");
	bpf->rodata->on.rules = true;
	bpf_object__for_each_map(map, bpf->obj) {
		const char *name = bpf_map__name(map);
		struct bpf_map *there = bpf_object__find_map_by_name(first->obj, name);

		if (!bpf_map__is_internal(map) && bpf_map__reuse_fd(map, bpf_map__fd(there)))
			die("a map can't be shared");
	}
	if (steer_bpf__load(bpf))
		die("the steering program does not load");
	return bpf;
}

int main(int argc, char **argv)
{
	static const struct argp argp = {
		.options = options,
		.parser = on_option,
		.doc = "What steering costs a frame, with 1 to 4096 functions and up to 10,000 rules.",
	};
	struct plan plan = { .rounds = 15 };
	static struct steer steer;
	struct steer_bpf *with_rules;

	argp_parse(&argp, argc, argv, 0, NULL, &plan);
	libbpf_set_print(NULL);
	steer.bpf = steer_bpf__open_and_load();
	if (!steer.bpf)
		die("the steering program does not load (root is needed)");
	with_rules = load_with_rules(steer.bpf);
	measure(&steer, with_rules, plan.rounds);
	steer_bpf__destroy(with_rules);
	steer_bpf__destroy(steer.bpf);
	free(steer.keys);
	for (int j = 0; j < NR_JOBS; j++)
		for (unsigned int i = 0; i < NR_SETTINGS; i++)
			qsort(jobs[j].ns[i], plan.rounds, sizeof(double), by_size);
	if (plan.json)
		tell_json(plan.rounds);
	else
		tell_table(plan.rounds);
	return 0;
}

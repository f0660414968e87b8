// SPDX-License-Identifier: GPL-2.0-only
/* uvf latency: how long frames take from the uplink's XDP program to the function's. */
#include "points.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "../../bpf/latency.h"
#include "latency.skel.h"
#include "why.h"

#define BAR 50 /* columns of the most frequent */

static const struct argp argp = {
	.options = watch_options,
	.parser = watch_parse,
	.args_doc = "FUNCTION",
	.doc = "Shows how long frames take from the XDP program on the uplink to that on the "
	       "function, which puts them into the appliance's ring; for 5 seconds, or --seconds.\v"
	       "When the appliance looks into its ring is its own affair, and not measured. Of "
	       "identical frames the last one counts.",
};

/* The least nanoseconds of a bucket; see bucket_of() in bpf/latency.bpf.c. */
static uint64_t bucket_start(unsigned int bucket)
{
	unsigned int log = bucket / LATENCY_SUB + 1;

	if (bucket < LATENCY_SUB)
		return bucket;
	return (1ULL << log) + ((uint64_t)(bucket % LATENCY_SUB) << (log - 2));
}

/* The program's descriptor, or -errno. */
static int place_program(const struct fact *fact, enum point point, struct bpf_program *tracer,
			 int *ifindex)
{
	struct place place;
	int err = point_find(fact, point, &place);

	if (err)
		return err;
	if (!place.prog.id)
		return uvf_fail(ENOENT, "no program of uvfd's is on %s: frames of %s do not come by "
					"XDP (`uvf doctor %s` tells why)", place.link,
				fact->function.netdev->name, fact->function.netdev->name);
	*ifindex = place.ifindex;
	return prog_set_target(tracer, &place.prog);
}

static int attach(struct latency_bpf *bpf, const struct fact *fact)
{
	struct latency_filter filter = { 0 };
	int function, uplink, err;

	uplink = place_program(fact, POINT_UPLINK, bpf->progs.latency_uplink, &filter.uplink);
	if (uplink < 0)
		return uplink;
	function = place_program(fact, POINT_RX, bpf->progs.latency_function, &filter.function);
	if (function < 0) {
		close(uplink);
		return function;
	}
	memcpy(filter.mac, fact->function.netdev->mac, sizeof(filter.mac));
	memcpy((void *)&bpf->rodata->filter, &filter, sizeof(filter));
	err = latency_bpf__load(bpf);
	if (!err)
		err = latency_bpf__attach(bpf);
	close(function);
	close(uplink);
	if (!err)
		return 0;
	return uvf_fail(-err, "this kernel does not let the programs of %s be followed: %s (it takes "
			      "fentry on BPF programs)", fact->function.netdev->name, strerror(-err));
}

static int collect(const struct latency_bpf *bpf, struct latency_counts *sum)
{
	int cpus = libbpf_num_possible_cpus();
	struct latency_counts *each;
	uint32_t zero = 0;
	int err;

	if (cpus < 0)
		return uvf_fail(-cpus, "can't count the processors: %s", strerror(-cpus));
	each = calloc(cpus, sizeof(*each));
	if (!each)
		return uvf_fail(ENOMEM, "no memory for the counters");
	err = bpf_map_lookup_elem(bpf_map__fd(bpf->maps.counts), &zero, each);
	memset(sum, 0, sizeof(*sum));
	for (int cpu = 0; !err && cpu < cpus; cpu++) {
		for (unsigned int i = 0; i < LATENCY_BUCKETS; i++)
			sum->bucket[i] += each[cpu].bucket[i];
		sum->seen += each[cpu].seen;
		sum->unmatched += each[cpu].unmatched;
		sum->total += each[cpu].total;
	}
	free(each);
	return err ? uvf_fail(errno, "can't read the counters: %s", strerror(errno)) : 0;
}

/* The end of the bucket in which this share of the frames has come. */
static uint64_t quantile(const struct latency_counts *counts, double share)
{
	uint64_t wanted = (counts->seen - counts->unmatched) * share, sum = 0;

	for (unsigned int i = 0; i < LATENCY_BUCKETS - 1; i++) {
		sum += counts->bucket[i];
		if (sum > wanted)
			return bucket_start(i + 1);
	}
	return bucket_start(LATENCY_BUCKETS - 1);
}

static void print_json(const struct latency_counts *counts)
{
	uint64_t matched = counts->seen - counts->unmatched;
	struct json_object *object = json_object_new_object();
	struct json_object *buckets = json_object_new_array(), *one;

	json_object_object_add(object, "frames", json_object_new_uint64(matched));
	json_object_object_add(object, "unmatched", json_object_new_uint64(counts->unmatched));
	if (matched) {
		json_object_object_add(object, "mean_ns",
				       json_object_new_uint64(counts->total / matched));
		json_object_object_add(object, "median_ns",
				       json_object_new_uint64(quantile(counts, 0.5)));
		json_object_object_add(object, "p99_ns",
				       json_object_new_uint64(quantile(counts, 0.99)));
		json_object_object_add(object, "p999_ns",
				       json_object_new_uint64(quantile(counts, 0.999)));
	}
	for (unsigned int i = 0; i < LATENCY_BUCKETS - 1; i++) {
		if (!counts->bucket[i])
			continue;
		one = json_object_new_object();
		json_object_object_add(one, "from_ns", json_object_new_uint64(bucket_start(i)));
		json_object_object_add(one, "to_ns", json_object_new_uint64(bucket_start(i + 1)));
		json_object_object_add(one, "frames", json_object_new_uint64(counts->bucket[i]));
		json_object_array_add(buckets, one);
	}
	json_object_object_add(object, "buckets", buckets);
	puts(json_object_to_json_string_ext(object, JSON_C_TO_STRING_PRETTY));
	json_object_put(object);
}

static void print_bars(const struct latency_counts *counts, unsigned int first, unsigned int last)
{
	static const char bar[] = "##################################################";
	uint64_t most = 1;

	for (unsigned int i = first; i <= last; i++)
		if (counts->bucket[i] > most)
			most = counts->bucket[i];
	for (unsigned int i = first; i <= last; i++)
		printf("%10.2f us |%-*.*s| %llu\n", bucket_start(i) / 1e3, BAR,
		       (int)(counts->bucket[i] * BAR / most), bar,
		       (unsigned long long)counts->bucket[i]);
}

static void print_text(const struct latency_counts *counts)
{
	uint64_t matched = counts->seen - counts->unmatched;
	unsigned int first = 0, last = LATENCY_BUCKETS - 2;

	if (matched) {
		while (!counts->bucket[first] && first < last)
			first++;
		while (!counts->bucket[last] && last > first)
			last--;
		print_bars(counts, first, last);
		printf("mean %.2f us, median %.2f us, 99 %% %.2f us, 99.9 %% %.2f us\n",
		       counts->total / 1e3 / matched, quantile(counts, 0.5) / 1e3,
		       quantile(counts, 0.99) / 1e3, quantile(counts, 0.999) / 1e3);
	}
	printf("%llu frames; %llu more did not come by the uplink's program\n",
	       (unsigned long long)matched, (unsigned long long)counts->unmatched);
}

static int measure(struct facts *facts, const struct watch *plan, struct latency_bpf *bpf)
{
	const struct timespec time = {
		.tv_sec = plan->milliseconds / 1000,
		.tv_nsec = plan->milliseconds % 1000 * 1000000,
	};
	struct latency_counts counts = { 0 };
	struct fact fact;
	int err = facts_find(facts, plan->function, &fact);

	if (!err)
		err = attach(bpf, &fact);
	if (err)
		return err;
	nanosleep(&time, NULL);
	err = collect(bpf, &counts);
	if (!err && plan->json)
		print_json(&counts);
	else if (!err)
		print_text(&counts);
	return err;
}

int cmd_latency(int argc, char **argv)
{
	struct watch plan = { .milliseconds = 5000 };
	struct latency_bpf *bpf;
	struct facts facts;
	int err;

	parse(&argp, argc, argv, &plan);
	if (!plan.function) {
		fprintf(stderr, "%s: of which function? `uvf list` shows those there are\n",
			argv[0]);
		return 64;
	}
	if (must_be_root("uvf latency", "it follows BPF programs") || facts_open(&facts, false))
		return fail();
	bpf = latency_bpf__open();
	err = bpf ? measure(&facts, &plan, bpf) :
		    uvf_fail(ENOMEM, "no memory for the programs of the measurement");
	latency_bpf__destroy(bpf);
	facts_close(&facts);
	return err ? fail() : 0;
}

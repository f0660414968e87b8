// SPDX-License-Identifier: GPL-2.0-only
/*
 * Traffic without a network card: sends copies of one UDP frame out of a device, as fast as one
 * processor can.
 *
 *	generate eth0 --to de:4a:93:63:f1:c2 --size 64 --ms 500
 *
 * The kernel makes the frames: BPF_PROG_TEST_RUN in live-frame mode (5.18 and later, as
 * xdp-trafficgen of xdp-tools does) runs a program that redirects each to the device, so that no
 * socket buffer is ever built. Behind a veth pair, receiving and steering then happen in softirqs
 * on this processor too. Prints what was sent as JSON.
 *
 *	--pause 60			between bursts, for somebody else to have the processor
 *	--rate 200000 --burst 32	so many frames a second
 *	--silent --watch 4711		none: looks on
 *
 * It tells how many frames a device received meanwhile, and with --watch, what processor time a
 * process took.
 */
#include <argp.h>
#include <arpa/inet.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/udp.h>
#include <net/if.h>
#include <netinet/ether.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "watch.h"

/* Frames that the kernel makes at once, as a network card's NAPI would (NAPI_POLL_WEIGHT). */
#define PER_PASS 64

/* Frames of a call: of the first, which tells how long one takes, and at most. */
#define FIRST_CALL 16384
#define MAX_CALL (1 << 30)

/* Frames of a burst: a quarter of what a guest's ring of 1024 holds. */
#define BURST 256

#define FRAME_MIN 60
#define FRAME_MAX 1514

#define NS 1000000000ULL

struct plan {
	const char *device;
	struct ether_addr to;
	bool has_to;
	unsigned int size;
	uint64_t ns;
	uint32_t count; /* 0: any number */
	uint32_t rate, pause_us, burst;
	bool silent;
	pid_t watched; /* 0: nobody */
	const char *arrivals;
};

struct frame {
	struct ethhdr eth;
	struct iphdr ip;
	struct udphdr udp;
	uint8_t data[FRAME_MAX - sizeof(struct ethhdr) - sizeof(struct iphdr) -
		     sizeof(struct udphdr)];
} __attribute__((packed));

static const struct argp_option options[] = {
	{ "to", 't', "MAC", 0, "destination of the frames", 0 },
	{ "size", 's', "BYTES", 0, "of a frame without FCS, 60 to 1514 (default: 60)", 0 },
	{ "ms", 'm', "N", 0, "how long (default: 1000)", 0 },
	{ "count", 'n', "N", 0, "at most so many frames", 0 },
	{ "rate", 'r', "N", 0, "at most so many frames a second", 0 },
	{ "pause", 'p', "USECS", 0, "after each burst sleep for so long", 0 },
	{ "burst", 'b', "N", 0, "frames of a burst, with --rate or --pause (default: 256)", 0 },
	{ "silent", 'q', NULL, 0, "send nothing", 0 },
	{ "watch", 'w', "PID", 0, "tell what processor time it took", 0 },
	{ "arrivals", 'a', "DEVICE", 0, "count what this one received (default: the same)", 0 },
	{ 0 },
};

static uint32_t number(struct argp_state *state, const char *arg)
{
	unsigned long long value;
	char *end;

	errno = 0;
	value = strtoull(arg, &end, 10);
	if (errno || *end || end == arg || *arg == '-' || !value || value > UINT32_MAX)
		argp_failure(state, 64, 0, "'%s' is not a positive number of 32 bits", arg);
	return value;
}

/* Options of when to send, and what else to tell. */
static error_t on_pace(int key, char *arg, struct argp_state *state)
{
	struct plan *plan = state->input;

	switch (key) {
	case 'r':
		plan->rate = number(state, arg);
		return 0;
	case 'p':
		plan->pause_us = number(state, arg);
		return 0;
	case 'b':
		plan->burst = number(state, arg);
		return 0;
	case 'q':
		plan->silent = true;
		return 0;
	case 'w':
		plan->watched = number(state, arg);
		return 0;
	case 'a':
		plan->arrivals = arg;
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static error_t on_option(int key, char *arg, struct argp_state *state)
{
	struct plan *plan = state->input;

	switch (key) {
	case 't':
		if (!ether_aton_r(arg, &plan->to))
			argp_failure(state, 64, 0, "'%s' is not a MAC address", arg);
		plan->has_to = true;
		return 0;
	case 's':
		plan->size = number(state, arg);
		if (plan->size < FRAME_MIN || plan->size > FRAME_MAX)
			argp_failure(state, 64, 0, "frames of %s bytes: %d to %d are possible",
				     arg, FRAME_MIN, FRAME_MAX);
		return 0;
	case 'm':
		plan->ns = 1000000ULL * number(state, arg);
		return 0;
	case 'n':
		plan->count = number(state, arg);
		return 0;
	case ARGP_KEY_ARG:
		if (plan->device)
			argp_failure(state, 64, 0, "one device: '%s' is too much", arg);
		plan->device = arg;
		return 0;
	case ARGP_KEY_END:
		if (!plan->device || (!plan->has_to && !plan->silent))
			argp_failure(state, 64, 0, "give a device and --to MAC");
		return 0;
	}
	return on_pace(key, arg, state);
}

static const struct argp argp = {
	.options = options,
	.parser = on_option,
	.args_doc = "DEVICE --to MAC",
	.doc = "Sends copies of one UDP frame, and prints how many.",
};

/* From the discard port of one documentation address to that of another (RFC 863, RFC 5737). */
static void frame_make(struct frame *frame, const struct plan *plan)
{
	uint32_t sum = 0;
	uint16_t words[sizeof(struct iphdr) / 2];

	memset(frame, 0, sizeof(*frame));
	memcpy(frame->eth.h_dest, &plan->to, ETH_ALEN);
	memcpy(frame->eth.h_source, "\x02\0\0\0\0\1", ETH_ALEN); /* locally administered */
	frame->eth.h_proto = htons(ETH_P_IP);
	frame->ip.version = 4;
	frame->ip.ihl = 5;
	frame->ip.ttl = 64;
	frame->ip.protocol = IPPROTO_UDP;
	frame->ip.tot_len = htons(plan->size - sizeof(frame->eth));
	frame->ip.saddr = inet_addr("192.0.2.1");
	frame->ip.daddr = inet_addr("198.51.100.1");
	frame->udp.source = frame->udp.dest = htons(9);
	frame->udp.len = htons(plan->size - sizeof(frame->eth) - sizeof(frame->ip));
	memcpy(words, &frame->ip, sizeof(words));
	for (unsigned int i = 0; i < sizeof(words) / 2; i++)
		sum += words[i];
	sum = (sum & 0xffff) + (sum >> 16);
	frame->ip.check = ~(sum + (sum >> 16));
}

/*
 * Frames that are made here come from the loopback device; what the device itself received passes:
 *
 *	return ctx->ingress_ifindex == ifindex ? XDP_PASS : bpf_redirect(ifindex, 0);
 */
static int program_load(int ifindex)
{
	const struct bpf_insn insns[] = {
		{ .code = BPF_LDX | BPF_MEM | BPF_W, .dst_reg = BPF_REG_1, .src_reg = BPF_REG_1,
		  .off = offsetof(struct xdp_md, ingress_ifindex) },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = XDP_PASS },
		{ .code = BPF_JMP | BPF_JEQ | BPF_K, .dst_reg = BPF_REG_1, .off = 3,
		  .imm = ifindex },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_1, .imm = ifindex },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_2, .imm = 0 },
		{ .code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_redirect },
		{ .code = BPF_JMP | BPF_EXIT },
	};

	return bpf_prog_load(BPF_PROG_TYPE_XDP, "uvf_generate", "GPL", insns,
			     sizeof(insns) / sizeof(insns[0]), NULL);
}

static int send_some(int program, struct frame *frame, unsigned int size, unsigned int n,
		     unsigned int *frame_ns)
{
	struct xdp_md ctx = { .data_end = size };
	DECLARE_LIBBPF_OPTS(bpf_test_run_opts, opts,
		.data_in = frame,
		.data_size_in = size,
		.ctx_in = &ctx,
		.ctx_size_in = sizeof(ctx),
		.repeat = n,
		.batch_size = n < PER_PASS ? n : PER_PASS,
		.flags = BPF_F_TEST_XDP_LIVE_FRAMES);
	int err = bpf_prog_test_run_opts(program, &opts);

	*frame_ns = opts.duration ?: 1;
	return err;
}

static unsigned int least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

struct sent {
	uint64_t frames;
	uint64_t ns;
	struct watch watch;
};

/*
 * A call waits for an RCU grace period before and after, some 10 ms each, so that calls are to be
 * long, and time is what the kernel measured between: nanoseconds a frame.
 */
static int send_all(const struct plan *plan, int program, struct frame *frame, struct sent *sent)
{
	uint64_t left = plan->count ?: ~0ULL;
	unsigned int n = least(FIRST_CALL, left), frame_ns;

	watch_begin(&sent->watch);
	/* Until the frames or the time are used up, whichever comes first. */
	while (n) {
		if (send_some(program, frame, plan->size, n, &frame_ns))
			return -1;
		sent->frames += n;
		left -= n;
		sent->ns += (uint64_t)n * frame_ns;
		n = 0;
		if (sent->ns < plan->ns)
			n = least(least((plan->ns - sent->ns) / frame_ns, MAX_CALL), left);
	}
	watch_end(&sent->watch);
	return 0;
}

static uint64_t later(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static void sleep_until(uint64_t at)
{
	const struct timespec t = { .tv_sec = at / NS, .tv_nsec = at % NS };

	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
}

/* What was late is made up for, but not for longer than a millisecond: that would be a flood. */
static int send_bursts(const struct plan *plan, int program, struct frame *frame,
		       struct sent *sent)
{
	uint64_t begin = watch_begin(&sent->watch), due = begin, at = begin;
	uint64_t every = plan->rate ? plan->burst * NS / plan->rate : 0;
	uint64_t left = plan->count ?: ~0ULL;
	unsigned int frame_ns;

	while (left && at < begin + plan->ns) {
		unsigned int n = least(plan->burst, left);

		if (send_some(program, frame, plan->size, n, &frame_ns))
			return -1;
		sent->frames += n;
		left -= n;
		at = watch_now();
		due = later(later(due + every, at - least(at - begin, NS / 1000)),
			    at + 1000ULL * plan->pause_us);
		if (due > at)
			sleep_until(due);
		at = watch_now();
	}
	sent->ns = watch_end(&sent->watch) - begin;
	return 0;
}

/*
 * Calls as short as bursts can't wait for grace periods. They are waited for when a program is
 * the first or the last user of an entry in the kernel's dispatcher of XDP programs: one that is
 * attached to a device has an entry already.
 */
static int send_paced(const struct plan *plan, int program, int ifindex, struct frame *frame,
		      struct sent *sent)
{
	DECLARE_LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = XDP_FLAGS_DRV_MODE);
	int link = bpf_link_create(program, ifindex, BPF_XDP, &opts), err;

	if (link < 0)
		return -1;
	err = send_bursts(plan, program, frame, sent);
	close(link);
	return err;
}

static int send_none(const struct plan *plan, struct sent *sent)
{
	uint64_t begin = watch_begin(&sent->watch);

	sleep_until(begin + plan->ns);
	sent->ns = watch_end(&sent->watch) - begin;
	return 0;
}

static int run(const struct plan *plan, int program, int ifindex, struct frame *frame)
{
	const char *far = plan->arrivals ?: plan->device;
	struct sent sent = { 0 };
	int err;

	if (watch_open(&sent.watch, plan->watched, far)) {
		if (errno == ESRCH)
			fprintf(stderr, "generate: there is no process %d\n", plan->watched);
		else
			fprintf(stderr, "generate: can't look at what %s receives: %s\n", far,
				strerror(errno));
		return 1;
	}
	prctl(PR_SET_TIMERSLACK, 1);
	if (plan->silent)
		err = send_none(plan, &sent);
	else if (plan->rate || plan->pause_us)
		err = send_paced(plan, program, ifindex, frame, &sent);
	else
		err = send_all(plan, program, frame, &sent);
	if (err) {
		fprintf(stderr, "generate: can't send out of %s: %s\n", plan->device,
			strerror(errno));
		return 1;
	}
	printf("{ \"frames\": %llu, \"bytes\": %llu, \"seconds\": %.6f, \"arrived\": %u, "
	       "\"watched_ns\": %llu }\n",
	       (unsigned long long)sent.frames, (unsigned long long)sent.frames * plan->size,
	       sent.ns / 1e9, sent.watch.frames, (unsigned long long)sent.watch.cpu_ns);
	return 0;
}

int main(int argc, char **argv)
{
	struct plan plan = { .size = FRAME_MIN, .ns = NS, .burst = BURST };
	struct frame frame;
	int ifindex, program;

	argp_parse(&argp, argc, argv, 0, NULL, &plan);
	ifindex = if_nametoindex(plan.device);
	if (!ifindex) {
		fprintf(stderr, "generate: there is no device %s here\n", plan.device);
		return 1;
	}
	program = program_load(ifindex);
	if (program < 0) {
		fprintf(stderr, "generate: can't load an XDP program (root is needed): %s\n",
			strerror(errno));
		return 1;
	}
	frame_make(&frame, &plan);
	return run(&plan, program, ifindex, &frame);
}

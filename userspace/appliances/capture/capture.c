// SPDX-License-Identifier: GPL-2.0-only
/*
 * capture - writes what a function receives as pcap
 *
 *	uvf run --on fw0 -- capture fw0 udp port 53 | tcpdump -nr -
 *
 * The function's frames end here: this is an appliance that looks, not a tap on another one. With
 * UVF_JUMBO=1 in the environment it sees those that take several buffers, too. Times are those at
 * which frames came to the function, to the nanosecond, and not those at which they are read here.
 */
#include <argp.h>
#include <errno.h>
#include <pcap/pcap.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <uvf/libuvf.h>

#define BURST 64
#define WAIT_MS 1000
#define SNAPLEN 65535
#define SECOND 1000000000

static volatile sig_atomic_t stop;

static struct {
	const char *function;
	const char *file;
	char filter[1024];
	unsigned long count; /* 0: without limit */
	bool filtered;
	struct bpf_program program;
	pcap_dumper_t *dumper;
	unsigned long received, written;
} plan = { .file = "-" };

static void on_signal(int number)
{
	stop = 1;
}

/* A frame that lies in one buffer is looked at there. */
static const void *gather(const struct uvf *uvf, const struct uvf_frame *frames, unsigned int n,
			  uint32_t *len)
{
	static uint8_t whole[SNAPLEN];

	*len = frames[0].len;
	if (n == 1)
		return uvf__data(uvf, frames);
	*len = 0;
	for (unsigned int i = 0; i < n && frames[i].len <= SNAPLEN - *len; i++) {
		memcpy(whole + *len, uvf__data(uvf, &frames[i]), frames[i].len);
		*len += frames[i].len;
	}
	return whole;
}

static int64_t clock_now(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return now.tv_sec * (int64_t)SECOND + now.tv_nsec;
}

/* By how much CLOCK_TAI is ahead of the time of day: some leap seconds. */
static int64_t tai_ahead(void)
{
	int64_t ahead = clock_now(CLOCK_TAI) - clock_now(CLOCK_REALTIME);

	return (ahead + SECOND / 2) / SECOND * SECOND;
}

/* The time of day at which a frame came, or, where that is not known (before Linux 6.1), now. */
static int64_t time_of(const struct uvf *uvf, const struct uvf_frame *frame, int64_t ahead)
{
	struct uvf_meta meta;

	if (!(uvf__meta(uvf, frame, &meta) & UVF_KNOWN_TIME))
		return clock_now(CLOCK_REALTIME);
	return (int64_t)meta.time - ahead;
}

/* Where a file has nanoseconds, they are in the field for microseconds. */
static void write_one(const void *data, uint32_t len, int64_t time)
{
	struct pcap_pkthdr header = { .ts = { time / SECOND, time % SECOND }, .caplen = len,
				      .len = len };

	plan.received++;
	if (plan.filtered && !pcap_offline_filter(&plan.program, &header, data))
		return;
	pcap_dump((u_char *)plan.dumper, &header, data);
	stop |= ++plan.written == plan.count;
}

static unsigned int turn(struct uvf *uvf, struct uvf_dev *dev)
{
	struct uvf_frame frames[BURST];
	unsigned int n = uvf_dev__rx(dev, frames, BURST), size;
	int64_t ahead = tai_ahead();
	const void *data;
	uint32_t len;

	for (unsigned int i = 0; i < n && !(plan.count && plan.written == plan.count); i += size) {
		size = uvf_frame__buffers(frames + i, n - i);
		data = gather(uvf, frames + i, size, &len);
		write_one(data, len, time_of(uvf, frames + i, ahead));
	}
	uvf__free(uvf, frames, n);
	return n;
}

/* What was written is passed on before it sleeps; a reader that has gone ends it. */
static int loop(struct uvf *uvf, struct uvf_dev *dev)
{
	while (!stop) {
		int err;

		if (turn(uvf, dev))
			continue;
		if (pcap_dump_flush(plan.dumper)) {
			fprintf(stderr, "capture: can't write: %s\n", strerror(errno));
			return -EIO;
		}
		err = uvf__wait(uvf, WAIT_MS);
		if (err < 0 && err != -EINTR && err != -EPIPE) {
			fprintf(stderr, "capture: %s\n", uvf__why());
			return err;
		}
	}
	return 0;
}

static int run(void)
{
	struct uvf_opts opts = { .size = sizeof(opts), .jumbo = UVF_JUMBO_IF_SET,
				 .meta = UVF_META_RX };
	struct uvf_dev *dev;
	struct uvf *uvf;
	int err = uvf__open(&uvf, &opts);

	if (!err)
		err = uvf_dev__open(&dev, uvf, plan.function);
	if (err) {
		fprintf(stderr, "capture: %s\n", uvf__why());
	} else {
		fprintf(stderr, "capture: ready\n");
		err = loop(uvf, dev);
		fprintf(stderr, "capture: %lu frames received, %lu written\n", plan.received,
			plan.written);
	}
	uvf__close(uvf);
	return err;
}

/* All that can be refused is refused before the function is leased. */
static int output_open(void)
{
	pcap_t *pcap = pcap_open_dead_with_tstamp_precision(DLT_EN10MB, SNAPLEN,
							    PCAP_TSTAMP_PRECISION_NANO);

	if (!pcap)
		return -1;
	plan.filtered = *plan.filter;
	if (plan.filtered &&
	    pcap_compile(pcap, &plan.program, plan.filter, 1, PCAP_NETMASK_UNKNOWN))
		fprintf(stderr, "capture: '%s' is not a filter: %s\n", plan.filter,
			pcap_geterr(pcap));
	else if (!(plan.dumper = pcap_dump_open(pcap, plan.file)))
		fprintf(stderr, "capture: can't write there: %s\n", pcap_geterr(pcap));
	pcap_close(pcap);
	return plan.dumper ? 0 : -1;
}

static const struct argp_option options[] = {
	{ "write", 'w', "FILE", 0, "write to FILE (default: standard output)", 0 },
	{ "count", 'n', "N", 0, "end after so many frames", 0 },
	{ 0 },
};

static error_t on_option(int key, char *arg, struct argp_state *state)
{
	size_t used = strlen(plan.filter);
	char *end;

	switch (key) {
	case 'w':
		plan.file = arg;
		return 0;
	case 'n':
		plan.count = strtoul(arg, &end, 10);
		if (*end || end == arg || *arg == '-' || !plan.count)
			argp_failure(state, 64, 0, "'%s' is not a number of frames", arg);
		return 0;
	case ARGP_KEY_ARG:
		if (!plan.function)
			plan.function = arg;
		else if (snprintf(plan.filter + used, sizeof(plan.filter) - used, " %s", arg) >=
			 (int)(sizeof(plan.filter) - used))
			argp_failure(state, 64, 0, "the filter is too long");
		return 0;
	case ARGP_KEY_END:
		if (!plan.function)
			argp_failure(state, 64, 0, "give a function");
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

int main(int argc, char **argv)
{
	static const struct argp argp = {
		.options = options,
		.parser = on_option,
		.args_doc = "FUNCTION [FILTER...]",
		.doc = "Writes what a function receives, as pcap. FILTER: see pcap-filter(7).",
	};
	struct sigaction action = { .sa_handler = on_signal };
	int err;

	argp_parse(&argp, argc, argv, 0, NULL, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
	if (output_open())
		return 1;
	err = run();
	pcap_dump_close(plan.dumper);
	return err ? 1 : 0;
}

// SPDX-License-Identifier: GPL-2.0-only
/* uvf capture: frames at named points, as pcap or a line each, while traffic goes on. */
#include "capture.h"

#include <arpa/inet.h>
#include <errno.h>
#include <pcap/pcap.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <linux/if_ether.h>

#include "why.h"

struct capture {
	const char *function;
	char *expression;
	const char *file;
	unsigned long count; /* 0: without end */
	unsigned int snaplen;
	bool at[POINTS];
	bool points_given;
	/* while it runs */
	struct capture_filter filters[POINTS];
	struct capture_program *programs[POINTS]; /* those of the points that take a program */
	struct pcap *links[POINTS]; /* of the others */
	struct capture_program *first;
	struct perf_buffer *buffer;
	struct pollfd polled[POINTS + 1];
	unsigned int nr_polled;
	struct capture_sink sink;
	int64_t boot; /* ns, what CLOCK_REALTIME is ahead of CLOCK_BOOTTIME */
	pcap_t *pcap;
	pcap_dumper_t *dumper; /* NULL: a line each */
	struct bpf_program filter;
	unsigned long seen;
};

static volatile sig_atomic_t stopped;

static const struct argp_option options[] = {
	{ "at", 'a', "POINT", 0,
	  "uplink, rx or tx; may be given several times (default: rx and tx)", 0 },
	{ "write", 'w', "FILE", 0, "write pcap to FILE; - is standard output", 0 },
	{ "count", 'c', "N", 0, "end after N frames", 0 },
	{ "snaplen", 's', "BYTES", 0, "keep no more than BYTES of a frame", 0 },
	{ 0 },
};

static unsigned long parse_number(const char *arg, unsigned long most, struct argp_state *state)
{
	char *end;
	unsigned long number = strtoul(arg, &end, 10);

	if (end == arg || *end || *arg == '-' || !number || number > most)
		argp_failure(state, 64, 0, "'%s' is not a number from 1 to %lu", arg, most);
	return number;
}

static void parse_point(struct capture *capture, const char *arg, struct argp_state *state)
{
	int point = point_parse(arg);

	if (point < 0)
		argp_failure(state, 64, 0, "there is no point '%s', only uplink, rx and tx", arg);
	capture->at[point] = true;
	capture->points_given = true;
}

/* As tcpdump(8) does, the words of the filter make one expression. */
static void add_word(struct capture *capture, const char *word, struct argp_state *state)
{
	char *longer;

	if (asprintf(&longer, "%s%s%s", capture->expression ?: "", capture->expression ? " " : "",
		     word) < 0)
		argp_failure(state, 1, ENOMEM, "no memory for the filter");
	free(capture->expression);
	capture->expression = longer;
}

static error_t on_option(int key, char *arg, struct argp_state *state)
{
	struct capture *capture = state->input;

	switch (key) {
	case 'a':
		parse_point(capture, arg, state);
		return 0;
	case 'w':
		capture->file = arg;
		return 0;
	case 'c':
		capture->count = parse_number(arg, 1UL << 40, state);
		return 0;
	case 's':
		capture->snaplen = parse_number(arg, CAPTURE_SNAPLEN, state);
		return 0;
	case ARGP_KEY_ARG:
		if (capture->function)
			add_word(capture, arg, state);
		else
			capture->function = arg;
		return 0;
	case ARGP_KEY_END:
		if (!capture->function)
			argp_failure(state, 64, 0, "frames of which function? `uvf list` shows those "
						   "there are");
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp argp = {
	.options = options,
	.parser = on_option,
	.args_doc = "FUNCTION [FILTER]",
	.doc = "Captures a function's frames at named points, without stopping its traffic.\v"
	       "uplink: as the steering program on the uplink sees them, tags and all. rx: as the "
	       "XDP program on the function gets them. tx: as the function sends them, before a VLAN's "
	       "tag is put on.\n"
	       "FILTER is in the words of pcap-filter(7). "
	       "`uvf capture fw0 -w - | tcpdump -nr -` shows more of a frame.",
};

static void on_signal(int signal)
{
	stopped = 1;
}

static int64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static void print_line(const struct capture_event *event, const struct pcap_pkthdr *header,
		       const uint8_t *bytes)
{
	char from[MAC_TEXT_SIZE], to[MAC_TEXT_SIZE];
	struct tm tm;

	if (header->caplen < ETH_HLEN)
		return;
	localtime_r(&header->ts.tv_sec, &tm);
	printf("%02d:%02d:%02d.%06ld %-6s %s > %s type 0x%02x%02x length %u\n", tm.tm_hour,
	       tm.tm_min, tm.tm_sec, header->ts.tv_usec / 1000, point_names[event->point],
	       mac_text(bytes + ETH_ALEN, from), mac_text(bytes, to), bytes[12], bytes[13],
	       header->len);
}

static void on_frame(void *arg, const struct capture_event *event, const uint8_t *bytes)
{
	struct capture *capture = arg;
	/* A link's frames have the time of day already. */
	int64_t time = event->time + (capture->programs[event->point] ? capture->boot : 0);
	struct pcap_pkthdr header = {
		/* nanoseconds, as open_pcap() promises */
		.ts = { .tv_sec = time / 1000000000, .tv_usec = time % 1000000000 },
		.caplen = event->captured,
		.len = event->length,
	};

	if (stopped || (capture->count && capture->seen == capture->count))
		return;
	if (!pcap_offline_filter(&capture->filter, &header, bytes))
		return;
	if (header.caplen > capture->snaplen)
		header.caplen = capture->snaplen;
	capture->seen++;
	if (capture->dumper)
		pcap_dump((void *)capture->dumper, &header, bytes);
	else
		print_line(event, &header, bytes);
}

/* Before anything is attached: a filter that can't be, and a file that can't be written. */
static int open_pcap(struct capture *capture)
{
	bool piped = !capture->file && !isatty(STDOUT_FILENO);

	capture->pcap = pcap_open_dead_with_tstamp_precision(DLT_EN10MB, capture->snaplen,
							     PCAP_TSTAMP_PRECISION_NANO);
	if (!capture->pcap)
		return uvf_fail(ENOMEM, "no memory for a capture");
	if (pcap_compile(capture->pcap, &capture->filter, capture->expression ?: "", 1,
			 PCAP_NETMASK_UNKNOWN))
		return uvf_fail(EINVAL, "'%s' is not a filter: %s", capture->expression,
				pcap_geterr(capture->pcap));
	if (!capture->file && !piped)
		return 0;
	if (capture->file && !strcmp(capture->file, "-") && isatty(STDOUT_FILENO))
		return uvf_fail(EINVAL, "pcap is nothing for a terminal: `… -w - | tcpdump -nr -`");
	capture->dumper = pcap_dump_open(capture->pcap, piped ? "-" : capture->file);
	if (!capture->dumper)
		return uvf_fail(EIO, "%s", pcap_geterr(capture->pcap));
	pcap_dump_flush(capture->dumper); /* a reader waits for the header */
	return 0;
}

static void close_pcap(struct capture *capture)
{
	if (capture->dumper)
		pcap_dump_close(capture->dumper);
	pcap_freecode(&capture->filter);
	if (capture->pcap)
		pcap_close(capture->pcap);
	free(capture->expression);
}

static int tap_program(struct capture *capture, enum point point, const struct place *place)
{
	struct capture_program *program;

	program = capture_program_open(place, &capture->filters[point], capture->first);
	if (!program)
		return -EIO;
	capture->programs[point] = program;
	capture->first = capture->first ?: program;
	return 0;
}

static int tap(struct capture *capture, const struct fact *fact, enum point point)
{
	struct capture_filter *filter = &capture->filters[point];
	struct place place;
	int err = point_find(fact, point, &place);

	if (err)
		return err;
	*filter = (struct capture_filter){
		/* A filter is to see what lies behind the bytes that are kept. */
		.snaplen = capture->expression ? CAPTURE_SNAPLEN : capture->snaplen,
		.ifindex = place.ifindex,
		.function = place.function,
		.point = point,
		.by_address = point == POINT_UPLINK,
		.vlan = fact->function.port->vlan,
	};
	memcpy(filter->mac, fact->function.netdev->mac, sizeof(filter->mac));
	if (place.prog.id || place.sent)
		return tap_program(capture, point, &place);
	capture->links[point] = capture_link_open(&place, filter);
	return capture->links[point] ? 0 : -EIO;
}

static bool taps(const struct capture *capture, int point)
{
	return capture->programs[point] || capture->links[point];
}

/* Of the points that nobody asked for by name, those that can be had. */
static int tap_all(struct capture *capture, const struct fact *fact)
{
	int err = 0;

	if (!capture->points_given)
		capture->at[POINT_RX] = capture->at[POINT_TX] = true;
	for (int point = 0; point < POINTS; point++) {
		int failed = capture->at[point] ? tap(capture, fact, point) : 0;

		if (failed && capture->points_given)
			return failed;
		err = err ?: failed;
	}
	if (!taps(capture, POINT_UPLINK) && !taps(capture, POINT_RX) && !taps(capture, POINT_TX))
		return err;
	if (err)
		fprintf(stderr, "uvf: %s\n", uvf_why());
	return 0;
}

static void say_points(const struct capture *capture)
{
	const char *between = "";

	fprintf(stderr, "uvf: capturing %s at ", capture->function);
	for (int point = 0; point < POINTS; point++) {
		if (!taps(capture, point))
			continue;
		fprintf(stderr, "%s%s", between, point_names[point]);
		between = " and ";
	}
	fputs("\n", stderr);
}

static void poll_on(struct capture *capture, int fd)
{
	capture->polled[capture->nr_polled++] = (struct pollfd){ .fd = fd, .events = POLLIN };
}

static int open_buffers(struct capture *capture)
{
	if (capture->first) {
		capture->buffer = capture_buffer_open(capture->first, &capture->sink);
		if (!capture->buffer)
			return -EIO;
		poll_on(capture, capture_buffer_fd(capture->buffer));
	}
	for (int point = 0; point < POINTS; point++)
		if (capture->links[point])
			poll_on(capture, pcap_get_selectable_fd(capture->links[point]));
	return 0;
}

static int take_frames(struct capture *capture)
{
	int err = 0;

	poll(capture->polled, capture->nr_polled, 200);
	if (capture->buffer)
		capture_buffer_read(capture->buffer);
	for (int point = 0; point < POINTS && !err; point++)
		if (capture->links[point])
			err = capture_link_read(capture->links[point], &capture->filters[point],
						&capture->sink);
	return err;
}

static uint64_t lost_frames(const struct capture *capture)
{
	uint64_t lost = capture->sink.lost;
	struct pcap_stat stat;

	for (int point = 0; point < POINTS; point++)
		if (capture->links[point] && !pcap_stats(capture->links[point], &stat))
			lost += stat.ps_drop;
	return lost;
}

static int flush(struct capture *capture)
{
	int err = capture->dumper ? pcap_dump_flush(capture->dumper) : fflush(stdout);

	if (!err)
		return 0;
	if (errno == EPIPE)
		stopped = 1; /* the reader has seen enough */
	else
		return uvf_fail(errno, "can't write: %s", strerror(errno));
	return 0;
}

static int run(struct capture *capture)
{
	int err = open_buffers(capture);

	if (!err)
		say_points(capture);
	while (!err && !stopped && (!capture->count || capture->seen < capture->count)) {
		err = take_frames(capture);
		if (!err)
			err = flush(capture);
	}
	if (!err)
		fprintf(stderr, "uvf: %lu frames captured, %llu lost\n", capture->seen,
			(unsigned long long)lost_frames(capture));
	return err;
}

static void end(struct capture *capture)
{
	capture_buffer_close(capture->buffer);
	for (int point = 0; point < POINTS; point++) {
		if (capture->programs[point])
			capture_program_close(capture->programs[point]);
		if (capture->links[point])
			pcap_close(capture->links[point]);
	}
	close_pcap(capture);
}

static int start(struct capture *capture, struct facts *facts)
{
	struct fact fact;
	int err = facts_find(facts, capture->function, &fact);

	if (!err)
		err = open_pcap(capture);
	if (!err)
		err = tap_all(capture, &fact);
	if (!err)
		err = run(capture);
	return err;
}

int cmd_capture(int argc, char **argv)
{
	struct sigaction action = { .sa_handler = on_signal };
	struct capture capture = {
		.snaplen = CAPTURE_SNAPLEN,
		.sink = { .frame = on_frame, .arg = &capture },
	};
	struct facts facts;
	int err;

	parse(&argp, argc, argv, &capture);
	if (must_be_root("uvf capture", "it follows BPF programs") || facts_open(&facts, false))
		return fail();
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
	capture.boot = clock_ns(CLOCK_REALTIME) - clock_ns(CLOCK_BOOTTIME);
	err = start(&capture, &facts);
	end(&capture);
	facts_close(&facts);
	return err ? fail() : 0;
}

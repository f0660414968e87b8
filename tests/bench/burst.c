// SPDX-License-Identifier: GPL-2.0-only
/*
 * The smallest appliances, to measure libuvf with:
 *
 *	burst drop fw0			take every frame and give it back
 *	burst forward fw0 fw1		take every frame and send it out of the other one, both ways
 *	burst reflect fw0		take every frame and send it out again
 *	burst transmit fw0		send UDP frames of --size as fast as it goes
 *
 * --sleep (default) waits for frames, --busy USECS too, but looks for so long before it sleeps, and
 * --spin asks for them again and again. Prints what happened
 * so far as a line of JSON at SIGUSR1, and at the end: after --seconds, or at SIGTERM.
 */
#include <argp.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <uvf/libuvf.h>

#define BATCH 64
#define SIZE_MIN 60
#define SIZE_LIMIT 1514

#define NS 1000000000ULL

struct job {
	const struct kind *kind;
	const char *functions[2];
	unsigned int count; /* of functions given */
	bool spin;
	unsigned int seconds;
	unsigned int size;
	uint32_t busy_us, busy_budget;
	struct uvf *uvf;
	struct uvf_dev *dev[2];
	uint64_t busy; /* nanoseconds in rounds that had frames */
	uint64_t bursts; /* such rounds */
	uint64_t unsent; /* frames given up because the other side had no room */
};

/* What a burst does in a round: how many frames it had. */
static unsigned int drop(struct job *job);
static unsigned int forward(struct job *job);
static unsigned int reflect(struct job *job);
static unsigned int transmit(struct job *job);

static const struct kind {
	const char *name;
	unsigned int functions;
	unsigned int (*turn)(struct job *job);
} kinds[] = {
	{ "drop", 1, drop },
	{ "forward", 2, forward },
	{ "reflect", 1, reflect },
	{ "transmit", 1, transmit },
};

#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static volatile sig_atomic_t stop, report;

static void on_signal(int number)
{
	if (number == SIGUSR1)
		report = 1;
	else
		stop = 1;
}

static const struct argp_option options[] = {
	{ "spin", 's', NULL, 0, "never sleep", 0 },
	{ "sleep", 'w', NULL, 0, "sleep while there are no frames (default)", 0 },
	{ "busy", 'b', "USECS", 0, "look for so long before sleeping; 4294967295: always", 0 },
	{ "budget", 'B', "N", 0, "meanwhile the kernel receives up to so many frames a look", 0 },
	{ "seconds", 'T', "N", 0, "end after so many seconds (default: at SIGTERM)", 0 },
	{ "size", 'z', "BYTES", 0, "of a frame that transmit sends, 60 to 1514 (default: 60)", 0 },
	{ 0 },
};

static error_t on_argument(struct job *job, char *arg, struct argp_state *state)
{
	for (unsigned int i = 0; !job->kind && i < KINDS; i++)
		if (!strcmp(arg, kinds[i].name)) {
			job->kind = &kinds[i];
			return 0;
		}
	if (!job->kind)
		argp_failure(state, 64, 0,
			     "'%s' is not a job: drop, forward, reflect or transmit", arg);
	if (job->count == job->kind->functions)
		argp_failure(state, 64, 0, "'%s' is too much", arg);
	job->functions[job->count++] = arg;
	return 0;
}

static unsigned int number(struct argp_state *state, const char *arg, const char *what,
			   unsigned int min, unsigned int max)
{
	char *end;
	unsigned long value = strtoul(arg, &end, 10);

	if (*end || end == arg || *arg == '-' || value < min || value > max)
		argp_failure(state, 64, 0, "'%s' is not a number of %s: %u to %u", arg, what, min,
			     max);
	return value;
}

static error_t on_option(int key, char *arg, struct argp_state *state)
{
	struct job *job = state->input;

	switch (key) {
	case 's':
		job->spin = true;
		return 0;
	case 'w':
		job->spin = false;
		return 0;
	case 'b':
		job->busy_us = number(state, arg, "microseconds", 1, UVF_BUSY_ALWAYS);
		return 0;
	case 'B':
		job->busy_budget = number(state, arg, "frames", 1, 64);
		return 0;
	case 'T':
		job->seconds = number(state, arg, "seconds", 1, 86400);
		return 0;
	case 'z':
		job->size = number(state, arg, "bytes", SIZE_MIN, SIZE_LIMIT);
		return 0;
	case ARGP_KEY_ARG:
		return on_argument(job, arg, state);
	case ARGP_KEY_END:
		if (!job->kind || job->count != job->kind->functions)
			argp_failure(state, 64, 0,
				     "give `drop FUNCTION` or `forward FUNCTION FUNCTION`");
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp argp = {
	.options = options,
	.parser = on_option,
	.args_doc = "drop|reflect|transmit FUNCTION\nforward FUNCTION FUNCTION",
	.doc = "Receives and drops, or sends on or back, or only sends, and counts.",
};

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * NS + t.tv_nsec;
}

static unsigned int drop(struct job *job)
{
	struct uvf_frame frames[BATCH];
	unsigned int n = uvf_dev__rx(job->dev[0], frames, BATCH);

	uvf__free(job->uvf, frames, n);
	return n;
}

static void give(struct job *job, struct uvf_dev *to, struct uvf_frame *frames, unsigned int n)
{
	unsigned int sent = uvf_dev__tx(to, frames, n);

	uvf__free(job->uvf, frames + sent, n - sent);
	job->unsent += n - sent;
}

static unsigned int move(struct job *job, struct uvf_dev *from, struct uvf_dev *to)
{
	struct uvf_frame frames[BATCH];
	unsigned int n = uvf_dev__rx(from, frames, BATCH);

	if (n)
		give(job, to, frames, n);
	return n;
}

static unsigned int forward(struct job *job)
{
	return move(job, job->dev[0], job->dev[1]) + move(job, job->dev[1], job->dev[0]);
}

static unsigned int reflect(struct job *job)
{
	return move(job, job->dev[0], job->dev[0]);
}

/*
 * As testpmd's txonly: the headers are written into each frame. From a locally administered address
 * to the one that testpmd sends to; UDP from and to port 9, of documentation addresses (RFC 5737).
 */
static unsigned int transmit(struct job *job)
{
	static uint8_t head[42] =
		"\2\0\0\0\0\0" "\2\0\0\0\0\1" "\x08\0" "\x45\0\0\0" "\0\0\0\0"
		"\x40\x11\0\0" "\xc0\0\2\1" "\xc6\x33\x64\1" "\0\x09\0\x09" "\0\0\0";
	struct uvf_frame frames[BATCH];
	unsigned int n = uvf__alloc(job->uvf, frames, BATCH);

	head[16] = (job->size - 14) >> 8;
	head[17] = job->size - 14;
	head[38] = (job->size - 34) >> 8;
	head[39] = job->size - 34;
	for (unsigned int i = 0; i < n; i++) {
		memcpy(uvf__data(job->uvf, &frames[i]), head, sizeof(head));
		frames[i].len = job->size;
	}
	give(job, job->dev[0], frames, n);
	return n;
}

static int print(const struct job *job)
{
	printf("{ \"job\": \"%s\", \"spin\": %s, \"busy_ns\": %llu, \"bursts\": %llu, "
	       "\"unsent\": %llu, \"functions\": [",
	       job->kind->name, job->spin ? "true" : "false", (unsigned long long)job->busy,
	       (unsigned long long)job->bursts, (unsigned long long)job->unsent);
	for (unsigned int i = 0; i < job->count; i++) {
		struct uvf_dev_stats stats;
		int err = uvf_dev__stats(job->dev[i], &stats);

		if (err)
			return err;
		printf("%s { \"name\": \"%s\", \"rx_frames\": %llu, \"rx_bytes\": %llu, "
		       "\"rx_dropped\": %llu, \"tx_frames\": %llu, \"tx_bytes\": %llu }",
		       i ? "," : "", uvf_dev__info(job->dev[i])->name,
		       (unsigned long long)stats.rx_frames, (unsigned long long)stats.rx_bytes,
		       (unsigned long long)stats.rx_dropped, (unsigned long long)stats.tx_frames,
		       (unsigned long long)stats.tx_bytes);
	}
	printf(" ] }\n");
	return fflush(stdout) ? -errno : 0;
}

/* Of a round without frames. */
static int idle(struct job *job)
{
	int err = job->spin ? 0 : uvf__wait(job->uvf, 100);

	return err < 0 && err != -EINTR ? err : 0;
}

/* The clock is read once a round, so that its cost is shared by a burst's frames. */
static int loop(struct job *job)
{
	uint64_t last = now(), end = job->seconds ? last + job->seconds * NS : ~0ULL;

	while (!stop && last < end) {
		unsigned int n = job->kind->turn(job);
		uint64_t at = now();
		int err = 0;

		if (n) {
			job->busy += at - last;
			job->bursts++;
		} else {
			err = idle(job);
			if (!job->spin)
				at = now();
		}
		if (report && !err) {
			report = 0;
			err = print(job);
			at = now();
		}
		if (err)
			return err;
		last = at;
	}
	return 0;
}

static int run(struct job *job)
{
	/* Who kills it wants the functions back at once. */
	struct uvf_opts opts = {
		.size = sizeof(opts),
		.linger = UVF_NO_LINGER,
		.busy_us = job->busy_us,
		.busy_budget = job->busy_budget,
	};
	int err = uvf__open(&job->uvf, &opts);

	for (unsigned int i = 0; i < job->count && !err; i++)
		err = uvf_dev__open(&job->dev[i], job->uvf, job->functions[i]);
	if (!err) {
		fprintf(stderr, "burst: ready\n");
		err = loop(job);
	}
	if (!err)
		err = print(job);
	if (err)
		fprintf(stderr, "burst: %s\n", uvf__why());
	uvf__close(job->uvf);
	return err ? 1 : 0;
}

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_handler = on_signal };
	struct job job = { .size = SIZE_MIN };

	argp_parse(&argp, argc, argv, 0, NULL, &job);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGUSR1, &action, NULL);
	return run(&job);
}

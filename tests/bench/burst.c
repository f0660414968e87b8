// SPDX-License-Identifier: GPL-2.0-only
/*
 * The smallest appliances, to measure libuvf with:
 *
 *	burst drop fw0			take every frame and give it back
 *	burst forward fw0 fw1		take every frame and send it out of the other one, both ways
 *
 * --sleep (default) waits for frames, --spin asks for them again and again. Prints what happened
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

#define NS 1000000000ULL

struct job {
	const char *name;
	const char *functions[2];
	unsigned int count; /* of functions given */
	bool forward;
	bool spin;
	unsigned int seconds;
	struct uvf *uvf;
	struct uvf_dev *dev[2];
	uint64_t busy; /* nanoseconds in rounds that had frames */
	uint64_t bursts; /* such rounds */
	uint64_t unsent; /* frames given up because the other side had no room */
};

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
	{ "seconds", 'T', "N", 0, "end after so many seconds (default: at SIGTERM)", 0 },
	{ 0 },
};

static error_t on_argument(struct job *job, char *arg, struct argp_state *state)
{
	if (!job->name) {
		job->name = arg;
		job->forward = !strcmp(arg, "forward");
		if (!job->forward && strcmp(arg, "drop"))
			argp_failure(state, 64, 0, "'%s' is not a job: drop or forward", arg);
		return 0;
	}
	if (job->count == 1u + job->forward)
		argp_failure(state, 64, 0, "'%s' is too much", arg);
	job->functions[job->count++] = arg;
	return 0;
}

static error_t on_option(int key, char *arg, struct argp_state *state)
{
	struct job *job = state->input;
	char *end;

	switch (key) {
	case 's':
		job->spin = true;
		return 0;
	case 'w':
		job->spin = false;
		return 0;
	case 'T':
		job->seconds = strtoul(arg, &end, 10);
		if (*end || end == arg || !job->seconds || job->seconds > 86400)
			argp_failure(state, 64, 0, "'%s' is not a number of seconds: 1 to 86400",
				     arg);
		return 0;
	case ARGP_KEY_ARG:
		return on_argument(job, arg, state);
	case ARGP_KEY_END:
		if (!job->name || job->count != 1u + job->forward)
			argp_failure(state, 64, 0,
				     "give `drop FUNCTION` or `forward FUNCTION FUNCTION`");
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp argp = {
	.options = options,
	.parser = on_option,
	.args_doc = "drop FUNCTION\nforward FUNCTION FUNCTION",
	.doc = "Receives and drops, or receives and forwards, and counts.",
};

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * NS + t.tv_nsec;
}

static unsigned int drop(struct job *job, struct uvf_dev *from)
{
	struct uvf_frame frames[BATCH];
	unsigned int n = uvf_dev__rx(from, frames, BATCH);

	uvf__free(job->uvf, frames, n);
	return n;
}

static unsigned int forward(struct job *job, struct uvf_dev *from, struct uvf_dev *to)
{
	struct uvf_frame frames[BATCH];
	unsigned int n = uvf_dev__rx(from, frames, BATCH), sent;

	if (!n)
		return 0;
	sent = uvf_dev__tx(to, frames, n);
	uvf__free(job->uvf, frames + sent, n - sent);
	job->unsent += n - sent;
	return n;
}

static unsigned int turn(struct job *job)
{
	if (!job->forward)
		return drop(job, job->dev[0]);
	return forward(job, job->dev[0], job->dev[1]) + forward(job, job->dev[1], job->dev[0]);
}

static int print(const struct job *job)
{
	printf("{ \"job\": \"%s\", \"spin\": %s, \"busy_ns\": %llu, \"bursts\": %llu, "
	       "\"unsent\": %llu, \"functions\": [",
	       job->name, job->spin ? "true" : "false", (unsigned long long)job->busy,
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

/* A round without frames. */
static int idle(struct job *job)
{
	int err = 0;

	if (report) {
		report = 0;
		err = print(job);
	}
	if (!err && !job->spin)
		err = uvf__wait(job->uvf, 100);
	return err < 0 && err != -EINTR ? err : 0;
}

/* The clock is read once a round, so that its cost is shared by a burst's frames. */
static int loop(struct job *job)
{
	uint64_t last = now(), end = job->seconds ? last + job->seconds * NS : ~0ULL;

	while (!stop && last < end) {
		unsigned int n = turn(job);
		uint64_t at = now();

		if (n) {
			job->busy += at - last;
			job->bursts++;
		} else {
			int err = idle(job);

			if (err)
				return err;
			if (!job->spin)
				at = now();
		}
		last = at;
	}
	return 0;
}

static int run(struct job *job)
{
	int err = uvf__open(&job->uvf, NULL);

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
	struct job job = { 0 };

	argp_parse(&argp, argc, argv, 0, NULL, &job);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGUSR1, &action, NULL);
	return run(&job);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * forward - joins two functions: what comes in on one goes out of the other, both ways
 *
 *	uvf run --on fw0 --on fw1 -- forward fw0 fw1
 *
 * The whole of an appliance is in loop(). No byte of a frame is touched or copied here: all
 * functions of a session share its memory, so that a frame goes on by its descriptor alone. With
 * UVF_JUMBO=1 in the environment, by several of them where it is longer than one.
 */
#include <argp.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>

#include <uvf/libuvf.h>

#define BURST 64
#define WAIT_MS 1000

static volatile sig_atomic_t stop;

static void on_signal(int number)
{
	stop = 1;
}

/* Returns how many came in, whatever became of them. */
static unsigned int forward(struct uvf *uvf, struct uvf_dev *from, struct uvf_dev *to)
{
	struct uvf_frame frames[BURST];
	unsigned int n = uvf_dev__rx(from, frames, BURST), sent;

	if (!n)
		return 0;
	sent = uvf_dev__tx(to, frames, n);
	/* What the other side has no room for is lost, as on any wire that is too slow. */
	uvf__free(uvf, frames + sent, n - sent);
	return n;
}

/* Sleeps when neither side has frames. 0 when asked to end, or -errno. */
static int loop(struct uvf *uvf, struct uvf_dev **dev)
{
	while (!stop) {
		unsigned int n = forward(uvf, dev[0], dev[1]) + forward(uvf, dev[1], dev[0]);
		int err = n ? 0 : uvf__wait(uvf, WAIT_MS);

		if (err == -EPIPE)
			fprintf(stderr, "forward: %s\n", uvf__why());
		else if (err < 0 && err != -EINTR)
			return err;
	}
	return 0;
}

static void print(struct uvf_dev *dev)
{
	struct uvf_dev_stats stats;

	if (!uvf_dev__stats(dev, &stats))
		printf("%s: received %llu, sent %llu, no room to send %llu, dropped %llu\n",
		       uvf_dev__info(dev)->name, (unsigned long long)stats.rx_frames,
		       (unsigned long long)stats.tx_frames, (unsigned long long)stats.tx_full,
		       (unsigned long long)stats.rx_dropped);
}

static int run(char **names)
{
	struct uvf_opts opts = { .size = sizeof(opts), .jumbo = UVF_JUMBO_IF_SET };
	struct uvf_dev *dev[2];
	struct uvf *uvf;
	int err = uvf__open(&uvf, &opts);

	for (unsigned int i = 0; i < 2 && !err; i++)
		err = uvf_dev__open(&dev[i], uvf, names[i]);
	if (!err) {
		fprintf(stderr, "forward: ready\n");
		err = loop(uvf, dev);
		print(dev[0]);
		print(dev[1]);
	}
	if (err)
		fprintf(stderr, "forward: %s\n", uvf__why());
	uvf__close(uvf);
	return err ? 1 : 0;
}

static error_t on_option(int key, char *arg, struct argp_state *state)
{
	char **names = state->input;

	if (key == ARGP_KEY_ARG && state->arg_num < 2)
		names[state->arg_num] = arg;
	else if (key == ARGP_KEY_ARG || (key == ARGP_KEY_END && state->arg_num != 2))
		argp_failure(state, 64, 0, "give two functions to join");
	else
		return ARGP_ERR_UNKNOWN;
	return 0;
}

int main(int argc, char **argv)
{
	static const struct argp argp = {
		.parser = on_option,
		.args_doc = "FUNCTION FUNCTION",
		.doc = "Sends what it receives on one function out of the other, both ways.",
	};
	struct sigaction action = { .sa_handler = on_signal };
	char *names[2];

	argp_parse(&argp, argc, argv, 0, NULL, names);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	return run(names);
}

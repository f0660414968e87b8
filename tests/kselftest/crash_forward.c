// SPDX-License-Identifier: GPL-2.0-only
/*
 * An appliance to be killed: what comes in on the first function leaves by the second, unchanged.
 *
 *	uvf run --on fw0 --on fw1 -- crash_forward fw0 fw1
 *
 * Says "ready", and whether it goes on where a predecessor died. On SIGUSR1 it prints where the
 * frames of its UMEM are, and what the rings say of them, as JSON. SIGTERM ends it.
 */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <uvf/libuvf.h>

#define FRAMES 8192
#define BURST 64

static volatile sig_atomic_t asked, ended;

static void on_signal(int signal)
{
	if (signal == SIGUSR1)
		asked = 1;
	else
		ended = 1;
}

static void check(int err)
{
	if (!err)
		return;
	fprintf(stderr, "crash_forward: %s\n", uvf__why());
	exit(1);
}

static void tell(struct uvf *uvf, struct uvf_dev *in)
{
	struct uvf_dev_stats stats;
	struct uvf_account at;

	uvf__account(uvf, &at);
	check(uvf_dev__stats(in, &stats));
	printf("{ \"resumed\": %u, \"free\": %u, \"held\": %u, \"filling\": %u, \"sending\": %u, "
	       "\"sum\": %u, \"frames\": %u, \"dropped\": %llu }\n", at.resumed, at.free, at.held,
	       at.filling, at.sending, at.free + at.held + at.filling + at.sending, FRAMES,
	       (unsigned long long)stats.rx_dropped);
	fflush(stdout);
}

/* Waits for room rather than to lose a frame. */
static void send_all(struct uvf *uvf, struct uvf_dev *out, struct uvf_frame *frames, unsigned int n)
{
	unsigned int sent = 0;

	while (sent < n && !ended) {
		sent += uvf_dev__tx(out, frames + sent, n - sent);
		if (sent < n)
			uvf__wait(uvf, 10);
	}
}

int main(int argc, char **argv)
{
	struct uvf_opts opts = { .size = sizeof(opts), .frames = FRAMES,
				 .jumbo = UVF_JUMBO_IF_SET };
	struct sigaction action = { .sa_handler = on_signal };
	struct uvf_frame frames[BURST];
	struct uvf_dev *in, *out;
	struct uvf_account at;
	struct uvf *uvf;

	if (argc != 3) {
		fprintf(stderr, "usage: crash_forward IN OUT\n");
		return 64;
	}
	sigaction(SIGUSR1, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	check(uvf__open(&uvf, &opts));
	check(uvf_dev__open(&in, uvf, argv[1]));
	check(uvf_dev__open(&out, uvf, argv[2]));
	uvf__account(uvf, &at);
	printf("ready resumed=%u held=%u\n", at.resumed, at.held);
	fflush(stdout);
	while (!ended) {
		unsigned int n = uvf_dev__rx(in, frames, BURST);

		if (n)
			send_all(uvf, out, frames, n);
		else
			uvf__wait(uvf, 100);
		if (asked)
			tell(uvf, in);
		asked = 0;
	}
	uvf__close(uvf);
	return 0;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * While there is something to do it is done in turn: what the user asks, before all else, as a
 * processor of the guest waits for it; frames for the guest; frames of the guest. Then the process
 * sleeps until it is told of something, until the NIC's own time, or until it has to try again.
 */
#include "vfio.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <time.h>

#include "why.h"

#define MS 1000000ull
#define TICK (1000 * MS) /* what no descriptor tells of */
#define SWAP (10 * MS) /* a user is about to have let go */

enum { WATCH_CHANNEL, WATCH_FRAMES, WATCH_CARRIER, WATCH_CONTROL, WATCHES };

static volatile sig_atomic_t asked_to_stop;

static void on_signal(int number)
{
	asked_to_stop = 1;
}

uint64_t front_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

/* --- what is to be done ----------------------------------------------------------------------- */

static bool ask_channel(struct front *front)
{
	int n = channel_run(front);

	if (n < 0) {
		front->failed = n;
		front->stop = true;
	}
	return n > 0;
}

static bool run_nic(struct front *front)
{
	bool more = nic_poll(front->nic);

	if (nic_deadline(front->nic) <= front_now())
		nic_tick(front->nic);
	memory_settle(front);
	return more;
}

/* Whether there is more to do, as far as is known. */
static bool run_once(struct front *front)
{
	bool busy = ask_channel(front);

	if (front->stop)
		return true;
	busy |= frames_receive(front);
	if (front->stop)
		return true;
	busy |= run_nic(front);
	/* What was full may have room now: the NIC goes on with what it had to leave. */
	busy |= frames_flush(front);
	device_try_swap(front);
	return busy;
}

/* Notices of uvfd come without a descriptor of their own. */
static void tick(struct front *front)
{
	int err = uvf__wait(front->uvf, 0);

	channel_look(front);
	if (err == -EPIPE) {
		front_say(front, "%s", uvf__why());
	} else if (err < 0 && err != -EINTR) {
		front->failed = uvf_fail(-err, "%s", uvf__why());
		front->stop = true;
	}
}

/* --- sleep ------------------------------------------------------------------------------------ */

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t sleep_for(const struct front *front, uint64_t next_tick)
{
	uint64_t now = front_now(), until = least(next_tick, nic_deadline(front->nic));
	uint64_t ns = until > now ? until - now : 0;

	ns = least(ns, frames_patience(front));
	return front->next && !front->open ? least(ns, SWAP) : ns;
}

/* @ns: at most. Signals come here alone. */
static void wait(struct front *front, uint64_t ns, const sigset_t *unblocked)
{
	const struct timespec timeout = { ns / 1000000000, ns % 1000000000 };
	struct pollfd watch[WATCHES] = {
		[WATCH_CHANNEL] = { .fd = front->channel, .events = POLLIN },
		[WATCH_FRAMES] = { .fd = uvf_dev__fd(front->dev), .events = POLLIN },
		[WATCH_CARRIER] = { .fd = uvf_carrier_fd(&front->carrier), .events = POLLIN },
		[WATCH_CONTROL] = { .fd = front->listener, .events = POLLIN },
	};

	/* What waits for the guest's buffers is not to keep us awake. */
	if (front->rx_next < front->rx_count)
		watch[WATCH_FRAMES].fd = -1;
	if (ppoll(watch, WATCHES, &timeout, unblocked) <= 0)
		return;
	if (watch[WATCH_CARRIER].revents)
		uvf_carrier_read(&front->carrier);
	if (watch[WATCH_CONTROL].revents)
		control_run(front);
}

static void block_signals(sigset_t *before)
{
	const struct sigaction action = { .sa_handler = on_signal };
	sigset_t ends;

	sigemptyset(&ends);
	sigaddset(&ends, SIGTERM);
	sigaddset(&ends, SIGINT);
	sigprocmask(SIG_BLOCK, &ends, before);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
}

int loop_open(struct front *front)
{
	return uvf_carrier_open(&front->carrier, front->info.ifindex, device_link, front);
}

void loop_close(struct front *front)
{
	if (front->carrier.sock)
		uvf_carrier_close(&front->carrier);
}

/* Between two sleeps no longer than this without a look at what else there is. */
#define ROUNDS 64

int loop_run(struct front *front)
{
	uint64_t next_tick = 0;
	unsigned int rounds = 0;
	sigset_t unblocked;

	block_signals(&unblocked);
	while (!front->stop && !asked_to_stop) {
		bool busy = run_once(front);

		if (front_now() >= next_tick) {
			tick(front);
			next_tick = front_now() + TICK;
		}
		if (front->stop || (busy && ++rounds % ROUNDS))
			continue;
		device_count(front);
		wait(front, busy ? 0 : sleep_for(front, next_tick), &unblocked);
	}
	return front->failed;
}

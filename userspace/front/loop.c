// SPDX-License-Identifier: GPL-2.0-only
/*
 * While there are frames, lanes run in turn, and descriptors are looked at now and then. When there
 * are none, notice is asked for of guest and kernel, and the process sleeps.
 *
 * Where frames come one by one and fast, it pauses for a tenth of a millisecond first and asks for
 * nothing, as cards moderate their interrupts: what has come meanwhile is taken at once, and
 * neither guest nor kernel had to wake anybody. Where they come faster than that, the pause is as
 * long as it takes an eighth of a guest's ring to come: without a copy, that ring is all the room
 * there is.
 *
 * Descriptors of the packet path are watched edge-triggered: an eventfd that is never read tells of
 * each kick, and a queue that is full for want of buffers does not keep us awake. Sockets are
 * watched only while somebody might sleep: for each frame that was sent, the kernel tells whoever
 * watches its socket that there is room (sock_wfree(), net/core/sock.c), wanted or not.
 */
#include "front.h"

#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <time.h>

#include "why.h"

#define LOOK 32 /* rounds without a look at descriptors */
#define BUSY 64 /* rounds with frames, one after another: no time to sleep is near */
#define TICK_S 1
#define HURRY_US 1000
#define PAUSE_NS 100000
#define PAUSE_PART 8 /* of a ring, that may come meanwhile */
#define QUICK 20000 /* frames a second: two in such a pause, in the mean */

static void on_signal(int number, short what, void *arg)
{
	struct front *front = arg;

	front->stop = true;
}

/* It only had to wake us. */
static void on_readable(int fd, short what, void *arg)
{
}

static void on_kick(int fd, short what, void *arg)
{
	struct lane *lane = arg;

	lane->count->kicks++;
}

/* What no descriptor tells of: notices of uvfd, and memory that was taken from under us. */
static void on_tick(int fd, short what, void *arg)
{
	struct front *front = arg;
	int err = uvf__wait(front->uvf, 0);

	if (err == -EPIPE) {
		front_say(front, "%s", uvf__why());
	} else if (err < 0 && err != -EINTR) {
		front->failed = uvf_fail(-err, "%s", uvf__why());
		front->stop = true;
	}
	for (unsigned int i = 0; i < front->lanes; i++)
		front->lane[i].count->calls = front->lane[i].ring.stats.calls;
	if (guest_lost(&front->guest) || front->inflight.lost)
		socket_drop(front, "the front-end cut memory short that the guest's rings need");
	standby_tick(front);
}

struct event *loop_watch(struct front *front, int fd, void (*call)(int fd, short what, void *arg),
			 void *arg)
{
	struct event *event = event_new(front->base, fd, EV_READ | EV_PERSIST, call, arg);

	if (event && !event_add(event, NULL))
		return event;
	loop_forget(&event);
	uvf_fail(ENOMEM, "can't watch a descriptor");
	return NULL;
}

void loop_forget(struct event **event)
{
	if (*event)
		event_free(*event);
	*event = NULL;
}

static struct event *watch_edge(struct front *front, int fd,
				void (*call)(int fd, short what, void *arg), void *arg)
{
	struct event *event = event_new(front->base, fd, EV_READ | EV_ET | EV_PERSIST, call, arg);

	if (event && !event_add(event, NULL))
		return event;
	loop_forget(&event);
	return NULL;
}

int loop_watch_kick(struct lane *lane)
{
	loop_forget_kick(lane);
	if (lane->ring.kick < 0)
		return 0;
	lane->kick = watch_edge(lane->front, lane->ring.kick, on_kick, lane);
	return lane->kick ? 0 : uvf_fail(EINVAL, "the kick descriptor of virtqueue %u is none "
						 "that can be waited for", lane->index);
}

void loop_forget_kick(struct lane *lane)
{
	loop_forget(&lane->kick);
}

void loop_hurry(struct front *front)
{
	const struct timeval hurry = { .tv_usec = HURRY_US };

	event_add(front->hurry, &hurry);
}

int loop_watch_queues(struct front *front)
{
	for (unsigned int i = 0; i < front->queues; i++) {
		struct queue *queue = &front->queue[i];

		queue->readable = watch_edge(front, uvf_dev__fd(queue->dev), on_readable, queue);
		if (!queue->readable)
			return uvf_fail(EINVAL, "can't wait for frames");
	}
	return 0;
}

void loop_forget_queues(struct front *front)
{
	for (unsigned int i = 0; i < front->queues; i++)
		loop_forget(&front->queue[i].readable);
}

/* They stay events, so that nothing is allocated. To be watched again tells of what has come. */
static void queues_watch(struct front *front, bool watch)
{
	if (front->unwatched == !watch)
		return;
	front->unwatched = !watch;
	for (unsigned int i = 0; i < front->queues; i++) {
		struct event *readable = front->queue[i].readable;

		if (readable && watch)
			event_add(readable, NULL);
		else if (readable)
			event_del(readable);
	}
}

static int signals_watch(struct front *front)
{
	static const int numbers[] = { SIGTERM, SIGINT };

	for (unsigned int i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		front->signals[i] = evsignal_new(front->base, numbers[i], on_signal, front);
		if (!front->signals[i] || event_add(front->signals[i], NULL))
			return uvf_fail(ENOMEM, "can't wait for signals");
	}
	return 0;
}

int loop_open(struct front *front)
{
	const struct timeval second = { .tv_sec = TICK_S };

	front->base = event_base_new();
	if (!front->base)
		return uvf_fail(ENOMEM, "no memory for an event loop");
	front->tick = event_new(front->base, -1, EV_PERSIST, on_tick, front);
	front->hurry = event_new(front->base, -1, 0, on_readable, front);
	if (!front->tick || !front->hurry || event_add(front->tick, &second))
		return uvf_fail(ENOMEM, "no memory for an event loop");
	if (signals_watch(front))
		return -ENOMEM;
	return front->dev ? loop_watch_queues(front) : 0;
}

static void sleep_or_not(struct front *front)
{
	standby_settle(front);
	queues_watch(front, true);
	if (lanes_rest(front))
		event_base_loop(front->base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
	else
		event_base_loop(front->base, EVLOOP_ONCE);
	lanes_wake(front);
}

static uint32_t smallest_ring(const struct front *front)
{
	uint32_t least = VRING_SIZE_MAX;

	for (unsigned int i = 0; i < front->lanes; i++)
		if (front->lane[i].way && front->lane[i].ring.num < least)
			least = front->lane[i].ring.num;
	return least;
}

static uint32_t pause_for(const struct front *front, uint64_t rate)
{
	uint64_t ns = smallest_ring(front) / PAUSE_PART * 1000000000ULL;

	if (rate <= QUICK)
		return 0;
	return ns < PAUSE_NS * rate ? ns / rate : PAUSE_NS;
}

/* By the clock that ticks with the kernel's timer: good for no less than some milliseconds. */
static void measure(struct front *front)
{
	struct timespec t;
	uint64_t now;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
	now = t.tv_sec * 1000000000ULL + t.tv_nsec;
	if (now == front->since)
		return;
	front->pause_ns = pause_for(front, front->moved * 1000000000ULL / (now - front->since));
	front->moved = 0;
	front->since = now;
}

static void pause_shortly(const struct front *front)
{
	const struct timespec pause = { .tv_nsec = front->pause_ns };

	nanosleep(&pause, NULL);
}

static void idle(struct front *front, bool *paused)
{
	measure(front);
	*paused = front->pause_ns && !*paused;
	if (*paused)
		pause_shortly(front);
	else
		sleep_or_not(front);
}

int loop_run(struct front *front)
{
	unsigned int rounds = 0, busy = 0;
	bool paused = false;

	/* A pause is to be as long as it is said to be. */
	prctl(PR_SET_TIMERSLACK, 1);
	while (!front->stop) {
		unsigned int moved = lanes_run(front);

		front->moved += moved;
		if (!moved) {
			busy = 0;
			idle(front, &paused);
			continue;
		}
		paused = false;
		if (++busy == BUSY)
			queues_watch(front, false);
		if (++rounds % LOOK)
			continue;
		measure(front);
		standby_settle(front);
		event_base_loop(front->base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
	}
	return front->failed;
}

void loop_close(struct front *front)
{
	loop_forget_queues(front);
	for (unsigned int i = 0; i < 2; i++)
		loop_forget(&front->signals[i]);
	loop_forget(&front->hurry);
	loop_forget(&front->tick);
	if (front->base)
		event_base_free(front->base);
}

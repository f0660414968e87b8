// SPDX-License-Identifier: GPL-2.0-only
/*
 * One system call after the other in which one allocation fails.
 *
 *	faults link UPLINK NAME [WORD]…	a function is made: appliance=A vlan=N mode=N queues=N
 *					tx_pps=N
 *	faults limit NAME tx_pps=N	it is given a limit of what it sends
 *	faults up NAME			it is set up
 *	faults address NAME		it is given another address
 *	faults queues UPLINK NAME queues=N TO	it is made with N queues, and given others
 *	faults socket NAME		an AF_XDP socket is bound, zero-copy
 *	faults program NAME		an XDP program is attached, over rtnetlink
 *	faults bpf-link NAME		the same by bpf(BPF_LINK_CREATE)
 *	faults get NAME			generic netlink: function-get
 *	faults dump			…and all of them
 *	faults route-in NAME		a route from an eventfd to a vector
 *	faults route-out NAME		…and one back
 *	faults bind PCI			our driver is bound
 *	faults insmod PATH		the module is loaded, spare=1
 *
 * All is prepared; then the first allocation of the system call fails (fail-nth, see
 * Documentation/fault-injection/ of the kernel), then the second, until none is left to fail. What
 * came of it is held against two pictures: of before, and of after a call in which nothing failed.
 *
 *	refused		an error, and the picture is that of before
 *	complete	no error, and the picture is that of after
 *	no vectors	as complete, but for interrupts, which a function can do without; or for
 *			the driver that brings them to a spare one
 *	unanswered	rtnetlink says ENOBUFS: it could not tell. One of the above
 *
 * Anything else ends it. Exit: 0, 1 something else, 2 not asked.
 */
#include "faults.h"

#include <fcntl.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define MAX_FAULTS 5000

char **words;
const char *name;
unsigned int replies;

int index_of(const char *device)
{
	int index = if_nametoindex(device);

	if (!index)
		die(2, "there is no device '%s'", device);
	return index;
}

void done(int err)
{
	if (err)
		die(1, "it can't be undone: %s", strerror(abs(err)));
}

void die(int status, const char *format, ...)
{
	va_list args;

	fflush(stdout);
	va_start(args, format);
	fprintf(stderr, "faults: ");
	vfprintf(stderr, format, args);
	fprintf(stderr, "\n");
	va_end(args);
	exit(status);
}

/* --- one after the other ------------------------------------------------------------------ */

static const struct step {
	const char *name;
	int nr_words;
	int (*act)(void);
	void (*undo)(void); /* what succeeded, if there is something to undo */
	void (*prepare)(void); /* once */
	void (*renew)(void); /* before each act */
	bool adds; /* a function with its vectors, to those that are there */
} steps[] = {
	{ .name = "link", .nr_words = 2, .act = make, .undo = unmake, .adds = true },
	{ .name = "up", .nr_words = 1, .act = up, .undo = down },
	{ .name = "address", .nr_words = 1, .act = readdress, .undo = address_back },
	{ .name = "limit", .nr_words = 2, .act = limit, .undo = limit_off },
	{ .name = "queues", .nr_words = 4, .act = channels_change, .renew = renew },
	{ .name = "socket", .nr_words = 1, .act = xsk_bind, .undo = xsk_close },
	{ .name = "program", .nr_words = 1, .act = program_attach, .undo = program_detach,
	  .prepare = program_load },
	{ .name = "bpf-link", .nr_words = 1, .act = bpf_link_make, .undo = bpf_link_close,
	  .prepare = program_load },
	{ .name = "get", .nr_words = 1, .act = get },
	{ .name = "dump", .act = dump },
	{ .name = "route-in", .nr_words = 1, .act = route_in, .undo = route_in_end,
	  .prepare = eventfds_open },
	{ .name = "route-out", .nr_words = 1, .act = route_out, .undo = route_out_end,
	  .prepare = eventfds_open },
	{ .name = "bind", .nr_words = 1, .act = driver_bind, .undo = driver_unbind, .adds = true },
	{ .name = "insmod", .nr_words = 1, .act = module_insert, .undo = module_remove },
};

static struct picture before, after, now;
static unsigned int refused, complete, no_vectors, unanswered;

static bool looks(const struct picture *want)
{
	return !strcmp(now.text, want->text);
}

/* Carrier, a socket's pool, a spare function follow in their own time. */
static const struct picture *await_picture(const struct picture *one, const struct picture *other)
{
	const char *scale = getenv("TIMEOUT_SCALE");
	time_t end = time(NULL) + 5 * (scale ? atoi(scale) : 1);

	for (;;) {
		look(&now);
		if (looks(one) && (one == &after || now.irqs == one->irqs))
			return one;
		if (looks(other))
			return other;
		if (time(NULL) > end)
			die(1, "fault %u leaves this, with %u interrupts:\n%s"
			    "where there should be, with %u:\n%s", nth, now.irqs, now.text,
			    one->irqs, one->text);
		usleep(20000);
	}
}

/* A picture that has not changed for a second. */
static void look_at_rest(struct picture *p)
{
	int quiet = 0;

	for (look(p); quiet < 5; quiet++) {
		usleep(200000);
		look(&now);
		if (looks(p))
			continue;
		*p = now;
		quiet = 0;
	}
}

static void undo(const struct step *step)
{
	if (step->undo)
		step->undo();
	if (step->undo || !step->renew)
		await_picture(&before, &before);
}

static void judge_complete(const struct step *step, unsigned int wanted_replies)
{
	if (replies != wanted_replies)
		die(1, "fault %u: %u replies instead of %u, and no error", nth, replies,
		    wanted_replies);
	if (now.irqs == after.irqs)
		complete++;
	else if (now.irqs == (step->adds ? before.irqs : 0))
		no_vectors++;
	else
		die(1, "fault %u: %u interrupts, where there are %u or none", nth, now.irqs,
		    after.irqs);
}

/* False when no allocation was left to fail. */
static bool inject(const struct step *step, unsigned int wanted_replies)
{
	const struct picture *is;
	int err;

	if (step->renew)
		step->renew();
	err = step->act();
	if (!injected && err)
		die(1, "it fails without a fault: %s", strerror(abs(err)));
	if (err < 0)
		is = await_picture(&before, &before);
	else if (err == UNANSWERED)
		is = await_picture(&after, &before);
	else
		is = await_picture(&after, &after);
	unanswered += err == UNANSWERED;
	if (err < 0)
		refused++;
	else if (!err && injected)
		judge_complete(step, wanted_replies);
	if (is == &after)
		undo(step);
	return injected;
}

static void run(const struct step *step)
{
	unsigned int wanted_replies;
	time_t begin = time(NULL);
	int err;

	if (step->renew)
		step->renew();
	look_at_rest(&before);
	err = step->act();
	if (err)
		die(1, "it fails without a fault: %s", strerror(abs(err)));
	wanted_replies = replies;
	look_at_rest(&after);
	if (step->undo && looks(&before))
		die(2, "there is nothing to be seen of it");
	undo(step);
	for (nth = 1; inject(step, wanted_replies); nth++)
		if (nth == MAX_FAULTS)
			die(1, "there is no end of faults");
	printf("%s: %u faults: %u refused, %u complete, %u no vectors, %u unanswered; %ld s\n",
	       step->name, nth - 1, refused, complete, no_vectors, unanswered,
	       (long)(time(NULL) - begin));
}

int main(int argc, char **argv)
{
	size_t i;

	fail_nth = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	if (fail_nth < 0)
		die(2, "this kernel injects no faults");
	for (i = 0; argc > 1 && i < sizeof(steps) / sizeof(*steps); i++) {
		if (strcmp(argv[1], steps[i].name) || argc - 2 < steps[i].nr_words)
			continue;
		words = argv + 2;
		name = words[0];
		rtnl = nl_socket_alloc();
		must(nl_connect(rtnl, NETLINK_ROUTE));
		if (steps[i].act != module_insert)
			genl = nl_open();
		if (steps[i].prepare)
			steps[i].prepare();
		/* A page of ours that is missing would count. */
		if (mlockall(MCL_CURRENT | MCL_FUTURE))
			die(2, "mlockall: %s", strerror(errno));
		run(&steps[i]);
		return 0;
	}
	die(2, "which step? They are at the head of faults.c");
}

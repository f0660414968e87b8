// SPDX-License-Identifier: GPL-2.0-only
/*
 * Interrupts of a function, routed from and to eventfds. FUNCTION is the name of its netdev.
 *
 *	nl_route loop FUNCTION VECTOR COUNT	raise, be told, COUNT times, one after the other
 *	nl_route burst FUNCTION VECTOR COUNT	raise COUNT times in a row, then count what was told
 *	nl_route count FUNCTION VECTOR		"counting", and on SIGTERM how often it was told
 *	nl_route hold FUNCTION VECTOR in|out	"holding" until killed; on SIGUSR1 the eventfd is
 *						closed, on SIGUSR2 one is written to it
 *	nl_route try FUNCTION VECTOR DIRECTION eventfd|closed|file|pipe|netlink
 *	nl_route once FUNCTION VECTOR		an eventfd written before it is routed
 *	nl_route shared FUNCTION		what may share an eventfd, and what may not
 *	nl_route end FUNCTION VECTOR		route-del, by the owner and by another
 *	nl_route churn FUNCTION VECTOR SECONDS	routes come and go while a thread writes
 *
 * Refusals are printed as "strerror: text of the kernel". Exit: 0, 1 refused or lost, 2 not asked.
 */
#include "nl.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#define TIMEOUT_MS 20000

enum { IN = UVF_ROUTE_DIRECTION_IN, OUT = UVF_ROUTE_DIRECTION_OUT };

static struct nl_sock *sock;

static int change(int cmd, struct nl_sock *over, const char *function, int vector, int direction,
		  int fd)
{
	struct nl_msg *msg = nl_new(cmd, 0);

	nl_put_name(msg, "ifname", function, UVF_A_ROUTE_IFINDEX, UVF_A_ROUTE_PCI);
	nla_put_u32(msg, UVF_A_ROUTE_VECTOR, vector);
	nla_put_u32(msg, UVF_A_ROUTE_DIRECTION, direction);
	if (cmd == UVF_CMD_ROUTE_ADD)
		nla_put_u32(msg, UVF_A_ROUTE_EVENTFD, fd);
	return nl_ask(over, msg, NULL, NULL, NULL);
}

static int add(const char *function, int vector, int direction, int fd)
{
	return change(UVF_CMD_ROUTE_ADD, sock, function, vector, direction, fd);
}

static int del(const char *function, int vector, int direction)
{
	return change(UVF_CMD_ROUTE_DEL, sock, function, vector, direction, -1);
}

static int new_eventfd(unsigned int value)
{
	int fd = eventfd(value, EFD_NONBLOCK | EFD_CLOEXEC);

	if (fd < 0)
		exit(2);
	return fd;
}

/* What an eventfd has been told so far, within the time, at least one; or 0. */
static uint64_t take(int fd, int timeout)
{
	struct pollfd poller = { .fd = fd, .events = POLLIN };
	uint64_t count = 0;

	if (poll(&poller, 1, timeout) != 1 || read(fd, &count, sizeof(count)) != sizeof(count))
		return 0;
	return count;
}

static void give(int fd)
{
	if (eventfd_write(fd, 1))
		exit(2);
}

/* Both ends of a vector. */
static int both(const char *function, int vector, int *in, int *out)
{
	*in = new_eventfd(0);
	*out = new_eventfd(0);
	return add(function, vector, OUT, *out) || add(function, vector, IN, *in);
}

static int loop(char **argv)
{
	int vector = atoi(argv[1]), count = atoi(argv[2]), in, out, i;
	uint64_t told = 0;

	if (both(argv[0], vector, &in, &out))
		return 1;
	for (i = 0; i < count && told == (uint64_t)i; i++) {
		give(in);
		told += take(out, TIMEOUT_MS);
	}
	printf("raised %d told %lu\n", i, told);
	return told != (uint64_t)count;
}

static int burst(char **argv)
{
	int vector = atoi(argv[1]), count = atoi(argv[2]), in, out, i;
	uint64_t told = 0, more;

	if (both(argv[0], vector, &in, &out))
		return 1;
	for (i = 0; i < count; i++)
		give(in);
	while ((more = take(out, 500)))
		told += more;
	printf("told %lu\n", told);
	return told < 1 || told > (uint64_t)count;
}

static int catch_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGUSR2);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC);
}

static int next_signal(int caught)
{
	struct signalfd_siginfo info;

	return read(caught, &info, sizeof(info)) == sizeof(info) ? (int)info.ssi_signo : SIGTERM;
}

static int count(char **argv)
{
	int caught = catch_signals(), out = new_eventfd(0);

	if (add(argv[0], atoi(argv[1]), OUT, out))
		return 1;
	printf("counting\n");
	next_signal(caught);
	printf("told %lu\n", take(out, 0));
	return 0;
}

static int hold(char **argv)
{
	int caught = catch_signals(), fd = new_eventfd(0), number;

	if (add(argv[0], atoi(argv[1]), !strcmp(argv[2], "out"), fd))
		return 1;
	printf("holding\n");
	while ((number = next_signal(caught)) != SIGTERM) {
		if (number == SIGUSR2)
			give(fd);
		else
			close(fd);
	}
	return 0;
}

static int descriptor(const char *kind)
{
	int pipes[2], fd;

	if (!strcmp(kind, "eventfd"))
		return new_eventfd(0);
	if (!strcmp(kind, "file"))
		return open("/proc/self/maps", O_RDONLY);
	if (!strcmp(kind, "netlink"))
		return nl_socket_get_fd(sock);
	if (!strcmp(kind, "pipe"))
		return pipe(pipes) ? -1 : pipes[0];
	fd = new_eventfd(0);
	close(fd);
	return fd;
}

static int try(char **argv)
{
	return add(argv[0], atoi(argv[1]), atoi(argv[2]), descriptor(argv[3])) ? 1 : 0;
}

static int once(char **argv)
{
	int vector = atoi(argv[1]), in = new_eventfd(3), out = new_eventfd(0);
	uint64_t told;

	if (add(argv[0], vector, OUT, out) || add(argv[0], vector, IN, in))
		return 1;
	told = take(out, TIMEOUT_MS);
	told += take(out, 300);
	printf("told %lu\n", told);
	return told != 1;
}

static bool is(const char *what, int got, int wanted)
{
	if (got != wanted)
		printf("%s: %s, not %s\n", what, strerror(-got), strerror(-wanted));
	return got == wanted;
}

static int shared(char **argv)
{
	const char *function = argv[0];
	int fd = new_eventfd(0);
	bool good;

	good = is("out of two vectors", add(function, 0, OUT, fd) ?: add(function, 1, OUT, fd), 0);
	good &= is("in as well", add(function, 0, IN, fd), -ELOOP);
	good &= is("in as well, by a copy", add(function, 0, IN, dup(fd)), -ELOOP);
	fd = new_eventfd(0);
	good &= is("in", add(function, 0, IN, fd), 0);
	good &= is("into two vectors", add(function, 1, IN, fd), -EBUSY);
	good &= is("out as well", add(function, 1, OUT, fd), -EBUSY);
	good &= is("out is given back", del(function, 1, OUT), 0);
	good &= is("out as well", add(function, 1, OUT, fd), -ELOOP);
	return !good;
}

static int end(char **argv)
{
	int vector = atoi(argv[1]), in, out;
	struct nl_sock *other = nl_open();
	bool good;

	good = is("nothing to end", del(argv[0], vector, IN), -ENOENT);
	good &= is("made", both(argv[0], vector, &in, &out), 0);
	good &= is("by another", change(UVF_CMD_ROUTE_DEL, other, argv[0], vector, IN, -1), -EPERM);
	good &= is("by another", change(UVF_CMD_ROUTE_DEL, other, argv[0], vector, OUT, -1), -EPERM);
	give(in);
	good &= is("it works", take(out, TIMEOUT_MS), 1);
	good &= is("in is ended", del(argv[0], vector, IN), 0);
	give(in);
	good &= is("nothing is raised", take(out, 300), 0);
	good &= is("the eventfd is its owner's again", take(in, 0), 1);
	good &= is("out is ended", del(argv[0], vector, OUT), 0);
	good &= is("only once", del(argv[0], vector, OUT), -ENOENT);
	return !good;
}

static volatile bool enough;

static void *write_on(void *arg)
{
	int *in = arg;

	while (!enough)
		eventfd_write(*in, 1);
	return NULL;
}

static int churn(char **argv)
{
	int in = new_eventfd(0), out = new_eventfd(0), vector = atoi(argv[1]), err = 0;
	time_t stop = time(NULL) + atoi(argv[2]);
	pthread_t writer;
	unsigned int n = 0;

	if (pthread_create(&writer, NULL, write_on, &in))
		exit(2);
	for (; !err && time(NULL) < stop; n++) {
		err = add(argv[0], vector, IN, in) ?: add(argv[0], vector, OUT, out);
		err = err ?: del(argv[0], vector, IN) ?: del(argv[0], vector, OUT);
	}
	enough = true;
	pthread_join(writer, NULL);
	printf("%u routes came and went, told %lu\n", n, take(out, 0));
	return err || !n;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int arguments;
		int (*run)(char **argv);
	} commands[] = {
		{ "loop", 3, loop }, { "burst", 3, burst }, { "count", 2, count },
		{ "hold", 3, hold }, { "try", 4, try }, { "once", 2, once },
		{ "shared", 1, shared }, { "end", 2, end }, { "churn", 3, churn },
	};
	unsigned int i;

	setvbuf(stdout, NULL, _IOLBF, 0);
	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (argc < 2 || strcmp(argv[1], commands[i].name) ||
		    argc != 2 + commands[i].arguments)
			continue;
		sock = nl_open();
		return commands[i].run(argv + 2);
	}
	return 2;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * uvf-vhost-user: the interface process of one function. `uvf front vhost-user` starts it, with a
 * connection to uvfd, a listening socket and a page to count on; it has no right of its own.
 */
#include "front.h"

#include <argp.h>
#include <errno.h>
#include <netinet/ether.h>
#include <seccomp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "confine.h"
#include "why.h"

const char *argp_program_version = "uvf-vhost-user " UVF_VERSION;

struct options {
	const char *function;
	const char *socket;
	int listener;
	int counters;
	unsigned int pairs;
	const char *standby_of;
	struct ether_addr mac;
	bool has_mac;
	bool client;
	int shim;
};

void front_say(const struct front *front, const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	fprintf(stderr, "uvf-vhost-user: %s: %s\n", front->counters->function, text);
}

/* --- options ---------------------------------------------------------------------------------- */

static const struct argp_option options[] = {
	{ "socket", 's', "PATH", 0, "the socket of the front-end", 0 },
	{ "client", 'c', NULL, 0, "connect to it, rather than be connected to", 0 },
	{ "listen", 'l', "FD", 0, "it listens already, at this descriptor", 0 },
	{ "counters", 'n', "FD", 0, "count in this file", 0 },
	{ "pairs", 'p', "N", 0, "offer N queue pairs (default: as many as the function has queues)",
	  0 },
	{ "shim", 'z', "WHEN", 0,
	  "frames right into and out of guest memory: auto, off, require (default: auto)", 0 },
	{ "standby-of", 'S', "FUNCTION", 0, "takes its frames while the guest drives this device", 0 },
	{ "mac", 'm', "ADDRESS", 0, "the guest's (default: the function's)", 0 },
	{ 0 },
};

static int shim_word(const char *arg, struct argp_state *state)
{
	static const char *const words[] = { "auto", "off", "require" };

	for (int i = 0; i < 3; i++)
		if (!strcmp(arg, words[i]))
			return i;
	argp_failure(state, 64, 0, "--shim '%s': auto, off and require are possible", arg);
	return 0;
}

static int number(const char *arg, int least, int most, struct argp_state *state)
{
	char *end;
	long value = strtol(arg, &end, 10);

	if (end == arg || *end || value < least || value > most)
		argp_failure(state, 64, 0, "'%s' is not a number from %d to %d", arg, least, most);
	return value;
}

static error_t on_option(int key, char *arg, struct argp_state *state)
{
	struct options *to = state->input;

	switch (key) {
	case 's':
		to->socket = arg;
		return 0;
	case 'c':
		to->client = true;
		return 0;
	case 'l':
		to->listener = number(arg, 0, 1 << 20, state);
		return 0;
	case 'n':
		to->counters = number(arg, 0, 1 << 20, state);
		return 0;
	case 'p':
		to->pairs = number(arg, 1, FRONT_PAIRS, state);
		return 0;
	case 'z':
		to->shim = shim_word(arg, state);
		return 0;
	case 'S':
		to->standby_of = arg;
		return 0;
	case 'm':
		to->has_mac = ether_aton_r(arg, &to->mac);
		if (!to->has_mac)
			argp_failure(state, 64, 0, "'%s' is no Ethernet address", arg);
		return 0;
	case ARGP_KEY_ARG:
		if (state->arg_num)
			return ARGP_ERR_UNKNOWN;
		to->function = arg;
		return 0;
	case ARGP_KEY_END:
		if (!to->function || strlen(to->function) >= UVF_NAME_SIZE)
			argp_failure(state, 64, 0, "give the name of one function");
		if (!to->socket || strlen(to->socket) >= FRONT_SOCKET)
			argp_failure(state, 64, 0, "give --socket PATH, of %d letters at most",
				     FRONT_SOCKET - 1);
		if (!to->client && to->listener < 0)
			argp_failure(state, 64, 0, "give --client or --listen FD; `uvf front` "
						   "does it for you");
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp argp = {
	.options = options,
	.parser = on_option,
	.args_doc = "FUNCTION",
	.doc = "Presents FUNCTION as a virtio-net device, by vhost-user.\v"
	       "To be started by `uvf front vhost-user`. See uvf-vhost-user(8).",
};

/* --- what it has ------------------------------------------------------------------------------ */

static int counters_open(struct front *front, const struct options *options)
{
	struct front_counters *counters = counters_map(options->counters, sizeof(*counters),
						       options->function);

	if (!counters)
		return -EINVAL;
	counters->size = sizeof(*counters);
	counters->client = options->client;
	counters->pid = getpid();
	strcpy(counters->function, options->function);
	strcpy(counters->socket, options->socket);
	counters->magic = FRONT_MAGIC;
	front->counters = counters;
	return 0;
}

/*
 * A front-end may send messages that are no messages: what this process can do then, is this. What
 * is missing here is refused, rather than fatal.
 */
static int sandbox(void)
{
#define ANY(name) { SCMP_SYS(name), 0, 0 }
	static const struct confine_call calls[] = {
		ANY(epoll_ctl), ANY(epoll_wait), ANY(epoll_pwait), ANY(poll), ANY(ppoll),
		ANY(recvmsg), ANY(recvfrom), ANY(sendmsg), ANY(sendto), ANY(read), ANY(getsockopt),
		ANY(accept4), ANY(connect), { SCMP_SYS(socket), 1, AF_UNIX }, ANY(close),
		ANY(fcntl), ANY(dup), ANY(memfd_create), ANY(ftruncate), ANY(lseek), ANY(nanosleep),
		ANY(clock_nanosleep), { SCMP_SYS(prctl), 1, PR_SET_TIMERSLACK },
		ANY(epoll_create1), ANY(sysinfo), /* qsort() asks */
	};

	return confine_calls(calls, sizeof(calls) / sizeof(calls[0]), CONFINE_REFUSE);
}

static int begin(struct front *front, const struct options *options)
{
	struct uvf_account account;
	int err = counters_open(front, options);

	if (!err)
		err = function_open(front, options->pairs);
	if (err)
		return err;
	uvf__account(front->uvf, &account);
	standby_open(front, account.resumed);
	device_init(front);
	err = loop_open(front) ?: carrier_open(front) ?: sandbox() ?: socket_open(front);
	if (!err)
		front_say(front, "ready, %u queue pair%s", front->lanes / 2,
			  front->lanes > 2 ? "s" : "");
	return err;
}

/* Who asks twice is not to prevent it from ending well. */
static void hold_signals(void)
{
	sigset_t ends;

	sigemptyset(&ends);
	sigaddset(&ends, SIGTERM);
	sigaddset(&ends, SIGINT);
	sigprocmask(SIG_BLOCK, &ends, NULL);
}

static int run(struct front *front)
{
	int err = loop_run(front);

	hold_signals();
	if (err)
		front_say(front, "%s", uvf_why());
	socket_close(front);
	carrier_close(front);
	loop_close(front);
	function_close(front);
	return err;
}

int main(int argc, char **argv)
{
	struct options options = { .listener = -1, .counters = -1 };
	static struct front front;

	argp_parse(&argp, argc, argv, 0, NULL, &options);
	signal(SIGPIPE, SIG_IGN);
	front.listener = options.client ? -1 : options.listener;
	front.path = options.socket;
	front.shim_wanted = options.shim;
	front.standby_of = options.standby_of;
	front.has_mac = options.has_mac;
	memcpy(front.mac, &options.mac, sizeof(front.mac));
	front.sock = front.backend_sock = -1;
	if (begin(&front, &options)) {
		fprintf(stderr, "uvf-vhost-user: %s\n", uvf_why());
		return 1;
	}
	return run(&front) ? 1 : 0;
}

// SPDX-License-Identifier: GPL-2.0-only
/* uvfd: start, one loop, end. */
#include "uvfd.h"

#include <argp.h>
#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <bpf/libbpf.h>
#include <linux/magic.h>
#include <uvf/libuvf.h>
#include <xdp/libxdp.h>

#include "sandbox.h"
#include "why.h"

/* argp looks for it, and all else is hidden. */
__attribute__((visibility("default"))) const char *argp_program_version = "uvfd " UVF_VERSION;

#define SIGNALS 3

bool verbose;

static const char *socket_path;

void say(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fputs("uvfd: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
}

static int libbpf_say(enum libbpf_print_level level, const char *format, va_list args)
{
	return verbose ? vfprintf(stderr, format, args) : 0;
}

static int libxdp_say(enum libxdp_print_level level, const char *format, va_list args)
{
	return verbose ? vfprintf(stderr, format, args) : 0;
}

static const struct argp_option options[] = {
	{ "socket", 's', "PATH", 0, "listen on PATH (default " UVF_SOCKET ")", 0 },
	{ "verbose", 'v', NULL, 0, "say what is steered, and what libbpf and libxdp say", 0 },
	{ 0 },
};

static error_t on_option(int key, char *arg, struct argp_state *state)
{
	switch (key) {
	case 's':
		socket_path = arg;
		return 0;
	case 'v':
		verbose = true;
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp argp = {
	.options = options,
	.parser = on_option,
	.doc = "Steers frames from uplinks to uvf functions, and leases functions to appliances.\v"
	       "Runs in the foreground until SIGTERM or SIGINT, and then takes everything back; "
	       "until SIGHUP, and then leaves everything to the uvfd that is started next. "
	       "See uvfd(8).",
};

/* What the kernel must have; told at the start rather than at the first lease. */
static int check_kernel(void)
{
	struct statfs fs;
	int sock;

	if (geteuid())
		return uvf_fail(EPERM, "uvfd needs root: it loads BPF programs and makes AF_XDP "
				       "sockets");
	sock = socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (sock < 0)
		return uvf_fail(errno, "this kernel has no AF_XDP (%s): it needs "
				       "CONFIG_XDP_SOCKETS", strerror(errno));
	close(sock);
	if (statfs("/sys/fs/bpf", &fs) || fs.f_type != BPF_FS_MAGIC)
		return uvf_fail(ENODEV, "bpffs is not mounted: "
					"`mount -t bpf bpf /sys/fs/bpf` first");
	return 0;
}

/* Set by SIGHUP: end, and leave everything as it is, for another uvfd to take over. */
static bool leave;

static void on_signal(evutil_socket_t signal, short what, void *arg)
{
	leave = signal == SIGHUP;
	event_base_loopbreak(arg);
}

/*
 * A lease takes some descriptors, and the usual soft limit is 1024. Locked memory is limited
 * before 5.11 alone. Neither is always allowed: no reason to fail.
 */
static void raise_limits(void)
{
	struct rlimit files, unlimited = { RLIM_INFINITY, RLIM_INFINITY };

	setrlimit(RLIMIT_MEMLOCK, &unlimited);
	if (getrlimit(RLIMIT_NOFILE, &files))
		return;
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
}

static int start(struct event_base *base)
{
	int err = sessions_open(base, socket_path);

	if (!err)
		err = park_open(socket_path);
	if (!err)
		err = settings_open(socket_path);
	if (!err) {
		direct_open(socket_path);
		err = model_open(base);
	}
	if (!err) {
		park_adopt();
		direct_settle();
		redirects_settle();
	}
	return err ?: sandbox_uvfd();
}

static int signals_add(struct event_base *base, struct event **events)
{
	static const int signals[SIGNALS] = { SIGTERM, SIGINT, SIGHUP };

	for (unsigned int i = 0; i < SIGNALS; i++) {
		events[i] = evsignal_new(base, signals[i], on_signal, base);
		if (!events[i] || event_add(events[i], NULL))
			return uvf_fail(ENOMEM, "no memory for the event loop");
	}
	return 0;
}

static int run(void)
{
	struct event *events[SIGNALS] = { NULL };
	struct event_base *base = event_base_new();
	int err;

	if (!base)
		return uvf_fail(ENOMEM, "no memory for the event loop");
	err = signals_add(base, events);
	if (!err)
		err = start(base);
	if (!err) {
		say("ready on %s", socket_path);
		notify_ready();
		event_base_dispatch(base);
	} else {
		/* Who can't start must not end what another one left. */
		leave = true;
	}
	sessions_close(leave);
	model_close(leave);
	direct_close();
	park_close(leave);
	for (unsigned int i = 0; i < SIGNALS; i++)
		if (events[i])
			event_free(events[i]);
	event_base_free(base);
	return err;
}

int main(int argc, char **argv)
{
	int err;

	argp_parse(&argp, argc, argv, 0, NULL, NULL);
	if (!socket_path)
		socket_path = getenv("UVF_SOCKET") ?: UVF_SOCKET;
	/* What libbpf reads of the kernel's types is megabytes, and goes back when it is freed. */
	mallopt(M_MMAP_THRESHOLD, 128 * 1024);
	signal(SIGPIPE, SIG_IGN);
	setvbuf(stderr, NULL, _IOLBF, 0);
	libbpf_set_print(libbpf_say);
	libxdp_set_print(libxdp_say);
	raise_limits();
	err = check_kernel();
	if (!err)
		err = run();
	if (err)
		say("%s", uvf_why());
	return err ? 1 : 0;
}

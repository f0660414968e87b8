// SPDX-License-Identifier: GPL-2.0-only
/*
 * uvf-vfio: the interface process of one function that is a VFIO device. `uvf front vfio` starts
 * it, with a connection to uvfd, a channel of /dev/uvf-vfio that has selected the function, a page
 * to count on, and a socket for the operator; it has no right of its own.
 */
#include "vfio.h"

#include <argp.h>
#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "confine.h"
#include "why.h"

const char *argp_program_version = "uvf-vfio " UVF_VERSION;

struct options {
	const char *function;
	const char *personality;
	const char *pci;
	int channel, counters, control, state;
};

void front_say(const struct front *front, const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	fprintf(stderr, "uvf-vfio: %s: %s\n", front->counters->function, text);
}

/* --- options ---------------------------------------------------------------------------------- */

static const struct argp_option options[] = {
	{ "personality", 'p', "NAME", 0, "what it is to its user: a name, or a path with a '/'", 0 },
	{ "pci", 'P', "ADDRESS", 0, "where the function is", 0 },
	{ "channel", 'c', "FD", 0, "of /dev/uvf-vfio; it has selected the function", 0 },
	{ "counters", 'n', "FD", 0, "count in this file", 0 },
	{ "state", 's', "FD", 0, "keep in this file what a successor is to know", 0 },
	{ "control", 'l', "FD", 0, "listen to the operator at this socket", 0 },
	{ 0 },
};

static int number(const char *arg, struct argp_state *state)
{
	char *end;
	long value = strtol(arg, &end, 10);

	if (end == arg || *end || value < 0 || value > 1 << 20)
		argp_failure(state, 64, 0, "'%s' is no descriptor", arg);
	return value;
}

static error_t on_option(int key, char *arg, struct argp_state *state)
{
	struct options *to = state->input;

	switch (key) {
	case 'p':
		to->personality = arg;
		return 0;
	case 'P':
		to->pci = arg;
		return 0;
	case 'c':
		to->channel = number(arg, state);
		return 0;
	case 'n':
		to->counters = number(arg, state);
		return 0;
	case 's':
		to->state = number(arg, state);
		return 0;
	case 'l':
		to->control = number(arg, state);
		return 0;
	case ARGP_KEY_ARG:
		if (state->arg_num)
			return ARGP_ERR_UNKNOWN;
		to->function = arg;
		return 0;
	case ARGP_KEY_END:
		if (!to->function || strlen(to->function) >= UVF_NAME_SIZE)
			argp_failure(state, 64, 0, "give the name of one function");
		if (!to->personality)
			argp_failure(state, 64, 0, "give --personality NAME");
		if (to->channel < 0 || !to->pci)
			argp_failure(state, 64, 0, "give --channel FD and --pci ADDRESS; `uvf "
						   "front` does it for you");
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp argp = {
	.options = options,
	.parser = on_option,
	.args_doc = "FUNCTION",
	.doc = "Presents FUNCTION as a PCI network card, by VFIO.\v"
	       "To be started by `uvf front vfio`. See uvf-vfio(8).",
};

/* --- what it has ------------------------------------------------------------------------------ */

static int counters_open(struct front *front, const struct options *options)
{
	struct front_vfio *counters = counters_map(options->counters, sizeof(*counters),
						   options->function);

	if (!counters)
		return -EINVAL;
	counters->size = sizeof(*counters);
	counters->pid = getpid();
	strcpy(counters->function, options->function);
	snprintf(counters->pci, sizeof(counters->pci), "%s", options->pci);
	counters->magic = FRONT_VFIO_MAGIC;
	front->counters = counters;
	return 0;
}

/*
 * Not in the session's memory: before Linux 6.4 uvfd keeps none. Who has the device open is who had
 * it when this was written, for without an interface process nobody can open it.
 */
static int state_open(struct front *front, int fd)
{
	int flags = fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED;

	if (fd >= 0 && ftruncate(fd, KEPT))
		return uvf_fail(errno, "can't keep the device's state: %s", strerror(errno));
	front->kept = mmap(NULL, KEPT, PROT_READ | PROT_WRITE, flags, fd, 0);
	return front->kept == MAP_FAILED ? uvf_fail(errno, "can't map the device's state: %s",
						    strerror(errno)) : 0;
}

/*
 * What a guest that has found its way into this process can do then, is this. Personalities are
 * loaded while it runs: so files can be opened to be read, and mapped to be executed.
 */
static int sandbox(void)
{
#define ANY(name) { SCMP_SYS(name), 0, 0 }
	static const struct confine_call calls[] = {
		ANY(ppoll), ANY(poll), ANY(epoll_pwait), ANY(epoll_wait), ANY(recvmsg),
		ANY(recvfrom), ANY(sendmsg), ANY(sendto), ANY(read), ANY(getsockopt),
		ANY(setsockopt), ANY(accept4), ANY(close), ANY(lseek), ANY(pread64),
		ANY(clock_nanosleep), ANY(epoll_ctl), ANY(sysinfo),
		{ SCMP_SYS(ioctl), 2, UVF_VFIO_SERVE }, { SCMP_SYS(ioctl), 2, UVF_VFIO_GET_STATE },
		{ SCMP_SYS(ioctl), 2, UVF_VFIO_IRQ }, { SCMP_SYS(ioctl), 2, UVF_VFIO_DMA_PROBE },
		/* of personalities */
		ANY(access), ANY(faccessat), ANY(faccessat2), ANY(readlink), ANY(readlinkat),
		ANY(stat), ANY(lstat), ANY(statx), ANY(getdents64), ANY(getcwd), ANY(getrandom),
	};

	return confine_loading(calls, sizeof(calls) / sizeof(calls[0]), CONFINE_REFUSE);
}

static int begin(struct front *front, const struct options *options)
{
	int err = counters_open(front, options);

	if (!err)
		err = state_open(front, options->state);
	if (!err)
		err = frames_open(front);
	if (!err)
		err = device_open(front, options->personality);
	if (!err)
		err = memory_open(front) ?: device_go_on(front) ?: loop_open(front) ?: sandbox();
	if (err)
		return err;
	front_say(front, "ready, %s at %s", front->counters->personality, front->counters->pci);
	return 0;
}

/*
 * While a user has the device, an end in order is no other than a sudden one: a successor finds the
 * device and its frames as they are. Without one, nothing is left.
 */
static int run(struct front *front)
{
	int err = loop_run(front);

	if (err)
		front_say(front, "%s", uvf_why());
	if (front->open) {
		front_say(front, "leaves the device, which a user has, to a successor");
		return err;
	}
	loop_close(front);
	device_close(front);
	memory_close(front);
	frames_close(front);
	return err;
}

int main(int argc, char **argv)
{
	struct options options = { .channel = -1, .counters = -1, .control = -1, .state = -1 };
	static struct front front;

	argp_parse(&argp, argc, argv, 0, NULL, &options);
	signal(SIGPIPE, SIG_IGN);
	front.channel = options.channel;
	front.listener = options.control;
	fcntl(front.channel, F_SETFL, O_RDWR | O_NONBLOCK);
	if (begin(&front, &options)) {
		fprintf(stderr, "uvf-vfio: %s\n", uvf_why());
		return 1;
	}
	return run(&front) ? 1 : 0;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * uvf cni: gives the XSKMAP of functions to programs that may not load XDP programs themselves,
 * such as DPDK (`use_cni=1`) in a container. See common/cni.h for what they say to each other.
 *
 *	socket -> programs on the functions -> privileges given up -> loop
 *
 * The programs hang on links that this process holds: whatever its end, they go with it. A
 * function may move to the container's network namespace, its program goes along.
 */
#include "cni_service.h"

#include <errno.h>
#include <pwd.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <linux/if_link.h>
#include <seccomp.h>

#include "cni.h"
#include "confine.h"
#include "socket.skel.h"
#include "uvf.h"
#include "why.h"

struct plan {
	struct cni_service service;
	const char *user;
	const char *names[CNI_FUNCTIONS];
};

void cni_say(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fputs("uvf cni: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
}

/* --- what is asked for --------------------------------------------------------------------- */

static const struct argp_option options[] = {
	{ "socket", 's', "PATH", 0, "listen on PATH, which the container is to see", 0 },
	{ "hostname", 'h', "NAME", 0, "serve only who names this host", 0 },
	{ "user", 'u', "USER", 0, "serve USER, by name or number (default: root alone)", 0 },
	{ "once", 'o', NULL, 0, "end when those that took a function have ended", 0 },
	{ 0 },
};

static error_t on_option(int key, char *arg, struct argp_state *state)
{
	struct plan *plan = state->input;

	switch (key) {
	case 's':
		plan->service.path = arg;
		return 0;
	case 'h':
		if (!*arg || strlen(arg) > CNI_HOST)
			argp_failure(state, 64, 0, "'%s' is no host's name: 1 to %zu characters",
				     arg, CNI_HOST);
		plan->service.host = arg;
		return 0;
	case 'u':
		plan->user = arg;
		return 0;
	case 'o':
		plan->service.once = true;
		return 0;
	case ARGP_KEY_ARG:
		if (plan->service.count == CNI_FUNCTIONS)
			argp_failure(state, 64, 0, "%d functions at most", CNI_FUNCTIONS);
		plan->names[plan->service.count++] = arg;
		return 0;
	case ARGP_KEY_END:
		if (!plan->service.count)
			argp_failure(state, 64, 0, "of which function? `uvf list` shows them");
		if (!plan->service.path)
			argp_failure(state, 64, 0, "where to listen? give --socket PATH");
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp argp = {
	.options = options,
	.parser = on_option,
	.args_doc = "FUNCTION... --socket PATH",
	.doc = "Serves functions to DPDK (use_cni=1) and others that may not load XDP programs.",
};

static int find_user(struct plan *plan)
{
	const struct passwd *user;
	char *end;

	if (!plan->user)
		return 0;
	plan->service.uid = strtoul(plan->user, &end, 10);
	if (*plan->user >= '0' && *plan->user <= '9' && !*end)
		return 0;
	user = getpwnam(plan->user);
	if (!user)
		return uvf_fail(ENOENT, "there is no user %s", plan->user);
	plan->service.uid = user->pw_uid;
	return 0;
}

/* --- the socket ---------------------------------------------------------------------------- */

/* One that was left by a process that was killed. */
static int clear_path(const struct sockaddr_un *addr)
{
	struct stat what;
	int probe, err;

	if (lstat(addr->sun_path, &what))
		return 0;
	if (!S_ISSOCK(what.st_mode))
		return uvf_fail(EEXIST, "%s exists, and is not a socket", addr->sun_path);
	probe = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	err = connect(probe, (const struct sockaddr *)addr, sizeof(*addr)) ? errno : 0;
	close(probe);
	if (!err)
		return uvf_fail(EADDRINUSE, "somebody listens on %s already", addr->sun_path);
	unlink(addr->sun_path);
	return 0;
}

static int listen_on(struct cni_service *service)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	mode_t mask;
	int err;

	if (!*service->path || strlen(service->path) >= sizeof(addr.sun_path))
		return uvf_fail(ENAMETOOLONG, "'%s' can't be a socket: 1 to %zu characters",
				service->path, sizeof(addr.sun_path) - 1);
	strcpy(addr.sun_path, service->path);
	err = clear_path(&addr);
	if (err)
		return err;
	service->sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	mask = umask(0177);
	err = bind(service->sock, (struct sockaddr *)&addr, sizeof(addr)) ? errno : 0;
	umask(mask);
	if (!err && (lchown(service->path, service->uid, -1) || listen(service->sock, 16)))
		err = errno;
	if (err)
		return uvf_fail(err, "can't listen on %s: %s", service->path, strerror(err));
	return 0;
}

/* --- the functions ------------------------------------------------------------------------- */

static int silent(enum libbpf_print_level level, const char *format, va_list args)
{
	return 0;
}

static int attach(struct cni_function *to, int ifindex, int program)
{
	DECLARE_LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = XDP_FLAGS_DRV_MODE);

	to->link = bpf_link_create(program, ifindex, BPF_XDP, &opts);
	if (to->link >= 0)
		return 0;
	if (to->link == -EBUSY || to->link == -EEXIST)
		return uvf_fail(EBUSY, "%s is leased, or has an XDP program of somebody else: "
				       "end that first", to->name);
	return uvf_fail(-to->link, "can't attach an XDP program to %s: %s", to->name,
			strerror(-to->link));
}

/* The map outlives the skeleton, and the program hangs on the link. */
static int function_open(struct cni_function *to, const char *name, struct facts *facts)
{
	struct socket_bpf *program;
	struct fact fact;
	int err = facts_find(facts, name, &fact);

	if (err)
		return err;
	strcpy(to->name, fact.function.netdev->name);
	program = socket_bpf__open_and_load();
	if (!program)
		return uvf_fail(errno, "can't load the XDP program for %s (root is needed): %s",
				name, strerror(errno));
	err = attach(to, fact.function.netdev->ifindex,
		     bpf_program__fd(program->progs.uvf_socket));
	if (!err) {
		to->map = dup(bpf_map__fd(program->maps.sockets));
		if (to->map < 0)
			err = uvf_fail(errno, "can't keep the map of %s: %s", name,
				       strerror(errno));
	}
	socket_bpf__destroy(program);
	return err;
}

static int functions_open(struct plan *plan)
{
	struct facts facts;
	int err;

	libbpf_set_print(silent);
	err = facts_open(&facts, false);
	if (err)
		return err;
	for (unsigned int i = 0; !err && i < plan->service.count; i++)
		err = function_open(&plan->service.functions[i], plan->names[i], &facts);
	facts_close(&facts);
	return err;
}

/* --- the loop ------------------------------------------------------------------------------ */

static int confine(void)
{
	static const struct confine_call calls[] = {
		{ SCMP_SYS(accept4), 0, 0 },	{ SCMP_SYS(recvmsg), 0, 0 },
		{ SCMP_SYS(sendmsg), 0, 0 },	{ SCMP_SYS(getsockopt), 0, 0 },
		{ SCMP_SYS(setsockopt), 0, 0 }, { SCMP_SYS(pidfd_open), 0, 0 },
		{ SCMP_SYS(close), 0, 0 },	{ SCMP_SYS(unlink), 0, 0 },
		{ SCMP_SYS(epoll_ctl), 0, 0 },
		{ SCMP_SYS(epoll_wait), 0, 0 }, { SCMP_SYS(epoll_pwait), 0, 0 },
		/* libevent, for signals */
		{ SCMP_SYS(sendto), 0, 0 },	{ SCMP_SYS(recvfrom), 0, 0 },
		{ SCMP_SYS(read), 0, 0 },
		{ SCMP_SYS(bpf), 1, BPF_OBJ_GET_INFO_BY_FD },
	};
	/* For the busy polling of clients. */
	int err = confine_capabilities(1ULL << CAP_NET_ADMIN);

	return err ?: confine_calls(calls, sizeof(calls) / sizeof(calls[0]), CONFINE_KILL);
}

static void on_connect(evutil_socket_t sock, short what, void *arg)
{
	client_accept(arg);
}

static void on_signal(evutil_socket_t signal, short what, void *arg)
{
	event_base_loopbreak(arg);
}

static int serve(struct cni_service *service)
{
	struct event *events[3];
	int err = 0;

	service->base = event_base_new();
	if (!service->base)
		return uvf_fail(ENOMEM, "no memory for the event loop");
	events[0] = evsignal_new(service->base, SIGTERM, on_signal, service->base);
	events[1] = evsignal_new(service->base, SIGINT, on_signal, service->base);
	events[2] = event_new(service->base, service->sock, EV_READ | EV_PERSIST, on_connect,
			      service);
	for (unsigned int i = 0; i < 3 && !err; i++)
		if (!events[i] || event_add(events[i], NULL))
			err = uvf_fail(ENOMEM, "no memory for the event loop");
	if (!err)
		err = confine();
	if (err)
		return err;
	cni_say("ready on %s", service->path);
	event_base_dispatch(service->base);
	return 0;
}

int cmd_cni(int argc, char **argv)
{
	struct plan plan = { .service.sock = -1 };
	int err;

	parse(&argp, argc, argv, &plan);
	signal(SIGPIPE, SIG_IGN);
	setvbuf(stderr, NULL, _IOLBF, 0);
	err = find_user(&plan);
	if (!err)
		err = listen_on(&plan.service);
	if (err)
		return fail();
	err = functions_open(&plan);
	if (!err)
		err = serve(&plan.service);
	unlink(plan.service.path);
	return err ? fail() : 0;
}

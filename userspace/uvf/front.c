// SPDX-License-Identifier: GPL-2.0-only
/*
 * uvf front: the interface processes of functions.
 *
 * `uvf front vhost-user` has the rights that an interface process needs to begin with, uses them,
 * and executes it without any: to open the socket where the operator wants it, and a file to count
 * in; to become the function's appliance, as `uvf run` does.
 */
#include "appliance.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "counters.h"
#include "rule_cmd.h"
#include "why.h"

#define BACKLOG 4

static const struct argp_option options[] = {
	{ "socket", 's', "PATH", 0, "the socket of the front-end", 0 },
	{ "client", 'c', NULL, 0, "connect to it; default: be connected to", 0 },
	{ "owner", 'O', "USER", 0, "whose the socket is to be", 0 },
	{ "pairs", 'p', "N", 0,
	  "offer N queue pairs (default: as many as the function has queues)", 0 },
	{ "shim", 'z', "WHEN", 0,
	  "frames right into and out of the memory of the guest: auto, off, require (default: auto)",
	  0 },
	{ "standby-of", 'S', "FUNCTION2", 0,
	  "get the frames of FUNCTION2 while the guest drives this device, and have its address", 0 },
	{ "appliance", 'a', "NAME", 0,
	  "the appliance's name (default: the one that the function was made for)", 0 },
	{ "user", 'u', "USER", 0,
	  "run as USER (default: the user named as the appliance, else nobody)", 0 },
	{ 0 },
};

error_t front_option(int key, char *arg, struct front_plan *plan)
{
	switch (key) {
	case 'a':
		plan->appliance.name = arg;
		return 0;
	case 'u':
		plan->appliance.user = arg;
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static error_t on_option(int key, char *arg, struct argp_state *state)
{
	struct front_plan *plan = state->input;

	switch (key) {
	case 's':
		plan->socket = arg;
		return 0;
	case 'c':
		plan->client = true;
		return 0;
	case 'O':
		plan->owner = arg;
		return 0;
	case 'p':
		plan->pairs = arg;
		if (atoi(arg) < 1 || atoi(arg) > FRONT_PAIRS)
			argp_failure(state, 64, 0, "'%s' is not a number of queue pairs: 1 to %d",
				     arg, FRONT_PAIRS);
		return 0;
	case 'z':
		plan->shim = arg;
		if (strcmp(arg, "auto") && strcmp(arg, "off") && strcmp(arg, "require"))
			argp_failure(state, 64, 0, "--shim '%s': auto, off and require are "
						   "possible", arg);
		return 0;
	case 'S':
		plan->standby_of = arg;
		return 0;
	}
	return front_option(key, arg, plan);
}

const struct argp front_argp = { .options = options, .parser = on_option };

/* --- beginning -------------------------------------------------------------------------------- */

/* The operator lets it; who is not root has been let already, or will not be. */
static int standby_check(struct front_plan *plan, struct facts *facts)
{
	struct uvf_request request = {
		.type = UVF_MSG_REDIRECT,
		.redirect = { .set = 1, .flags = UVF_REDIRECT_STANDBY },
	};
	struct uvf_reply reply;
	struct fact fact;
	int err = facts_find(facts, plan->standby_of, &fact);

	if (err)
		return err;
	mac_text(fact.function.netdev->mac, plan->mac);
	strcpy(request.redirect.to, plan->appliance.functions[0]);
	return geteuid() ? 0 : rule_call(&request, plan->standby_of, -1, &reply);
}

int front_check(struct front_plan *plan)
{
	static char name[UVF_APPLIANCE_SIZE];
	struct facts facts;
	struct fact fact;
	int err = facts_open(&facts, true);

	if (!err)
		err = facts_find(&facts, plan->appliance.functions[0], &fact);
	if (!err) {
		const char *made_for = fact.function.port->appliance;

		snprintf(name, sizeof(name), "%s", *made_for ? made_for : plan->program);
		memcpy(plan->pci, fact.function.netdev->pci, sizeof(plan->pci));
	}
	if (!err && plan->standby_of)
		err = standby_check(plan, &facts);
	facts_close(&facts);
	if (!plan->appliance.name)
		plan->appliance.name = name;
	return err;
}

static int address(const char *path, struct sockaddr_un *addr)
{
	*addr = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (strlen(path) >= sizeof(addr->sun_path))
		return uvf_fail(ENAMETOOLONG, "%s is too long for a socket: %zu letters at most",
				path, sizeof(addr->sun_path) - 1);
	strcpy(addr->sun_path, path);
	return 0;
}

/* As who may connect, too: root without CAP_DAC_OVERRIDE, as the unit has it, may not. */
static int connect_to(const struct sockaddr_un *addr, uid_t owner)
{
	int sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), err;

	if (sock < 0)
		return errno;
	err = connect(sock, (const struct sockaddr *)addr, sizeof(*addr)) ? errno : 0;
	if (err == EACCES) {
		setfsuid(owner);
		err = connect(sock, (const struct sockaddr *)addr, sizeof(*addr)) ? errno : 0;
		setfsuid(geteuid());
	}
	close(sock);
	return err;
}

/* A socket that refuses connections has nobody behind it. What is no socket is not touched. */
static int remove_stale(const struct sockaddr_un *addr)
{
	struct stat stat;
	int err;

	if (lstat(addr->sun_path, &stat))
		return 0;
	if (!S_ISSOCK(stat.st_mode))
		return uvf_fail(EEXIST, "%s is there, and is no socket", addr->sun_path);
	err = connect_to(addr, stat.st_uid);
	if (err && err != EAGAIN && err != ECONNREFUSED)
		return uvf_fail(err, "can't tell whether somebody listens on %s: %s",
				addr->sun_path, strerror(err));
	if (err != ECONNREFUSED)
		return uvf_fail(EADDRINUSE, "somebody listens on %s already", addr->sun_path);
	if (unlink(addr->sun_path))
		return uvf_fail(errno, "can't remove what was left at %s: %s", addr->sun_path,
				strerror(errno));
	return 0;
}

static int give_away(const char *path, const char *owner)
{
	const struct passwd *user = getpwnam(owner);

	if (!user)
		return uvf_fail(ENOENT, "there is no user %s", owner);
	if (chown(path, user->pw_uid, user->pw_gid))
		return uvf_fail(errno, "can't give %s to %s: %s", path, owner, strerror(errno));
	return 0;
}

static int listen_on(const struct sockaddr_un *addr)
{
	int sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	mode_t mask = umask(0117);
	int err;

	if (sock < 0 || bind(sock, (const struct sockaddr *)addr, sizeof(*addr)) ||
	    listen(sock, BACKLOG)) {
		err = uvf_fail(errno, "can't listen on %s: %s", addr->sun_path, strerror(errno));
		if (sock >= 0)
			close(sock);
		sock = err;
	}
	umask(mask);
	return sock;
}

/* Where the counters are, and by default the sockets: beside uvfd's. */
void front_directory(void)
{
	char path[PATH_MAX];

	counters_path(path, "");
	mkdir(path, 0755);
}

int front_listen(struct front_plan *plan)
{
	struct sockaddr_un addr;
	int err = address(plan->socket, &addr);

	front_directory();
	if (!err && !plan->client) {
		err = remove_stale(&addr);
		if (!err) {
			plan->listener = listen_on(&addr);
			err = plan->listener < 0 ? plan->listener : 0;
		}
		if (!err && plan->owner)
			err = give_away(plan->socket, plan->owner);
		if (err && plan->listener >= 0)
			unlink(plan->socket);
	}
	return err;
}

/* Where nothing can be written, nothing is counted that others could see. */
int front_count(const struct front_plan *plan)
{
	char path[PATH_MAX];

	counters_path(path, plan->appliance.functions[0]);
	return open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
}

/* Beside us in a build tree; elsewhere in ../libexec/uvf. */
static void program_path(char *path, const char *program)
{
	char self[PATH_MAX] = "";
	char *slash;

	if (readlink("/proc/self/exe", self, sizeof(self) - 1) < 0)
		self[0] = '\0';
	slash = strrchr(self, '/');
	if (slash)
		slash[1] = '\0';
	snprintf(path, PATH_MAX, "%.*s%s", PATH_MAX - 64, self, program);
	if (access(path, X_OK))
		snprintf(path, PATH_MAX, "%.*s../libexec/uvf/%s", PATH_MAX - 64, self, program);
}

void front_inherit(int fd)
{
	if (fd >= 0)
		fcntl(fd, F_SETFD, 0);
}

int front_program(const struct front_plan *plan, const char **argv)
{
	char path[PATH_MAX];

	program_path(path, plan->program);
	execv(path, (char **)argv);
	return uvf_fail(errno, "can't execute %s: %s", path, strerror(errno));
}

int front_execute(struct front_plan *plan)
{
	int counters = front_count(plan), n = 0, err;
	char listener[16], counter[16];
	const char *argv[20];

	err = appliance_become(&plan->appliance);
	if (err)
		return err;
	front_inherit(plan->listener);
	front_inherit(counters);
	snprintf(listener, sizeof(listener), "--listen=%d", plan->listener);
	snprintf(counter, sizeof(counter), "-n%d", counters);
	argv[n++] = plan->program;
	argv[n++] = "--socket";
	argv[n++] = plan->socket;
	argv[n++] = plan->client ? "--client" : listener;
	if (counters >= 0)
		argv[n++] = counter;
	if (plan->pairs) {
		argv[n++] = "--pairs";
		argv[n++] = plan->pairs;
	}
	if (plan->shim) {
		argv[n++] = "--shim";
		argv[n++] = plan->shim;
	}
	if (plan->standby_of) {
		argv[n++] = "--standby-of";
		argv[n++] = plan->standby_of;
		argv[n++] = "--mac";
		argv[n++] = plan->mac;
	}
	argv[n++] = plan->appliance.functions[0];
	argv[n] = NULL;
	return front_program(plan, argv);
}

void front_function(struct front_plan *plan, char *arg, struct argp_state *state)
{
	if (plan->appliance.count)
		argp_failure(state, 64, 0, "one function at a time: '%s' is too much", arg);
	if (strlen(arg) >= UVF_PROTO_NAME)
		argp_failure(state, 64, 0, "'%s' is too long for a function's name", arg);
	plan->appliance.functions[plan->appliance.count++] = arg;
}

/* --- uvf front vhost-user --------------------------------------------------------------------- */

static error_t on_argument(int key, char *arg, struct argp_state *state)
{
	struct front_plan *plan = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = plan;
		return 0;
	case ARGP_KEY_ARG:
		front_function(plan, arg, state);
		return 0;
	case ARGP_KEY_END:
		if (!plan->appliance.count)
			argp_failure(state, 64, 0, "which function? `uvf list` shows those there "
						   "are");
		if (!plan->socket)
			argp_failure(state, 64, 0, "give --socket PATH");
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static int front_vhost_user(int argc, char **argv)
{
	static const struct argp_child children[] = { { &front_argp, 0, NULL, 0 }, { 0 } };
	static const struct argp argp = {
		.parser = on_argument,
		.children = children,
		.args_doc = "FUNCTION",
		.doc = "Presents a function as a virtio-net device to a virtual machine or to DPDK, "
		       "by vhost-user. Runs in the foreground, as an unprivileged user.",
	};
	struct front_plan plan = { .program = FRONT_VHOST_USER, .listener = -1 };

	parse(&argp, argc, argv, &plan);
	if (front_check(&plan) || front_listen(&plan))
		return fail();
	front_execute(&plan);
	return fail();
}

/* --- which ------------------------------------------------------------------------------------ */

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
} commands[] = {
	{ "vhost-user", front_vhost_user },
	{ "vfio", front_vfio },
	{ "swap", front_swap },
	{ "list", front_list },
	{ "show", front_show },
};

int cmd_front(int argc, char **argv)
{
	char name[32];

	for (unsigned int i = 0; argc > 1 && i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strcmp(argv[1], commands[i].name))
			continue;
		snprintf(name, sizeof(name), "uvf front %s", commands[i].name);
		argv[1] = name;
		return commands[i].run(argc - 1, argv + 1);
	}
	fprintf(stderr, "uvf front: vhost-user, vfio, swap, list or show, and --help after it\n");
	return 64;
}

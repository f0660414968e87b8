// SPDX-License-Identifier: GPL-2.0-only
/*
 * uvf vm: a virtual machine on a function.
 *
 *	uvf vm ─┬─ uvf-vhost-user	started again whenever it dies; the listening socket is
 *		│			ours, so that QEMU finds it there meanwhile
 *		└─ QEMU			when it ends, all do
 */
#include "appliance.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "counters.h"
#include "why.h"

#define MEMORY_DEFAULT "128M" /* QEMU's own */
#define AGAIN_MS 100
#define ARGUMENTS 16 /* that we add, at most */

struct plan {
	struct front_plan front;
	char **command;
};

static error_t on_option(int key, char *arg, struct argp_state *state)
{
	struct plan *plan = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &plan->front;
		return 0;
	case ARGP_KEY_ARG:
		if (plan->front.appliance.count)
			return ARGP_ERR_UNKNOWN; /* all that follows is QEMU's */
		if (strlen(arg) >= UVF_PROTO_NAME)
			argp_failure(state, 64, 0, "'%s' is too long for a function's name", arg);
		plan->front.appliance.functions[plan->front.appliance.count++] = arg;
		return 0;
	case ARGP_KEY_ARGS:
		plan->command = state->argv + state->next;
		return 0;
	case ARGP_KEY_END:
		if (!plan->front.appliance.count || !plan->command)
			argp_failure(state, 64, 0, "give a function, and behind -- QEMU's command "
						   "line");
		if (plan->front.client)
			argp_failure(state, 64, 0, "--client is not for uvf vm: QEMU connects");
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

/* --- QEMU's arguments ------------------------------------------------------------------------- */

/* What is behind the last @option of the command line, "-m" or "--m"; or NULL. */
static const char *value_of(char **command, const char *option)
{
	const char *value = NULL;

	for (; command[0] && command[1]; command++) {
		const char *word = command[0];

		if (word[0] == '-' && !strcmp(word + 1 + (word[1] == '-'), option))
			value = command[1];
	}
	return value;
}

/* "-m 2G", "-m size=2G,slots=2" */
static void memory_size(char **command, char *size, size_t room)
{
	const char *text = value_of(command, "m") ?: MEMORY_DEFAULT;

	if (!strncmp(text, "size=", 5))
		text += 5;
	snprintf(size, room, "%.*s", (int)strcspn(text, ","), text);
	/* A number alone is of mebibytes there, and of bytes here. */
	if (size[0] && !size[strspn(size, "0123456789")])
		strncat(size, "M", room - strlen(size) - 1);
}

/* They live as long as the process. */
__attribute__((format(printf, 1, 2))) static const char *made(const char *format, ...)
{
	va_list args;
	char *text;

	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		text = NULL;
	va_end(args);
	return text;
}

static unsigned int add_memory(const char **argv, char **command)
{
	char size[64];

	/* Who says himself what the memory is, is to share it himself. */
	if (value_of(command, "object") && strstr(value_of(command, "object"), "memory-backend"))
		return 0;
	memory_size(command, size, sizeof(size));
	argv[0] = "-object";
	argv[1] = made("memory-backend-memfd,id=uvf-memory,share=on,size=%s", size);
	argv[2] = "-machine";
	argv[3] = "memory-backend=uvf-memory";
	return 4;
}

static unsigned int add_device(const char **argv, const struct front_plan *front,
			       const struct uvf_link *netdev)
{
	const char *name = front->appliance.functions[0];
	unsigned int pairs = netdev->queues ?: 1;
	char mac[MAC_TEXT_SIZE];

	if (front->pairs)
		pairs = atoi(front->pairs);
	argv[0] = "-chardev";
	argv[1] = made("socket,id=uvf-%s,path=%s,reconnect=1", name, front->socket);
	argv[2] = "-netdev";
	argv[3] = made("vhost-user,id=uvf-%s-net,chardev=uvf-%s,queues=%u", name, name, pairs);
	argv[4] = "-device";
	argv[5] = made("virtio-net-pci,id=uvf-%s-card,netdev=uvf-%s-net,mac=%s,host_mtu=%u,mq=%s,"
		       "vectors=%u", name, name,
		       *front->mac ? front->mac : mac_text(netdev->mac, mac), netdev->mtu,
		       pairs > 1 ? "on" : "off", 2 * pairs + 2);
	return 6;
}

static char **qemu_arguments(const struct plan *plan, const struct uvf_link *netdev)
{
	const char **argv;
	unsigned int n = 0;

	while (plan->command[n])
		n++;
	argv = calloc(n + ARGUMENTS, sizeof(*argv));
	if (!argv)
		return NULL;
	memcpy(argv, plan->command, n * sizeof(*argv));
	n += add_memory(argv + n, plan->command);
	add_device(argv + n, &plan->front, netdev);
	for (n = 0; argv[n]; n++)
		;
	return (char **)argv;
}

/* --- two children ----------------------------------------------------------------------------- */

static volatile pid_t qemu;

/* Whoever asks us to end asks QEMU: it tells the guest, or not. */
static void on_signal(int number)
{
	if (qemu > 0)
		kill(qemu, number);
}

static pid_t start_front(struct front_plan *front)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	front_execute(front);
	_exit(fail());
}

static pid_t start_qemu(char **argv)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	execvp(argv[0], argv);
	uvf_fail(errno, "can't execute %s: %s", argv[0], strerror(errno));
	fail();
	_exit(127);
}

/* It is not for us to say how often: uvfd keeps what waits for the next one. */
static pid_t start_again(struct front_plan *front, int status)
{
	const struct timespec pause = { .tv_nsec = AGAIN_MS * 1000000L };

	fprintf(stderr, "uvf: the interface process of %s ended with %s %d, and is started again\n",
		front->appliance.functions[0], WIFSIGNALED(status) ? "signal" : "status",
		WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
	nanosleep(&pause, NULL);
	return start_front(front);
}

static int watch(struct front_plan *plan, pid_t front)
{
	int status = 0;

	for (;;) {
		pid_t pid = wait(&status);

		if (pid == front)
			front = start_again(plan, status);
		if (pid == qemu || (pid < 0 && errno == ECHILD))
			break;
	}
	kill(front, SIGTERM);
	waitpid(front, NULL, 0);
	unlink(plan->socket);
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static int run(struct plan *plan, const struct uvf_link *netdev)
{
	const struct sigaction action = { .sa_handler = on_signal };
	char **argv = qemu_arguments(plan, netdev);
	pid_t front;

	if (!argv)
		return uvf_fail(ENOMEM, "no memory for QEMU's arguments");
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	front = start_front(&plan->front);
	qemu = front < 0 ? -1 : start_qemu(argv);
	if (qemu < 0)
		return uvf_fail(errno, "can't start a process: %s", strerror(errno));
	return watch(&plan->front, front);
}

/* Where the counters are, with what they have not: a dot. */
static void socket_default(struct front_plan *front)
{
	static char path[PATH_MAX + 8];

	if (front->socket)
		return;
	counters_path(path, front->appliance.functions[0]);
	strcat(path, ".sock");
	front->socket = path;
}

static int find(const char *name, struct uvf_link *netdev)
{
	struct facts facts;
	struct fact fact;
	int err = facts_open(&facts, true);

	if (!err)
		err = facts_find(&facts, name, &fact);
	if (!err)
		*netdev = *fact.function.netdev;
	facts_close(&facts);
	return err;
}

int cmd_vm(int argc, char **argv)
{
	static const struct argp_child children[] = { { &front_argp, 0, NULL, 0 }, { 0 } };
	static const struct argp argp = {
		.parser = on_option,
		.children = children,
		.args_doc = "FUNCTION -- QEMU [ARGUMENT...]",
		.doc = "Starts QEMU with a network card that is a function, and the function's "
		       "interface process with it.",
	};
	struct plan plan = { .front = { .program = FRONT_VHOST_USER, .listener = -1 } };
	struct uvf_link netdev;
	int status;

	parse(&argp, argc, argv, &plan);
	socket_default(&plan.front);
	if (find(plan.front.appliance.functions[0], &netdev) || front_check(&plan.front) ||
	    front_listen(&plan.front))
		return fail();
	status = run(&plan, &netdev);
	return status < 0 ? fail() : status;
}

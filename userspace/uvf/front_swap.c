// SPDX-License-Identifier: GPL-2.0-only
/* uvf front swap: another personality for a function, of a process that runs. */
#include "appliance.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "counters.h"
#include "front_control.h"
#include "why.h"

#define PATIENCE_S 10

struct plan {
	const char *function;
	const char *personality;
};

int front_control_address(const char *function, struct sockaddr_un *addr)
{
	char path[PATH_MAX];

	counters_path(path, function);
	*addr = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (strlen(path) + sizeof(FRONT_CONTROL_SUFFIX) > sizeof(addr->sun_path))
		return uvf_fail(ENAMETOOLONG, "%s" FRONT_CONTROL_SUFFIX " is too long for a socket",
				path);
	strcpy(addr->sun_path, path);
	strcat(addr->sun_path, FRONT_CONTROL_SUFFIX);
	return 0;
}

static int reach(const char *function)
{
	const struct timeval patience = { .tv_sec = PATIENCE_S };
	struct sockaddr_un addr;
	int sock, err = front_control_address(function, &addr);

	if (err)
		return err;
	sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (sock >= 0 && !setsockopt(sock, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) &&
	    !connect(sock, (struct sockaddr *)&addr, sizeof(addr)))
		return sock;
	err = errno;
	if (sock >= 0)
		close(sock);
	if (err == ENOENT || err == ECONNREFUSED)
		return uvf_fail(err, "%s has no interface process with a personality: `uvf front "
				"list` shows those there are", function);
	return uvf_fail(err, "can't reach the interface process of %s at %s: %s", function,
			addr.sun_path, strerror(err));
}

/* Where it is looked for is the process's, which has another directory. */
static int request_make(const struct plan *plan, struct front_control_request *request)
{
	char path[PATH_MAX];

	*request = (struct front_control_request){ .magic = FRONT_CONTROL_MAGIC };
	if (!strchr(plan->personality, '/'))
		snprintf(path, sizeof(path), "%s", plan->personality);
	else if (!realpath(plan->personality, path))
		return uvf_fail(errno, "%s can't be read: %s", plan->personality, strerror(errno));
	if (strlen(path) >= sizeof(request->personality))
		return uvf_fail(ENAMETOOLONG, "%s is too long for a personality", path);
	strcpy(request->personality, path);
	return 0;
}

static int ask(int sock, const struct front_control_request *request,
	       struct front_control_reply *reply)
{
	if (send(sock, request, sizeof(*request), MSG_NOSIGNAL) != sizeof(*request) ||
	    recv(sock, reply, sizeof(*reply), 0) != sizeof(*reply) ||
	    reply->magic != FRONT_CONTROL_MAGIC)
		return uvf_fail(EIO, "the interface process does not answer");
	reply->text[sizeof(reply->text) - 1] = '\0';
	return reply->error ? uvf_fail(-reply->error, "%s", reply->text) : 0;
}

static int swap(const struct plan *plan)
{
	struct front_control_request request;
	struct front_control_reply reply = { 0 };
	int sock, err = request_make(plan, &request);

	if (err)
		return err;
	sock = reach(plan->function);
	if (sock < 0)
		return sock;
	err = ask(sock, &request, &reply);
	close(sock);
	if (err)
		return err;
	printf(reply.later ? "%s will be %s when its user lets go of it\n" : "%s is %s\n",
	       plan->function, plan->personality);
	return 0;
}

static error_t on_argument(int key, char *arg, struct argp_state *state)
{
	struct plan *plan = state->input;

	switch (key) {
	case ARGP_KEY_ARG:
		if (state->arg_num > 1)
			argp_failure(state, 64, 0, "one function, one personality: '%s' is too "
						   "much", arg);
		*(state->arg_num ? &plan->personality : &plan->function) = arg;
		return 0;
	case ARGP_KEY_END:
		if (!plan->personality)
			argp_failure(state, 64, 0, "give a function and a personality: `uvf front "
						   "list` and `uvf personality list` show those "
						   "there are");
		if (strlen(plan->function) >= UVF_PROTO_NAME || strchr(plan->function, '/'))
			argp_failure(state, 64, 0, "'%s' is no function's name", plan->function);
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

int front_swap(int argc, char **argv)
{
	static const struct argp argp = {
		.parser = on_argument,
		.args_doc = "FUNCTION PERSONALITY",
		.doc = "Gives a function that is a VFIO device another personality, while its "
		       "interface process runs: at once, or when who uses it lets go of it.",
	};
	struct plan plan = { 0 };

	parse(&argp, argc, argv, &plan);
	return swap(&plan) ? fail() : 0;
}

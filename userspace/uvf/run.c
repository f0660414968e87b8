// SPDX-License-Identifier: GPL-2.0-only
/*
 * uvf run: become an appliance, drop all privileges, execute it.
 *
 * The appliance inherits a connection to uvfd (UVF_FD) that is good for its functions alone, their
 * names (UVF_FUNCTIONS), and whether a dead predecessor left something (UVF_RESUME). It needs no
 * other right: neither on uvfd's socket nor on a file.
 */
#include "appliance.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <uvf/libuvf.h>

#include "why.h"

struct plan {
	struct appliance appliance;
	char **command;
};

static const struct argp_option options[] = {
	{ "on", 'o', "FUNCTION", 0, "a function to run on; may be given several times", 0 },
	{ "appliance", 'a', "NAME", 0, "the appliance's name (default: that of COMMAND)", 0 },
	{ "user", 'u', "USER", 0,
	  "run as USER (default: the user named as the appliance, else nobody)", 0 },
	{ 0 },
};

static error_t on_option(int key, char *arg, struct argp_state *state)
{
	struct plan *plan = state->input;
	struct appliance *appliance = &plan->appliance;

	switch (key) {
	case 'o':
		if (strlen(arg) >= UVF_PROTO_NAME)
			argp_failure(state, 64, 0, "'%s' is too long for a function's name", arg);
		if (appliance->count == UVF_PROTO_FUNCTIONS)
			argp_failure(state, 64, 0, "%d functions at most", UVF_PROTO_FUNCTIONS);
		appliance->functions[appliance->count++] = arg;
		return 0;
	case 'a':
		appliance->name = arg;
		return 0;
	case 'u':
		appliance->user = arg;
		return 0;
	case ARGP_KEY_ARGS:
		plan->command = state->argv + state->next;
		return 0;
	case ARGP_KEY_END:
		if (!plan->command)
			argp_failure(state, 64, 0, "no COMMAND to run");
		if (!appliance->count)
			argp_failure(state, 64, 0, "no function to run on: give --on FUNCTION");
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp argp = {
	.options = options,
	.parser = on_option,
	.args_doc = "-- COMMAND [ARGUMENT...]",
	.doc = "Starts an appliance on its functions, as an unprivileged user.",
};

static int become(const struct appliance *appliance, bool *resumable)
{
	struct uvf_request request = { .version = UVF_PROTO_VERSION, .type = UVF_MSG_BECOME };
	struct uvf_reply reply;
	int sock, err;

	if (strlen(appliance->name) >= sizeof(request.become.appliance))
		return uvf_fail(EINVAL, "'%s' is too long for an appliance's name",
				appliance->name);
	sock = reach_uvfd();
	if (sock < 0)
		return sock;
	strcpy(request.become.appliance, appliance->name);
	request.become.count = appliance->count;
	for (unsigned int i = 0; i < appliance->count; i++)
		strcpy(request.become.functions[i], appliance->functions[i]);
	err = uvf_proto_call(sock, &request, -1, &reply, NULL);
	*resumable = !err && reply.resumable;
	if (!err)
		return sock;
	close(sock);
	return err;
}

/* Who is not root stays who he is: uvfd knows whether he may be the appliance. */
static const struct passwd *find_oneself(const struct appliance *appliance)
{
	static struct passwd oneself = { .pw_name = "oneself" };
	const struct passwd *named = appliance->user ? getpwnam(appliance->user) : NULL;

	oneself.pw_uid = geteuid();
	oneself.pw_gid = getegid();
	if (!appliance->user || (named && named->pw_uid == oneself.pw_uid))
		return &oneself;
	uvf_fail(EPERM, "only root can run it as another user than oneself (%s)", appliance->user);
	return NULL;
}

static const struct passwd *find_user(const struct appliance *appliance)
{
	const struct passwd *user;

	if (geteuid())
		return find_oneself(appliance);
	if (appliance->user) {
		user = getpwnam(appliance->user);
		if (!user)
			uvf_fail(ENOENT, "there is no user %s", appliance->user);
		return user;
	}
	user = getpwnam(appliance->name);
	if (!user || !user->pw_uid)
		user = getpwnam("nobody");
	if (!user)
		uvf_fail(ENOENT, "there is no user %s and no user nobody: give --user",
			 appliance->name);
	return user;
}

static int become_user(const struct passwd *user)
{
	if (geteuid())
		return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ? uvf_fail(errno, "can't run it: %s",
									 strerror(errno)) : 0;
	if (setgroups(0, NULL) || setresgid(user->pw_gid, user->pw_gid, user->pw_gid) ||
	    setresuid(user->pw_uid, user->pw_uid, user->pw_uid) ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return uvf_fail(errno, "can't become %s: %s", user->pw_name, strerror(errno));
	return 0;
}

int drop_privileges(const char *name)
{
	const struct passwd *user = getpwnam(name);

	if (!user)
		return uvf_fail(ENOENT, "there is no user %s", name);
	return become_user(user);
}

static void hand_down(const struct appliance *appliance, int sock, bool resumable)
{
	char names[UVF_PROTO_FUNCTIONS * (UVF_PROTO_NAME + 1)] = "", number[16];

	for (unsigned int i = 0; i < appliance->count; i++) {
		if (i)
			strcat(names, " ");
		strcat(names, appliance->functions[i]);
	}
	snprintf(number, sizeof(number), "%d", sock);
	setenv("UVF_FD", number, 1);
	setenv("UVF_FUNCTIONS", names, 1);
	if (resumable)
		setenv("UVF_RESUME", "1", 1);
	else
		unsetenv("UVF_RESUME");
	fcntl(sock, F_SETFD, 0);
}

int appliance_become(const struct appliance *appliance)
{
	const struct passwd *user = find_user(appliance);
	bool resumable;
	int sock, err;

	if (!user)
		return -ENOENT;
	sock = become(appliance, &resumable);
	if (sock < 0)
		return sock;
	err = become_user(user);
	if (!err)
		hand_down(appliance, sock, resumable);
	return err;
}

int cmd_run(int argc, char **argv)
{
	struct plan plan = { 0 };

	parse(&argp, argc, argv, &plan);
	if (!plan.appliance.name) {
		const char *slash = strrchr(plan.command[0], '/');

		plan.appliance.name = slash ? slash + 1 : plan.command[0];
	}
	if (appliance_become(&plan.appliance))
		return fail();
	execvp(plan.command[0], plan.command);
	uvf_fail(errno, "can't execute %s: %s", plan.command[0], strerror(errno));
	fail();
	return 127;
}

// SPDX-License-Identifier: GPL-2.0-only
/* uvf release: what a dead appliance left is not to wait for a successor. */
#include "uvf.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <uvf/libuvf.h>

#include "why.h"

static const struct argp argp = {
	.parser = query_parse,
	.args_doc = "FUNCTION...",
	.doc = "Gives back functions that a dead appliance left, with all that belongs to it.\v"
	       "An appliance that dies leaves its functions and their frames to a successor, which "
	       "`uvf run` starts, and for which they wait as long as the appliance said. `uvf list` "
	       "shows its name as dead.",
};

static int release(int sock, const char *name)
{
	struct uvf_request request = { .version = UVF_PROTO_VERSION, .type = UVF_MSG_RELEASE };
	struct uvf_reply reply;

	if (strlen(name) >= sizeof(request.function))
		return uvf_fail(EINVAL, "'%s' is too long for a function's name", name);
	strcpy(request.function, name);
	return uvf_proto_call(sock, &request, -1, &reply, NULL);
}

int cmd_release(int argc, char **argv)
{
	struct query query = { 0 };
	int sock, status = 0;

	parse(&argp, argc, argv, &query);
	if (!query.count) {
		fprintf(stderr, "uvf: release which function? `uvf list` shows those there are\n");
		return 64;
	}
	sock = reach_uvfd();
	if (sock < 0)
		return fail();
	for (int i = 0; i < query.count; i++)
		if (release(sock, query.names[i]))
			status = fail();
	close(sock);
	return status;
}

// SPDX-License-Identifier: GPL-2.0-only
/* The operator's socket. Who may connect is root; it is looked at all the same. */
#include "vfio.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "front_control.h"
#include "why.h"

/* For the frames' sake, nobody is waited for who connects and says nothing. */
#define PATIENCE_US 100000

static int swap(struct front *front, const struct front_control_request *request, ssize_t size,
		bool *later)
{
	if (size != sizeof(*request) || request->magic != FRONT_CONTROL_MAGIC ||
	    request->reserved)
		return uvf_fail(EPROTO, "the interface process is of another version of uvf");
	if (!*request->personality ||
	    strnlen(request->personality, FRONT_CONTROL_PATH) == FRONT_CONTROL_PATH)
		return uvf_fail(EINVAL, "a personality has a name of 1 to %d letters",
				FRONT_CONTROL_PATH - 1);
	return device_swap(front, request->personality, later);
}

static void answer(struct front *front, int sock)
{
	struct front_control_reply reply = { .magic = FRONT_CONTROL_MAGIC };
	struct front_control_request request;
	ssize_t size = recv(sock, &request, sizeof(request), MSG_TRUNC);
	bool later = false;

	if (size <= 0)
		return;
	reply.error = swap(front, &request, size, &later);
	reply.later = later;
	if (reply.error)
		snprintf(reply.text, sizeof(reply.text), "%s", uvf_why());
	send(sock, &reply, sizeof(reply), MSG_NOSIGNAL | MSG_DONTWAIT);
}

void control_run(struct front *front)
{
	const struct timeval patience = { .tv_usec = PATIENCE_US };
	int sock = accept4(front->listener, NULL, NULL, SOCK_CLOEXEC);

	if (sock < 0)
		return;
	setsockopt(sock, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	answer(front, sock);
	close(sock);
}

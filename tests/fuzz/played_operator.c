// SPDX-License-Identifier: GPL-2.0-only
/* The operator: one who connects at a time, says something or nothing, and may not wait. */
#include "played_vfio.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

static bool connected, patient, answered;

/* What is no request, or names nothing that could be. */
static bool is_bad(void)
{
	const struct front_control_request *request = &played.message.request;

	return played.said != sizeof(*request) || request->magic != FRONT_CONTROL_MAGIC ||
	       request->reserved || !*request->personality ||
	       !memchr(request->personality, 0, sizeof(request->personality));
}

void played_operator_check(void)
{
	assert(!connected);
}

int played_accept4(int fd, struct sockaddr *address, socklen_t *size, int flags)
{
	assert(fd == FD_LISTENER && !connected);
	assert(flags & SOCK_CLOEXEC);
	played_meanwhile();
	if (!played.connects) {
		errno = EAGAIN;
		return -1;
	}
	played.connects = false;
	connected = true;
	patient = true;
	answered = false;
	return FD_SOCKET;
}

/* Without it, who says nothing would hold up the guest. */
int played_setsockopt(int fd, int level, int option, const void *value, socklen_t size)
{
	const struct timeval *patience = value;

	assert(fd == FD_SOCKET && connected);
	if (level == SOL_SOCKET && option == SO_RCVTIMEO && size == sizeof(*patience))
		patient = patience->tv_sec || !patience->tv_usec;
	return 0;
}

ssize_t played_recv(int fd, void *to, size_t size, int flags)
{
	size_t said = played.said;

	assert(fd == FD_SOCKET && connected && !patient);
	if (played.said < 0) {
		errno = EAGAIN;
		return -1;
	}
	memcpy(to, &played.message, said < size ? said : size);
	return flags & MSG_TRUNC || said < size ? said : size;
}

ssize_t played_send(int fd, const void *from, size_t size, int flags)
{
	const struct front_control_reply *reply = from;

	assert(fd == FD_SOCKET && connected && !answered && played.said > 0);
	assert(flags & MSG_NOSIGNAL && flags & MSG_DONTWAIT);
	assert(size == sizeof(*reply) && reply->magic == FRONT_CONTROL_MAGIC);
	assert(reply->error <= 0 && reply->later <= 1);
	assert(strnlen(reply->text, sizeof(reply->text)) < sizeof(reply->text));
	assert(!*reply->text == !reply->error);
	assert(reply->error || !is_bad());
	assert(!reply->later || (!reply->error && front.next));
	answered = true;
	if (!played.leaves)
		return size;
	errno = EPIPE;
	return -1;
}

int played_close(int fd)
{
	assert(fd == FD_SOCKET && connected);
	assert(answered || played.said <= 0);
	connected = false;
	return 0;
}

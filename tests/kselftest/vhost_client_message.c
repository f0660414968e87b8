// SPDX-License-Identifier: GPL-2.0-only
/* vhost-user, Message Specification: what a front-end says, and what it is answered. */
#include "vhost_client.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#define PATIENCE_MS 30000
#define CONFIG_CHANGE 2 /* VHOST_USER_BACKEND_CONFIG_CHANGE_MSG */

int fail(struct client *client, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(client->why, sizeof(client->why), format, args);
	va_end(args);
	return -1;
}

bool has(uint64_t features, unsigned int bit)
{
	return features >> bit & 1;
}

int message_send(struct client *client, struct message *message, const int *fds, unsigned int n)
{
	char control[CMSG_SPACE(REGIONS * sizeof(int))] = { 0 };
	struct iovec iov = { message, MESSAGE_HEADER + message->size };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *cmsg = (void *)control;

	message->flags |= FLAG_VERSION;
	if (n) {
		msg.msg_control = control;
		msg.msg_controllen = CMSG_SPACE(n * sizeof(int));
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(n * sizeof(int));
		memcpy(CMSG_DATA(cmsg), fds, n * sizeof(int));
	}
	if (sendmsg(client->sock, &msg, MSG_NOSIGNAL) == (ssize_t)iov.iov_len)
		return 0;
	client->gone = true;
	return fail(client, "message %u can't be sent: %s", message->request, strerror(errno));
}

static int receive(struct client *client, void *at, size_t size, int *fd)
{
	char control[CMSG_SPACE(sizeof(int))];
	struct iovec iov = { at, size };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
			      .msg_controllen = sizeof(control) };
	struct pollfd poller = { .fd = client->sock, .events = POLLIN };
	struct cmsghdr *cmsg;
	ssize_t got;

	if (poll(&poller, 1, PATIENCE_MS) != 1)
		return fail(client, "no answer for %d s", PATIENCE_MS / 1000);
	got = recvmsg(client->sock, &msg, MSG_WAITALL | MSG_CMSG_CLOEXEC);
	if (got != (ssize_t)size) {
		client->gone = true;
		return fail(client, "the device hung up");
	}
	cmsg = CMSG_FIRSTHDR(&msg);
	if (fd && cmsg && cmsg->cmsg_type == SCM_RIGHTS)
		memcpy(fd, CMSG_DATA(cmsg), sizeof(*fd));
	return 0;
}

int message_answer(struct client *client, struct message *message, int *fd)
{
	uint32_t request = message->request;

	if (fd)
		*fd = -1;
	if (receive(client, message, MESSAGE_HEADER, fd))
		return -1;
	if (message->request != request || message->flags != (FLAG_VERSION | FLAG_REPLY) ||
	    message->size > sizeof(message->bytes))
		return fail(client, "message %u was answered with %u, flags %#x, size %u", request,
			    message->request, message->flags, message->size);
	return message->size ? receive(client, message->bytes, message->size, NULL) : 0;
}

/* A message that has an answer of its own. */
int message_ask(struct client *client, struct message *message, int *fd)
{
	if (message_send(client, message, NULL, 0))
		return -1;
	return message_answer(client, message, fd);
}

/* One that has none, unless both sides agreed on REPLY_ACK. */
int message_do(struct client *client, struct message *message, const int *fds, unsigned int n)
{
	uint32_t request = message->request;

	if (!has(client->protocol, F_REPLY_ACK))
		return message_send(client, message, fds, n);
	message->flags = FLAG_NEED_REPLY;
	if (message_send(client, message, fds, n) || message_answer(client, message, NULL))
		return -1;
	if (message->size != sizeof(message->u64))
		return fail(client, "message %u: its reply has %u bytes", request, message->size);
	return message->u64 ? fail(client, "the device refused message %u", request) : 0;
}

int message_u64(struct client *client, uint32_t request, uint64_t value)
{
	struct message message = { .request = request, .size = 8, .u64 = value };

	return message_do(client, &message, NULL, 0);
}

int message_state(struct client *client, uint32_t request, unsigned int index, uint32_t num)
{
	struct message message = { .request = request, .size = sizeof(message.state),
				   .state = { index, num } };

	return message_do(client, &message, NULL, 0);
}

/* vhost-user, Back-end communication. */
void message_backend(struct client *client)
{
	struct message message;
	ssize_t got;

	if (client->backend < 0)
		return;
	while ((got = recv(client->backend, &message, sizeof(message), MSG_DONTWAIT)) > 0) {
		client->changes += message.request == CONFIG_CHANGE;
		if (!(message.flags & FLAG_NEED_REPLY))
			continue;
		message.flags = FLAG_VERSION | FLAG_REPLY;
		message.size = 8;
		message.u64 = message.request != CONFIG_CHANGE;
		send(client->backend, &message, MESSAGE_HEADER + 8, MSG_NOSIGNAL);
	}
}

bool message_hung_up(struct client *client)
{
	char byte;

	if (!client->gone && client->sock >= 0)
		client->gone = !recv(client->sock, &byte, 1, MSG_DONTWAIT | MSG_PEEK);
	return client->gone;
}

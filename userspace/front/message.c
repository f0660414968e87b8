// SPDX-License-Identifier: GPL-2.0-only
#include "message.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "why.h"

#define U64   sizeof(uint64_t)
#define STATE sizeof(struct message_state)

/* What each carries: a payload of @size bytes at least, and so many descriptors. */
static const struct kind {
	const char *name;
	uint16_t size;
	uint8_t fds_least, fds_most;
} kinds[VHOST_USER_REQUESTS] = {
	[VHOST_USER_GET_FEATURES] = { "GET_FEATURES", 0, 0, 0 },
	[VHOST_USER_SET_FEATURES] = { "SET_FEATURES", U64, 0, 0 },
	[VHOST_USER_SET_OWNER] = { "SET_OWNER", 0, 0, 0 },
	[VHOST_USER_RESET_OWNER] = { "RESET_OWNER", 0, 0, 0 },
	[VHOST_USER_SET_MEM_TABLE] = { "SET_MEM_TABLE", 8, 0, MESSAGE_REGIONS },
	[VHOST_USER_SET_LOG_BASE] = { "SET_LOG_BASE", sizeof(struct message_log), 1, 1 },
	[VHOST_USER_SET_LOG_FD] = { "SET_LOG_FD", 0, 1, 1 },
	[VHOST_USER_SET_VRING_NUM] = { "SET_VRING_NUM", STATE, 0, 0 },
	[VHOST_USER_SET_VRING_ADDR] = { "SET_VRING_ADDR", sizeof(struct message_addr), 0, 0 },
	[VHOST_USER_SET_VRING_BASE] = { "SET_VRING_BASE", STATE, 0, 0 },
	[VHOST_USER_GET_VRING_BASE] = { "GET_VRING_BASE", STATE, 0, 0 },
	[VHOST_USER_SET_VRING_KICK] = { "SET_VRING_KICK", U64, 0, 1 },
	[VHOST_USER_SET_VRING_CALL] = { "SET_VRING_CALL", U64, 0, 1 },
	[VHOST_USER_SET_VRING_ERR] = { "SET_VRING_ERR", U64, 0, 1 },
	[VHOST_USER_GET_PROTOCOL_FEATURES] = { "GET_PROTOCOL_FEATURES", 0, 0, 0 },
	[VHOST_USER_SET_PROTOCOL_FEATURES] = { "SET_PROTOCOL_FEATURES", U64, 0, 0 },
	[VHOST_USER_GET_QUEUE_NUM] = { "GET_QUEUE_NUM", 0, 0, 0 },
	[VHOST_USER_SET_VRING_ENABLE] = { "SET_VRING_ENABLE", STATE, 0, 0 },
	[VHOST_USER_NET_SET_MTU] = { "NET_SET_MTU", U64, 0, 0 },
	[VHOST_USER_SET_BACKEND_REQ_FD] = { "SET_BACKEND_REQ_FD", 0, 1, 1 },
	[VHOST_USER_GET_CONFIG] = { "GET_CONFIG", offsetof(struct message_config, data), 0, 0 },
	[VHOST_USER_SET_CONFIG] = { "SET_CONFIG", offsetof(struct message_config, data), 0, 0 },
	[VHOST_USER_GET_INFLIGHT_FD] = { "GET_INFLIGHT_FD", sizeof(struct message_log) + 4, 0, 0 },
	[VHOST_USER_SET_INFLIGHT_FD] = { "SET_INFLIGHT_FD", sizeof(struct message_log) + 4, 1, 1 },
	[VHOST_USER_RESET_DEVICE] = { "RESET_DEVICE", 0, 0, 0 },
	[VHOST_USER_GET_MAX_MEM_SLOTS] = { "GET_MAX_MEM_SLOTS", 0, 0, 0 },
	[VHOST_USER_ADD_MEM_REG] = { "ADD_MEM_REG", sizeof(struct message_slot), 1, 1 },
	/* "the back-end MAY accept messages with one file descriptor" */
	[VHOST_USER_REM_MEM_REG] = { "REM_MEM_REG", sizeof(struct message_slot), 0, 1 },
	[VHOST_USER_SET_STATUS] = { "SET_STATUS", U64, 0, 0 },
	[VHOST_USER_GET_STATUS] = { "GET_STATUS", 0, 0, 0 },
};

static const struct kind *kind_of(uint32_t request)
{
	return request < VHOST_USER_REQUESTS && kinds[request].name ? &kinds[request] : NULL;
}

const char *message_name(uint32_t request)
{
	static char number[32];
	const struct kind *kind = kind_of(request);

	if (kind)
		return kind->name;
	snprintf(number, sizeof(number), "request %u", request);
	return number;
}

/* --- checking --------------------------------------------------------------------------------- */

static int check_header(const struct message *message)
{
	const struct message_header *head = &message->head;

	if ((head->flags & MESSAGE_VERSION_MASK) != MESSAGE_VERSION)
		return uvf_fail(EPROTO, "the front-end speaks version %u of vhost-user, not %u",
				head->flags & MESSAGE_VERSION_MASK, MESSAGE_VERSION);
	if (head->size > offsetof(struct message, fds) - offsetof(struct message, bytes))
		return uvf_fail(EPROTO, "the front-end's %s has %u bytes, more than any message",
				message_name(head->request), head->size);
	return 0;
}

static int check_fds(const struct message *message, unsigned int wanted)
{
	if (message->fds == wanted)
		return 0;
	return uvf_fail(EPROTO, "the front-end's %s has %u descriptors where %u belong",
			message_name(message->head.request), message->fds, wanted);
}

static int check_memory(const struct message *message)
{
	uint32_t n = message->memory.count;

	if (n > MESSAGE_REGIONS ||
	    message->head.size < offsetof(struct message_memory, region[n]))
		return uvf_fail(EPROTO, "the front-end's memory table of %u regions has %u bytes",
				n, message->head.size);
	return check_fds(message, n);
}

static int check_config(const struct message *message)
{
	const struct message_config *config = &message->config;

	if (config->size <= MESSAGE_CONFIG &&
	    message->head.size >= offsetof(struct message_config, data) + config->size)
		return 0;
	return uvf_fail(EPROTO, "the front-end's %s of %u bytes has %u bytes of configuration",
			message_name(message->head.request), message->head.size, config->size);
}

/* What the table of kinds can't say */
static int check_payload(const struct message *message)
{
	switch (message->head.request) {
	case VHOST_USER_SET_MEM_TABLE:
		return check_memory(message);
	case VHOST_USER_SET_VRING_KICK:
	case VHOST_USER_SET_VRING_CALL:
	case VHOST_USER_SET_VRING_ERR:
		return check_fds(message, !(message->u64 & MESSAGE_NO_FD));
	case VHOST_USER_GET_CONFIG:
	case VHOST_USER_SET_CONFIG:
		return check_config(message);
	}
	return 0;
}

/* Of a request that is not known, nothing is. */
static int check(const struct message *message)
{
	const struct kind *kind = kind_of(message->head.request);

	if (!kind)
		return 0;
	if (message->head.size < kind->size)
		return uvf_fail(EPROTO, "the front-end's %s has %u bytes, not %u", kind->name,
				message->head.size, kind->size);
	if (message->fds < kind->fds_least || message->fds > kind->fds_most)
		return check_fds(message, kind->fds_least);
	return check_payload(message);
}

/* --- receiving -------------------------------------------------------------------------------- */

static void take_fds(struct message *message, const struct cmsghdr *cmsg, unsigned int *lost)
{
	unsigned int n = (cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int);

	for (unsigned int i = 0; i < n; i++) {
		int fd;

		memcpy(&fd, CMSG_DATA(cmsg) + i * sizeof(fd), sizeof(fd));
		if (message->fds < MESSAGE_REGIONS) {
			message->fd[message->fds++] = fd;
		} else {
			close(fd);
			*lost += 1;
		}
	}
}

/* Never across the end of a message: descriptors come with its bytes. */
static ssize_t receive_piece(int sock, struct message *message, void *to, size_t size)
{
	union {
		struct cmsghdr head;
		char bytes[CMSG_SPACE(MESSAGE_REGIONS * sizeof(int))];
	} control;
	struct iovec iov = { .iov_base = to, .iov_len = size };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	ssize_t got = recvmsg(sock, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	unsigned int lost = 0;

	if (got < 0)
		return errno == EAGAIN || errno == EINTR ? -EAGAIN :
			uvf_fail(EPIPE, "the connection to the front-end broke: %s", strerror(errno));
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); c; c = CMSG_NXTHDR(&msg, c))
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS)
			take_fds(message, c, &lost);
	if (lost || (msg.msg_flags & MSG_CTRUNC))
		return uvf_fail(EPROTO, "the front-end sent more than %d descriptors at once",
				MESSAGE_REGIONS);
	return got ?: uvf_fail(EPIPE, "the front-end has closed the connection");
}

/* 0 when @size bytes are at @to, which begin behind the first @before of the message. */
static int receive_part(int sock, struct message_input *in, void *to, size_t before, size_t size)
{
	while (in->got < before + size) {
		size_t at = in->got - before;
		ssize_t got = receive_piece(sock, &in->message, (char *)to + at, size - at);

		if (got < 0)
			return got;
		in->got += got;
	}
	return 0;
}

int message_receive(int sock, struct message_input *in)
{
	struct message *message = &in->message;
	int err = receive_part(sock, in, &message->head, 0, sizeof(message->head));

	if (!err)
		err = check_header(message);
	if (!err)
		err = receive_part(sock, in, message->bytes, sizeof(message->head),
				   message->head.size);
	if (!err)
		err = check(message);
	return err == -EAGAIN ? 0 : err ?: 1;
}

void message_done(struct message_input *in)
{
	struct message *message = &in->message;

	for (unsigned int i = 0; i < message->fds; i++)
		if (message->fd[i] >= 0)
			close(message->fd[i]);
	memset(in, 0, sizeof(*in));
}

int message_take_fd(struct message *message)
{
	int fd = message->fds ? message->fd[0] : -1;

	message->fd[0] = -1;
	return fd;
}

/* --- sending ---------------------------------------------------------------------------------- */

/* The front-end waits for each answer: who leaves no room for one is no front-end. */
static int send_whole(int sock, struct message *message, int fd)
{
	union {
		struct cmsghdr head;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = {
		.head = {
			.cmsg_len = CMSG_LEN(sizeof(int)),
			.cmsg_level = SOL_SOCKET,
			.cmsg_type = SCM_RIGHTS,
		},
	};
	struct iovec iov[] = {
		{ .iov_base = &message->head, .iov_len = sizeof(message->head) },
		{ .iov_base = message->bytes, .iov_len = message->head.size },
	};
	struct msghdr msg = {
		.msg_iov = iov,
		.msg_iovlen = 2,
		.msg_control = fd < 0 ? NULL : &control,
		.msg_controllen = fd < 0 ? 0 : sizeof(control),
	};

	memcpy(CMSG_DATA(&control.head), &fd, sizeof(fd));
	if (sendmsg(sock, &msg, MSG_DONTWAIT | MSG_NOSIGNAL) ==
	    (ssize_t)(sizeof(message->head) + message->head.size))
		return 0;
	return uvf_fail(EPIPE, "can't answer %s of the front-end: %s",
			message_name(message->head.request), strerror(errno));
}

int message_reply(int sock, struct message *message, int fd)
{
	message->head.flags = MESSAGE_VERSION | MESSAGE_REPLY;
	return send_whole(sock, message, fd);
}

int message_notify(int sock, uint32_t request)
{
	struct message message = {
		.head = { .request = request, .flags = MESSAGE_VERSION },
	};

	return send_whole(sock, &message, -1);
}

// SPDX-License-Identifier: GPL-2.0-only
/* Messages between uvfd and the keeper, and what a record must be. */
#include "keep.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

union control {
	char bytes[CMSG_SPACE(KEEP_FDS * sizeof(int))];
	struct cmsghdr align;
};

int keep_send(int sock, const struct keep_item *item)
{
	struct iovec iov = { .iov_base = (void *)&item->record, .iov_len = sizeof(item->record) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	union control control = { 0 };

	if (item->fds) {
		struct cmsghdr *cmsg;

		msg.msg_control = control.bytes;
		msg.msg_controllen = CMSG_SPACE(item->fds * sizeof(int));
		cmsg = CMSG_FIRSTHDR(&msg);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(item->fds * sizeof(int));
		memcpy(CMSG_DATA(cmsg), item->fd, item->fds * sizeof(int));
	}
	if (sendmsg(sock, &msg, MSG_NOSIGNAL) < 0)
		return -errno;
	return sizeof(item->record);
}

static void take_fds(struct keep_item *item, struct msghdr *msg)
{
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(msg);

	item->fds = 0;
	if (!cmsg || cmsg->cmsg_level != SOL_SOCKET || cmsg->cmsg_type != SCM_RIGHTS)
		return;
	item->fds = (cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	memcpy(item->fd, CMSG_DATA(cmsg), item->fds * sizeof(int));
}

int keep_receive(int sock, struct keep_item *item)
{
	struct iovec iov = { .iov_base = &item->record, .iov_len = sizeof(item->record) };
	union control control;
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes),
	};
	ssize_t got;

	do {
		got = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC);
	} while (got < 0 && errno == EINTR);
	if (got <= 0)
		return got ? -errno : 0;
	take_fds(item, &msg);
	if (got == sizeof(item->record) && !(msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) &&
	    item->record.version == KEEP_VERSION)
		return got;
	for (unsigned int i = 0; i < item->fds; i++)
		close(item->fd[i]);
	return -EPROTO;
}

static bool ended(const char *text, size_t size)
{
	return memchr(text, '\0', size);
}

static bool session_valid(const struct keep_session *session, unsigned int fds)
{
	if (session->functions > UVF_PROTO_FUNCTIONS || session->maps > UVF_PROTO_MAPS ||
	    !ended(session->appliance, sizeof(session->appliance)))
		return false;
	for (unsigned int i = 0; i < session->functions; i++)
		if (!ended(session->function[i], UVF_PROTO_NAME))
			return false;
	return fds == (session->has_sock ? 1u : 0) + (session->memory_size ? 1 : 0) + session->maps;
}

bool keep_valid(const struct keep_item *item)
{
	const struct keep_record *record = &item->record;

	if (record->op != KEEP_PUT)
		return false;
	if (record->kind == KEEP_SESSION)
		return session_valid(&record->session, item->fds);
	return record->kind == KEEP_LEASE && record->lease.sources &&
	       record->lease.sources <= UVF_PROTO_SOURCES &&
	       item->fds == 2 + record->lease.sources &&
	       ended(record->lease.name, sizeof(record->lease.name));
}

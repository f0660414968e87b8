// SPDX-License-Identifier: GPL-2.0-only
/* One allocation of a system call fails; and netlink, most of whose messages are such calls. */
#include "faults.h"

#include <net/if.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int fail_nth;
unsigned int nth;
bool injected;

void arm(unsigned int n)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%u", n);

	if (pwrite(fail_nth, text, len, 0) != len)
		die(2, "fail-nth: %s", strerror(errno));
}

int disarm(int err)
{
	char text[16] = "";

	if (pread(fail_nth, text, sizeof(text) - 1, 0) <= 0)
		die(2, "fail-nth: %s", strerror(errno));
	injected = nth && !atoi(text);
	arm(0);
	return err;
}

int error_of(long result)
{
	return result < 0 ? -errno : 0;
}

/* --- netlink ------------------------------------------------------------------------------ */

struct nl_sock *rtnl, *genl;

static int await(int fd, uint32_t seq, nl_reply *each, void *arg)
{
	static char buffer[65536];
	struct nlmsghdr *reply;
	int len;

	for (;;) {
		len = recv(fd, buffer, sizeof(buffer), 0);
		if (len < 0 && errno == ENOBUFS)
			return UNANSWERED;
		if (len <= 0)
			die(1, "netlink does not answer: %s", strerror(errno));
		for (reply = (void *)buffer; nlmsg_ok(reply, len);
		     reply = nlmsg_next(reply, &len)) {
			/* An earlier one may have an answer that nobody has waited for. */
			if (reply->nlmsg_seq != seq)
				continue;
			if (reply->nlmsg_type == NLMSG_ERROR || reply->nlmsg_type == NLMSG_DONE)
				return *(int *)nlmsg_data(reply);
			if (each)
				each(reply, arg);
		}
	}
}

int ask(struct nl_sock *sock, struct nl_msg *msg, bool faulty, nl_reply *each, void *arg)
{
	struct nlmsghdr *header = nlmsg_hdr(msg);
	int err, fd = nl_socket_get_fd(sock);
	static uint32_t seq = 1;

	header->nlmsg_seq = ++seq;
	header->nlmsg_pid = 0;
	header->nlmsg_flags |= NLM_F_REQUEST | NLM_F_ACK;
	if (faulty)
		err = FAULTY(send(fd, header, header->nlmsg_len, 0));
	else
		err = error_of(send(fd, header, header->nlmsg_len, 0));
	nlmsg_free(msg);
	return err ? err : await(fd, seq, each, arg);
}

struct nl_msg *rtnl_new(int type, int flags, const void *head, size_t size)
{
	struct nl_msg *msg = nlmsg_alloc_size(4096);

	nlmsg_put(msg, 0, 0, type, 0, flags);
	nlmsg_append(msg, (void *)head, size, NLMSG_ALIGNTO);
	return msg;
}

struct nl_msg *link_new(int flags, int index, unsigned int up)
{
	struct ifinfomsg info = { .ifi_index = index, .ifi_flags = up, .ifi_change = IFF_UP };

	if (up == (unsigned int)-1)
		info.ifi_flags = info.ifi_change = 0;
	return rtnl_new(RTM_NEWLINK, flags, &info, sizeof(info));
}

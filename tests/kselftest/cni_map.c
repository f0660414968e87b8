// SPDX-License-Identifier: GPL-2.0-only
/*
 * The client's side of the handshake of `use_cni`, word for word as DPDK says it
 * (uds_get_xskmap_fd(), drivers/net/af_xdp/rte_eth_af_xdp.c of DPDK 24.11).
 */
#include "cni_map.h"
#include "redirect.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int reach(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int sock = socket(AF_UNIX, SOCK_SEQPACKET, 0);

	strncpy(addr.sun_path, path, sizeof(addr.sun_path) - 1);
	if (connect(sock, (struct sockaddr *)&addr, sizeof(addr)))
		die("connect to %s: %s", path, strerror(errno));
	return sock;
}

static int take_fd(struct msghdr *msg)
{
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(msg);
	int fd;

	if (!cmsg || cmsg->cmsg_type != SCM_RIGHTS)
		return -1;
	memcpy(&fd, CMSG_DATA(cmsg), sizeof(fd));
	return fd;
}

/* @wanted: the answer, or NULL for any. Returns the descriptor that came along, or -1. */
static int ask(int sock, const char *request, int fd, const char *wanted)
{
	char answer[129], control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec iov = { .iov_base = (char *)request, .iov_len = strlen(request) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t n;

	if (fd >= 0) {
		msg.msg_control = control;
		msg.msg_controllen = sizeof(control);
		*CMSG_FIRSTHDR(&msg) = (struct cmsghdr){ .cmsg_len = CMSG_LEN(sizeof(fd)),
							 .cmsg_level = SOL_SOCKET,
							 .cmsg_type = SCM_RIGHTS };
		memcpy(CMSG_DATA(CMSG_FIRSTHDR(&msg)), &fd, sizeof(fd));
	}
	if (sendmsg(sock, &msg, MSG_NOSIGNAL) < 0)
		die("%s: %s", request, strerror(errno));
	iov = (struct iovec){ .iov_base = answer, .iov_len = sizeof(answer) - 1 };
	msg.msg_control = control;
	msg.msg_controllen = sizeof(control);
	n = recvmsg(sock, &msg, 0);
	if (n <= 0)
		die("%s: no answer", request);
	answer[n] = '\0';
	if (wanted && strcmp(answer, wanted))
		die("%s: the answer is %s", request, answer);
	return take_fd(&msg);
}

int cni_map(const char *path, const char *device)
{
	char host[64], request[64];
	int sock = reach(path), map;

	if (gethostname(host, sizeof(host) - 1))
		die("gethostname: %s", strerror(errno));
	snprintf(request, sizeof(request), "/connect,%.54s", host);
	ask(sock, request, -1, "/host_ok");
	ask(sock, "/version", -1, NULL);
	snprintf(request, sizeof(request), "/xsk_map_fd,%s", device);
	map = ask(sock, request, -1, "/fd_ack");
	if (map < 0)
		die("no descriptor came along");
	ask(sock, "/fin", -1, "/fin_ack");
	close(sock);
	return map;
}

void cni_busy_poll(const char *path, int xsk)
{
	char host[64], request[64];
	int sock = reach(path), is = 0;
	socklen_t len = sizeof(is);

	gethostname(host, sizeof(host) - 1);
	snprintf(request, sizeof(request), "/connect,%.54s", host);
	ask(sock, request, -1, "/host_ok");
	ask(sock, "/config_busy_poll,20,64", xsk, "/config_busy_poll_ack");
	if (getsockopt(xsk, SOL_SOCKET, SO_PREFER_BUSY_POLL, &is, &len) || !is)
		die("busy polling is not set");
	ask(sock, "/fin", -1, "/fin_ack");
	close(sock);
}

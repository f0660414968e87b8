// SPDX-License-Identifier: GPL-2.0-only
/*
 * How far apart the frames come that a host sends as fast as it can: by the kernel's time stamps,
 * so that nobody is woken for each. That a sender has handed over its last one says nothing:
 * hundreds may wait in its card.
 *
 *	arrivals DEVICE N
 *
 * Says "ready", takes N frames of ETHERTYPE, or what has come when for a second nothing did, and prints
 * one JSON object: nanoseconds a frame, and how many did not come.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define ETHERTYPE 0x88b5 /* IEEE 802 local experimental: nic_guest.c */
#define FRAME_ROOM 4096 /* what the kernel counts for one, and more */
#define LOOK_US 10000
#define FIRST_LOOKS 3000
#define NEXT_LOOKS 100

static int failed(const char *what)
{
	fprintf(stderr, "arrivals: %s: %s\n", what, strerror(errno));
	return 1;
}

static int sock_open(const char *device, unsigned int n)
{
	struct sockaddr_ll at = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETHERTYPE),
		.sll_ifindex = if_nametoindex(device),
	};
	int sock = socket(AF_PACKET, SOCK_RAW, 0), room = n * FRAME_ROOM, one = 1;

	if (sock < 0 || !at.sll_ifindex ||
	    setsockopt(sock, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)) ||
	    setsockopt(sock, SOL_SOCKET, SO_TIMESTAMPNS, &one, sizeof(one)) ||
	    bind(sock, (struct sockaddr *)&at, sizeof(at)))
		return -1;
	return sock;
}

/* Since the last call. */
static unsigned int came(int sock)
{
	struct tpacket_stats stats = { 0 };
	socklen_t len = sizeof(stats);

	getsockopt(sock, SOL_PACKET, PACKET_STATISTICS, &stats, &len);
	return stats.tp_packets;
}

static void wait_for(int sock, unsigned int n)
{
	unsigned int sum = 0, more, looks = 0;

	while (sum < n && looks++ < (sum ? NEXT_LOOKS : FIRST_LOOKS)) {
		usleep(LOOK_US);
		more = came(sock);
		sum += more;
		if (more)
			looks = 0;
	}
}

/* When it came; 0: there is none. */
static uint64_t frame_take(int sock)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(struct timespec))];
	struct msghdr msg = { .msg_control = control, .msg_controllen = sizeof(control) };
	struct cmsghdr *head;
	struct timespec t;

	if (recvmsg(sock, &msg, MSG_DONTWAIT | MSG_TRUNC) < 0)
		return 0;
	head = CMSG_FIRSTHDR(&msg);
	if (!head || head->cmsg_type != SCM_TIMESTAMPNS)
		return 0;
	memcpy(&t, CMSG_DATA(head), sizeof(t));
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

int main(int argc, char **argv)
{
	unsigned int n = argc == 3 ? strtoul(argv[2], NULL, 0) : 0, taken = 0;
	uint64_t first = 0, last = 0, t;
	int sock;

	if (n < 2 || n > 100000) {
		fprintf(stderr, "usage: arrivals DEVICE N, of 2 frames or more\n");
		return 2;
	}
	sock = sock_open(argv[1], n);
	if (sock < 0)
		return failed(argv[1]);
	puts("ready");
	fflush(stdout);
	wait_for(sock, n);
	for (; taken < n && (t = frame_take(sock)); taken++) {
		first = first ? first : t;
		last = t;
	}
	if (taken < 2) {
		fprintf(stderr, "arrivals: %u frames have come\n", taken);
		return 1;
	}
	printf("{ \"each\": %.1f, \"lost\": %u }\n", (double)(last - first) / (taken - 1), n - taken);
	return 0;
}

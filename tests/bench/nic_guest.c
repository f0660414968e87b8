// SPDX-License-Identifier: GPL-2.0-only
/*
 * In the guest of cards.sh, with its network card.
 *
 *	nic_guest registers FILE READ WRITE N	a BAR (sysfs: resource0) and two registers of 32
 *						bits in it: how long each access takes, of N, in
 *						nanoseconds by the guest's clock; as JSON
 *	nic_guest send DEVICE MAC SIZE N	N frames, as fast as the driver takes them, for
 *						arrivals.c
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/ether.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>

#define ETHERTYPE 0x88b5 /* IEEE 802 local experimental: arrivals.c */
#define WINDOW 4096 /* all registers that anybody asks for lie in */

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

static int failed(const char *what)
{
	fprintf(stderr, "nic_guest: %s: %s\n", what, strerror(errno));
	return 1;
}

static int registers(char **args)
{
	unsigned int in = strtoul(args[1], NULL, 0), out = strtoul(args[2], NULL, 0);
	unsigned int n = strtoul(args[3], NULL, 0);
	int fd = open(args[0], O_RDWR);
	volatile uint8_t *bar = MAP_FAILED;
	uint64_t start, between, end;

	if (fd >= 0 && n && in <= WINDOW - 4 && out <= WINDOW - 4)
		bar = mmap(NULL, WINDOW, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (bar == MAP_FAILED)
		return failed(args[0]);
	start = now();
	for (unsigned int i = 0; i < n; i++)
		(void)*(volatile uint32_t *)(bar + in);
	between = now();
	for (unsigned int i = 0; i < n; i++)
		*(volatile uint32_t *)(bar + out) = 0;
	/* A write may be under way when its instruction is over; what is read behind it is not. */
	(void)*(volatile uint32_t *)(bar + in);
	end = now();
	printf("{ \"read\": %.1f, \"write\": %.1f }\n", (double)(between - start) / n,
	       (double)(end - between) / n);
	return 0;
}

static int send_frames(char **args)
{
	struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_ifindex = if_nametoindex(args[0]) };
	int sock = socket(AF_PACKET, SOCK_RAW, 0);
	const struct ether_addr *mac = ether_aton(args[1]);
	size_t size = strtoul(args[2], NULL, 0);
	unsigned int n = strtoul(args[3], NULL, 0);
	uint8_t frame[ETH_FRAME_LEN] = { 0 };

	if (sock < 0 || !to.sll_ifindex || !mac || !n || size < ETH_ZLEN || size > sizeof(frame) ||
	    bind(sock, (struct sockaddr *)&to, sizeof(to)))
		return failed(args[0]);
	memcpy(frame, mac, ETH_ALEN);
	frame[ETH_ALEN] = 0x02; /* locally administered */
	frame[12] = ETHERTYPE >> 8;
	frame[13] = ETHERTYPE & 0xff;
	for (unsigned int i = 0; i < n; i++)
		if (send(sock, frame, size, 0) != (ssize_t)size)
			return failed("send");
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 6 && !strcmp(argv[1], "registers"))
		return registers(argv + 2);
	if (argc == 6 && !strcmp(argv[1], "send"))
		return send_frames(argv + 2);
	fprintf(stderr, "usage: nic_guest registers FILE READ WRITE N | send DEVICE MAC SIZE N\n");
	return 2;
}

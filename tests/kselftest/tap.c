// SPDX-License-Identifier: GPL-2.0-only
/*
 * An uplink whose ring is as short as one likes, and is emptied as slowly: the owner's side of a
 * tap device.
 *
 *	tap NAME COUNT	makes the device, and reads what is sent on it until COUNT frames of
 *			`xsk pour` have come, or none for some seconds, or SIGTERM
 *
 * Exit: 0 when all came, in order.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_ether.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define QUESTION 0x88b5
#define PATIENCE_MS 10000

static int make(const char *name)
{
	struct ifreq request = { .ifr_flags = IFF_TAP | IFF_NO_PI };
	int fd = open("/dev/net/tun", O_RDWR);

	strncpy(request.ifr_name, name, IFNAMSIZ - 1);
	if (fd < 0 || ioctl(fd, TUNSETIFF, &request)) {
		perror("tap: /dev/net/tun");
		exit(1);
	}
	return fd;
}

int main(int argc, char **argv)
{
	struct {
		struct ethhdr eth;
		uint32_t number;
		uint8_t data[2048];
	} __attribute__((packed)) frame;
	struct pollfd fd = { .events = POLLIN };
	uint32_t next = 0, order = 0, count;

	if (argc != 3) {
		fprintf(stderr, "tap: NAME COUNT\n");
		return 1;
	}
	count = atoi(argv[2]);
	fd.fd = make(argv[1]);
	printf("made\n");
	fflush(stdout);
	while (next < count && poll(&fd, 1, PATIENCE_MS) > 0) {
		if (read(fd.fd, &frame, sizeof(frame)) < 0)
			break;
		if (frame.eth.h_proto != htons(QUESTION))
			continue;
		order += ntohl(frame.number) != next++;
	}
	printf("frames %u out of order %u\n", next, order);
	return next == count && !order ? 0 : 1;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Frames to a host, as many as it takes: bursts, of which the last frame is an ICMP echo request
 * (RFC 792) and the others are of a type that nobody knows. When its echo has come, the host has
 * taken the burst, and the next one is sent; so many are under way.
 *
 *	echoes DEVICE MAC ADDRESS OWN BURST WINDOW SIZE N
 *
 * N bursts to MAC and ADDRESS, from OWN. Prints one JSON object: nanoseconds a frame; how long
 * processors were at work for it, all together; and how many bursts were not answered within a
 * second.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/ether.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define ETHERTYPE 0x88b5 /* IEEE 802 local experimental */
#define LATE_MS 1000

static struct echoes {
	int sock;
	size_t size;
	unsigned int burst, window, bursts;
	unsigned int sent, answered, lost; /* bursts */
	uint16_t id;
	uint8_t other[ETH_FRAME_LEN], echo[ETH_FRAME_LEN];
} e;

struct ping {
	struct ethhdr eth;
	struct iphdr ip;
	struct icmphdr icmp;
} __attribute__((packed));

static int failed(const char *what)
{
	fprintf(stderr, "echoes: %s: %s\n", what, strerror(errno));
	return 1;
}

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

/* Of all tasks on all processors: the seventh number of each one's line. A task's time is added to
 * it when it makes room for another: so that of this one is, too. 0: this kernel does not count. */
static uint64_t ran(void)
{
	unsigned long long ns, sum = 0;
	char line[512];
	FILE *file;

	usleep(1000);
	file = fopen("/proc/schedstat", "r");
	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "cpu%*u %*u %*u %*u %*u %*u %*u %llu", &ns) == 1)
			sum += ns;
	if (file)
		fclose(file);
	return sum;
}

/* RFC 1071 */
static uint16_t checksum(const void *data, size_t len)
{
	const uint8_t *byte = data;
	uint32_t sum = 0;

	for (size_t i = 0; i < len; i++)
		sum += i & 1 ? byte[i] : byte[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons(~sum);
}

/* --- frames ----------------------------------------------------------------------------------- */

static void number_echo(unsigned int number)
{
	struct ping *ping = (void *)e.echo;

	ping->icmp.un.echo.sequence = htons(number);
	ping->icmp.checksum = 0;
	ping->icmp.checksum = checksum(&ping->icmp, e.size - offsetof(struct ping, icmp));
}

static bool frames_make(const char *device, const char *mac, const char *address, const char *own)
{
	struct ping *ping = (void *)e.echo;
	const struct ether_addr *to = ether_aton(mac);
	struct ifreq asked = { 0 };

	snprintf(asked.ifr_name, sizeof(asked.ifr_name), "%s", device);
	if (!to || ioctl(e.sock, SIOCGIFHWADDR, &asked))
		return false;
	memcpy(ping->eth.h_dest, to, ETH_ALEN);
	memcpy(ping->eth.h_source, asked.ifr_hwaddr.sa_data, ETH_ALEN);
	ping->eth.h_proto = htons(ETHERTYPE);
	memcpy(e.other, e.echo, sizeof(ping->eth));
	ping->eth.h_proto = htons(ETH_P_IP);
	ping->ip = (struct iphdr){
		.version = 4,
		.ihl = 5,
		.ttl = 64,
		.protocol = IPPROTO_ICMP,
		.tot_len = htons(e.size - sizeof(ping->eth)),
		.saddr = inet_addr(own),
		.daddr = inet_addr(address),
	};
	ping->ip.check = checksum(&ping->ip, sizeof(ping->ip));
	e.id = getpid();
	ping->icmp.type = ICMP_ECHO;
	ping->icmp.un.echo.id = htons(e.id);
	return true;
}

/* --- bursts ----------------------------------------------------------------------------------- */

static int burst_send(void)
{
	for (unsigned int i = 1; i < e.burst; i++)
		if (send(e.sock, e.other, e.size, 0) < 0)
			return failed("send");
	number_echo(e.sent);
	if (send(e.sock, e.echo, e.size, 0) < 0)
		return failed("send");
	e.sent++;
	return 0;
}

/* What comes is counted, whatever its number: none is repeated. */
static bool is_answer(const uint8_t *frame, ssize_t len)
{
	const struct ping *ping = (const void *)frame;

	return len >= (ssize_t)sizeof(*ping) && ping->eth.h_proto == htons(ETH_P_IP) &&
	       ping->ip.protocol == IPPROTO_ICMP && ping->icmp.type == ICMP_ECHOREPLY &&
	       ping->icmp.un.echo.id == htons(e.id);
}

static void answers_take(void)
{
	struct pollfd poll_for = { .fd = e.sock, .events = POLLIN };
	uint8_t frame[ETH_FRAME_LEN];
	ssize_t len;

	if (poll(&poll_for, 1, LATE_MS) == 0) {
		e.lost += e.sent - e.answered - e.lost;
		return;
	}
	while ((len = recv(e.sock, frame, sizeof(frame), MSG_DONTWAIT)) >= 0)
		if (is_answer(frame, len) && e.answered + e.lost < e.sent)
			e.answered++;
}

static int run(void)
{
	while (e.answered + e.lost < e.bursts) {
		while (e.sent < e.bursts && e.sent - e.answered - e.lost < e.window)
			if (burst_send())
				return 1;
		answers_take();
	}
	return 0;
}

static bool sock_open(const char *device)
{
	struct sockaddr_ll at = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_IP),
		.sll_ifindex = if_nametoindex(device),
	};
	int one = 1;

	e.sock = socket(AF_PACKET, SOCK_RAW, 0);
	return e.sock >= 0 && at.sll_ifindex &&
	       !setsockopt(e.sock, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof(one)) &&
	       !bind(e.sock, (struct sockaddr *)&at, sizeof(at));
}

int main(int argc, char **argv)
{
	uint64_t start, busy;
	double frames;

	if (argc != 9) {
		fprintf(stderr, "usage: echoes DEVICE MAC ADDRESS OWN BURST WINDOW SIZE N\n");
		return 2;
	}
	e.burst = atoi(argv[5]);
	e.window = atoi(argv[6]);
	e.size = atoi(argv[7]);
	e.bursts = atoi(argv[8]);
	if (e.size < ETH_ZLEN || e.size > ETH_FRAME_LEN || !e.burst || !e.window || !e.bursts) {
		fprintf(stderr, "echoes: frames have 60 to 1514 bytes, and each number is at least 1\n");
		return 2;
	}
	if (!sock_open(argv[1]) || !frames_make(argv[1], argv[2], argv[3], argv[4]))
		return failed(argv[1]);
	busy = ran();
	start = now();
	if (run())
		return 1;
	start = now() - start;
	busy = ran() - busy;
	frames = (double)e.bursts * e.burst;
	printf("{ \"each\": %.1f, \"busy\": %.1f, \"lost\": %u }\n", start / frames, busy / frames,
	       e.lost);
	return 0;
}

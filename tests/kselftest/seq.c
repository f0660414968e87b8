// SPDX-License-Identifier: GPL-2.0-only
/*
 * Frames with numbers, so that each that is lost or doubled is known.
 *
 *	seq send eth0 to=MAC count=2000 rate=500 [first=0] [src=IP dst=IP] [proto=17]
 *	         [sport=N dport=N] [vlan=N] [size=60]
 *	seq receive eth0[,eth1…] idle=1000 [count=2000] [size=60]
 *	seq read FILE			as pcap
 *
 * A frame is Ethernet, IPv4 or IPv6, and ports, with its number at the end (numbered.h). `receive`
 * says "ready", takes frames until none has come for `idle` milliseconds (the first may take
 * thirty seconds; after `count` of them, a fifth of a second), and prints what came as JSON:
 * number, doubled, and missing between the first and the last. With `size`, those of another one
 * have not come: the end of a frame that was torn apart looks like a frame. Of several links, a
 * frame may come by any.
 */
#include "numbered.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/ether.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define LINKS 4
#define SIZE_MAX_SENT 65549 /* an IP packet, and Ethernet's header */

struct plan {
	struct ether_addr to;
	unsigned int count, first, rate, proto, sport, dport, vlan, size, idle;
	const char *src, *dst;
};

static void __attribute__((noreturn)) die(const char *what)
{
	fprintf(stderr, "seq: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int open_link(const char *name)
{
	struct sockaddr_ll at = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL),
		.sll_ifindex = if_nametoindex(name),
	};
	int buffer = 8 << 20, sock = socket(AF_PACKET, SOCK_RAW, 0);

	if (sock < 0 || !at.sll_ifindex || bind(sock, (struct sockaddr *)&at, sizeof(at)))
		die(name);
	setsockopt(sock, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof(buffer));
	return sock;
}

/* --- sending ------------------------------------------------------------------------------ */

static uint8_t *put(uint8_t *at, const void *data, size_t size)
{
	memcpy(at, data, size);
	return at + size;
}

static uint8_t *put16(uint8_t *at, unsigned int value)
{
	uint16_t big = htons(value);

	return put(at, &big, sizeof(big));
}

static uint8_t *put_ip4(uint8_t *at, const struct plan *plan, const uint8_t *end)
{
	struct iphdr ip = { .version = 4, .ihl = 5, .ttl = 64, .protocol = plan->proto };
	uint32_t sum = 0;

	ip.tot_len = htons(end - at);
	if (inet_pton(AF_INET, plan->src, &ip.saddr) != 1 ||
	    inet_pton(AF_INET, plan->dst, &ip.daddr) != 1)
		die(plan->dst);
	for (unsigned int i = 0; i < sizeof(ip) / 2; i++)
		sum += ((uint16_t *)&ip)[i];
	sum = (sum & 0xffff) + (sum >> 16);
	ip.check = ~(sum + (sum >> 16));
	return put(at, &ip, sizeof(ip));
}

static uint8_t *put_ip6(uint8_t *at, const struct plan *plan, const uint8_t *end)
{
	struct ip6_hdr ip = { .ip6_vfc = 6 << 4, .ip6_nxt = plan->proto, .ip6_hlim = 64 };

	ip.ip6_plen = htons(end - at - sizeof(ip));
	if (inet_pton(AF_INET6, plan->src, &ip.ip6_src) != 1 ||
	    inet_pton(AF_INET6, plan->dst, &ip.ip6_dst) != 1)
		die(plan->dst);
	return put(at, &ip, sizeof(ip));
}

static void build(uint8_t *frame, const struct plan *plan)
{
	static const uint8_t from[ETH_ALEN] = { 2, 0, 0, 0, 0x5e, 0x71 };
	bool v6 = strchr(plan->dst, ':');
	uint8_t *at, *end = frame + plan->size;

	at = put(frame, &plan->to, ETH_ALEN);
	at = put(at, from, ETH_ALEN);
	if (plan->vlan)
		at = put16(put16(at, ETH_P_8021Q), plan->vlan);
	at = put16(at, v6 ? ETH_P_IPV6 : ETH_P_IP);
	at = v6 ? put_ip6(at, plan, end) : put_ip4(at, plan, end);
	put16(put16(put16(put16(at, plan->sport), plan->dport), end - at), 0);
}

static void pause_until(const struct timespec *start, unsigned int number, unsigned int rate)
{
	uint64_t ns = start->tv_nsec + (uint64_t)number * 1000000000 / rate;
	struct timespec then = { .tv_sec = start->tv_sec + ns / 1000000000,
				 .tv_nsec = ns % 1000000000 };

	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &then, NULL);
}

static int send_all(const char *name, const struct plan *plan)
{
	static uint8_t frame[SIZE_MAX_SENT];
	int sock = open_link(name);
	unsigned int i, sent = 0;
	struct timespec start;

	build(frame, plan);
	clock_gettime(CLOCK_MONOTONIC, &start);
	for (i = 0; i < plan->count; i++) {
		numbered_put(frame, plan->size, plan->first + i);
		if (plan->rate)
			pause_until(&start, i, plan->rate);
		/* A limit drops what is too much, and says so. */
		if (send(sock, frame, plan->size, 0) == (ssize_t)plan->size)
			sent++;
		else if (errno != ENOBUFS)
			die("a frame was not taken");
	}
	printf("{ \"sent\": %u }\n", sent);
	return 0;
}

/* --- receiving ---------------------------------------------------------------------------- */

static int patience(const struct plan *plan, unsigned int came)
{
	if (!came)
		return 30000;
	return plan->count > 1 && came >= plan->count ? 200 : (int)plan->idle;
}

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

static bool receive_one(int sock, struct numbered_tally *tally, ssize_t want)
{
	static uint8_t frame[65536];
	struct sockaddr_ll from;
	socklen_t len = sizeof(from);
	ssize_t size = recvfrom(sock, frame, sizeof(frame), 0, (void *)&from, &len);

	return size > 0 && (!want || size == want) && from.sll_pkttype != PACKET_OUTGOING &&
	       numbered_count(tally, frame, size);
}

static bool receive_any(const struct pollfd *links, unsigned int count,
			struct numbered_tally *tally, ssize_t want)
{
	bool ours = false;

	for (unsigned int i = 0; i < count; i++)
		ours |= links[i].revents && receive_one(links[i].fd, tally, want);
	return ours;
}

/* Frames that are none of ours do not put off its end. */
static int receive_all(char *names, const struct plan *plan)
{
	static struct numbered_tally tally;
	struct pollfd links[LINKS];
	unsigned int count = 0;
	int64_t left, last;
	char *rest = NULL;

	for (char *name = strtok_r(names, ",", &rest); name && count < LINKS;
	     name = strtok_r(NULL, ",", &rest))
		links[count++] = (struct pollfd){ .fd = open_link(name), .events = POLLIN };
	numbered_begin(&tally);
	printf("ready\n");
	fflush(stdout);
	last = now_ms();
	while ((left = last + patience(plan, tally.came) - now_ms()) > 0)
		if (poll(links, count, left) > 0 && receive_any(links, count, &tally, plan->size))
			last = now_ms();
	printf("{ \"received\": %u, \"doubled\": %u, \"missing\": %u }\n", tally.came,
	       tally.doubled, numbered_missing(&tally));
	return 0;
}

/* --- reading ------------------------------------------------------------------------------ */

/* pcap, as of this machine: a header of 24 bytes, then 16 before each frame (pcap-savefile(5)). */
static int read_all(const char *name)
{
	static struct numbered_tally tally;
	static uint8_t frame[65536];
	unsigned int longest = 0;
	FILE *file = fopen(name, "re");
	uint32_t head[4];

	if (!file || fseek(file, 24, SEEK_SET))
		die(name);
	numbered_begin(&tally);
	while (fread(head, sizeof(head), 1, file) == 1) {
		if (head[2] > sizeof(frame) || fread(frame, head[2], 1, file) != 1)
			break;
		if (head[2] == head[3] && numbered_count(&tally, frame, head[2]) &&
		    head[2] > longest)
			longest = head[2];
	}
	fclose(file);
	printf("{ \"received\": %u, \"doubled\": %u, \"missing\": %u, \"longest\": %u }\n",
	       tally.came, tally.doubled, numbered_missing(&tally), longest);
	return 0;
}

/* --- the command -------------------------------------------------------------------------- */

static bool take(struct plan *plan, const char *word)
{
	static const char *const names[] = { "count=", "rate=", "proto=", "sport=", "dport=",
					     "vlan=", "size=", "idle=", "first=" };
	unsigned int *numbers[] = { &plan->count, &plan->rate, &plan->proto, &plan->sport,
				    &plan->dport, &plan->vlan, &plan->size, &plan->idle,
				    &plan->first };

	for (unsigned int i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strncmp(word, names[i], strlen(names[i]))) {
			*numbers[i] = strtoul(word + strlen(names[i]), NULL, 10);
			return true;
		}
	if (!strncmp(word, "to=", 3))
		return ether_aton_r(word + 3, &plan->to);
	if (!strncmp(word, "src=", 4))
		plan->src = word + 4;
	else if (!strncmp(word, "dst=", 4))
		plan->dst = word + 4;
	else
		return false;
	return true;
}

int main(int argc, char **argv)
{
	struct plan plan = { .count = 1, .proto = IPPROTO_UDP, .idle = 1000,
			     .src = "192.0.2.1", .dst = "192.0.2.2" };

	for (int i = 3; i < argc; i++)
		if (!take(&plan, argv[i])) {
			errno = EINVAL;
			die(argv[i]);
		}
	if (argc > 2 && !strcmp(argv[1], "receive"))
		return receive_all(argv[2], &plan);
	if (plan.size > SIZE_MAX_SENT || plan.size < 80 || plan.count > NUMBERED_MAX)
		plan.size = 90;
	if (argc > 2 && !strcmp(argv[1], "send"))
		return send_all(argv[2], &plan);
	if (argc > 2 && !strcmp(argv[1], "read"))
		return read_all(argv[2]);
	fprintf(stderr, "seq: say send or receive, and a link; or read, and a file\n");
	return 64;
}

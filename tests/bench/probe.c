// SPDX-License-Identifier: GPL-2.0-only
/*
 * How long a frame is under way: sends numbered frames out of a device at a rate, and looks for
 * them when they come back.
 *
 *	probe eth0 --to de:4a:93:63:f1:c2 --rate 1000 --ms 500
 *
 * A frame carries the time at which it was sent (CLOCK_REALTIME, as the kernel's time stamps); when
 * it came back, the kernel's time stamp says, not the moment that this program got to see it.
 * Prints numbers, median and 99.9th percentile as JSON.
 */
#include <argp.h>
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/ether.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define NS 1000000000ULL
#define ETHERTYPE 0x88b5 /* IEEE 802 local experimental */
#define MOST 10000000 /* frames */
/* For those that are still under way at the end. */
#define GRACE_NS (NS / 10)

#define RING_FRAME 2048
#define RING_FRAMES 4096

struct frame {
	struct ethhdr eth;
	uint64_t run; /* that of another run is not ours */
	uint64_t number;
	uint64_t time;
	uint8_t rest[1514 - sizeof(struct ethhdr) - 3 * sizeof(uint64_t)];
} __attribute__((packed));

static struct {
	const char *device;
	struct ether_addr to;
	bool has_to;
	unsigned long size, rate, ms;
	int sock;
	uint8_t *ring;
	unsigned int next; /* frame of the ring */
	uint64_t run;
	uint64_t *taken; /* nanoseconds, of each that came back */
	bool *seen;
	uint64_t sent, received, unsent;
} probe = { .size = 64, .rate = 1000, .ms = 1000 };

static const struct argp_option options[] = {
	{ "to", 't', "MAC", 0, "destination of the frames", 0 },
	{ "size", 's', "BYTES", 0, "of a frame without FCS, 60 to 1514 (default: 64)", 0 },
	{ "rate", 'r', "N", 0, "frames a second (default: 1000)", 0 },
	{ "ms", 'm', "N", 0, "how long (default: 1000)", 0 },
	{ 0 },
};

static unsigned long number(struct argp_state *state, const char *arg, unsigned long min,
			    unsigned long max)
{
	char *end;
	unsigned long value = strtoul(arg, &end, 10);

	if (*end || end == arg || *arg == '-' || value < min || value > max)
		argp_failure(state, 64, 0, "'%s' is not a number from %lu to %lu", arg, min, max);
	return value;
}

static error_t on_option(int key, char *arg, struct argp_state *state)
{
	switch (key) {
	case 't':
		if (!ether_aton_r(arg, &probe.to))
			argp_failure(state, 64, 0, "'%s' is not a MAC address", arg);
		probe.has_to = true;
		return 0;
	case 's':
		probe.size = number(state, arg, 60, sizeof(struct frame));
		return 0;
	case 'r':
		probe.rate = number(state, arg, 1, 10000000);
		return 0;
	case 'm':
		probe.ms = number(state, arg, 1, 1000000);
		return 0;
	case ARGP_KEY_ARG:
		if (probe.device)
			argp_failure(state, 64, 0, "one device: '%s' is too much", arg);
		probe.device = arg;
		return 0;
	case ARGP_KEY_END:
		if (!probe.device || !probe.has_to)
			argp_failure(state, 64, 0, "give a device and --to MAC");
		if (probe.rate * probe.ms / 1000 > MOST)
			argp_failure(state, 64, 0, "more than %d frames", MOST);
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return t.tv_sec * NS + t.tv_nsec;
}

static bool sock_open(void)
{
	struct tpacket_req ring = {
		.tp_block_size = RING_FRAME * RING_FRAMES / 16,
		.tp_block_nr = 16,
		.tp_frame_size = RING_FRAME,
		.tp_frame_nr = RING_FRAMES,
	};
	struct sockaddr_ll addr = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETHERTYPE),
		.sll_ifindex = if_nametoindex(probe.device),
	};
	int version = TPACKET_V2, one = 1;

	probe.sock = socket(AF_PACKET, SOCK_RAW, 0);
	if (probe.sock < 0 || !addr.sll_ifindex ||
	    setsockopt(probe.sock, SOL_PACKET, PACKET_VERSION, &version, sizeof(version)) ||
	    setsockopt(probe.sock, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof(one)) ||
	    setsockopt(probe.sock, SOL_PACKET, PACKET_RX_RING, &ring, sizeof(ring)) ||
	    bind(probe.sock, (struct sockaddr *)&addr, sizeof(addr)))
		return false;
	probe.ring = mmap(NULL, RING_FRAME * RING_FRAMES, PROT_READ | PROT_WRITE, MAP_SHARED,
			  probe.sock, 0);
	return probe.ring != MAP_FAILED;
}

static void send_one(struct frame *frame)
{
	frame->number = probe.sent;
	frame->time = now();
	if (send(probe.sock, frame, probe.size, 0) == (ssize_t)probe.size)
		probe.sent++;
	else
		probe.unsent++;
}

static void take(const struct tpacket2_hdr *head)
{
	const struct frame *frame = (const void *)((const uint8_t *)head + head->tp_mac);
	uint64_t came = head->tp_sec * NS + head->tp_nsec;

	if (frame->run != probe.run || frame->number >= probe.sent || probe.seen[frame->number])
		return;
	probe.seen[frame->number] = true;
	probe.taken[probe.received++] = came > frame->time ? came - frame->time : 0;
}

static void receive(void)
{
	for (;;) {
		struct tpacket2_hdr *head = (void *)(probe.ring + probe.next * RING_FRAME);

		if (!(__atomic_load_n(&head->tp_status, __ATOMIC_ACQUIRE) & TP_STATUS_USER))
			return;
		take(head);
		__atomic_store_n(&head->tp_status, TP_STATUS_KERNEL, __ATOMIC_RELEASE);
		probe.next = (probe.next + 1) % RING_FRAMES;
	}
}

/* One that is late is sent as soon as it can be, and the others keep their time. */
static double run(struct frame *frame)
{
	uint64_t most = probe.rate * probe.ms / 1000 ?: 1, begin = now(), end;

	while (probe.sent < most && probe.unsent < most) {
		if (now() >= begin + (double)probe.sent * NS / probe.rate)
			send_one(frame);
		receive();
	}
	end = now();
	while (probe.received < probe.sent && now() < end + GRACE_NS)
		receive();
	return (end - begin) / 1e9;
}

static int ascending(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* The smallest that so many of 1000 do not exceed. */
static unsigned long long percentile(unsigned int thousandths)
{
	if (!probe.received)
		return 0;
	return probe.taken[(probe.received - 1) * thousandths / 1000];
}

int main(int argc, char **argv)
{
	static const struct argp argp = {
		.options = options,
		.parser = on_option,
		.args_doc = "DEVICE --to MAC",
		.doc = "Sends frames, and measures how long they take to come back.",
	};
	struct frame frame = { .eth.h_proto = htons(ETHERTYPE) };
	double seconds;

	argp_parse(&argp, argc, argv, 0, NULL, NULL);
	probe.taken = calloc(probe.rate * probe.ms / 1000 + 1, sizeof(*probe.taken));
	probe.seen = calloc(probe.rate * probe.ms / 1000 + 1, sizeof(*probe.seen));
	if (!probe.taken || !probe.seen || !sock_open()) {
		fprintf(stderr, "probe: can't send out of %s (root is needed): %s\n",
			probe.device, strerror(errno));
		return 1;
	}
	memcpy(frame.eth.h_dest, &probe.to, ETH_ALEN);
	memcpy(frame.eth.h_source, "\x02\0\0\0\0\1", ETH_ALEN);
	probe.run = frame.run = now() ^ getpid();
	seconds = run(&frame);
	qsort(probe.taken, probe.received, sizeof(*probe.taken), ascending);
	printf("{ \"sent\": %llu, \"received\": %llu, \"seconds\": %.6f, \"median_ns\": %llu, "
	       "\"p999_ns\": %llu }\n", (unsigned long long)probe.sent,
	       (unsigned long long)probe.received, seconds, percentile(500), percentile(999));
	return 0;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * generator - sends numbered UDP frames at a rate
 *
 *	uvf run --on fw0 -- generator fw0 --to 02:00:00:00:00:01 --rate 1000 --count 5000
 *
 * The payload begins with the frame's number, from 0, and the time at which it was made, in
 * nanoseconds of CLOCK_MONOTONIC: both of 8 bytes, in network order.
 */
#include <argp.h>
#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <net/ethernet.h>
#include <netinet/ether.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <uvf/libuvf.h>

#define BURST 64
#define NS 1000000000ULL
#define SIZE_MIN 60
#define SIZE_MAX_ 1514
#define END_MS 100

struct packet {
	struct ether_header eth;
	struct iphdr ip;
	struct udphdr udp;
	uint64_t number;
	uint64_t time;
} __attribute__((packed));

static volatile sig_atomic_t stop;

static struct {
	const char *function;
	struct ether_addr to;
	unsigned long size, rate, count; /* rate, count 0: without limit */
	struct packet packet; /* that each frame begins as */
} plan = { .size = SIZE_MIN };

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * NS + t.tv_nsec;
}

static uint16_t checksum(const void *data, size_t n)
{
	uint16_t words[sizeof(struct iphdr) / 2];
	uint32_t sum = 0;

	memcpy(words, data, n);
	for (size_t i = 0; i < n / 2; i++)
		sum += words[i];
	sum = (sum & 0xffff) + (sum >> 16);
	return ~(sum + (sum >> 16));
}

/* From and to the discard port (RFC 863) of documentation addresses (RFC 5737). */
static void packet_make(const uint8_t *mac)
{
	struct packet *packet = &plan.packet;

	memcpy(packet->eth.ether_dhost, &plan.to, ETH_ALEN);
	memcpy(packet->eth.ether_shost, mac, ETH_ALEN);
	packet->eth.ether_type = htons(ETHERTYPE_IP);
	packet->ip = (struct iphdr){ .version = 4, .ihl = 5, .ttl = 64, .protocol = IPPROTO_UDP };
	packet->ip.tot_len = htons(plan.size - sizeof(packet->eth));
	packet->ip.saddr = inet_addr("192.0.2.1");
	packet->ip.daddr = inet_addr("198.51.100.1");
	packet->ip.check = checksum(&packet->ip, sizeof(packet->ip));
	packet->udp.source = packet->udp.dest = htons(9);
	packet->udp.len = htons(plan.size - sizeof(packet->eth) - sizeof(packet->ip));
}

/* Returns how many went out; their numbers follow on @sent. */
static unsigned int send_some(struct uvf *uvf, struct uvf_dev *dev, uint64_t sent, unsigned int n)
{
	struct uvf_frame frames[BURST];
	uint64_t time = now();

	n = uvf__alloc(uvf, frames, n);
	for (unsigned int i = 0; i < n; i++) {
		struct packet *packet = uvf__data(uvf, &frames[i]);

		*packet = plan.packet;
		packet->number = htobe64(sent + i);
		packet->time = htobe64(time);
		memset(packet + 1, 0, plan.size - sizeof(*packet));
		frames[i].len = plan.size;
	}
	sent = uvf_dev__tx(dev, frames, n);
	uvf__free(uvf, frames + sent, n - sent);
	return sent;
}

/* How many are to be sent by now, of a burst at most. */
static unsigned int due(uint64_t sent, uint64_t spent)
{
	uint64_t n = BURST;

	if (plan.rate)
		n = spent * (double)plan.rate / NS + 1 - sent;
	if (plan.count && n > plan.count - sent)
		n = plan.count - sent;
	return n < BURST ? n : BURST;
}

/* Until the next one is due, or there is room for it; hears whether the function is gone. */
static int pause_until(struct uvf *uvf, uint64_t sent, uint64_t begin)
{
	uint64_t next = plan.rate ? begin + sent * (double)NS / plan.rate : 0, time = now();
	struct timespec left = { .tv_nsec = 50000 };
	int err = uvf__wait(uvf, 0);

	if (next > time)
		left.tv_nsec = next - time < NS / 100 ? next - time : NS / 100;
	if (err >= 0)
		nanosleep(&left, NULL);
	return err == -EINTR || err == -EPIPE || err > 0 ? 0 : err;
}

static int loop(struct uvf *uvf, struct uvf_dev *dev, uint64_t *sent)
{
	uint64_t begin = now();
	int err = 0;

	while (!stop && !err && (!plan.count || *sent < plan.count)) {
		unsigned int n = due(*sent, now() - begin);

		if (n)
			n = send_some(uvf, dev, *sent, n);
		*sent += n;
		if (!n)
			err = pause_until(uvf, *sent, begin);
	}
	return err;
}

static int run(void)
{
	struct uvf_dev *dev;
	uint64_t sent = 0;
	struct uvf *uvf;
	int err = uvf__open(&uvf, NULL);

	if (!err)
		err = uvf_dev__open(&dev, uvf, plan.function);
	if (!err) {
		packet_make(uvf_dev__info(dev)->mac);
		fprintf(stderr, "generator: ready\n");
		err = loop(uvf, dev, &sent);
		printf("%llu\n", (unsigned long long)sent);
		/* What still is in the ring when we go is not sent. */
		for (unsigned int i = 0; i < END_MS && !err; i++) {
			uvf_dev__tx(dev, NULL, 0);
			nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
		}
	}
	if (err)
		fprintf(stderr, "generator: %s\n", uvf__why());
	uvf__close(uvf);
	return err ? 1 : 0;
}

static const struct argp_option options[] = {
	{ "to", 't', "MAC", 0, "destination of the frames", 0 },
	{ "size", 's', "BYTES", 0, "of a frame without FCS, 60 to 1514 (default: 60)", 0 },
	{ "rate", 'r', "N", 0, "frames a second (default: as fast as it goes)", 0 },
	{ "count", 'n', "N", 0, "end after so many frames (default: at SIGTERM)", 0 },
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
		if (!ether_aton_r(arg, &plan.to))
			argp_failure(state, 64, 0, "'%s' is not a MAC address", arg);
		return 0;
	case 's':
		plan.size = number(state, arg, SIZE_MIN, SIZE_MAX_);
		return 0;
	case 'r':
		plan.rate = number(state, arg, 1, NS);
		return 0;
	case 'n':
		plan.count = number(state, arg, 1, UINT32_MAX);
		return 0;
	case ARGP_KEY_ARG:
		if (plan.function)
			argp_failure(state, 64, 0, "one function: '%s' is too much", arg);
		plan.function = arg;
		return 0;
	case ARGP_KEY_END:
		if (!plan.function || !memcmp(&plan.to, "\0\0\0\0\0", ETH_ALEN))
			argp_failure(state, 64, 0, "give a function and --to MAC");
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static void on_signal(int signal)
{
	stop = 1;
}

int main(int argc, char **argv)
{
	static const struct argp argp = {
		.options = options,
		.parser = on_option,
		.args_doc = "FUNCTION --to MAC",
		.doc = "Sends numbered UDP frames, and prints how many.",
	};
	struct sigaction action = { .sa_handler = on_signal };

	argp_parse(&argp, argc, argv, 0, NULL, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	return run();
}

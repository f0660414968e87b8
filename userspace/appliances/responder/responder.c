// SPDX-License-Identifier: GPL-2.0-only
/*
 * responder - a host of one address: answers ARP, ICMP echo, and UDP to one port, by echo
 *
 *	uvf run --on fw0 -- responder fw0 --address 10.0.1.7
 *
 * Each answer is the question itself, turned round in its own frame. The Internet checksum is a
 * sum (RFC 1071): it does not change when addresses or ports change places.
 */
#include <argp.h>
#include <arpa/inet.h>
#include <errno.h>
#include <net/ethernet.h>
#include <netinet/if_ether.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <netinet/udp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <uvf/libuvf.h>

#define BURST 64
#define WAIT_MS 1000
#define ECHO_PORT 7 /* RFC 862 */

static volatile sig_atomic_t stop;

static struct {
	const char *function;
	struct in_addr address;
	uint16_t port;
	uint8_t mac[ETH_ALEN];
} self = { .port = ECHO_PORT };

static void swap(void *a, void *b, size_t n)
{
	uint8_t kept[ETH_ALEN];

	memcpy(kept, a, n);
	memcpy(a, b, n);
	memcpy(b, kept, n);
}

/* RFC 826: who has our address? */
static bool answer_arp(struct ether_arp *arp, uint32_t len)
{
	if (len < sizeof(*arp) || arp->arp_op != htons(ARPOP_REQUEST) ||
	    arp->arp_hrd != htons(ARPHRD_ETHER) || arp->arp_pro != htons(ETHERTYPE_IP) ||
	    memcmp(arp->arp_tpa, &self.address, sizeof(self.address)))
		return false;
	arp->arp_op = htons(ARPOP_REPLY);
	memcpy(arp->arp_tha, arp->arp_sha, ETH_ALEN);
	memcpy(arp->arp_sha, self.mac, ETH_ALEN);
	swap(arp->arp_tpa, arp->arp_spa, sizeof(self.address));
	return true;
}

/* RFC 792. The type goes from 8 to 0, so its word's sum by 0x0800 (RFC 1624). */
static bool answer_icmp(struct icmphdr *icmp, uint32_t len)
{
	uint32_t sum;

	if (len < sizeof(*icmp) || icmp->type != ICMP_ECHO || icmp->code)
		return false;
	icmp->type = ICMP_ECHOREPLY;
	sum = ntohs(icmp->checksum) + 0x0800;
	icmp->checksum = htons((sum & 0xffff) + (sum >> 16));
	return true;
}

static bool answer_udp(struct udphdr *udp, uint32_t len)
{
	if (len < sizeof(*udp) || udp->dest != htons(self.port))
		return false;
	swap(&udp->source, &udp->dest, sizeof(udp->dest));
	return true;
}

/* No options, no fragments; RFC 791. */
static bool answer_ip(struct iphdr *ip, uint32_t len)
{
	void *payload = ip + 1;
	bool answered = false;

	if (len < sizeof(*ip) || ip->version != 4 || ip->ihl != 5 || ntohs(ip->tot_len) > len ||
	    ntohs(ip->tot_len) < sizeof(*ip) || ip->frag_off & htons(IP_MF | IP_OFFMASK) ||
	    ip->daddr != self.address.s_addr)
		return false;
	len = ntohs(ip->tot_len) - sizeof(*ip);
	if (ip->protocol == IPPROTO_ICMP)
		answered = answer_icmp(payload, len);
	else if (ip->protocol == IPPROTO_UDP)
		answered = answer_udp(payload, len);
	swap(&ip->saddr, &ip->daddr, sizeof(ip->daddr));
	return answered;
}

/* Whether the frame has become an answer. */
static bool answer(struct ether_header *eth, uint32_t len)
{
	bool answered = false;

	if (len < sizeof(*eth))
		return false;
	if (eth->ether_type == htons(ETHERTYPE_ARP))
		answered = answer_arp((void *)(eth + 1), len - sizeof(*eth));
	else if (eth->ether_type == htons(ETHERTYPE_IP))
		answered = answer_ip((void *)(eth + 1), len - sizeof(*eth));
	memcpy(eth->ether_dhost, eth->ether_shost, ETH_ALEN);
	memcpy(eth->ether_shost, self.mac, ETH_ALEN);
	return answered;
}

static unsigned int turn(struct uvf *uvf, struct uvf_dev *dev)
{
	struct uvf_frame in[BURST], out[BURST];
	unsigned int n = uvf_dev__rx(dev, in, BURST), answers = 0, sent;

	for (unsigned int i = 0; i < n; i++) {
		if (answer(uvf__data(uvf, &in[i]), in[i].len))
			out[answers++] = in[i];
		else
			uvf__free(uvf, &in[i], 1);
	}
	if (!answers)
		return n;
	sent = uvf_dev__tx(dev, out, answers);
	uvf__free(uvf, out + sent, answers - sent);
	return n;
}

static int loop(struct uvf *uvf, struct uvf_dev *dev)
{
	while (!stop) {
		int err = turn(uvf, dev) ? 0 : uvf__wait(uvf, WAIT_MS);

		if (err == -EPIPE)
			fprintf(stderr, "responder: %s\n", uvf__why());
		else if (err < 0 && err != -EINTR)
			return err;
	}
	return 0;
}

static int run(void)
{
	struct uvf_dev *dev;
	struct uvf *uvf;
	int err = uvf__open(&uvf, NULL);

	if (!err)
		err = uvf_dev__open(&dev, uvf, self.function);
	if (!err) {
		memcpy(self.mac, uvf_dev__info(dev)->mac, ETH_ALEN);
		fprintf(stderr, "responder: ready\n");
		err = loop(uvf, dev);
	}
	if (err)
		fprintf(stderr, "responder: %s\n", uvf__why());
	uvf__close(uvf);
	return err ? 1 : 0;
}

static const struct argp_option options[] = {
	{ "address", 'a', "IPV4", 0, "whose host it is", 0 },
	{ "port", 'p', "PORT", 0, "UDP port that it echoes (default: 7)", 0 },
	{ 0 },
};

static error_t on_option(int key, char *arg, struct argp_state *state)
{
	unsigned long port;
	char *end;

	switch (key) {
	case 'a':
		if (inet_pton(AF_INET, arg, &self.address) != 1)
			argp_failure(state, 64, 0, "'%s' is not an IPv4 address", arg);
		return 0;
	case 'p':
		port = strtoul(arg, &end, 10);
		if (*end || end == arg || !port || port > UINT16_MAX)
			argp_failure(state, 64, 0, "'%s' is not a port: 1 to 65535", arg);
		self.port = port;
		return 0;
	case ARGP_KEY_ARG:
		if (self.function)
			argp_failure(state, 64, 0, "one function: '%s' is too much", arg);
		self.function = arg;
		return 0;
	case ARGP_KEY_END:
		if (!self.function || !self.address.s_addr)
			argp_failure(state, 64, 0, "give a function and --address IPV4");
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static void on_signal(int number)
{
	stop = 1;
}

int main(int argc, char **argv)
{
	static const struct argp argp = {
		.options = options,
		.parser = on_option,
		.args_doc = "FUNCTION --address IPV4",
		.doc = "Answers ARP, ICMP echo and UDP echo for one address.",
	};
	struct sigaction action = { .sa_handler = on_signal };

	argp_parse(&argp, argc, argv, 0, NULL, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	return run();
}

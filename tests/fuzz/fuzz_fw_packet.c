// SPDX-License-Identifier: GPL-2.0-only
/*
 * Strangers' frames, in any order and at any time. The input is a run of steps, each
 *
 *	one byte	FLAGS, and in the upper three bits how many seconds pass
 *	two bytes	length of the frame, little-endian
 *	that many	bytes of it
 *
 * After each step: what was sent is sound, no buffer is lost, and the accounts balance.
 */
#include "test_fw.h"

#define RULES                                                                                      \
	"pass on fw0 tcp dst port 80\n"                                                            \
	"block tcp port 81\n"                                                                      \
	"pass icmp\n"                                                                              \
	"pass udp\n"                                                                               \
	"pass ip[6:2] & 0x1fff != 0\n"

static void check_sent(const struct sent *sent)
{
	const struct eth *eth = eth_of(sent->frame.data);
	const struct ip *ip = ip_of(sent->frame.data);

	assert(!memcmp(eth->src, fw->port[sent->port].mac, MAC_SIZE));
	assert(sent->frame.len <= sizeof(*eth) + fw->port[sent->port].mtu);
	if (eth->type == htons(ETH_TYPE_ARP)) {
		assert(sent->frame.len == sizeof(*eth) + sizeof(struct arp));
		return;
	}
	assert(eth->type == htons(ETH_TYPE_IP));
	assert(!(eth->dst[0] & 1));
	assert(ip->version_ihl == 0x45 && ip->ttl);
	assert(ntohs(ip->len) + sizeof(*eth) == sent->frame.len);
	assert(!csum(ip, sizeof(*ip)));
}

enum flags {
	PORT = 1,   /* the frame comes in there */
	DRESS = 2,  /* as an IP packet for us, from the port's neighbour */
	REPAIR = 4, /* length and checksums, which no fuzzer finds by chance */
	EMPTY = 8,  /* no frame is free */
	TICK = 16,
};

static void dress(unsigned int port, uint8_t *data)
{
	struct eth *eth = eth_of(data);

	memcpy(eth->dst, mac_fw[port], MAC_SIZE);
	memcpy(eth->src, port ? mac_server : mac_client, MAC_SIZE);
	eth->type = htons(ETH_TYPE_IP);
	ip_of(data)->version_ihl = 0x45;
	ip_of(data)->src = htonl(port ? SERVER : CLIENT);
}

static void repair(uint8_t *data, uint32_t payload)
{
	struct ip *ip = ip_of(data);
	struct icmp *icmp = payload_of(data);
	struct tcp *tcp = payload_of(data);
	__be16 words[2] = { htons(PROTO_TCP), htons(payload) };
	uint32_t sum = csum_add(csum_add(0, &ip->src, 8), words, 4);

	ip->len = htons(sizeof(*ip) + payload);
	ip->check = 0;
	ip->check = csum(ip, sizeof(*ip));
	if (ip->proto == PROTO_ICMP && payload >= sizeof(*icmp)) {
		icmp->check = 0;
		icmp->check = csum(icmp, payload);
	} else if (ip->proto == PROTO_TCP && payload >= sizeof(*tcp)) {
		tcp->check = 0;
		tcp->check = csum_fold(csum_add(sum, tcp, payload));
	}
}

static void step(uint8_t flags, uint8_t *data, size_t len)
{
	const size_t headers = sizeof(struct eth) + sizeof(struct ip);
	unsigned int port = flags & PORT;

	if ((flags & DRESS) && len >= headers)
		dress(port, data);
	if ((flags & REPAIR) && len >= headers)
		repair(data, len - headers);
	fw->now += (flags >> 5) * 1000;
	forget();
	if (flags & TICK)
		fw_tick(fw);
	for (unsigned int i = 0; i < sents; i++)
		check_sent(&sent[i]);
	no_alloc = flags & EMPTY ? 1 : 0;
	give(port, data, len);
	for (unsigned int i = 0; i < sents; i++)
		check_sent(&sent[i]);
	fw_balance();
}

static void compile_rules(void)
{
	if (config_parse(&config, "fuzz", PORTS RULES, sizeof(PORTS RULES) - 1) ||
	    rules_compile(&config))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t frame[ROOM];

	if (!config.ports)
		compile_rules();
	if (fw_begin())
		abort();
	fw->port[1].mtu = 576;
	while (size >= 3) {
		size_t len = data[1] | data[2] << 8;
		uint8_t flags = data[0];

		data += 3;
		size -= 3;
		if (len > size)
			len = size;
		if (len > ROOM)
			len = ROOM;
		memcpy(frame, data, len);
		step(flags, frame, len);
		data += len;
		size -= len;
	}
	fw_end();
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-only */
/* Packets to feed a firewall with: made valid, to be spoilt by each test as it likes. */
#ifndef TEST_FW_PACKETS_H
#define TEST_FW_PACKETS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "test_fw.h"

struct packet {
	struct eth eth;
	struct ip ip;
	union {
		struct icmp icmp;
		struct tcp tcp;
		uint8_t payload[ROOM - sizeof(struct eth) - sizeof(struct ip)];
	};
	uint32_t len; /* of the frame */
} wire;

static inline void fix_ip(struct packet *packet)
{
	packet->ip.check = 0;
	packet->ip.check = csum(&packet->ip, sizeof(packet->ip));
}

static inline struct packet make_ip(uint32_t src, uint32_t dst, uint8_t proto, uint16_t payload)
{
	struct packet packet = {
		.eth.type = htons(ETH_TYPE_IP),
		.ip = { .version_ihl = 0x45,
			.len = htons(sizeof(struct ip) + payload),
			.id = htons(77),
			.ttl = 60,
			.proto = proto,
			.src = htonl(src),
			.dst = htonl(dst) },
		.len = sizeof(struct eth) + sizeof(struct ip) + payload,
	};

	memcpy(packet.eth.dst, mac_fw[src >> 8 == FW1 >> 8], MAC_SIZE);
	memcpy(packet.eth.src, src >> 8 == FW1 >> 8 ? mac_server : mac_client, MAC_SIZE);
	for (unsigned int i = 0; i < payload; i++)
		packet.payload[i] = i;
	fix_ip(&packet);
	return packet;
}

static inline struct packet make_udp(uint32_t src, uint32_t dst)
{
	return make_ip(src, dst, PROTO_UDP, 20);
}

static inline struct packet make_echo(uint32_t src, uint32_t dst, uint16_t data)
{
	struct packet packet = make_ip(src, dst, PROTO_ICMP, sizeof(struct icmp) + data);

	packet.icmp = (struct icmp){ .type = ICMP_ECHO, .rest = htonl(0x12340001) };
	packet.icmp.check = csum(&packet.icmp, sizeof(struct icmp) + data);
	return packet;
}

static inline uint16_t tcp_check(const struct packet *packet)
{
	uint16_t len = ntohs(packet->ip.len) - sizeof(struct ip);
	__be16 words[2] = { htons(PROTO_TCP), htons(len) };
	uint32_t sum = csum_add(0, &packet->ip.src, 8);

	return csum_fold(csum_add(csum_add(sum, words, 4), packet->payload, len));
}

static inline struct packet make_tcp(uint32_t src, uint32_t dst, uint16_t dport, uint8_t flags,
				     uint16_t data)
{
	struct packet packet = make_ip(src, dst, PROTO_TCP, sizeof(struct tcp) + data);

	packet.tcp = (struct tcp){ .sport = htons(40000),
				   .dport = htons(dport),
				   .seq = htonl(1000),
				   .ack = htonl(5000),
				   .offset = 0x50,
				   .flags = flags };
	packet.tcp.check = tcp_check(&packet);
	return packet;
}

static inline void give_packet(unsigned int port, const struct packet *packet)
{
	give(port, packet, packet->len);
}

static inline struct packet *sent_packet(unsigned int i)
{
	assert_true(i < sents);
	return (struct packet *)sent[i].frame.data;
}

static inline void give_arp(unsigned int port, uint16_t op, uint32_t spa, const uint8_t *sha,
			    uint32_t tpa)
{
	struct {
		struct eth eth;
		struct arp arp;
	} wire frame = {
		.eth.type = htons(ETH_TYPE_ARP),
		.arp = { .hrd = htons(1),
			 .pro = htons(0x0800),
			 .hln = 6,
			 .pln = 4,
			 .op = htons(op),
			 .spa = htonl(spa),
			 .tpa = htonl(tpa) },
	};

	memcpy(frame.eth.dst, op == ARP_REQUEST ? mac_all : mac_fw[port], MAC_SIZE);
	memcpy(frame.eth.src, sha, MAC_SIZE);
	memcpy(frame.arp.sha, sha, MAC_SIZE);
	give(port, &frame, sizeof(frame));
}

/* The neighbours speak first, so that what is forwarded goes out at once. */
static inline void learn_neighbours(void)
{
	give_arp(0, ARP_REQUEST, CLIENT, mac_client, FW0);
	give_arp(0, ARP_REPLY, CLIENT, mac_client, FW0);
	give_arp(1, ARP_REQUEST, SERVER, mac_server, FW1);
	give_arp(1, ARP_REPLY, SERVER, mac_server, FW1);
	give_arp(1, ARP_REQUEST, GATEWAY, mac_server, FW1);
	give_arp(1, ARP_REPLY, GATEWAY, mac_server, FW1);
	forget();
}

static inline void check_ip(unsigned int i, uint32_t src, uint32_t dst, uint8_t proto)
{
	struct packet *packet = sent_packet(i);

	assert_int_equal(sent[i].frame.len, sizeof(struct eth) + ntohs(packet->ip.len));
	assert_int_equal(csum(&packet->ip, sizeof(packet->ip)), 0);
	assert_int_equal(ntohl(packet->ip.src), src);
	assert_int_equal(ntohl(packet->ip.dst), dst);
	assert_int_equal(packet->ip.proto, proto);
}

/* The only frame sent is an ICMP error of this kind, about @about, to its source. */
static inline void check_error(const struct packet *about, uint32_t from, uint8_t type,
			       uint8_t code)
{
	uint32_t size = ntohs(about->ip.len);
	struct packet *packet = sent_packet(0);
	const struct ip *quoted = (struct ip *)(packet->payload + sizeof(struct icmp));

	if (size > 576 - 28)
		size = 576 - 28;
	assert_int_equal(sents, 1);
	check_ip(0, from, ntohl(about->ip.src), PROTO_ICMP);
	assert_int_equal(packet->ip.tos, 0xc0);
	assert_int_equal(packet->icmp.type, type);
	assert_int_equal(packet->icmp.code, code);
	assert_int_equal(sent[0].frame.len, 14 + 28 + size);
	assert_int_equal(csum(&packet->icmp, 8 + size), 0);
	assert_int_equal(quoted->src, about->ip.src);
	assert_int_equal(quoted->dst, about->ip.dst);
	assert_memory_equal(quoted + 1, about->payload, size - sizeof(struct ip));
}

static inline void check_drop(unsigned int port, enum drop why)
{
	for (unsigned int i = 0; i < DROP_COUNT; i++)
		if (fw->port[port].drop[i] != (i == why))
			fail_msg("drop %s: %lu", drop_names[i],
				 (unsigned long)fw->port[port].drop[i]);
	fw->port[port].drop[why] = 0;
	fw->port[port].rx_frames--;
}

/* The packet is dropped for this reason, and nobody is told. */
static inline void check_silence(unsigned int port, const struct packet *packet, enum drop why)
{
	give_packet(port, packet);
	assert_int_equal(sents, 0);
	check_drop(port, why);
}

static inline int pass_all(void **state)
{
	if (fw_up(PORTS "pass all\n"))
		return -1;
	learn_neighbours();
	return 0;
}

static inline int teardown(void **state)
{
	fw_down();
	return 0;
}

#endif /* TEST_FW_PACKETS_H */

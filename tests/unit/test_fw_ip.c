// SPDX-License-Identifier: GPL-2.0-only
/* IPv4 through the firewall and to it: first what is refused, then what is forwarded. */
#include "test_fw_packets.h"

static void every_truncation_is_survived(void **state)
{
	struct packet packet = make_tcp(CLIENT, SERVER, 80, TCP_SYN, 10);

	for (uint32_t len = 0; len < packet.len; len++) {
		give(0, &packet, len);
		assert_int_equal(sents, 0);
	}
	assert_int_equal(fw->port[0].drop[DROP_SHORT], 14 + 20);
	assert_int_equal(fw->port[0].drop[DROP_IP_LENGTH], packet.len - 34);
}

static void ethernet_addresses(void **state)
{
	struct packet packet = make_udp(CLIENT, SERVER);

	packet.eth.dst[5] = 99;
	check_silence(0, &packet, DROP_OTHER_HOST);
	memcpy(packet.eth.dst, mac_all, MAC_SIZE);
	check_silence(0, &packet, DROP_BROADCAST);
	memcpy(packet.eth.dst, mac_fw[0], MAC_SIZE);
	packet.eth.src[0] |= 1;
	check_silence(0, &packet, DROP_SOURCE_MAC);
	memcpy(packet.eth.src, mac_fw[0], MAC_SIZE);
	check_silence(0, &packet, DROP_SOURCE_MAC);
}

static void other_ethertypes(void **state)
{
	static const uint16_t types[] = { 0, 46, 0x8100, 0x86dd, 0xffff };
	struct packet packet = make_udp(CLIENT, SERVER);

	for (unsigned int i = 0; i < 5; i++) {
		packet.eth.type = htons(types[i]);
		check_silence(0, &packet, DROP_ETHERTYPE);
	}
}

static void bad_headers(void **state)
{
	struct packet good = make_udp(CLIENT, SERVER), bad = good;

	bad.ip.version_ihl = 0x65;
	fix_ip(&bad);
	check_silence(0, &bad, DROP_IP_HEADER);
	bad.ip.version_ihl = 0x44;
	fix_ip(&bad);
	check_silence(0, &bad, DROP_IP_HEADER);
	bad = good;
	bad.ip.check ^= 1;
	check_silence(0, &bad, DROP_IP_CHECKSUM);
	bad = good;
	bad.ip.version_ihl = 0x46;
	bad.ip.check = 0;
	bad.ip.check = csum(&bad.ip, 24);
	check_silence(0, &bad, DROP_IP_OPTIONS);
	bad = good;
	bad.ip.version_ihl = 0x4f; /* 60 bytes of header, 40 of packet */
	check_silence(0, &bad, DROP_IP_LENGTH);
}

static void bad_lengths(void **state)
{
	static const uint16_t lengths[] = { 0, 1, 19, 41, 1500, 65535 };
	struct packet bad = make_udp(CLIENT, SERVER); /* 40 bytes */

	for (unsigned int i = 0; i < 6; i++) {
		bad.ip.len = htons(lengths[i]);
		fix_ip(&bad);
		check_silence(0, &bad, DROP_IP_LENGTH);
	}
}

static void sources_that_cannot_be(void **state)
{
	static const uint32_t sources[] = { 0,
					    IP(0, 1, 2, 3),
					    IP(127, 0, 0, 1),
					    IP(224, 0, 0, 1),
					    IP(240, 0, 0, 1),
					    ~0u,
					    FW0,
					    FW1,
					    IP(10, 0, 1, 0),
					    IP(10, 0, 1, 255),
					    IP(10, 0, 2, 255) };

	for (unsigned int i = 0; i < sizeof(sources) / sizeof(*sources); i++) {
		struct packet bad = make_udp(sources[i], SERVER);

		memcpy(bad.eth.dst, mac_fw[0], MAC_SIZE);
		memcpy(bad.eth.src, mac_client, MAC_SIZE);
		check_silence(0, &bad, DROP_SOURCE);
	}
}

static void destinations_that_cannot_be(void **state)
{
	static const struct {
		uint32_t dst;
		enum drop why;
	} bad[] = { { 0, DROP_DESTINATION },
		    { IP(127, 0, 0, 1), DROP_DESTINATION },
		    { IP(240, 0, 0, 1), DROP_DESTINATION },
		    { IP(169, 254, 1, 1), DROP_DESTINATION },
		    { IP(224, 0, 0, 5), DROP_BROADCAST },
		    { ~0u, DROP_BROADCAST },
		    { IP(10, 0, 1, 255), DROP_BROADCAST },
		    { IP(10, 0, 2, 255), DROP_BROADCAST },
		    { IP(10, 0, 2, 0), DROP_BROADCAST } };

	for (unsigned int i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct packet packet = make_udp(CLIENT, bad[i].dst);

		check_silence(0, &packet, bad[i].why);
	}
}

static void spoofed_sources(void **state)
{
	struct packet inside = make_udp(SERVER, CLIENT), world = make_udp(ELSEWHERE, SERVER);

	memcpy(inside.eth.dst, mac_fw[0], MAC_SIZE);
	check_silence(0, &inside, DROP_SPOOFED);
	check_silence(0, &world, DROP_SPOOFED); /* the default route leads elsewhere */
	config.trust_sources = true;
	give_packet(0, &world);
	assert_int_equal(sents, 1);
	assert_int_equal(fw->port[0].forwarded, 1);
}

static void fragments_that_hide_a_header(void **state)
{
	struct packet tcp = make_ip(CLIENT, SERVER, PROTO_TCP, 16);
	struct packet udp = make_udp(CLIENT, SERVER);

	tcp.ip.off = htons(IP_MF); /* ports, but not the flags */
	fix_ip(&tcp);
	check_silence(0, &tcp, DROP_FRAGMENT);
	tcp.ip.off = htons(1); /* would write over the flags */
	fix_ip(&tcp);
	check_silence(0, &tcp, DROP_FRAGMENT);
	tcp.ip.off = htons(2);
	fix_ip(&tcp);
	check_silence(0, &tcp, DROP_FRAGMENT);
	udp.ip.off = htons(8189); /* ends at 65532, plus a header */
	fix_ip(&udp);
	check_silence(0, &udp, DROP_FRAGMENT);
	udp.ip.off = htons(IP_MF | 3); /* 20 bytes are no multiple of eight */
	fix_ip(&udp);
	check_silence(0, &udp, DROP_FRAGMENT);
}

static void forwarded_frame(void **state)
{
	struct packet in = make_tcp(CLIENT, SERVER, 80, TCP_SYN, 100), *out;

	give_packet(0, &in);
	assert_int_equal(sents, 1);
	assert_int_equal(sent[0].port, 1);
	out = sent_packet(0);
	check_ip(0, CLIENT, SERVER, PROTO_TCP);
	assert_int_equal(out->ip.ttl, in.ip.ttl - 1);
	assert_memory_equal(out->eth.dst, mac_server, MAC_SIZE);
	assert_memory_equal(out->eth.src, mac_fw[1], MAC_SIZE);
	assert_memory_equal(out->payload, in.payload, 120);
	assert_int_equal(fw->port[0].forwarded, 1);
}

static void any_ttl_keeps_the_checksum(void **state)
{
	for (unsigned int ttl = 2; ttl < 256; ttl++) {
		struct packet packet = make_udp(CLIENT, SERVER);

		packet.ip.ttl = ttl;
		packet.ip.id = htons(ttl * 257);
		fix_ip(&packet);
		give_packet(0, &packet);
		check_ip(0, CLIENT, SERVER, PROTO_UDP);
		assert_int_equal(sent_packet(0)->ip.ttl, ttl - 1);
	}
}

static void ethernet_padding_is_cut(void **state)
{
	struct packet packet = make_ip(CLIENT, SERVER, PROTO_UDP, 8);

	packet.len = 60;
	give_packet(0, &packet);
	assert_int_equal(sent[0].frame.len, 14 + 28);
}

static void ttl_runs_out(void **state)
{
	for (unsigned int ttl = 0; ttl < 2; ttl++) {
		struct packet packet = make_ip(CLIENT, SERVER, PROTO_UDP, 1400);

		packet.ip.ttl = ttl;
		fix_ip(&packet);
		give_packet(0, &packet);
		assert_int_equal(sent[0].port, 0);
		check_error(&packet, FW0, ICMP_TIME_EXCEEDED, 0);
		assert_memory_equal(sent_packet(0)->eth.dst, mac_client, MAC_SIZE);
		check_drop(0, DROP_TTL);
	}
}

static void no_route(void **state)
{
	struct packet packet = make_udp(CLIENT, ELSEWHERE);

	fw_down();
	assert_int_equal(fw_up("port fw0 10.0.1.1/24\nport fw1 10.0.2.1/24\npass all"), 0);
	learn_neighbours();
	give_packet(0, &packet);
	check_error(&packet, FW0, ICMP_UNREACHABLE, UNREACHABLE_NET);
	check_drop(0, DROP_NO_ROUTE);
}

static void default_route_goes_by_the_gateway(void **state)
{
	struct packet packet = make_udp(CLIENT, ELSEWHERE);

	fw->now += 1;
	give_packet(0, &packet);
	assert_int_equal(sent[0].port, 1);
	check_ip(0, CLIENT, ELSEWHERE, PROTO_UDP);
}

static void errors_about_some_packets_are_forbidden(void **state)
{
	static const uint8_t errors[] = { 3, 4, 5, 11, 12 };
	struct packet packet;

	for (unsigned int i = 0; i < sizeof(errors); i++) {
		packet = make_echo(CLIENT, SERVER, 40);
		packet.icmp.type = errors[i];
		packet.ip.ttl = 1;
		fix_ip(&packet);
		check_silence(0, &packet, DROP_TTL);
	}
	packet = make_ip(CLIENT, SERVER, PROTO_ICMP, 0); /* not even a type */
	packet.ip.ttl = 1;
	fix_ip(&packet);
	check_silence(0, &packet, DROP_TTL);
	packet = make_udp(CLIENT, SERVER);
	packet.ip.ttl = 1;
	packet.ip.off = htons(5);
	fix_ip(&packet);
	check_silence(0, &packet, DROP_TTL);
}

static void errors_are_limited(void **state)
{
	struct packet packet = make_udp(CLIENT, SERVER);
	unsigned int answers = 0;

	packet.ip.ttl = 1;
	fix_ip(&packet);
	for (unsigned int i = 0; i < 1000; i++) {
		give_packet(0, &packet);
		answers += sents;
	}
	assert_int_equal(answers, 200);
	assert_int_equal(fw->port[0].unanswered, 800);
	fw->now += 10;
	for (unsigned int i = 0; i < 1000; i++) {
		give_packet(0, &packet);
		answers += sents;
	}
	assert_int_equal(answers, 210);
}

static void too_big_and_may_not_be_cut(void **state)
{
	struct packet packet = make_ip(CLIENT, SERVER, PROTO_UDP, 1480);

	fw->port[1].mtu = 1400;
	packet.ip.off = htons(IP_DF);
	fix_ip(&packet);
	give_packet(0, &packet);
	check_error(&packet, FW0, ICMP_UNREACHABLE, UNREACHABLE_FRAG_NEEDED);
	assert_int_equal(ntohl(sent_packet(0)->icmp.rest), 1400);
	check_drop(0, DROP_TOO_BIG);
}

/* What is sent, put together again, is @packet's payload from @off on. */
static void check_fragments(const struct packet *packet, uint16_t mtu, uint16_t off, bool more)
{
	uint32_t payload = ntohs(packet->ip.len) - sizeof(struct ip), at = 0;

	for (unsigned int i = 0; i < sents; i++) {
		struct packet *piece = sent_packet(i);
		uint32_t len = ntohs(piece->ip.len) - sizeof(struct ip);
		bool last = at + len == payload;

		check_ip(i, CLIENT, SERVER, PROTO_UDP);
		assert_true(len + sizeof(struct ip) <= mtu && at + len <= payload);
		assert_int_equal(ntohs(piece->ip.off),
				 (off + at / 8) | (!last || more ? IP_MF : 0));
		assert_int_equal(piece->ip.id, packet->ip.id);
		assert_memory_equal(piece->payload, packet->payload + at, len);
		at += len;
	}
	assert_int_equal(at, payload);
}

static void too_big_and_is_cut(void **state)
{
	static const uint16_t mtus[] = { 1499, 1400, 756, 576, 100 };

	for (unsigned int i = 0; i < 5; i++) {
		struct packet packet = make_ip(CLIENT, SERVER, PROTO_UDP, 1480);

		fw->port[1].mtu = mtus[i];
		give_packet(0, &packet);
		assert_true(sents > 1);
		check_fragments(&packet, mtus[i], 0, false);
		packet.ip.off = htons(IP_MF | 185); /* a fragment itself */
		fix_ip(&packet);
		give_packet(0, &packet);
		check_fragments(&packet, mtus[i], 185, true);
	}
	assert_int_equal(fw->port[0].forwarded, 10);
}

static void no_frame_for_a_fragment(void **state)
{
	struct packet packet = make_ip(CLIENT, SERVER, PROTO_UDP, 1480);

	fw->port[1].mtu = 576;
	no_alloc = 2;
	check_silence(0, &packet, DROP_NO_FRAME);
	fw->port[1].mtu = IP_MIN_MTU;			   /* 31 pieces */
	packet = make_ip(CLIENT, SERVER, PROTO_UDP, 1800); /* 38 pieces */
	check_silence(0, &packet, DROP_NO_FRAME);
}

static void echo_is_answered(void **state)
{
	static const uint32_t own[] = { FW0, FW1 };

	for (unsigned int i = 0; i < 2; i++) {
		struct packet packet = make_echo(CLIENT, own[i], 56 + i), *out;

		packet.ip.tos = 0x10;
		fix_ip(&packet);
		give_packet(0, &packet);
		assert_int_equal(sents, 1);
		assert_int_equal(sent[0].port, 0);
		out = sent_packet(0);
		check_ip(0, own[i], CLIENT, PROTO_ICMP);
		assert_int_equal(out->icmp.type, ICMP_ECHO_REPLY);
		assert_int_equal(out->ip.tos, 0x10);
		assert_int_equal(out->ip.ttl, 64);
		assert_int_equal(out->icmp.rest, packet.icmp.rest);
		assert_int_equal(csum(&out->icmp, 64 + i), 0);
		assert_memory_equal(out->payload + 8, packet.payload + 8, 56 + i);
	}
	assert_int_equal(fw->port[0].echo_replies, 2);
}

static void bad_icmp_to_us(void **state)
{
	struct packet packet = make_echo(CLIENT, FW0, 56);

	packet.icmp.check ^= 1;
	check_silence(0, &packet, DROP_LOCAL);
	packet = make_ip(CLIENT, FW0, PROTO_ICMP, 7);
	check_silence(0, &packet, DROP_LOCAL);
	packet = make_ip(CLIENT, FW0, PROTO_ICMP, 0);
	check_silence(0, &packet, DROP_LOCAL);
	packet = make_echo(CLIENT, FW0, 56);
	packet.ip.off = htons(IP_MF);
	fix_ip(&packet);
	check_silence(0, &packet, DROP_LOCAL);
}

static void nothing_else_is_for_us(void **state)
{
	struct packet udp = make_udp(CLIENT, FW1), other = make_ip(CLIENT, FW0, 47, 20);
	struct packet tcp = make_tcp(CLIENT, FW0, 22, TCP_SYN, 0);

	give_packet(0, &udp);
	check_error(&udp, FW0, ICMP_UNREACHABLE, UNREACHABLE_PORT);
	check_drop(0, DROP_LOCAL);
	give_packet(0, &other);
	check_error(&other, FW0, ICMP_UNREACHABLE, UNREACHABLE_PROTOCOL);
	check_drop(0, DROP_LOCAL);
	give_packet(0, &tcp);
	check_ip(0, FW0, CLIENT, PROTO_TCP);
	assert_int_equal(sent_packet(0)->tcp.flags, TCP_RST | TCP_ACK);
	check_drop(0, DROP_LOCAL);
}

#define test(name) cmocka_unit_test_setup_teardown(name, pass_all, teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		test(every_truncation_is_survived),
		test(ethernet_addresses),
		test(other_ethertypes),
		test(bad_headers),
		test(bad_lengths),
		test(sources_that_cannot_be),
		test(destinations_that_cannot_be),
		test(spoofed_sources),
		test(fragments_that_hide_a_header),
		test(errors_about_some_packets_are_forbidden),
		test(errors_are_limited),
		test(bad_icmp_to_us),
		test(nothing_else_is_for_us),
		test(no_frame_for_a_fragment),
		test(too_big_and_may_not_be_cut),
		test(ttl_runs_out),
		test(no_route),
		test(forwarded_frame),
		test(any_ttl_keeps_the_checksum),
		test(ethernet_padding_is_cut),
		test(default_route_goes_by_the_gateway),
		test(too_big_and_is_cut),
		test(echo_is_answered),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("firewall ip", tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0-only
/* Rules, how a block is told, and the accounts of it. */
#include <json-c/json.h>

#include "test_fw_packets.h"

static void up(const char *rules)
{
	char text[4096];

	snprintf(text, sizeof(text), "%s%s", PORTS, rules);
	if (fw_up(text))
		fail_msg("%s", config.error);
	learn_neighbours();
}

static bool passes(unsigned int port, struct packet packet)
{
	uint64_t before = fw->port[port].forwarded;

	give_packet(port, &packet);
	return fw->port[port].forwarded > before;
}

static void nothing_passes_by_default(void **state)
{
	up("");
	assert_false(passes(0, make_tcp(CLIENT, SERVER, 80, TCP_SYN, 0)));
	assert_false(passes(0, make_udp(CLIENT, SERVER)));
	assert_false(passes(1, make_echo(SERVER, CLIENT, 8)));
	assert_false(passes(0, make_echo(CLIENT, FW0, 8)));
	assert_int_equal(fw->port[0].echo_replies, 0);
	assert_int_equal(fw->hits[0].packets, 4);
	fw_down();
}

static void first_match_wins(void **state)
{
	up("block tcp dst port 22\npass tcp\nblock all\npass udp\n");
	assert_false(passes(0, make_tcp(CLIENT, SERVER, 22, TCP_SYN, 0)));
	assert_true(passes(0, make_tcp(CLIENT, SERVER, 80, TCP_SYN, 0)));
	assert_false(passes(0, make_udp(CLIENT, SERVER)));
	assert_int_equal(fw->hits[0].packets, 1);
	assert_int_equal(fw->hits[1].packets, 1);
	assert_int_equal(fw->hits[1].bytes, 54);
	assert_int_equal(fw->hits[2].packets, 1);
	assert_int_equal(fw->hits[3].packets, 0);
	fw_down();
}

static void on_a_port(void **state)
{
	up("pass on fw1 all\npass on fw0 tcp dst port 80\n");
	assert_true(passes(0, make_tcp(CLIENT, SERVER, 80, TCP_SYN, 0)));
	assert_false(passes(0, make_tcp(CLIENT, SERVER, 8081, TCP_SYN, 0)));
	assert_true(passes(1, make_tcp(SERVER, CLIENT, 40000, TCP_ACK, 0)));
	fw_down();
}

/* Without state, a rule on flags keeps the way back from being a way in. */
static void answers_only(void **state)
{
	up("pass on fw0 tcp dst port 80\n"
	   "pass on fw1 tcp and tcp[tcpflags] & (tcp-syn|tcp-ack) != tcp-syn\n");
	assert_true(passes(1, make_tcp(SERVER, CLIENT, 40000, TCP_SYN | TCP_ACK, 0)));
	assert_true(passes(1, make_tcp(SERVER, CLIENT, 40000, TCP_ACK, 100)));
	assert_false(passes(1, make_tcp(SERVER, CLIENT, 40000, TCP_SYN, 0)));
	fw_down();
}

static void blocked_connection_is_refused(void **state)
{
	struct packet syn = make_tcp(CLIENT, SERVER, 8081, TCP_SYN, 0), *out;
	struct packet data = make_tcp(CLIENT, SERVER, 8081, TCP_ACK, 33);

	up("block all\n");
	give_packet(0, &syn);
	assert_int_equal(sents, 1);
	assert_int_equal(sent[0].port, 0);
	out = sent_packet(0);
	check_ip(0, SERVER, CLIENT, PROTO_TCP); /* in the server's name */
	assert_int_equal(sent[0].frame.len, 54);
	assert_int_equal(out->tcp.flags, TCP_RST | TCP_ACK);
	assert_int_equal(ntohl(out->tcp.ack), 1001);
	assert_int_equal(ntohl(out->tcp.seq), 0);
	assert_int_equal(ntohs(out->tcp.sport), 8081);
	assert_int_equal(ntohs(out->tcp.dport), 40000);
	assert_int_equal(tcp_check(out), 0);

	give_packet(0, &data);
	out = sent_packet(0);
	assert_int_equal(out->tcp.flags, TCP_RST);
	assert_int_equal(ntohl(out->tcp.seq), 5000);
	assert_int_equal(tcp_check(out), 0);
	assert_int_equal(fw->port[0].tcp_resets, 2);
	assert_int_equal(fw->port[0].drop[DROP_BLOCKED], 2);
	fw_down();
}

static void some_segments_get_no_reset(void **state)
{
	struct packet packet = make_tcp(CLIENT, SERVER, 8081, TCP_RST, 0);

	up("block all\n");
	check_silence(0, &packet, DROP_BLOCKED);
	packet = make_tcp(CLIENT, SERVER, 8081, TCP_SYN, 0);
	packet.tcp.check ^= 1;
	check_silence(0, &packet, DROP_BLOCKED);
	packet = make_tcp(CLIENT, SERVER, 8081, TCP_SYN, 0);
	packet.tcp.offset = 0x40;
	check_silence(0, &packet, DROP_BLOCKED);
	packet.tcp.offset = 0xf0; /* 60 bytes of header in 20 */
	packet.tcp.check = 0;
	packet.tcp.check = tcp_check(&packet);
	check_silence(0, &packet, DROP_BLOCKED);
	for (uint16_t len = 0; len < sizeof(struct tcp); len++) {
		packet = make_ip(CLIENT, SERVER, PROTO_TCP, len);
		check_silence(0, &packet, DROP_BLOCKED);
	}
	fw_down();
}

static void other_blocked_packets_are_prohibited(void **state)
{
	struct packet udp = make_udp(CLIENT, SERVER), echo = make_echo(CLIENT, SERVER, 56);
	struct packet fragment = make_ip(CLIENT, SERVER, PROTO_TCP, 64);

	up("block all\n");
	give_packet(0, &udp);
	check_error(&udp, FW0, ICMP_UNREACHABLE, UNREACHABLE_PROHIBITED);
	give_packet(0, &echo);
	check_error(&echo, FW0, ICMP_UNREACHABLE, UNREACHABLE_PROHIBITED);
	fragment.ip.off = htons(IP_MF); /* the segment's end is not here to be counted */
	fix_ip(&fragment);
	give_packet(0, &fragment);
	check_error(&fragment, FW0, ICMP_UNREACHABLE, UNREACHABLE_PROHIBITED);
	assert_int_equal(fw->port[0].drop[DROP_BLOCKED], 3);
	fw_down();
}

static void block_policy_drop_is_silent(void **state)
{
	struct packet tcp = make_tcp(CLIENT, SERVER, 8081, TCP_SYN, 0);
	struct packet udp = make_udp(CLIENT, SERVER);

	up("block-policy drop\nblock all\n");
	check_silence(0, &tcp, DROP_BLOCKED);
	check_silence(0, &udp, DROP_BLOCKED);
	fw_down();
}

/* The filter sees the packet without Ethernet's padding. */
static void length_is_the_packets(void **state)
{
	struct packet packet = make_ip(CLIENT, SERVER, PROTO_UDP, 8);

	up("pass less 42\n");
	packet.len = 60;
	assert_true(passes(0, packet));
	fw_down();
}

static struct json_object *member(struct json_object *json, const char *key)
{
	struct json_object *value;

	if (!json_object_object_get_ex(json, key, &value))
		fail_msg("no member %s", key);
	return value;
}

static void statistics_are_json(void **state)
{
	struct json_object *json, *port, *rule;
	char *text;

	up("pass on fw0 tcp dst port 80\nblock udp\n");
	passes(0, make_tcp(CLIENT, SERVER, 80, TCP_SYN, 0));
	passes(0, make_udp(CLIENT, SERVER));
	text = stats_json(fw);
	assert_null(strchr(text, '\n'));
	json = json_tokener_parse(text);
	free(text);
	assert_non_null(json);
	port = json_object_array_get_idx(member(json, "ports"), 0);
	assert_string_equal(json_object_get_string(member(port, "name")), "fw0");
	assert_int_equal(json_object_get_int64(member(port, "forwarded")), 1);
	assert_int_equal(json_object_get_int64(member(member(port, "dropped"), "blocked")), 1);
	rule = json_object_array_get_idx(member(json, "rules"), 0);
	assert_int_equal(json_object_get_int64(member(rule, "line")), 4);
	assert_int_equal(json_object_get_int64(member(rule, "packets")), 1);
	assert_string_equal(json_object_get_string(member(rule, "expression")), "tcp dst port 80");
	assert_int_equal(json_object_get_int64(member(member(json, "no_rule"), "packets")), 0);
	json_object_put(json);
	fw_down();
}

/* The file that is shipped does what it says. */
static void sample_file(void **state)
{
	char text[16384];
	FILE *file = fopen("userspace/appliances/firewall/firewall.conf", "r");

	if (!file)
		skip();
	text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
	fclose(file);
	if (fw_up(text))
		fail_msg("%s", config.error);
	learn_neighbours();
	assert_true(passes(0, make_tcp(CLIENT, SERVER, 80, TCP_SYN, 0)));
	assert_true(passes(0, make_tcp(CLIENT, SERVER, 5201, TCP_SYN, 0)));
	assert_true(passes(0, make_echo(CLIENT, SERVER, 56)));
	assert_false(passes(0, make_tcp(CLIENT, SERVER, 8081, TCP_SYN, 0)));
	assert_false(passes(1, make_tcp(SERVER, CLIENT, 22, TCP_SYN, 0)));
	fw_down();
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_passes_by_default),
		cmocka_unit_test(some_segments_get_no_reset),
		cmocka_unit_test(block_policy_drop_is_silent),
		cmocka_unit_test(blocked_connection_is_refused),
		cmocka_unit_test(other_blocked_packets_are_prohibited),
		cmocka_unit_test(first_match_wins),
		cmocka_unit_test(on_a_port),
		cmocka_unit_test(answers_only),
		cmocka_unit_test(length_is_the_packets),
		cmocka_unit_test(statistics_are_json),
		cmocka_unit_test(sample_file),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("firewall rules", tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0-only
/* ARP and the neighbour cache: lies first, then the life of an entry. */
#include "test_fw_packets.h"

static const uint8_t mac_other[MAC_SIZE] = { 2, 9, 9, 9, 9, 9 };

static int nobody_known(void **state)
{
	return fw_up(PORTS "pass all\n");
}

static const struct arp *sent_arp(unsigned int i)
{
	assert_true(i < sents);
	assert_int_equal(sent[i].frame.len, 14 + 28);
	assert_int_equal(eth_of(sent[i].frame.data)->type, htons(ETH_TYPE_ARP));
	return (struct arp *)(sent[i].frame.data + 14);
}

static void seconds(unsigned int n)
{
	while (n--) {
		fw->now += 1000;
		fw_tick(fw);
	}
}

static void malformed(void **state)
{
	static const struct {
		unsigned int at;
		uint8_t value;
	} spoil[] = { { 15, 6 }, { 16, 0x86 }, { 18, 8 },    { 19, 16 },
		      { 21, 3 }, { 22, 0xff }, { 22 + 0, 1 } };
	uint8_t good[42];

	give_arp(0, ARP_REQUEST, CLIENT, mac_client, FW0);
	memcpy(good, sent[0].frame.data, 42);
	memcpy(good + 6, mac_client, 6); /* the reply, as the client would send it */
	memcpy(good, mac_all, 6);
	memcpy(good + 22, mac_client, 6);
	good[21] = ARP_REQUEST;
	memcpy(good + 28, (uint8_t[]){ 10, 0, 1, 2 }, 4);
	memcpy(good + 38, (uint8_t[]){ 10, 0, 1, 1 }, 4);
	give(0, good, 42);
	assert_int_equal(sents, 1);
	for (unsigned int i = 0; i < sizeof(spoil) / sizeof(*spoil); i++) {
		uint8_t bad[42];

		memcpy(bad, good, 42);
		bad[spoil[i].at] = spoil[i].value;
		give(0, bad, 42);
		assert_int_equal(sents, 0);
	}
	for (uint32_t len = 14; len < 42; len++) {
		give(0, good, len);
		assert_int_equal(sents, 0);
	}
	assert_int_equal(fw->port[0].drop[DROP_ARP], sizeof(spoil) / sizeof(*spoil));
	assert_int_equal(fw->port[0].drop[DROP_SHORT], 28);
}

static void senders_that_cannot_be(void **state)
{
	static const uint8_t none[MAC_SIZE];
	static const uint32_t senders[] = { SERVER, ~0u, IP(10, 0, 1, 0), IP(10, 0, 1, 255),
					    IP(127, 0, 0, 1) };

	for (unsigned int i = 0; i < 5; i++) {
		give_arp(0, ARP_REQUEST, senders[i], mac_client, FW0);
		assert_int_equal(sents, 0);
		check_drop(0, DROP_ARP);
	}
	give_arp(0, ARP_REQUEST, CLIENT, none, FW0);
	check_drop(0, DROP_ARP);
	give_arp(0, ARP_REQUEST, FW0, mac_other, FW0);
	check_drop(0, DROP_ARP_CONFLICT);
	give_arp(0, ARP_REQUEST, CLIENT, mac_client, FW1); /* not on this link */
	check_drop(0, DROP_ARP);
	give_arp(0, ARP_REQUEST, CLIENT, mac_client, IP(10, 0, 1, 77));
	check_drop(0, DROP_ARP);
}

static void unasked_reply_is_not_believed(void **state)
{
	struct packet packet = make_udp(CLIENT, SERVER);

	give_arp(1, ARP_REPLY, SERVER, mac_other, FW1);
	give_arp(1, ARP_REPLY, SERVER, mac_other, SERVER);
	give_arp(1, ARP_REQUEST, SERVER, mac_other, SERVER);
	give_packet(0, &packet);
	assert_int_equal(sents, 1);
	assert_int_equal(ntohl(sent_arp(0)->tpa), SERVER); /* it is asked after all */
}

static void flood_of_requests_leaves_users_alone(void **state)
{
	struct packet packet = make_udp(CLIENT, IP(20, 0, 0, 2));

	fw_down();
	assert_int_equal(fw_up("port fw0 10.0.1.1/24\nport fw1 20.0.0.1/8\npass all"), 0);
	memcpy(packet.eth.dst, mac_fw[0], MAC_SIZE);
	give_packet(0, &packet);
	give_arp(1, ARP_REPLY, IP(20, 0, 0, 2), mac_server, IP(20, 0, 0, 1));
	seconds(61); /* stale, the state in which it is easiest to lose */
	for (uint32_t i = 0; i < 100000; i++)
		give_arp(1, ARP_REQUEST, IP(20, 1, 0, 1) + i * 3, mac_other, IP(20, 0, 0, 1));
	give_packet(0, &packet);
	assert_int_equal(sents, 2); /* a probe, and the packet */
	assert_memory_equal(sent_packet(1)->eth.dst, mac_server, MAC_SIZE);
}

static void scan_of_silent_hosts_is_bounded(void **state)
{
	fw_down();
	assert_int_equal(fw_up("port fw0 10.0.1.1/24\nport fw1 20.0.0.1/8\npass all"), 0);
	for (uint32_t i = 0; i < 20000; i++) {
		struct packet packet = make_udp(CLIENT, IP(20, 0, 0, 2) + i);

		give_packet(0, &packet);
		give_packet(0, &packet); /* they would hold 400 */
		assert_true(live <= NEIGH_POOL);
		if (i % 1000 == 999)
			fw->now++; /* a million a second */
	}
	fw_balance();
	/* Nor is every packet of the scan a broadcast on the other side. */
	assert_in_range(fw->port[1].arp_requests, 200, 250);
	for (unsigned int i = 0; i < 10; i++) {
		seconds(1);
		forget();
	}
	assert_int_equal(live, 0); /* all refused or dropped in the end */
}

static void request_is_answered(void **state)
{
	const struct arp *arp;

	give_arp(0, ARP_REQUEST, CLIENT, mac_client, FW0);
	assert_int_equal(sents, 1);
	arp = sent_arp(0);
	assert_int_equal(arp->op, htons(ARP_REPLY));
	assert_int_equal(ntohl(arp->spa), FW0);
	assert_int_equal(ntohl(arp->tpa), CLIENT);
	assert_memory_equal(arp->sha, mac_fw[0], MAC_SIZE);
	assert_memory_equal(arp->tha, mac_client, MAC_SIZE);
	assert_memory_equal(eth_of(sent[0].frame.data)->dst, mac_client, MAC_SIZE);
	give_arp(0, ARP_REQUEST, 0, mac_other, FW0); /* a probe: RFC 5227 */
	assert_int_equal(sents, 1);
	assert_int_equal(sent_arp(0)->op, htons(ARP_REPLY));
}

static void who_asked_needs_not_be_asked(void **state)
{
	struct packet packet = make_udp(SERVER, CLIENT);

	give_arp(0, ARP_REQUEST, CLIENT, mac_client, FW0);
	give_packet(1, &packet);
	assert_int_equal(sents, 2); /* a probe, for it may have lied, and the packet */
	assert_memory_equal(eth_of(sent[0].frame.data)->dst, mac_client, MAC_SIZE);
	assert_int_equal(sent_arp(0)->op, htons(ARP_REQUEST));
	assert_memory_equal(sent_packet(1)->eth.dst, mac_client, MAC_SIZE);
}

static void packets_wait_in_order(void **state)
{
	struct packet packet = make_udp(CLIENT, SERVER);

	for (unsigned int i = 0; i < NEIGH_HOLD + 2; i++) {
		packet.ip.id = htons(i);
		fix_ip(&packet);
		give_packet(0, &packet);
		assert_int_equal(sents, !i);
	}
	assert_int_equal(fw->port[0].drop[DROP_HOLD_FULL], 2);
	give_arp(1, ARP_REPLY, SERVER, mac_server, FW1);
	assert_int_equal(sents, NEIGH_HOLD);
	for (unsigned int i = 0; i < NEIGH_HOLD; i++)
		assert_int_equal(ntohs(sent_packet(i)->ip.id), i + 2);
	assert_int_equal(live, 0);
}

static void silence_becomes_host_unreachable(void **state)
{
	struct packet packet = make_udp(CLIENT, SERVER);

	give_arp(0, ARP_REQUEST, CLIENT, mac_client, FW0);
	give_packet(0, &packet);
	forget();
	seconds(2);
	assert_int_equal(sents, 2); /* with the first one, three requests */
	forget();
	seconds(1);
	assert_int_equal(sents, 2); /* a probe to the client, and the error */
	free(sent[0].frame.data);
	sent[0] = sent[--sents];
	check_error(&packet, FW0, ICMP_UNREACHABLE, UNREACHABLE_HOST);
	check_drop(0, DROP_UNREACHABLE);
	give_packet(0, &packet); /* at once now */
	check_error(&packet, FW0, ICMP_UNREACHABLE, UNREACHABLE_HOST);
	forget();
	seconds(3);
	forget();
	give_packet(0, &packet); /* and another try */
	assert_int_equal(ntohl(sent_arp(0)->tpa), SERVER);
}

/* Both sides are silent: the error about the one waits for the other, and there it ends. */
static void errors_do_not_breed(void **state)
{
	struct packet packet = make_udp(CLIENT, SERVER);

	give_packet(0, &packet);
	seconds(3);
	assert_int_equal(live, 1);
	seconds(4);
	assert_int_equal(live, 0);
	assert_int_equal(fw->port[0].own_drop, 1);
	assert_int_equal(fw->port[0].icmp_errors, 1);
}

/* Nor is one of our own packets ever the subject of an error. */
static void answers_without_a_taker_are_dropped(void **state)
{
	struct packet packet = make_echo(CLIENT, FW0, 8);

	give_packet(0, &packet);
	assert_int_equal(live, 1);
	seconds(8);
	assert_int_equal(live, 0);
	assert_int_equal(fw->port[0].own_drop, 1);
	assert_int_equal(fw->port[0].icmp_errors + fw->port[0].unanswered, 0);
	assert_int_equal(fw->port[0].arp_requests, NEIGH_TRIES);
}

static void entry_ages_and_is_confirmed(void **state)
{
	struct packet packet = make_udp(CLIENT, SERVER);

	learn_neighbours();
	give_packet(0, &packet);
	assert_int_equal(sents, 1);
	seconds(61);
	assert_int_equal(sents, 1); /* who is not used is not asked */
	give_packet(0, &packet);
	assert_int_equal(sents, 2);
	assert_memory_equal(eth_of(sent[0].frame.data)->dst, mac_server, MAC_SIZE);
	give_packet(0, &packet);
	assert_int_equal(sents, 1);
	give_arp(1, ARP_REPLY, SERVER, mac_server, FW1);
	seconds(30);
	give_packet(0, &packet);
	assert_int_equal(sents, 1);
	forget();
	seconds(700);
	give_packet(0, &packet); /* forgotten: held until it answers */
	assert_int_equal(sents, 1);
	assert_memory_equal(eth_of(sent[0].frame.data)->dst, mac_all, MAC_SIZE);
}

static void new_mac_is_taken_and_confirmed(void **state)
{
	struct packet packet = make_udp(CLIENT, SERVER);

	learn_neighbours();
	give_arp(1, ARP_REQUEST, SERVER, mac_other, SERVER); /* it announces itself */
	give_packet(0, &packet);
	assert_int_equal(sents, 2);
	assert_memory_equal(eth_of(sent[0].frame.data)->dst, mac_other, MAC_SIZE);
	assert_memory_equal(sent_packet(1)->eth.dst, mac_other, MAC_SIZE);
	seconds(1);
	assert_memory_equal(eth_of(sent[2].frame.data)->dst, mac_all, MAC_SIZE);
	give_arp(1, ARP_REPLY, SERVER, mac_server, FW1); /* it was another who lied */
	give_packet(0, &packet);
	assert_int_equal(sents, 1);
	assert_memory_equal(sent_packet(0)->eth.dst, mac_server, MAC_SIZE);
}

static void start_announces_us(void **state)
{
	fw_start(fw);
	assert_int_equal(sents, 2);
	for (unsigned int i = 0; i < 2; i++) {
		assert_int_equal(ntohl(sent_arp(i)->spa), config.port[i].addr);
		assert_int_equal(ntohl(sent_arp(i)->tpa), config.port[i].addr);
		assert_memory_equal(sent_arp(i)->sha, mac_fw[i], MAC_SIZE);
	}
}

static void no_frame_to_ask_with(void **state)
{
	struct packet packet = make_udp(CLIENT, SERVER);

	no_alloc = 1;
	give_packet(0, &packet);
	assert_int_equal(sents, 0);
	seconds(1);
	assert_int_equal(ntohl(sent_arp(0)->tpa), SERVER);
}

#define test(name) cmocka_unit_test_setup_teardown(name, nobody_known, teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		test(malformed),
		test(senders_that_cannot_be),
		test(unasked_reply_is_not_believed),
		test(flood_of_requests_leaves_users_alone),
		test(scan_of_silent_hosts_is_bounded),
		test(errors_do_not_breed),
		test(answers_without_a_taker_are_dropped),
		test(no_frame_to_ask_with),
		test(request_is_answered),
		test(who_asked_needs_not_be_asked),
		test(packets_wait_in_order),
		test(silence_becomes_host_unreachable),
		test(entry_ages_and_is_confirmed),
		test(new_mac_is_taken_and_confirmed),
		test(start_announces_us),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("firewall arp", tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0-only
/* Queues of an uplink: who may have which, and that a card is afterwards as it was before. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "played_card.h"
#include "uvfd.h"
#include "why.h"

/* --- uvfd around direct.c ------------------------------------------------------------------ */

#define FUNCTIONS 2

static char place[64], socket_path[80], ledger_path[80];
static struct uplink uplink = { .ifindex = CARD };
static struct session session = { .frame_size = 2048 };
static struct lease lease[FUNCTIONS];
static struct function function[FUNCTIONS];
static struct uvf_link links[FUNCTIONS], uplink_link = { .ifindex = CARD, .name = "eth1", .mtu = 1500 };
static uint64_t steered; /* queues whose frames go to sockets */
bool verbose;

void say(const char *format, ...)
{
}

bool model_look(const struct function *one, struct uvf_function *now)
{
	*now = (struct uvf_function){ .netdev = links, .port = links, .uplink = &uplink_link };
	return true;
}

struct function *model_get(int key)
{
	for (int i = 0; i < FUNCTIONS; i++)
		if (function[i].key == key)
			return &function[i];
	return NULL;
}

int steer_direct_add(struct steer *steer, uint32_t queue, uint32_t slot, int xsk)
{
	steered |= 1ULL << queue;
	return 0;
}

void steer_direct_remove(struct steer *steer, uint32_t queue)
{
	steered &= ~(1ULL << queue);
}

void steer_settle(struct steer *steer)
{
}

bool steer_is_fast(const struct steer *steer)
{
	return true;
}

bool lease_has_direct(const struct lease *lease)
{
	return lease->sources > lease->queues;
}

bool session_is_parked(const struct session *session)
{
	return session->sock < 0;
}

static uint64_t direct_queues(int i)
{
	struct uvf_reply reply = { 0 };

	direct_describe(&reply, &function[i]);
	return reply.direct_queues;
}

static void function_make(int i)
{
	function[i] = (struct function){ .key = 10 + i, .uplink = &uplink,
					 .mac = { 2, 0, 0, 0, 0, i } };
	snprintf(function[i].name, sizeof(function[i].name), "fw%d", i);
	links[i] = (struct uvf_link){ .vlan = UVF_VLAN_ANY };
}

static int setup(void **state)
{
	strcpy(place, "/tmp/uvf-direct.XXXXXX");
	assert_non_null(mkdtemp(place));
	snprintf(socket_path, sizeof(socket_path), "%s/uvfd.sock", place);
	snprintf(ledger_path, sizeof(ledger_path), "%s/queues.json", place);
	for (int i = 0; i < FUNCTIONS; i++)
		function_make(i);
	steered = 0;
	direct_open(socket_path);
	return 0;
}

static int teardown(void **state)
{
	direct_close();
	unlink(ledger_path);
	return rmdir(place);
}

static int request(int i, uint64_t queues, uint32_t count, uint32_t by)
{
	const struct uvf_request request = {
		.direct = { .queues = queues, .count = count, .by = by },
	};
	const struct uvf_function now = {
		.netdev = &links[i], .port = &links[i], .uplink = &uplink_link,
	};

	return direct_request(&request, &function[i], &now);
}

static void end(int i)
{
	direct_stop(&function[i]);
	function[i].lease = NULL;
}

/* uvfd is killed, and another one starts: appliances that have a lease still have it. */
static void restart(void)
{
	direct_close();
	direct_open(socket_path);
	direct_settle();
}

static unsigned int hashed_to(uint32_t queue)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < CARD_TABLE; i++)
		n += card.table[i] == queue;
	return n;
}

/* An appliance comes, with a socket for each queue. */
static void begin(int i)
{
	lease[i] = (struct lease){ .function = &function[i], .session = &session };
	direct_plan(&lease[i]);
	for (unsigned int n = 0; n < lease[i].sources; n++) {
		assert_int_equal(lease[i].source[n].netdev, CARD);
		if (card.has_table && card.queues > 1)
			assert_int_equal(hashed_to(lease[i].source[n].queue), 0);
		lease[i].source[n].bound = true;
	}
	function[i].lease = &lease[i];
	direct_start(&function[i]);
}

static unsigned int rules(void)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < CARD_RULES; i++)
		n += card.taken[i];
	return n;
}

/* --- who may have which --------------------------------------------------------------------- */

static void picks_the_last_free(void **state)
{
	card_make(4, true, true);
	assert_int_equal(request(0, 0, 1, UVF_DIRECT_AUTO), 0);
	assert_int_equal(direct_queues(0), 1 << 3);
	assert_int_equal(request(1, 0, 2, UVF_DIRECT_AUTO), 0);
	assert_int_equal(direct_queues(1), 1 << 2 | 1 << 1);
	/* Again, by the same: its own count as free. */
	assert_int_equal(request(1, 0, 3, UVF_DIRECT_AUTO), 0);
	assert_int_equal(direct_queues(1), 7);
	assert_int_equal(request(0, 0, 0, 0), 0);
	assert_int_equal(request(0, 0, 0, 0), 0);
	assert_int_equal(direct_queues(0), 0);
}

static void refuses(void **state)
{
	card_make(4, true, false);
	assert_int_equal(request(0, 0, 5, UVF_DIRECT_AUTO), -ENOSPC);
	assert_int_equal(request(0, 1 << 4, 0, UVF_DIRECT_AUTO), -ERANGE);
	assert_non_null(strstr(uvf_why(), "no queue 4: it has 4"));
	assert_int_equal(request(0, 3, 0, UVF_DIRECT_RULE), -EINVAL);
	links[0].vlan = 7;
	assert_int_equal(request(0, 1, 0, UVF_DIRECT_AUTO), -EOPNOTSUPP);
	links[0].vlan = UVF_VLAN_ANY;
	function[0].limits[UVF_TX].rate = 1000;
	assert_int_equal(request(0, 1, 0, UVF_DIRECT_AUTO), -EBUSY);
	function[0].limits[UVF_TX].rate = 0;
	function[0].mirror_to = 11;
	function[0].mirror_flags = UVF_MIRROR_TX;
	assert_int_equal(request(0, 1, 0, UVF_DIRECT_AUTO), -EBUSY);
	function[0].mirror_flags = UVF_MIRROR_RX;
	assert_false(direct_is_leased(&function[0]));
	assert_int_equal(request(0, 1, 0, UVF_DIRECT_AUTO), 0);
	assert_true(direct_is_leased(&function[0]));
	assert_int_equal(request(1, 1, 0, UVF_DIRECT_AUTO), -EBUSY);
	begin(0);
	assert_int_equal(request(0, 2, 0, UVF_DIRECT_AUTO), -EBUSY);
	end(0);
	card.has_table = false;
	assert_int_equal(request(0, 2, 0, UVF_DIRECT_RSS), -EOPNOTSUPP);
	assert_int_equal(direct_queues(0), 1);
}

/* --- what the card is told, and that it forgets ----------------------------------------------- */

static void by_rule(void **state)
{
	struct card before;

	card_make(4, true, true);
	card.taken[CARD_RULES - 1] = card.taken[3] = true; /* an operator's */
	before = card;
	assert_int_equal(request(0, 1 << 2, 0, UVF_DIRECT_AUTO), 0);
	assert_true(card_equal(&card, &before));
	begin(0);
	assert_int_equal(rules(), 3);
	assert_true(card.taken[CARD_RULES - 2]);
	assert_int_equal(card.rule[CARD_RULES - 2].ring_cookie, 2);
	assert_memory_equal(card.rule[CARD_RULES - 2].h_u.ether_spec.h_dest, function[0].mac, 6);
	assert_int_equal(hashed_to(2), 0);
	assert_int_equal(steered, 1 << 2);
	end(0);
	assert_true(card_equal(&card, &before));
	assert_int_equal(steered, 0);
}

static void by_rule_that_was_there(void **state)
{
	struct card before;

	card_make(2, true, true);
	card.special = true;
	request(0, 1 << 1, 0, UVF_DIRECT_RULE);
	begin(0);
	end(0);
	assert_int_equal(rules(), 0);
	begin(0);
	before = card; /* as if an operator had made the rule */
	end(0);
	card.taken[0] = before.taken[0];
	memcpy(card.taken, before.taken, sizeof(card.taken));
	begin(0);
	assert_int_equal(rules(), 1);
	end(0);
	assert_int_equal(rules(), 1);
}

static void by_hash(void **state)
{
	struct card before;

	card_make(4, true, false);
	before = card;
	request(0, 1 << 3, 0, UVF_DIRECT_AUTO);
	request(1, 1 << 1, 0, UVF_DIRECT_AUTO);
	begin(0);
	assert_int_equal(hashed_to(3), CARD_TABLE);
	begin(1);
	assert_int_equal(hashed_to(3), CARD_TABLE / 2);
	assert_int_equal(hashed_to(1), CARD_TABLE / 2);
	end(0);
	assert_int_equal(hashed_to(1), CARD_TABLE);
	end(1);
	assert_true(card_equal(&card, &before));
}

static void as_they_come(void **state)
{
	struct card before;

	card_make(4, false, false);
	before = card;
	request(0, 1, 0, UVF_DIRECT_AUTO);
	begin(0);
	assert_int_equal(steered, 1);
	assert_true(card_equal(&card, &before));
	end(0);
	/* The only queue there is: nothing to tell. */
	card_make(1, true, true);
	request(0, 1, 0, UVF_DIRECT_AUTO);
	begin(0);
	assert_int_equal(rules(), 0);
	assert_false(card.configured);
	end(0);
}

/* A driver that rounds buffers down to KiB must not be given small ones, zero-copy. */
static void small_frames(void **state)
{
	card_make(4, true, true);
	request(0, 1, 0, UVF_DIRECT_AUTO);
	begin(0);
	assert_false(lease[0].source[0].copy);
	end(0);
	card.driver = "igb";
	begin(0);
	assert_true(lease[0].source[0].copy);
	end(0);
	session.frame_size = 4096;
	begin(0);
	assert_false(lease[0].source[0].copy);
	end(0);
	session.frame_size = 2048;
}

static void default_stays_default(void **state)
{
	card_make(4, true, true);
	for (unsigned int i = 0; i < CARD_TABLE; i++)
		card.table[i] = i % 4;
	request(0, 1, 0, UVF_DIRECT_RSS);
	begin(0);
	assert_true(card.configured);
	end(0);
	assert_false(card.configured);
	assert_int_equal(hashed_to(0), CARD_TABLE / 4);
}

static void leaves_what_others_changed(void **state)
{
	card_make(4, true, false);
	request(0, 1, 0, UVF_DIRECT_AUTO);
	begin(0);
	for (unsigned int i = 0; i < CARD_TABLE; i++)
		card.table[i] = 2;
	end(0);
	assert_int_equal(hashed_to(2), CARD_TABLE);
	assert_int_equal(request(0, 0, 0, 0), 0);
	assert_int_not_equal(access(ledger_path, F_OK), 0);
}

static void forgets_a_card_that_went(void **state)
{
	card_make(4, true, true);
	request(0, 2, 0, UVF_DIRECT_AUTO);
	begin(0);
	card_gone = true;
	direct_forget(&function[0]);
	assert_int_equal(direct_queues(0), 0);
	assert_int_not_equal(access(ledger_path, F_OK), 0);
}

/* --- uvfd is killed --------------------------------------------------------------------------- */

static void killed_and_all_goes_on(void **state)
{
	struct card before, during;

	card_make(4, true, true);
	before = card;
	request(0, 1 << 2, 0, UVF_DIRECT_AUTO);
	begin(0);
	during = card;
	steered = 0;
	restart();
	assert_true(card_equal(&card, &during));
	assert_int_equal(steered, 1 << 2);
	end(0);
	assert_true(card_equal(&card, &before));
}

static void killed_and_the_address_changed(void **state)
{
	struct card before;

	card_make(4, true, true);
	before = card;
	request(0, 1 << 2, 0, UVF_DIRECT_AUTO);
	begin(0);
	function[0].mac[4] = 9;
	restart();
	assert_int_equal(rules(), 1);
	assert_memory_equal(card.rule[CARD_RULES - 1].h_u.ether_spec.h_dest, function[0].mac, 6);
	end(0);
	assert_true(card_equal(&card, &before));
}

static void waits_for_a_successor(void **state)
{
	struct card before;

	card_make(4, true, false);
	before = card;
	request(0, 1 << 2, 0, UVF_DIRECT_AUTO);
	begin(0);
	session.sock = -1;
	direct_stop(&function[0]);
	assert_true(card_equal(&card, &before));
	restart();
	assert_true(card_equal(&card, &before));
	session.sock = 0;
	direct_start(&function[0]);
	assert_int_equal(hashed_to(2), CARD_TABLE);
	end(0);
}

static void killed_and_the_appliance_too(void **state)
{
	struct card before;

	card_make(4, true, true);
	before = card;
	request(0, 1 << 2, 0, UVF_DIRECT_AUTO);
	begin(0);
	function[0].lease = NULL;
	restart();
	assert_true(card_equal(&card, &before));
	/* What was reserved is so still. */
	assert_int_equal(direct_queues(0), 1 << 2);
	function[0].key = 99;
	restart();
	assert_int_not_equal(access(ledger_path, F_OK), 0);
}

/* At the n-th change, before it or right behind it: the next uvfd finds what to take back. */
static bool killed_at(int changes, bool after, bool has_rules)
{
	struct card before;
	bool killed;

	for (int i = 0; i < FUNCTIONS; i++)
		function_make(i);
	card_make(4, true, has_rules);
	before = card;
	request(0, 1 << 2, 0, UVF_DIRECT_AUTO);
	request(1, 1 << 3, 0, UVF_DIRECT_AUTO);
	card_changes_left = changes;
	card_after = after;
	killed = setjmp(card_killed);
	if (!killed) {
		begin(0);
		begin(1);
		end(0);
		end(1);
	}
	card_changes_left = -1;
	function[0].lease = function[1].lease = NULL;
	restart();
	assert_true(card_equal(&card, &before));
	assert_int_equal(direct_queues(1), 1 << 3);
	request(0, 0, 0, 0);
	request(1, 0, 0, 0);
	return killed;
}

static void killed_at_any_change(void **state)
{
	for (int way = 0; way < 4; way++) {
		int n = 0;

		while (killed_at(n, way & 1, way & 2))
			n++;
		/* The table four or five times, and the two rules twice. */
		assert_int_equal(n, way & 2 ? 8 : 5);
	}
}

static void file_is_not_ours(void **state)
{
	static const char *const texts[] = {
		"", "{}", "[]", "{\"directs\":[],\"spreads\":[{}]}", "{\"directs\":[7],\"spreads\":[]}",
		"{\"directs\":[{\"key\":1,\"uplink\":1,\"queues\":0}],\"spreads\":[]}",
	};

	for (unsigned int i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		FILE *file = fopen(ledger_path, "w");

		assert_non_null(file);
		fputs(texts[i], file);
		fclose(file);
		card_make(4, true, true);
		restart();
		assert_int_equal(direct_queues(0), 0);
		assert_false(card.configured);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(picks_the_last_free),
		TEST(refuses),
		TEST(by_rule),
		TEST(by_rule_that_was_there),
		TEST(by_hash),
		TEST(as_they_come),
		TEST(small_frames),
		TEST(default_stays_default),
		TEST(leaves_what_others_changed),
		TEST(forgets_a_card_that_went),
		TEST(killed_and_all_goes_on),
		TEST(killed_and_the_address_changed),
		TEST(waits_for_a_successor),
		TEST(killed_and_the_appliance_too),
		TEST(killed_at_any_change),
		TEST(file_is_not_ours),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0-only
/* The table of buffers that are in the kernel's hands: by id, by address, and for a successor. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lent.h"

#define NUM    256
#define ROUNDS 200000

static struct lent_entry entry[NUM];
static struct lent lent;

static int made(void **state)
{
	memset(entry, 0, sizeof(entry));
	return lent_open(&lent, entry, NUM, true);
}

static int left(void **state)
{
	lent_close(&lent);
	return 0;
}

static void add(uint16_t id, uint64_t addr)
{
	lent_add(&lent, id, &(struct lent_entry){ .addr = addr, .descs = 1, .order = id });
}

static void found_by_its_address(void **state)
{
	add(7, 0x1000);
	assert_int_equal(lent_find(&lent, 0x1000), 7);
	assert_int_equal(lent_find(&lent, 0x1001), LENT_NONE);
	assert_true(lent_has(&lent, 7));
	lent_remove(&lent, 7);
	lent_remove(&lent, 7);
	assert_int_equal(lent_find(&lent, 0x1000), LENT_NONE);
	assert_false(lent_has(&lent, 7));
	assert_int_equal(lent.count, 0);
}

/* A guest may send from one buffer many times at once. */
static void of_one_address_the_first(void **state)
{
	for (uint16_t id = 10; id < 20; id++)
		add(id, 0x2000);
	for (uint16_t id = 10; id < 20; id++) {
		assert_int_equal(lent_find(&lent, 0x2000), id);
		lent_remove(&lent, id);
	}
	assert_int_equal(lent_find(&lent, 0x2000), LENT_NONE);
}

/* What is noted is found by who opens the table anew. */
static void there_for_a_successor(void **state)
{
	struct lent other;

	add(3, 0x3000);
	assert_int_equal(lent_open(&other, entry, NUM, true), 0);
	assert_int_equal(lent_find(&other, 0x3000), 3);
	lent_close(&other);
	lent_remove(&lent, 3);
	assert_int_equal(lent_open(&other, entry, NUM, true), 0);
	assert_int_equal(other.count, 0);
	lent_close(&other);
}

/* Of a table that does not find, as of one that does: also when all have one address. */
static void without_addresses(void **state)
{
	struct lent other;

	assert_int_equal(lent_open(&other, entry, NUM, false), 0);
	for (uint16_t id = 0; id < NUM; id++)
		lent_add(&other, id, &(struct lent_entry){ .addr = 0x5000, .descs = 1 });
	assert_int_equal(other.count, NUM);
	lent_close(&other);
	assert_int_equal(lent_open(&other, entry, NUM, false), 0);
	assert_int_equal(other.count, NUM);
	for (uint16_t id = 0; id < NUM; id++) {
		assert_true(lent_has(&other, id));
		lent_remove(&other, id);
		lent_remove(&other, id);
		assert_false(lent_has(&other, id));
	}
	assert_int_equal(other.count, 0);
	lent_close(&other);
}

static void what_can_be_noted(void **state)
{
	assert_true(lent_can(&lent, NUM - 1));
	assert_false(lent_can(&lent, NUM));
	assert_false(lent_can(&lent, UINT16_MAX));
	add(1, 0x4000);
	assert_false(lent_can(&lent, 1));
}

/* Against a plain array; few addresses, so that they meet. */
static void a_long_run(void **state)
{
	unsigned int there = 0;

	for (unsigned int i = 0; i < ROUNDS; i++) {
		uint16_t id = random() % NUM;

		if (lent_has(&lent, id)) {
			lent_remove(&lent, id);
			there--;
		} else {
			add(id, 0x1000 + random() % 100 * 1530);
			there++;
		}
		assert_int_equal(lent.count, there);
		id = random() % NUM;
		if (lent_has(&lent, id)) {
			uint16_t found = lent_find(&lent, entry[id].addr);

			assert_int_equal(entry[found].addr, entry[id].addr);
		}
	}
	while (there--)
		for (uint16_t id = 0; id < NUM; id++)
			if (lent_has(&lent, id))
				lent_remove(&lent, id);
	assert_int_equal(lent.count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(found_by_its_address, made, left),
		cmocka_unit_test_setup_teardown(of_one_address_the_first, made, left),
		cmocka_unit_test_setup_teardown(there_for_a_successor, made, left),
		cmocka_unit_test_setup_teardown(without_addresses, made, left),
		cmocka_unit_test_setup_teardown(what_can_be_noted, made, left),
		cmocka_unit_test_setup_teardown(a_long_run, made, left),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

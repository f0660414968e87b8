// SPDX-License-Identifier: GPL-2.0-only
/* The Internet checksum, against examples of its RFCs and against itself. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "checksum.h"

/* RFC 1071 section 3: the sum of these is ddf2. */
static void rfc1071_example(void **state)
{
	static const uint8_t data[] = { 0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7 };

	assert_int_equal(csum(data, sizeof(data)), htons((uint16_t)~0xddf2));
}

static void odd_length_is_padded_with_zero(void **state)
{
	static const uint8_t odd[] = { 1, 2, 3 }, even[] = { 1, 2, 3, 0 };

	assert_int_equal(csum(odd, sizeof(odd)), csum(even, sizeof(even)));
}

static void correct_data_sums_to_zero(void **state)
{
	uint8_t data[20];
	uint16_t check;

	for (unsigned int i = 0; i < sizeof(data); i++)
		data[i] = i * 37;
	memset(data + 10, 0, 2);
	check = csum(data, sizeof(data));
	memcpy(data + 10, &check, 2);
	assert_int_equal(csum(data, sizeof(data)), 0);
	data[3] ^= 0x10;
	assert_int_not_equal(csum(data, sizeof(data)), 0);
}

/* RFC 1624 section 4: checksum dd2f, a word 5555 becomes 3285; its equation 2 gives ffff. */
static void rfc1624_example(void **state)
{
	assert_int_equal(csum_replace(htons(0xdd2f), htons(0x5555), htons(0x3285)), 0);
}

static void replacing_equals_summing_anew(void **state)
{
	uint16_t data[4], check, from;

	srand(1);
	for (unsigned int i = 0; i < 100000; i++) {
		for (unsigned int k = 0; k < 4; k++)
			data[k] = rand();
		data[3] |= 1; /* an IP header is never all zero, where the two zeros differ */
		check = csum(data, sizeof(data));
		from = data[1];
		data[1] = rand();
		assert_int_equal(csum_replace(check, from, data[1]), csum(data, sizeof(data)));
	}
}

static void longest_packet_does_not_overflow(void **state)
{
	uint8_t *data = malloc(65535);

	memset(data, 0xff, 65535);
	/* 32767 words of ffff, then ff00: together ff00, for ffff is zero */
	assert_int_equal(csum(data, 65535), htons(0x00ff));
	free(data);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc1071_example),
		cmocka_unit_test(odd_length_is_padded_with_zero),
		cmocka_unit_test(correct_data_sums_to_zero),
		cmocka_unit_test(rfc1624_example),
		cmocka_unit_test(replacing_equals_summing_anew),
		cmocka_unit_test(longest_packet_does_not_overflow),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("firewall checksum", tests, NULL, NULL);
}

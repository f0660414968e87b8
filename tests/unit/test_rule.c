// SPDX-License-Identifier: GPL-2.0-only
/* Rules as people write them: what is refused, with which sentence; what is taken, and as what. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "rule.h"
#include "why.h"

static const struct {
	const char *text, *why;
} refused[] = {
	{ "", "cut the host off" },
	{ "prio 5", "cut the host off" },
	{ "action drop", "cut the host off" },
	{ "dest 10.0.0.1", "'dest' is not a word" },
	{ "dst", "'dst' is said, and not what" },
	{ "dst 10.0.0.1 dst 10.0.0.2", "'dst' is said twice" },
	{ "dst 10.0.0", "not an IPv4 or IPv6 prefix" },
	{ "dst 10.0.0.1/", "not an IPv4 or IPv6 prefix" },
	{ "dst 10.0.0.1/33", "not an IPv4 or IPv6 prefix" },
	{ "dst 10.0.0.1/+8", "not an IPv4 or IPv6 prefix" },
	{ "dst ::/129", "not an IPv4 or IPv6 prefix" },
	{ "dst 2001:db8::1/32", "bits beyond its prefix" },
	{ "dst 128.0.0.0/0", "bits beyond its prefix" },
	{ "src 10.0.0.1 dst ::1", "IPv4 and IPv6" },
	{ "proto 0", "not a protocol" },
	{ "proto 256", "not a protocol" },
	{ "proto TCP", "not a protocol" },
	{ "dport 65536", "not a port" },
	{ "dport -1", "not a port" },
	{ "dport 80-", "not a port" },
	{ "dport 80-79", "ends before it begins" },
	{ "dport 80 proto icmp", "has no ports" },
	{ "dport 80 proto 47", "has no ports" },
	{ "vlan 0", "not a VLAN id" },
	{ "vlan 4095", "not a VLAN id" },
	{ "vlan 5 prio 65536", "not a priority" },
	{ "vlan 5 prio 4294967297", "not a priority" },
	{ "vlan 5 action reject", "not an action" },
};

static void refuses(void **state)
{
	struct uvf_rule rule;

	for (unsigned int i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		assert_int_equal(uvf_rule_parse(refused[i].text, &rule), -EINVAL);
		if (!strstr(uvf_why(), refused[i].why))
			fail_msg("'%s' gave: %s", refused[i].text, uvf_why());
	}
}

static void refuses_what_is_long(void **state)
{
	char text[4 * UVF_RULE_TEXT];
	struct uvf_rule rule;

	memset(text, ' ', sizeof(text));
	memcpy(text, "vlan 5", 6);
	text[UVF_RULE_TEXT] = '\0';
	assert_int_equal(uvf_rule_parse(text, &rule), -EINVAL);
	text[UVF_RULE_TEXT - 1] = '\0';
	assert_int_equal(uvf_rule_parse(text, &rule), 0);
}

static const struct {
	const char *text, *canonical;
} taken[] = {
	{ "vlan 5", "prio 100 vlan 5" },
	{ "vlan none", "prio 100 vlan none" },
	{ "dst 10.0.0.1", "prio 100 dst 10.0.0.1/32" },
	{ "dst 2001:DB8::/32 prio 7", "prio 7 dst 2001:db8::/32" },
	{ "src 0.0.0.0/0", "prio 100 dst 0.0.0.0/0" },
	{ "src ::/0 dst 2001:db8::/32", "prio 100 dst 2001:db8::/32" },
	{ "dport 0-65535 vlan 5", "prio 100 vlan 5" },
	{ "  dport\t80-80 ", "prio 100 dport 80" },
	{ "proto 6 sport 1024-65535", "prio 100 proto tcp sport 1024-65535" },
	{ "proto 41 action drop", "prio 100 proto 41 action drop" },
	{ "proto icmp6 action accept", "prio 100 proto icmp6" },
	{ "action pass src 10.0.0.0/8 dst 192.0.2.1 proto udp sport 1 dport 2 vlan 3 prio 65535",
	  "prio 65535 src 10.0.0.0/8 dst 192.0.2.1/32 proto udp sport 1 dport 2 vlan 3 action pass" },
};

static void takes(void **state)
{
	struct uvf_rule rule, again;
	char text[UVF_RULE_TEXT];

	for (unsigned int i = 0; i < sizeof(taken) / sizeof(taken[0]); i++) {
		assert_int_equal(uvf_rule_parse(taken[i].text, &rule), 0);
		assert_string_equal(uvf_rule_text(&rule, text), taken[i].canonical);
		assert_int_equal(uvf_rule_parse(text, &again), 0);
		assert_true(uvf_rule_same(&rule, &again));
	}
	assert_int_equal(uvf_rule_parse("vlan 6", &again), 0);
	assert_false(uvf_rule_same(&rule, &again));
}

static int count_ports(uint16_t value, uint16_t mask, void *arg)
{
	unsigned int *in = arg;

	in[0]++;
	in[1] += (uint16_t)~mask + 1;
	return 0;
}

/* The number of prefixes, and that together they are as many ports as the range. */
static void splits_ports(void **state)
{
	static const struct {
		uint16_t range[2];
		unsigned int prefixes;
	} cases[] = {
		{ { 0, 65535 }, 1 }, { { 80, 80 }, 1 }, { { 1024, 65535 }, 6 },
		{ { 1, 65534 }, 30 }, { { 0, 0 }, 1 }, { { 65535, 65535 }, 1 },
	};

	for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		unsigned int in[2] = { 0 };

		assert_int_equal(uvf_ports_split(cases[i].range, count_ports, in), 0);
		assert_int_equal(in[0], cases[i].prefixes);
		assert_int_equal(in[1], cases[i].range[1] - cases[i].range[0] + 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses),
		cmocka_unit_test(refuses_what_is_long),
		cmocka_unit_test(takes),
		cmocka_unit_test(splits_ports),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

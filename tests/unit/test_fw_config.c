// SPDX-License-Identifier: GPL-2.0-only
/* The rules file: what is refused, with which words, and what comes of a good one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "test_fw.h"

/* Where an error ends in ": ", libpcap's words follow, which are not the same in each release. */
static const struct {
	const char *text, *error;
} bad[] = {
	{ "", "test.conf: no port: add lines such as 'port fw0 10.0.1.1/24'" },
	{ "pass all\n", "test.conf: no port: add lines such as 'port fw0 10.0.1.1/24'" },
	{ "prot fw0 10.0.1.1/24\n",
	  "test.conf:1: unknown keyword 'prot': port, route, pass, block, block-policy or "
	  "source-check" },
	{ "\n# ports\nport\n", "test.conf:3: expected 'port FUNCTION ADDRESS/PREFIX'" },
	{ "port fw0", "test.conf:1: expected 'port FUNCTION ADDRESS/PREFIX'" },
	{ "port fw0 10.0.1.1/24 up", "test.conf:1: expected 'port FUNCTION ADDRESS/PREFIX'" },
	{ "port fw0 10.0.1.1",
	  "test.conf:1: '10.0.1.1' has no prefix length, such as 10.0.1.1/24" },
	{ "port fw0 10.0.1.1/",
	  "test.conf:1: '10.0.1.1/' has no prefix length, such as 10.0.0.1/24" },
	{ "port fw0 10.0.1.1/33", "test.conf:1: '/33' is no prefix length: 0 to 32" },
	{ "port fw0 10.0.1.1/24x", "test.conf:1: '/24x' is no prefix length: 0 to 32" },
	{ "port fw0 10.0.1.1/99999999999999999999999",
	  "test.conf:1: '/99999999999999999999999' is no prefix length: 0 to 32" },
	{ "port fw0 10.0.1/24", "test.conf:1: '10.0.1' is no IPv4 address" },
	{ "port fw0 fe80::1/64", "test.conf:1: '/64' is no prefix length: 0 to 32" },
	{ "port fw0 10.0.1.0/24", "test.conf:1: 10.0.1.0/24 is no address of a host" },
	{ "port fw0 10.0.1.255/24", "test.conf:1: 10.0.1.255/24 is no address of a host" },
	{ "port fw0 127.0.0.1/8", "test.conf:1: 127.0.0.1/8 is no address of a host" },
	{ "port fw0 224.0.0.1/24", "test.conf:1: 224.0.0.1/24 is no address of a host" },
	{ "port fw0 10.0.1.1/0", "test.conf:1: 10.0.1.1/0 is no address of a host" },
	{ "port ../../etc 10.0.1.1/24",
	  "test.conf:1: '../../etc' is no name of a function: 1 to 15 "
	  "letters, digits, '.', '_', '-'" },
	{ "port sixteen-letters- 10.0.1.1/24",
	  "test.conf:1: 'sixteen-letters-' is no name of a function: 1 to 15 letters, digits, '.', "
	  "'_', '-'" },
	{ "port fw0 10.0.1.1/24\nport fw0 10.0.2.1/24",
	  "test.conf:2: port fw0 stands in line 1 already" },
	{ "port fw0 10.0.1.1/24\nport fw1 10.0.1.1/24",
	  "test.conf:2: 10.0.1.1/24 overlaps the network of fw0 in line 1" },
	{ "port fw0 10.0.1.1/24\nport fw1 10.9.9.9/8",
	  "test.conf:2: 10.9.9.9/8 overlaps the network of fw0 in line 1" },
	{ PORTS "route 10.0.0.0/8 10.0.1.2",
	  "test.conf:4: expected 'route NETWORK/PREFIX|default via ADDRESS'" },
	{ PORTS "route 10.0.0.0/8 to 10.0.1.2",
	  "test.conf:4: expected 'route NETWORK/PREFIX|default via ADDRESS'" },
	{ PORTS "route 10.1.2.3/8 via 10.0.1.2",
	  "test.conf:4: 10.1.2.3/8 has bits beyond its prefix: 10.0.0.0/8?" },
	{ PORTS "route 10.8.0.0/16 via 10.0.3.2",
	  "test.conf:4: no port has 10.0.3.2 on its network" },
	{ PORTS "route 10.8.0.0/16 via 10.0.1.1", "test.conf:4: 10.0.1.1 is no gateway on fw0" },
	{ PORTS "route 10.8.0.0/16 via 10.0.1.255",
	  "test.conf:4: 10.0.1.255 is no gateway on fw0" },
	{ PORTS "route 0.0.0.0/0 via 10.0.1.9",
	  "test.conf:4: line 3 has a route to 0.0.0.0/0 already" },
	{ PORTS "route 10.0.1.0/24 via 10.0.2.9",
	  "test.conf:4: line 1 has a route to 10.0.1.0/24 already" },
	{ PORTS "block-policy reject", "test.conf:4: expected 'block-policy return|drop'" },
	{ PORTS "block-policy", "test.conf:4: expected 'block-policy return|drop'" },
	{ PORTS "source-check strict off", "test.conf:4: expected 'source-check strict|off'" },
	{ PORTS "pass", "test.conf:4: expected 'pass [on FUNCTION] EXPRESSION|all'" },
	{ PORTS "pass  # all", "test.conf:4: expected 'pass [on FUNCTION] EXPRESSION|all'" },
	{ PORTS "block on", "test.conf:4: expected 'block [on FUNCTION] EXPRESSION|all'" },
	{ PORTS "block on fw0", "test.conf:4: expected 'block [on FUNCTION] EXPRESSION|all'" },
	{ PORTS "pass on eth7 tcp",
	  "test.conf:4: no port eth7: add a line 'port eth7 ADDRESS/PREFIX'" },
	{ PORTS "pass tcp prot 80", "test.conf:4: bad expression 'tcp prot 80': " },
	{ PORTS "\n\npass tcp port 99999", "test.conf:6: bad expression 'tcp port 99999': " },
	{ PORTS "pass icmp and tcp", "test.conf:4: bad expression 'icmp and tcp': " },
};

static void bad_input_is_named(void **state)
{
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		size_t len = strlen(bad[i].error);

		assert_int_not_equal(fw_up(bad[i].text), 0);
		if (len && bad[i].error[len - 1] == ' ') {
			assert_true(strlen(config.error) > len);
			config.error[len] = '\0';
		}
		assert_string_equal(config.error, bad[i].error);
		config_free(&config);
	}
}

static void nul_bytes_are_refused(void **state)
{
	static const char text[] = PORTS "pass all\0block all";

	assert_int_equal(config_parse(&config, "a", text, sizeof(text)), -1);
	assert_string_equal(config.error, "a: is no text file: it has a NUL byte");
	config_free(&config);
}

static void missing_file_and_directory(void **state)
{
	assert_int_equal(config_load(&config, "/nonexistent/rules.conf"), -1);
	assert_string_equal(config.error,
			    "/nonexistent/rules.conf: cannot read it: No such file or directory");
	config_free(&config);
	assert_int_equal(config_load(&config, "/"), -1);
	assert_string_equal(config.error, "/: cannot read it: Is a directory");
	config_free(&config);
}

static void too_many(void **state)
{
	char *text = calloc(1, 65536), *end = text;

	for (unsigned int i = 0; i <= CONFIG_PORTS; i++)
		end += sprintf(end, "port p%u 10.0.%u.1/24\n", i, i);
	assert_int_equal(config_parse(&config, "a", text, strlen(text)), -1);
	assert_string_equal(config.error, "a:9: more than 8 ports");
	config_free(&config);

	end = text + sprintf(text, PORTS);
	for (unsigned int i = 0; i <= CONFIG_ROUTES; i++)
		end += sprintf(end, "route 11.%u.%u.0/24 via 10.0.1.9\n", i / 256, i % 256);
	assert_int_equal(config_parse(&config, "a", text, strlen(text)), -1);
	assert_string_equal(config.error, "a:259: more than 256 routes");
	config_free(&config);

	end = text + sprintf(text, PORTS);
	for (unsigned int i = 0; i <= CONFIG_RULES; i++)
		end += sprintf(end, "pass tcp\n");
	assert_int_equal(config_parse(&config, "a", text, strlen(text)), -1);
	assert_string_equal(config.error, "a:1028: more than 1024 rules");
	config_free(&config);
	free(text);
}

static void good_file(void **state)
{
	static const char text[] = "  # a comment\r\n"
				   "pass on fw1 tcp port 80 # web\r\n"
				   "route 10.0.0.0/8 via 10.0.1.9\n"
				   "port\tfw0   10.0.1.1/24\n"
				   "\n"
				   "route default via 10.0.2.254\n"
				   "block all\n"
				   "block-policy drop\n"
				   "source-check off\n"
				   "port fw1 10.0.2.1/24";

	assert_int_equal(config_parse(&config, "a", text, strlen(text)), 0);
	assert_int_equal(config.ports, 2);
	assert_int_equal(config_port(&config, "fw1"), 1);
	assert_int_equal(config_port(&config, "fw2"), -1);
	assert_int_equal(config.rules, 2);
	assert_string_equal(config.rule[0].text, "tcp port 80");
	assert_string_equal(config.rule[0].on, "fw1");
	assert_int_equal(config.rule[0].line, 2);
	assert_int_equal(config.rule[1].action, RULE_BLOCK);
	assert_true(config.drop_silently && config.trust_sources);
	config_free(&config);
}

static void longest_prefix_wins(void **state)
{
	static const char text[] = PORTS "route 10.0.0.0/8 via 10.0.1.9\n"
					 "route 10.0.2.128/25 via 10.0.1.8\n"
					 "route 192.0.2.7/32 via 10.0.1.7\n";

	assert_int_equal(config_parse(&config, "a", text, strlen(text)), 0);
	assert_int_equal(config_route(&config, CLIENT)->via, 0);
	assert_int_equal(config_route(&config, SERVER)->port, 1);
	assert_int_equal(config_route(&config, IP(10, 0, 2, 200))->via, IP(10, 0, 1, 8));
	assert_int_equal(config_route(&config, IP(10, 9, 9, 9))->via, IP(10, 0, 1, 9));
	assert_int_equal(config_route(&config, ELSEWHERE)->via, IP(10, 0, 1, 7));
	assert_int_equal(config_route(&config, IP(192, 0, 2, 8))->via, GATEWAY);
	config_free(&config);
}

static void point_to_point_prefixes(void **state)
{
	static const char text[] = "port a 10.0.1.0/31\nport b 10.0.9.9/32\n"
				   "route default via 10.0.1.1\n";

	assert_int_equal(config_parse(&config, "a", text, strlen(text)), 0);
	assert_int_equal(config_route(&config, SERVER)->via, IP(10, 0, 1, 1));
	config_free(&config);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(bad_input_is_named),
		cmocka_unit_test(nul_bytes_are_refused),
		cmocka_unit_test(missing_file_and_directory),
		cmocka_unit_test(too_many),
		cmocka_unit_test(good_file),
		cmocka_unit_test(longest_prefix_wins),
		cmocka_unit_test(point_to_point_prefixes),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("firewall config", tests, NULL, NULL);
}

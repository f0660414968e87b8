// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rules as people write them, any bytes. What is taken must be what its own words say, and its
 * ports must be whole as prefixes: each port of the range in one of them, and no other.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "rule.h"

static unsigned int covered;
static uint32_t expected;

static int each(uint16_t value, uint16_t mask, void *arg)
{
	uint32_t size = (uint16_t)~mask + 1u;

	assert(!(size & (size - 1)) && !(value & (size - 1)));
	assert(value == expected); /* without a gap */
	expected = value + size;
	return ++covered > 30;
}

static void check_ports(const uint16_t *range)
{
	assert(range[0] <= range[1]);
	covered = 0;
	expected = range[0];
	assert(!uvf_ports_split(range, each, NULL));
	assert(expected == range[1] + 1u);
}

static void check(const struct uvf_rule *rule)
{
	char text[UVF_RULE_TEXT], again[UVF_RULE_TEXT];
	struct uvf_rule back;

	uvf_rule_text(rule, text);
	assert(strlen(text) < UVF_RULE_TEXT);
	assert(!uvf_rule_parse(text, &back));
	assert(uvf_rule_same(rule, &back));
	assert(!strcmp(text, uvf_rule_text(&back, again)));
	assert(rule->family == back.family && rule->vlan == back.vlan);
	assert(rule->priority <= UVF_RULE_PRIORITY_MAX && rule->action < UVF_ACTIONS);
	assert(rule->src_bits <= 128 && rule->dst_bits <= 128);
	check_ports(rule->sport);
	check_ports(rule->dport);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct uvf_rule rule;
	char *text = malloc(size + 1);

	memcpy(text, data, size);
	text[size] = '\0';
	if (!uvf_rule_parse(text, &rule))
		check(&rule);
	free(text);
	return 0;
}

// SPDX-License-Identifier: GPL-2.0-only
#include "rule.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "why.h"

static const struct {
	const char *name;
	uint8_t number;
} protos[] = {
	{ "tcp", IPPROTO_TCP }, { "udp", IPPROTO_UDP }, { "icmp", IPPROTO_ICMP },
	{ "icmp6", IPPROTO_ICMPV6 }, { "sctp", IPPROTO_SCTP }, { "udplite", IPPROTO_UDPLITE },
	{ "dccp", IPPROTO_DCCP }, { "gre", IPPROTO_GRE }, { "esp", IPPROTO_ESP },
	{ "ah", IPPROTO_AH },
};

#define PROTOS (sizeof(protos) / sizeof(protos[0]))

static const char *const actions[] = { "accept", "drop", "pass" };

_Static_assert(sizeof(actions) / sizeof(actions[0]) == UVF_ACTIONS, "a word for each action");

static const uint16_t all_ports[] = { 0, 65535 };

const char *uvf_proto_name(uint8_t number)
{
	for (unsigned int i = 0; i < PROTOS; i++)
		if (protos[i].number == number)
			return protos[i].name;
	return NULL;
}

static bool any_port(const uint16_t *range)
{
	return !memcmp(range, all_ports, sizeof(all_ports));
}

/* --- words -------------------------------------------------------------------------------- */

/* Digits alone, where strtoul() would take signs and blanks. */
static bool number(const char *text, unsigned long max, unsigned long *value)
{
	char *end;

	if (!*text || strspn(text, "0123456789") != strlen(text) || strlen(text) > 9)
		return false;
	*value = strtoul(text, &end, 10);
	return *value <= max;
}

static int parse_priority(struct uvf_rule *rule, const char *text)
{
	unsigned long value;

	if (!number(text, UVF_RULE_PRIORITY_MAX, &value))
		return uvf_fail(EINVAL, "'%s' is not a priority: 0 to %d, the highest wins", text,
				UVF_RULE_PRIORITY_MAX);
	rule->priority = value;
	return 0;
}

static int parse_proto(struct uvf_rule *rule, const char *text)
{
	unsigned long value;

	for (unsigned int i = 0; i < PROTOS; i++) {
		if (strcmp(protos[i].name, text))
			continue;
		rule->proto = protos[i].number;
		return 0;
	}
	if (!number(text, 255, &value) || !value)
		return uvf_fail(EINVAL, "'%s' is not a protocol: tcp, udp, icmp, icmp6, sctp, "
					"udplite, dccp, gre, esp, ah or a number from 1 to 255", text);
	rule->proto = value;
	return 0;
}

static int parse_action(struct uvf_rule *rule, const char *text)
{
	for (unsigned int i = 0; i < UVF_ACTIONS; i++) {
		if (strcmp(actions[i], text))
			continue;
		rule->action = i;
		return 0;
	}
	return uvf_fail(EINVAL, "'%s' is not an action: accept, drop or pass", text);
}

static int parse_vlan(struct uvf_rule *rule, const char *text)
{
	unsigned long value;

	if (!strcmp(text, "none")) {
		rule->vlan = UVF_VLAN_NONE;
		return 0;
	}
	if (!number(text, 4094, &value) || !value)
		return uvf_fail(EINVAL, "'%s' is not a VLAN id: 1 to 4094, or none", text);
	rule->vlan = value;
	return 0;
}

static int parse_ports(uint16_t *range, const char *text)
{
	char from[32], *dash;
	unsigned long low, high;

	snprintf(from, sizeof(from), "%s", text);
	dash = strchr(from, '-');
	if (dash)
		*dash++ = '\0';
	if (strlen(text) >= sizeof(from) || !number(from, 65535, &low) ||
	    !number(dash ?: from, 65535, &high))
		return uvf_fail(EINVAL, "'%s' is not a port from 0 to 65535, or a range such as "
					"1024-2047", text);
	if (low > high)
		return uvf_fail(EINVAL, "the range of ports %s ends before it begins", text);
	range[0] = low;
	range[1] = high;
	return 0;
}

static int parse_sport(struct uvf_rule *rule, const char *text)
{
	return parse_ports(rule->sport, text);
}

static int parse_dport(struct uvf_rule *rule, const char *text)
{
	return parse_ports(rule->dport, text);
}

static bool bits_beyond(const uint8_t *address, unsigned int bits, unsigned int all)
{
	for (unsigned int i = bits; i < all; i++)
		if (address[i / 8] & 0x80 >> i % 8)
			return true;
	return false;
}

static int parse_prefix(struct uvf_rule *rule, const char *text, uint8_t *address, uint8_t *bits)
{
	char host[INET6_ADDRSTRLEN + 4], *slash;
	unsigned long length;
	uint8_t family;

	snprintf(host, sizeof(host), "%s", text);
	slash = strchr(host, '/');
	if (slash)
		*slash++ = '\0';
	family = strchr(host, ':') ? 6 : 4;
	length = family == 6 ? 128 : 32;
	if (strlen(text) >= sizeof(host) || (slash && !number(slash, length, &length)) ||
	    inet_pton(family == 6 ? AF_INET6 : AF_INET, host, address) != 1)
		return uvf_fail(EINVAL, "'%s' is not an IPv4 or IPv6 prefix, such as 10.0.0.0/8 or "
					"2001:db8::/32", text);
	if (bits_beyond(address, length, family == 6 ? 128 : 32))
		return uvf_fail(EINVAL, "the address in '%s' has bits beyond its prefix", text);
	if (rule->family && rule->family != family)
		return uvf_fail(EINVAL, "src and dst are of IPv4 and IPv6, which no frame is");
	rule->family = family;
	*bits = length;
	return 0;
}

static int parse_src(struct uvf_rule *rule, const char *text)
{
	return parse_prefix(rule, text, rule->src, &rule->src_bits);
}

static int parse_dst(struct uvf_rule *rule, const char *text)
{
	return parse_prefix(rule, text, rule->dst, &rule->dst_bits);
}

static const struct word {
	const char *name;
	int (*parse)(struct uvf_rule *rule, const char *text);
	bool of_frame; /* says what frames the rule is for */
} words[] = {
	{ "prio", parse_priority, false }, { "src", parse_src, true }, { "dst", parse_dst, true },
	{ "proto", parse_proto, true }, { "sport", parse_sport, true },
	{ "dport", parse_dport, true }, { "vlan", parse_vlan, true },
	{ "action", parse_action, false },
};

#define WORDS (sizeof(words) / sizeof(words[0]))

static const struct word *word_find(const char *name)
{
	for (unsigned int i = 0; i < WORDS; i++)
		if (!strcmp(words[i].name, name))
			return &words[i];
	return NULL;
}

/* --- the rule ----------------------------------------------------------------------------- */

static int check(const struct uvf_rule *rule, bool of_frame)
{
	bool ports = !any_port(rule->sport) || !any_port(rule->dport);

	if (!of_frame)
		return uvf_fail(EINVAL, "a rule for every frame would cut the host off: say src, "
					"dst, proto, sport, dport or vlan");
	if (ports && rule->proto && rule->proto != IPPROTO_TCP && rule->proto != IPPROTO_UDP &&
	    rule->proto != IPPROTO_SCTP && rule->proto != IPPROTO_UDPLITE &&
	    rule->proto != IPPROTO_DCCP)
		return uvf_fail(EINVAL, "the protocol has no ports: tcp, udp, sctp, udplite and dccp "
					"have");
	return 0;
}

static int parse_words(char *text, struct uvf_rule *rule)
{
	char *rest, *name, *value;
	unsigned int seen = 0;
	bool of_frame = false;
	const struct word *word;
	int err;

	for (name = strtok_r(text, " \t", &rest); name; name = strtok_r(NULL, " \t", &rest)) {
		word = word_find(name);
		if (!word)
			return uvf_fail(EINVAL, "'%s' is not a word of a rule: prio, src, dst, proto, "
						"sport, dport, vlan, action", name);
		if (seen & 1u << (word - words))
			return uvf_fail(EINVAL, "'%s' is said twice", name);
		value = strtok_r(NULL, " \t", &rest);
		if (!value)
			return uvf_fail(EINVAL, "'%s' is said, and not what", name);
		err = word->parse(rule, value);
		if (err)
			return err;
		seen |= 1u << (word - words);
		of_frame |= word->of_frame;
	}
	return check(rule, of_frame);
}

int uvf_rule_parse(const char *text, struct uvf_rule *rule)
{
	char copy[UVF_RULE_TEXT];

	*rule = (struct uvf_rule){
		.priority = UVF_RULE_PRIORITY,
		.vlan = UVF_VLAN_ANY,
		.sport = { 0, 65535 },
		.dport = { 0, 65535 },
	};
	if (strlen(text) >= sizeof(copy))
		return uvf_fail(EINVAL, "a rule is %d characters long at most", UVF_RULE_TEXT - 1);
	strcpy(copy, text);
	return parse_words(copy, rule);
}

bool uvf_rule_same(const struct uvf_rule *a, const struct uvf_rule *b)
{
	char text[2][UVF_RULE_TEXT];

	return !strcmp(uvf_rule_text(a, text[0]), uvf_rule_text(b, text[1]));
}

/* --- and back ----------------------------------------------------------------------------- */

static char *say_prefix(char *to, const char *word, const uint8_t *address, uint8_t family,
			uint8_t bits)
{
	char text[INET6_ADDRSTRLEN];

	if (!bits)
		return to;
	inet_ntop(family == 6 ? AF_INET6 : AF_INET, address, text, sizeof(text));
	return to + sprintf(to, " %s %s/%u", word, text, bits);
}

static char *say_ports(char *to, const char *word, const uint16_t *range)
{
	if (any_port(range))
		return to;
	if (range[0] == range[1])
		return to + sprintf(to, " %s %u", word, range[0]);
	return to + sprintf(to, " %s %u-%u", word, range[0], range[1]);
}

static char *say_proto(char *to, uint8_t proto)
{
	const char *name = uvf_proto_name(proto);

	if (!proto)
		return to;
	return to + (name ? sprintf(to, " proto %s", name) : sprintf(to, " proto %u", proto));
}

static char *say_vlan(char *to, uint16_t vlan)
{
	if (vlan == UVF_VLAN_ANY)
		return to;
	return to + (vlan ? sprintf(to, " vlan %u", vlan) : sprintf(to, " vlan none"));
}

char *uvf_rule_text(const struct uvf_rule *rule, char *to)
{
	char *end = to + sprintf(to, "prio %u", rule->priority);

	end = say_prefix(end, "src", rule->src, rule->family, rule->src_bits);
	end = say_prefix(end, "dst", rule->dst, rule->family, rule->dst_bits);
	/* Of the family, whatever its address. */
	if (rule->family && !rule->src_bits && !rule->dst_bits)
		end += sprintf(end, " dst %s", rule->family == 6 ? "::/0" : "0.0.0.0/0");
	end = say_proto(end, rule->proto);
	end = say_ports(end, "sport", rule->sport);
	end = say_ports(end, "dport", rule->dport);
	end = say_vlan(end, rule->vlan);
	if (rule->action != UVF_ACTION_ACCEPT)
		sprintf(end, " action %s", actions[rule->action]);
	return to;
}

/* --- ports -------------------------------------------------------------------------------- */

/* The largest block that begins at @from, is aligned to its size, and ends before @end. */
static uint32_t block_size(uint32_t from, uint32_t end)
{
	uint32_t size = 1;

	while (!(from & (2 * size - 1)) && from + 2 * size <= end && size < 65536)
		size *= 2;
	return size;
}

int uvf_ports_split(const uint16_t *range, int (*each)(uint16_t value, uint16_t mask, void *arg),
		    void *arg)
{
	uint32_t from = range[0], end = range[1] + 1u, size;
	int err = 0;

	for (; !err && from < end; from += size) {
		size = block_size(from, end);
		err = each(from, ~(size - 1), arg);
	}
	return err;
}

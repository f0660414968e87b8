// SPDX-License-Identifier: GPL-2.0-only
/* uvf rule test: which rule takes a frame? The answer comes from the program on the uplink. */
#include "rule_cmd.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <json-c/json.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <netinet/ether.h>
#include <netinet/in.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <string.h>

#include "rule.h"
#include "why.h"

#define ETH_P_EXPERIMENT 0x88b5 /* IEEE 802: for experiments, so nobody's protocol */

struct test {
	const char *uplink, *to, *hex, *pcap;
	bool json;
	int count;
	char *words[RULE_WORDS];
	struct json_object *array; /* of answers, with --pcap and --json */
};

/* --- a frame from words ------------------------------------------------------------------- */

struct frame {
	uint32_t size;
	uint8_t bytes[UVF_PROTO_FRAME];
};

static void put(struct frame *frame, const void *data, size_t size)
{
	memcpy(frame->bytes + frame->size, data, size);
	frame->size += size;
}

static void put16(struct frame *frame, uint16_t value)
{
	uint16_t big = htons(value);

	put(frame, &big, sizeof(big));
}

static void put_ip4(struct frame *frame, const struct uvf_rule *words)
{
	struct iphdr ip = { .version = 4, .ihl = 5, .ttl = 64, .protocol = words->proto };

	ip.tot_len = htons(sizeof(ip) + 8);
	memcpy(&ip.saddr, words->src, sizeof(ip.saddr));
	memcpy(&ip.daddr, words->dst, sizeof(ip.daddr));
	put(frame, &ip, sizeof(ip));
}

static void put_ip6(struct frame *frame, const struct uvf_rule *words)
{
	struct ipv6hdr ip = { .version = 6, .nexthdr = words->proto, .hop_limit = 64 };

	ip.payload_len = htons(8);
	memcpy(&ip.saddr, words->src, sizeof(ip.saddr));
	memcpy(&ip.daddr, words->dst, sizeof(ip.daddr));
	put(frame, &ip, sizeof(ip));
}

/* What is not said is zero. */
static void build(struct frame *frame, const struct ether_addr *to, const struct uvf_rule *words)
{
	static const uint8_t from[ETH_ALEN] = { 2 }, rest[ETH_ZLEN];
	bool ports = words->sport[0] == words->sport[1] || words->dport[0] == words->dport[1];
	bool ip = words->family || words->proto || ports;

	put(frame, to, ETH_ALEN);
	put(frame, from, ETH_ALEN);
	if (words->vlan != UVF_VLAN_ANY && words->vlan) {
		put16(frame, ETH_P_8021Q);
		put16(frame, words->vlan);
	}
	put16(frame, !ip ? ETH_P_EXPERIMENT : words->family == 6 ? ETH_P_IPV6 : ETH_P_IP);
	if (ip && words->family == 6)
		put_ip6(frame, words);
	else if (ip)
		put_ip4(frame, words);
	put16(frame, words->sport[0]);
	put16(frame, words->dport[0]);
	put(frame, rest, sizeof(rest));
}

static int check_one(const uint16_t *range, const char *what)
{
	if (range[0] == range[1] || (!range[0] && range[1] == 65535))
		return 0;
	return uvf_fail(EINVAL, "a frame has one %s, not a range", what);
}

static int parse_words(struct test *test, struct uvf_rule *words)
{
	char text[UVF_PROTO_TEXT];
	int err = rule_words(test->count, test->words, text);

	/* Of a frame nothing need be said but who it is addressed to. */
	*words = (struct uvf_rule){ .vlan = UVF_VLAN_ANY, .sport = { 0, 65535 },
				    .dport = { 0, 65535 } };
	if (!err && test->count)
		err = uvf_rule_parse(text, words);
	if (!err && test->count && (strstr(text, "prio ") || strstr(text, "action ")))
		err = uvf_fail(EINVAL, "a frame has neither prio nor action");
	if (!err)
		err = check_one(words->sport, "sport");
	if (!err)
		err = check_one(words->dport, "dport");
	/* Ports are those of something. */
	if (!words->proto && (words->sport[0] == words->sport[1] ||
			      words->dport[0] == words->dport[1]))
		words->proto = IPPROTO_TCP;
	return err;
}

/* By default the uplink's own address: what takes such a frame is a rule. */
static int destination(const struct test *test, struct ether_addr *to)
{
	const struct uvf_link *link;
	struct facts facts;
	int err;

	if (test->to)
		return ether_aton_r(test->to, to) ? 0 :
			uvf_fail(EINVAL, "'%s' is not a MAC address", test->to);
	err = facts_open(&facts, true);
	if (err)
		return err;
	link = uvf_links_find(&facts.links, test->uplink);
	if (link)
		memcpy(to, link->mac, sizeof(*to));
	else
		err = uvf_fail(ENODEV, "there is no link %s", test->uplink);
	facts_close(&facts);
	return err;
}

static int from_words(struct test *test, struct frame *frame)
{
	struct uvf_rule words;
	struct ether_addr to;
	int err = parse_words(test, &words);

	if (!err)
		err = destination(test, &to);
	if (!err)
		build(frame, &to, &words);
	return err;
}

/* --- a frame from hexadecimal digits ------------------------------------------------------ */

static int nibble(char digit)
{
	return isdigit((unsigned char)digit) ? digit - '0' : tolower(digit) - 'a' + 10;
}

static int from_hex(const char *hex, struct frame *frame)
{
	for (; *hex; hex++) {
		if (strchr(" :\t\n", *hex))
			continue;
		if (!isxdigit((unsigned char)hex[0]) || !isxdigit((unsigned char)hex[1]))
			return uvf_fail(EINVAL, "'%.8s' are not hexadecimal digits, two for each "
						"byte", hex);
		if (frame->size == sizeof(frame->bytes))
			return 0; /* the headers are enough */
		frame->bytes[frame->size++] = nibble(hex[0]) << 4 | nibble(hex[1]);
		hex++;
	}
	return frame->size >= ETH_HLEN ? 0 : uvf_fail(EINVAL, "a frame has 14 bytes at least");
}

/* --- the answer --------------------------------------------------------------------------- */

static const char *const reasons[] = { "host", "all", "address", "rule", "passthru" };
static const char *const actions[] = { "accept", "drop", "pass" };

_Static_assert(sizeof(reasons) / sizeof(reasons[0]) == UVF_REASONS, "a word for each reason");
_Static_assert(sizeof(actions) / sizeof(actions[0]) == UVF_ACTIONS, "a word for each action");

static struct json_object *text_or_null(const char *text)
{
	return *text ? json_object_new_string(text) : NULL;
}

static struct json_object *answer_json(const struct uvf_reply *reply)
{
	struct json_object *object = json_object_new_object();

	json_object_object_add(object, "why", json_object_new_string(reasons[reply->reason]));
	json_object_object_add(object, "action", json_object_new_string(actions[reply->action]));
	json_object_object_add(object, "function", text_or_null(reply->function));
	json_object_object_add(object, "rule", reply->rule ?
			       json_object_new_int64(reply->rule) : NULL);
	json_object_object_add(object, "text", text_or_null(reply->text));
	return object;
}

static void answer_text(const struct uvf_reply *reply)
{
	if (reply->rule)
		printf("rule %u (%s): ", reply->rule, reply->text);
	if (reply->reason == UVF_FOR_HOST)
		printf("%sthe host\n", reply->rule ? "passed to " : "nobody's: ");
	else if (reply->reason == UVF_FOR_ALL)
		printf("broadcast or multicast: the host, and copies to the functions\n");
	else if (reply->action == UVF_ACTION_DROP)
		printf("dropped, for %s\n", reply->function);
	else if (reply->reason == UVF_BY_STATION)
		printf("%s, whose address it is\n", reply->function);
	else if (reply->reason == UVF_BY_PASSTHRU)
		printf("%s, in passthru mode\n", reply->function);
	else
		printf("%s\n", reply->function);
}

static int ask(struct test *test, const struct frame *frame)
{
	struct uvf_request request = { .type = UVF_MSG_EXPLAIN };
	struct uvf_reply reply;
	int err;

	request.frame.size = frame->size;
	memcpy(request.frame.bytes, frame->bytes, frame->size);
	err = rule_call(&request, test->uplink, -1, &reply);
	if (err)
		return err;
	if (reply.reason >= UVF_REASONS || reply.action >= UVF_ACTIONS)
		return uvf_fail(EPROTO, "uvfd knows reasons that this uvf does not");
	if (test->array)
		json_object_array_add(test->array, answer_json(&reply));
	else
		answer_text(&reply);
	return 0;
}

/* --- many frames from a file -------------------------------------------------------------- */

static int ask_each(struct test *test, pcap_t *from)
{
	const u_char *bytes;
	struct pcap_pkthdr *header;
	int err = 0, got = 0;

	while (!err && (got = pcap_next_ex(from, &header, &bytes)) == 1) {
		struct frame frame = { .size = header->caplen };

		if (frame.size > sizeof(frame.bytes))
			frame.size = sizeof(frame.bytes);
		memcpy(frame.bytes, bytes, frame.size);
		err = ask(test, &frame);
	}
	return got == PCAP_ERROR ? uvf_fail(EIO, "%s: %s", test->pcap, pcap_geterr(from)) : err;
}

static int from_pcap(struct test *test)
{
	char why[PCAP_ERRBUF_SIZE];
	pcap_t *from = pcap_open_offline(test->pcap, why);
	int err;

	if (!from)
		return uvf_fail(EIO, "%.200s", why);
	if (pcap_datalink(from) != DLT_EN10MB)
		err = uvf_fail(EINVAL, "%s holds no Ethernet frames", test->pcap);
	else
		err = ask_each(test, from);
	pcap_close(from);
	return err;
}

/* --- the command -------------------------------------------------------------------------- */

static const struct argp_option options[] = {
	{ "to", 't', "MAC", 0, "the frame's destination (default: the uplink's own address)", 0 },
	{ "hex", 'x', "BYTES", 0, "the frame itself, in hexadecimal digits", 0 },
	{ "pcap", 'r', "FILE", 0, "each frame of FILE", 0 },
	{ "json", 'j', NULL, 0, "print JSON", 0 },
	{ 0 },
};

static error_t on_option(int key, char *arg, struct argp_state *state)
{
	struct test *test = state->input;

	switch (key) {
	case 't':
		test->to = arg;
		return 0;
	case 'x':
		test->hex = arg;
		return 0;
	case 'r':
		test->pcap = arg;
		return 0;
	case 'j':
		test->json = true;
		return 0;
	case ARGP_KEY_ARG:
		if (!test->uplink)
			test->uplink = arg;
		else if (test->count == RULE_WORDS)
			argp_failure(state, 64, 0, "'%s' is too much for a frame", arg);
		else
			test->words[test->count++] = arg;
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static int run(struct test *test)
{
	struct frame frame = { 0 };
	int err;

	if (test->pcap)
		return from_pcap(test);
	err = test->hex ? from_hex(test->hex, &frame) : from_words(test, &frame);
	return err ?: ask(test, &frame);
}

int cmd_rule_test(int argc, char **argv)
{
	static const struct argp argp = {
		.options = options,
		.parser = on_option,
		.args_doc = "UPLINK [src ADDRESS] [dst ADDRESS] [proto P] [sport N] [dport N] "
			    "[vlan N]",
		.doc = "Tells which function would get a frame that comes in on UPLINK, and by "
		       "which rule. The program on the uplink itself is asked; nothing is sent or "
		       "counted.",
	};
	struct test test = { 0 };
	int err;

	parse(&argp, argc, argv, &test);
	if (!test.uplink || !!test.hex + !!test.pcap + (test.count > 0) > 1) {
		fprintf(stderr, "uvf rule test: name an uplink, and the frame by words, --hex or "
				"--pcap\n");
		return 64;
	}
	if (test.json)
		test.array = json_object_new_array();
	err = run(&test);
	if (!err && test.json)
		puts(json_object_to_json_string_ext(test.pcap ? test.array :
			json_object_array_get_idx(test.array, 0), JSON_C_TO_STRING_PRETTY));
	json_object_put(test.array);
	return err ? fail() : 0;
}

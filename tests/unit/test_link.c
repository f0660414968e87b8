// SPDX-License-Identifier: GPL-2.0-only
/*
 * What rtnetlink tells of links, from messages made by hand: cut off, with lengths that lie, with
 * names and aliases that anybody may have set; then what is right, and what makes a function.
 */
#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <linux/rtnetlink.h>
#include <uvf/steer.h>

#include "link.h"
#include "uapi/linux/uvf.h"

/* --- messages --------------------------------------------------------------------------------- */

static struct {
	struct nlmsghdr head;
	uint8_t bytes[4096];
} msg;

static struct uvf_link link;
static struct uvf_links links;

static void *tail(void)
{
	return (uint8_t *)&msg + NLMSG_ALIGN(msg.head.nlmsg_len);
}

static void begin(uint16_t type, int ifindex, unsigned int flags)
{
	struct ifinfomsg info = { .ifi_index = ifindex, .ifi_flags = flags, .ifi_type = 1 };

	memset(&msg, 0, sizeof(msg));
	msg.head.nlmsg_type = type;
	msg.head.nlmsg_len = NLMSG_LENGTH(sizeof(info));
	memcpy(NLMSG_DATA(&msg.head), &info, sizeof(info));
}

static struct rtattr *put(uint16_t type, const void *data, uint16_t len)
{
	struct rtattr *attr = tail();

	attr->rta_type = type;
	attr->rta_len = RTA_LENGTH(len);
	if (len)
		memcpy(RTA_DATA(attr), data, len);
	msg.head.nlmsg_len = NLMSG_ALIGN(msg.head.nlmsg_len) + attr->rta_len;
	return attr;
}

static struct rtattr *put_string(uint16_t type, const char *text)
{
	return put(type, text, strlen(text) + 1);
}

static struct rtattr *put_u32(uint16_t type, uint32_t value)
{
	return put(type, &value, sizeof(value));
}

static struct rtattr *nest(uint16_t type)
{
	return put(type, NULL, 0);
}

static void nest_end(struct rtattr *attr)
{
	attr->rta_len = (uint8_t *)&msg + msg.head.nlmsg_len - (uint8_t *)attr;
}

static void put_kind(const char *kind)
{
	struct rtattr *info = nest(IFLA_LINKINFO);

	put_string(IFLA_INFO_KIND, kind);
	nest_end(info);
}

/* On a piece of heap of its own size, so that the sanitizer sees each step over its end. */
static int with_copy(uint32_t len, int (*call)(struct nlmsghdr *copy))
{
	struct nlmsghdr *copy = malloc(len);
	int got;

	memcpy(copy, &msg, len);
	copy->nlmsg_len = len;
	got = call(copy);
	free(copy);
	return got;
}

static int parse_copy(struct nlmsghdr *copy)
{
	memset(&link, 0xa5, sizeof(link));
	return uvf_link_parse(copy, &link);
}

static int parse(void)
{
	return with_copy(msg.head.nlmsg_len, parse_copy);
}

static int update_copy(struct nlmsghdr *copy)
{
	return uvf_links_update(&links, copy);
}

static int update(void)
{
	return with_copy(msg.head.nlmsg_len, update_copy);
}

static int links_none(void **state)
{
	uvf_links_free(&links);
	return links.by_index ? -1 : 0;
}

static const uint8_t mac[6] = { 2, 0, 0, 0, 0, 7 };

/* A function as uvf.ko describes it, with everything in it. */
static void uvf_link(int ifindex, const char *name, int lower)
{
	struct rtnl_link_stats64 stats = { .rx_packets = 42 };
	struct rtattr *info, *data;
	uint16_t vlan = 7;

	begin(RTM_NEWLINK, ifindex, IFF_UP);
	put_string(IFLA_IFNAME, name);
	put_u32(IFLA_LINK, lower);
	put_u32(IFLA_MTU, 1500);
	put(IFLA_ADDRESS, mac, sizeof(mac));
	put(IFLA_STATS64, &stats, sizeof(stats));
	info = nest(IFLA_LINKINFO);
	put_string(IFLA_INFO_KIND, "uvf");
	data = nest(IFLA_INFO_DATA);
	put_string(IFLA_UVF_APPLIANCE, "firewall");
	put(IFLA_UVF_VLAN, &vlan, sizeof(vlan));
	put_string(IFLA_UVF_PCI, "10000:00:01.0");
	nest_end(data);
	nest_end(info);
}

static void plain_link(int ifindex, const char *name, const char *kind, int lower)
{
	begin(RTM_NEWLINK, ifindex, IFF_UP);
	put_string(IFLA_IFNAME, name);
	if (lower)
		put_u32(IFLA_LINK, lower);
	if (kind)
		put_kind(kind);
}

/* --- messages that are not right -------------------------------------------------------------- */

static void messages_about_something_else(void **state)
{
	uvf_link(5, "fw0", 3);
	msg.head.nlmsg_type = RTM_NEWADDR;
	assert_int_equal(parse(), 0);
	msg.head.nlmsg_type = NLMSG_DONE;
	assert_int_equal(parse(), 0);
	msg.head.nlmsg_type = RTM_NEWLINK;
	((struct ifinfomsg *)NLMSG_DATA(&msg.head))->ifi_family = AF_BRIDGE;
	assert_int_equal(parse(), 0);
	assert_int_equal(update(), 0);
	msg.head.nlmsg_type = RTM_DELLINK; /* a bridge lets go of its port; the link stays */
	assert_int_equal(update(), 0);
	assert_null(links.by_index);
}

static void header_cut_off(void **state)
{
	uvf_link(5, "fw0", 3);
	for (uint32_t len = sizeof(struct nlmsghdr); len < NLMSG_LENGTH(sizeof(struct ifinfomsg));
	     len++) {
		assert_int_equal(with_copy(len, parse_copy), -EINVAL);
		assert_int_equal(with_copy(len, update_copy), -EINVAL);
	}
	assert_null(links.by_index);
}

static void ifindex_that_is_none(void **state)
{
	static const int bad[] = { 0, -1, INT_MIN };

	for (unsigned int i = 0; i < 3; i++) {
		uvf_link(bad[i], "fw0", 3);
		assert_int_equal(parse(), -EINVAL);
		assert_int_equal(update(), -EINVAL);
	}
	assert_null(links.by_index);
}

static void strings_end(void)
{
	assert_non_null(memchr(link.name, '\0', sizeof(link.name)));
	assert_non_null(memchr(link.kind, '\0', sizeof(link.kind)));
	assert_non_null(memchr(link.appliance, '\0', sizeof(link.appliance)));
	assert_non_null(memchr(link.pci, '\0', sizeof(link.pci)));
}

/* Each attribute is there whole or not at all. */
static void attributes_cut_off_anywhere(void **state)
{
	uint32_t whole;

	uvf_link(5, "fw0", 3);
	whole = msg.head.nlmsg_len;
	for (uint32_t len = NLMSG_LENGTH(sizeof(struct ifinfomsg)); len < whole; len++) {
		assert_int_equal(with_copy(len, parse_copy), 1);
		strings_end();
		assert_int_equal(link.ifindex, 5);
		assert_true(!*link.name || !strcmp(link.name, "fw0"));
		assert_true(!link.lower || link.lower == 3);
		assert_true(!link.mtu || link.mtu == 1500);
		assert_true(!link.stats.rx_packets || link.stats.rx_packets == 42);
		assert_string_equal(link.kind, ""); /* the last attribute is never whole */
		assert_int_equal(link.vlan, UVF_VLAN_ANY);
	}
}

/* A length that lies must not lead out of the message, at whatever attribute it stands. */
static void lengths_that_lie(void **state)
{
	static const uint16_t lies[] = { 0, 1, 2, 3, 4, 5, 9, 0x7fff, 0x8000, 0xfffe, 0xffff };
	uint32_t at, len;

	uvf_link(5, "fw0", 3);
	len = msg.head.nlmsg_len;
	for (at = NLMSG_LENGTH(sizeof(struct ifinfomsg)); at + 4 <= len; at += 4) {
		for (unsigned int i = 0; i < sizeof(lies) / sizeof(*lies); i++) {
			struct rtattr *attr = (struct rtattr *)((uint8_t *)&msg + at);
			uint16_t true_len = attr->rta_len;

			attr->rta_len = lies[i];
			assert_int_equal(parse(), 1);
			strings_end();
			attr->rta_len = true_len;
		}
	}
	assert_int_equal(parse(), 1);
	assert_string_equal(link.pci, "10000:00:01.0");
}

/* --- values that are not right ---------------------------------------------------------------- */

static void values_too_short_or_too_long(void **state)
{
	static const uint8_t ones[sizeof(struct rtnl_link_stats64) + 64] = { [0 ... 20] = 1 };

	for (uint16_t len = 0; len <= 20; len++) {
		begin(RTM_NEWLINK, 5, 0);
		put(IFLA_ADDRESS, ones, len); /* 20: IPoIB */
		put(IFLA_LINK, ones, len < 4 ? len : 0);
		put(IFLA_MTU, ones, len < 4 ? len : 0);
		assert_int_equal(parse(), 1);
		assert_int_equal(link.mac[0], len == 6);
		assert_int_equal(link.lower, 0);
		assert_int_equal(link.mtu, 0);
	}
	for (uint16_t len = 0; len <= sizeof(ones); len++) {
		begin(RTM_NEWLINK, 5, 0);
		put(IFLA_STATS64, ones, len); /* grows with each kernel */
		assert_int_equal(parse(), 1);
		assert_int_equal(link.stats.rx_packets, len ? 0x0101010101010101 >>
							      (len < 8 ? 64 - 8 * len : 0) : 0);
		assert_int_equal(link.stats.tx_errors, 0);
	}
}

static void strings_too_long_or_endless(void **state)
{
	char text[300];

	memset(text, 'n', sizeof(text));
	for (uint16_t len = 0; len <= sizeof(text); len++) {
		struct rtattr *info, *data;
		uint16_t name = len < IFNAMSIZ ? len : IFNAMSIZ - 1;
		uint16_t most = len < UVF_APPLIANCE_SIZE ? len : UVF_APPLIANCE_SIZE - 1;

		begin(RTM_NEWLINK, 5, 0);
		put(IFLA_IFNAME, text, len);
		put(IFLA_IFALIAS, text, len);
		info = nest(IFLA_LINKINFO);
		put_string(IFLA_INFO_KIND, "uvf");
		data = nest(IFLA_INFO_DATA);
		put(IFLA_UVF_APPLIANCE, text, len);
		put(IFLA_UVF_PCI, text, len);
		nest_end(data);
		nest_end(info);
		assert_int_equal(parse(), 1);
		strings_end();
		assert_int_equal(strlen(link.name), name);
		assert_int_equal(strlen(link.appliance), most);
		assert_int_equal(strlen(link.pci), most);
		begin(RTM_NEWLINK, 5, 0);
		info = nest(IFLA_LINKINFO);
		put(IFLA_INFO_KIND, text, len);
		nest_end(info);
		assert_int_equal(parse(), 1);
		assert_int_equal(strlen(link.kind), name);
	}
}

/* What an older or a newer uvf.ko may leave out, or say shorter. */
static void function_without_data(void **state)
{
	struct rtattr *info, *data;
	uint8_t byte = 7;

	plain_link(5, "fw0", "uvf", 3);
	assert_int_equal(parse(), 1);
	assert_string_equal(link.kind, "uvf");
	assert_string_equal(link.appliance, "");
	assert_string_equal(link.pci, "");
	assert_int_equal(link.vlan, UVF_VLAN_ANY);
	for (uint16_t len = 0; len < 8; len++) {
		begin(RTM_NEWLINK, 5, 0);
		info = nest(IFLA_LINKINFO);
		put_string(IFLA_INFO_KIND, "uvf");
		put(IFLA_INFO_DATA, "\xff\xff\xff\xff\xff\xff\xff", len);
		nest_end(info);
		assert_int_equal(parse(), 1);
		assert_int_equal(link.vlan, UVF_VLAN_ANY);
	}
	begin(RTM_NEWLINK, 5, 0);
	info = nest(IFLA_LINKINFO);
	put_string(IFLA_INFO_KIND, "uvf");
	data = nest(IFLA_INFO_DATA);
	put(IFLA_UVF_VLAN, &byte, 1);
	nest_end(data);
	nest_end(info);
	assert_int_equal(parse(), 1);
	assert_int_equal(link.vlan, UVF_VLAN_ANY);
}

static void data_of_another_kind(void **state)
{
	uint8_t *kind;

	uvf_link(5, "fw0", 3);
	kind = memmem(&msg, msg.head.nlmsg_len, "uvf", 4);
	memcpy(kind, "uvg", 3);
	assert_int_equal(parse(), 1);
	assert_string_equal(link.kind, "uvg");
	assert_string_equal(link.appliance, "");
	assert_int_equal(link.vlan, UVF_VLAN_ANY);
}

/* --- appliances' names, and ports' aliases ---------------------------------------------------- */

static void names_of_appliances(void **state)
{
	static const char *const bad[] = {
		"", " ", ".", "..", ".a", "-a", "_a", "a b", "a/b", "../etc", "a\n", "a\t", "a%s", "a=",
		"a\"", "\xc3\xa4", "a\xff", "a\x7f", "a,b", "a:b", "abcdefghijklmnopqrstuvwxyz012345",
	};
	static const char *const good[] = {
		"a", "Z", "0", "a.", "a-", "a_", "fire.wall-2_b", "abcdefghijklmnopqrstuvwxyz01234",
	};

	for (unsigned int i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (uvf_appliance_valid(bad[i]))
			fail_msg("'%s' was taken for a name", bad[i]);
	for (unsigned int i = 0; i < sizeof(good) / sizeof(*good); i++)
		if (!uvf_appliance_valid(good[i]))
			fail_msg("'%s' was not taken for a name", good[i]);
}

static void aliases_of_nobody(void **state)
{
	static const char *const bad[] = {
		"",
		"uvf-port",
		"my uplink",
		"uvf-port uplink=3",
		"uvf-port uplink=3 vlan=5",
		"uvf-port uplink=3 vlan=5 ",
		"uvf-port uplink=3 vlan=5 appliance",
		"uvf-port uplink= vlan=5 appliance=a",
		"uvf-port uplink=0 vlan=5 appliance=a",
		"uvf-port uplink=-3 vlan=5 appliance=a",
		"uvf-port uplink=2147483648 vlan=5 appliance=a",
		"uvf-port uplink=4294967299 vlan=5 appliance=a",
		"uvf-port uplink=99999999999999999999 vlan=5 appliance=a",
		"uvf-port uplink=3 vlan=0 appliance=a",
		"uvf-port uplink=3 vlan=4095 appliance=a",
		"uvf-port uplink=3 vlan=65534 appliance=a",
		"uvf-port uplink=3 vlan=65541 appliance=a",
		"uvf-port uplink=3 vlan=655350 appliance=a",
		"uvf-port uplink=3 vlan=-1 appliance=a",
		"uvf-port uplink=3 vlan=-2147483643 appliance=a",
		"uvf-port uplink=3 vlan=5 appliance=-a",
		"uvf-port uplink=3 vlan=5 appliance=../etc",
		"uvf-port uplink=3 vlan=5 appliance=a b",
		"uvf-port uplink=3 vlan=5 appliance=a\n",
		"uvf-port uplink=3 vlan=5 appliance= a",
		"uvf-port uplink=3 vlan=5 appliance=%s%n",
		"uvf-port uplink=3 vlan=5 appliance=abcdefghijklmnopqrstuvwxyz012345",
		"uvf-port uplink=3 vlan=5 appliance=a vlan=6",
		"uvf-port uplink=03 vlan=5 appliance=a",
		"uvf-port uplink=+3 vlan=5 appliance=a",
		"uvf-port uplink=3 vlan=\t5 appliance=a",
		"uvf-port  uplink=3 vlan=5 appliance=a",
		"uvf-portuplink=3vlan=5appliance=a",
		" uvf-port uplink=3 vlan=5 appliance=a",
	};

	for (unsigned int i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct uvf_link before = { .uplink = 77, .vlan = 88 };

		link = before;
		if (uvf_port_parse(bad[i], &link))
			fail_msg("'%s' was taken for a port's alias", bad[i]);
		assert_memory_equal(&link, &before, sizeof(link));
	}
}

/* Cut at the size of our buffer, such an alias would name another appliance. */
static void alias_longer_than_ours(void **state)
{
	char alias[256];

	snprintf(alias, sizeof(alias), "uvf-port uplink=3 vlan=5%89sappliance=firewall", "");
	assert_true(strlen(alias) < sizeof(alias) - 1 && strlen(alias) > UVF_ALIAS_SIZE - 1);
	plain_link(6, "port", "veth", 5);
	put_string(IFLA_IFALIAS, alias);
	assert_int_equal(parse(), 1);
	assert_false(link.is_port);
	assert_string_equal(link.appliance, "");
}

static void alias_on_a_link_of_another_kind(void **state)
{
	static const char *const kinds[] = { "vlan", "dummy", "vet", "vethx", "uvf", NULL };

	for (unsigned int i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		plain_link(6, "port", kinds[i], 5);
		put_string(IFLA_IFALIAS, "uvf-port uplink=3 vlan=5 appliance=a");
		assert_int_equal(parse(), 1);
		assert_false(link.is_port);
		assert_int_equal(link.uplink, 0);
		assert_int_equal(link.vlan, UVF_VLAN_ANY);
	}
}

static void alias_and_back(void **state)
{
	static const char *const names[] = { "", "a", "fire.wall-2", "abcdefghijklmnopqrstuvwxyz01234" };
	static const int uplinks[] = { 1, 9, 100, 999999999, 1000000000, INT_MAX };
	static const uint16_t vlans[] = { 1, 2, 4093, 4094, UVF_VLAN_ANY };
	char alias[UVF_ALIAS_SIZE];

	for (unsigned int i = 0; i < 4 * 6 * 5; i++) {
		const char *name = names[i % 4];
		int uplink = uplinks[i / 4 % 6];
		uint16_t vlan = vlans[i / 24];

		uvf_port_alias(alias, uplink, name, vlan);
		memset(&link, 0xa5, sizeof(link));
		assert_true(uvf_port_parse(alias, &link));
		assert_int_equal(link.uplink, uplink);
		assert_int_equal(link.vlan, vlan);
		assert_string_equal(link.appliance, name);
		plain_link(6, "port", "veth", 5);
		put_string(IFLA_IFALIAS, alias);
		assert_int_equal(parse(), 1);
		assert_true(link.is_port);
		assert_int_equal(link.uplink, uplink);
		assert_int_equal(link.lower, 5);
	}
}

/* --- what is right ---------------------------------------------------------------------------- */

static void function_of_the_module(void **state)
{
	uvf_link(5, "fw0", 3);
	assert_int_equal(parse(), 1);
	assert_int_equal(link.ifindex, 5);
	assert_int_equal(link.lower, 3);
	assert_false(link.lower_elsewhere);
	assert_false(link.is_port);
	assert_int_equal(link.flags, IFF_UP);
	assert_int_equal(link.type, 1);
	assert_int_equal(link.mtu, 1500);
	assert_int_equal(link.vlan, 7);
	assert_int_equal(link.stats.rx_packets, 42);
	assert_memory_equal(link.mac, mac, sizeof(mac));
	assert_string_equal(link.name, "fw0");
	assert_string_equal(link.kind, "uvf");
	assert_string_equal(link.appliance, "firewall");
	assert_string_equal(link.pci, "10000:00:01.0");
	put_u32(IFLA_LINK_NETNSID, 0); /* id 0 is a namespace too */
	assert_int_equal(parse(), 1);
	assert_true(link.lower_elsewhere);
}

/* A generic program is one as well, but not the one in driver mode. */
static void programs_on_a_link(void **state)
{
	uint8_t attached = XDP_ATTACHED_DRV;
	struct rtattr *xdp;

	uvf_link(5, "fw0", 3);
	assert_int_equal(parse(), 1);
	assert_false(link.has_xdp);
	assert_int_equal(link.xdp_id, 0);
	xdp = nest(IFLA_XDP);
	put(IFLA_XDP_ATTACHED, &attached, sizeof(attached));
	put_u32(IFLA_XDP_PROG_ID, 77);
	put_u32(IFLA_XDP_DRV_PROG_ID, 77);
	nest_end(xdp);
	assert_int_equal(parse(), 1);
	assert_true(link.has_xdp);
	assert_int_equal(link.xdp_id, 77);

	attached = XDP_ATTACHED_SKB;
	uvf_link(5, "fw0", 3);
	xdp = nest(IFLA_XDP);
	put(IFLA_XDP_ATTACHED, &attached, sizeof(attached));
	put_u32(IFLA_XDP_SKB_PROG_ID, 78);
	put(IFLA_XDP_DRV_PROG_ID, &attached, sizeof(attached)); /* too short */
	nest_end(xdp);
	assert_int_equal(parse(), 1);
	assert_true(link.has_xdp);
	assert_int_equal(link.xdp_id, 0);
}

static void deleted(int ifindex)
{
	begin(RTM_DELLINK, ifindex, 0);
}

static void links_come_change_and_go(void **state)
{
	const struct uvf_link *was;

	deleted(5);
	assert_int_equal(update(), 0); /* of whom nobody knew */
	for (int i = 1; i <= 100; i++) {
		char name[IFNAMSIZ];

		snprintf(name, sizeof(name), "fw%d", i);
		uvf_link(i, name, 1000);
		assert_int_equal(update(), 1);
	}
	was = uvf_links_get(&links, 50);
	assert_non_null(was);
	plain_link(50, "renamed", "dummy", 0);
	assert_int_equal(update(), 1);
	assert_ptr_equal(uvf_links_get(&links, 50), was); /* whoever points to it may go on */
	assert_string_equal(was->name, "renamed");
	assert_string_equal(was->appliance, ""); /* nothing of the old one stays */
	assert_int_equal(was->vlan, UVF_VLAN_ANY);
	assert_null(uvf_links_find(&links, "fw50"));
	assert_ptr_equal(uvf_links_find(&links, "renamed"), was);
	deleted(50);
	assert_int_equal(update(), 1);
	assert_int_equal(update(), 0);
	assert_null(uvf_links_get(&links, 50));
	assert_null(uvf_links_find(&links, "renamed"));
	assert_non_null(uvf_links_find(&links, "fw49"));
	assert_non_null(uvf_links_find(&links, "fw51"));
	assert_int_equal(HASH_COUNT(links.by_index), 99);
}

/* --- what makes a function -------------------------------------------------------------------- */

#define UPLINK 3
#define NETDEV 5
#define PORT   6

static void add_port(void)
{
	plain_link(PORT, "uvfport0", "veth", NETDEV);
	put_string(IFLA_IFALIAS, "uvf-port uplink=3 vlan=65535 appliance=firewall");
	assert_int_equal(update(), 1);
}

static int veth_function(void **state)
{
	links_none(state);
	plain_link(UPLINK, "eth1", NULL, 0);
	update();
	plain_link(NETDEV, "fw0", "veth", PORT);
	update();
	add_port();
	return 0;
}

static bool is_function(int ifindex, struct uvf_function *function)
{
	return uvf_function_of(&links, uvf_links_get(&links, ifindex), function);
}

static void function_is_not_there(void)
{
	struct uvf_function function;

	assert_false(is_function(PORT, &function));
	assert_null(function.netdev);
	assert_ptr_equal(function.port, uvf_links_get(&links, PORT));
	assert_false(uvf_function_find(&links, "fw0", &function));
	assert_false(uvf_function_find(&links, "", &function));
}

static void two_links_are_a_function(void **state)
{
	struct uvf_function function;

	assert_true(is_function(PORT, &function));
	assert_ptr_equal(function.netdev, uvf_links_get(&links, NETDEV));
	assert_ptr_equal(function.port, uvf_links_get(&links, PORT));
	assert_ptr_equal(function.uplink, uvf_links_get(&links, UPLINK));
	assert_false(is_function(NETDEV, &function));
	assert_false(is_function(UPLINK, &function));
	assert_true(uvf_function_find(&links, "fw0", &function));
	assert_string_equal(function.port->name, "uvfport0");
	assert_false(uvf_function_find(&links, "uvfport0", &function));
	assert_false(uvf_function_find(&links, "eth1", &function));
	deleted(UPLINK);
	update();
	assert_true(uvf_function_find(&links, "fw0", &function));
	assert_null(function.uplink);
}

static void netdev_is_deleted(void **state)
{
	deleted(NETDEV);
	assert_int_equal(update(), 1);
	function_is_not_there();
}

/* The port says so when it is announced anew; until then its peer's absence does. */
static void netdev_is_elsewhere(void **state)
{
	deleted(NETDEV);
	update();
	plain_link(PORT, "uvfport0", "veth", NETDEV);
	put_u32(IFLA_LINK_NETNSID, 0);
	put_string(IFLA_IFALIAS, "uvf-port uplink=3 vlan=65535 appliance=firewall");
	update();
	function_is_not_there();
	plain_link(NETDEV, "fw0", "veth", PORT); /* of the same number, but in this namespace */
	update();
	function_is_not_there();
}

/* The netdev left, the port was not announced anew, and its number is somebody else's now. */
static void ifindex_of_a_foreign_link(void **state)
{
	plain_link(NETDEV, "other", "dummy", 0);
	update();
	function_is_not_there();
	plain_link(NETDEV, "other", "veth", 99);
	update();
	function_is_not_there();
	plain_link(NETDEV, "mac0", "macvlan", PORT); /* stands on the port, as the netdev did */
	update();
	function_is_not_there();
	plain_link(NETDEV, "other", "veth", PORT);
	put_u32(IFLA_LINK_NETNSID, 0); /* the port's number, in another namespace */
	update();
	function_is_not_there();
}

static void function_of_the_module_is_one_link(void **state)
{
	struct uvf_function function;

	uvf_link(7, "fw7", UPLINK);
	update();
	assert_true(is_function(7, &function));
	assert_ptr_equal(function.netdev, function.port);
	assert_ptr_equal(function.uplink, uvf_links_get(&links, UPLINK));
	assert_true(uvf_function_find(&links, "fw7", &function));
	assert_int_equal(function.netdev->ifindex, 7);
	put_u32(IFLA_LINK_NETNSID, 0); /* moved away from its uplink: 3 is another link there */
	update();
	assert_true(is_function(7, &function));
	assert_null(function.uplink);
	plain_link(7, "fw7", "uvf", 0);
	update();
	assert_true(is_function(7, &function));
	assert_null(function.uplink);
}

#define test(name)    cmocka_unit_test_teardown(name, links_none)
#define test_fn(name) cmocka_unit_test_setup_teardown(name, veth_function, links_none)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		test(messages_about_something_else),
		test(header_cut_off),
		test(ifindex_that_is_none),
		test(attributes_cut_off_anywhere),
		test(lengths_that_lie),
		test(values_too_short_or_too_long),
		test(strings_too_long_or_endless),
		test(function_without_data),
		test(data_of_another_kind),
		test(names_of_appliances),
		test(aliases_of_nobody),
		test(alias_longer_than_ours),
		test(alias_on_a_link_of_another_kind),
		test(alias_and_back),
		test(function_of_the_module),
		test(programs_on_a_link),
		test(links_come_change_and_go),
		test_fn(netdev_is_deleted),
		test_fn(netdev_is_elsewhere),
		test_fn(ifindex_of_a_foreign_link),
		test_fn(two_links_are_a_function),
		test_fn(function_of_the_module_is_one_link),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("links", tests, NULL, NULL);
}

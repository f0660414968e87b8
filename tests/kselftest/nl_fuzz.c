// SPDX-License-Identifier: GPL-2.0-only
/*
 * Random messages to the family uvf, and to rtnetlink about links of kind uvf.
 *
 *	nl_fuzz UPLINK SECONDS [SEED]
 *
 * Every other message is sound, as a program would send it; the others are such a message with a
 * few faults: bits flipped, lengths and types changed, attributes cut off, doubled or made up.
 * Between messages, eventfds are written, closed and made anew, and so are sockets, with what they
 * own. The uplink is made again (a dummy) when a message removed it. To be run in a network
 * namespace of its own: a message may do anything that the namespace's owner may.
 *
 * It prints the seed, and at the end how many messages of each type were accepted and refused. It
 * goes on beyond its time until each type was accepted once, or exits with 1 after ten times as
 * long. Whether the kernel took harm is for its log to tell.
 */
#include "nl.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define NR_LINKS 6
#define NR_EVENTFDS 8
#define NR_SOCKETS 4
#define MESSAGE_SIZE 2048
#define ROOM 512 /* kept free for what faults add */

struct message {
	struct nlmsghdr header;
	uint8_t bytes[MESSAGE_SIZE];
};

struct tally {
	unsigned long accepted, refused;
};

/* In the order of RTM_NEWLINK and the following, and of UVF_CMD_*. */
static const char *const rtnl_names[] = { "newlink", "dellink", "getlink", "setlink" };
static const char *const genl_names[] = {
	"-", "function-get", "-", "-", "-", "vector-get", "route-add", "route-del", "-",
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct tally rtnl_tally[COUNT(rtnl_names)];
static struct tally genl_tally[COUNT(genl_names)];

static const char *uplink;
static int family, group;
static int rtnl, asking;
static int genl[NR_SOCKETS];
static int eventfds[NR_EVENTFDS];
static uint64_t state;

/* --- chance ------------------------------------------------------------------------------- */

/* Marsaglia's xorshift64* */
static uint32_t chance(void)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return (state * 0x2545f4914f6cdd1dULL) >> 32;
}

static uint32_t below(uint32_t limit)
{
	return chance() % limit;
}

static bool one_in(uint32_t n)
{
	return !below(n);
}

static uint32_t number(void)
{
	static const uint32_t odd[] = { 0, 1, 2, 16, 17, 255, 256, 4094, 4095, 65535, 65536,
					0x7fffffff, 0x80000000, 0xffffffff };

	return one_in(4) ? chance() : odd[below(COUNT(odd))];
}

/* --- sound messages ----------------------------------------------------------------------- */

static void begin(struct message *message, int type, int flags, size_t size)
{
	memset(message, 0, sizeof(*message));
	message->header.nlmsg_len = NLMSG_LENGTH(size);
	message->header.nlmsg_type = type;
	message->header.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | flags;
}

static struct nlattr *put(struct message *message, int type, const void *data, size_t size)
{
	size_t at = NLMSG_ALIGN(message->header.nlmsg_len);
	struct nlattr *attr = (void *)((char *)message + at);

	if (at + NLA_HDRLEN + size > MESSAGE_SIZE - ROOM)
		return NULL;
	attr->nla_type = type;
	attr->nla_len = NLA_HDRLEN + size;
	if (size)
		memcpy((char *)attr + NLA_HDRLEN, data, size);
	message->header.nlmsg_len = at + NLA_ALIGN(attr->nla_len);
	return attr;
}

static void put_u32(struct message *message, int type, uint32_t value)
{
	put(message, type, &value, sizeof(value));
}

static void put_text(struct message *message, int type, const char *text)
{
	put(message, type, text, strlen(text) + 1);
}

static void end(struct message *message, struct nlattr *nest)
{
	if (nest)
		nest->nla_len = (char *)message + message->header.nlmsg_len - (char *)nest;
}

/* if_nametoindex() would have the kernel look for a module, for each name that is not there. */
static uint32_t index_of(const char *name)
{
	static char bytes[65536] __attribute__((aligned(8)));
	const struct nlmsghdr *answer = (void *)bytes;
	const struct ifinfomsg *info = nlmsg_data(answer);
	struct message message;

	begin(&message, RTM_GETLINK, 0, sizeof(*info));
	put_text(&message, IFLA_IFNAME, name);
	message.header.nlmsg_flags = NLM_F_REQUEST;
	if (send(asking, &message, message.header.nlmsg_len, 0) < 0 ||
	    recv(asking, bytes, sizeof(bytes), 0) < (ssize_t)NLMSG_LENGTH(sizeof(*info)) ||
	    answer->nlmsg_type != RTM_NEWLINK)
		return 0;
	return info->ifi_index;
}

static const char *link_name(void)
{
	static char name[IFNAMSIZ];

	snprintf(name, sizeof(name), "f%u", below(NR_LINKS));
	return name;
}

static void put_function(struct message *message, int ifindex, int pci)
{
	char address[UVF_PCI_SIZE];

	if (!one_in(4)) {
		put_u32(message, ifindex, index_of(link_name()));
		return;
	}
	snprintf(address, sizeof(address), "%05x:%02x:%02x.%x", 0x10000, one_in(4), below(32),
		 below(8));
	put_text(message, pci, address);
}

static void genl_message(struct message *message, int cmd)
{
	bool get = cmd == UVF_CMD_FUNCTION_GET || cmd == UVF_CMD_VECTOR_GET;
	struct genlmsghdr *header = (void *)message->bytes;

	begin(message, family, get && one_in(2) ? NLM_F_DUMP : 0, GENL_HDRLEN);
	header->cmd = cmd;
	header->version = UVF_FAMILY_VERSION;
	if (get && message->header.nlmsg_flags & NLM_F_DUMP)
		return;
	if (cmd == UVF_CMD_FUNCTION_GET) {
		put_function(message, UVF_A_FUNCTION_IFINDEX, UVF_A_FUNCTION_PCI);
	} else if (cmd == UVF_CMD_VECTOR_GET) {
		put_function(message, UVF_A_VECTOR_IFINDEX, UVF_A_VECTOR_PCI);
		put_u32(message, UVF_A_VECTOR_ID, one_in(8) ? number() : below(2));
	} else {
		put_function(message, UVF_A_ROUTE_IFINDEX, UVF_A_ROUTE_PCI);
		put_u32(message, UVF_A_ROUTE_VECTOR, one_in(8) ? number() : below(2));
		put_u32(message, UVF_A_ROUTE_DIRECTION, below(2));
		if (cmd != UVF_CMD_ROUTE_DEL)
			put_u32(message, UVF_A_ROUTE_EVENTFD,
				one_in(8) ? below(64) : (uint32_t)eventfds[below(NR_EVENTFDS)]);
	}
}

/* Of another function, which may be none in use, or none. */
static void put_address(struct message *message, int type)
{
	char address[UVF_PCI_SIZE] = "";

	if (!one_in(4))
		snprintf(address, sizeof(address), "%05x:00:%02x.%x", 0x10000, below(2), below(8));
	put_text(message, type, address);
}

static void put_sending(struct message *message)
{
	uint64_t rate = one_in(4) ? (uint64_t)number() << below(16) : 8000 + below(1 << 30);

	if (one_in(4))
		put(message, IFLA_UVF_TX_RATE, &rate, sizeof(rate));
	if (one_in(4))
		put_u32(message, IFLA_UVF_TX_PPS, one_in(4) ? number() : below(100000));
	if (one_in(8))
		put_u32(message, IFLA_UVF_TX_BURST, one_in(4) ? number() : 64 + below(100000));
	if (one_in(4))
		put_address(message, IFLA_UVF_TX_MIRROR);
}

static void put_data(struct message *message)
{
	static const char *const names[] = { "a", "firewall", "", "-", "x y",
					     "a-name-of-31-characters.abcdef" };
	struct nlattr *info = put(message, IFLA_LINKINFO | NLA_F_NESTED, NULL, 0), *data;
	uint16_t vlan = 1 + below(4094);

	put_text(message, IFLA_INFO_KIND, UVF_KIND);
	data = one_in(4) ? NULL : put(message, IFLA_INFO_DATA | NLA_F_NESTED, NULL, 0);
	if (data && one_in(2))
		put_text(message, IFLA_UVF_APPLIANCE, names[below(COUNT(names))]);
	if (data && one_in(4))
		put(message, IFLA_UVF_VLAN, &vlan, sizeof(vlan));
	if (data && one_in(4))
		put_u32(message, IFLA_UVF_MODE, below(UVF_MODE_MAX + 1));
	if (data && one_in(4))
		put_u32(message, IFLA_UVF_QUEUES, 1 + below(4));
	if (data)
		put_sending(message);
	if (data && one_in(4))
		put_address(message, IFLA_UVF_REDIRECT);
	if (data && one_in(8))
		put_u32(message, below(IFLA_UVF_MAX + 2), number());
	end(message, data);
	end(message, info);
}

static void put_link(struct message *message)
{
	uint8_t mac[6] = { 2, 0, 0, 0, below(4), below(8) };

	if (one_in(3))
		put(message, IFLA_ADDRESS, mac, sizeof(mac));
	if (one_in(3))
		put_u32(message, IFLA_MTU, one_in(4) ? number() : 68 + below(1500));
}

static void rtnl_message(struct message *message, int type)
{
	struct ifinfomsg *info = (void *)message->bytes;
	int flags = 0;

	if (type == RTM_NEWLINK)
		flags = NLM_F_CREATE | (one_in(2) ? NLM_F_EXCL : 0);
	if (type == RTM_GETLINK && one_in(2))
		flags = NLM_F_DUMP;
	begin(message, type, flags, sizeof(*info));
	if (!one_in(3)) {
		info->ifi_change = IFF_UP;
		info->ifi_flags = one_in(3) ? 0 : IFF_UP;
	}
	put_text(message, IFLA_IFNAME, link_name());
	if (type == RTM_NEWLINK)
		put_u32(message, IFLA_LINK, index_of(uplink));
	if (type == RTM_NEWLINK || type == RTM_SETLINK)
		put_link(message);
	if (type == RTM_NEWLINK || (type == RTM_SETLINK && one_in(2)))
		put_data(message);
}

/* --- faults ------------------------------------------------------------------------------- */

static uint8_t *payload(struct message *message, size_t *size)
{
	size_t head = message->header.nlmsg_type == family ? GENL_HDRLEN : sizeof(struct ifinfomsg);

	*size = 0; /* a message may have been cut shorter than that */
	if (message->header.nlmsg_len > NLMSG_LENGTH(head))
		*size = message->header.nlmsg_len - NLMSG_LENGTH(head);
	return message->bytes + head;
}

/* An attribute, of the outermost level or within one. */
static struct nlattr *some_attr(struct message *message)
{
	size_t size;
	uint8_t *at = payload(message, &size);
	unsigned int steps = below(6);
	struct nlattr *attr = NULL;

	while (size >= NLA_HDRLEN) {
		size_t step;

		attr = (void *)at;
		if (attr->nla_len < NLA_HDRLEN || attr->nla_len > size)
			break;
		if (!steps--)
			break;
		step = attr->nla_type & NLA_F_NESTED ? NLA_HDRLEN : NLA_ALIGN(attr->nla_len);
		if (step > size)
			break;
		at += step;
		size -= step;
	}
	return attr;
}

static void flip(struct message *message)
{
	size_t size = message->header.nlmsg_len - NLMSG_HDRLEN;

	message->bytes[below(size)] ^= 1 << below(8);
}

static void cut(struct message *message)
{
	message->header.nlmsg_len -= below(message->header.nlmsg_len - NLMSG_HDRLEN);
}

static void make_up(struct message *message)
{
	uint8_t bytes[64];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = chance();
	put(message, one_in(2) ? below(20) : chance() & 0xffff, bytes, below(sizeof(bytes)));
}

static void double_attr(struct message *message, const struct nlattr *attr)
{
	size_t left = (uint8_t *)(message + 1) - (const uint8_t *)(attr + 1);
	uint8_t copy[ROOM];

	if (attr->nla_len < NLA_HDRLEN || attr->nla_len > sizeof(copy) || attr->nla_len > left)
		return;
	memcpy(copy, attr + 1, attr->nla_len - NLA_HDRLEN);
	put(message, attr->nla_type, copy, attr->nla_len - NLA_HDRLEN);
}

static void fault(struct message *message)
{
	struct nlattr *attr = some_attr(message);

	switch (below(8)) {
	case 0: flip(message); return;
	case 1: cut(message); return;
	case 2: make_up(message); return;
	case 3: message->header.nlmsg_flags ^= 1 << below(12); return;
	}
	if (!attr)
		return;
	switch (below(5)) {
	case 0: attr->nla_len = one_in(2) ? number() : attr->nla_len + below(9) - 4; return;
	case 1: attr->nla_type = one_in(2) ? below(20) : chance(); return;
	case 2: attr->nla_type ^= NLA_F_NESTED; return;
	case 3: double_attr(message, attr); return;
	case 4:
		if (attr->nla_len >= NLA_HDRLEN + 4)
			*(uint32_t *)(attr + 1) = number();
		return;
	}
}

/* --- sending ------------------------------------------------------------------------------ */

static int open_socket(int protocol, bool listens)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol), one = 1;

	if (fd < 0)
		exit(2);
	setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &one, sizeof(one));
	setsockopt(fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &one, sizeof(one));
	if (listens)
		setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group));
	return fd;
}

/* All that is there to read, events included. Returns the last error that was answered, or 1. */
static int drain(int fd)
{
	static char bytes[65536] __attribute__((aligned(8)));
	int result = 1;
	ssize_t n;

	while ((n = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT)) > 0 || errno == ENOBUFS) {
		struct nlmsghdr *header = (void *)bytes;

		for (int left = n; n > 0 && nlmsg_ok(header, left);
		     header = nlmsg_next(header, &left)) {
			if (header->nlmsg_type == NLMSG_ERROR)
				result = ((struct nlmsgerr *)nlmsg_data(header))->error;
			else if (header->nlmsg_type == NLMSG_DONE)
				result = 0;
		}
		errno = 0;
	}
	return result;
}

static void transmit(int fd, struct message *message, struct tally *tally)
{
	/* What is left of a dump would keep the socket busy. */
	drain(fd);
	if (send(fd, message, message->header.nlmsg_len, 0) < 0)
		return;
	if (drain(fd))
		tally->refused++;
	else
		tally->accepted++;
}

static void add_faults(struct message *message)
{
	if (one_in(2))
		return;
	do
		fault(message);
	while (one_in(2) && message->header.nlmsg_len > NLMSG_HDRLEN + 1);
}

static void to_genl(void)
{
	static const int usual[] = { UVF_CMD_FUNCTION_GET, UVF_CMD_VECTOR_GET, UVF_CMD_ROUTE_ADD,
				     UVF_CMD_ROUTE_ADD, UVF_CMD_ROUTE_DEL };
	int cmd = one_in(16) ? (int)below(COUNT(genl_names)) : usual[below(COUNT(usual))];
	struct message message;

	genl_message(&message, cmd);
	add_faults(&message);
	transmit(genl[below(NR_SOCKETS)], &message, &genl_tally[cmd]);
}

static void to_rtnl(void)
{
	int type = RTM_NEWLINK + below(4);
	struct message message;

	/* More are made than removed. */
	if (type == RTM_DELLINK && one_in(2))
		type = RTM_NEWLINK;
	rtnl_message(&message, type);
	add_faults(&message);
	transmit(rtnl, &message, &rtnl_tally[type - RTM_NEWLINK]);
}

/* --- what happens in between --------------------------------------------------------------- */

/* With all functions, also those that a fault has given a name that we do not know. */
static void remove_uplink(void)
{
	struct message message;

	begin(&message, RTM_DELLINK, 0, sizeof(struct ifinfomsg));
	put_text(&message, IFLA_IFNAME, uplink);
	if (send(rtnl, &message, message.header.nlmsg_len, 0) > 0)
		drain(rtnl);
}

static void make_uplink(void)
{
	struct message message;
	struct ifinfomsg *info = (void *)message.bytes;
	bool there = index_of(uplink);
	struct nlattr *nest;

	begin(&message, RTM_NEWLINK, NLM_F_CREATE, sizeof(*info));
	info->ifi_flags = info->ifi_change = IFF_UP;
	put_text(&message, IFLA_IFNAME, uplink);
	if (!there) {
		nest = put(&message, IFLA_LINKINFO, NULL, 0);
		put_text(&message, IFLA_INFO_KIND, "dummy");
		end(&message, nest);
	}
	if (send(rtnl, &message, message.header.nlmsg_len, 0) > 0)
		drain(rtnl);
}

static void renew_eventfd(void)
{
	int *fd = &eventfds[below(NR_EVENTFDS)];

	close(*fd);
	*fd = eventfd(below(2), EFD_NONBLOCK | EFD_CLOEXEC | (one_in(4) ? EFD_SEMAPHORE : 0));
}

static void renew_socket(void)
{
	int *fd = &genl[below(NR_SOCKETS)];

	close(*fd);
	*fd = open_socket(NETLINK_GENERIC, one_in(2));
}

static void step(void)
{
	uint32_t what = below(100);

	/* Links come and go a hundred times slower than all else. */
	if (what < 50)
		to_genl();
	else if (what < 65)
		to_rtnl();
	else if (what < 95)
		eventfd_write(eventfds[below(NR_EVENTFDS)], 1);
	else if (what < 98)
		renew_eventfd();
	else if (what < 99)
		renew_socket();
	else if (!one_in(10))
		make_uplink();
	else
		remove_uplink();
}

/* --- all of it ------------------------------------------------------------------------------ */

static void print(const char *const *names, const struct tally *tally, size_t count)
{
	for (size_t i = 0; i < count; i++)
		printf("%-12s %8lu accepted %8lu refused\n", names[i], tally[i].accepted,
		       tally[i].refused);
}

/* What is no command, or is one of the kernel's, never is. */
static bool accepted(const char *const *names, const struct tally *tally, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!tally[i].accepted && *names[i] != '-')
			return false;
	return true;
}

static bool all_accepted(void)
{
	return accepted(rtnl_names, rtnl_tally, COUNT(rtnl_names)) &&
	       accepted(genl_names, genl_tally, COUNT(genl_names));
}

static void prepare(void)
{
	struct nl_sock *sock = nl_open();

	family = nl_family();
	group = genl_ctrl_resolve_grp(sock, UVF_FAMILY_NAME, UVF_MCGRP_EVENTS);
	nl_socket_free(sock);
	rtnl = open_socket(NETLINK_ROUTE, false);
	asking = open_socket(NETLINK_ROUTE, false);
	for (int i = 0; i < NR_SOCKETS; i++)
		genl[i] = open_socket(NETLINK_GENERIC, i % 2);
	for (int i = 0; i < NR_EVENTFDS; i++)
		eventfds[i] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	make_uplink();
}

int main(int argc, char **argv)
{
	unsigned int seconds;
	time_t start;

	if (argc < 3)
		return 2;
	uplink = argv[1];
	seconds = atoi(argv[2]);
	state = argc > 3 ? strtoull(argv[3], NULL, 0) : (uint64_t)time(NULL) << 16 ^ getpid();
	state = state ?: 1;
	printf("SEED %#lx\n", state);
	fflush(stdout);
	prepare();
	start = time(NULL);
	while (time(NULL) < start + seconds ||
	       (!all_accepted() && time(NULL) < start + 10 * seconds))
		step();
	print(rtnl_names, rtnl_tally, COUNT(rtnl_names));
	print(genl_names, genl_tally, COUNT(genl_names));
	return !all_accepted();
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the generic netlink family uvf says, a line for each message: name=value …
 *
 *	nl_uvf get ifname|ifindex|pci VALUE
 *	nl_uvf dump
 *	nl_uvf vector ifname|ifindex|pci VALUE ID
 *	nl_uvf vectors
 *	nl_uvf torn COMMAND	runs COMMAND in the middle of a dump, prints the dump's flags
 *	nl_uvf events		"listening" first, then until it is killed
 *	nl_uvf raw CMD FLAGS [TYPE HEXBYTES]…	attributes as given; a TYPE of 0x8000 and more nests
 *
 * A refusal is printed as "strerror: text of the kernel". Exit: 0, 1 refused, 2 not asked.
 */
#include "nl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const states[] = { "spare", "used" };
static const char *const links[] = { "down", "no-carrier", "up" };
static const char *const modes[] = { "private", "bridge", "passthru" };
static const char *const leases[] = { "none", "copy", "zero-copy" };
static const char *const events[] = {
	[UVF_CMD_FUNCTION_GET] = "function",
	[UVF_CMD_FUNCTION_ADD_NTF] = "add",
	[UVF_CMD_FUNCTION_DEL_NTF] = "del",
	[UVF_CMD_FUNCTION_CHANGE_NTF] = "change",
	[UVF_CMD_VECTOR_GET] = "vector",
};

static const char *word(const char *const *words, size_t count, uint32_t value)
{
	return value < count ? words[value] : "?";
}

#define WORD(words, value) word(words, sizeof(words) / sizeof((words)[0]), value)

static void print_queue(struct nlattr *nest)
{
	struct nlattr *tb[UVF_A_QUEUE_MAX + 1];

	if (nla_parse_nested(tb, UVF_A_QUEUE_MAX, nest, NULL) || !tb[UVF_A_QUEUE_ID] ||
	    !tb[UVF_A_QUEUE_LEASE])
		abort();
	printf(" queue%u=%s", nla_get_u32(tb[UVF_A_QUEUE_ID]),
	       WORD(leases, nla_get_u32(tb[UVF_A_QUEUE_LEASE])));
}

static void print_mac(const uint8_t *mac)
{
	printf(" mac=%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4],
	       mac[5]);
}

/* Of the type "uint" */
static unsigned long long number_of(struct nlattr *attr)
{
	return nla_len(attr) >= 8 ? nla_get_u64(attr) : nla_get_u32(attr);
}

static void print_attr(struct nlattr *attr)
{
	switch (nla_type(attr)) {
	case UVF_A_FUNCTION_IFINDEX: printf(" ifindex=%u", nla_get_u32(attr)); return;
	case UVF_A_FUNCTION_PCI: printf(" pci=%s", nla_get_string(attr)); return;
	case UVF_A_FUNCTION_STATE: printf(" state=%s", WORD(states, nla_get_u32(attr))); return;
	case UVF_A_FUNCTION_IFNAME: printf(" ifname=%s", nla_get_string(attr)); return;
	case UVF_A_FUNCTION_NETNS_ID: printf(" netns=%d", nla_get_s32(attr)); return;
	case UVF_A_FUNCTION_UPLINK_IFINDEX: printf(" uplink=%u", nla_get_u32(attr)); return;
	case UVF_A_FUNCTION_UPLINK_NETNS_ID:
		printf(" uplink-netns=%d", nla_get_s32(attr));
		return;
	case UVF_A_FUNCTION_APPLIANCE: printf(" appliance=%s", nla_get_string(attr)); return;
	case UVF_A_FUNCTION_VLAN: printf(" vlan=%u", nla_get_u16(attr)); return;
	case UVF_A_FUNCTION_MAC: print_mac(nla_data(attr)); return;
	case UVF_A_FUNCTION_MTU: printf(" mtu=%u", nla_get_u32(attr)); return;
	case UVF_A_FUNCTION_LINK_STATE:
		printf(" link=%s", WORD(links, nla_get_u32(attr)));
		return;
	case UVF_A_FUNCTION_QUEUE: print_queue(attr); return;
	case UVF_A_FUNCTION_MODE: printf(" mode=%s", WORD(modes, nla_get_u32(attr))); return;
	case UVF_A_FUNCTION_VECTORS: printf(" vectors=%u", nla_get_u32(attr)); return;
	case UVF_A_FUNCTION_TX_RATE: printf(" tx-rate=%llu", number_of(attr)); return;
	case UVF_A_FUNCTION_TX_PPS: printf(" tx-pps=%u", nla_get_u32(attr)); return;
	case UVF_A_FUNCTION_TX_BURST: printf(" tx-burst=%u", nla_get_u32(attr)); return;
	case UVF_A_FUNCTION_TX_MIRROR: printf(" tx-mirror=%s", nla_get_string(attr)); return;
	case UVF_A_FUNCTION_REDIRECT: printf(" redirect=%s", nla_get_string(attr)); return;
	default: printf(" %d=?", nla_type(attr));
	}
}

static void print_vector(struct nlattr *attr)
{
	switch (nla_type(attr)) {
	case UVF_A_VECTOR_IFINDEX: printf(" ifindex=%u", nla_get_u32(attr)); return;
	case UVF_A_VECTOR_PCI: printf(" pci=%s", nla_get_string(attr)); return;
	case UVF_A_VECTOR_ID: printf(" id=%u", nla_get_u32(attr)); return;
	case UVF_A_VECTOR_IRQ: printf(" irq=%u", nla_get_u32(attr)); return;
	case UVF_A_VECTOR_IN_OWNER: printf(" in"); return;
	case UVF_A_VECTOR_OUT_OWNER: printf(" out"); return;
	default: printf(" %d=?", nla_type(attr));
	}
}

static void print(struct nlmsghdr *header, void *arg)
{
	struct genlmsghdr *genl = nlmsg_data(header);
	struct nlattr *attr;
	int rest;

	if (header->nlmsg_type != nl_family())
		return;
	printf("%s", WORD(events, genl->cmd));
	nla_for_each_attr(attr, genlmsg_attrdata(genl, 0), genlmsg_attrlen(genl, 0), rest)
		(genl->cmd == UVF_CMD_VECTOR_GET ? print_vector : print_attr)(attr);
	printf("\n");
}

/* --- a dump, and something that happens in the middle of it ------------------------------- */

static void count(struct nlmsghdr *header, void *arg)
{
	++*(unsigned int *)arg;
}

/* A first buffer is filled when the request is sent; the end comes when it is read. */
static int do_torn(struct nl_sock *sock, const char *command)
{
	unsigned int functions = 0;
	int flags, err;

	nl_request(sock, nl_new(UVF_CMD_FUNCTION_GET, NLM_F_DUMP));
	if (system(command))
		exit(2);
	err = nl_answer(sock, count, &functions, &flags);
	printf("%s, %u functions\n", flags & NLM_F_DUMP_INTR ? "inconsistent" : "consistent",
	       functions);
	return err;
}

/* --- events ------------------------------------------------------------------------------- */

static int on_event(struct nl_msg *msg, void *arg)
{
	print(nlmsg_hdr(msg), NULL);
	return NL_OK;
}

static int do_events(struct nl_sock *sock)
{
	int group = genl_ctrl_resolve_grp(sock, UVF_FAMILY_NAME, UVF_MCGRP_EVENTS);

	if (group < 0 || nl_socket_add_membership(sock, group))
		return -EINVAL;
	nl_socket_modify_cb(sock, NL_CB_VALID, NL_CB_CUSTOM, on_event, NULL);
	printf("listening\n");
	while (nl_recvmsgs_default(sock) >= 0)
		;
	return -EIO;
}

/* --- anything ----------------------------------------------------------------------------- */

static int do_raw(struct nl_sock *sock, int argc, char **argv)
{
	struct nl_msg *msg = nl_new(strtol(argv[0], NULL, 0), strtol(argv[1], NULL, 0));
	uint8_t bytes[1024];
	int i;

	for (i = 2; i < argc; i += 2)
		nla_put(msg, strtol(argv[i], NULL, 0),
			i + 1 < argc ? nl_hex(argv[i + 1], bytes, sizeof(bytes)) : 0, bytes);
	return nl_ask(sock, msg, print, NULL, NULL);
}

static int do_get(struct nl_sock *sock, const char *key, const char *value)
{
	struct nl_msg *msg = nl_new(UVF_CMD_FUNCTION_GET, 0);

	nl_put_name(msg, key, value, UVF_A_FUNCTION_IFINDEX, UVF_A_FUNCTION_PCI);
	return nl_ask(sock, msg, print, NULL, NULL);
}

static int do_vector(struct nl_sock *sock, char **argv)
{
	struct nl_msg *msg = nl_new(UVF_CMD_VECTOR_GET, 0);

	nl_put_name(msg, argv[0], argv[1], UVF_A_VECTOR_IFINDEX, UVF_A_VECTOR_PCI);
	nla_put_u32(msg, UVF_A_VECTOR_ID, atoi(argv[2]));
	return nl_ask(sock, msg, print, NULL, NULL);
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	struct nl_sock *sock;
	int err;

	setvbuf(stdout, NULL, _IOLBF, 0);
	sock = nl_open();
	if (!strcmp(what, "get") && argc == 4)
		err = do_get(sock, argv[2], argv[3]);
	else if (!strcmp(what, "dump") && argc == 2)
		err = nl_ask(sock, nl_new(UVF_CMD_FUNCTION_GET, NLM_F_DUMP), print, NULL, NULL);
	else if (!strcmp(what, "vectors") && argc == 2)
		err = nl_ask(sock, nl_new(UVF_CMD_VECTOR_GET, NLM_F_DUMP), print, NULL, NULL);
	else if (!strcmp(what, "vector") && argc == 5)
		err = do_vector(sock, argv + 2);
	else if (!strcmp(what, "torn") && argc == 3)
		err = do_torn(sock, argv[2]);
	else if (!strcmp(what, "events") && argc == 2)
		err = do_events(sock);
	else if (!strcmp(what, "raw") && argc >= 4)
		err = do_raw(sock, argc - 2, argv + 2);
	else
		return 2;
	nl_socket_free(sock);
	return err ? 1 : 0;
}

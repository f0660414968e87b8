// SPDX-License-Identifier: GPL-2.0-only
#include "nl.h"

#include <errno.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int family;

int nl_family(void)
{
	return family;
}

struct nl_sock *nl_open(void)
{
	struct nl_sock *sock = nl_socket_alloc();
	int one = 1;

	if (!sock || genl_connect(sock)) {
		fprintf(stderr, "no netlink socket\n");
		exit(2);
	}
	setsockopt(nl_socket_get_fd(sock), SOL_NETLINK, NETLINK_EXT_ACK, &one, sizeof(one));
	nl_socket_disable_seq_check(sock);
	family = genl_ctrl_resolve(sock, UVF_FAMILY_NAME);
	if (family < 0) {
		fprintf(stderr, "no family " UVF_FAMILY_NAME "\n");
		exit(2);
	}
	return sock;
}

struct nl_msg *nl_new(int cmd, int flags)
{
	struct nl_msg *msg = nlmsg_alloc_size(8192);

	if (!msg || !genlmsg_put(msg, NL_AUTO_PORT, NL_AUTO_SEQ, family, 0, NLM_F_REQUEST | flags,
				 cmd, UVF_FAMILY_VERSION))
		abort();
	return msg;
}

void nl_put_name(struct nl_msg *msg, const char *key, const char *value, int ifindex, int pci)
{
	if (!strcmp(key, "ifname")) {
		nla_put_u32(msg, ifindex, if_nametoindex(value));
	} else if (!strcmp(key, "ifindex")) {
		nla_put_u32(msg, ifindex, atoi(value));
	} else if (!strcmp(key, "pci")) {
		nla_put_string(msg, pci, value);
	} else {
		fprintf(stderr, "'%s' is none of ifname, ifindex and pci\n", key);
		exit(2);
	}
}

struct answer {
	nl_reply *each;
	void *arg;
	int flags;
	int error;
	bool done;
};

static const char *text_of(struct nlmsghdr *header, const struct nlmsgerr *error)
{
	const char *at = (const char *)(error + 1);
	struct nlattr *text;

	if (!(header->nlmsg_flags & NLM_F_ACK_TLVS))
		return "(no text)";
	if (!(header->nlmsg_flags & NLM_F_CAPPED))
		at += NLMSG_ALIGN(error->msg.nlmsg_len) - sizeof(error->msg);
	text = nla_find((struct nlattr *)at, (char *)header + header->nlmsg_len - at,
			NLMSGERR_ATTR_MSG);
	return text ? nla_get_string(text) : "(no text)";
}

static int on_error(struct sockaddr_nl *from, struct nlmsgerr *error, void *arg)
{
	struct answer *answer = arg;
	struct nlmsghdr *header = (struct nlmsghdr *)error - 1;

	answer->done = true;
	answer->error = error->error;
	fprintf(stderr, "%s: %s\n", strerror(-error->error), text_of(header, error));
	return NL_STOP;
}

static int on_end(struct nl_msg *msg, void *arg)
{
	struct answer *answer = arg;
	const struct nlmsghdr *header = nlmsg_hdr(msg);

	answer->done = true;
	answer->flags |= header->nlmsg_flags;
	if (header->nlmsg_type == NLMSG_DONE)
		answer->error = *(int *)nlmsg_data(header);
	return NL_STOP;
}

static int on_reply(struct nl_msg *msg, void *arg)
{
	struct answer *answer = arg;

	answer->flags |= nlmsg_hdr(msg)->nlmsg_flags;
	if (answer->each)
		answer->each(nlmsg_hdr(msg), answer->arg);
	return NL_OK;
}

static int on_interrupted(struct nl_msg *msg, void *arg)
{
	return NL_OK; /* the flag is looked at by those who ask */
}

void nl_request(struct nl_sock *sock, struct nl_msg *msg)
{
	nlmsg_hdr(msg)->nlmsg_flags |= NLM_F_ACK;
	if (nl_send_auto(sock, msg) < 0) {
		fprintf(stderr, "can't send\n");
		exit(2);
	}
	nlmsg_free(msg);
}

int nl_answer(struct nl_sock *sock, nl_reply *each, void *arg, int *flags)
{
	struct answer answer = { .each = each, .arg = arg };
	struct nl_cb *cb = nl_cb_alloc(NL_CB_CUSTOM);
	int err = 0;

	nl_cb_set(cb, NL_CB_VALID, NL_CB_CUSTOM, on_reply, &answer);
	nl_cb_set(cb, NL_CB_FINISH, NL_CB_CUSTOM, on_end, &answer);
	nl_cb_set(cb, NL_CB_ACK, NL_CB_CUSTOM, on_end, &answer);
	nl_cb_set(cb, NL_CB_DUMP_INTR, NL_CB_CUSTOM, on_interrupted, &answer);
	nl_cb_err(cb, NL_CB_CUSTOM, on_error, &answer);
	while (err >= 0 && !answer.done)
		err = nl_recvmsgs(sock, cb);
	nl_cb_put(cb);
	if (flags)
		*flags = answer.flags;
	return answer.done ? answer.error : -EIO;
}

int nl_ask(struct nl_sock *sock, struct nl_msg *msg, nl_reply *each, void *arg, int *flags)
{
	nl_request(sock, msg);
	return nl_answer(sock, each, arg, flags);
}

size_t nl_hex(const char *text, uint8_t *bytes, size_t size)
{
	size_t n = 0;

	while (n < size && sscanf(text + 2 * n, "%2hhx", &bytes[n]) == 1)
		n++;
	return n;
}

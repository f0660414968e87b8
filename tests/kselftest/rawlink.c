// SPDX-License-Identifier: GPL-2.0-only
/*
 * A link of kind "uvf" with an attribute that `ip` would not send.
 *
 *	rawlink UPLINK NAME TYPE [HEXBYTES]	TYPE: number of the attribute in IFLA_INFO_DATA
 *
 * The kernel's refusal is printed with its text. Exit: 0 made, 1 refused, 2 not asked.
 */
#include <errno.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct request {
	struct nlmsghdr header;
	struct ifinfomsg info;
	char attrs[1024];
};

static struct nlattr *put(struct request *request, int type, const void *data, size_t len)
{
	struct nlattr *attr = (void *)((char *)request + NLMSG_ALIGN(request->header.nlmsg_len));

	attr->nla_type = type;
	attr->nla_len = NLA_HDRLEN + len;
	memcpy((char *)attr + NLA_HDRLEN, data, len);
	request->header.nlmsg_len = NLMSG_ALIGN(request->header.nlmsg_len) +
				    NLA_ALIGN(attr->nla_len);
	return attr;
}

static void end(struct request *request, struct nlattr *nest)
{
	nest->nla_len = (char *)request + request->header.nlmsg_len - (char *)nest;
}

static size_t parse_hex(const char *text, uint8_t *bytes)
{
	size_t n = 0;

	while (n < 256 && sscanf(text + 2 * n, "%2hhx", &bytes[n]) == 1)
		n++;
	return n;
}

static const char *text_of(const struct nlmsghdr *reply)
{
	const struct nlmsgerr *err = NLMSG_DATA(reply);
	const char *at = (const char *)(err + 1), *limit = (const char *)reply + reply->nlmsg_len;

	if (!(reply->nlmsg_flags & NLM_F_CAPPED))
		at += NLMSG_ALIGN(err->msg.nlmsg_len) - sizeof(err->msg);
	while (at + NLA_HDRLEN <= limit) {
		const struct nlattr *attr = (const void *)at;

		if (attr->nla_type == NLMSGERR_ATTR_MSG)
			return at + NLA_HDRLEN;
		at += NLA_ALIGN(attr->nla_len);
	}
	return "(no text)";
}

static int ask(struct request *request)
{
	union {
		struct nlmsghdr header;
		char bytes[8192];
	} reply;
	int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE), one = 1, err;

	setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &one, sizeof(one));
	if (fd < 0 || send(fd, request, request->header.nlmsg_len, 0) < 0 ||
	    recv(fd, &reply, sizeof(reply), 0) < (ssize_t)sizeof(struct nlmsghdr)) {
		perror("rawlink: netlink");
		return 2;
	}
	err = ((struct nlmsgerr *)NLMSG_DATA(&reply.header))->error;
	if (err)
		fprintf(stderr, "%s: %s\n", strerror(-err), text_of(&reply.header));
	return err ? 1 : 0;
}

int main(int argc, char **argv)
{
	static struct request request = {
		.header = { .nlmsg_len = NLMSG_LENGTH(sizeof(struct ifinfomsg)),
			    .nlmsg_type = RTM_NEWLINK,
			    .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL },
	};
	struct nlattr *info, *data;
	uint8_t bytes[256];
	uint32_t uplink;

	if (argc < 4) {
		fprintf(stderr, "usage: rawlink UPLINK NAME TYPE [HEXBYTES]\n");
		return 2;
	}
	uplink = if_nametoindex(argv[1]);
	put(&request, IFLA_LINK, &uplink, sizeof(uplink));
	put(&request, IFLA_IFNAME, argv[2], strlen(argv[2]) + 1);
	info = put(&request, IFLA_LINKINFO, NULL, 0);
	put(&request, IFLA_INFO_KIND, "uvf", sizeof("uvf"));
	data = put(&request, IFLA_INFO_DATA, NULL, 0);
	put(&request, atoi(argv[3]), bytes, argc > 4 ? parse_hex(argv[4], bytes) : 0);
	end(&request, data);
	end(&request, info);
	return ask(&request);
}

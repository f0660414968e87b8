// SPDX-License-Identifier: GPL-2.0-only
#include "rtnl.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include <linux/netlink.h>
#include <netlink/attr.h>

#include "why.h"

struct answer {
	int err;
	char text[UVF_WHY_SIZE / 2];
};

struct nl_sock *uvf_rtnl_open(void)
{
	struct nl_sock *sock = nl_socket_alloc();
	int err, on = 1;

	if (!sock) {
		uvf_fail(ENOMEM, "no memory for a netlink socket");
		return NULL;
	}
	err = nl_connect(sock, NETLINK_ROUTE);
	if (err) {
		uvf_fail(EIO, "can't open rtnetlink: %s", nl_geterror(err));
		nl_socket_free(sock);
		return NULL;
	}
	setsockopt(nl_socket_get_fd(sock), SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on));
	/* Without it a request that is refused is sent back whole in front of the sentence. */
	setsockopt(nl_socket_get_fd(sock), SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on));
	return sock;
}

/* Attributes follow the error when NLM_F_ACK_TLVS is set (linux/netlink.h). */
static int on_error(struct sockaddr_nl *from, struct nlmsgerr *error, void *arg)
{
	struct nlmsghdr *msg = (struct nlmsghdr *)((char *)error - NLMSG_HDRLEN);
	struct nlattr *attrs[NLMSGERR_ATTR_MAX + 1];
	struct answer *answer = arg;
	int skip = sizeof(*error);

	answer->err = error->error;
	if (!(msg->nlmsg_flags & NLM_F_ACK_TLVS))
		return NL_STOP;
	if (!(msg->nlmsg_flags & NLM_F_CAPPED))
		skip += error->msg.nlmsg_len - NLMSG_HDRLEN;
	if (nlmsg_datalen(msg) > skip &&
	    !nla_parse(attrs, NLMSGERR_ATTR_MAX, (struct nlattr *)((char *)error + skip),
		       nlmsg_datalen(msg) - skip, NULL) && attrs[NLMSGERR_ATTR_MSG])
		nla_strlcpy(answer->text, attrs[NLMSGERR_ATTR_MSG], sizeof(answer->text));
	return NL_STOP;
}

static int on_ack(struct nl_msg *msg, void *arg)
{
	return NL_STOP;
}

int uvf_rtnl_call(struct nl_sock *sock, struct nl_msg *msg, const char *what)
{
	struct answer answer = { 0 };
	int err;

	nl_socket_modify_err_cb(sock, NL_CB_CUSTOM, on_error, &answer);
	nl_socket_modify_cb(sock, NL_CB_ACK, NL_CB_CUSTOM, on_ack, NULL);
	err = nl_send_auto(sock, msg);
	nlmsg_free(msg);
	if (err >= 0)
		err = nl_recvmsgs_default(sock);
	nl_socket_modify_err_cb(sock, NL_CB_DEFAULT, NULL, NULL);
	if (!answer.err && err < 0)
		return uvf_fail(EIO, "%s: %s", what, nl_geterror(err));
	if (!answer.err)
		return 0;
	return uvf_fail(-answer.err, "%s: %s", what,
			*answer.text ? answer.text : strerror(-answer.err));
}

// SPDX-License-Identifier: GPL-2.0-only
#include "tc.h"

#include <errno.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>

#include "rtnl.h"
#include "tc_place.h"

int tc_attach(struct tc_hook *hook, int ifindex, int program)
{
	DECLARE_LIBBPF_OPTS(bpf_tc_hook, at, .ifindex = ifindex, .attach_point = BPF_TC_INGRESS);
	DECLARE_LIBBPF_OPTS(bpf_tc_opts, old, .handle = TC_HANDLE, .priority = TC_PRIORITY);
	DECLARE_LIBBPF_OPTS(bpf_tc_opts, opts, .handle = TC_HANDLE, .priority = TC_PRIORITY,
			    .prog_fd = program, .flags = BPF_TC_F_REPLACE);
	int err = bpf_tc_hook_create(&at);

	if (err && err != -EEXIST)
		return err;
	hook->ifindex = ifindex;
	hook->made = !err || !bpf_tc_query(&at, &old);
	return bpf_tc_attach(&at, &opts);
}

int tc_find(int ifindex)
{
	DECLARE_LIBBPF_OPTS(bpf_tc_hook, at, .ifindex = ifindex, .attach_point = BPF_TC_INGRESS);
	DECLARE_LIBBPF_OPTS(bpf_tc_opts, opts, .handle = TC_HANDLE, .priority = TC_PRIORITY);

	if (bpf_tc_query(&at, &opts))
		return -1;
	return bpf_prog_get_fd_by_id(opts.prog_id);
}

static int saw_filter(struct nl_msg *msg, void *arg)
{
	*(bool *)arg = true;
	return NL_OK;
}

static bool has_filters(int ifindex, struct nl_sock *sock, uint32_t parent)
{
	struct tcmsg request = { .tcm_ifindex = ifindex, .tcm_parent = parent };
	bool seen = false;

	nl_socket_modify_cb(sock, NL_CB_VALID, NL_CB_CUSTOM, saw_filter, &seen);
	if (nl_send_simple(sock, RTM_GETTFILTER, NLM_F_DUMP, &request, sizeof(request)) < 0 ||
	    nl_recvmsgs_default(sock) < 0)
		return true; /* unknown: rather leave the qdisc */
	return seen;
}

void tc_detach(const struct tc_hook *hook)
{
	DECLARE_LIBBPF_OPTS(bpf_tc_hook, at, .ifindex = hook->ifindex,
			    .attach_point = BPF_TC_INGRESS);
	DECLARE_LIBBPF_OPTS(bpf_tc_opts, opts, .handle = TC_HANDLE, .priority = TC_PRIORITY);
	struct nl_sock *sock;

	if (bpf_tc_detach(&at, &opts) || !hook->made)
		return;
	sock = uvf_rtnl_open();
	if (!sock)
		return;
	if (!has_filters(hook->ifindex, sock, TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS)) &&
	    !has_filters(hook->ifindex, sock, TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_EGRESS))) {
		at.attach_point = BPF_TC_INGRESS | BPF_TC_EGRESS;
		bpf_tc_hook_destroy(&at);
	}
	nl_socket_free(sock);
}

/* SPDX-License-Identifier: GPL-2.0-only */
/* Requests to rtnetlink whose refusal comes with the kernel's own sentence (extack). */
#ifndef UVF_RTNL_H
#define UVF_RTNL_H

#include <netlink/msg.h>
#include <netlink/netlink.h>

/* NULL with a sentence in uvf_why(). Free with nl_socket_free(). */
struct nl_sock *uvf_rtnl_open(void);

/*
 * Sends @msg, frees it, and waits for the answer. 0 or -errno; uvf_why() is then what the
 * kernel said, or the errno's text, behind @what ("can't create fw0").
 */
int uvf_rtnl_call(struct nl_sock *sock, struct nl_msg *msg, const char *what);

#endif /* UVF_RTNL_H */

/* SPDX-License-Identifier: GPL-2.0-only */
/* The generic netlink family uvf, for the programs of the tests. */
#ifndef UVF_TEST_NL_H
#define UVF_TEST_NL_H

#include <linux/uvf.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <netlink/netlink.h>
#include <stdint.h>

/* A socket that is told refusals in words. Exits where the module is not loaded. */
struct nl_sock *nl_open(void);
int nl_family(void);

struct nl_msg *nl_new(int cmd, int flags);

/* By "ifname NAME", "ifindex N" or "pci ADDRESS". Exits where that is none of the three. */
void nl_put_name(struct nl_msg *msg, const char *key, const char *value, int ifindex, int pci);

/*
 * Sends a request and takes what comes until it is answered. A refusal is printed as
 * "strerror: text of the kernel". Returns 0 or -errno; *flags collects those of the replies.
 */
typedef void nl_reply(struct nlmsghdr *header, void *arg);
int nl_ask(struct nl_sock *sock, struct nl_msg *msg, nl_reply *each, void *arg, int *flags);
/* The two halves of it. */
void nl_request(struct nl_sock *sock, struct nl_msg *msg);
int nl_answer(struct nl_sock *sock, nl_reply *each, void *arg, int *flags);

size_t nl_hex(const char *text, uint8_t *bytes, size_t size);

#endif /* UVF_TEST_NL_H */

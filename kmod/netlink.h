/* SPDX-License-Identifier: GPL-2.0-only */
/* Generic netlink: what functions there are, and what changes. */
#ifndef UVF_NETLINK_H
#define UVF_NETLINK_H

#include <linux/types.h>
#include <linux/uvf.h>

struct uvf_netdev;

int uvf_netlink_init(void);
void uvf_netlink_exit(void);

/* Tells those who listen: one of UVF_CMD_FUNCTION_*_NTF. Under RTNL. */
void uvf_netlink_notify(struct uvf_netdev *un, u8 cmd);

#endif /* UVF_NETLINK_H */

/* SPDX-License-Identifier: GPL-2.0-only */
/* What the attributes of a link say of what its function sends: a limit, and a mirror. */
#ifndef UVF_SENDING_H
#define UVF_SENDING_H

#include "limit.h"

struct netlink_ext_ack;
struct nlattr;

struct uvf_sending {
	struct uvf_limit_words limit;
	struct uvf_netdev *mirror;
};

/* One attribute by itself: range and length. */
int uvf_sending_validate(const struct nlattr *attr, struct netlink_ext_ack *extack);

/* How it would be, with the attributes that are given; judged, not done. Under RTNL. */
int uvf_sending_parse(const struct uvf_netdev *un, struct nlattr *data[],
		      struct uvf_sending *sending, struct netlink_ext_ack *extack);

/* Fails for want of memory alone, and then has done nothing. */
int uvf_sending_set(struct uvf_netdev *un, const struct uvf_sending *sending);

size_t uvf_sending_size(void);
int uvf_sending_fill(struct sk_buff *skb, const struct uvf_netdev *un);

#endif /* UVF_SENDING_H */

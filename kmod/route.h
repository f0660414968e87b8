/* SPDX-License-Identifier: GPL-2.0-only */
/* Routes: an eventfd into a vector, and a vector out to an eventfd. */
#ifndef UVF_ROUTE_H
#define UVF_ROUTE_H

#include <linux/types.h>

struct net;
struct netlink_ext_ack;
struct uvf_function;

int uvf_route_init(void);
void uvf_route_exit(void);

/* A netlink socket, with whose end the route goes. */
struct uvf_route_owner {
	const struct net *net;
	u32 portid;
};

/* Which route; there is at most one. */
struct uvf_route_key {
	struct uvf_function *function;
	unsigned int vector;
	u32 direction; /* enum uvf_route_direction */
};

/* The eventfd is of the calling process. Under RTNL. */
int uvf_route_add(const struct uvf_route_key *key, const struct uvf_route_owner *owner,
		  unsigned int fd, struct netlink_ext_ack *extack);
int uvf_route_del(const struct uvf_route_key *key, const struct uvf_route_owner *owner,
		  struct netlink_ext_ack *extack);

/* The function has no vectors any more from this one on: their routes go. Under RTNL. */
void uvf_route_trim(struct uvf_function *function, unsigned int nr);

/* Port of the socket that has made the route, or 0 where there is none. */
u32 uvf_route_portid(const struct uvf_route_key *key);

#endif /* UVF_ROUTE_H */

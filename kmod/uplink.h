/* SPDX-License-Identifier: GPL-2.0-only */
/* A lower device that carries functions, and who on it is to get a frame. */
#ifndef UVF_UPLINK_H
#define UVF_UPLINK_H

#include <linux/hashtable.h>
#include <linux/netdevice.h>

struct uvf_netdev;

#define UVF_UPLINK_HASH_BITS 8

struct uvf_uplink {
	/* fast path: RCU for readers, RTNL for writers */
	DECLARE_HASHTABLE(stations, UVF_UPLINK_HASH_BITS);
	struct list_head functions;
	struct uvf_netdev *passthru; /* the only one, or NULL */

	/* slow path: RTNL */
	struct net_device *dev;
	struct rcu_head rcu;
};

int uvf_uplink_init(void);
void uvf_uplink_exit(void);

/* Whether a device can carry functions. Under RTNL. */
int uvf_uplink_check(struct net_device *lower, struct netlink_ext_ack *extack);

/* Whether a new function could have this mode there, beside those that it has. Under RTNL. */
int uvf_uplink_check_mode(struct net_device *lower, unsigned int mode,
			  struct netlink_ext_ack *extack);

/* Whether a new function could have this address there. Under RTNL. */
int uvf_uplink_check_station(struct net_device *lower, const u8 *addr, u16 vlan,
			     const struct uvf_netdev *except, struct netlink_ext_ack *extack);

/* From attach to detach, frames for the function reach it. Under RTNL. Detach may be repeated. */
int uvf_uplink_attach(struct uvf_netdev *un, struct netlink_ext_ack *extack);
void uvf_uplink_detach(struct uvf_netdev *un);

/*
 * Whose is a frame with this destination, unicast, and this tag, 0 for none? NULL: the host's. The
 * owner is who has the address; who is found is who receives for it. Under RCU, softirqs off.
 */
struct uvf_netdev *uvf_uplink_owner(const struct uvf_uplink *uplink, const u8 *addr, u16 vlan);
struct uvf_netdev *uvf_uplink_find(const struct uvf_uplink *uplink, const u8 *addr, u16 vlan);

/* Moves the function to another address. Under RTNL. */
void uvf_uplink_rehash(struct uvf_netdev *un, const u8 *addr);

/* Link state as the uplink has it. Under RTNL. */
void uvf_uplink_follow(struct uvf_netdev *un);

#endif /* UVF_UPLINK_H */

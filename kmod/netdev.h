/* SPDX-License-Identifier: GPL-2.0-only */
/* The function's network device. */
#ifndef UVF_NETDEV_H
#define UVF_NETDEV_H

#include "irq.h"
#include "queue.h"

#include <linux/bitmap.h>
#include <linux/netdevice.h>
#include <linux/uvf.h>

struct bpf_prog;
struct pci_dev;
struct uvf_function;
struct uvf_limit;
struct uvf_uplink;

#define UVF_VERSION "0.1.0"

#define UVF_MC_HASH_BITS 8

struct uvf_netdev {
	/* fast path */
	struct net_device *dev;
	struct net_device *lower; /* held until the netdev is freed */
	struct bpf_prog __rcu *prog;
	struct hlist_node station;
	struct list_head node; /* in the uplink's list of functions */
	u16 vlan;	       /* 0: none */
	u8 mode;	       /* enum uvf_mode; private and bridge change under RTNL */
	u16 nr_queues;	       /* changes under RTNL, while readers look: see channels.h */
	u32 rx_usecs;  /* how long a frame may wait for others, 0: not at all */
	u32 rx_frames; /* and for how many, 1 and up */
	DECLARE_BITMAP(mc_filter, 1 << UVF_MC_HASH_BITS);
	struct uvf_queue *queue[UVF_MAX_QUEUES];

	/* fast path of functions that have them */
	struct uvf_limit __rcu *limit;	 /* of what it sends, or NULL */
	struct uvf_netdev __rcu *mirror; /* receives copies of what it sends, or NULL */
	struct uvf_netdev __rcu *redirect; /* receives what would be its own, or NULL */
	struct hlist_head redirected;	   /* who has us as its redirect; RCU for readers */
	struct hlist_node redirected_node; /* in the redirect's list */
	atomic64_t skbs_over_limit;	 /* NAPI counts its frames in its queue */

	/* slow path, RTNL */
	struct uvf_uplink *uplink; /* while attached */
	struct list_head mirrored; /* who has us as its mirror */
	struct list_head mirrored_node; /* in the mirror's list */
	struct uvf_function *function;
	struct pci_dev *pdev;
	netdevice_tracker lower_tracker;
	struct uvf_irq_user irq_user;
	char appliance[UVF_APPLIANCE_SIZE];
};

void uvf_netdev_setup(struct net_device *dev);
bool uvf_netdev_is(const struct net_device *dev);

/* Ties a new netdev to its uplink and PCI function, before it is registered; and undoes it. */
int uvf_netdev_bind(struct net_device *dev, struct net_device *lower, unsigned int nr_queues,
		    struct netlink_ext_ack *extack);
void uvf_netdev_unbind(struct net_device *dev);

void uvf_netdev_dellink(struct net_device *dev, struct list_head *head);

/* Unregisters it because its PCI device goes. Under RTNL. */
void uvf_netdev_remove(struct net_device *dev);

/* Link or configuration have changed: tells who listens to the mailbox vector. */
void uvf_netdev_notify(struct uvf_netdev *un);

/* Another number of queues, and of interrupts. Under RTNL. */
int uvf_netdev_set_queues(struct uvf_netdev *un, unsigned int nr);

/* What can its MTU be now? After a change of uplink or program, under RTNL. */
void uvf_netdev_limit_mtu(struct uvf_netdev *un);

/* Whether it takes frames for this group address, which may be broadcast. Under RCU. */
bool uvf_netdev_wants(const struct uvf_netdev *un, const u8 *group);

extern const struct ethtool_ops uvf_ethtool_ops;
extern struct rtnl_link_ops uvf_link_ops;

#endif /* UVF_NETDEV_H */

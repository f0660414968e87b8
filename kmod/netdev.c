// SPDX-License-Identifier: GPL-2.0-only
/* The function's network device: its operations, and its life from bind to unbind. */
#include "netdev.h"
#include "channels.h"
#include "compat/compat.h"
#include "compat/multibuf.h"
#include "function.h"
#include "limit.h"
#include "mirror.h"
#include "netlink.h"
#include "redirect.h"
#include "route.h"
#include "tx.h"
#include "uplink.h"
#include "xdp.h"
#include "xsk.h"

#include <linux/etherdevice.h>
#include <linux/ethtool.h>
#include <linux/hash.h>
#include <linux/if_vlan.h>
#include <linux/pci.h>
#include <linux/rtnetlink.h>
#include <linux/uvf.h>

/* The uplink's transmit path does in software what its hardware lacks. */
#define UVF_FEATURES                                                                               \
	(NETIF_F_SG | NETIF_F_FRAGLIST | NETIF_F_HIGHDMA | NETIF_F_HW_CSUM | NETIF_F_GSO_SOFTWARE)

/* --- receive filter ----------------------------------------------------------------------- */

static u32 group_hash(const u8 *group)
{
	u32 low;

	/* IEEE 802.3 group addresses differ in their last bytes. */
	memcpy(&low, group + 2, sizeof(low));
	return hash_32(low, UVF_MC_HASH_BITS);
}

bool uvf_netdev_wants(const struct uvf_netdev *un, const u8 *group)
{
	if (!(un->dev->flags & IFF_UP))
		return false;
	return un->mode == UVF_MODE_PASSTHRU || test_bit(group_hash(group), un->mc_filter);
}

/* Bits are written one word after the other while readers look: a join may take effect in two. */
static void set_rx_mode(struct net_device *dev)
{
	struct uvf_netdev *un = netdev_priv(dev);
	DECLARE_BITMAP(filter, 1 << UVF_MC_HASH_BITS);
	struct netdev_hw_addr *ha;

	if (dev->flags & (IFF_PROMISC | IFF_ALLMULTI)) {
		bitmap_fill(filter, 1 << UVF_MC_HASH_BITS);
	} else {
		bitmap_zero(filter, 1 << UVF_MC_HASH_BITS);
		netdev_for_each_mc_addr(ha, dev)
			__set_bit(group_hash(ha->addr), filter);
		__set_bit(group_hash(dev->broadcast), filter);
	}
	bitmap_copy(un->mc_filter, filter, 1 << UVF_MC_HASH_BITS);
	dev_mc_sync(un->lower, dev);
}

static void change_rx_flags(struct net_device *dev, int change)
{
	struct uvf_netdev *un = netdev_priv(dev);

	if (dev->flags & IFF_UP && change & IFF_ALLMULTI)
		dev_set_allmulti(un->lower, dev->flags & IFF_ALLMULTI ? 1 : -1);
}

/* --- up and down -------------------------------------------------------------------------- */

static int open_filters(struct uvf_netdev *un)
{
	int err;

	err = dev_uc_add(un->lower, un->dev->dev_addr);
	if (err)
		return err;
	if (un->mode == UVF_MODE_PASSTHRU) {
		err = dev_set_promiscuity(un->lower, 1);
		if (err)
			goto err_address;
	}
	if (un->dev->flags & IFF_ALLMULTI) {
		err = dev_set_allmulti(un->lower, 1);
		if (err)
			goto err_promiscuity;
	}
	return 0;

err_promiscuity:
	if (un->mode == UVF_MODE_PASSTHRU)
		dev_set_promiscuity(un->lower, -1);
err_address:
	dev_uc_del(un->lower, un->dev->dev_addr);
	return err;
}

static void close_filters(struct uvf_netdev *un)
{
	dev_mc_unsync(un->lower, un->dev);
	if (un->dev->flags & IFF_ALLMULTI)
		dev_set_allmulti(un->lower, -1);
	if (un->mode == UVF_MODE_PASSTHRU)
		dev_set_promiscuity(un->lower, -1);
	dev_uc_del(un->lower, un->dev->dev_addr);
}

static int open(struct net_device *dev)
{
	struct uvf_netdev *un = netdev_priv(dev);
	int err;

	err = open_filters(un);
	if (err)
		return err;
	err = uvf_channels_open(un);
	if (err)
		close_filters(un);
	return err;
}

static int stop(struct net_device *dev)
{
	struct uvf_netdev *un = netdev_priv(dev);

	uvf_channels_close(un);
	close_filters(un);
	return 0;
}

/* --- address, MTU, statistics ------------------------------------------------------------- */

static int set_mac_address(struct net_device *dev, void *data)
{
	struct uvf_netdev *un = netdev_priv(dev);
	const struct sockaddr *sa = data;
	const u8 *addr = (const u8 *)sa->sa_data;
	int err;

	/* That it is free was seen to at NETDEV_PRE_CHANGEADDR, in uplink.c, with a text. */
	if (!is_valid_ether_addr(addr))
		return -EADDRNOTAVAIL;
	if (ether_addr_equal(dev->dev_addr, addr))
		return 0;
	if (netif_running(dev)) {
		err = dev_uc_add(un->lower, addr);
		if (err)
			return err;
		dev_uc_del(un->lower, dev->dev_addr);
	}
	uvf_uplink_rehash(un, addr);
	return 0;
}

/* The core refuses, with a text, what is above max_mtu. */
void uvf_netdev_limit_mtu(struct uvf_netdev *un)
{
	unsigned int max = un->lower->mtu;

	ASSERT_RTNL();
	if (rtnl_dereference(un->prog))
		max = min_t(unsigned int, max, UVF_XDP_MAX_MTU);
	un->dev->max_mtu = max;
}

/*
 * AF_XDP sockets have no part in max_mtu: the last of a pool closes without a word to us, and what
 * comes afterwards, from a work item, is too late for who sets the MTU next.
 */
static int change_mtu(struct net_device *dev, int mtu)
{
	struct uvf_netdev *un = netdev_priv(dev);

	/* One that was closed counts for a grace period. */
	if (mtu > uvf_xsk_max_mtu(un))
		rcu_barrier();
	if (mtu > uvf_xsk_max_mtu(un)) {
		if (net_ratelimit())
			netdev_info(dev, "an AF_XDP socket's chunks are for an MTU up to %d\n",
				    uvf_xsk_max_mtu(un));
		return -EMSGSIZE;
	}
	WRITE_ONCE(dev->mtu, mtu);
	return 0;
}

static void get_stats64(struct net_device *dev, struct rtnl_link_stats64 *stats)
{
	struct uvf_counts counts;
	int i;

	/* The core adds what was dropped outside of the queues: dev_core_stats_*_inc(). */
	dev_fetch_sw_netstats(stats, dev->tstats);
	uvf_channels_counts(netdev_priv(dev), &counts);
	stats->rx_packets += counts.rx_packets;
	stats->rx_bytes += counts.rx_bytes;
	stats->multicast += counts.multicast;
	stats->tx_packets += counts.tx_packets;
	stats->tx_bytes += counts.tx_bytes;
	for (i = 0; i < UVF_DROP_FIRST_TX; i++)
		stats->rx_dropped += counts.drop[i];
	for (; i < UVF_NR_DROPS; i++)
		stats->tx_dropped += counts.drop[i];
}

static int get_iflink(const struct net_device *dev)
{
	const struct uvf_netdev *un = netdev_priv(dev);

	return un->lower->ifindex;
}

/* --- life --------------------------------------------------------------------------------- */

static void interrupt(void *data, unsigned int vector)
{
	struct uvf_netdev *un = data;

	if (vector)
		napi_schedule_irqoff(&un->queue[vector - 1]->napi);
}

void uvf_netdev_notify(struct uvf_netdev *un)
{
	local_bh_disable();
	uvf_irq_raise(un->function, 0);
	local_bh_enable();
}

/* Only here it has its name. */
static int init(struct net_device *dev)
{
	struct uvf_netdev *un = netdev_priv(dev);

	netdev_lockdep_set_classes(dev);
	un->irq_user = (struct uvf_irq_user){
		.interrupt = interrupt,
		.data = un,
		.name = dev->name,
	};
	/* It works without as well, and a warning has been given. */
	uvf_irq_start(un->function, 1 + un->nr_queues, &un->irq_user);
	return 0;
}

int uvf_netdev_set_queues(struct uvf_netdev *un, unsigned int nr)
{
	int err;

	uvf_irq_stop(un->function);
	err = uvf_channels_set(un, nr);
	uvf_irq_start(un->function, 1 + un->nr_queues, &un->irq_user);
	uvf_route_trim(un->function, 1 + un->nr_queues);
	uvf_netlink_notify(un, UVF_CMD_FUNCTION_CHANGE_NTF);
	return err;
}

/* Before the one RCU wait that a batch of unregistering netdevs shares, instead of one for each. */
static void uninit(struct net_device *dev)
{
	struct uvf_netdev *un = netdev_priv(dev);
	int i;

	uvf_irq_quiesce(un->function);
	for (i = 0; i < UVF_MAX_QUEUES && un->queue[i]; i++)
		__netif_napi_del(&un->queue[i]->napi);
}

int uvf_netdev_bind(struct net_device *dev, struct net_device *lower, unsigned int nr_queues,
		    struct netlink_ext_ack *extack)
{
	struct uvf_netdev *un = netdev_priv(dev);
	int err;

	un->dev = dev;
	un->rx_frames = UVF_RX_FRAMES_MAX;
	dev->tstats = netdev_alloc_pcpu_stats(struct pcpu_sw_netstats);
	if (!dev->tstats)
		return -ENOMEM;
	err = uvf_channels_set(un, nr_queues);
	if (err)
		goto err_queues;
	un->function = uvf_function_claim(&un->pdev, extack);
	if (IS_ERR(un->function)) {
		err = PTR_ERR(un->function);
		goto err_queues;
	}
	un->lower = lower;
	netdev_hold(lower, &un->lower_tracker, GFP_KERNEL);
	SET_NETDEV_DEV(dev, &un->pdev->dev);
	return 0;

err_queues:
	uvf_channels_exit(un);
	free_percpu(dev->tstats);
	dev->tstats = NULL;
	return err;
}

/*
 * Also the destructor, when the netdev is out of sysfs and has lost its last reference. A
 * failing register_netdevice() calls it, or not: once is enough.
 */
void uvf_netdev_unbind(struct net_device *dev)
{
	struct uvf_netdev *un = netdev_priv(dev);

	if (!un->lower)
		return;
	uvf_limit_free(un);
	uvf_irq_stop(un->function);
	uvf_function_release(un->function, un->pdev);
	netdev_put(un->lower, &un->lower_tracker);
	un->lower = NULL;
	uvf_channels_exit(un);
	free_percpu(dev->tstats);
	dev->tstats = NULL;
}

void uvf_netdev_dellink(struct net_device *dev, struct list_head *head)
{
	struct uvf_netdev *un = netdev_priv(dev);

	uvf_netlink_notify(un, UVF_CMD_FUNCTION_DEL_NTF);
	un->function->netdev = NULL;
	uvf_route_trim(un->function, 0);
	uvf_mirror_detach(un);
	uvf_redirect_detach(un);
	uvf_uplink_detach(un);
	unregister_netdevice_queue(dev, head);
}

void uvf_netdev_remove(struct net_device *dev)
{
	uvf_netdev_dellink(dev, NULL);
}

static const struct net_device_ops netdev_ops = {
	.ndo_init = init,
	.ndo_uninit = uninit,
	.ndo_open = open,
	.ndo_stop = stop,
	.ndo_start_xmit = uvf_tx_skb,
	.ndo_validate_addr = eth_validate_addr,
	.ndo_set_mac_address = set_mac_address,
	.ndo_change_mtu = change_mtu,
	.ndo_set_rx_mode = set_rx_mode,
	.ndo_change_rx_flags = change_rx_flags,
	.ndo_get_stats64 = get_stats64,
	.ndo_get_iflink = get_iflink,
	.ndo_features_check = passthru_features_check,
	.ndo_bpf = uvf_xdp,
	.ndo_xdp_xmit = uvf_xdp_receive,
	.ndo_xsk_wakeup = uvf_xsk_wakeup,
};

bool uvf_netdev_is(const struct net_device *dev)
{
	return dev->netdev_ops == &netdev_ops;
}

void uvf_netdev_setup(struct net_device *dev)
{
	struct uvf_netdev *un = netdev_priv(dev);

	INIT_LIST_HEAD(&un->mirrored);
	ether_setup(dev);
	dev->netdev_ops = &netdev_ops;
	dev->ethtool_ops = &uvf_ethtool_ops;
	/* Until the uplink is known, which sets the limit. */
	dev->max_mtu = ETH_MAX_MTU;
	dev->needs_free_netdev = true;
	dev->priv_destructor = uvf_netdev_unbind;

	dev->priv_flags &= ~IFF_TX_SKB_SHARING;
	/* One address a function: others, were they asked for, would not reach it. */
	dev->priv_flags |= IFF_UNICAST_FLT | IFF_LIVE_ADDR_CHANGE | IFF_NO_QUEUE;
	uvf_compat_set_lltx(dev);
	uvf_compat_set_xdp_features(dev);
	uvf_compat_set_max_segments(dev);
	netif_keep_dst(dev);

	dev->features |= UVF_FEATURES;
	dev->hw_features = UVF_FEATURES;
	dev->hw_enc_features = UVF_FEATURES;
	dev->vlan_features = UVF_FEATURES;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * The uplink: receive handler, table of stations, and what happens to the lower device.
 *
 * The uplink's own traffic is never cut. The handler takes a frame only if its address and VLAN
 * are a function's; broadcast and multicast it copies; all else it passes on as it came.
 */
#include "uplink.h"
#include "function.h"
#include "netdev.h"
#include "redirect.h"
#include "rx.h"

#include <linux/etherdevice.h>
#include <linux/if_arp.h>
#include <linux/if_vlan.h>
#include <linux/jhash.h>
#include <linux/rtnetlink.h>
#include <linux/slab.h>
#include <linux/uvf.h>

static rx_handler_result_t handle_frame(struct sk_buff **pskb);

static struct uvf_uplink *uplink_of(const struct net_device *lower)
{
	ASSERT_RTNL();
	if (rcu_access_pointer(lower->rx_handler) != handle_frame)
		return NULL;
	return rtnl_dereference(lower->rx_handler_data);
}

/* --- stations ----------------------------------------------------------------------------- */

static u32 station_hash(const u8 *addr, u16 vlan)
{
	u32 low;
	u16 high;

	memcpy(&high, addr, sizeof(high));
	memcpy(&low, addr + sizeof(high), sizeof(low));
	return jhash_2words(low, (u32)high << 16 | vlan, 0);
}

static struct uvf_netdev *station_find(const struct uvf_uplink *uplink, const u8 *addr, u16 vlan)
{
	struct uvf_netdev *un;

	hash_for_each_possible_rcu(uplink->stations, un, station, station_hash(addr, vlan),
				   lockdep_rtnl_is_held())
		if (un->vlan == vlan && ether_addr_equal(un->dev->dev_addr, addr))
			return un;
	return NULL;
}

int uvf_uplink_check_station(struct net_device *lower, const u8 *addr, u16 vlan,
			     const struct uvf_netdev *except, struct netlink_ext_ack *extack)
{
	struct uvf_uplink *uplink = uplink_of(lower);
	struct uvf_netdev *un;

	if (!vlan && ether_addr_equal(lower->dev_addr, addr)) {
		NL_SET_ERR_MSG_MOD(extack, "the address is the uplink's own; choose another, or give a vlan");
		return -EADDRINUSE;
	}
	un = uplink ? station_find(uplink, addr, vlan) : NULL;
	if (un && un != except) {
		NL_SET_ERR_MSG_MOD(extack, "a function with this address and VLAN exists on the uplink; choose another address");
		return -EADDRINUSE;
	}
	return 0;
}

static void station_add(struct uvf_uplink *uplink, struct uvf_netdev *un)
{
	hash_add_rcu(uplink->stations, &un->station, station_hash(un->dev->dev_addr, un->vlan));
}

void uvf_uplink_rehash(struct uvf_netdev *un, const u8 *addr)
{
	ASSERT_RTNL();
	hash_del_rcu(&un->station);
	/* Nobody compares with the address while it changes. Until then frames are the host's. */
	synchronize_net();
	eth_hw_addr_set(un->dev, addr);
	station_add(un->uplink, un);
}

struct uvf_netdev *uvf_uplink_owner(const struct uvf_uplink *uplink, const u8 *addr, u16 vlan)
{
	struct uvf_netdev *un = READ_ONCE(uplink->passthru);

	if (unlikely(un))
		return ether_addr_equal(addr, uplink->dev->dev_addr) ? NULL : un;
	un = vlan ? station_find(uplink, addr, vlan) : NULL;
	return un ?: station_find(uplink, addr, 0);
}

struct uvf_netdev *uvf_uplink_find(const struct uvf_uplink *uplink, const u8 *addr, u16 vlan)
{
	struct uvf_netdev *un = uvf_uplink_owner(uplink, addr, vlan);

	return un ? uvf_redirect_of(un) : NULL;
}

/* --- receive ------------------------------------------------------------------------------ */

static u16 frame_vlan(const struct sk_buff *skb)
{
	/* The tag of a frame is no longer in its data here, whoever took it off. */
	if (!skb_vlan_tag_present(skb) || skb->vlan_proto != htons(ETH_P_8021Q))
		return 0;
	return skb_vlan_tag_get_id(skb);
}

static void flood(const struct uvf_uplink *uplink, struct sk_buff *skb, u16 vlan)
{
	struct uvf_netdev *un;

	list_for_each_entry_rcu(un, &uplink->functions, node) {
		if (un->vlan && un->vlan != vlan)
			continue;
		if (uvf_redirect_wants(un, NULL, eth_hdr(skb)->h_dest))
			uvf_rx_clone(un, skb);
	}
}

/* Under RCU, in softirq, from the network stack. */
static rx_handler_result_t handle_frame(struct sk_buff **pskb)
{
	struct sk_buff *skb = *pskb;
	struct uvf_uplink *uplink = rcu_dereference(skb->dev->rx_handler_data);
	const u8 *addr = eth_hdr(skb)->h_dest;
	struct uvf_netdev *un;
	u16 vlan;

	/* Looped back by the host itself, without an Ethernet header. */
	if (unlikely(skb->pkt_type == PACKET_LOOPBACK))
		return RX_HANDLER_PASS;

	vlan = frame_vlan(skb);
	if (is_multicast_ether_addr(addr)) {
		flood(uplink, skb, vlan);
		return RX_HANDLER_PASS;
	}
	un = uvf_uplink_find(uplink, addr, vlan);
	return un ? uvf_rx_unicast(un, pskb) : RX_HANDLER_PASS;
}

/* --- attaching and detaching -------------------------------------------------------------- */

static bool above_uvf(struct net_device *dev)
{
	struct net_device *lower;
	struct list_head *iter;

	if (uvf_netdev_is(dev))
		return true;
	netdev_for_each_lower_dev(dev, lower, iter)
		if (above_uvf(lower))
			return true;
	return false;
}

int uvf_uplink_check(struct net_device *lower, struct netlink_ext_ack *extack)
{
	if (lower->flags & IFF_LOOPBACK) {
		NL_SET_ERR_MSG_MOD(extack, "the uplink is a loopback device; choose an Ethernet device");
		return -EINVAL;
	}
	if (lower->type != ARPHRD_ETHER) {
		NL_SET_ERR_MSG_MOD(extack, "the uplink is not an Ethernet device");
		return -EINVAL;
	}
	if (above_uvf(lower)) {
		NL_SET_ERR_MSG_MOD(extack, "the uplink is a uvf function or on top of one; choose the function's own uplink");
		return -EINVAL;
	}
	if (netdev_is_rx_handler_busy(lower) && !uplink_of(lower)) {
		NL_SET_ERR_MSG_MOD(extack, "the uplink has a receive handler: it belongs to a bridge, bond, macvlan or the like; take it out first");
		return -EBUSY;
	}
	if (!(lower->flags & IFF_UP)) {
		NL_SET_ERR_MSG_MOD(extack, "the uplink is down; bring it up first: ip link set <uplink> up");
		return -ENETDOWN;
	}
	return 0;
}

int uvf_uplink_check_mode(struct net_device *lower, unsigned int mode,
			  struct netlink_ext_ack *extack)
{
	struct uvf_uplink *uplink = uplink_of(lower);

	if (!uplink)
		return 0;
	if (uplink->passthru) {
		NL_SET_ERR_MSG_MOD(extack, "the uplink has a function in passthru mode, which takes it whole; delete that one first");
		return -EBUSY;
	}
	if (mode == UVF_MODE_PASSTHRU) {
		NL_SET_ERR_MSG_MOD(extack, "passthru takes the whole uplink, which has functions already; delete them first");
		return -EBUSY;
	}
	return 0;
}

static struct uvf_uplink *uplink_create(struct net_device *lower)
{
	struct uvf_uplink *uplink;
	int err;

	uplink = kzalloc(sizeof(*uplink), GFP_KERNEL);
	if (!uplink)
		return ERR_PTR(-ENOMEM);
	hash_init(uplink->stations);
	INIT_LIST_HEAD(&uplink->functions);
	uplink->dev = lower;
	err = netdev_rx_handler_register(lower, handle_frame, uplink);
	if (err) {
		kfree(uplink);
		return ERR_PTR(err);
	}
	return uplink;
}

/* An uplink lives as long as it has functions. */
static void uplink_put(struct uvf_uplink *uplink)
{
	if (!list_empty(&uplink->functions))
		return;
	netdev_rx_handler_unregister(uplink->dev);
	kfree_rcu(uplink, rcu);
}

/*
 * No netdev_upper_dev_link(): the core refuses to attach, replace or take off an XDP program
 * while an upper device has one (dev_xdp_attach(), net/core/dev.c), and a function with an AF_XDP
 * socket has one always. Uplink and function know of each other through the notifier alone.
 */
int uvf_uplink_attach(struct uvf_netdev *un, struct netlink_ext_ack *extack)
{
	struct uvf_uplink *uplink = uplink_of(un->lower);
	int err;

	if (!uplink) {
		uplink = uplink_create(un->lower);
		if (IS_ERR(uplink))
			return PTR_ERR(uplink);
	}
	if (un->vlan) {
		err = vlan_vid_add(un->lower, htons(ETH_P_8021Q), un->vlan);
		if (err) {
			NL_SET_ERR_MSG_MOD(extack, "the uplink does not take the VLAN into its filter");
			uplink_put(uplink);
			return err;
		}
	}
	WRITE_ONCE(un->uplink, uplink);
	list_add_tail_rcu(&un->node, &uplink->functions);
	station_add(uplink, un);
	if (un->mode == UVF_MODE_PASSTHRU)
		WRITE_ONCE(uplink->passthru, un);
	return 0;
}

void uvf_uplink_detach(struct uvf_netdev *un)
{
	struct uvf_uplink *uplink = un->uplink;

	ASSERT_RTNL();
	if (!uplink)
		return;
	WRITE_ONCE(un->uplink, NULL);
	WRITE_ONCE(uplink->passthru, NULL); /* if it was one, it was the only one */
	hash_del_rcu(&un->station);
	list_del_rcu(&un->node);
	if (un->vlan)
		vlan_vid_del(un->lower, htons(ETH_P_8021Q), un->vlan);
	uplink_put(uplink);
	/* Readers that have found the function are waited for by unregister_netdevice(). */
}

/* --- what happens to the lower device ----------------------------------------------------- */

void uvf_uplink_follow(struct uvf_netdev *un)
{
	if (netif_running(un->lower))
		netif_stacked_transfer_operstate(un->lower, un->dev);
	else
		netif_carrier_off(un->dev);
}

static void follow_all(struct uvf_uplink *uplink)
{
	struct uvf_netdev *un;

	list_for_each_entry(un, &uplink->functions, node)
		uvf_uplink_follow(un);
}

static void follow_mtu(struct uvf_uplink *uplink)
{
	unsigned int mtu = uplink->dev->mtu;
	struct uvf_netdev *un;

	list_for_each_entry(un, &uplink->functions, node) {
		if (un->dev->mtu > mtu)
			dev_set_mtu(un->dev, mtu);
		uvf_netdev_limit_mtu(un);
	}
}

static void remove_all(struct uvf_uplink *uplink)
{
	struct uvf_netdev *un, *next;
	LIST_HEAD(list);

	list_for_each_entry_safe(un, next, &uplink->functions, node)
		uvf_netdev_dellink(un->dev, &list);
	unregister_netdevice_many(&list);
}

static const u8 *new_address(struct netdev_notifier_info *info)
{
	return container_of(info, struct netdev_notifier_pre_changeaddr_info, info)->dev_addr;
}

static int check_uplink_address(const struct uvf_uplink *uplink, struct netdev_notifier_info *info)
{
	if (!station_find(uplink, new_address(info), 0))
		return NOTIFY_DONE;
	NL_SET_ERR_MSG_MOD(info->extack, "a uvf function on this device has the address");
	return notifier_from_errno(-EADDRINUSE);
}

static int check_own_address(const struct uvf_netdev *un, struct netdev_notifier_info *info)
{
	return notifier_from_errno(uvf_uplink_check_station(un->lower, new_address(info), un->vlan,
							    un, info->extack));
}

/* An 802.1Q interface would take the frames of our VLAN before they reach the handler. */
static int check_upper(const struct uvf_uplink *uplink, struct netdev_notifier_info *info)
{
	const struct netdev_notifier_changeupper_info *change =
		container_of(info, struct netdev_notifier_changeupper_info, info);
	struct uvf_netdev *un;

	if (!change->linking || !is_vlan_dev(change->upper_dev) ||
	    vlan_dev_vlan_proto(change->upper_dev) != htons(ETH_P_8021Q))
		return NOTIFY_DONE;
	list_for_each_entry(un, &uplink->functions, node) {
		if (un->vlan != vlan_dev_vlan_id(change->upper_dev))
			continue;
		NL_SET_ERR_MSG_MOD(info->extack, "a uvf function on this device has the VLAN");
		return notifier_from_errno(-EEXIST);
	}
	return NOTIFY_DONE;
}

static int own_event(struct uvf_netdev *un, unsigned long event, void *data)
{
	switch (event) {
	case NETDEV_PRE_CHANGEADDR:
		return check_own_address(un, data);
	case NETDEV_REGISTER: /* also in another namespace, where its name may be another */
	case NETDEV_CHANGENAME:
		uvf_irq_rename(un->function);
		break;
	case NETDEV_CHANGE:
	case NETDEV_CHANGEMTU:
	case NETDEV_CHANGEADDR:
		uvf_netdev_notify(un);
		break;
	}
	return NOTIFY_DONE;
}

static int lower_event(struct notifier_block *nb, unsigned long event, void *data)
{
	struct net_device *lower = netdev_notifier_info_to_dev(data);
	struct uvf_uplink *uplink = uplink_of(lower);

	if (uvf_netdev_is(lower))
		return own_event(netdev_priv(lower), event, data);
	if (!uplink)
		return NOTIFY_DONE;
	switch (event) {
	case NETDEV_UP:
	case NETDEV_DOWN:
	case NETDEV_CHANGE:
		follow_all(uplink);
		break;
	case NETDEV_CHANGEMTU:
		follow_mtu(uplink);
		break;
	case NETDEV_PRE_CHANGEADDR:
		return check_uplink_address(uplink, data);
	case NETDEV_PRECHANGEUPPER:
		return check_upper(uplink, data);
	case NETDEV_PRE_TYPE_CHANGE:
		return NOTIFY_BAD;
	case NETDEV_UNREGISTER:
		/* Not when it moves to another namespace. */
		if (lower->reg_state == NETREG_UNREGISTERING)
			remove_all(uplink);
		break;
	}
	return NOTIFY_DONE;
}

static struct notifier_block lower_notifier = { .notifier_call = lower_event };

int uvf_uplink_init(void)
{
	return register_netdevice_notifier(&lower_notifier);
}

void uvf_uplink_exit(void)
{
	unregister_netdevice_notifier(&lower_notifier);
}

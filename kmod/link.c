// SPDX-License-Identifier: GPL-2.0-only
/* The link type: what `ip link` can ask, and with which words it is refused. */
#include "compat/compat.h"
#include "function.h"
#include "netdev.h"
#include "netlink.h"
#include "redirect.h"
#include "sending.h"
#include "uplink.h"

#include <linux/ctype.h>
#include <linux/etherdevice.h>
#include <linux/if_vlan.h>
#include <linux/pci.h>
#include <linux/rtnetlink.h>
#include <linux/uvf.h>
#include <net/rtnetlink.h>

/* --- validate ----------------------------------------------------------------------------- */

static int validate_appliance(const struct nlattr *attr, struct netlink_ext_ack *extack)
{
	const char *name = nla_data(attr);
	size_t i, len = strnlen(name, nla_len(attr));

	if (len == 0 || len >= UVF_APPLIANCE_SIZE || nla_len(attr) > len + 1) {
		NL_SET_ERR_MSG_ATTR(extack, attr, "uvf: an appliance's name has 1 to 31 characters");
		return -EINVAL;
	}
	for (i = 0; i < len; i++) {
		if (isascii(name[i]) && (isalnum(name[i]) || (i && strchr("._-", name[i]))))
			continue;
		NL_SET_ERR_MSG_ATTR(extack, attr, "uvf: an appliance's name has letters, digits, '.', '_' and '-', and a letter or digit first");
		return -EINVAL;
	}
	return 0;
}

static int validate_vlan(const struct nlattr *attr, struct netlink_ext_ack *extack)
{
	u16 vlan = nla_len(attr) == sizeof(vlan) ? nla_get_u16(attr) : 0;

	if (vlan >= UVF_VLAN_MIN && vlan <= UVF_VLAN_MAX)
		return 0;
	NL_SET_ERR_MSG_ATTR(extack, attr, "uvf: a vlan is 1 to 4094");
	return -EINVAL;
}

static int validate_mode(const struct nlattr *attr, struct netlink_ext_ack *extack)
{
	if (nla_len(attr) == sizeof(u32) && nla_get_u32(attr) <= UVF_MODE_MAX)
		return 0;
	NL_SET_ERR_MSG_ATTR(extack, attr, "uvf: a mode is private, bridge or passthru");
	return -EINVAL;
}

static int validate_queues(const struct nlattr *attr, struct netlink_ext_ack *extack)
{
	u32 queues = nla_len(attr) == sizeof(queues) ? nla_get_u32(attr) : 0;

	if (queues >= 1 && queues <= UVF_MAX_QUEUES)
		return 0;
	NL_SET_ERR_MSG_ATTR(extack, attr, "uvf: a function has 1 to 16 queues");
	return -EINVAL;
}

static const struct nla_policy policy[IFLA_UVF_MAX + 1] = {
	[IFLA_UVF_APPLIANCE] = NLA_POLICY_VALIDATE_FN(NLA_BINARY, validate_appliance),
	[IFLA_UVF_VLAN] = NLA_POLICY_VALIDATE_FN(NLA_BINARY, validate_vlan),
	[IFLA_UVF_MODE] = NLA_POLICY_VALIDATE_FN(NLA_BINARY, validate_mode),
	[IFLA_UVF_QUEUES] = NLA_POLICY_VALIDATE_FN(NLA_BINARY, validate_queues),
	[IFLA_UVF_TX_RATE] = NLA_POLICY_VALIDATE_FN(NLA_BINARY, uvf_sending_validate),
	[IFLA_UVF_TX_PPS] = NLA_POLICY_VALIDATE_FN(NLA_BINARY, uvf_sending_validate),
	[IFLA_UVF_TX_BURST] = NLA_POLICY_VALIDATE_FN(NLA_BINARY, uvf_sending_validate),
	[IFLA_UVF_TX_MIRROR] = NLA_POLICY_VALIDATE_FN(NLA_BINARY, uvf_sending_validate),
	[IFLA_UVF_REDIRECT] = NLA_POLICY_VALIDATE_FN(NLA_BINARY, uvf_redirect_validate),
	[IFLA_UVF_PCI] = { .type = NLA_REJECT,
			   .reject_message = "uvf: the PCI address is the module's choice" },
};

/* The core has parsed the attributes, and liberally skipped what it found no name for. */
static int validate_known(const struct nlattr *linkinfo, struct netlink_ext_ack *extack)
{
	const struct nlattr *info, *attr;
	int rem;

	info = linkinfo ? nla_find_nested(linkinfo, IFLA_INFO_DATA) : NULL;
	if (!info)
		return 0;
	nla_for_each_nested(attr, info, rem) {
		if (nla_type(attr) != IFLA_UVF_UNSPEC && nla_type(attr) <= IFLA_UVF_MAX)
			continue;
		NL_SET_ERR_MSG_ATTR(extack, attr, "uvf: unknown attribute; is the tool newer than the module?");
		return -EINVAL;
	}
	return 0;
}

static int validate(struct nlattr *tb[], struct nlattr *data[], struct netlink_ext_ack *extack)
{
	const struct nlattr *addr = tb[IFLA_ADDRESS];

	if (addr && (nla_len(addr) != ETH_ALEN || !is_valid_ether_addr(nla_data(addr)))) {
		NL_SET_ERR_MSG_ATTR(extack, addr, "uvf: the address is not a unicast Ethernet address");
		return -EADDRNOTAVAIL;
	}
	return validate_known(tb[IFLA_LINKINFO], extack);
}

/* --- newlink, changelink, dellink --------------------------------------------------------- */

/* The owner of a container may have the function in it, not choose for whom it is. */
static int check_capable(struct netlink_ext_ack *extack)
{
	if (capable(CAP_NET_ADMIN))
		return 0;
	NL_SET_ERR_MSG_MOD(extack, "this takes CAP_NET_ADMIN in the initial user namespace");
	return -EPERM;
}

static struct net_device *find_uplink(struct net *net, const struct nlattr *link,
				      struct netlink_ext_ack *extack)
{
	struct net_device *lower;

	if (!link) {
		NL_SET_ERR_MSG_MOD(extack, "no uplink is given; name it: ip link add link <uplink> ... type uvf");
		return ERR_PTR(-EINVAL);
	}
	lower = __dev_get_by_index(net, nla_get_u32(link));
	if (!lower) {
		NL_SET_ERR_MSG_ATTR(extack, link, "uvf: there is no such uplink");
		return ERR_PTR(-ENODEV);
	}
	return lower;
}

static int set_mtu(struct net_device *dev, struct net_device *lower, bool given,
		   struct netlink_ext_ack *extack)
{
	dev->max_mtu = lower->mtu;
	if (!given)
		dev->mtu = lower->mtu;
	if (dev->mtu <= lower->mtu)
		return 0;
	NL_SET_ERR_MSG_MOD(extack, "the MTU is above the uplink's");
	return -EINVAL;
}

static int set_vlan(struct net_device *dev, struct net_device *lower, const struct nlattr *vlan,
		    struct netlink_ext_ack *extack)
{
	struct uvf_netdev *un = netdev_priv(dev);
	bool taken;

	if (!vlan)
		return 0;
	un->vlan = nla_get_u16(vlan);
	rcu_read_lock();
	taken = __vlan_find_dev_deep_rcu(lower, htons(ETH_P_8021Q), un->vlan);
	rcu_read_unlock();
	if (!taken)
		return 0;
	NL_SET_ERR_MSG_ATTR(extack, vlan, "uvf: the uplink has an 802.1Q interface with this vlan");
	return -EEXIST;
}

static int set_mode(struct uvf_netdev *un, struct net_device *lower, const struct nlattr *mode,
		    struct netlink_ext_ack *extack)
{
	if (mode)
		un->mode = nla_get_u32(mode);
	if (un->mode == UVF_MODE_PASSTHRU && un->vlan) {
		NL_SET_ERR_MSG_ATTR(extack, mode, "uvf: passthru takes frames of all VLANs; leave out vlan");
		return -EINVAL;
	}
	return uvf_uplink_check_mode(lower, un->mode, extack);
}

static void inherit(struct net_device *dev, const struct net_device *lower)
{
	dev->needed_headroom = lower->needed_headroom;
	dev->needed_tailroom = lower->needed_tailroom;
	netif_inherit_tso_max(dev, lower);
}

static void set_appliance(struct uvf_netdev *un, const struct nlattr *name)
{
	if (name)
		nla_strscpy(un->appliance, name, sizeof(un->appliance));
}

static int configure(struct net_device *dev, struct net_device *lower, struct nlattr *tb[],
		     struct nlattr *data[], struct netlink_ext_ack *extack)
{
	struct uvf_netdev *un = netdev_priv(dev);
	int err;

	err = uvf_uplink_check(lower, extack);
	if (err)
		return err;
	err = set_mtu(dev, lower, tb[IFLA_MTU], extack);
	if (err)
		return err;
	err = set_vlan(dev, lower, data ? data[IFLA_UVF_VLAN] : NULL, extack);
	if (err)
		return err;
	err = set_mode(un, lower, data ? data[IFLA_UVF_MODE] : NULL, extack);
	if (err)
		return err;
	if (!tb[IFLA_ADDRESS])
		eth_hw_addr_random(dev);
	set_appliance(un, data ? data[IFLA_UVF_APPLIANCE] : NULL);
	inherit(dev, lower);
	return uvf_uplink_check_station(lower, dev->dev_addr, un->vlan, un, extack);
}

/* What may change at any time. */
struct settings {
	struct uvf_sending sending;
	struct uvf_netdev *redirect;
};

static int parse_settings(const struct uvf_netdev *un, const struct net_device *lower,
			  struct nlattr *data[], struct settings *settings,
			  struct netlink_ext_ack *extack)
{
	int err = uvf_sending_parse(un, data, &settings->sending, extack);

	return err ?: uvf_redirect_parse(un, lower, data ? data[IFLA_UVF_REDIRECT] : NULL,
					 &settings->redirect, extack);
}

static int set_settings(struct uvf_netdev *un, const struct settings *settings)
{
	int err = uvf_sending_set(un, &settings->sending);

	if (!err)
		uvf_redirect_set(un, settings->redirect);
	return err;
}

static int attach(struct uvf_netdev *un, const struct settings *settings,
		  struct netlink_ext_ack *extack)
{
	int err = set_settings(un, settings);

	return err ?: uvf_uplink_attach(un, extack);
}

static int newlink(struct net *net, struct net_device *dev, struct nlattr *tb[],
		   struct nlattr *data[], struct netlink_ext_ack *extack)
{
	struct uvf_netdev *un = netdev_priv(dev);
	struct settings settings;
	unsigned int queues = 1;
	struct net_device *lower;
	int err;

	err = check_capable(extack);
	if (err)
		return err;
	lower = find_uplink(net, tb[IFLA_LINK], extack);
	if (IS_ERR(lower))
		return PTR_ERR(lower);
	err = configure(dev, lower, tb, data, extack);
	if (err)
		return err;
	err = parse_settings(un, lower, data, &settings, extack);
	if (err)
		return err;
	if (data && data[IFLA_UVF_QUEUES])
		queues = nla_get_u32(data[IFLA_UVF_QUEUES]);
	err = uvf_netdev_bind(dev, lower, queues, extack);
	if (err)
		return err;
	err = register_netdevice(dev);
	if (err) {
		uvf_netdev_unbind(dev);
		return err;
	}
	err = attach(un, &settings, extack);
	if (err) {
		uvf_netdev_dellink(dev, NULL);
		return err;
	}
	un->function->netdev = dev;
	uvf_uplink_follow(un);
	linkwatch_fire_event(dev);
	uvf_function_announce(un->pdev, dev->name, un->appliance);
	uvf_netlink_notify(un, UVF_CMD_FUNCTION_ADD_NTF);
	return 0;
}

UVF_COMPAT_NEWLINK(compat_newlink, newlink)

static int check_mode_change(struct uvf_netdev *un, u32 mode, struct netlink_ext_ack *extack)
{
	if (mode == un->mode)
		return 0;
	if (mode == UVF_MODE_PASSTHRU || un->mode == UVF_MODE_PASSTHRU) {
		NL_SET_ERR_MSG_MOD(extack, "passthru is for life; delete the function and make it anew");
		return -EOPNOTSUPP;
	}
	return check_capable(extack);
}

static int check_appliance_change(const struct net_device *dev, struct netlink_ext_ack *extack)
{
	if (netif_running(dev)) {
		NL_SET_ERR_MSG_MOD(extack, "the appliance can be changed while the function is down; set it down first");
		return -EBUSY;
	}
	return 0;
}

static void change_appliance(struct uvf_netdev *un, const struct nlattr *name)
{
	set_appliance(un, name);
	uvf_netdev_notify(un);
	uvf_function_announce(un->pdev, un->dev->name, un->appliance);
}

static int check_fixed(const struct uvf_netdev *un, struct nlattr *data[],
		       struct netlink_ext_ack *extack)
{
	if (data[IFLA_UVF_VLAN] && nla_get_u16(data[IFLA_UVF_VLAN]) != un->vlan) {
		NL_SET_ERR_MSG_MOD(extack, "the vlan is fixed; delete the function and make it anew");
		return -EOPNOTSUPP;
	}
	if (data[IFLA_UVF_QUEUES] && nla_get_u32(data[IFLA_UVF_QUEUES]) != un->nr_queues) {
		NL_SET_ERR_MSG_MOD(extack, "the number of queues is ethtool's to change: ethtool -L <function> combined <number>");
		return -EOPNOTSUPP;
	}
	return 0;
}

static bool changes_settings(struct nlattr *data[])
{
	return data[IFLA_UVF_TX_RATE] || data[IFLA_UVF_TX_PPS] || data[IFLA_UVF_TX_BURST] ||
	       data[IFLA_UVF_TX_MIRROR] || data[IFLA_UVF_REDIRECT];
}

/* All of it, before anything changes. */
static int check_change(struct uvf_netdev *un, struct nlattr *data[], struct settings *settings,
			struct netlink_ext_ack *extack)
{
	int err = check_fixed(un, data, extack);

	if (!err && data[IFLA_UVF_MODE])
		err = check_mode_change(un, nla_get_u32(data[IFLA_UVF_MODE]), extack);
	if (!err && (data[IFLA_UVF_APPLIANCE] || changes_settings(data)))
		err = check_capable(extack);
	if (!err && data[IFLA_UVF_APPLIANCE])
		err = check_appliance_change(un->dev, extack);
	return err ?: parse_settings(un, un->lower, data, settings, extack);
}

static int changelink(struct net_device *dev, struct nlattr *tb[], struct nlattr *data[],
		      struct netlink_ext_ack *extack)
{
	struct uvf_netdev *un = netdev_priv(dev);
	struct settings settings;
	int err;

	if (!data)
		return 0;
	err = check_change(un, data, &settings, extack);
	if (err)
		return err;
	if (!data[IFLA_UVF_MODE] && !data[IFLA_UVF_APPLIANCE] && !changes_settings(data))
		return 0;
	if (changes_settings(data)) {
		err = set_settings(un, &settings);
		if (err)
			return err;
	}
	if (data[IFLA_UVF_APPLIANCE])
		change_appliance(un, data[IFLA_UVF_APPLIANCE]);
	if (data[IFLA_UVF_MODE])
		WRITE_ONCE(un->mode, nla_get_u32(data[IFLA_UVF_MODE]));
	uvf_netlink_notify(un, UVF_CMD_FUNCTION_CHANGE_NTF);
	return 0;
}

/* --- what is reported --------------------------------------------------------------------- */

static size_t get_size(const struct net_device *dev)
{
	return nla_total_size(UVF_APPLIANCE_SIZE) + nla_total_size(sizeof(u16)) +
	       2 * nla_total_size(sizeof(u32)) + nla_total_size(sizeof("100000000:00:00.0")) +
	       uvf_sending_size() + uvf_redirect_size();
}

static int fill_info(struct sk_buff *skb, const struct net_device *dev)
{
	const struct uvf_netdev *un = netdev_priv(dev);

	if (un->appliance[0] && nla_put_string(skb, IFLA_UVF_APPLIANCE, un->appliance))
		return -EMSGSIZE;
	if (un->vlan && nla_put_u16(skb, IFLA_UVF_VLAN, un->vlan))
		return -EMSGSIZE;
	if (nla_put_u32(skb, IFLA_UVF_MODE, un->mode) ||
	    nla_put_u32(skb, IFLA_UVF_QUEUES, un->nr_queues))
		return -EMSGSIZE;
	if (nla_put_string(skb, IFLA_UVF_PCI, pci_name(un->pdev)))
		return -EMSGSIZE;
	return uvf_sending_fill(skb, un) ?: uvf_redirect_fill(skb, un);
}

static struct net *get_link_net(const struct net_device *dev)
{
	const struct uvf_netdev *un = netdev_priv(dev);

	return dev_net(un->lower);
}

/* As many as there can be; how many there are is another number. */
static unsigned int get_num_queues(void)
{
	return UVF_MAX_QUEUES;
}

struct rtnl_link_ops uvf_link_ops = {
	.kind = UVF_KIND,
	.priv_size = sizeof(struct uvf_netdev),
	.setup = uvf_netdev_setup,
	.maxtype = IFLA_UVF_MAX,
	.policy = policy,
	.validate = validate,
	.newlink = compat_newlink,
	.changelink = changelink,
	.dellink = uvf_netdev_dellink,
	.get_size = get_size,
	.fill_info = fill_info,
	.get_link_net = get_link_net,
	.get_num_tx_queues = get_num_queues,
	.get_num_rx_queues = get_num_queues,
};

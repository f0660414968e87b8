// SPDX-License-Identifier: GPL-2.0-only
/* What ethtool is told. */
#include "netdev.h"

#include <linux/ethtool.h>
#include <linux/pci.h>

static void get_drvinfo(struct net_device *dev, struct ethtool_drvinfo *info)
{
	const struct uvf_netdev *un = netdev_priv(dev);

	strscpy(info->driver, UVF_KIND, sizeof(info->driver));
	strscpy(info->version, UVF_VERSION, sizeof(info->version));
	strscpy(info->bus_info, pci_name(un->pdev), sizeof(info->bus_info));
}

/* Speed and duplex are the uplink's. */
static int get_link_ksettings(struct net_device *dev, struct ethtool_link_ksettings *settings)
{
	const struct uvf_netdev *un = netdev_priv(dev);

	return __ethtool_get_link_ksettings(un->lower, settings);
}

const struct ethtool_ops uvf_ethtool_ops = {
	.get_drvinfo = get_drvinfo,
	.get_link = ethtool_op_get_link,
	.get_link_ksettings = get_link_ksettings,
};

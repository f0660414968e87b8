// SPDX-License-Identifier: GPL-2.0-only
/* What ethtool asks. */
#include "channels.h"
#include "netdev.h"

#include <linux/ethtool.h>
#include <linux/pci.h>
#include <linux/uvf.h>

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

/* --- -l, -L ------------------------------------------------------------------------------- */

static void get_channels(struct net_device *dev, struct ethtool_channels *channels)
{
	const struct uvf_netdev *un = netdev_priv(dev);

	channels->max_combined = UVF_MAX_QUEUES;
	channels->combined_count = un->nr_queues;
	channels->max_other = 1; /* the mailbox */
	channels->other_count = 1;
}

/* The core has seen to the limits, and that no AF_XDP socket is bound to a queue that goes. */
static int set_channels(struct net_device *dev, struct ethtool_channels *channels)
{
	if (!channels->combined_count || channels->other_count != 1)
		return -EINVAL;
	return uvf_netdev_set_queues(netdev_priv(dev), channels->combined_count);
}

/* --- -c, -C ------------------------------------------------------------------------------- */

#define RX_USECS_MAX 100000

static int get_coalesce(struct net_device *dev, struct ethtool_coalesce *coalesce,
			struct kernel_ethtool_coalesce *kernel_coalesce,
			struct netlink_ext_ack *extack)
{
	const struct uvf_netdev *un = netdev_priv(dev);

	coalesce->rx_coalesce_usecs = un->rx_usecs;
	coalesce->rx_max_coalesced_frames = un->rx_frames;
	return 0;
}

static int set_coalesce(struct net_device *dev, struct ethtool_coalesce *coalesce,
			struct kernel_ethtool_coalesce *kernel_coalesce,
			struct netlink_ext_ack *extack)
{
	struct uvf_netdev *un = netdev_priv(dev);

	if (coalesce->rx_coalesce_usecs > RX_USECS_MAX) {
		NL_SET_ERR_MSG_MOD(extack, "rx-usecs is at most 100000");
		return -EINVAL;
	}
	if (!coalesce->rx_max_coalesced_frames ||
	    coalesce->rx_max_coalesced_frames > UVF_RX_FRAMES_MAX) {
		NL_SET_ERR_MSG_MOD(extack, "rx-frames is 1 to 512, half of a queue");
		return -EINVAL;
	}
	WRITE_ONCE(un->rx_frames, coalesce->rx_max_coalesced_frames);
	WRITE_ONCE(un->rx_usecs, coalesce->rx_coalesce_usecs);
	return 0;
}

/* --- -S ----------------------------------------------------------------------------------- */

/* All functions have as many: the core asks for their number and for their values apart. */
#define NR_TRAFFIC 4
#define UVF_DROP_NAME(name, text) text,

static const char *const totals[] = { UVF_DROPS(UVF_DROP_NAME) };

static int get_sset_count(struct net_device *dev, int set)
{
	if (set != ETH_SS_STATS)
		return -EOPNOTSUPP;
	return ARRAY_SIZE(totals) + UVF_MAX_QUEUES * NR_TRAFFIC;
}

static void get_strings(struct net_device *dev, u32 set, u8 *data)
{
	int i;

	if (set != ETH_SS_STATS)
		return;
	for (i = 0; i < ARRAY_SIZE(totals); i++)
		ethtool_sprintf(&data, "%s", totals[i]);
	for (i = 0; i < UVF_MAX_QUEUES; i++) {
		ethtool_sprintf(&data, "rx%d_packets", i);
		ethtool_sprintf(&data, "rx%d_bytes", i);
		ethtool_sprintf(&data, "tx%d_packets", i);
		ethtool_sprintf(&data, "tx%d_bytes", i);
	}
}

static void get_ethtool_stats(struct net_device *dev, struct ethtool_stats *stats, u64 *data)
{
	const struct uvf_netdev *un = netdev_priv(dev);
	struct uvf_counts sum;
	int i;

	uvf_channels_counts(un, &sum);
	memcpy(data, sum.drop, sizeof(sum.drop));
	data += ARRAY_SIZE(totals);
	for (i = 0; i < UVF_MAX_QUEUES; i++, data += NR_TRAFFIC) {
		struct uvf_counts counts = {};

		if (un->queue[i])
			uvf_queue_counts(un->queue[i], &counts);
		data[0] = counts.rx_packets;
		data[1] = counts.rx_bytes;
		data[2] = counts.tx_packets;
		data[3] = counts.tx_bytes;
	}
}

const struct ethtool_ops uvf_ethtool_ops = {
	.supported_coalesce_params = ETHTOOL_COALESCE_RX_USECS | ETHTOOL_COALESCE_RX_MAX_FRAMES,
	.get_drvinfo = get_drvinfo,
	.get_link = ethtool_op_get_link,
	.get_link_ksettings = get_link_ksettings,
	.get_channels = get_channels,
	.set_channels = set_channels,
	.get_coalesce = get_coalesce,
	.set_coalesce = set_coalesce,
	.get_sset_count = get_sset_count,
	.get_strings = get_strings,
	.get_ethtool_stats = get_ethtool_stats,
};

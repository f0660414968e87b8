// SPDX-License-Identifier: GPL-2.0-only
/* Steps: a function is made, set up, given an address, or other queues. */
#include "faults.h"

#include <linux/ethtool.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static uint8_t address[ETH_ALEN] = { 2, 0, 0, 0, 0, 1 };

static void put_words(struct nl_msg *msg, char **word)
{
	for (; *word; word++) {
		const char *value = strchr(*word, '=');

		if (!value)
			die(2, "'%s' has no value", *word);
		if (!strncmp(*word, "appliance=", 10))
			nla_put_string(msg, IFLA_UVF_APPLIANCE, value + 1);
		else if (!strncmp(*word, "vlan=", 5))
			nla_put_u16(msg, IFLA_UVF_VLAN, atoi(value + 1));
		else if (!strncmp(*word, "mode=", 5))
			nla_put_u32(msg, IFLA_UVF_MODE, atoi(value + 1));
		else if (!strncmp(*word, "queues=", 7))
			nla_put_u32(msg, IFLA_UVF_QUEUES, atoi(value + 1));
		else if (!strncmp(*word, "tx_pps=", 7))
			nla_put_u32(msg, IFLA_UVF_TX_PPS, atoi(value + 1));
		else
			die(2, "'%s' is not known", *word);
	}
}

static void put_info(struct nl_msg *msg, char **more)
{
	struct nlattr *info, *data;

	info = nla_nest_start(msg, IFLA_LINKINFO);
	nla_put_string(msg, IFLA_INFO_KIND, UVF_KIND);
	data = nla_nest_start(msg, IFLA_INFO_DATA);
	put_words(msg, more);
	nla_nest_end(msg, data);
	nla_nest_end(msg, info);
}

static int link_make(const char *uplink, const char *device, char **more, unsigned int up,
		     bool faulty)
{
	struct nl_msg *msg = link_new(NLM_F_CREATE | NLM_F_EXCL, 0, up);

	nla_put_u32(msg, IFLA_LINK, index_of(uplink));
	nla_put_string(msg, IFLA_IFNAME, device);
	nla_put(msg, IFLA_ADDRESS, sizeof(address), address);
	put_info(msg, more);
	return ask(rtnl, msg, faulty, NULL, NULL);
}

static void link_unmake(const char *device)
{
	const struct ifinfomsg info = { .ifi_index = index_of(device) };

	done(ask(rtnl, rtnl_new(RTM_DELLINK, 0, &info, sizeof(info)), false, NULL, NULL));
}

int make(void)
{
	return link_make(words[0], words[1], words + 2, -1, true);
}

void unmake(void)
{
	link_unmake(words[1]);
}

int up(void)
{
	return ask(rtnl, link_new(0, index_of(name), IFF_UP), true, NULL, NULL);
}

void down(void)
{
	done(ask(rtnl, link_new(0, index_of(name), 0), false, NULL, NULL));
}

static int set_address(uint8_t last, bool faulty)
{
	struct nl_msg *msg = link_new(0, index_of(name), -1);

	address[5] = last;
	nla_put(msg, IFLA_ADDRESS, sizeof(address), address);
	return ask(rtnl, msg, faulty, NULL, NULL);
}

int readdress(void)
{
	return set_address(2, true);
}

void address_back(void)
{
	done(set_address(1, false));
}

/* --- a limit */

static int set_limit(char *pps, bool faulty)
{
	struct nl_msg *msg = link_new(0, index_of(name), -1);
	char *more[] = { pps, NULL };

	put_info(msg, more);
	return ask(rtnl, msg, faulty, NULL, NULL);
}

int limit(void)
{
	return set_limit(words[1], true);
}

void limit_off(void)
{
	char none[] = "tx_pps=0";

	done(set_limit(none, false));
}

/* --- queues */

static int channels_ioctl(const char *device, struct ethtool_channels *channels, bool faulty)
{
	struct ifreq request = { .ifr_data = (void *)channels };
	int err, fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	strncpy(request.ifr_name, device, IFNAMSIZ - 1);
	if (faulty)
		err = FAULTY(ioctl(fd, SIOCETHTOOL, &request));
	else
		err = error_of(ioctl(fd, SIOCETHTOOL, &request));
	close(fd);
	return err;
}

/* Queues once made stay made: for all of their allocations, the function is made anew. */
void renew(void)
{
	char *queues[] = { words[2], NULL };

	if (if_nametoindex(words[1]))
		link_unmake(words[1]);
	done(link_make(words[0], words[1], queues, IFF_UP, false));
}

int channels_change(void)
{
	struct ethtool_channels channels = { .cmd = ETHTOOL_GCHANNELS };

	done(channels_ioctl(words[1], &channels, false));
	channels.cmd = ETHTOOL_SCHANNELS;
	channels.combined_count = atoi(words[3]);
	return channels_ioctl(words[1], &channels, true);
}

// SPDX-License-Identifier: GPL-2.0-only
#include "ethtool.h"

#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/ethtool.h>
#include <linux/sockios.h>

static int call(const char *device, void *command)
{
	struct ifreq request = { .ifr_data = command };
	int sock, err;

	sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (sock < 0)
		return -errno;
	strncpy(request.ifr_name, device, sizeof(request.ifr_name) - 1);
	err = ioctl(sock, SIOCETHTOOL, &request) < 0 ? -errno : 0;
	close(sock);
	return err;
}

int uvf_ethtool_driver(const char *device, char *name)
{
	struct ethtool_drvinfo info = { .cmd = ETHTOOL_GDRVINFO };
	int err = call(device, &info);

	_Static_assert(sizeof(info.driver) == UVF_DRIVER_SIZE, "a driver's name as the kernel has it");
	if (!err)
		memcpy(name, info.driver, sizeof(info.driver));
	return err;
}

int uvf_ethtool_queues(const char *device)
{
	struct ethtool_channels channels = { .cmd = ETHTOOL_GCHANNELS };
	int err = call(device, &channels);

	if (err && err != -EOPNOTSUPP)
		return err;
	if (err || !(channels.combined_count + channels.rx_count))
		return 1;
	return channels.combined_count + channels.rx_count;
}

/* --- the indirection table -------------------------------------------------------------- */

/* The head, and room for the largest table behind it. */
union indir {
	struct ethtool_rxfh_indir head;
	uint32_t words[sizeof(struct ethtool_rxfh_indir) / sizeof(uint32_t) + UVF_RSS_MAX];
};

int uvf_ethtool_rss_get(const char *device, struct uvf_rss *rss)
{
	union indir indir = { .head = { .cmd = ETHTOOL_GRXFHINDIR } };
	int err;

	rss->size = 0;
	err = call(device, &indir); /* only its size */
	if (err)
		return err;
	if (!indir.head.size || indir.head.size > UVF_RSS_MAX)
		return -EOPNOTSUPP;
	err = call(device, &indir);
	if (err)
		return err;
	rss->size = indir.head.size;
	memcpy(rss->queue, indir.head.ring_index, rss->size * sizeof(rss->queue[0]));
	return 0;
}

/* As ethtool_rxfh_indir_default() of linux/ethtool.h has it. */
static bool is_default(const struct uvf_rss *rss, unsigned int queues)
{
	for (uint32_t i = 0; i < rss->size; i++)
		if (rss->queue[i] != i % queues)
			return false;
	return true;
}

static int rss_reset(const char *device)
{
	struct ethtool_rxfh_indir reset = { .cmd = ETHTOOL_SRXFHINDIR };

	return call(device, &reset);
}

int uvf_ethtool_rss_set(const char *device, const struct uvf_rss *rss, unsigned int queues)
{
	union indir indir = { .head = { .cmd = ETHTOOL_SRXFHINDIR, .size = rss->size } };

	if (queues && is_default(rss, queues) && !rss_reset(device))
		return 0;
	memcpy(indir.head.ring_index, rss->queue, rss->size * sizeof(rss->queue[0]));
	return call(device, &indir);
}

bool uvf_rss_equal(const struct uvf_rss *a, const struct uvf_rss *b)
{
	return a->size == b->size && !memcmp(a->queue, b->queue, a->size * sizeof(a->queue[0]));
}

/* --- rules ------------------------------------------------------------------------------ */

/* The places taken; in @data how many there are, and whether the driver chooses by itself. */
static int rules_list(const char *device, struct ethtool_rxnfc **to)
{
	struct ethtool_rxnfc count = { .cmd = ETHTOOL_GRXCLSRLCNT }, *list;
	int err = call(device, &count);

	if (err)
		return err;
	list = calloc(1, sizeof(*list) + count.rule_cnt * sizeof(list->rule_locs[0]));
	if (!list)
		return -ENOMEM;
	list->cmd = ETHTOOL_GRXCLSRLALL;
	list->rule_cnt = count.rule_cnt;
	err = call(device, list);
	if (err) {
		free(list);
		return err;
	}
	list->data |= count.data & RX_CLS_LOC_SPECIAL;
	*to = list;
	return 0;
}

static bool is_taken(const struct ethtool_rxnfc *list, uint32_t location)
{
	for (uint32_t i = 0; i < list->rule_cnt; i++)
		if (list->rule_locs[i] == location)
			return true;
	return false;
}

/* The last free one, as ethtool(8) does: rules of others, which may be narrower, come first. */
static int free_location(const char *device, uint32_t *location)
{
	struct ethtool_rxnfc *list;
	uint32_t places;
	int err = rules_list(device, &list);

	if (err)
		return err;
	places = list->data & ~RX_CLS_LOC_SPECIAL;
	while (places && is_taken(list, places - 1))
		places--;
	if (list->data & RX_CLS_LOC_SPECIAL)
		*location = RX_CLS_LOC_ANY;
	else if (places)
		*location = places - 1;
	else
		err = -ENOSPC;
	free(list);
	return err;
}

static void rule_make(struct ethtool_rx_flow_spec *spec, const uint8_t *mac, uint32_t queue)
{
	*spec = (struct ethtool_rx_flow_spec){ .flow_type = ETHER_FLOW, .ring_cookie = queue };
	memcpy(spec->h_u.ether_spec.h_dest, mac, ETH_ALEN);
	memset(spec->m_u.ether_spec.h_dest, 0xff, ETH_ALEN);
}

static bool rule_equal(const struct ethtool_rx_flow_spec *a, const struct ethtool_rx_flow_spec *b)
{
	return a->flow_type == b->flow_type && a->ring_cookie == b->ring_cookie &&
	       !memcmp(&a->h_u.ether_spec, &b->h_u.ether_spec, sizeof(a->h_u.ether_spec)) &&
	       !memcmp(&a->m_u.ether_spec, &b->m_u.ether_spec, sizeof(a->m_u.ether_spec));
}

static int rule_locate(const char *device, const uint8_t *mac, uint32_t queue, uint32_t *location)
{
	struct ethtool_rxnfc *list, rule;
	struct ethtool_rx_flow_spec ours;
	int err = rules_list(device, &list);

	if (err)
		return err;
	rule_make(&ours, mac, queue);
	err = -ENOENT;
	for (uint32_t i = 0; err && i < list->rule_cnt; i++) {
		rule = (struct ethtool_rxnfc){ .cmd = ETHTOOL_GRXCLSRULE };
		rule.fs.location = list->rule_locs[i];
		if (call(device, &rule) || !rule_equal(&rule.fs, &ours))
			continue;
		*location = list->rule_locs[i];
		err = 0;
	}
	free(list);
	return err;
}

int uvf_ethtool_rule_find(const char *device, const uint8_t *mac, uint32_t queue)
{
	uint32_t location;

	return rule_locate(device, mac, queue, &location);
}

int uvf_ethtool_rule_add(const char *device, const uint8_t *mac, uint32_t queue)
{
	struct ethtool_rxnfc rule = { .cmd = ETHTOOL_SRXCLSRLINS };
	int err;

	rule_make(&rule.fs, mac, queue);
	err = free_location(device, &rule.fs.location);
	return err ? err : call(device, &rule);
}

int uvf_ethtool_rule_remove(const char *device, const uint8_t *mac, uint32_t queue)
{
	struct ethtool_rxnfc rule = { .cmd = ETHTOOL_SRXCLSRLDEL };
	int err = rule_locate(device, mac, queue, &rule.fs.location);

	return err ? err : call(device, &rule);
}

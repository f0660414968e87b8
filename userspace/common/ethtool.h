/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How a network card spreads what it receives over its queues (linux/ethtool.h). By ioctl: rules
 * have no other way, and the netlink one for the rest is younger than the kernels that we serve.
 */
#ifndef UVF_ETHTOOL_H
#define UVF_ETHTOOL_H

#include <stdbool.h>
#include <stdint.h>

/* The indirection table: the queue of each value of the hash. */
#define UVF_RSS_MAX 4096
struct uvf_rss {
	uint32_t size; /* 0: there is none */
	uint32_t queue[UVF_RSS_MAX];
};

/* All return -errno without a sentence; -EOPNOTSUPP where the driver has no such thing. */

#define UVF_DRIVER_SIZE 32
int uvf_ethtool_driver(const char *device, char *name);

/* Queues that receive; 1 where the driver does not tell. */
int uvf_ethtool_queues(const char *device);

int uvf_ethtool_rss_get(const char *device, struct uvf_rss *rss);
/* A table that is the default one is set as such, so that it goes on to follow `ethtool -L`. */
int uvf_ethtool_rss_set(const char *device, const struct uvf_rss *rss, unsigned int queues);
bool uvf_rss_equal(const struct uvf_rss *a, const struct uvf_rss *b);

/* A rule: frames for @mac go to @queue. -ENOENT: there is none. */
int uvf_ethtool_rule_find(const char *device, const uint8_t *mac, uint32_t queue);
int uvf_ethtool_rule_add(const char *device, const uint8_t *mac, uint32_t queue);
int uvf_ethtool_rule_remove(const char *device, const uint8_t *mac, uint32_t queue);

#endif /* UVF_ETHTOOL_H */

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * /etc/uvf/uvf.conf: functions that there are to be, and who may become which appliance.
 * uvf.conf(5) is its manual.
 */
#ifndef UVF_CONFIG_H
#define UVF_CONFIG_H

#include <net/if.h>
#include <stdbool.h>
#include <sys/types.h>

#include <uvf/steer.h>

#include "limit.h"
#include "link.h"
#include "rule.h"

#define UVF_CONFIG "/etc/uvf/uvf.conf"

enum config_backend { CONFIG_ANY, CONFIG_UVF, CONFIG_VETH };

struct config_function {
	char name[IFNAMSIZ];
	char uplink[IFNAMSIZ];
	char appliance[UVF_APPLIANCE_SIZE]; /* "": any */
	enum config_backend backend;
	uint16_t vlan; /* UVF_VLAN_ANY: none given */
	int mode; /* enum uvf_mode, or -1: not given */
	unsigned int queues; /* 0: not given */
	unsigned int mtu; /* 0: not given */
	unsigned int lease; /* receive queues of the uplink; 0: not given */
	bool has_mac;
	uint8_t mac[6];
	bool up;
	bool has_rules; /* they are all that there are to be; else they are left alone */
	unsigned int nr_rules;
	struct uvf_rule *rules;
	bool has_limit[UVF_DIRECTIONS]; /* else they are left as they are */
	struct uvf_limit_words limit[UVF_DIRECTIONS];
	bool has_mirror;
	struct uvf_mirror_words mirror;
};

#define CONFIG_MEMORY (4ULL << 30) /* bytes that an appliance may have without a word on it */
#define CONFIG_MEMORY_LEAST 4096

struct config_appliance {
	char name[UVF_APPLIANCE_SIZE];
	unsigned int nr_users;
	uid_t *users;
	uint64_t memory; /* bytes of UMEM that it may have; 0: not given */
	bool has_linger;
	uint32_t linger; /* seconds that its leases outlive it */
};

struct config {
	unsigned int nr_functions;
	struct config_function *functions;
	unsigned int nr_appliances;
	struct config_appliance *appliances;
};

/* 0, or -errno with a sentence that begins with file and line. @config is to be freed then too. */
int config_read(struct config *config, const char *path);
/* The same of a text, which errors call "text". */
int config_parse(struct config *config, const char *text);
void config_free(struct config *config);

/* Whether @uid may become @appliance. Root may become any; others those that name them. */
bool config_allows(const struct config *config, uid_t uid, const char *appliance);

#endif /* UVF_CONFIG_H */

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The rules file: what it says, checked and resolved. Nothing of it changes once the firewall
 * runs. Addresses are in host byte order.
 */
#ifndef FW_CONFIG_H
#define FW_CONFIG_H

#include <pcap/pcap.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CONFIG_PORTS	 8
#define CONFIG_ROUTES	 256
#define CONFIG_RULES	 1024
#define CONFIG_NAME_SIZE 16 /* of a function: IFNAMSIZ */
#define CONFIG_FILE_MAX	 (1 << 20)

struct port_config {
	char name[CONFIG_NAME_SIZE];
	uint32_t addr;
	uint32_t mask;
	unsigned int prefix;
	unsigned int line;
};

struct route {
	uint32_t net;
	uint32_t mask;
	uint32_t via; /* 0: the destination itself is the next hop */
	unsigned int port;
	unsigned int line;
};

enum rule_action { RULE_PASS, RULE_BLOCK };

struct rule {
	enum rule_action action;
	char on[CONFIG_NAME_SIZE]; /* empty: on every port */
	char *text;		   /* the expression as written */
	unsigned int line;
	struct bpf_program program;
};

struct config {
	const char *path; /* for messages */
	struct port_config port[CONFIG_PORTS];
	unsigned int ports;
	struct route route[CONFIG_PORTS + CONFIG_ROUTES]; /* longest prefix first */
	unsigned int routes;
	struct rule *rule;
	unsigned int rules;
	bool drop_silently; /* block-policy drop */
	bool trust_sources; /* source-check off */
	char error[512];    /* one sentence, after a failure */
};

/* Both return 0, or -1 with config->error set; config_free() is due in either case. */
int config_load(struct config *config, const char *path);
int config_parse(struct config *config, const char *path, const char *text, size_t len);
void config_free(struct config *config);

/* config_fail - set the error to "path:line: ..."; returns -1. Line 0: the file as a whole. */
int config_fail(struct config *config, unsigned int line, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* config_port - index of the port called @name, or -1. */
int config_port(const struct config *config, const char *name);

/* config_route - the best route to @addr, or NULL. */
const struct route *config_route(const struct config *config, uint32_t addr);

#endif /* FW_CONFIG_H */

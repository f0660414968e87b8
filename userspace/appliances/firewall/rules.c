// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rules: libpcap compiles each expression to a classic BPF program once; on the packet path a
 * port runs through those that apply to it, and the first match decides.
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "fw.h"

#define SNAPLEN 65535

static int compile(struct config *config, struct rule *rule, pcap_t *pcap)
{
	/* "all" is clearer than nothing, which is how libpcap writes it. */
	const char *text = strcmp(rule->text, "all") ? rule->text : "";

	/* The netmask serves "ip broadcast" alone; broadcasts are never forwarded. */
	if (!pcap_compile(pcap, &rule->program, text, 1, PCAP_NETMASK_UNKNOWN))
		return 0;
	return config_fail(config, rule->line, "bad expression '%.200s': %s", rule->text,
			   pcap_geterr(pcap));
}

int rules_compile(struct config *config)
{
	pcap_t *pcap = pcap_open_dead(DLT_EN10MB, SNAPLEN);
	int err = 0;

	if (!pcap)
		return config_fail(config, 0, "out of memory");
	for (unsigned int i = 0; !err && i < config->rules; i++)
		err = compile(config, &config->rule[i], pcap);
	pcap_close(pcap);
	return err;
}

/* Give each port its own list, so that "on" costs nothing later. */
int rules_assign(struct fw *fw)
{
	const struct config *config = fw->config;

	fw->hits = calloc(config->rules + 1, sizeof(*fw->hits));
	if (!fw->hits)
		return -1;
	for (unsigned int i = 0; i < fw->ports; i++) {
		struct port *port = &fw->port[i];

		port->rule = calloc(config->rules + 1, sizeof(*port->rule));
		if (!port->rule)
			return -1;
		for (unsigned int k = 0; k < config->rules; k++) {
			const struct rule *rule = &config->rule[k];

			if (!*rule->on || !strcmp(rule->on, config->port[i].name))
				port->rule[port->rules++] = rule;
		}
	}
	return 0;
}

enum rule_action rules_match(struct fw *fw, unsigned int in, const struct frame *frame)
{
	const struct port *port = &fw->port[in];
	const struct rule *rule = NULL;
	struct hits *hits = &fw->hits[fw->config->rules];

	for (unsigned int i = 0; i < port->rules && !rule; i++)
		if (bpf_filter(port->rule[i]->program.bf_insns, frame->data, frame->len,
			       frame->len))
			rule = port->rule[i];
	if (rule)
		hits = &fw->hits[rule - fw->config->rule];
	hits->packets++;
	hits->bytes += frame->len;
	return rule ? rule->action : RULE_BLOCK;
}

// SPDX-License-Identifier: GPL-2.0-only
/* What was counted, as one line of JSON; the man page lists the members. */
#include <json-c/json.h>
#include <string.h>

#include "fw.h"

static void add(struct json_object *to, const char *key, uint64_t value)
{
	json_object_object_add(to, key, json_object_new_uint64(value));
}

static void add_text(struct json_object *to, const char *key, const char *value)
{
	json_object_object_add(to, key, json_object_new_string(value));
}

static struct json_object *drops(const struct port *port)
{
	struct json_object *json = json_object_new_object();

	for (unsigned int i = 0; i < DROP_COUNT; i++)
		add(json, drop_names[i], port->drop[i]);
	return json;
}

static struct json_object *ring(const struct port *port)
{
	struct json_object *json = json_object_new_object();

	add(json, "rx_dropped", port->ring.dropped);
	add(json, "rx_full", port->ring.full);
	add(json, "rx_no_frame", port->ring.no_frame);
	add(json, "tx_full", port->tx_full);
	add(json, "tx_invalid", port->ring.invalid);
	return json;
}

static struct json_object *port_json(const struct port *port, const char *name)
{
	struct json_object *json = json_object_new_object();

	add_text(json, "name", name);
	add(json, "rx_frames", port->rx_frames);
	add(json, "rx_bytes", port->rx_bytes);
	add(json, "tx_frames", port->tx_frames);
	add(json, "tx_bytes", port->tx_bytes);
	add(json, "forwarded", port->forwarded);
	add(json, "local", port->local);
	add(json, "arp_requests", port->arp_requests);
	add(json, "echo_replies", port->echo_replies);
	add(json, "icmp_errors", port->icmp_errors);
	add(json, "tcp_resets", port->tcp_resets);
	add(json, "unanswered", port->unanswered);
	add(json, "own_dropped", port->own_drop);
	json_object_object_add(json, "dropped", drops(port));
	json_object_object_add(json, "ring", ring(port));
	return json;
}

static struct json_object *rule_json(const struct rule *rule, const struct hits *hits)
{
	struct json_object *json = json_object_new_object();

	add(json, "line", rule->line);
	add_text(json, "action", rule->action == RULE_PASS ? "pass" : "block");
	if (*rule->on)
		add_text(json, "on", rule->on);
	add_text(json, "expression", rule->text);
	add(json, "packets", hits->packets);
	add(json, "bytes", hits->bytes);
	return json;
}

char *stats_json(const struct fw *fw)
{
	const struct config *config = fw->config;
	struct json_object *json = json_object_new_object(), *ports = json_object_new_array();
	struct json_object *rules = json_object_new_array(), *none = json_object_new_object();
	char *text;

	for (unsigned int i = 0; i < fw->ports; i++)
		json_object_array_add(ports, port_json(&fw->port[i], config->port[i].name));
	for (unsigned int i = 0; i < config->rules; i++)
		json_object_array_add(rules, rule_json(&config->rule[i], &fw->hits[i]));
	add(none, "packets", fw->hits[config->rules].packets);
	add(none, "bytes", fw->hits[config->rules].bytes);
	json_object_object_add(json, "ports", ports);
	json_object_object_add(json, "rules", rules);
	json_object_object_add(json, "no_rule", none);
	add(json, "held", NEIGH_POOL - fw->held.left);
	text = strdup(json_object_to_json_string_ext(json, JSON_C_TO_STRING_PLAIN));
	json_object_put(json);
	return text;
}

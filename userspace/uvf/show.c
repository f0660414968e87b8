// SPDX-License-Identifier: GPL-2.0-only
/* uvf show: what a function is. The text is the JSON object, a line for each member. */
#include "show.h"

#include <json-c/json.h>
#include <stdio.h>
#include <uvf/steer.h>

static const struct argp argp = {
	.options = query_options,
	.parser = query_parse,
	.args_doc = "FUNCTION...",
	.doc = "Shows what a function is: its uplink, appliance, addresses, and who holds it.",
};

static void text(struct json_object *object, const char *key, const char *value)
{
	json_object_object_add(object, key, value && *value ? json_object_new_string(value) : NULL);
}

static struct json_object *meta_json(uint32_t flags)
{
	struct json_object *array = json_object_new_array();

	if (flags & UVF_MEMORY_META_RX)
		json_object_array_add(array, json_object_new_string("rx"));
	if (flags & UVF_MEMORY_META_TX)
		json_object_array_add(array, json_object_new_string("tx"));
	return array;
}

static struct json_object *lease_json(const struct uvf_reply *lease)
{
	struct json_object *object;

	if (!*lease->holder)
		return NULL;
	object = json_object_new_object();
	text(object, "appliance", lease->holder);
	json_object_object_add(object, "pid", json_object_new_int(lease->holder_pid));
	json_object_object_add(object, "zerocopy", json_object_new_boolean(lease->zerocopy));
	json_object_object_add(object, "jumbo", json_object_new_boolean(lease->jumbo));
	json_object_object_add(object, "metadata", meta_json(lease->meta));
	json_object_object_add(object, "ring_size", json_object_new_int(lease->ring_size));
	json_object_object_add(object, "sources", json_object_new_int(lease->sources));
	json_object_object_add(object, "parked", lease->parked ?
			       json_object_new_int(lease->parked) : NULL);
	return object;
}

struct json_object *show_json(const struct fact *fact)
{
	const struct uvf_function *function = &fact->function;
	struct json_object *object = json_object_new_object();
	bool is_uvf = function->port == function->netdev;
	char mac[MAC_TEXT_SIZE];

	text(object, "function", function->netdev->name);
	text(object, "uplink", function->uplink ? function->uplink->name : NULL);
	text(object, "appliance", function->port->appliance);
	text(object, "backend", fact_backend(fact));
	text(object, "pci", function->port->pci);
	text(object, "mac", mac_text(function->netdev->mac, mac));
	json_object_object_add(object, "vlan", function->port->vlan == UVF_VLAN_ANY ?
			       NULL : json_object_new_int(function->port->vlan));
	text(object, "mode", is_uvf ? uvf_mode_text(function->netdev->mode) : NULL);
	json_object_object_add(object, "queues",
			       json_object_new_int(is_uvf ? function->netdev->queues : 1));
	json_object_object_add(object, "mtu", json_object_new_int(function->netdev->mtu));
	json_object_object_add(object, "ifindex", json_object_new_int(function->netdev->ifindex));
	text(object, "state", fact_state(fact));
	text(object, "path", !fact->uvfd ? NULL : fact->lease.steered ? "xdp" : "slow");
	text(object, "redirect", fact->uvfd ? fact->lease.redirect : NULL);
	json_object_object_add(object, "lease", fact->uvfd ? lease_json(&fact->lease) : NULL);
	return object;
}

static void print_text(struct json_object *object)
{
	json_object_object_foreach(object, key, value)
		printf("%-12s%s\n", key, value ? json_object_get_string(value) : "-");
}

int cmd_show(int argc, char **argv)
{
	return query_each(&argp, argc, argv, show_json, print_text);
}

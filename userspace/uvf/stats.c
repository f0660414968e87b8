// SPDX-License-Identifier: GPL-2.0-only
/* uvf stats: what a function received, sent and dropped, and where. */
#include "uvf.h"

#include <json-c/json.h>
#include <stdio.h>
#include <uvf/steer.h>

static const struct argp argp = {
	.options = query_options,
	.parser = query_parse,
	.args_doc = "FUNCTION...",
	.doc = "Shows a function's counters.\v"
	       "netdev: the function's own, as `ip -s link` shows them.\n"
	       "steering: what the programs on the uplink did for it, since it was last brought "
	       "up. Needs uvfd.\n"
	       "socket: of the AF_XDP socket while the function is leased.",
};

static void number(struct json_object *object, const char *key, uint64_t value)
{
	json_object_object_add(object, key, json_object_new_uint64(value));
}

static struct json_object *netdev_json(const struct rtnl_link_stats64 *stats)
{
	struct json_object *object = json_object_new_object();

	number(object, "rx_frames", stats->rx_packets);
	number(object, "rx_bytes", stats->rx_bytes);
	number(object, "rx_dropped", stats->rx_dropped);
	number(object, "tx_frames", stats->tx_packets);
	number(object, "tx_bytes", stats->tx_bytes);
	number(object, "tx_dropped", stats->tx_dropped);
	number(object, "multicast", stats->multicast);
	return object;
}

const char *const drop_names[UVF_DROPS] = { "dropped_rule", "dropped_rx_limit",
					    "dropped_tx_limit", "dropped_vlan" };

_Static_assert(UVF_DROPS == 4, "a word for each reason");

static struct json_object *steering_json(const struct fact *fact)
{
	struct json_object *object = json_object_new_object();

	number(object, "rx_frames", fact->lease.rx_frames);
	number(object, "rx_bytes", fact->lease.rx_bytes);
	number(object, "direct_frames", fact->lease.direct_frames);
	number(object, "direct_bytes", fact->lease.direct_bytes);
	for (int why = 0; why < UVF_DROPS; why++)
		number(object, drop_names[why], fact->lease.drops[why]);
	number(object, "mirror_frames", fact->lease.mirror_frames);
	if (!fact->function.port->is_port)
		return object; /* uvf.ko does the rest, and counts it in the netdev */
	number(object, "flood_frames", fact->lease.flood_frames);
	number(object, "flood_bytes", fact->lease.flood_bytes);
	number(object, "tx_frames", fact->lease.tx_frames);
	number(object, "tx_bytes", fact->lease.tx_bytes);
	return object;
}

static struct json_object *socket_json(const struct uvf_reply *lease)
{
	struct json_object *object = json_object_new_object();

	number(object, "rx_dropped", lease->xsk_rx_dropped);
	number(object, "rx_ring_full", lease->xsk_rx_ring_full);
	number(object, "rx_no_frame", lease->xsk_rx_no_frame);
	number(object, "tx_invalid", lease->xsk_tx_invalid);
	return object;
}

static struct json_object *stats_json(const struct fact *fact)
{
	struct json_object *object = json_object_new_object();

	json_object_object_add(object, "function",
			       json_object_new_string(fact->function.netdev->name));
	json_object_object_add(object, "netdev", netdev_json(&fact->function.netdev->stats));
	json_object_object_add(object, "steering", fact->uvfd ? steering_json(fact) : NULL);
	json_object_object_add(object, "socket", fact->uvfd && *fact->lease.holder ?
			       socket_json(&fact->lease) : NULL);
	return object;
}

static void print_text(struct json_object *object)
{
	json_object_object_foreach(object, group, members) {
		if (!json_object_is_type(members, json_type_object)) {
			printf("%-12s%s\n", group, members ? json_object_get_string(members) : "-");
			continue;
		}
		json_object_object_foreach(members, key, value)
			printf("  %-10s%-17s%17s\n", group, key, json_object_get_string(value));
	}
}

int cmd_stats(int argc, char **argv)
{
	return query_each(&argp, argc, argv, stats_json, print_text);
}

// SPDX-License-Identifier: GPL-2.0-only
/* uvf list: a line for each function. */
#include "uvf.h"

#include <json-c/json.h>
#include <stdio.h>

#include "show.h"

static const struct argp argp = {
	.options = query_options,
	.parser = query_parse,
	.doc = "Lists the functions of this network namespace, and who holds them.",
};

static void line(const struct fact *fact, void *arg)
{
	const struct uvf_link *netdev = fact->function.netdev;
	const struct uvf_link *uplink = fact->function.uplink;
	const struct uvf_link *port = fact->function.port;
	char mac[MAC_TEXT_SIZE];

	printf("%-15s %-15s %-15s %-7s %-13s %-17s %-11s %s%s\n", netdev->name,
	       uplink ? uplink->name : "elsewhere", *port->appliance ? port->appliance : "-",
	       fact_backend(fact), *port->pci ? port->pci : "-", mac_text(netdev->mac, mac),
	       fact_state(fact),
	       !fact->uvfd ? "?" : *fact->lease.holder ? fact->lease.holder : "-",
	       fact->uvfd && fact->lease.parked ? " (dead)" : "");
}

static void object(const struct fact *fact, void *arg)
{
	json_object_array_add(arg, show_json(fact));
}

int cmd_list(int argc, char **argv)
{
	struct query query = { 0 };
	struct facts facts;
	int err;

	parse(&argp, argc, argv, &query);
	if (query.count) {
		fprintf(stderr, "uvf: list takes no names: `uvf show %s` shows one function\n",
			query.names[0]);
		return 64;
	}
	err = facts_open(&facts, false);
	if (err)
		return fail();
	if (query.json) {
		struct json_object *array = json_object_new_array();

		facts_walk(&facts, object, array);
		puts(json_object_to_json_string_ext(array, JSON_C_TO_STRING_PRETTY));
		json_object_put(array);
	} else {
		printf("%-15s %-15s %-15s %-7s %-13s %-17s %-11s %s\n", "FUNCTION", "UPLINK",
		       "APPLIANCE", "BACKEND", "PCI", "MAC", "STATE", "HELD BY");
		facts_walk(&facts, line, NULL);
	}
	facts_close(&facts);
	return 0;
}

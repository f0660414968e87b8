// SPDX-License-Identifier: GPL-2.0-only
/* uvf config show: what there is, as uvf.conf(5) would say it. */
#include "config_apply.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "rule.h"

static void line(const char *option, const char *value)
{
	printf("\t%s = \"%s\"\n", option, value);
}

static void number(const char *option, unsigned int value)
{
	printf("\t%s = %u\n", option, value);
}

static int ask(struct facts *facts, const char *function, struct uvf_request *request,
	       struct uvf_reply *reply)
{
	request->version = UVF_PROTO_VERSION;
	strcpy(request->function, function);
	return uvf_proto_call(facts->uvfd, request, -1, reply, NULL);
}

static void show_link(const struct uvf_function *function, const char *backend)
{
	const struct uvf_link *netdev = function->netdev, *port = function->port;
	char mac[MAC_TEXT_SIZE];

	line("uplink", function->uplink->name);
	if (*port->appliance)
		line("appliance", port->appliance);
	line("backend", backend);
	if (port->vlan != UVF_VLAN_ANY)
		number("vlan", port->vlan);
	if (!port->is_port) {
		line("mode", uvf_mode_text(netdev->mode));
		number("queues", netdev->queues);
	}
	line("mac", mac_text(netdev->mac, mac));
	number("mtu", netdev->mtu);
	if (!(netdev->flags & IFF_UP))
		puts("\tup = no");
}

static void show_limits(struct facts *facts, const char *name)
{
	struct uvf_request limit = { .type = UVF_MSG_LIMIT }, mirror = { .type = UVF_MSG_MIRROR };
	char text[UVF_LIMIT_TEXT], option[16];
	struct uvf_reply reply;

	for (int i = 0; !ask(facts, name, &limit, &reply) && i < UVF_DIRECTIONS; i++) {
		snprintf(option, sizeof(option), "%s_limit", uvf_direction_words[i]);
		if (reply.limits[i].rate || reply.limits[i].pps)
			line(option, uvf_limit_text(&reply.limits[i], text));
	}
	if (!ask(facts, name, &mirror, &reply) && *reply.mirror)
		printf("\tmirror = \"to %s %s\"\n", reply.mirror,
		       uvf_mirror_direction(reply.mirror_flags));
}

static void show_rules(struct facts *facts, const char *name)
{
	struct uvf_request request = { .type = UVF_MSG_RULE_LIST };
	const char *before = "\trules = {\n";
	struct uvf_reply reply;

	while (!ask(facts, name, &request, &reply)) {
		request.rule.after = reply.rule;
		printf("%s\t\t\"%s\"", before, reply.text);
		before = ",\n";
	}
	if (request.rule.after)
		puts("\n\t}");
}

static void show(const struct fact *fact, void *arg)
{
	const char *name = fact->function.netdev->name;
	struct facts *facts = arg;

	if (!fact->function.uplink) {
		printf("# %s: its uplink is elsewhere\n", name);
		return;
	}
	printf("function \"%s\" {\n", name);
	show_link(&fact->function, fact_backend(fact));
	if (fact->uvfd && fact->lease.direct_queues)
		number("lease", __builtin_popcountll(fact->lease.direct_queues));
	if (fact->uvfd) {
		show_limits(facts, name);
		show_rules(facts, name);
	}
	puts("}");
}

int config_show(void)
{
	struct facts facts;
	int err = facts_open(&facts, false);

	if (!err && facts.uvfd < 0)
		puts("# uvfd is not running: it would know of leases, limits, mirrors and rules");
	if (!err)
		facts_walk(&facts, show, &facts);
	facts_close(&facts);
	return err;
}

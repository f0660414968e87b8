// SPDX-License-Identifier: GPL-2.0-only
/* From a configuration to the functions there are. What is as it should be is not touched. */
#include "config_apply.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <linux/if_ether.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>

#include "add.h"
#include "ethtool.h"
#include "rtnl.h"
#include "rule.h"
#include "why.h"

__attribute__((format(printf, 3, 4))) static void tell(struct apply *apply, const char *name,
						       const char *format, ...)
{
	va_list args;

	printf("%s: ", name);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	puts("");
	apply->changes++;
}

static bool find(struct apply *apply, const char *name, struct fact *fact)
{
	return uvf_function_find(&apply->facts.links, name, &fact->function);
}

/* --- can it be? ---------------------------------------------------------------------------- */

static int differs(const struct config_function *wanted, const char *what, const char *is)
{
	return uvf_fail(EEXIST, "%s is there already, with another %s (%s), which is for life: "
				"`uvf del %s` first", wanted->name, what, is, wanted->name);
}

static int check_present(const struct config_function *wanted, const struct fact *fact)
{
	const struct uvf_function *function = &fact->function;
	bool is_uvf = !function->port->is_port;
	char vlan[16] = "none";

	if (!function->uplink || strcmp(function->uplink->name, wanted->uplink))
		return differs(wanted, "uplink",
			       function->uplink ? function->uplink->name : "elsewhere");
	if (strcmp(function->port->appliance, wanted->appliance))
		return differs(wanted, "appliance",
			       *function->port->appliance ? function->port->appliance : "any");
	if (function->port->vlan != UVF_VLAN_ANY)
		snprintf(vlan, sizeof(vlan), "%u", function->port->vlan);
	if (function->port->vlan != wanted->vlan)
		return differs(wanted, "VLAN", vlan);
	if (wanted->backend != CONFIG_ANY && is_uvf != (wanted->backend == CONFIG_UVF))
		return differs(wanted, "backend", fact_backend(fact));
	if (is_uvf && wanted->mode >= 0 && function->netdev->mode != (uint32_t)wanted->mode)
		return differs(wanted, "mode", uvf_mode_text(function->netdev->mode));
	return 0;
}

static int check_absent(struct apply *apply, const struct config_function *wanted)
{
	const struct uvf_link *uplink = uvf_links_find(&apply->facts.links, wanted->uplink);

	if (uvf_links_find(&apply->facts.links, wanted->name))
		return uvf_fail(EEXIST, "there is a link %s, and it is not a function: give the "
					"function another name", wanted->name);
	if (!uplink)
		return uvf_fail(ENODEV, "%s: there is no uplink %s in this network namespace",
				wanted->name, wanted->uplink);
	if (!(uplink->flags & IFF_UP))
		return uvf_fail(ENETDOWN, "%s: its uplink %s is down: `ip link set %s up` first",
				wanted->name, uplink->name, uplink->name);
	if (wanted->mtu > uplink->mtu)
		return uvf_fail(EINVAL, "%s: an MTU of %u is more than the %u of its uplink %s",
				wanted->name, wanted->mtu, uplink->mtu, uplink->name);
	return 0;
}

static int check_lease(const struct apply *apply, const struct config_function *wanted)
{
	int queues = uvf_ethtool_queues(wanted->uplink);

	if (!wanted->lease)
		return 0;
	if (apply->facts.uvfd < 0)
		return uvf_fail(ENOENT, "%s leases queues from uvfd, which is not running: start it",
				wanted->name);
	if (wanted->vlan != UVF_VLAN_ANY)
		return uvf_fail(EINVAL, "%s is of one VLAN, and can't lease queues of %s",
				wanted->name, wanted->uplink);
	if (queues >= 0 && wanted->lease > (unsigned int)queues)
		return uvf_fail(ENOSPC, "%s: %u queues to lease, and %s has %d", wanted->name,
				wanted->lease, wanted->uplink, queues);
	return 0;
}

int apply_check(struct apply *apply, const struct config *config)
{
	struct fact fact;
	int err = 0;

	for (unsigned int i = 0; !err && i < config->nr_functions; i++) {
		const struct config_function *wanted = &config->functions[i];

		if (find(apply, wanted->name, &fact))
			err = check_present(wanted, &fact);
		else
			err = check_absent(apply, wanted);
		if (!err && wanted->has_rules && apply->facts.uvfd < 0)
			err = uvf_fail(ENOENT, "%s has rules, and uvfd, which keeps them, is not "
					       "running: start it", wanted->name);
		if (!err)
			err = check_lease(apply, wanted);
	}
	return err;
}

/* --- the link -------------------------------------------------------------------------------- */

static int make(struct apply *apply, const struct config_function *wanted)
{
	struct add_plan plan = {
		.name = wanted->name,
		.uplink = wanted->uplink,
		.appliance = *wanted->appliance ? wanted->appliance : NULL,
		.vlan = wanted->vlan == UVF_VLAN_ANY ? 0 : wanted->vlan,
		.mode = wanted->mode,
		.queues = wanted->queues,
		.backend = wanted->backend == CONFIG_UVF ? BACKEND_UVF :
			   wanted->backend == CONFIG_VETH ? BACKEND_VETH : BACKEND_ANY,
	};

	tell(apply, wanted->name, "made on %s", wanted->uplink);
	if (apply->dry)
		return 0;
	return add_function(&apply->facts, &plan) ?: facts_refresh(&apply->facts);
}

static struct nl_msg *set_message(const struct uvf_link *link, unsigned int up)
{
	struct ifinfomsg info = {
		.ifi_index = link->ifindex,
		.ifi_flags = up,
		.ifi_change = (link->flags & IFF_UP) ^ up,
	};
	struct nl_msg *msg = nlmsg_alloc_simple(RTM_SETLINK, NLM_F_REQUEST | NLM_F_ACK);

	if (msg)
		nlmsg_append(msg, &info, sizeof(info), NLMSG_ALIGNTO);
	return msg;
}

static int set_link(struct apply *apply, const struct config_function *wanted,
		    const struct uvf_link *link)
{
	bool mac = wanted->has_mac && memcmp(wanted->mac, link->mac, ETH_ALEN);
	bool mtu = wanted->mtu && wanted->mtu != link->mtu;
	unsigned int up = wanted->up ? IFF_UP : 0;
	char text[MAC_TEXT_SIZE], what[64];
	struct nl_msg *msg;

	if (mac)
		tell(apply, wanted->name, "address %s", mac_text(wanted->mac, text));
	if (mtu)
		tell(apply, wanted->name, "MTU %u", wanted->mtu);
	if (up != (link->flags & IFF_UP))
		tell(apply, wanted->name, "%s", up ? "up" : "down");
	if (apply->dry || (!mac && !mtu && up == (link->flags & IFF_UP)))
		return 0;
	msg = set_message(link, up);
	if (!msg)
		return uvf_fail(ENOMEM, "no memory for a netlink message");
	if (mac)
		nla_put(msg, IFLA_ADDRESS, ETH_ALEN, wanted->mac);
	if (mtu)
		nla_put_u32(msg, IFLA_MTU, wanted->mtu);
	snprintf(what, sizeof(what), "can't set %s", wanted->name);
	return uvf_rtnl_call(apply->facts.rtnl, msg, what);
}

/* --- rules ------------------------------------------------------------------------------------ */

static int rule_ask(struct apply *apply, const struct config_function *wanted, int type,
		    const char *text, uint32_t after, struct uvf_reply *reply)
{
	struct uvf_request request = { .version = UVF_PROTO_VERSION, .type = type };

	strcpy(request.function, wanted->name);
	snprintf(request.rule.text, sizeof(request.rule.text), "%s", text);
	request.rule.after = after;
	return uvf_proto_call(apply->facts.uvfd, &request, -1, reply, NULL);
}

static bool is_wanted(const struct config_function *wanted, const struct uvf_rule *rule,
		      bool *there)
{
	for (unsigned int i = 0; i < wanted->nr_rules; i++) {
		if (there[i] || !uvf_rule_same(&wanted->rules[i], rule))
			continue;
		there[i] = true;
		return true;
	}
	return false;
}

/* Takes away what is not wanted; notes in @there what is there. */
static int rules_prune(struct apply *apply, const struct config_function *wanted, bool *there)
{
	struct uvf_reply listed, reply;
	struct uvf_rule rule;
	uint32_t after = 0;
	char id[16];
	int err;

	while (!(err = rule_ask(apply, wanted, UVF_MSG_RULE_LIST, "", after, &listed))) {
		after = listed.rule;
		listed.text[sizeof(listed.text) - 1] = '\0';
		if (!uvf_rule_parse(listed.text, &rule) && is_wanted(wanted, &rule, there))
			continue;
		tell(apply, wanted->name, "not: %s", listed.text);
		snprintf(id, sizeof(id), "%u", listed.rule);
		err = apply->dry ? 0 : rule_ask(apply, wanted, UVF_MSG_RULE_DEL, id, 0, &reply);
		if (err)
			return err;
	}
	return err == -ENOENT ? 0 : err;
}

static int set_rules(struct apply *apply, const struct config_function *wanted, bool present)
{
	bool there[wanted->nr_rules + 1];
	char text[UVF_RULE_TEXT];
	struct uvf_reply reply;
	int err = 0;

	memset(there, 0, sizeof(there));
	if (present)
		err = rules_prune(apply, wanted, there);
	for (unsigned int i = 0; !err && i < wanted->nr_rules; i++) {
		if (there[i])
			continue;
		uvf_rule_text(&wanted->rules[i], text);
		tell(apply, wanted->name, "rule: %s", text);
		if (!apply->dry)
			err = rule_ask(apply, wanted, UVF_MSG_RULE_ADD, text, 0, &reply);
	}
	return err;
}

/* As many as there are to be, whichever they are. */
static int set_lease(struct apply *apply, const struct config_function *wanted)
{
	struct uvf_request request = {
		.version = UVF_PROTO_VERSION,
		.type = UVF_MSG_DIRECT,
		.direct.count = wanted->lease,
	};
	struct uvf_reply reply;
	struct fact fact;
	int there = 0;

	if (!wanted->lease)
		return 0;
	if (!facts_find(&apply->facts, wanted->name, &fact) && fact.uvfd)
		there = __builtin_popcountll(fact.lease.direct_queues);
	if ((int)wanted->lease == there)
		return 0;
	tell(apply, wanted->name, "%u queues of %s leased", wanted->lease, wanted->uplink);
	if (apply->dry)
		return 0;
	strcpy(request.function, wanted->name);
	return uvf_proto_call(apply->facts.uvfd, &request, -1, &reply, NULL);
}

static int set_function(struct apply *apply, const struct config_function *wanted)
{
	const struct uvf_link *uplink = uvf_links_find(&apply->facts.links, wanted->uplink);
	/* As it would have been made. */
	const struct uvf_link unmade = { .mtu = uplink ? uplink->mtu : 0 };
	struct fact fact;
	int err = 0;

	if (!find(apply, wanted->name, &fact))
		err = make(apply, wanted);
	if (err)
		return err;
	if (find(apply, wanted->name, &fact))
		err = set_link(apply, wanted, fact.function.netdev);
	else if (apply->dry)
		err = set_link(apply, wanted, &unmade);
	if (!err)
		err = set_lease(apply, wanted);
	if (!err && wanted->has_rules)
		err = set_rules(apply, wanted, find(apply, wanted->name, &fact));
	return err;
}

int apply_all(struct apply *apply, const struct config *config)
{
	int err = 0;

	for (unsigned int i = 0; !err && i < config->nr_functions; i++)
		err = set_function(apply, &config->functions[i]);
	return err;
}

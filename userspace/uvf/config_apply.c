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
#include "rtnl.h"
#include "why.h"

void apply_tell(struct apply *apply, const char *name, const char *format, ...)
{
	va_list args;

	printf("%s: ", name);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	puts("");
	apply->changes++;
}

bool apply_find(struct apply *apply, const char *name, struct fact *fact)
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

int apply_check(struct apply *apply, const struct config *config)
{
	struct fact fact;
	int err = 0;

	for (unsigned int i = 0; !err && i < config->nr_functions; i++) {
		const struct config_function *wanted = &config->functions[i];

		if (apply_find(apply, wanted->name, &fact))
			err = check_present(wanted, &fact);
		else
			err = check_absent(apply, wanted);
		if (!err)
			err = settings_check(apply, config, wanted);
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

	apply_tell(apply, wanted->name, "made on %s", wanted->uplink);
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
		apply_tell(apply, wanted->name, "address %s", mac_text(wanted->mac, text));
	if (mtu)
		apply_tell(apply, wanted->name, "MTU %u", wanted->mtu);
	if (up != (link->flags & IFF_UP))
		apply_tell(apply, wanted->name, "%s", up ? "up" : "down");
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

/* --- all of it ------------------------------------------------------------------------------ */

static int set_function(struct apply *apply, const struct config_function *wanted)
{
	const struct uvf_link *uplink = uvf_links_find(&apply->facts.links, wanted->uplink);
	/* As it would have been made. */
	const struct uvf_link unmade = { .mtu = uplink ? uplink->mtu : 0 };
	struct fact fact;
	int err = 0;

	if (!apply_find(apply, wanted->name, &fact))
		err = make(apply, wanted);
	if (err)
		return err;
	if (apply_find(apply, wanted->name, &fact))
		err = set_link(apply, wanted, fact.function.netdev);
	else if (apply->dry)
		err = set_link(apply, wanted, &unmade);
	return err;
}

int apply_all(struct apply *apply, const struct config *config)
{
	int err = 0;

	for (unsigned int i = 0; !err && i < config->nr_functions; i++)
		err = set_function(apply, &config->functions[i]);
	for (unsigned int i = 0; !err && i < config->nr_functions; i++)
		err = settings_set(apply, &config->functions[i]);
	return err;
}

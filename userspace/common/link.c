// SPDX-License-Identifier: GPL-2.0-only
#include "link.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <uvf/steer.h>

#include "mode.h"
#include "uapi/linux/uvf.h"
#include "why.h"

#define ALIAS_FORMAT "uvf-port uplink=%d vlan=%u appliance=%s"

bool uvf_appliance_valid(const char *name)
{
	size_t n = strlen(name);

	if (!n || n >= UVF_APPLIANCE_SIZE || !isalnum((unsigned char)*name))
		return false;
	while (*name && (isalnum((unsigned char)*name) || strchr("._-", *name)))
		name++;
	return !*name;
}

void uvf_port_alias(char *to, int uplink, const char *appliance, uint16_t vlan)
{
	snprintf(to, UVF_ALIAS_SIZE, ALIAS_FORMAT, uplink, vlan, appliance);
}

/* Only what uvf_port_alias() writes, to the letter: a user may have set any alias. */
bool uvf_port_parse(const char *alias, struct uvf_link *link)
{
	char appliance[UVF_APPLIANCE_SIZE] = "", canonical[UVF_ALIAS_SIZE];
	unsigned int vlan;
	long uplink;

	if (sscanf(alias, "uvf-port uplink=%10ld vlan=%5u appliance=%31s", &uplink, &vlan,
		   appliance) < 2)
		return false;
	if (uplink <= 0 || (vlan != UVF_VLAN_ANY && (!vlan || vlan > 4094)))
		return false;
	if (*appliance && !uvf_appliance_valid(appliance))
		return false;
	uvf_port_alias(canonical, uplink, appliance, vlan);
	if (strcmp(alias, canonical))
		return false;
	link->uplink = uplink;
	link->vlan = vlan;
	strcpy(link->appliance, appliance);
	return true;
}

/* Strings from the kernel end within their attribute, but for truncation nobody vouches. */
const char *uvf_mode_text(uint32_t mode)
{
	return mode <= UVF_MODE_MAX ? uvf_modes[mode] : "?";
}

int uvf_mode_parse(const char *text)
{
	int mode;

	for (mode = 0; mode <= UVF_MODE_MAX; mode++)
		if (!strcmp(text, uvf_modes[mode]))
			return mode;
	return -1;
}

static void take_string(char *to, size_t size, const struct nlattr *attr)
{
	if (attr)
		nla_strlcpy(to, attr, size);
}

static void take_u32(uint32_t *to, const struct nlattr *attr)
{
	if (attr && nla_len(attr) >= 4)
		*to = nla_get_u32(attr);
}

static void parse_sending(struct uvf_link *link, struct nlattr **data)
{
	if (data[IFLA_UVF_TX_RATE] && nla_len(data[IFLA_UVF_TX_RATE]) >= 8)
		link->tx_rate = nla_get_u64(data[IFLA_UVF_TX_RATE]);
	take_u32(&link->tx_pps, data[IFLA_UVF_TX_PPS]);
	take_u32(&link->tx_burst, data[IFLA_UVF_TX_BURST]);
	take_string(link->tx_mirror, sizeof(link->tx_mirror), data[IFLA_UVF_TX_MIRROR]);
}

static void parse_info(struct uvf_link *link, struct nlattr *info)
{
	struct nlattr *attrs[IFLA_INFO_MAX + 1], *data[IFLA_UVF_MAX + 1];

	if (nla_parse_nested(attrs, IFLA_INFO_MAX, info, NULL))
		return;
	take_string(link->kind, sizeof(link->kind), attrs[IFLA_INFO_KIND]);
	if (strcmp(link->kind, "uvf") || !attrs[IFLA_INFO_DATA] ||
	    nla_parse_nested(data, IFLA_UVF_MAX, attrs[IFLA_INFO_DATA], NULL))
		return;
	take_string(link->appliance, sizeof(link->appliance), data[IFLA_UVF_APPLIANCE]);
	take_string(link->pci, sizeof(link->pci), data[IFLA_UVF_PCI]);
	if (data[IFLA_UVF_VLAN] && nla_len(data[IFLA_UVF_VLAN]) >= 2)
		link->vlan = nla_get_u16(data[IFLA_UVF_VLAN]);
	take_u32(&link->mode, data[IFLA_UVF_MODE]);
	take_u32(&link->queues, data[IFLA_UVF_QUEUES]);
	parse_sending(link, data);
	take_string(link->redirect, sizeof(link->redirect), data[IFLA_UVF_REDIRECT]);
}

static void parse_xdp(struct uvf_link *link, struct nlattr *xdp)
{
	struct nlattr *attrs[IFLA_XDP_MAX + 1];

	if (nla_parse_nested(attrs, IFLA_XDP_MAX, xdp, NULL))
		return;
	link->has_xdp = attrs[IFLA_XDP_ATTACHED] && nla_len(attrs[IFLA_XDP_ATTACHED]) >= 1 &&
			nla_get_u8(attrs[IFLA_XDP_ATTACHED]);
	if (attrs[IFLA_XDP_DRV_PROG_ID] && nla_len(attrs[IFLA_XDP_DRV_PROG_ID]) >= 4)
		link->xdp_id = nla_get_u32(attrs[IFLA_XDP_DRV_PROG_ID]);
}

static void parse_attributes(struct uvf_link *link, struct nlattr **attrs)
{
	char alias[UVF_ALIAS_SIZE] = "";

	take_string(link->name, sizeof(link->name), attrs[IFLA_IFNAME]);
	if (attrs[IFLA_LINK] && nla_len(attrs[IFLA_LINK]) >= 4)
		link->lower = nla_get_u32(attrs[IFLA_LINK]);
	link->lower_elsewhere = attrs[IFLA_LINK_NETNSID];
	if (attrs[IFLA_MTU] && nla_len(attrs[IFLA_MTU]) >= 4)
		link->mtu = nla_get_u32(attrs[IFLA_MTU]);
	if (attrs[IFLA_PROMISCUITY] && nla_len(attrs[IFLA_PROMISCUITY]) >= 4)
		link->promiscuity = nla_get_u32(attrs[IFLA_PROMISCUITY]);
	if (attrs[IFLA_ADDRESS] && nla_len(attrs[IFLA_ADDRESS]) == sizeof(link->mac))
		memcpy(link->mac, nla_data(attrs[IFLA_ADDRESS]), sizeof(link->mac));
	if (attrs[IFLA_XDP])
		parse_xdp(link, attrs[IFLA_XDP]);
	if (attrs[IFLA_STATS64])
		nla_memcpy(&link->stats, attrs[IFLA_STATS64], sizeof(link->stats));
	if (attrs[IFLA_LINKINFO])
		parse_info(link, attrs[IFLA_LINKINFO]);
	take_string(alias, sizeof(alias), attrs[IFLA_IFALIAS]);
	link->is_port = !strcmp(link->kind, "veth") && uvf_port_parse(alias, link);
}

int uvf_link_parse(struct nlmsghdr *msg, struct uvf_link *link)
{
	struct nlattr *attrs[IFLA_MAX + 1];
	const struct ifinfomsg *info;

	if (msg->nlmsg_type != RTM_NEWLINK && msg->nlmsg_type != RTM_DELLINK)
		return 0;
	if (nlmsg_parse(msg, sizeof(*info), attrs, IFLA_MAX, NULL))
		return -EINVAL;
	info = nlmsg_data(msg);
	if (info->ifi_family != AF_UNSPEC)
		return 0; /* a bridge's view of the link */
	*link = (struct uvf_link){
		.ifindex = info->ifi_index,
		.flags = info->ifi_flags,
		.type = info->ifi_type,
		.vlan = UVF_VLAN_ANY,
	};
	parse_attributes(link, attrs);
	return link->ifindex > 0 ? 1 : -EINVAL;
}

static void forget(struct uvf_links *links, struct uvf_link *link)
{
	HASH_DEL(links->by_index, link);
	free(link);
}

int uvf_links_update(struct uvf_links *links, struct nlmsghdr *msg)
{
	struct uvf_link news, *link;
	int err = uvf_link_parse(msg, &news);

	if (err <= 0)
		return err;
	HASH_FIND_INT(links->by_index, &news.ifindex, link);
	if (msg->nlmsg_type == RTM_DELLINK) {
		if (link)
			forget(links, link);
		return !!link;
	}
	if (!link) {
		link = malloc(sizeof(*link));
		if (!link)
			return -ENOMEM;
		*link = news;
		HASH_ADD_INT(links->by_index, ifindex, link);
		return 1;
	}
	news.hh = link->hh;
	*link = news;
	return 1;
}

void uvf_links_free(struct uvf_links *links)
{
	struct uvf_link *link, *next;

	HASH_ITER(hh, links->by_index, link, next)
		forget(links, link);
}

static int dump_one(struct nl_msg *msg, void *arg)
{
	int err = uvf_links_update(arg, nlmsg_hdr(msg));

	return err == -ENOMEM ? -NLE_NOMEM : NL_OK;
}

int uvf_links_dump(struct uvf_links *links, struct nl_sock *sock)
{
	struct ifinfomsg request = { .ifi_family = AF_UNSPEC };
	int err;

	uvf_links_free(links);
	nl_socket_modify_cb(sock, NL_CB_VALID, NL_CB_CUSTOM, dump_one, links);
	err = nl_send_simple(sock, RTM_GETLINK, NLM_F_DUMP, &request, sizeof(request));
	if (err >= 0)
		err = nl_recvmsgs_default(sock);
	if (err < 0)
		return uvf_fail(EIO, "can't list the links: %s", nl_geterror(err));
	return 0;
}

int uvf_links_refresh(struct uvf_links *links, struct nl_sock *sock, int ifindex)
{
	struct ifinfomsg request = { .ifi_family = AF_UNSPEC, .ifi_index = ifindex };
	int err;

	nl_socket_modify_cb(sock, NL_CB_VALID, NL_CB_CUSTOM, dump_one, links);
	err = nl_send_simple(sock, RTM_GETLINK, 0, &request, sizeof(request));
	if (err >= 0)
		err = nl_recvmsgs_default(sock);
	if (err >= 0)
		err = nl_wait_for_ack(sock);
	if (err < 0)
		return uvf_fail(EIO, "can't look at link %d: %s", ifindex, nl_geterror(err));
	return 0;
}

const struct uvf_link *uvf_links_get(const struct uvf_links *links, int ifindex)
{
	struct uvf_link *link;

	HASH_FIND_INT(links->by_index, &ifindex, link);
	return link;
}

const struct uvf_link *uvf_links_find(const struct uvf_links *links, const char *name)
{
	struct uvf_link *link;

	for (link = links->by_index; link; link = link->hh.next)
		if (!strcmp(link->name, name))
			return link;
	return NULL;
}

/*
 * The other end of a port. When that moves to another network namespace, the kernel does not
 * announce the port anew, and its number may be another link's by now: the link found must agree.
 */
static const struct uvf_link *port_netdev(const struct uvf_links *links,
					  const struct uvf_link *port)
{
	const struct uvf_link *netdev;

	if (port->lower_elsewhere)
		return NULL;
	netdev = uvf_links_get(links, port->lower);
	if (!netdev || strcmp(netdev->kind, "veth") || netdev->lower_elsewhere ||
	    netdev->lower != port->ifindex)
		return NULL;
	return netdev;
}

bool uvf_function_of(const struct uvf_links *links, const struct uvf_link *link,
		     struct uvf_function *function)
{
	if (!strcmp(link->kind, "uvf")) {
		*function = (struct uvf_function){ .netdev = link, .port = link };
		if (!link->lower_elsewhere)
			function->uplink = uvf_links_get(links, link->lower);
		return true;
	}
	if (!link->is_port)
		return false;
	*function = (struct uvf_function){
		.netdev = port_netdev(links, link),
		.port = link,
		.uplink = uvf_links_get(links, link->uplink),
	};
	return function->netdev;
}

bool uvf_function_find(const struct uvf_links *links, const char *name,
		       struct uvf_function *function)
{
	const struct uvf_link *link;

	for (link = links->by_index; link; link = link->hh.next)
		if (uvf_function_of(links, link, function) &&
		    !strcmp(function->netdev->name, name))
			return true;
	return false;
}

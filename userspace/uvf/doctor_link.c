// SPDX-License-Identifier: GPL-2.0-only
/* Function, port and uplink as links: are they up, and do they agree? */
#include "doctor.h"

#include <ctype.h>
#include <errno.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <stdio.h>
#include <string.h>

#include <linux/if_ether.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <uvf/libuvf.h>
#include <uvf/steer.h>

#include "rtnl.h"

/* XDP_PACKET_HEADROOM, linux/bpf.h: what the kernel keeps in front of a frame in a UMEM. */
#define HEADROOM 256
#define VLAN_HLEN 4

static void examine_state(struct doctor *doctor, const struct fact *fact)
{
	const struct uvf_function *function = &fact->function;
	const struct uvf_link *netdev = function->netdev, *uplink = function->uplink;

	if (!(netdev->flags & IFF_UP)) {
		found(doctor, SEVERITY_ERROR, "function-down", netdev->name, "it is down");
		advise(doctor, "bring it up: `ip link set %s up`", netdev->name);
	}
	if (function->port != netdev && !(function->port->flags & IFF_UP)) {
		found(doctor, SEVERITY_ERROR, "port-down", netdev->name,
		      "its port %s, the host's end of it, is down", function->port->name);
		advise(doctor, "bring it up: `ip link set %s up`", function->port->name);
	}
	if (!uplink)
		return;
	if (!(uplink->flags & IFF_UP)) {
		found(doctor, SEVERITY_ERROR, "uplink-down", netdev->name, "its uplink %s is down",
		      uplink->name);
		advise(doctor, "bring it up: `ip link set %s up`", uplink->name);
	} else if (!(uplink->flags & IFF_RUNNING)) {
		found(doctor, SEVERITY_ERROR, "no-carrier", netdev->name,
		      "its uplink %s has no carrier", uplink->name);
		advise(doctor, "look at the cable and at its other end: `ethtool %s`", uplink->name);
	}
}

static void examine_uplink_seen(struct doctor *doctor, const struct fact *fact)
{
	const struct uvf_link *port = fact->function.port;
	const char *name = fact->function.netdev->name;

	if (!fact->function.uplink && port->is_port) {
		found(doctor, SEVERITY_ERROR, "uplink-elsewhere", name,
		      "its uplink, link %d, is gone or in another network namespace: nothing "
		      "reaches it", port->uplink);
		advise(doctor, "bring the uplink back, or make %s anew on another one: `uvf del %s`",
		       name, name);
	} else if (!fact->function.uplink) {
		found(doctor, SEVERITY_WARNING, "uplink-elsewhere", name,
		      "its uplink is not in this network namespace, where uvfd could steer");
		advise(doctor, "run uvfd where the uplink is; until then %s has the slow path",
		       name);
	} else if (doctor->facts.uvfd >= 0 && !fact->uvfd) {
		found(doctor, SEVERITY_ERROR, "uvfd-elsewhere", name,
		      "uvfd runs, but does not know it: it is in another network namespace");
		advise(doctor, "start uvfd in this one, with a socket of its own (--socket, "
			       "UVF_SOCKET)");
	}
}

static int on_neighbour(struct nl_msg *msg, void *arg)
{
	struct nlattr *attrs[NDA_MAX + 1];
	struct nlmsghdr *header = nlmsg_hdr(msg);
	const struct ndmsg *entry = nlmsg_data(header);
	struct doctor *doctor = arg;

	if (header->nlmsg_type != RTM_NEWNEIGH ||
	    nlmsg_parse(header, sizeof(*entry), attrs, NDA_MAX, NULL) || !attrs[NDA_LLADDR] ||
	    nla_len(attrs[NDA_LLADDR]) != ETH_ALEN)
		return NL_OK;
	for (unsigned int i = 0; i < doctor->count; i++)
		doctor->samples[i].listed |= entry->ndm_ifindex == doctor->samples[i].uplink &&
			!memcmp(nla_data(attrs[NDA_LLADDR]), doctor->samples[i].mac, ETH_ALEN);
	return NL_OK;
}

/* The lists of addresses that uplinks are to receive, once for all functions. */
static void list_addresses(struct doctor *doctor)
{
	struct ndmsg request = { .ndm_family = PF_BRIDGE };
	struct nl_sock *sock = doctor->facts.rtnl;

	if (doctor->listed)
		return;
	doctor->listed = true;
	nl_socket_modify_cb(sock, NL_CB_VALID, NL_CB_CUSTOM, on_neighbour, doctor);
	if (nl_send_simple(sock, RTM_GETNEIGH, NLM_F_DUMP, &request, sizeof(request)) >= 0 &&
	    nl_recvmsgs_default(sock) >= 0)
		return;
	for (unsigned int i = 0; i < doctor->count; i++)
		doctor->samples[i].listed = true; /* unknown */
}

static bool uplink_has_address(struct doctor *doctor, const struct fact *fact)
{
	const struct sample *sample = sample_of(doctor, fact);

	list_addresses(doctor);
	return !sample || sample->listed;
}

/* Hardware has no kind. Of the software links that can be uplinks, macvlan filters. */
static bool filters_addresses(const struct uvf_link *uplink)
{
	return !*uplink->kind || !strcmp(uplink->kind, "macvlan");
}

static void examine_filter(struct doctor *doctor, const struct fact *fact)
{
	const struct uvf_link *uplink = fact->function.uplink;
	const char *name = fact->function.netdev->name;
	char mac[MAC_TEXT_SIZE];

	if (uplink->promiscuity || !filters_addresses(uplink) || uplink_has_address(doctor, fact))
		return;
	mac_text(fact->function.netdev->mac, mac);
	found(doctor, SEVERITY_ERROR, "address-filtered", name,
	      "its uplink %s receives only addresses that it was told, and nobody told it %s",
	      uplink->name, mac);
	advise(doctor, "tell it: `bridge fdb add %s dev %s self`, or `ip link set %s promisc on`",
	       mac, uplink->name, uplink->name);
}

static bool same_address(const struct sample *a, const struct fact *fact)
{
	const struct uvf_link *netdev = fact->function.netdev;

	return a->ifindex != netdev->ifindex && a->uplink == fact->function.uplink->ifindex &&
	       a->vlan == fact->function.port->vlan && !memcmp(a->mac, netdev->mac, ETH_ALEN);
}

static void examine_address(struct doctor *doctor, const struct fact *fact)
{
	const struct uvf_link *uplink = fact->function.uplink, *other;
	const char *name = fact->function.netdev->name;

	if (!memcmp(uplink->mac, fact->function.netdev->mac, ETH_ALEN)) {
		found(doctor, SEVERITY_ERROR, "duplicate-address", name,
		      "it has the address of its uplink %s, and takes its frames", uplink->name);
		advise(doctor, "give it one of its own: `ip link set %s address …`", name);
	}
	for (unsigned int i = 0; i < doctor->count; i++) {
		if (!same_address(&doctor->samples[i], fact))
			continue;
		other = uvf_links_get(&doctor->facts.links, doctor->samples[i].ifindex);
		found(doctor, SEVERITY_ERROR, "duplicate-address", name,
		      "%s, on the same uplink %s, has the same address: only one of them gets its "
		      "frames", other ? other->name : "another function", uplink->name);
		advise(doctor, "give one of them another: `ip link set %s address …`", name);
	}
}

/* What the appliance can be given, in one buffer or in all that a frame may have. */
static void examine_room(struct doctor *doctor, const struct uvf_link *netdev,
			 const struct uvf_reply *lease)
{
	uint32_t room = (lease->frame_size - HEADROOM) * (lease->jumbo ? UVF_BUFFERS : 1);

	if (netdev->mtu + ETH_HLEN + VLAN_HLEN <= room)
		return;
	found(doctor, SEVERITY_WARNING, "chunk", netdev->name,
	      "frames of its MTU of %u do not fit %s of %u bytes, less %u, of the appliance's memory: "
	      "they are dropped", netdev->mtu, lease->jumbo ? "the frames" : "one of the frames",
	      lease->frame_size, HEADROOM);
	advise(doctor, "lower it: `ip link set %s mtu %u`, or start the appliance with %s",
	       netdev->name, room - ETH_HLEN - VLAN_HLEN,
	       lease->jumbo ? "UVF_FRAME_SIZE=4096" : "UVF_JUMBO=1, if it takes that");
}

static void examine_mtu(struct doctor *doctor, const struct fact *fact)
{
	const struct uvf_link *netdev = fact->function.netdev;
	const struct uvf_link *uplink = fact->function.uplink;

	if (netdev->mtu > uplink->mtu) {
		found(doctor, SEVERITY_WARNING, "mtu", netdev->name,
		      "its MTU of %u is more than the %u of its uplink %s: longer frames are "
		      "dropped there", netdev->mtu, uplink->mtu, uplink->name);
		advise(doctor, "lower it: `ip link set %s mtu %u`", netdev->name, uplink->mtu);
	}
	if (fact->uvfd && fact->lease.frame_size)
		examine_room(doctor, netdev, &fact->lease);
}

void examine_links(struct doctor *doctor, const struct fact *fact)
{
	examine_state(doctor, fact);
	examine_uplink_seen(doctor, fact);
	if (!fact->function.uplink)
		return;
	examine_filter(doctor, fact);
	examine_address(doctor, fact);
	examine_mtu(doctor, fact);
}

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What rtnetlink tells of a link, as far as uvf needs it; and what that makes a function.
 *
 * A function of the module is one link, of kind uvf. A veth-backed function is two: the
 * function's own end, and the port, whose alias says what uvf.ko would know. The kernel keeps
 * both, so that nothing is lost when uvfd ends.
 */
#ifndef UVF_LINK_H
#define UVF_LINK_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/if_link.h>
#include <netlink/netlink.h>
#include <uthash.h>

#define UVF_APPLIANCE_SIZE 32

struct uvf_link {
	int ifindex;
	int lower; /* IFLA_LINK: uplink of a uvf link, peer of a veth; 0: none */
	bool lower_elsewhere; /* in another network namespace */
	bool has_xdp; /* some XDP program is on it */
	uint32_t xdp_id; /* of the one in driver mode; 0: none */
	bool is_port; /* host's end of a veth-backed function */
	unsigned int flags; /* IFF_* */
	unsigned short type; /* ARPHRD_* */
	uint32_t mtu;
	uint32_t promiscuity; /* how many want it promiscuous; IFF_PROMISC tells of users alone */
	uint8_t mac[6];
	uint16_t vlan; /* UVF_VLAN_ANY: all */
	uint32_t mode; /* enum uvf_mode, of a uvf link */
	uint32_t queues; /* of a uvf link */
	uint64_t tx_rate; /* of a uvf link: its limit on what it sends; 0: none */
	uint32_t tx_pps;
	uint32_t tx_burst;
	char tx_mirror[UVF_APPLIANCE_SIZE]; /* PCI address of who gets copies, or "" */
	char redirect[UVF_APPLIANCE_SIZE]; /* of who receives what this link would, or "" */
	int uplink; /* of a port: from its alias */
	char name[IFNAMSIZ];
	char kind[IFNAMSIZ];
	char appliance[UVF_APPLIANCE_SIZE];
	char pci[UVF_APPLIANCE_SIZE];
	struct rtnl_link_stats64 stats;
	UT_hash_handle hh;
};

/* All links of the network namespace, by ifindex. */
struct uvf_links {
	struct uvf_link *by_index;
};

/* A function and the links it is made of. */
struct uvf_function {
	const struct uvf_link *netdev; /* where AF_XDP binds and the appliance's MAC lives */
	const struct uvf_link *port; /* where the uplink delivers: @netdev itself, or the port */
	const struct uvf_link *uplink; /* NULL: in another network namespace */
};

/* The words of enum uvf_mode, and back: -1 for a word that is none. */
const char *uvf_mode_text(uint32_t mode);
int uvf_mode_parse(const char *text);

/* 1: parsed; 0: not about a link; -EINVAL: malformed. */
int uvf_link_parse(struct nlmsghdr *msg, struct uvf_link *link);

/* Applies one RTM_NEWLINK or RTM_DELLINK; 1 when something changed, else as above. */
int uvf_links_update(struct uvf_links *links, struct nlmsghdr *msg);
int uvf_links_dump(struct uvf_links *links, struct nl_sock *sock);
/* Asks for one link again: not each change is announced (of `ethtool -L`, for one, none is). */
int uvf_links_refresh(struct uvf_links *links, struct nl_sock *sock, int ifindex);
void uvf_links_free(struct uvf_links *links);

const struct uvf_link *uvf_links_get(const struct uvf_links *links, int ifindex);
const struct uvf_link *uvf_links_find(const struct uvf_links *links, const char *name);

/*
 * Whether @link is the port of a function whose netdev is in this network namespace. @function
 * is filled for a port whose netdev is elsewhere as well.
 */
bool uvf_function_of(const struct uvf_links *links, const struct uvf_link *link,
		     struct uvf_function *function);
bool uvf_function_find(const struct uvf_links *links, const char *name,
		       struct uvf_function *function);

/* The alias of a port, and back. */
#define UVF_ALIAS_SIZE 128
void uvf_port_alias(char *to, int uplink, const char *appliance, uint16_t vlan);
bool uvf_port_parse(const char *alias, struct uvf_link *link);

/* Letters, digits, '.', '_' and '-', the first a letter or digit, 31 at most. */
bool uvf_appliance_valid(const char *name);

#endif /* UVF_LINK_H */

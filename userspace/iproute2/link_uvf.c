// SPDX-License-Identifier: GPL-2.0-only
/*
 * link_uvf.so: teaches `ip` the words of the link type "uvf".
 *
 *	ip link add link eth1 name fw0 type uvf appliance firewall vlan 7
 *	ip link add link eth1 name fw1 type uvf mode bridge queues 4
 *	ip -d link show fw0
 *
 * `ip` loads it when it meets the kind, from $IP_LIB_DIR or its own library directory
 * (/usr/lib/<multiarch>/ip on Debian), and takes the symbol uvf_link_util.
 *
 * The values are the kernel's to judge: its refusals have a text, which `ip` prints. Here only
 * what cannot be put into a message is refused.
 */
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/uvf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../common/mode.h"

/*
 * What `ip` and its plug-ins agree on is in no installed header, so it is declared here. The
 * struct's layout has not changed since 2018, nor have the functions that `ip` exports to its
 * plug-ins: one object loaded in `ip` of releases 6.1, 6.15 and 7.3.
 */
struct link_util {
	struct link_util *next;
	const char *id;
	int maxattr;
	int (*parse_opt)(struct link_util *, int, char **, struct nlmsghdr *);
	void (*print_opt)(struct link_util *, FILE *, struct rtattr *[]);
	void (*print_xstats)(struct link_util *, FILE *, struct rtattr *);
	void (*print_help)(struct link_util *, int, char **, FILE *);
	int (*parse_ifla_xstats)(struct link_util *, int, char **);
	int (*print_ifla_xstats)(struct nlmsghdr *, void *);
};

enum output_type { PRINT_ANY = 4 };
enum color_attr { COLOR_NONE = 6 };

int addattr_l(struct nlmsghdr *msg, int maxlen, int type, const void *data, int len);
int print_color_string(enum output_type output, enum color_attr color, const char *key,
		       const char *format, const char *value);
int print_color_uint(enum output_type output, enum color_attr color, const char *key,
		     const char *format, unsigned int value);

/* Room in the message that `ip link` parses into, and what a name may take of it. */
#define MESSAGE_SIZE 1024
#define NAME_SIZE 256

static void print_help(struct link_util *lu, int argc, char **argv, FILE *out)
{
	fprintf(out, "Usage: ip link add link UPLINK [ name NAME ] type uvf [ appliance NAME ] [ vlan ID ]\n"
		     "                                                  [ mode MODE ] [ queues N ]\n"
		     "       ip link set NAME type uvf [ mode MODE ]\n"
		     "                                 [ appliance NAME ]     (while it is down)\n"
		     "\n"
		     "MODE := { private | bridge | passthru }\n"
		     "\n"
		     "appliance  whom the function is for: 1 to 31 letters, digits, '.', '_', '-'\n"
		     "vlan       take only frames with this 802.1Q tag, 1 to 4094, without the tag\n"
		     "mode       private: the uplink alone; bridge: siblings in this mode too;\n"
		     "           passthru: all of the uplink's frames but the host's own\n"
		     "queues     1 to 16; later: ethtool -L NAME combined N\n");
}

static int refuse(const char *word, const char *want)
{
	fprintf(stderr, "Error: uvf: \"%s\" %s.\n", word, want);
	return -1;
}

static int put_appliance(struct nlmsghdr *msg, const char *name)
{
	if (strlen(name) >= NAME_SIZE)
		return refuse("appliance", "wants a name of 1 to 31 characters");
	return addattr_l(msg, MESSAGE_SIZE, IFLA_UVF_APPLIANCE, name, strlen(name) + 1);
}

static int put_vlan(struct nlmsghdr *msg, const char *text)
{
	char *end;
	unsigned long id = strtoul(text, &end, 10);
	__u16 vlan = id;

	if (*text < '0' || *text > '9' || *end || id > UVF_VLAN_MAX)
		return refuse("vlan", "wants a number from 1 to 4094");
	return addattr_l(msg, MESSAGE_SIZE, IFLA_UVF_VLAN, &vlan, sizeof(vlan));
}

static int put_mode(struct nlmsghdr *msg, const char *text)
{
	__u32 mode;

	for (mode = 0; mode <= UVF_MODE_MAX; mode++)
		if (!strcmp(text, uvf_modes[mode]))
			return addattr_l(msg, MESSAGE_SIZE, IFLA_UVF_MODE, &mode, sizeof(mode));
	return refuse("mode", "wants private, bridge or passthru");
}

static int put_queues(struct nlmsghdr *msg, const char *text)
{
	char *end;
	unsigned long nr = strtoul(text, &end, 10);
	__u32 queues = nr;

	if (*text < '0' || *text > '9' || *end || !nr || nr > UVF_MAX_QUEUES)
		return refuse("queues", "wants a number from 1 to 16");
	return addattr_l(msg, MESSAGE_SIZE, IFLA_UVF_QUEUES, &queues, sizeof(queues));
}

static int parse_opt(struct link_util *lu, int argc, char **argv, struct nlmsghdr *msg)
{
	static const struct {
		const char *word;
		int (*put)(struct nlmsghdr *msg, const char *value);
	} options[] = {
		{ "appliance", put_appliance },
		{ "vlan", put_vlan },
		{ "mode", put_mode },
		{ "queues", put_queues },
	};
	const unsigned int nr_options = sizeof(options) / sizeof(options[0]);
	unsigned int seen = 0, i;

	for (; argc > 0; argc -= 2, argv += 2) {
		for (i = 0; i < nr_options && strcmp(*argv, options[i].word); i++)
			;
		if (!strcmp(*argv, "help")) {
			print_help(lu, argc, argv, stderr);
			return -1;
		}
		if (i == nr_options)
			return refuse(*argv, "is no option of this type; there are appliance, vlan, mode and queues");
		if (argc < 2)
			return refuse(*argv, "wants a value");
		if (seen & 1U << i)
			return refuse(*argv, "is given twice");
		seen |= 1U << i;
		if (options[i].put(msg, argv[1]))
			return -1;
	}
	return 0;
}

static const char *text_of(struct rtattr *attr)
{
	const char *text = RTA_DATA(attr);

	/* From the kernel, so terminated; but the length is there to be looked at. */
	return RTA_PAYLOAD(attr) > 0 && !text[RTA_PAYLOAD(attr) - 1] ? text : "?";
}

static void print_mode_and_queues(struct rtattr *tb[])
{
	__u32 mode;

	if (tb[IFLA_UVF_MODE] && RTA_PAYLOAD(tb[IFLA_UVF_MODE]) >= sizeof(mode)) {
		mode = *(__u32 *)RTA_DATA(tb[IFLA_UVF_MODE]);
		print_color_string(PRINT_ANY, COLOR_NONE, "mode", "mode %s ",
				   mode <= UVF_MODE_MAX ? uvf_modes[mode] : "?");
	}
	if (tb[IFLA_UVF_QUEUES] && RTA_PAYLOAD(tb[IFLA_UVF_QUEUES]) >= sizeof(__u32))
		print_color_uint(PRINT_ANY, COLOR_NONE, "queues", "queues %u ",
				 *(__u32 *)RTA_DATA(tb[IFLA_UVF_QUEUES]));
}

static void print_opt(struct link_util *lu, FILE *out, struct rtattr *tb[])
{
	if (!tb)
		return;
	if (tb[IFLA_UVF_APPLIANCE])
		print_color_string(PRINT_ANY, COLOR_NONE, "appliance", "appliance %s ",
				   text_of(tb[IFLA_UVF_APPLIANCE]));
	if (tb[IFLA_UVF_VLAN] && RTA_PAYLOAD(tb[IFLA_UVF_VLAN]) >= sizeof(__u16))
		print_color_uint(PRINT_ANY, COLOR_NONE, "vlan", "vlan %u ",
				 *(__u16 *)RTA_DATA(tb[IFLA_UVF_VLAN]));
	print_mode_and_queues(tb);
	if (tb[IFLA_UVF_PCI])
		print_color_string(PRINT_ANY, COLOR_NONE, "pci", "pci %s ",
				   text_of(tb[IFLA_UVF_PCI]));
}

struct link_util uvf_link_util __attribute__((visibility("default"))) = {
	.id = UVF_KIND,
	.maxattr = IFLA_UVF_MAX,
	.parse_opt = parse_opt,
	.print_opt = print_opt,
	.print_help = print_help,
};

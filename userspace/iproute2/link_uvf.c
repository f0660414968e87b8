// SPDX-License-Identifier: GPL-2.0-only
/*
 * link_uvf.so: teaches `ip` the words of the link type "uvf".
 *
 *	ip link add link eth1 name fw0 type uvf appliance firewall vlan 7
 *	ip link add link eth1 name fw1 type uvf mode bridge queues 4
 *	ip link set fw0 type uvf tx_rate 100mbit tx_mirror ids0
 *	ip link set fw0 type uvf redirect fw1
 *	ip -d link show fw0
 *
 * `ip` loads it when it meets the kind, from $IP_LIB_DIR or its own library directory
 * (/usr/lib/<multiarch>/ip on Debian), and takes the symbol uvf_link_util.
 *
 * The values are the kernel's to judge: its refusals have a text, which `ip` prints. Here only
 * what cannot be put into a message is refused.
 */
#include <linux/ethtool.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <linux/uvf.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../common/mode.h"
#include "../common/why.h"
#include "../common/words.h"

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
int print_color_u64(enum output_type output, enum color_attr color, const char *key,
		    const char *format, unsigned long long value);

/* Room in the message that `ip link` parses into, and what a name may take of it. */
#define MESSAGE_SIZE 1024
#define NAME_SIZE 256

static void print_help(struct link_util *lu, int argc, char **argv, FILE *out)
{
	fprintf(out, "Usage: ip link add link UPLINK [ name NAME ] type uvf [ appliance NAME ] [ vlan ID ]\n"
		     "                                                  [ mode MODE ] [ queues N ] [ SENDING ]\n"
		     "                                                  [ redirect FUNCTION ]\n"
		     "       ip link set NAME type uvf [ mode MODE ] [ SENDING ] [ redirect FUNCTION ]\n"
		     "                                 [ appliance NAME ]     (while it is down)\n"
		     "\n"
		     "MODE := { private | bridge | passthru }\n"
		     "SENDING := [ tx_rate BITS ] [ tx_pps N ] [ tx_burst BYTES ] [ tx_mirror FUNCTION ]\n"
		     "\n"
		     "appliance  whom the function is for: 1 to 31 letters, digits, '.', '_', '-'\n"
		     "vlan       take only frames with this 802.1Q tag, 1 to 4094, without the tag\n"
		     "mode       private: the uplink alone; bridge: siblings in this mode too;\n"
		     "           passthru: all of the uplink's frames but the host's own\n"
		     "queues     1 to 16; later: ethtool -L NAME combined N\n"
		     "tx_rate    bits that it may send in a second: 8000, 500kbit, 10gbit; 0 for any number\n"
		     "tx_pps     frames that it may send in a second: 1000, 20k, 5m; 0 for any number\n"
		     "tx_burst   bytes at once, after a pause: 64k, 1m; 0 for what suits the rate\n"
		     "tx_mirror  the function that receives copies of what it sends, by its name here or\n"
		     "           its PCI address; or none\n"
		     "redirect   the function of the same uplink and vlan that receives what would be its\n"
		     "           own; or none\n");
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

static int put_tx_rate(struct nlmsghdr *msg, const char *text)
{
	uint64_t rate = 0;

	if (strcmp(text, "0") && uvf_number(text, uvf_units_bits, UVF_TX_RATE_MIN,
					    UVF_TX_RATE_MAX, &rate))
		return refuse("tx_rate", uvf_why());
	return addattr_l(msg, MESSAGE_SIZE, IFLA_UVF_TX_RATE, &rate, sizeof(rate));
}

static int put_u32(struct nlmsghdr *msg, int type, const char *word, const char *text,
		   const struct uvf_unit *units, uint64_t least, uint64_t most)
{
	uint64_t number = 0;
	__u32 value;

	if (strcmp(text, "0") && uvf_number(text, units, least, most, &number))
		return refuse(word, uvf_why());
	value = number;
	return addattr_l(msg, MESSAGE_SIZE, type, &value, sizeof(value));
}

static int put_tx_pps(struct nlmsghdr *msg, const char *text)
{
	return put_u32(msg, IFLA_UVF_TX_PPS, "tx_pps", text, uvf_units_frames, 1, UVF_TX_PPS_MAX);
}

static int put_tx_burst(struct nlmsghdr *msg, const char *text)
{
	return put_u32(msg, IFLA_UVF_TX_BURST, "tx_burst", text, uvf_units_bytes,
		       UVF_TX_BURST_MIN, UVF_TX_BURST_MAX);
}

/* Which a name does not outlive; so the kernel is told what `ethtool -i` says. */
static int find_pci(const char *name, char *pci)
{
	struct ethtool_drvinfo info = { .cmd = ETHTOOL_GDRVINFO };
	int err, sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq request = { .ifr_data = (void *)&info };

	strcpy(request.ifr_name, name);
	err = ioctl(sock, SIOCETHTOOL, &request);
	close(sock);
	if (err || strcmp(info.driver, UVF_KIND))
		return -1;
	snprintf(pci, UVF_PCI_SIZE, "%.*s", UVF_PCI_SIZE - 1, info.bus_info);
	return 0;
}

static int put_function(struct nlmsghdr *msg, int type, const char *word, const char *name)
{
	char pci[UVF_PCI_SIZE] = "";
	bool none = !strcmp(name, "none"), is_pci = strchr(name, ':');

	if (strlen(name) >= (is_pci ? UVF_PCI_SIZE : IFNAMSIZ) ||
	    (!none && !is_pci && find_pci(name, pci)))
		return refuse(word, "wants the name of a function here, a PCI address, or none");
	if (is_pci)
		strcpy(pci, name);
	return addattr_l(msg, MESSAGE_SIZE, type, pci, strlen(pci) + 1);
}

static int put_tx_mirror(struct nlmsghdr *msg, const char *name)
{
	return put_function(msg, IFLA_UVF_TX_MIRROR, "tx_mirror", name);
}

static int put_redirect(struct nlmsghdr *msg, const char *name)
{
	return put_function(msg, IFLA_UVF_REDIRECT, "redirect", name);
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
		{ "tx_rate", put_tx_rate },
		{ "tx_pps", put_tx_pps },
		{ "tx_burst", put_tx_burst },
		{ "tx_mirror", put_tx_mirror },
		{ "redirect", put_redirect },
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
			return refuse(*argv, "is no option of this type; `ip link help uvf` lists them");
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

static void print_u32(struct rtattr *attr, const char *key, const char *format)
{
	if (attr && RTA_PAYLOAD(attr) >= sizeof(__u32))
		print_color_uint(PRINT_ANY, COLOR_NONE, key, format, *(__u32 *)RTA_DATA(attr));
}

static void print_mode_and_queues(struct rtattr *tb[])
{
	__u32 mode;

	if (tb[IFLA_UVF_MODE] && RTA_PAYLOAD(tb[IFLA_UVF_MODE]) >= sizeof(mode)) {
		mode = *(__u32 *)RTA_DATA(tb[IFLA_UVF_MODE]);
		print_color_string(PRINT_ANY, COLOR_NONE, "mode", "mode %s ",
				   mode <= UVF_MODE_MAX ? uvf_modes[mode] : "?");
	}
	print_u32(tb[IFLA_UVF_QUEUES], "queues", "queues %u ");
}

static void print_sending(struct rtattr *tb[])
{
	__u64 rate;

	if (tb[IFLA_UVF_TX_RATE] && RTA_PAYLOAD(tb[IFLA_UVF_TX_RATE]) >= sizeof(rate)) {
		/* It may be at an odd place. */
		memcpy(&rate, RTA_DATA(tb[IFLA_UVF_TX_RATE]), sizeof(rate));
		print_color_u64(PRINT_ANY, COLOR_NONE, "tx_rate", "tx_rate %llu ", rate);
	}
	print_u32(tb[IFLA_UVF_TX_PPS], "tx_pps", "tx_pps %u ");
	print_u32(tb[IFLA_UVF_TX_BURST], "tx_burst", "tx_burst %u ");
	if (tb[IFLA_UVF_TX_MIRROR])
		print_color_string(PRINT_ANY, COLOR_NONE, "tx_mirror", "tx_mirror %s ",
				   text_of(tb[IFLA_UVF_TX_MIRROR]));
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
	print_sending(tb);
	if (tb[IFLA_UVF_REDIRECT])
		print_color_string(PRINT_ANY, COLOR_NONE, "redirect", "redirect %s ",
				   text_of(tb[IFLA_UVF_REDIRECT]));
}

struct link_util uvf_link_util __attribute__((visibility("default"))) = {
	.id = UVF_KIND,
	.maxattr = IFLA_UVF_MAX,
	.parse_opt = parse_opt,
	.print_opt = print_opt,
	.print_help = print_help,
};

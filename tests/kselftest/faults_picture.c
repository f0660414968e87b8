// SPDX-License-Identifier: GPL-2.0-only
/* A picture of what there is: links, filters, functions, vectors, devices. */
#include "faults.h"

#include <dirent.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void __attribute__((format(printf, 2, 3))) draw(struct picture *p, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	p->len += vsnprintf(p->text + p->len, sizeof(p->text) - p->len, format, args);
	va_end(args);
	if (p->len >= sizeof(p->text))
		die(2, "there is too much to look at");
}

static void draw_attr(struct picture *p, const struct nlattr *attr)
{
	const uint8_t *data = nla_data(attr);
	int i;

	draw(p, " %d=", nla_type(attr));
	for (i = 0; i < nla_len(attr); i++)
		draw(p, "%02x", data[i]);
}

static void draw_info(struct picture *p, struct nlattr *info)
{
	struct nlattr *data = nla_find(nla_data(info), nla_len(info), IFLA_INFO_DATA), *attr;
	struct nlattr *kind = nla_find(nla_data(info), nla_len(info), IFLA_INFO_KIND);
	int rest;

	if (!kind || strcmp(nla_get_string(kind), UVF_KIND) || !data)
		return;
	nla_for_each_nested(attr, data, rest)
		if (nla_type(attr) != IFLA_UVF_PCI)
			draw_attr(p, attr);
}

static void draw_link(struct nlmsghdr *header, void *p)
{
	const struct ifinfomsg *info = nlmsg_data(header);
	struct nlattr *attr;
	int rest;

	draw(p, "link %x:", info->ifi_flags & (IFF_UP | IFF_PROMISC | IFF_ALLMULTI));
	nla_for_each_attr(attr, nlmsg_attrdata(header, sizeof(*info)),
			  nlmsg_attrlen(header, sizeof(*info)), rest)
		switch (nla_type(attr)) {
		case IFLA_IFNAME:
		case IFLA_ADDRESS:
		case IFLA_MTU:
		case IFLA_MAX_MTU:
		case IFLA_PROMISCUITY:
			draw_attr(p, attr);
			break;
		case IFLA_XDP:
			draw_attr(p, nla_find(nla_data(attr), nla_len(attr), IFLA_XDP_ATTACHED));
			break;
		case IFLA_LINKINFO:
			draw_info(p, attr);
		}
	draw(p, "\n");
}

/* The uplinks' filters. Groups come and go with the addresses of the stack. */
static void draw_filter(struct nlmsghdr *header, void *p)
{
	const struct ndmsg *nd = nlmsg_data(header);
	struct nlattr *attr = nlmsg_find_attr(header, sizeof(*nd), NDA_LLADDR);

	if (!attr || *(uint8_t *)nla_data(attr) & 1)
		return;
	draw(p, "filter");
	draw_attr(p, attr);
	draw(p, "\n");
}

static void draw_function(struct nlmsghdr *header, void *p)
{
	struct nlattr *attr = genlmsg_attrdata(nlmsg_data(header), 0);
	int rest = genlmsg_attrlen(nlmsg_data(header), 0);
	struct nlattr *state = nla_find(attr, rest, UVF_A_FUNCTION_STATE);

	if (!state || nla_get_u32(state) != UVF_FUNCTION_STATE_USED)
		return;
	draw(p, "function");
	for (; nla_ok(attr, rest); attr = nla_next(attr, &rest))
		if (nla_type(attr) != UVF_A_FUNCTION_IFINDEX &&
		    nla_type(attr) != UVF_A_FUNCTION_PCI)
			draw_attr(p, attr);
	draw(p, "\n");
}

static void draw_vector(struct nlmsghdr *header, void *p)
{
	struct nlattr *attr = genlmsg_attrdata(nlmsg_data(header), 0);
	int rest = genlmsg_attrlen(nlmsg_data(header), 0);

	draw(p, "vector");
	for (; nla_ok(attr, rest); attr = nla_next(attr, &rest))
		if (nla_type(attr) == UVF_A_VECTOR_IRQ)
			((struct picture *)p)->irqs++;
		else if (nla_type(attr) != UVF_A_VECTOR_IFINDEX &&
			 nla_type(attr) != UVF_A_VECTOR_PCI)
			draw_attr(p, attr);
	draw(p, "\n");
}

#define DEVICES "/sys/bus/pci/devices"

static bool is_used(const char *name)
{
	char path[320], class[16] = "";
	FILE *file;

	snprintf(path, sizeof(path), DEVICES "/%s/class", name);
	file = fopen(path, "r");
	if (!file)
		return false;
	if (!fgets(class, sizeof(class), file))
		class[0] = 0;
	fclose(file);
	return strtoul(class, NULL, 16) == UVF_PCI_CLASS_USED;
}

/*
 * Of our domain, which is above 16 bits. Spare ones come as they may, but when the module is new:
 * one that the driver could not be bound to then, which brings the interrupts, has none.
 */
static void draw_devices(struct picture *p, bool spare)
{
	unsigned int used = 0, bound = 0, all = 0;
	struct dirent *entry;
	char path[320];
	DIR *dir = opendir(DEVICES);

	while (dir && (entry = readdir(dir))) {
		if (strlen(entry->d_name) < sizeof("10000:00:00.0") - 1)
			continue;
		all++;
		snprintf(path, sizeof(path), DEVICES "/%s/driver", entry->d_name);
		if (spare)
			p->irqs += !access(path, F_OK);
		if (!is_used(entry->d_name))
			continue;
		used++;
		bound += !access(path, F_OK);
	}
	if (dir)
		closedir(dir);
	draw(p, "devices %u used, %u bound, %u in all\n", used, bound, spare ? all : 0);
}

void must(int err)
{
	if (err)
		die(1, "the kernel does not tell what there is: %s", strerror(abs(err)));
}

void look(struct picture *p)
{
	const struct ifinfomsg any = {}, bridge = { .ifi_family = AF_BRIDGE };
	bool loaded = !access("/sys/module/uvf", F_OK);

	*p = (struct picture){};
	draw(p, "module %d, root device %d\n", loaded, !access("/sys/devices/uvf", F_OK));
	draw_devices(p, !genl);
	must(ask(rtnl, rtnl_new(RTM_GETLINK, NLM_F_DUMP, &any, sizeof(any)), false, draw_link, p));
	must(ask(rtnl, rtnl_new(RTM_GETNEIGH, NLM_F_DUMP, &bridge, sizeof(bridge)), false,
		 draw_filter, p));
	if (!genl)
		return;
	must(ask(genl, nl_new(UVF_CMD_FUNCTION_GET, NLM_F_DUMP), false, draw_function, p));
	must(ask(genl, nl_new(UVF_CMD_VECTOR_GET, NLM_F_DUMP), false, draw_vector, p));
}

// SPDX-License-Identifier: GPL-2.0-only
#include "points.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "why.h"

const char *const point_names[POINTS] = {
	[POINT_UPLINK] = "uplink",
	[POINT_RX] = "rx",
	[POINT_TX] = "tx",
};

int point_parse(const char *name)
{
	for (int i = 0; i < POINTS; i++)
		if (!strcmp(point_names[i], name))
			return i;
	return -1;
}

static void set_link(struct place *place, const struct uvf_link *link)
{
	place->ifindex = link->ifindex;
	strcpy(place->link, link->name);
}

/* XDP takes frames away before the link itself would see them. */
static int find_uplink(const struct fact *fact, struct place *place)
{
	const struct uvf_link *uplink = fact->function.uplink;
	const struct prog *prog;
	struct progs progs;

	if (!uplink)
		return uvf_fail(ENODEV, "the uplink of %s is in another network namespace: capture "
					"there", fact->function.netdev->name);
	progs_xdp(uplink, &progs);
	prog = progs_find(&progs, "uvf_steer");
	if (prog)
		place->prog = *prog;
	set_link(place, uplink);
	return 0;
}

static int find_rx(const struct fact *fact, struct place *place)
{
	const struct uvf_link *netdev = fact->function.netdev;
	struct progs progs;

	progs_xdp(netdev, &progs);
	if (!progs.count)
		return uvf_fail(ENOENT, "no XDP program takes the frames of %s, so that they go to "
					"the network stack: `tcpdump -i %s` sees them",
				netdev->name, netdev->name);
	place->prog = progs.prog[0];
	set_link(place, netdev);
	return 0;
}

/* As `lspci -D` writes it. There is one domain of uvf.ko's. */
static int find_sent(const struct uvf_link *netdev, struct place *place)
{
	unsigned int domain, bus, device, function;

	if (sscanf(netdev->pci, "%x:%2x:%2x.%1x", &domain, &bus, &device, &function) != 4)
		return uvf_fail(EINVAL, "%s has no PCI address", netdev->name);
	place->sent = true;
	place->function = bus << 8 | device << 3 | function;
	set_link(place, netdev);
	return 0;
}

static int find_tx(const struct fact *fact, struct place *place)
{
	if (!fact->function.port->is_port)
		return find_sent(fact->function.netdev, place);
	set_link(place, fact->function.port);
	return 0;
}

int point_find(const struct fact *fact, enum point point, struct place *place)
{
	static int (*const find[POINTS])(const struct fact *fact, struct place *place) = {
		[POINT_UPLINK] = find_uplink, [POINT_RX] = find_rx, [POINT_TX] = find_tx,
	};

	*place = (struct place){ 0 };
	return find[point](fact, place);
}

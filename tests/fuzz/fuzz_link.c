// SPDX-License-Identifier: GPL-2.0-only
/*
 * rtnetlink's messages, any bytes: a stream as one read of the socket brings it. After each
 * message the list of links is sound, and what makes a function of them can be asked.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <netlink/msg.h>
#include <uvf/steer.h>

#include "link.h"

static void check_function(const struct uvf_links *links, const struct uvf_link *link)
{
	struct uvf_function function;

	if (!uvf_function_of(links, link, &function))
		return;
	assert(function.port == link && function.netdev);
	assert(function.netdev == link || function.netdev->lower == link->ifindex);
	assert(!function.uplink || uvf_links_get(links, function.uplink->ifindex));
	assert(uvf_function_find(links, function.netdev->name, &function));
}

static void check(const struct uvf_links *links)
{
	const struct uvf_link *link;

	for (link = links->by_index; link; link = link->hh.next) {
		assert(link->ifindex > 0 && uvf_links_get(links, link->ifindex) == link);
		assert(memchr(link->name, '\0', sizeof(link->name)));
		assert(memchr(link->kind, '\0', sizeof(link->kind)));
		assert(memchr(link->appliance, '\0', sizeof(link->appliance)));
		assert(memchr(link->pci, '\0', sizeof(link->pci)));
		if (link->is_port) {
			assert(link->uplink > 0);
			assert(!*link->appliance || uvf_appliance_valid(link->appliance));
			assert(link->vlan == UVF_VLAN_ANY || (link->vlan && link->vlan < 4095));
		}
		check_function(links, link);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct uvf_links links = { 0 };
	struct nlmsghdr *stream, *msg;
	int left = size;

	if (size < sizeof(*msg) || size > 1 << 16)
		return 0;
	stream = malloc(size); /* on the heap and aligned, as libnl's buffer is */
	memcpy(stream, data, size);
	for (msg = stream; nlmsg_ok(msg, left); msg = nlmsg_next(msg, &left)) {
		int got = uvf_links_update(&links, msg);

		assert(got == 0 || got == 1 || got == -EINVAL);
		check(&links);
	}
	uvf_links_free(&links);
	assert(!links.by_index);
	free(stream);
	return 0;
}

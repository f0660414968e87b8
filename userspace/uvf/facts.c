// SPDX-License-Identifier: GPL-2.0-only
#include "uvf.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <uvf/libuvf.h>

#include "rtnl.h"
#include "why.h"

/* What the kernel knows is to be seen at once, whatever uvfd does. */
#define PATIENCE_MS 2000

int reach_uvfd(void)
{
	return uvf_proto_connect(getenv("UVF_SOCKET") ?: UVF_SOCKET);
}

int facts_open_by(struct facts *facts, int (*reach)(void))
{
	*facts = (struct facts){ .uvfd = -1, .reach = reach, .patience = PATIENCE_MS };
	facts->rtnl = uvf_rtnl_open();
	if (!facts->rtnl || uvf_links_dump(&facts->links, facts->rtnl))
		return -EIO;
	facts->uvfd = reach();
	return 0;
}

int facts_open(struct facts *facts, bool need_uvfd)
{
	int err = facts_open_by(facts, reach_uvfd);

	if (!err && need_uvfd && facts->uvfd < 0)
		err = facts->uvfd;
	return err;
}

void facts_close(struct facts *facts)
{
	uvf_links_free(&facts->links);
	nl_socket_free(facts->rtnl);
	if (facts->uvfd >= 0)
		close(facts->uvfd);
}

int facts_refresh(struct facts *facts)
{
	if (facts->uvfd < 0)
		facts->uvfd = facts->reach();
	return uvf_links_dump(&facts->links, facts->rtnl);
}

static void ask_uvfd(struct facts *facts, struct fact *fact)
{
	struct uvf_request request = { .version = UVF_PROTO_VERSION, .type = UVF_MSG_LIST };
	int err;

	fact->uvfd = false;
	if (facts->uvfd < 0)
		return;
	strcpy(request.function, fact->function.netdev->name);
	err = uvf_proto_call_within(facts->patience, facts->uvfd, &request, -1, &fact->lease,
				    NULL);
	fact->uvfd = !err;
	facts->silent = err == -ETIMEDOUT;
	if (err != -EPIPE && err != -ETIMEDOUT)
		return;
	close(facts->uvfd); /* it ended, and the next one has another socket; or it hangs */
	facts->uvfd = -1;
}

int facts_find(struct facts *facts, const char *name, struct fact *fact)
{
	if (!uvf_function_find(&facts->links, name, &fact->function)) {
		if (uvf_links_find(&facts->links, name))
			return uvf_fail(ENODEV, "%s is not a function: `uvf list` shows those "
						"there are", name);
		return uvf_fail(ENODEV, "there is no function %s: `uvf list` shows those there "
					"are", name);
	}
	ask_uvfd(facts, fact);
	return 0;
}

static int by_ifindex(const struct uvf_link *a, const struct uvf_link *b)
{
	return a->ifindex - b->ifindex;
}

void facts_walk(struct facts *facts, void (*each)(const struct fact *fact, void *arg), void *arg)
{
	struct uvf_link *link;
	struct fact fact;

	HASH_SRT(hh, facts->links.by_index, by_ifindex);
	for (link = facts->links.by_index; link; link = link->hh.next) {
		if (!uvf_function_of(&facts->links, link, &fact.function))
			continue;
		ask_uvfd(facts, &fact);
		each(&fact, arg);
	}
}

const char *fact_backend(const struct fact *fact)
{
	return fact->function.port->is_port ? "veth" : "uvf";
}

const char *fact_state(const struct fact *fact)
{
	const struct uvf_function *function = &fact->function;

	if (!(function->netdev->flags & IFF_UP))
		return "down";
	if (function->uplink && !(function->uplink->flags & IFF_UP))
		return "uplink down";
	if (!(function->netdev->flags & IFF_RUNNING))
		return "no carrier";
	return "up";
}

const char *mac_text(const uint8_t *mac, char *text)
{
	snprintf(text, MAC_TEXT_SIZE, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2],
		 mac[3], mac[4], mac[5]);
	return text;
}

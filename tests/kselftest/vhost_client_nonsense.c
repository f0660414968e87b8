// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a front-end must not say, each by name, on a connection of its own. The device refuses it,
 * or hangs up; which of the two is told.
 */
#include "vhost_client.h"

#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#define ENDLESS (1ULL << 63)

static int sized_fd(size_t size)
{
	int fd = memfd_create("nonsense", MFD_CLOEXEC);

	if (fd < 0 || ftruncate(fd, size))
		abort();
	return fd;
}

static int say(struct client *client, struct message *message, int fd)
{
	int status = message_do(client, message, &fd, fd >= 0);

	if (fd >= 0)
		close(fd);
	return status;
}

/* --- memory ------------------------------------------------------------------------------- */

static int one_region(struct client *client, uint64_t guest, uint64_t size, uint64_t offset, int fd)
{
	struct message message = { .request = SET_MEM_TABLE,
		.size = 8 + sizeof(struct region), .table.count = 1,
		.table.region[0] = { guest, size, USER_BASE, offset } };

	return say(client, &message, fd);
}

static int region_longer_than_file(struct client *client)
{
	return one_region(client, GUEST_BASE, 1 << 20, 0, sized_fd(4096));
}

static int region_empty(struct client *client)
{
	return one_region(client, GUEST_BASE, 0, 0, sized_fd(4096));
}

static int region_wraps(struct client *client)
{
	return one_region(client, ~0ULL - 4095, 1 << 20, 0, sized_fd(1 << 20));
}

static int region_offset_wraps(struct client *client)
{
	return one_region(client, GUEST_BASE, 8192, ~0ULL - 4095, sized_fd(8192));
}

static int region_huge(struct client *client)
{
	return one_region(client, GUEST_BASE, ENDLESS, 0, sized_fd(4096));
}

static int region_of_eventfd(struct client *client)
{
	return one_region(client, GUEST_BASE, 4096, 0, eventfd(0, 0));
}

static int region_without_file(struct client *client)
{
	return one_region(client, GUEST_BASE, 4096, 0, -1);
}

static int regions_overlap(struct client *client)
{
	struct message message = { .request = SET_MEM_TABLE, .size = 8 + 2 * sizeof(struct region),
		.table = { .count = 2, .region = {
			{ GUEST_BASE, 8192, USER_BASE, 0 },
			{ GUEST_BASE + 4096, 8192, USER_BASE + 8192, 0 } } } };
	int fds[2] = { sized_fd(8192), sized_fd(8192) };
	int status = message_do(client, &message, fds, 2);

	close(fds[0]);
	close(fds[1]);
	return status;
}

static int more_regions_than_said(struct client *client)
{
	struct message message = { .request = SET_MEM_TABLE, .size = 8, .table.count = 8 };

	return say(client, &message, sized_fd(4096));
}

static int too_many_regions(struct client *client)
{
	struct message message = { .request = SET_MEM_TABLE, .size = 8, .table.count = ~0U };

	return say(client, &message, sized_fd(4096));
}

/* --- rings -------------------------------------------------------------------------------- */

static int state(struct client *client, uint32_t index, uint32_t num)
{
	return message_state(client, SET_VRING_NUM, index, num);
}

static int ring_outside(struct client *client) { return state(client, 9999, 256); }
static int num_zero(struct client *client) { return state(client, 0, 0); }
static int num_huge(struct client *client) { return state(client, 0, 1 << 20); }

static int kick_of_ring_outside(struct client *client)
{
	struct message message = { .request = SET_VRING_KICK, .size = 8, .u64 = 0xfe };

	return say(client, &message, eventfd(0, 0));
}

static int enable_outside(struct client *client)
{
	return message_state(client, SET_VRING_ENABLE, ~0U, 1);
}

/* All that a ring needs: what is wrong in it must be told at the latest when it starts. */
static int start(struct client *client, uint32_t num, uint64_t desc, uint64_t avail, uint64_t used)
{
	struct message addr = { .request = SET_VRING_ADDR, .size = sizeof(addr.addr),
		.addr = { .desc_user_addr = desc, .avail_user_addr = avail,
			  .used_user_addr = used } };
	struct message kick = { .request = SET_VRING_KICK, .size = 8 };
	int fd = eventfd(1, 0), status;

	status = message_u64(client, SET_FEATURES, client->features) ||
		 one_region(client, GUEST_BASE, 1 << 20, 0, sized_fd(1 << 20)) ||
		 state(client, 0, num) || message_do(client, &addr, NULL, 0) ||
		 message_do(client, &kick, &fd, 1) || message_state(client, SET_VRING_ENABLE, 0, 1);
	close(fd);
	return status ? -1 : 0;
}

static int num_odd(struct client *client)
{
	return start(client, 100, USER_BASE, USER_BASE + 8192, USER_BASE + 16384);
}

static int addresses_outside(struct client *client)
{
	return start(client, 256, 0x1000, ENDLESS, ~0ULL - 64);
}

static int used_ring_outside(struct client *client)
{
	return start(client, 256, USER_BASE, USER_BASE + 8192, USER_BASE + (1 << 20) - 64);
}

static int addresses_odd(struct client *client)
{
	return start(client, 256, USER_BASE + 1, USER_BASE + 8193, USER_BASE + 16385);
}

/* --- areas -------------------------------------------------------------------------------- */

static int log_too_short(struct client *client)
{
	struct message message = { .request = SET_LOG_BASE, .size = sizeof(message.log),
				   .log = { 1 << 20, 0 } };
	int fd = sized_fd(4096), status = message_send(client, &message, &fd, 1);

	close(fd);
	/* It has an answer of its own, which need not tell. */
	return status || message_answer(client, &message, NULL) || message.u64 ? -1 : 0;
}

static int inflight_too_short(struct client *client)
{
	struct message message = { .request = SET_INFLIGHT_FD, .size = sizeof(message.inflight),
				   .inflight = { 1 << 20, 0, 2, 256 } };

	return say(client, &message, sized_fd(64));
}

static int inflight_of_nothing(struct client *client)
{
	struct message message = { .request = SET_INFLIGHT_FD, .size = sizeof(message.inflight),
				   .inflight = { 4096, 0, 0xffff, 0xffff } };

	return say(client, &message, sized_fd(4096));
}

/* --- messages ----------------------------------------------------------------------------- */

static int unknown(struct client *client) { return message_u64(client, 4711, 0); }

static int feature_not_offered(struct client *client)
{
	return message_u64(client, SET_FEATURES, ~0ULL);
}

static int too_long(struct client *client)
{
	struct message message = { .request = SET_FEATURES, .size = ~0U, .flags = FLAG_VERSION };

	if (send(client->sock, &message, MESSAGE_HEADER, MSG_NOSIGNAL) < 0)
		return -1;
	return message_answer(client, &message, NULL);
}

static int too_short(struct client *client)
{
	struct message message = { .request = SET_VRING_ADDR, .size = 3 };

	return say(client, &message, -1);
}

static int other_version(struct client *client)
{
	struct message message = { .request = GET_FEATURES, .flags = 2 };

	if (send(client->sock, &message, MESSAGE_HEADER, MSG_NOSIGNAL) < 0)
		return -1;
	return message_answer(client, &message, NULL);
}

static int config_outside(struct client *client)
{
	struct message message = { .request = GET_CONFIG, .size = 12 + 256,
				   .config = { .offset = ~0U - 3, .size = 256 } };

	return message_ask(client, &message, NULL) || !message.size ? -1 : 0;
}

/* --- names -------------------------------------------------------------------------------- */

#define NONSENSE(name) { #name, name }

static const struct {
	const char *name;
	int (*say)(struct client *client);
} nonsenses[] = {
	NONSENSE(region_longer_than_file), NONSENSE(region_empty), NONSENSE(region_wraps),
	NONSENSE(region_offset_wraps), NONSENSE(region_huge), NONSENSE(region_of_eventfd),
	NONSENSE(region_without_file), NONSENSE(regions_overlap), NONSENSE(more_regions_than_said),
	NONSENSE(too_many_regions), NONSENSE(ring_outside), NONSENSE(num_zero), NONSENSE(num_odd),
	NONSENSE(num_huge), NONSENSE(kick_of_ring_outside), NONSENSE(enable_outside),
	NONSENSE(addresses_outside), NONSENSE(used_ring_outside), NONSENSE(addresses_odd),
	 NONSENSE(log_too_short), NONSENSE(inflight_too_short),
	NONSENSE(inflight_of_nothing), NONSENSE(unknown), NONSENSE(feature_not_offered),
	NONSENSE(too_long), NONSENSE(too_short), NONSENSE(other_version), NONSENSE(config_outside),
};

const char *nonsense_name(unsigned int i)
{
	return i < sizeof(nonsenses) / sizeof(nonsenses[0]) ? nonsenses[i].name : NULL;
}

/* Zero when the device made nothing of it. */
int nonsense_say(struct client *client, const char *name)
{
	for (unsigned int i = 0; nonsense_name(i); i++)
		if (!strcmp(name, nonsense_name(i))) {
			if (!nonsenses[i].say(client))
				return fail(client, "the device took %s for good", name);
			return 0;
		}
	return fail(client, "'%s' is no nonsense", name);
}

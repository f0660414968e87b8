// SPDX-License-Identifier: GPL-2.0-only
/* What the keeper has of sessions and leases, and how they are made from it again. */
#include "uvfd.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "keep.h"
#include "why.h"

static struct {
	int sock;
	uint32_t last; /* id that was given */
	char path[128];
} park = { .sock = -1 };

static void lost(int err)
{
	say("the keeper is gone (%s): when uvfd ends, all leases end", strerror(err));
	close(park.sock);
	park.sock = -1;
}

static uint32_t put(struct keep_item *item, uint32_t id)
{
	int err;

	if (park.sock < 0)
		return 0;
	if (!id)
		id = ++park.last ?: ++park.last;
	item->record.version = KEEP_VERSION;
	item->record.op = KEEP_PUT;
	item->record.id = id;
	err = keep_send(park.sock, item);
	if (err >= 0)
		return id;
	lost(-err);
	return 0;
}

void park_session(struct session *session)
{
	struct keep_item item = { .record.kind = KEEP_SESSION };
	struct keep_session *to = &item.record.session;

	to->pid = session->pid;
	to->functions = session->functions;
	to->frame_size = session->frame_size;
	to->linger = session->linger;
	to->busy_budget = session->busy_budget;
	to->memory_request = session->memory_request;
	to->inherited = session->inherited;
	to->has_sock = session->sock >= 0;
	strcpy(to->appliance, session->appliance);
	memcpy(to->function, session->function, sizeof(to->function));
	if (session->sock >= 0)
		item.fd[item.fds++] = session->sock;
	if (session->memory >= 0) {
		to->memory_size = session->memory_size;
		item.fd[item.fds++] = session->memory;
	}
	to->maps = session->maps;
	to->maps_expected = session->maps_expected;
	to->frame_max = session->frame_max;
	to->memory_flags = session->memory_flags;
	for (unsigned int i = 0; i < session->maps; i++) {
		to->map[i].at = session->map[i].at;
		to->map[i].size = session->map[i].size;
		item.fd[item.fds++] = session->map[i].fd;
	}
	session->kept = put(&item, session->kept);
}

void park_lease(struct lease *lease)
{
	struct keep_item item = { .record.kind = KEEP_LEASE };
	struct keep_lease *to = &item.record.lease;

	to->session = lease->session->kept;
	to->netdev = lease->netdev;
	to->ring_size = lease->ring_size;
	to->sources = lease->sources;
	to->request = lease->request;
	to->inherited = lease->inherited;
	strcpy(to->name, lease->name);
	item.fd[item.fds++] = lease->program;
	item.fd[item.fds++] = lease->sockets;
	for (unsigned int i = 0; i < lease->sources; i++) {
		const struct source *source = &lease->source[i];

		to->source[i] = (struct keep_source){
			.netdev = source->netdev,
			.queue = source->queue,
			.zerocopy = source->zerocopy,
			.direct = source->direct,
		};
		item.fd[item.fds++] = source->xsk;
	}
	lease->kept = put(&item, lease->kept);
}

void park_drop(uint32_t *kept)
{
	struct keep_item item = {
		.record = { .version = KEEP_VERSION, .op = KEEP_DROP, .id = *kept },
	};
	int err = 0;

	if (*kept && park.sock >= 0)
		err = keep_send(park.sock, &item);
	if (err > 0)
		err = keep_receive(park.sock, &item) ?: -EPIPE;
	if (err < 0)
		lost(-err);
	*kept = 0;
}

/* --- a successor ------------------------------------------------------------------------------ */

static void adopt_memory(struct session *session, const struct keep_item *item)
{
	const struct keep_session *from = &item->record.session;
	const int *fd = item->fd + from->has_sock;

	if (from->memory_size)
		session->memory = *fd++;
	session->memory_size = from->memory_size;
	session->frame_size = from->frame_size;
	session->memory_request = from->memory_request;
	session->inherited = from->inherited;
	session->maps = from->maps;
	session->maps_expected = from->maps_expected;
	session->frame_max = from->frame_max;
	session->memory_flags = from->memory_flags;
	for (unsigned int i = 0; i < from->maps; i++)
		session->map[i] = (struct session_map){
			.fd = *fd++,
			.at = from->map[i].at,
			.size = from->map[i].size,
		};
}

static struct session *adopt_session(const struct keep_item *item)
{
	const struct keep_session *from = &item->record.session;
	struct session *session = session_new(from->has_sock ? item->fd[0] : -1, from->pid);

	if (!session)
		return NULL;
	session->kept = item->record.id;
	session->is_appliance = true;
	strcpy(session->appliance, from->appliance);
	session->functions = from->functions;
	memcpy(session->function, from->function, sizeof(session->function));
	session->linger = from->linger;
	session->busy_budget = from->busy_budget;
	adopt_memory(session, item);
	if (session_listen(session))
		say("no memory for the connection of %s: it is not heard", session->appliance);
	return session;
}

static void adopt_sources(struct lease *lease, const struct keep_item *item)
{
	const struct keep_lease *from = &item->record.lease;

	lease->program = item->fd[0];
	lease->sockets = item->fd[1];
	lease->sources = from->sources;
	for (unsigned int i = 0; i < from->sources; i++)
		lease->source[i] = (struct source){
			.netdev = from->source[i].netdev,
			.queue = from->source[i].queue,
			.zerocopy = from->source[i].zerocopy,
			.direct = from->source[i].direct,
			.xsk = item->fd[2 + i],
			.bound = true,
		};
	while (lease->queues < lease->sources && !lease->source[lease->queues].direct)
		lease->queues++;
}

static struct lease *adopt_lease(const struct keep_item *item, struct session *session)
{
	const struct keep_lease *from = &item->record.lease;
	struct function *function = model_find_netdev(from->netdev);
	struct lease *lease;

	if (!session || session->kept != from->session || !function || function->lease)
		return NULL;
	lease = lease_new(session, function);
	if (!lease)
		return NULL;
	lease->kept = item->record.id;
	strcpy(lease->name, from->name);
	lease->ring_size = from->ring_size;
	lease->request = from->request;
	lease->inherited = from->inherited;
	lease->bound = lease->attached = true;
	adopt_sources(lease, item);
	say("%s: taken over, leased to %s (pid %d)", function->name, session->appliance,
	    (int)session->pid);
	return lease;
}

/* Records come in the order in which they were made: leases behind their session. */
static void adopt(struct keep_item *item, struct session **sessions, unsigned int *count)
{
	struct keep_record *record = &item->record;
	bool taken = false;

	if (record->id > park.last)
		park.last = record->id;
	if (keep_valid(item) && record->kind == KEEP_SESSION && *count < SESSIONS_MAX) {
		sessions[*count] = adopt_session(item);
		taken = sessions[*count];
		*count += taken;
	} else if (keep_valid(item) && record->kind == KEEP_LEASE) {
		for (unsigned int i = 0; i < *count && !taken; i++)
			taken = adopt_lease(item, sessions[i]);
	}
	if (taken)
		return;
	for (unsigned int i = 0; i < item->fds; i++)
		close(item->fd[i]);
	item->fds = 0;
}

void park_adopt(void)
{
	static struct session *sessions[SESSIONS_MAX];
	static uint32_t refused[2 * SESSIONS_MAX];
	unsigned int count = 0, refusals = 0;
	struct keep_item item;
	int got;

	while (park.sock >= 0) {
		got = keep_receive(park.sock, &item);
		if (got == -EPROTO) {
			say("what another version of uvfd left can't be taken over");
			continue;
		}
		if (got <= 0)
			lost(-got);
		if (got <= 0 || item.record.op == KEEP_END)
			break;
		adopt(&item, sessions, &count);
		if (!item.fds && refusals < 2 * SESSIONS_MAX)
			refused[refusals++] = item.record.id;
	}
	while (refusals)
		park_drop(&refused[--refusals]);
}

/* --- the connection ------------------------------------------------------------------------- */

int park_open(const char *path)
{
	/* It may be closing what it had last, for which the kernel takes its time. */
	const struct timeval patience = { .tv_sec = 10 };

	if (snprintf(park.path, sizeof(park.path), "%s.keep", path) >= (int)sizeof(park.path))
		return uvf_fail(ENAMETOOLONG, "the socket path %s is too long", path);
	park.sock = keeper_connect(park.path);
	if (park.sock < 0)
		return park.sock;
	setsockopt(park.sock, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(park.sock, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	return 0;
}

void park_close(bool leave)
{
	struct keep_item item = { .record = { .version = KEEP_VERSION, .op = KEEP_STOP } };

	if (park.sock < 0)
		return;
	if (!leave) {
		keep_send(park.sock, &item);
		unlink(park.path);
	}
	close(park.sock);
	park.sock = -1;
}

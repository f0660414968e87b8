// SPDX-License-Identifier: GPL-2.0-only
/*
 * What uvfd tells: who leases a function, and whether XDP steers to it. It says how a function is
 * now; the event is what is other than before.
 */
#include "events.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <uthash.h>
#include <uvf/libuvf.h>

#include "why.h"

struct known {
	uint32_t cursor; /* stays when the function is renamed */
	struct uvf_reply lease;
	bool seen;
	UT_hash_handle hh;
};

static struct known *all;
static int watched = -1;

static void tell(const struct events *events, const char *kind, const struct uvf_reply *lease)
{
	struct json_object *event;

	if (!events->started)
		return;
	event = told_new(kind);
	told_text(event, "function", lease->function);
	if (*lease->uplink)
		told_text(event, "uplink", lease->uplink);
	if (*lease->holder) {
		told_text(event, "holder", lease->holder);
		told_number(event, "pid", lease->holder_pid);
		told_text(event, "mode", lease->zerocopy ? "zero-copy" : "copy");
	}
	if (lease->parked)
		told_number(event, "seconds", lease->parked);
	if (!strcmp(kind, "redirect"))
		told_text(event, "to", *lease->redirect ? lease->redirect : lease->function);
	told_print(events, event);
}

static void tell_lease(const struct events *events, const struct uvf_reply *before,
		       const struct uvf_reply *now)
{
	bool same = !strcmp(before->holder, now->holder);

	if (*before->holder && !same)
		tell(events, "release", before);
	if (*now->holder && !same)
		tell(events, "lease", now);
	else if (*now->holder && now->parked && !before->parked)
		tell(events, "park", now);
	else if (*now->holder && !now->parked && before->parked)
		tell(events, "resume", now);
	else if (*now->holder && now->holder_pid != before->holder_pid)
		tell(events, "lease", now);
}

static void compare(const struct events *events, const struct uvf_reply *now)
{
	struct uvf_reply before = { 0 };
	struct known *known;

	HASH_FIND(hh, all, &now->cursor, sizeof(now->cursor), known);
	if (known) {
		before = known->lease;
	} else {
		known = calloc(1, sizeof(*known));
		if (!known)
			return;
		known->cursor = now->cursor;
		HASH_ADD(hh, all, cursor, sizeof(known->cursor), known);
	}
	known->lease = *now;
	known->seen = true;
	tell_lease(events, &before, now);
	if (before.steered != now->steered)
		tell(events, now->steered ? "steer" : "unsteer", now);
	if (strcmp(before.redirect, now->redirect))
		tell(events, "redirect", now);
}

static void forget_unseen(const struct events *events)
{
	const struct uvf_reply nothing = { 0 };
	struct known *known, *next;

	HASH_ITER(hh, all, known, next) {
		if (known->seen) {
			known->seen = false;
			continue;
		}
		tell_lease(events, &known->lease, &nothing);
		HASH_DEL(all, known);
		free(known);
	}
}

/* By another connection: on that one which watches, events would come in between. */
static void list(struct events *events)
{
	struct uvf_request request = { .version = UVF_PROTO_VERSION, .type = UVF_MSG_LIST };
	struct uvf_reply reply;
	int sock = events->facts.reach();

	if (sock < 0)
		return;
	while (!uvf_proto_call(sock, &request, -1, &reply, NULL)) {
		compare(events, &reply);
		request.list.after = reply.cursor;
	}
	close(sock);
	forget_unseen(events);
}

static int open_uvfd(struct events *events)
{
	struct uvf_request request = { .version = UVF_PROTO_VERSION, .type = UVF_MSG_WATCH };
	struct uvf_reply reply;

	watched = events->facts.reach();
	if (watched < 0)
		return -1;
	if (uvf_proto_call(watched, &request, -1, &reply, NULL)) {
		close(watched);
		return -1;
	}
	if (events->started)
		told_print(events, told_new("uvfd-start"));
	list(events);
	return watched;
}

/* Strings are ended, whoever sent them. */
static bool is_event(struct uvf_reply *event, ssize_t size)
{
	if (size != sizeof(*event) || event->version != UVF_PROTO_VERSION ||
	    event->type != UVF_MSG_NOTICE)
		return false;
	event->function[sizeof(event->function) - 1] = '\0';
	event->uplink[sizeof(event->uplink) - 1] = '\0';
	event->holder[sizeof(event->holder) - 1] = '\0';
	return true;
}

static int read_uvfd(struct events *events)
{
	struct uvf_reply event;
	ssize_t size;

	while ((size = recv(watched, &event, sizeof(event), MSG_DONTWAIT)) > 0)
		if (is_event(&event, size))
			compare(events, &event);
	if (size < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	close(watched);
	told_print(events, told_new("uvfd-end"));
	return -1;
}

const struct events_source events_uvfd = { .open = open_uvfd, .read = read_uvfd };

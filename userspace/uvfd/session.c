// SPDX-License-Identifier: GPL-2.0-only
/* Clients: how they come and go. What they ask is served by serve.c. */
#include "uvfd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "why.h"

static struct {
	LIST_HEAD(, session) list;
	unsigned int count;
	struct event_base *base;
	struct event *event;
	int sock;
	int spare; /* descriptor, to turn somebody away with when there is no other left */
	char path[108];
	mode_t mode; /* of the socket */
} sessions = { .sock = -1, .spare = -1 };

void session_close(struct session *session)
{
	struct lease *lease;

	while ((lease = LIST_FIRST(&session->leases)))
		lease_close(lease);
	memory_drop(session);
	if (session->event)
		event_free(session->event);
	if (session->deadline)
		event_free(session->deadline);
	if (session->sock >= 0)
		close(session->sock);
	park_drop(&session->kept);
	LIST_REMOVE(session, entry);
	sessions.count--;
	free(session);
}

/* A client that does not read loses notices, nothing else. */
void session_notice(struct session *session, int status)
{
	struct uvf_reply notice = {
		.version = UVF_PROTO_VERSION,
		.type = UVF_MSG_NOTICE,
		.status = status,
	};

	if (session->sock >= 0)
		uvf_proto_answer(session->sock, &notice, -1);
}

void sessions_tell(const struct uvf_reply *event)
{
	struct session *session;

	LIST_FOREACH(session, &sessions.list, entry)
		if (session->watches && uvf_proto_answer(session->sock, event, -1))
			shutdown(session->sock, SHUT_RDWR); /* the event loop closes it */
}

/* --- sessions whose client is dead ------------------------------------------------------------ */

bool session_is_parked(const struct session *session)
{
	return session->sock < 0;
}

unsigned int session_left(const struct session *session)
{
	struct timeval end, now;

	if (!session->deadline || !event_pending(session->deadline, EV_TIMEOUT, &end))
		return 0;
	event_base_gettimeofday_cached(sessions.base, &now);
	return end.tv_sec > now.tv_sec ? end.tv_sec - now.tv_sec : 0;
}

static void on_deadline(evutil_socket_t fd, short what, void *arg)
{
	struct session *session = arg;

	say("%s (pid %d) has no successor after %u s", session->appliance, (int)session->pid,
	    session->linger);
	session_close(session);
}

static int deadline_set(struct session *session)
{
	struct timeval linger = { .tv_sec = session->linger };

	session->deadline = evtimer_new(sessions.base, on_deadline, session);
	return session->deadline ? event_add(session->deadline, &linger) : -1;
}

/*
 * Its client is dead: the leases wait for a successor, as long as the client said, where that can
 * map their rings.
 */
static void session_park(struct session *session)
{
	struct lease *lease;

	if (!session->linger || !session->is_appliance || LIST_EMPTY(&session->leases) ||
	    !source_maps_bound() || deadline_set(session)) {
		session_close(session);
		return;
	}
	event_free(session->event);
	close(session->sock);
	session->event = NULL;
	session->sock = -1;
	LIST_FOREACH(lease, &session->leases, entry)
		direct_stop(lease->function);
	park_session(session);
	LIST_FOREACH(lease, &session->leases, entry)
		serve_tell(lease->function);
	say("%s (pid %d) is dead: what it had waits %u s for a successor", session->appliance,
	    (int)session->pid, session->linger);
}

/* A successor may be faster than the news of the death. */
static void park_the_dead(void)
{
	struct session *session, *next;
	char byte;

	for (session = LIST_FIRST(&sessions.list); session; session = next) {
		next = LIST_NEXT(session, entry);
		if (session->sock >= 0 && session->is_appliance &&
		    !recv(session->sock, &byte, 1, MSG_PEEK | MSG_DONTWAIT))
			session_park(session);
	}
}

struct session *session_parked(const char *appliance, const char (*functions)[UVF_PROTO_NAME],
			       unsigned int count)
{
	struct session *session;

	park_the_dead();
	LIST_FOREACH(session, &sessions.list, entry) {
		if (!session_is_parked(session) || session->functions != count ||
		    strcmp(session->appliance, appliance))
			continue;
		for (unsigned int i = 0; i < count; i++)
			if (strcmp(session->function[i], functions[i]))
				goto another;
		return session;
another:;
	}
	return NULL;
}

void session_inherit(struct session *to, struct session *from)
{
	struct lease *lease;

	memory_inherit(to, from);
	to->linger = from->linger;
	to->busy_budget = from->busy_budget;
	to->kept = from->kept;
	from->kept = 0;
	while ((lease = LIST_FIRST(&from->leases))) {
		LIST_REMOVE(lease, entry);
		LIST_INSERT_HEAD(&to->leases, lease, entry);
		lease->session = to;
		lease->inherited = true;
		lease->request = 0;
		direct_start(lease->function);
		serve_tell(lease->function);
	}
	session_close(from);
}

/* --- clients ------------------------------------------------------------------------------ */

static void refuse(struct session *session)
{
	struct uvf_reply reply = { .version = UVF_PROTO_VERSION, .status = -EPROTO,
				   .type = UVF_MSG_TYPES };

	strncpy(reply.why, uvf_why(), sizeof(reply.why) - 1);
	uvf_proto_answer(session->sock, &reply, -1);
	say("pid %d: %s: closed", (int)session->pid, uvf_why());
}

/* The request stays in the queue until it is answered: see common/proto.h. */
static void on_request(evutil_socket_t fd, short what, void *arg)
{
	struct session *session = arg;
	struct uvf_incoming in;
	int got = uvf_proto_peek(fd, &in);

	if (!got)
		return;
	if (got == 1) {
		got = session_serve(session, &in);
		if (in.fd >= 0)
			close(in.fd);
		uvf_proto_consume(fd);
		if (!got)
			return;
		say("pid %d does not read its replies: closed", (int)session->pid);
	} else if (got == -EPROTO) {
		/* What is left unread would take the answer away from the peer. */
		uvf_proto_consume(fd);
		refuse(session);
	} else {
		session_park(session);
		return;
	}
	session_close(session);
}

int session_listen(struct session *session)
{
	if (session->sock < 0)
		return deadline_set(session);
	session->event = event_new(sessions.base, session->sock, EV_READ | EV_PERSIST, on_request,
				   session);
	return session->event ? event_add(session->event, NULL) : -1;
}

/* Of who connected, even if uvfd is another one by now. */
static uid_t uid_of(int sock)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	return sock < 0 || getsockopt(sock, SOL_SOCKET, SO_PEERCRED, &peer, &len) ? (uid_t)-1 :
										    peer.uid;
}

struct session *session_new(int sock, pid_t pid)
{
	struct session *session = calloc(1, sizeof(*session));

	if (!session)
		return NULL;
	session->sock = sock;
	session->pid = pid;
	session->uid = uid_of(sock);
	session->memory = -1;
	strcpy(session->appliance, SESSION_ROOT);
	LIST_INIT(&session->leases);
	LIST_INSERT_HEAD(&sessions.list, session, entry);
	sessions.count++;
	return session;
}

static void set_mode(void)
{
	mode_t mode = appliances_have_users() ? 0666 : 0600;

	if (mode != sessions.mode && !chmod(sessions.path, mode))
		sessions.mode = mode;
}

/* Users come only where the configuration names some, and keep nobody out by their number. */
static bool is_welcome(const struct ucred *peer)
{
	struct session *session;
	unsigned int count = 0;

	if (sessions.count >= SESSIONS_MAX)
		return false;
	if (!peer->uid)
		return true;
	LIST_FOREACH(session, &sessions.list, entry)
		count += session->uid == peer->uid;
	return appliances_have_users() && count < SESSIONS_OF_USER;
}

static void session_open(int sock)
{
	struct session *session;
	struct ucred peer;
	socklen_t len = sizeof(peer);

	set_mode();
	if (getsockopt(sock, SOL_SOCKET, SO_PEERCRED, &peer, &len) || !is_welcome(&peer)) {
		close(sock);
		return;
	}
	session = session_new(sock, peer.pid);
	if (!session)
		close(sock);
	else if (session_listen(session))
		session_close(session);
}

static void spare_take(void)
{
	sessions.spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

/* Who is not accepted keeps the listening socket readable, and uvfd awake for nothing. */
static void turn_away(int listening)
{
	if (sessions.spare < 0)
		return;
	close(sessions.spare);
	close(accept4(listening, NULL, NULL, SOCK_CLOEXEC));
	spare_take();
}

static void on_connect(evutil_socket_t fd, short what, void *arg)
{
	int sock = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (sock >= 0)
		session_open(sock);
	else if (errno == EMFILE || errno == ENFILE)
		turn_away(fd);
}

static int listen_on(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	mode_t mask;
	int err;

	strcpy(addr.sun_path, path);
	sessions.sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (sessions.sock < 0)
		return uvf_fail(errno, "can't make a Unix socket: %s", strerror(errno));
	mask = umask(0177);
	err = bind(sessions.sock, (struct sockaddr *)&addr, sizeof(addr)) ? errno : 0;
	umask(mask);
	if (!err && listen(sessions.sock, 64))
		err = errno;
	if (err)
		return uvf_fail(err, "can't listen on %s: %s", path, strerror(err));
	strcpy(sessions.path, path);
	sessions.mode = 0600;
	set_mode();
	return 0;
}

int sessions_open(struct event_base *base, const char *path)
{
	char dir[sizeof(sessions.path)], *slash;
	int sock, err;

	sock = uvf_proto_connect(path);
	if (sock >= 0) {
		close(sock);
		return uvf_fail(EADDRINUSE, "uvfd is running already, on %s", path);
	}
	if (sock == -ENAMETOOLONG || sock == -EINVAL)
		return sock;
	if (sock == -ECONNREFUSED)
		unlink(path);
	strcpy(dir, path);
	slash = strrchr(dir, '/');
	if (slash && slash != dir) {
		*slash = '\0';
		mkdir(dir, 0755);
	}
	sessions.base = base;
	err = listen_on(path);
	if (err)
		return err;
	sessions.event = event_new(base, sessions.sock, EV_READ | EV_PERSIST, on_connect, NULL);
	if (!sessions.event || event_add(sessions.event, NULL))
		return uvf_fail(ENOMEM, "no memory for the event loop");
	spare_take();
	return 0;
}

void sessions_close(bool leave)
{
	struct session *session;

	while (!leave && (session = LIST_FIRST(&sessions.list))) {
		if (!LIST_EMPTY(&session->leases))
			session_notice(session, -ESHUTDOWN);
		session_close(session);
	}
	if (sessions.event)
		event_free(sessions.event);
	if (sessions.sock >= 0)
		close(sessions.sock);
	if (sessions.spare >= 0)
		close(sessions.spare);
	if (*sessions.path)
		unlink(sessions.path);
}

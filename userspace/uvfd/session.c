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

#define SESSIONS_MAX 4096

static struct {
	LIST_HEAD(, session) list;
	unsigned int count;
	struct event_base *base;
	struct event *event;
	int sock;
	int spare; /* descriptor, to turn somebody away with when there is no other left */
	char path[108];
} sessions = { .sock = -1, .spare = -1 };

static void session_close(struct session *session)
{
	struct lease *lease;

	while ((lease = LIST_FIRST(&session->leases)))
		lease_close(lease);
	if (session->memory >= 0)
		close(session->memory);
	if (session->event)
		event_free(session->event);
	close(session->sock);
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

	uvf_proto_answer(session->sock, &notice, -1);
}

static void on_request(evutil_socket_t fd, short what, void *arg)
{
	struct session *session = arg;
	struct uvf_incoming in;
	int got = uvf_proto_receive(fd, &in);

	if (!got)
		return;
	if (got == 1) {
		got = session_serve(session, &in);
		if (in.fd >= 0)
			close(in.fd);
		if (!got)
			return;
		say("pid %d does not read its replies: closed", (int)session->pid);
	} else if (got == -EPROTO) {
		struct uvf_reply reply = { .version = UVF_PROTO_VERSION, .status = got,
					   .type = UVF_MSG_TYPES };

		strncpy(reply.why, uvf_why(), sizeof(reply.why) - 1);
		uvf_proto_answer(session->sock, &reply, -1);
		say("pid %d: %s: closed", (int)session->pid, uvf_why());
	}
	session_close(session);
}

static void session_open(int sock)
{
	struct session *session = calloc(1, sizeof(*session));
	struct ucred peer;
	socklen_t len = sizeof(peer);

	if (!session || getsockopt(sock, SOL_SOCKET, SO_PEERCRED, &peer, &len)) {
		free(session);
		close(sock);
		return;
	}
	session->sock = sock;
	session->pid = peer.pid;
	session->memory = -1;
	strcpy(session->appliance, SESSION_ROOT);
	LIST_INIT(&session->leases);
	LIST_INSERT_HEAD(&sessions.list, session, entry);
	sessions.count++;
	session->event = event_new(sessions.base, sock, EV_READ | EV_PERSIST, on_request, session);
	/* The socket's mode keeps others out; this holds when somebody changed the mode. */
	if (peer.uid || !session->event || event_add(session->event, NULL) ||
	    sessions.count > SESSIONS_MAX)
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

void sessions_close(void)
{
	struct session *session;

	while ((session = LIST_FIRST(&sessions.list))) {
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

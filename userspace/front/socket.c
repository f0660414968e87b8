// SPDX-License-Identifier: GPL-2.0-only
/*
 * The connection to the front-end. As a server we have a listening socket, from `uvf front`, who
 * had the right to make it; as a client we connect, and try again, for ever. There is one
 * connection at a time: the next waits until this one has ended.
 */
#include "front.h"

#include <errno.h>
#include <event2/event.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "why.h"

#define RETRY_US 200000

static void await_next(struct front *front);

static void on_incoming(int fd, short what, void *arg)
{
	struct front *front = arg;
	int got;

	while ((got = message_receive(front->sock, &front->input)) > 0) {
		got = device_message(front, &front->input.message);
		message_done(&front->input);
		if (got < 0)
			break;
	}
	if (got < 0)
		socket_drop(front, uvf_why());
}

static void session_begin(struct front *front, int sock)
{
	loop_forget(&front->incoming);
	front->sock = sock;
	front->incoming = loop_watch(front, sock, on_incoming, front);
	if (!front->incoming) {
		socket_drop(front, uvf_why());
		return;
	}
	front->counters->connected = 1;
	front->counters->connections++;
	front_say(front, "a front-end is connected");
}

void socket_drop(struct front *front, const char *why)
{
	if (front->sock < 0)
		return;
	front_say(front, "%s", why);
	loop_forget(&front->incoming);
	message_done(&front->input);
	device_reset(front);
	close(front->sock);
	front->sock = -1;
	front->counters->connected = 0;
	await_next(front);
}

/* --- server ----------------------------------------------------------------------------------- */

static void on_connection(int fd, short what, void *arg)
{
	struct front *front = arg;
	int sock = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (sock >= 0)
		session_begin(front, sock);
}

/* --- client ----------------------------------------------------------------------------------- */

static int connect_to(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (sock < 0)
		return uvf_fail(errno, "can't make a socket: %s", strerror(errno));
	strcpy(addr.sun_path, path);
	if (!connect(sock, (struct sockaddr *)&addr, sizeof(addr)))
		return sock;
	uvf_fail(errno, "can't connect to %s yet: %s", path, strerror(errno));
	close(sock);
	return -ECONNREFUSED;
}

static void on_retry(int fd, short what, void *arg)
{
	struct front *front = arg;
	int sock = connect_to(front->path);

	if (sock >= 0)
		session_begin(front, sock);
}

static void retry_later(struct front *front)
{
	const struct timeval retry = { .tv_usec = RETRY_US };

	front->incoming = event_new(front->base, -1, EV_PERSIST, (event_callback_fn)on_retry,
				    front);
	event_add(front->incoming, &retry);
}

/* --- both ------------------------------------------------------------------------------------- */

static void await_next(struct front *front)
{
	loop_forget(&front->incoming);
	if (front->listener >= 0)
		front->incoming = loop_watch(front, front->listener, on_connection, front);
	else
		retry_later(front);
}

/* A path that nobody listens on yet is told of once, and tried again. */
int socket_open(struct front *front)
{
	int sock;

	front->sock = -1;
	await_next(front);
	if (front->listener >= 0)
		return front->incoming ? 0 : -ENOMEM;
	sock = connect_to(front->path);
	if (sock >= 0)
		session_begin(front, sock);
	else
		front_say(front, "%s", uvf_why());
	return 0;
}

void socket_close(struct front *front)
{
	loop_forget(&front->incoming);
	if (front->sock >= 0) {
		device_reset(front);
		close(front->sock);
		front->sock = -1;
	}
}

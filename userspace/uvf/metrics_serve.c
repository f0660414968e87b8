// SPDX-License-Identifier: GPL-2.0-only
/*
 * uvf metrics --listen: an HTTP server without privileges.
 *
 * Two processes, as uvfd may end and come back, and only root may connect to it:
 *
 *	broker, root ── a connection to uvfd, each time it is asked ──▶ server, nobody ◀── HTTP
 */
#include "metrics.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/listener.h>
#include <netdb.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <uvf/libuvf.h>

#include "why.h"

#define CLIENT_SECONDS 10 /* for its request to be whole */

static int broker = -1; /* the server's end */

/* --- the listening socket ---------------------------------------------------------------- */

/* What a server left behind. A socket that somebody listens on, and what is none, stays. */
static void unlink_stale(int sock, const struct sockaddr_un *addr)
{
	struct stat stat;

	if (!lstat(addr->sun_path, &stat) && S_ISSOCK(stat.st_mode) &&
	    connect(sock, (struct sockaddr *)addr, sizeof(*addr)) && errno == ECONNREFUSED)
		unlink(addr->sun_path);
}

static int listen_unix(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int sock;

	if (!*path || strlen(path) >= sizeof(addr.sun_path))
		return uvf_fail(EINVAL, "the path of the socket must have 1 to %zu characters",
				sizeof(addr.sun_path) - 1);
	strcpy(addr.sun_path, path);
	sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (sock >= 0)
		unlink_stale(sock, &addr);
	if (sock < 0 || bind(sock, (struct sockaddr *)&addr, sizeof(addr)) || listen(sock, 16))
		return uvf_fail(errno, "can't listen on %s: %s", path, strerror(errno));
	return sock;
}

static int bind_first(struct addrinfo *all, const char *where)
{
	int sock = -1, on = 1, err = EADDRNOTAVAIL;

	for (struct addrinfo *one = all; one; one = one->ai_next) {
		sock = socket(one->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		if (sock < 0)
			continue;
		setsockopt(sock, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
		if (!bind(sock, one->ai_addr, one->ai_addrlen) && !listen(sock, 16))
			return sock;
		err = errno;
		close(sock);
	}
	return uvf_fail(err, "can't listen on %s: %s", where, strerror(err));
}

/* "9100", "127.0.0.1:9100", "[::1]:9100" */
static int listen_tcp(const char *where)
{
	const struct addrinfo hints = {
		.ai_flags = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV,
		.ai_socktype = SOCK_STREAM,
	};
	char host[64] = "", *from = host;
	const char *colon = strrchr(where, ':'), *port = colon ? colon + 1 : where;
	struct addrinfo *found;
	int sock;

	if (colon)
		snprintf(host, sizeof(host), "%.*s", (int)(colon - where), where);
	if (*host == '[' && host[strlen(host) - 1] == ']') {
		host[strlen(host) - 1] = '\0';
		from++;
	}
	/* Nobody elsewhere, unless somebody says so. */
	if (atoi(port) < 1 || atoi(port) > 65535 ||
	    getaddrinfo(colon ? from : "127.0.0.1", port, &hints, &found))
		return uvf_fail(EINVAL, "'%s' is not [ADDRESS:]PORT or unix:PATH", where);
	sock = bind_first(found, where);
	freeaddrinfo(found);
	return sock;
}

/* --- the broker ---------------------------------------------------------------------------- */

static void hand_over(int to, int fd)
{
	char none = 0, room[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec iov = { .iov_base = &none, .iov_len = 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *cmsg;

	if (fd >= 0) {
		msg.msg_control = room;
		msg.msg_controllen = sizeof(room);
		cmsg = CMSG_FIRSTHDR(&msg);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(cmsg), &fd, sizeof(fd));
	}
	sendmsg(to, &msg, MSG_NOSIGNAL);
}

static int run_broker(int server, pid_t child)
{
	int status, fd;
	char byte;

	while (recv(server, &byte, 1, 0) == 1) {
		fd = reach_uvfd();
		hand_over(server, fd);
		if (fd >= 0)
			close(fd);
	}
	if (waitpid(child, &status, 0) < 0)
		return 1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

/* The server's side of it: facts.c calls it whenever it has no connection. */
static int ask_broker(void)
{
	union { char bytes[CMSG_SPACE(sizeof(int))]; struct cmsghdr align; } room;
	char byte = 0;
	struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = room.bytes,
			      .msg_controllen = sizeof(room.bytes) };
	struct cmsghdr *cmsg;
	int fd;

	if (send(broker, &byte, 1, MSG_NOSIGNAL) != 1 ||
	    recvmsg(broker, &msg, MSG_CMSG_CLOEXEC) != 1)
		return -EPIPE;
	cmsg = CMSG_FIRSTHDR(&msg);
	if (!cmsg)
		return -ENOENT;
	memcpy(&fd, CMSG_DATA(cmsg), sizeof(fd));
	return fd;
}

/* --- the server ------------------------------------------------------------------------------ */

static void on_metrics(struct evhttp_request *request, void *arg)
{
	struct evkeyvalq *headers = evhttp_request_get_output_headers(request);
	struct evbuffer *body = evbuffer_new();
	size_t size;
	char *text = metrics_text(arg, &size);

	if (!text || !body || evbuffer_add(body, text, size)) {
		evhttp_send_error(request, HTTP_INTERNAL, NULL);
	} else {
		evhttp_add_header(headers, "Content-Type", METRICS_TYPE);
		evhttp_send_reply(request, HTTP_OK, "OK", body);
	}
	if (body)
		evbuffer_free(body);
	free(text);
}

static void on_other(struct evhttp_request *request, void *arg)
{
	evhttp_send_error(request, HTTP_NOTFOUND, NULL);
}

static int serve(int sock, struct facts *facts)
{
	struct event_base *base = event_base_new();
	struct evhttp *http = base ? evhttp_new(base) : NULL;

	if (!http || evhttp_accept_socket(http, sock))
		return uvf_fail(ENOMEM, "no memory for a server");
	evhttp_set_allowed_methods(http, EVHTTP_REQ_GET | EVHTTP_REQ_HEAD);
	evhttp_set_max_headers_size(http, 8192);
	evhttp_set_max_body_size(http, 1024);
	evhttp_set_timeout(http, CLIENT_SECONDS);
	evhttp_set_cb(http, "/metrics", on_metrics, facts);
	evhttp_set_gencb(http, on_other, NULL);
	fprintf(stderr, "uvf: serving metrics\n");
	event_base_dispatch(base);
	return uvf_fail(EIO, "the server ended");
}

static int run_server(int sock, const char *user)
{
	struct facts facts;
	int err = drop_privileges(user);

	prctl(PR_SET_PDEATHSIG, SIGTERM);
	signal(SIGPIPE, SIG_IGN);
	if (!err)
		err = facts_open_by(&facts, ask_broker);
	if (!err)
		err = serve(sock, &facts);
	return err ? fail() : 0;
}

int metrics_serve(const char *where, const char *user)
{
	int pair[2], sock;
	pid_t child;

	sock = !strncmp(where, "unix:", 5) ? listen_unix(where + 5) : listen_tcp(where);
	if (sock < 0)
		return fail();
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair)) {
		uvf_fail(errno, "can't make a socket pair: %s", strerror(errno));
		return fail();
	}
	child = fork();
	if (child < 0) {
		uvf_fail(errno, "can't start the server: %s", strerror(errno));
		return fail();
	}
	close(pair[child ? 1 : 0]);
	broker = pair[1];
	return child ? run_broker(pair[0], child) : run_server(sock, user);
}

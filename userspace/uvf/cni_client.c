// SPDX-License-Identifier: GPL-2.0-only
/*
 * A client of `uvf cni`: its connection, and, when it took a map, its life.
 *
 * A connection does not last: DPDK makes one for each queue that it opens, and says /fin as soon as
 * it has the map.
 */
#include "cni_service.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "cni.h"
#include "proto.h"
#include "why.h"

#define CLIENTS 16
#define PATIENCE_S 10
#define VERSION "0.1"

struct client {
	struct cni_service *service;
	int sock;
	struct event *event;
	struct ucred peer;
	bool greeted;
};

struct taker {
	struct cni_service *service;
	int pidfd;
	struct event *event;
};

static void end_if_done(struct cni_service *service)
{
	if (service->once && service->taken && !service->takers && !service->clients)
		event_base_loopbreak(service->base);
}

/* --- those that took a map ----------------------------------------------------------------- */

static void on_end(evutil_socket_t pidfd, short what, void *arg)
{
	struct taker *taker = arg;

	taker->service->takers--;
	end_if_done(taker->service);
	event_free(taker->event);
	close(taker->pidfd);
	free(taker);
}

/* It holds the map already: of its end no more depends than that of `uvf cni --once`. */
static void watch(struct cni_service *service, pid_t pid)
{
	struct taker *taker = calloc(1, sizeof(*taker));

	if (!taker)
		return;
	taker->service = service;
	taker->pidfd = syscall(SYS_pidfd_open, pid, 0);
	taker->event = event_new(service->base, taker->pidfd, EV_READ, on_end, taker);
	if (taker->pidfd >= 0 && taker->event && !event_add(taker->event, NULL)) {
		service->takers++;
		service->taken = true;
		return;
	}
	if (taker->event)
		event_free(taker->event);
	if (taker->pidfd >= 0)
		close(taker->pidfd);
	free(taker);
}

/* --- answers: false ends the connection ----------------------------------------------------- */

static bool answer(const struct client *client, const char *text, int fd)
{
	return !uvf_message_send(client->sock, text, strlen(text), fd, MSG_DONTWAIT);
}

static bool greet(struct client *client, const struct cni_request *request)
{
	const char *host = client->service->host;

	client->greeted = !host || !strcmp(request->name, host);
	if (client->greeted)
		return answer(client, "/host_ok", -1);
	cni_say("pid %d names the host %s, which is not served", client->peer.pid, request->name);
	answer(client, "/host_nak", -1);
	return false;
}

/* When the device goes, the kernel takes the program off, and the link has none. */
static bool is_gone(const struct cni_function *function)
{
	struct bpf_link_info info = { 0 };
	uint32_t len = sizeof(info);

	return bpf_obj_get_info_by_fd(function->link, &info, &len) || !info.xdp.ifindex;
}

static bool give(const struct client *client, const char *name)
{
	struct cni_service *service = client->service;

	for (unsigned int i = 0; i < service->count; i++) {
		const struct cni_function *function = &service->functions[i];

		if (strcmp(function->name, name) || is_gone(function))
			continue;
		cni_say("%s: given to pid %d (user %u)", name, client->peer.pid, client->peer.uid);
		watch(service, client->peer.pid);
		return answer(client, "/fd_ack", function->map);
	}
	cni_say("pid %d asks for %s, which is not served", client->peer.pid, name);
	return answer(client, "/fd_nak", -1);
}

/* It takes CAP_NET_ADMIN, which the client does not have: on AF_XDP sockets alone. */
static bool is_af_xdp(int fd)
{
	socklen_t len = sizeof(int);
	int domain;

	return fd >= 0 && !getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) && domain == AF_XDP;
}

static bool busy_poll(const struct client *client, const struct cni_request *request, int fd)
{
	const int one = 1;

	if (!is_af_xdp(fd) ||
	    setsockopt(fd, SOL_SOCKET, SO_PREFER_BUSY_POLL, &one, sizeof(one)) ||
	    setsockopt(fd, SOL_SOCKET, SO_BUSY_POLL, &request->usecs, sizeof(int)) ||
	    setsockopt(fd, SOL_SOCKET, SO_BUSY_POLL_BUDGET, &request->budget, sizeof(int)))
		return answer(client, "/config_busy_poll_nak", -1);
	return answer(client, "/config_busy_poll_ack", -1);
}

static bool serve(struct client *client, const struct cni_request *request, int fd)
{
	if (request->verb == CNI_CONNECT)
		return greet(client, request);
	if (!client->greeted) {
		answer(client, "/host_nak", -1);
		return false;
	}
	switch (request->verb) {
	case CNI_VERSION:
		return answer(client, VERSION, -1);
	case CNI_MAP:
		return give(client, request->name);
	case CNI_BUSY_POLL:
		return busy_poll(client, request, fd);
	case CNI_FIN:
		answer(client, "/fin_ack", -1);
		return false;
	default:
		return answer(client, "/nak", -1);
	}
}

/* --- connections ---------------------------------------------------------------------------- */

static void client_close(struct client *client)
{
	client->service->clients--;
	end_if_done(client->service);
	event_free(client->event);
	close(client->sock);
	free(client);
}

static void on_message(evutil_socket_t sock, short what, void *arg)
{
	struct client *client = arg;
	char message[CNI_MESSAGE];
	struct cni_request request;
	bool stays = false;
	ssize_t got;
	int fd;

	if (what & EV_READ) {
		got = uvf_message_receive(sock, message, sizeof(message), MSG_DONTWAIT, &fd);
		cni_parse(message, got > 0 ? got : 0, &request);
		/* One that is too long is no request. */
		if (got > 0 || got == -EPROTO)
			stays = serve(client, &request, fd);
		if (fd >= 0)
			close(fd);
	}
	if (!stays)
		client_close(client);
}

static bool is_welcome(const struct client *client)
{
	const struct cni_service *service = client->service;

	if (client->peer.uid && client->peer.uid != service->uid) {
		cni_say("user %u is not served", client->peer.uid);
		return false;
	}
	return service->clients < CLIENTS;
}

static bool client_open(struct client *client)
{
	const struct timeval patience = { .tv_sec = PATIENCE_S };
	socklen_t len = sizeof(client->peer);

	if (getsockopt(client->sock, SOL_SOCKET, SO_PEERCRED, &client->peer, &len) ||
	    !is_welcome(client))
		return false;
	client->event = event_new(client->service->base, client->sock, EV_READ | EV_PERSIST,
				  on_message, client);
	if (!client->event || event_add(client->event, &patience))
		return false;
	client->service->clients++;
	return true;
}

void client_accept(struct cni_service *service)
{
	struct client *client = calloc(1, sizeof(*client));
	int sock = accept4(service->sock, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (client && sock >= 0) {
		*client = (struct client){ .service = service, .sock = sock };
		if (client_open(client))
			return;
		if (client->event)
			event_free(client->event);
	}
	if (sock >= 0)
		close(sock);
	free(client);
}

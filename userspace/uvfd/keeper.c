// SPDX-License-Identifier: GPL-2.0-only
/* The keeper's process. See keep.h. */
#include "keep.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sandbox.h"
#include "why.h"

struct kept {
	struct keep_item item;
	TAILQ_ENTRY(kept) entry;
};

/* In the order in which they first came: a session before its leases. */
static TAILQ_HEAD(, kept) records = TAILQ_HEAD_INITIALIZER(records);

static void item_close(struct keep_item *item)
{
	for (unsigned int i = 0; i < item->fds; i++)
		close(item->fd[i]);
	item->fds = 0;
}

static struct kept *find(uint32_t id)
{
	struct kept *kept;

	TAILQ_FOREACH(kept, &records, entry)
		if (kept->item.record.id == id)
			return kept;
	return NULL;
}

static void put(struct keep_item *item)
{
	struct kept *kept = find(item->record.id);

	if (kept) {
		item_close(&kept->item);
	} else {
		kept = calloc(1, sizeof(*kept));
		if (!kept) {
			item_close(item);
			return;
		}
		TAILQ_INSERT_TAIL(&records, kept, entry);
	}
	kept->item = *item;
}

static void drop(uint32_t id)
{
	struct kept *kept = find(id);

	if (!kept)
		return;
	item_close(&kept->item);
	TAILQ_REMOVE(&records, kept, entry);
	free(kept);
}

static int tell_end(int sock)
{
	struct keep_item end = { .record = { .version = KEEP_VERSION, .op = KEEP_END } };

	return keep_send(sock, &end) < 0 ? -EPIPE : 0;
}

static int tell_all(int sock)
{
	struct kept *kept;

	TAILQ_FOREACH(kept, &records, entry)
		if (keep_send(sock, &kept->item) < 0)
			return -EPIPE;
	return tell_end(sock);
}

/* One uvfd, until it closes the connection. Whether the keeper is to go on. */
static bool serve(int sock)
{
	struct keep_item item;
	int got;

	if (tell_all(sock))
		return true;
	while ((got = keep_receive(sock, &item)) && (got > 0 || got == -EPROTO)) {
		if (got < 0)
			continue;
		if (item.record.op == KEEP_STOP)
			return false;
		if (item.record.op == KEEP_PUT) {
			put(&item);
			continue;
		}
		item_close(&item);
		if (item.record.op != KEEP_DROP)
			continue;
		drop(item.record.id);
		if (tell_end(sock))
			return true;
	}
	return true;
}

static void keep(int listening)
{
	bool go_on = true;

	while (go_on) {
		int sock = accept4(listening, NULL, NULL, SOCK_CLOEXEC);

		if (sock < 0 && errno != EINTR && errno != ECONNABORTED)
			return;
		if (sock < 0)
			continue;
		/* With nothing to keep, there is nobody to wait for. */
		go_on = serve(sock) && !TAILQ_EMPTY(&records);
		close(sock);
	}
}

static void detach(int *listening)
{
	int null = open("/dev/null", O_RDWR);

	setsid();
	signal(SIGPIPE, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	prctl(PR_SET_NAME, "uvf-keeper");
	if (chdir("/"))
		_exit(1);
	dup2(*listening, 3);
	*listening = 3;
	for (int fd = 0; fd < 3; fd++)
		dup2(null, fd);
	closefrom(4);
}

/* Twice forked, so that it is nobody's child: uvfd does not wait for it. */
static int start(int listening)
{
	pid_t pid = fork();

	if (pid < 0)
		return -errno;
	if (pid) {
		waitpid(pid, NULL, 0);
		return 0;
	}
	if (fork())
		_exit(0);
	detach(&listening);
	if (!sandbox_keeper())
		keep(listening);
	_exit(0);
}

static int listen_at(const struct sockaddr_un *addr)
{
	int sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	mode_t mask = umask(0177);
	int err = 0;

	if (sock < 0 || bind(sock, (const struct sockaddr *)addr, sizeof(*addr)) || listen(sock, 4))
		err = -errno;
	umask(mask);
	if (!err)
		return sock;
	if (sock >= 0)
		close(sock);
	return err;
}

static int try_connect(const struct sockaddr_un *addr)
{
	int sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	int err;

	if (sock < 0)
		return -errno;
	if (!connect(sock, (const struct sockaddr *)addr, sizeof(*addr)))
		return sock;
	err = -errno;
	close(sock);
	return err;
}

int keeper_connect(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int listening, sock;

	if (strlen(path) >= sizeof(addr.sun_path))
		return uvf_fail(ENAMETOOLONG, "the socket path %s is longer than %zu characters",
				path, sizeof(addr.sun_path) - 1);
	strcpy(addr.sun_path, path);
	sock = try_connect(&addr);
	if (sock >= 0)
		return sock;
	unlink(path);
	listening = listen_at(&addr);
	if (listening < 0)
		return uvf_fail(-listening, "can't listen on %s: %s", path, strerror(-listening));
	sock = start(listening);
	if (!sock)
		sock = try_connect(&addr);
	close(listening);
	if (sock < 0)
		return uvf_fail(-sock, "can't start the keeper of descriptors: %s",
				strerror(-sock));
	return sock;
}

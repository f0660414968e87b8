// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include "proto.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "why.h"

/* Room for more descriptors than we take, so that a peer's surplus is seen and closed. */
#define FDS_SEEN 4

union control {
	char bytes[CMSG_SPACE(FDS_SEEN * sizeof(int))];
	struct cmsghdr align;
};

int uvf_message_send(int sock, const void *data, size_t size, int fd, int flags)
{
	struct iovec iov = { .iov_base = (void *)data, .iov_len = size };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	union control control = { 0 };

	if (fd >= 0) {
		struct cmsghdr *cmsg;

		msg.msg_control = control.bytes;
		msg.msg_controllen = CMSG_SPACE(sizeof(int));
		cmsg = CMSG_FIRSTHDR(&msg);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(cmsg), &fd, sizeof(fd));
	}
	if (sendmsg(sock, &msg, MSG_NOSIGNAL | flags) != (ssize_t)size)
		return -errno;
	return 0;
}

/* Keeps the first descriptor and closes the others. */
static int take_fd(struct msghdr *msg)
{
	struct cmsghdr *cmsg;
	int kept = -1;

	for (cmsg = CMSG_FIRSTHDR(msg); cmsg; cmsg = CMSG_NXTHDR(msg, cmsg)) {
		size_t count = (cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (cmsg->cmsg_level != SOL_SOCKET || cmsg->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < count; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(cmsg) + i * sizeof(fd), sizeof(fd));
			if (kept < 0)
				kept = fd;
			else
				close(fd);
		}
	}
	return kept;
}

ssize_t uvf_message_receive(int sock, void *data, size_t size, int flags, int *fd)
{
	struct iovec iov = { .iov_base = data, .iov_len = size };
	union control control;
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes),
	};
	ssize_t got;

	*fd = -1;
	do {
		got = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC | flags);
	} while (got < 0 && errno == EINTR);
	if (got < 0)
		return -errno;
	*fd = take_fd(&msg);
	if (msg.msg_flags & MSG_TRUNC)
		return uvf_fail(EPROTO, "a message is longer than the %zu bytes expected", size);
	if (msg.msg_flags & MSG_CTRUNC)
		return uvf_fail(EPROTO, "more descriptors came along than can be taken");
	return got;
}

int uvf_proto_connect(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int sock, err;

	/* To the kernel an abstract address, which has no owner and no mode. */
	if (!*path)
		return uvf_fail(EINVAL, "the path of uvfd's socket is empty");
	if (strlen(path) >= sizeof(addr.sun_path))
		return uvf_fail(ENAMETOOLONG, "the socket path %s is longer than %zu characters",
				path, sizeof(addr.sun_path) - 1);
	strcpy(addr.sun_path, path);
	sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (sock < 0)
		return uvf_fail(errno, "can't make a Unix socket: %s", strerror(errno));
	if (!connect(sock, (struct sockaddr *)&addr, sizeof(addr)))
		return sock;
	err = errno;
	close(sock);
	if (err == ENOENT || err == ECONNREFUSED)
		return uvf_fail(err, "uvfd is not running (nothing listens on %s): start it", path);
	if (err == EACCES)
		return uvf_fail(err, "only root may reach uvfd on %s: start the appliance with "
				     "`uvf run`", path);
	return uvf_fail(err, "can't reach uvfd on %s: %s", path, strerror(err));
}

/* A notice, or the answer once more to a request that was answered before. */
static bool passed_over(const struct uvf_reply *reply, uint32_t number)
{
	return reply->version == UVF_PROTO_VERSION &&
	       (reply->type == UVF_MSG_NOTICE || (reply->number && reply->number != number));
}

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000ULL + now.tv_nsec / 1000000;
}

/* 0 when something is there. A killed uvfd's end of the connection is open: its keeper has it. */
static int wait_reply(int sock, uint64_t deadline)
{
	struct pollfd fd = { .fd = sock, .events = POLLIN };
	uint64_t now;
	int got;

	do {
		now = now_ms();
		got = poll(&fd, 1, deadline > now ? deadline - now : 0);
	} while (got < 0 && errno == EINTR);
	if (got)
		return 0;
	return uvf_fail(ETIMEDOUT, "uvfd does not answer: if it was killed, start it again");
}

static int receive_reply(int sock, uint32_t number, uint64_t deadline, struct uvf_reply *reply,
			 int *fd)
{
	ssize_t got;

	*fd = -1;
	for (;;) {
		if (wait_reply(sock, deadline))
			return -ETIMEDOUT;
		got = uvf_message_receive(sock, reply, sizeof(*reply), 0, fd);
		if (got <= 0 && got != -EPROTO)
			return uvf_fail(EPIPE, "uvfd closed the connection");
		if (got != sizeof(*reply) || !passed_over(reply, number))
			break;
		if (*fd >= 0)
			close(*fd);
	}
	if (got != sizeof(*reply) || reply->version != UVF_PROTO_VERSION)
		return uvf_fail(EPROTO, "uvfd speaks another version of the protocol: "
					"install uvfd and libuvf of one release");
	reply->why[sizeof(reply->why) - 1] = '\0';
	reply->function[sizeof(reply->function) - 1] = '\0';
	reply->uplink[sizeof(reply->uplink) - 1] = '\0';
	reply->holder[sizeof(reply->holder) - 1] = '\0';
	reply->text[sizeof(reply->text) - 1] = '\0';
	reply->mirror[sizeof(reply->mirror) - 1] = '\0';
	if (reply->status < 0)
		return uvf_fail(-reply->status, "%s", reply->why);
	return 0;
}

/* Whoever executed this program numbered its requests on the same connection: begin elsewhere. */
static uint32_t next_number(void)
{
	static uint32_t last;
	struct timespec now;

	if (!__atomic_load_n(&last, __ATOMIC_RELAXED)) {
		clock_gettime(CLOCK_MONOTONIC, &now);
		__atomic_store_n(&last, now.tv_nsec | 1, __ATOMIC_RELAXED);
	}
	return __atomic_add_fetch(&last, 1, __ATOMIC_RELAXED) ?: 1;
}

int uvf_proto_call_within(int ms, int sock, const struct uvf_request *request, int fd_out,
			  struct uvf_reply *reply, int *fd_in)
{
	uint64_t deadline = now_ms() + ms;
	struct uvf_request numbered = *request;
	int err, fd;

	numbered.number = next_number();
	err = uvf_message_send(sock, &numbered, sizeof(numbered), fd_out, 0);
	if (err)
		return uvf_fail(-err, "can't send to uvfd: %s", strerror(-err));
	err = receive_reply(sock, numbered.number, deadline, reply, &fd);
	if (!err && fd_in)
		*fd_in = fd;
	else if (fd >= 0)
		close(fd);
	return err;
}

int uvf_proto_call(int sock, const struct uvf_request *request, int fd_out,
		   struct uvf_reply *reply, int *fd_in)
{
	return uvf_proto_call_within(UVF_PATIENCE_MS, sock, request, fd_out, reply, fd_in);
}

static int receive_request(int sock, struct uvf_incoming *in, int flags)
{
	ssize_t got;
	int err;

	got = uvf_message_receive(sock, &in->request, sizeof(in->request), MSG_DONTWAIT | flags,
			      &in->fd);
	if (got == -EAGAIN)
		return 0;
	if (got == 0 || got == -ECONNRESET)
		return -EPIPE;
	if (got < 0)
		err = got;
	else if (got != sizeof(in->request))
		err = uvf_fail(EPROTO, "a message of %zd bytes is not a request", got);
	else
		err = uvf_proto_check(&in->request);
	if (!err)
		return 1;
	if (in->fd >= 0)
		close(in->fd);
	in->fd = -1;
	return err;
}

int uvf_proto_receive(int sock, struct uvf_incoming *in)
{
	return receive_request(sock, in, 0);
}

int uvf_proto_peek(int sock, struct uvf_incoming *in)
{
	return receive_request(sock, in, MSG_PEEK);
}

/* What came along was taken, or refused, when it was looked at. */
void uvf_proto_consume(int sock)
{
	recv(sock, NULL, 0, MSG_DONTWAIT);
}

int uvf_proto_answer(int sock, const struct uvf_reply *reply, int fd)
{
	return uvf_message_send(sock, reply, sizeof(*reply), fd, MSG_DONTWAIT);
}

static bool ended(const char *text, size_t size)
{
	return memchr(text, '\0', size);
}

static int check_become(const struct uvf_request *request)
{
	if (!ended(request->become.appliance, sizeof(request->become.appliance)))
		return uvf_fail(EPROTO, "the appliance's name does not end");
	if (request->become.count > UVF_PROTO_FUNCTIONS)
		return uvf_fail(EPROTO, "%u functions asked for, %u at most",
				request->become.count, UVF_PROTO_FUNCTIONS);
	for (uint32_t i = 0; i < request->become.count; i++)
		if (!ended(request->become.functions[i], UVF_PROTO_NAME))
			return uvf_fail(EPROTO, "the name of function %u does not end", i);
	return 0;
}

static int check_memory(const struct uvf_request *request)
{
	uint32_t frame_size = request->memory.frame_size;
	uint64_t size = request->memory.size;

	if (frame_size != 2048 && frame_size != 4096)
		return uvf_fail(EPROTO, "frames of %u bytes: only 2048 and 4096 are possible",
				frame_size);
	if (request->memory.linger > UVF_LINGER_MAX)
		return uvf_fail(EPROTO, "leases that linger %u seconds: up to %d are possible",
				request->memory.linger, UVF_LINGER_MAX);
	if (request->memory.busy_budget > UVF_BUDGET_MAX)
		return uvf_fail(EPROTO, "busy polling for %u frames: up to %d are possible",
				request->memory.busy_budget, UVF_BUDGET_MAX);
	if (request->memory.flags & ~UVF_MEMORY_FLAGS)
		return uvf_fail(EPROTO, "a UMEM with flags %#x, which this uvfd does not know: install "
					"uvfd and libuvf of one release", request->memory.flags);
	if (!size || size > UVF_MEMORY_MAX || size % 4096)
		return uvf_fail(EPROTO, "a UMEM of %llu bytes: it must be a multiple of 4096, "
					"up to %llu", (unsigned long long)size, UVF_MEMORY_MAX);
	return 0;
}

static int check_map(const struct uvf_request *request)
{
	uint64_t at = request->map.at, size = request->map.size;

	if (request->map.count > UVF_PROTO_MAPS)
		return uvf_fail(EPROTO, "a UMEM with %u files behind its frames: %d at most",
				request->map.count, UVF_PROTO_MAPS);
	if (!request->map.count)
		return 0;
	if (request->map.index >= request->map.count)
		return uvf_fail(EPROTO, "file %u of %u", request->map.index, request->map.count);
	if (!at || at % UVF_MAP_ALIGN || at >= 1ULL << 48)
		return uvf_fail(EPROTO, "a file at %llu in the UMEM: a multiple of %llu is "
					"possible", (unsigned long long)at, UVF_MAP_ALIGN);
	if (!size || size % 4096 || size >= 1ULL << 48)
		return uvf_fail(EPROTO, "%llu bytes of a file: a multiple of 4096 is possible",
				(unsigned long long)size);
	if (request->map.frame_max < UVF_FRAME_MAX_MIN)
		return uvf_fail(EPROTO, "frames of %u bytes at most: that must be %d or more",
				request->map.frame_max, UVF_FRAME_MAX_MIN);
	return 0;
}

static int check_source(const struct uvf_request *request)
{
	if (request->source.index >= UVF_PROTO_SOURCES)
		return uvf_fail(EPROTO, "source %u: 0 to %d are possible", request->source.index,
				UVF_PROTO_SOURCES - 1);
	return 0;
}

static int check_lease(const struct uvf_request *request)
{
	uint32_t n = request->lease.ring_size;

	if (n < UVF_RING_MIN || n > UVF_RING_MAX || n & (n - 1))
		return uvf_fail(EPROTO, "rings of %u entries: a power of two from %u to %u is "
					"possible", n, UVF_RING_MIN, UVF_RING_MAX);
	return 0;
}

static int check_direct(const struct uvf_request *request)
{
	if (request->direct.by >= UVF_DIRECT_BYS)
		return uvf_fail(EPROTO, "way %u to a queue is unknown", request->direct.by);
	if (request->direct.copy > 1)
		return uvf_fail(EPROTO, "%u is no word on copying", request->direct.copy);
	return 0;
}

static int check_rule(const struct uvf_request *request)
{
	if (!ended(request->rule.text, sizeof(request->rule.text)))
		return uvf_fail(EPROTO, "the rule does not end");
	return 0;
}

static int check_frame(const struct uvf_request *request)
{
	if (request->frame.size < 14 || request->frame.size > sizeof(request->frame.bytes))
		return uvf_fail(EPROTO, "a frame of %u bytes: 14 to %zu are possible",
				request->frame.size, sizeof(request->frame.bytes));
	return 0;
}

static int check_limit(const struct uvf_request *request)
{
	const struct uvf_limit_words *words = &request->limit.words;

	if (request->limit.direction > 1)
		return uvf_fail(EPROTO, "direction %u is unknown", request->limit.direction);
	if (words->rate && (words->rate < UVF_RATE_MIN || words->rate > UVF_RATE_MAX))
		return uvf_fail(EPROTO, "a rate of %llu bits a second: %llu to %llu are possible",
				(unsigned long long)words->rate, UVF_RATE_MIN, UVF_RATE_MAX);
	if (words->pps > UVF_PPS_MAX)
		return uvf_fail(EPROTO, "%llu frames a second: %llu at most",
				(unsigned long long)words->pps, UVF_PPS_MAX);
	if (words->burst > UVF_BURST_MAX)
		return uvf_fail(EPROTO, "a burst of %u bytes: %u at most", words->burst,
				UVF_BURST_MAX);
	return 0;
}

static int check_mirror(const struct uvf_request *request)
{
	if (!ended(request->mirror.to, sizeof(request->mirror.to)))
		return uvf_fail(EPROTO, "the mirror's name does not end");
	if (request->mirror.flags > 3)
		return uvf_fail(EPROTO, "%u is no direction of a mirror", request->mirror.flags);
	return 0;
}

static int check_redirect(const struct uvf_request *request)
{
	if (!ended(request->redirect.to, sizeof(request->redirect.to)))
		return uvf_fail(EPROTO, "the name of who gets the frames does not end");
	if (request->redirect.set > 1 || request->redirect.flags & ~UVF_REDIRECT_FLAGS)
		return uvf_fail(EPROTO, "%u, %#x is no redirect", request->redirect.set,
				request->redirect.flags);
	return 0;
}

int uvf_proto_check(const struct uvf_request *request)
{
	if (request->version != UVF_PROTO_VERSION)
		return uvf_fail(EPROTO, "protocol version %u is not spoken here, only %u",
				request->version, UVF_PROTO_VERSION);
	if (!ended(request->function, sizeof(request->function)))
		return uvf_fail(EPROTO, "the function's name does not end");
	switch (request->type) {
	case UVF_MSG_BECOME:
		return check_become(request);
	case UVF_MSG_MEMORY:
		return check_memory(request);
	case UVF_MSG_MAP:
		return check_map(request);
	case UVF_MSG_LEASE:
		return check_lease(request);
	case UVF_MSG_SOURCE:
		return check_source(request);
	case UVF_MSG_DIRECT:
		return check_direct(request);
	case UVF_MSG_RULE_ADD:
	case UVF_MSG_RULE_DEL:
	case UVF_MSG_RULE_LIST:
		return check_rule(request);
	case UVF_MSG_EXPLAIN:
		return check_frame(request);
	case UVF_MSG_LIMIT:
		return check_limit(request);
	case UVF_MSG_MIRROR:
		return check_mirror(request);
	case UVF_MSG_REDIRECT:
		return check_redirect(request);
	case UVF_MSG_BIND:
	case UVF_MSG_RELEASE:
	case UVF_MSG_LIST:
	case UVF_MSG_RESUME:
	case UVF_MSG_WATCH:
		return 0;
	}
	return uvf_fail(EPROTO, "request type %u is unknown", request->type);
}

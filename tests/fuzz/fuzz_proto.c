// SPDX-License-Identifier: GPL-2.0-only
/*
 * What any client may say to uvfd. The input is one message: a byte that says how many descriptors
 * come along, and the bytes of the request. It is checked as a request, and sent through a socket.
 *
 * What is taken for a request must be within its limits, and no descriptor may be left behind.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proto.h"

static void within_limits(const struct uvf_request *request)
{
	assert(request->version == UVF_PROTO_VERSION);
	assert(request->type > UVF_MSG_NOTICE && request->type < UVF_MSG_TYPES);
	assert(strnlen(request->function, UVF_PROTO_NAME) < UVF_PROTO_NAME);
	if (request->type == UVF_MSG_BECOME) {
		assert(request->become.count <= UVF_PROTO_FUNCTIONS);
		assert(strnlen(request->become.appliance, UVF_PROTO_APPLIANCE) <
		       UVF_PROTO_APPLIANCE);
		for (uint32_t i = 0; i < request->become.count; i++)
			assert(strnlen(request->become.functions[i], UVF_PROTO_NAME) <
			       UVF_PROTO_NAME);
	}
	if (request->type == UVF_MSG_MEMORY) {
		assert(request->memory.size && request->memory.size <= UVF_MEMORY_MAX);
		assert(request->memory.size % request->memory.frame_size == 0);
		assert(request->memory.size % 4096 == 0);
		assert(request->memory.busy_budget <= UVF_BUDGET_MAX);
	}
	if (request->type == UVF_MSG_MAP && request->map.count)
		assert(request->map.count <= UVF_PROTO_MAPS &&
		       request->map.index < request->map.count && request->map.size &&
		       request->map.at + request->map.size > request->map.at);
	if (request->type == UVF_MSG_DIRECT)
		assert(request->direct.by < UVF_DIRECT_BYS && request->direct.copy <= 1);
	if (request->type >= UVF_MSG_RULE_ADD && request->type <= UVF_MSG_RULE_LIST)
		assert(strnlen(request->rule.text, UVF_PROTO_TEXT) < UVF_PROTO_TEXT);
	if (request->type == UVF_MSG_LIMIT)
		assert(request->limit.direction < 2 && request->limit.words.pps <= UVF_PPS_MAX &&
		       request->limit.words.rate <= UVF_RATE_MAX &&
		       request->limit.words.burst <= UVF_BURST_MAX);
	if (request->type == UVF_MSG_MIRROR)
		assert(request->mirror.flags < 4 &&
		       strnlen(request->mirror.to, UVF_PROTO_NAME) < UVF_PROTO_NAME);
	if (request->type == UVF_MSG_REDIRECT)
		assert(request->redirect.set < 2 && !(request->redirect.flags & ~3u) &&
		       strnlen(request->redirect.to, UVF_PROTO_NAME) < UVF_PROTO_NAME);
	if (request->type == UVF_MSG_EXPLAIN)
		assert(request->frame.size >= 14 && request->frame.size <= UVF_PROTO_FRAME);
	if (request->type == UVF_MSG_LEASE)
		assert(request->lease.ring_size >= UVF_RING_MIN &&
		       request->lease.ring_size <= UVF_RING_MAX);
}

/* On the heap, so that each byte over its end is seen. */
static void check(const uint8_t *data, size_t size)
{
	struct uvf_request *request = calloc(1, sizeof(*request));

	memcpy(request, data, size < sizeof(*request) ? size : sizeof(*request));
	if (!uvf_proto_check(request))
		within_limits(request);
	free(request);
}

static ssize_t send_raw(int sock, const uint8_t *data, size_t size, unsigned int fds)
{
	union {
		char bytes[CMSG_SPACE(8 * sizeof(int))];
		struct cmsghdr align;
	} control = { 0 };
	struct iovec iov = { .iov_base = (void *)data, .iov_len = size };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (fds) {
		msg.msg_control = control.bytes;
		msg.msg_controllen = CMSG_SPACE(fds * sizeof(int));
		CMSG_FIRSTHDR(&msg)->cmsg_level = SOL_SOCKET;
		CMSG_FIRSTHDR(&msg)->cmsg_type = SCM_RIGHTS;
		CMSG_FIRSTHDR(&msg)->cmsg_len = CMSG_LEN(fds * sizeof(int));
		for (unsigned int i = 0; i < fds; i++)
			memcpy(CMSG_DATA(CMSG_FIRSTHDR(&msg)) + i * sizeof(sock), &sock,
			       sizeof(sock));
	}
	return sendmsg(sock, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* Which are open, of the first 64: they are given out lowest first. */
static uint64_t descriptors(void)
{
	uint64_t open = 0;

	for (int fd = 0; fd < 64; fd++)
		if (fcntl(fd, F_GETFD) >= 0)
			open |= 1ULL << fd;
	return open;
}

static void receive(const uint8_t *data, size_t size, unsigned int fds)
{
	int pair[2], got;
	uint64_t before;
	struct uvf_incoming in;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		abort();
	before = descriptors();
	if (send_raw(pair[1], data, size, fds) == (ssize_t)size) {
		got = uvf_proto_receive(pair[0], &in);
		assert(got == 1 || got == -EPROTO || (!size && got == -EPIPE));
		if (got == 1) {
			assert(size == sizeof(in.request));
			within_limits(&in.request);
			assert((in.fd >= 0) == (fds > 0));
			assert(fds <= 4); /* of more, some were lost */
		}
		if (got == -EPROTO)
			assert(in.fd == -1);
		if (in.fd >= 0)
			close(in.fd);
	}
	assert(descriptors() == before);
	close(pair[0]);
	close(pair[1]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!size)
		return 0;
	check(data + 1, size - 1);
	receive(data + 1, size - 1, data[0] & 7);
	return 0;
}

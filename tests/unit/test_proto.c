// SPDX-License-Identifier: GPL-2.0-only
/*
 * The protocol between uvfd and its clients: requests that are none, messages of every wrong
 * shape, descriptors that nobody asked for; then what is right.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "proto.h"
#include "why.h"

static int ours = -1, theirs = -1; /* the end under test, and the peer's */
static unsigned int open_before;

static unsigned int fds_open(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned int n = 0;

	assert_non_null(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

static int setup(void **state)
{
	int pair[2];

	open_before = fds_open();
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		return -1;
	ours = pair[0];
	theirs = pair[1];
	return 0;
}

/* No test may leave a descriptor behind. */
static int teardown(void **state)
{
	if (ours >= 0)
		close(ours);
	if (theirs >= 0)
		close(theirs);
	ours = theirs = -1;
	return fds_open() == open_before ? 0 : -1;
}

static struct uvf_request request_of(uint16_t type)
{
	struct uvf_request request = { .version = UVF_PROTO_VERSION, .type = type };

	if (type == UVF_MSG_BECOME)
		strcpy(request.become.appliance, "firewall");
	if (type == UVF_MSG_LEASE)
		request.lease.ring_size = 2048;
	if (type == UVF_MSG_MEMORY) {
		request.memory.size = 1 << 20;
		request.memory.frame_size = 2048;
	}
	if (type == UVF_MSG_EXPLAIN)
		request.frame.size = 60;
	return request;
}

static void refused(const struct uvf_request *request, const char *why)
{
	struct uvf_request before = *request;

	uvf_fail(0, "%s", "");
	assert_int_equal(uvf_proto_check(request), -EPROTO);
	if (!strstr(uvf_why(), why))
		fail_msg("'%s' does not say '%s'", uvf_why(), why);
	assert_memory_equal(request, &before, sizeof(before));
}

/* --- fields --------------------------------------------------------------------------------- */

static void budget_too_large(void **state)
{
	struct uvf_request request = request_of(UVF_MSG_MEMORY);

	request.memory.busy_budget = UVF_BUDGET_MAX;
	assert_int_equal(uvf_proto_check(&request), 0);
	request.memory.busy_budget = UVF_BUDGET_MAX + 1;
	refused(&request, "busy polling");
}

static void version_of_another_release(void **state)
{
	static const uint16_t versions[] = { 0, UVF_PROTO_VERSION + 1, 0x100, 0xffff };

	for (unsigned int i = 0; i < sizeof(versions) / sizeof(*versions); i++) {
		struct uvf_request request = request_of(UVF_MSG_LIST);

		request.version = versions[i];
		refused(&request, "protocol version");
	}
}

static void type_that_is_none(void **state)
{
	struct uvf_request request = request_of(UVF_MSG_NOTICE);

	for (unsigned int type = UVF_MSG_TYPES; type <= 0xffff; type++) {
		request.type = type;
		refused(&request, "is unknown");
	}
	request.type = UVF_MSG_NOTICE; /* uvfd says it, nobody says it to uvfd */
	refused(&request, "request type 0 is unknown");
}

static void function_without_an_end(void **state)
{
	for (uint16_t type = UVF_MSG_BECOME; type < UVF_MSG_TYPES; type++) {
		struct uvf_request request = request_of(type);

		memset(request.function, 'f', sizeof(request.function));
		refused(&request, "function's name does not end");
		request.function[UVF_PROTO_NAME - 1] = '\0';
		assert_int_equal(uvf_proto_check(&request), 0);
	}
}

static void rule_without_an_end(void **state)
{
	for (uint16_t type = UVF_MSG_RULE_ADD; type <= UVF_MSG_RULE_LIST; type++) {
		struct uvf_request request = request_of(type);

		memset(request.rule.text, 'r', sizeof(request.rule.text));
		refused(&request, "rule does not end");
		request.rule.text[UVF_PROTO_TEXT - 1] = '\0';
		assert_int_equal(uvf_proto_check(&request), 0);
	}
}

static void frame_that_is_none(void **state)
{
	static const uint32_t sizes[] = { 0, 13, UVF_PROTO_FRAME + 1, UINT32_MAX };
	struct uvf_request request = request_of(UVF_MSG_EXPLAIN);

	for (unsigned int i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		request.frame.size = sizes[i];
		refused(&request, "a frame of");
	}
	request.frame.size = UVF_PROTO_FRAME;
	assert_int_equal(uvf_proto_check(&request), 0);
}

static void limit_out_of_range(void **state)
{
	struct uvf_request request = request_of(UVF_MSG_LIMIT);

	request.limit.direction = 2;
	refused(&request, "direction 2");
	request.limit.direction = 1;
	request.limit.words.rate = UVF_RATE_MIN - 1;
	refused(&request, "a rate of");
	request.limit.words.rate = UVF_RATE_MAX + 1;
	refused(&request, "a rate of");
	request.limit.words.rate = UVF_RATE_MAX;
	request.limit.words.pps = UVF_PPS_MAX + 1;
	refused(&request, "frames a second");
	request.limit.words.pps = UVF_PPS_MAX;
	request.limit.words.burst = UVF_BURST_MAX + 1;
	refused(&request, "a burst of");
	request.limit.words.burst = UVF_BURST_MAX;
	assert_int_equal(uvf_proto_check(&request), 0);
}

static void mirror_without_an_end(void **state)
{
	struct uvf_request request = request_of(UVF_MSG_MIRROR);

	memset(request.mirror.to, 'm', sizeof(request.mirror.to));
	refused(&request, "mirror's name does not end");
	request.mirror.to[UVF_PROTO_NAME - 1] = '\0';
	assert_int_equal(uvf_proto_check(&request), 0);
	request.mirror.flags = 4;
	refused(&request, "no direction of a mirror");
}

static void redirect_without_an_end(void **state)
{
	struct uvf_request request = request_of(UVF_MSG_REDIRECT);

	memset(request.redirect.to, 'r', sizeof(request.redirect.to));
	refused(&request, "who gets the frames does not end");
	request.redirect.to[UVF_PROTO_NAME - 1] = '\0';
	request.redirect.set = 1;
	request.redirect.flags = UVF_REDIRECT_LEASED;
	assert_int_equal(uvf_proto_check(&request), 0);
	request.redirect.flags = 4;
	refused(&request, "is no redirect");
	request.redirect.flags = 0;
	request.redirect.set = 2;
	refused(&request, "is no redirect");
}

static void become_without_an_end(void **state)
{
	struct uvf_request request = request_of(UVF_MSG_BECOME);

	memset(request.become.appliance, 'a', UVF_PROTO_APPLIANCE);
	refused(&request, "appliance's name does not end");
	request.become.appliance[UVF_PROTO_APPLIANCE - 1] = '\0';
	assert_int_equal(uvf_proto_check(&request), 0);
	request.become.count = UVF_PROTO_FUNCTIONS;
	for (unsigned int i = 0; i < UVF_PROTO_FUNCTIONS; i++) {
		memset(request.become.functions[i], 'f', UVF_PROTO_NAME);
		refused(&request, "name of function");
		request.become.count = i; /* those behind the last one do not matter */
		assert_int_equal(uvf_proto_check(&request), 0);
		request.become.count = UVF_PROTO_FUNCTIONS;
		request.become.functions[i][UVF_PROTO_NAME - 1] = '\0';
	}
	assert_int_equal(uvf_proto_check(&request), 0);
}

static void become_with_too_many(void **state)
{
	static const uint32_t counts[] = { UVF_PROTO_FUNCTIONS + 1, 0x100, 1u << 28, 1u << 31,
					   ~0u };

	for (unsigned int i = 0; i < sizeof(counts) / sizeof(*counts); i++) {
		struct uvf_request request = request_of(UVF_MSG_BECOME);

		request.become.count = counts[i];
		refused(&request, "functions asked for");
	}
}

static void memory_out_of_range(void **state)
{
	static const uint64_t sizes[] = { 0, 1, 2048, 4095, 4097, 1 << 20 | 2048,
					  UVF_MEMORY_MAX + 1, UVF_MEMORY_MAX + 4096,
					  1ULL << 63, ~0ULL, ~4095ULL };
	static const uint32_t frames[] = { 0, 1, 1024, 2047, 2049, 4095, 8192, 1u << 31, ~0u };
	struct uvf_request request = request_of(UVF_MSG_MEMORY);

	for (unsigned int i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		request.memory.size = sizes[i];
		refused(&request, "multiple of 4096");
	}
	request.memory.size = 4096;
	for (unsigned int i = 0; i < sizeof(frames) / sizeof(*frames); i++) {
		request.memory.frame_size = frames[i];
		refused(&request, "only 2048 and 4096");
	}
	request.memory.frame_size = 4096;
	assert_int_equal(uvf_proto_check(&request), 0);
	request.memory.size = UVF_MEMORY_MAX;
	assert_int_equal(uvf_proto_check(&request), 0);
}

static void ring_out_of_range(void **state)
{
	struct uvf_request request = request_of(UVF_MSG_LEASE);
	static const uint32_t huge[] = { UVF_RING_MAX * 2, 1u << 31, (1u << 31) + 64, ~0u };
	unsigned int taken = 0;

	for (uint32_t n = 0; n <= UVF_RING_MAX + 1; n++) {
		request.lease.ring_size = n;
		if (n >= UVF_RING_MIN && n <= UVF_RING_MAX && __builtin_popcount(n) == 1) {
			assert_int_equal(uvf_proto_check(&request), 0);
			taken++;
		} else {
			refused(&request, "power of two");
		}
	}
	assert_int_equal(taken, 9); /* 64 to 16384 */
	for (unsigned int i = 0; i < sizeof(huge) / sizeof(*huge); i++) {
		request.lease.ring_size = huge[i];
		refused(&request, "power of two");
	}
}

static void queues_in_an_unknown_way(void **state)
{
	struct uvf_request request = request_of(UVF_MSG_DIRECT);

	assert_int_equal(uvf_proto_check(&request), 0);
	request.direct.queues = ~0ULL;
	request.direct.by = UVF_DIRECT_BYS - 1;
	request.direct.copy = 1;
	assert_int_equal(uvf_proto_check(&request), 0);
	request.direct.copy = 2;
	refused(&request, "no word on copying");
	request.direct.copy = 0;
	request.direct.by = UVF_DIRECT_BYS;
	refused(&request, "way 4 to a queue is unknown");
}

/* --- messages, as uvfd receives them ---------------------------------------------------------- */

/* As a peer that does not use our code would: any bytes, any number of descriptors. */
static void send_raw(const void *data, size_t size, const int *fds, unsigned int count)
{
	union {
		char bytes[CMSG_SPACE(16 * sizeof(int))];
		struct cmsghdr align;
	} control = { 0 };
	struct iovec iov = { .iov_base = (void *)data, .iov_len = size };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (count) {
		msg.msg_control = control.bytes;
		msg.msg_controllen = CMSG_SPACE(count * sizeof(int));
		CMSG_FIRSTHDR(&msg)->cmsg_level = SOL_SOCKET;
		CMSG_FIRSTHDR(&msg)->cmsg_type = SCM_RIGHTS;
		CMSG_FIRSTHDR(&msg)->cmsg_len = CMSG_LEN(count * sizeof(int));
		memcpy(CMSG_DATA(CMSG_FIRSTHDR(&msg)), fds, count * sizeof(int));
	}
	assert_int_equal(sendmsg(theirs, &msg, MSG_NOSIGNAL), size);
}

static void receive_refused(const char *why)
{
	struct uvf_incoming in;

	assert_int_equal(uvf_proto_receive(ours, &in), -EPROTO);
	assert_int_equal(in.fd, -1);
	if (!strstr(uvf_why(), why))
		fail_msg("'%s' does not say '%s'", uvf_why(), why);
}

static void message_of_each_size(void **state)
{
	struct {
		struct uvf_request request;
		char more[4096];
	} long_one = { .request = request_of(UVF_MSG_LIST) };
	int fd = STDERR_FILENO;

	for (size_t size = 1; size < sizeof(struct uvf_request); size++) {
		send_raw(&long_one, size, &fd, size & 1);
		receive_refused("is not a request");
	}
	for (size_t size = sizeof(struct uvf_request) + 1; size <= sizeof(long_one); size += 97) {
		send_raw(&long_one, size, &fd, size & 1);
		receive_refused("is longer than");
	}
}

static void nothing_there_and_nobody_there(void **state)
{
	struct uvf_incoming in;

	assert_int_equal(uvf_proto_receive(ours, &in), 0);
	send_raw("", 0, NULL, 0);
	assert_int_equal(uvf_proto_receive(ours, &in), -EPIPE); /* as good as an end */
	close(theirs);
	theirs = -1;
	assert_int_equal(uvf_proto_receive(ours, &in), -EPIPE);
	assert_int_equal(in.fd, -1);
}

/* A peer that ends with our answer unread resets the connection. */
static void peer_that_did_not_read(void **state)
{
	struct uvf_reply reply = { .version = UVF_PROTO_VERSION };
	struct uvf_incoming in;

	assert_int_equal(uvf_proto_answer(ours, &reply, -1), 0);
	close(theirs);
	theirs = -1;
	assert_int_equal(uvf_proto_receive(ours, &in), -EPIPE);
	assert_int_equal(uvf_proto_answer(ours, &reply, -1), -EPIPE);
}

static void peer_that_never_reads(void **state)
{
	struct uvf_reply reply = { .version = UVF_PROTO_VERSION };
	unsigned int n = 0;

	while (!uvf_proto_answer(ours, &reply, -1))
		assert_true(++n < 100000);
	assert_int_equal(uvf_proto_answer(ours, &reply, -1), -EAGAIN);
	assert_true(n > 1);
}

static void same_file(int a, int b)
{
	struct stat of_a, of_b;

	assert_int_equal(fstat(a, &of_a), 0);
	assert_int_equal(fstat(b, &of_b), 0);
	assert_int_equal(of_a.st_rdev, of_b.st_rdev);
	assert_int_not_equal(a, b);
	assert_true(fcntl(a, F_GETFD) & FD_CLOEXEC);
}

/* One is taken, up to FDS_SEEN are closed here, and what is beyond the kernel closes. */
static void surplus_descriptors_are_closed(void **state)
{
	struct uvf_request request = request_of(UVF_MSG_MEMORY);
	int zero = open("/dev/zero", O_RDWR | O_CLOEXEC), fds[16] = { zero };
	unsigned int before = fds_open();
	struct uvf_incoming in;

	for (unsigned int count = 1; count <= 16; count++) {
		for (unsigned int i = 1; i < count; i++)
			fds[i] = STDERR_FILENO;
		send_raw(&request, sizeof(request), fds, count);
		if (count > 4) {
			receive_refused("descriptors");
		} else {
			assert_int_equal(uvf_proto_receive(ours, &in), 1);
			assert_int_equal(fds_open(), before + 1);
			same_file(in.fd, zero);
			close(in.fd);
		}
		assert_int_equal(fds_open(), before);
	}
	close(zero);
}

static void descriptor_of_a_bad_request_is_closed(void **state)
{
	struct uvf_request request = request_of(UVF_MSG_LEASE);
	unsigned int before = fds_open();
	int fd = STDERR_FILENO;

	request.lease.ring_size = 3;
	send_raw(&request, sizeof(request), &fd, 1);
	receive_refused("power of two");
	assert_int_equal(fds_open(), before);
}

/* --- replies, as a client receives them ------------------------------------------------------- */

static struct uvf_reply reply_of(uint16_t type)
{
	return (struct uvf_reply){ .version = UVF_PROTO_VERSION, .type = type };
}

static int call(struct uvf_reply *reply, int *fd)
{
	struct uvf_request request = request_of(UVF_MSG_LIST);

	memset(reply, 0xa5, sizeof(*reply));
	return uvf_proto_call(ours, &request, -1, reply, fd);
}

static void call_refused(int err, const char *why)
{
	unsigned int before = fds_open();
	struct uvf_reply reply;
	int fd = -2;

	assert_int_equal(call(&reply, &fd), err);
	assert_int_equal(fd, -2);
	assert_int_equal(fds_open(), before);
	if (!strstr(uvf_why(), why))
		fail_msg("'%s' does not say '%s'", uvf_why(), why);
}

static void reply_of_another_release(void **state)
{
	struct {
		struct uvf_reply reply;
		char more[512];
	} long_one = { .reply = reply_of(UVF_MSG_LIST) };
	int fd = STDERR_FILENO;

	for (size_t size = 1; size < sizeof(struct uvf_reply); size += 13) {
		send_raw(&long_one, size, &fd, 1);
		call_refused(-EPROTO, "another version");
	}
	send_raw(&long_one, sizeof(long_one), &fd, 1);
	call_refused(-EPROTO, "another version");
	long_one.reply.version++;
	send_raw(&long_one, sizeof(struct uvf_reply), &fd, 1);
	call_refused(-EPROTO, "another version");
}

static void uvfd_that_ends(void **state)
{
	close(theirs);
	theirs = -1;
	call_refused(-EPIPE, "can't send to uvfd");
}

/* It read the request, and died before it answered. */
static void uvfd_that_ends_in_between(void **state)
{
	struct uvf_reply notice = reply_of(UVF_MSG_NOTICE);

	send_raw(&notice, sizeof(notice), NULL, 0);
	assert_int_equal(shutdown(theirs, SHUT_WR), 0);
	call_refused(-EPIPE, "uvfd closed the connection");
}

/* A reply that is not right must not lead the client astray: all of its strings end. */
static void strings_without_an_end(void **state)
{
	struct uvf_reply reply;
	int fd;

	memset(&reply, 'x', sizeof(reply));
	reply.version = UVF_PROTO_VERSION;
	reply.type = UVF_MSG_LIST;
	reply.status = -EBUSY;
	reply.number = 0;
	send_raw(&reply, sizeof(reply), NULL, 0);
	call_refused(-EBUSY, "xxxx");
	assert_int_equal(strlen(uvf_why()), UVF_WHY_SIZE - 1);
	reply.status = 0;
	send_raw(&reply, sizeof(reply), NULL, 0);
	assert_int_equal(call(&reply, &fd), 0);
	assert_int_equal(strnlen(reply.function, UVF_PROTO_NAME), UVF_PROTO_NAME - 1);
	assert_int_equal(strnlen(reply.uplink, UVF_PROTO_NAME), UVF_PROTO_NAME - 1);
	assert_int_equal(strnlen(reply.holder, UVF_PROTO_APPLIANCE), UVF_PROTO_APPLIANCE - 1);
	assert_int_equal(strnlen(reply.why, sizeof(reply.why)), sizeof(reply.why) - 1);
}

static void sentence_with_conversions(void **state)
{
	struct uvf_reply reply = reply_of(UVF_MSG_LIST);

	reply.status = -ENODEV;
	strcpy(reply.why, "%s%n%1000000d");
	send_raw(&reply, sizeof(reply), NULL, 0);
	call_refused(-ENODEV, "%s%n%1000000d");
}

static void notices_are_passed_over(void **state)
{
	struct uvf_reply notice = reply_of(UVF_MSG_NOTICE), reply = reply_of(UVF_MSG_LIST);
	int fd = -2;

	notice.status = -ESHUTDOWN; /* not the answer, whatever it says */
	for (unsigned int i = 0; i < 20; i++)
		send_raw(&notice, sizeof(notice), NULL, 0);
	reply.cursor = 42;
	send_raw(&reply, sizeof(reply), NULL, 0);
	assert_int_equal(call(&reply, &fd), 0);
	assert_int_equal(reply.cursor, 42);
	assert_int_equal(fd, -1);
}

/* A request that a killed uvfd had answered is answered again by its successor. */
static void answers_given_twice_are_passed_over(void **state)
{
	struct uvf_request request = request_of(UVF_MSG_LIST);
	struct uvf_reply old = reply_of(UVF_MSG_LIST), reply;
	unsigned int before = fds_open();
	struct uvf_incoming in;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC), fd = -2;

	send_raw(&old, sizeof(old), NULL, 0);
	assert_int_equal(uvf_proto_call(ours, &request, -1, &reply, NULL), 0);
	assert_int_equal(uvf_proto_receive(theirs, &in), 1);
	assert_int_not_equal(in.request.number, 0);
	old.number = in.request.number;
	send_raw(&old, sizeof(old), &null, 1);
	reply = reply_of(UVF_MSG_LIST);
	reply.number = in.request.number + 1;
	reply.cursor = 42;
	send_raw(&reply, sizeof(reply), NULL, 0);
	memset(&reply, 0, sizeof(reply));
	assert_int_equal(uvf_proto_call(ours, &request, -1, &reply, &fd), 0);
	assert_int_equal(reply.cursor, 42);
	assert_int_equal(fd, -1);
	close(null);
	assert_int_equal(fds_open(), before);
}

/* It is served when it is seen, and gone when it was answered. */
static void requests_stay_until_they_are_consumed(void **state)
{
	struct uvf_request request = request_of(UVF_MSG_MEMORY);
	unsigned int before = fds_open();
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	struct uvf_incoming in;

	send_raw(&request, sizeof(request), &null, 1);
	for (unsigned int i = 0; i < 3; i++) {
		assert_int_equal(uvf_proto_peek(ours, &in), 1);
		assert_memory_equal(&in.request, &request, sizeof(request));
		same_file(in.fd, null);
		close(in.fd);
	}
	uvf_proto_consume(ours);
	assert_int_equal(uvf_proto_peek(ours, &in), 0);
	uvf_proto_consume(ours);
	close(null);
	assert_int_equal(fds_open(), before);
}

static void descriptor_comes_along(void **state)
{
	struct uvf_reply reply = reply_of(UVF_MSG_LEASE);
	int null = open("/dev/null", O_RDWR | O_CLOEXEC), fd;
	unsigned int before = fds_open();

	send_raw(&reply, sizeof(reply), &null, 1);
	assert_int_equal(call(&reply, NULL), 0); /* not wanted: closed */
	assert_int_equal(fds_open(), before);
	send_raw(&reply, sizeof(reply), (int[]){ null, null, null }, 3);
	assert_int_equal(call(&reply, &fd), 0);
	assert_int_equal(fds_open(), before + 1);
	close(fd);
	reply.status = -EBUSY;
	send_raw(&reply, sizeof(reply), &null, 1);
	call_refused(-EBUSY, "");
	close(null);
}

/* --- both sides ------------------------------------------------------------------------------- */

static void request_and_answer(void **state)
{
	struct uvf_request request = request_of(UVF_MSG_MEMORY);
	struct uvf_reply reply = reply_of(UVF_MSG_MEMORY);
	int zero = open("/dev/zero", O_RDWR | O_CLOEXEC), fd = -2;
	struct uvf_incoming in;

	/* The answer first: it waits in the socket, and nobody needs a second thread. */
	reply.ring_size = 77;
	assert_int_equal(uvf_proto_answer(theirs, &reply, zero), 0);
	assert_int_equal(uvf_proto_call(ours, &request, zero, &reply, &fd), 0);
	assert_int_equal(reply.ring_size, 77);
	same_file(fd, zero);
	assert_int_equal(uvf_proto_receive(theirs, &in), 1);
	in.request.number = 0; /* the call's own */
	assert_memory_equal(&in.request, &request, sizeof(request));
	same_file(in.fd, zero);
	close(in.fd);
	close(fd);
	close(zero);
}

static void addresses_that_do_not_fit(void **state)
{
	char path[sizeof(((struct sockaddr_un *)0)->sun_path) + 1];

	memset(path, 'x', sizeof(path));
	path[sizeof(path) - 1] = '\0';
	assert_int_equal(uvf_proto_connect(path), -ENAMETOOLONG);
	path[sizeof(path) - 2] = '\0';
	assert_int_equal(uvf_proto_connect(path), -ENOENT);
	assert_non_null(strstr(uvf_why(), "uvfd is not running"));
	assert_int_equal(uvf_proto_connect(""), -EINVAL);
	assert_non_null(strstr(uvf_why(), "is empty"));
	assert_int_equal(uvf_proto_connect("/dev/null"), -ECONNREFUSED);
}

#define test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		test(budget_too_large),
		test(version_of_another_release),
		test(type_that_is_none),
		test(function_without_an_end),
		test(rule_without_an_end),
		test(frame_that_is_none),
		test(limit_out_of_range),
		test(mirror_without_an_end),
		test(redirect_without_an_end),
		test(become_without_an_end),
		test(become_with_too_many),
		test(memory_out_of_range),
		test(ring_out_of_range),
		test(queues_in_an_unknown_way),
		test(message_of_each_size),
		test(nothing_there_and_nobody_there),
		test(peer_that_did_not_read),
		test(peer_that_never_reads),
		test(surplus_descriptors_are_closed),
		test(descriptor_of_a_bad_request_is_closed),
		test(reply_of_another_release),
		test(uvfd_that_ends),
		test(uvfd_that_ends_in_between),
		test(strings_without_an_end),
		test(sentence_with_conversions),
		test(notices_are_passed_over),
		test(answers_given_twice_are_passed_over),
		test(requests_stay_until_they_are_consumed),
		test(descriptor_comes_along),
		test(request_and_answer),
		test(addresses_that_do_not_fit),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("protocol", tests, NULL, NULL);
}

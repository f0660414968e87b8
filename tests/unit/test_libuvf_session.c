// SPDX-License-Identifier: GPL-2.0-only
/* The session of libuvf: how it is made, and how it waits. */
#include "played.h"

/* --- the session ------------------------------------------------------------------------------ */

static void options_out_of_range(void **state)
{
	static const struct uvf_opts bad[] = {
		{ .size = 0 },
		{ .size = offsetof(struct uvf_opts, jumbo) - 1 },
		{ .size = 4097 },
		{ .size = sizeof(struct uvf_opts), .jumbo = 3 },
		{ .size = sizeof(struct uvf_opts), .meta = 4 },
		{ .size = sizeof(struct uvf_opts) + 8 },
		{ .size = sizeof(struct uvf_opts), .frames = 62 },
		{ .size = sizeof(struct uvf_opts), .frames = (1 << 20) + 2 },
		{ .size = sizeof(struct uvf_opts), .frames = ~1u },
		{ .size = sizeof(struct uvf_opts), .frames = 65 },
		{ .size = sizeof(struct uvf_opts), .busy_us = 1000001 },
		{ .size = sizeof(struct uvf_opts), .busy_us = UVF_BUSY_ALWAYS - 1 },
		{ .size = sizeof(struct uvf_opts), .busy_budget = 64 },
		{ .size = sizeof(struct uvf_opts), .busy_us = 1, .busy_budget = 65 },
		{ .size = sizeof(struct uvf_opts), .frame_size = 1024 },
		{ .size = sizeof(struct uvf_opts), .frame_size = 3000 },
		{ .size = sizeof(struct uvf_opts), .frame_size = 8192 },
	};

	connection_make();
	for (unsigned int i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		uvf = (void *)1;
		assert_int_equal(uvf__open(&uvf, &bad[i]), -EINVAL);
		assert_null(uvf);
	}
	asked_nothing();
	assert_non_null(getenv("UVF_FD")); /* and the connection still serves */
	close(atoi(getenv("UVF_FD")));
	unsetenv("UVF_FD");
}

static void connections_that_are_none(void **state)
{
	char number[32], trailing[32];
	int pair[2], fd = connection_make();

	close(uvfd); /* who takes one of these for it does not wait for ever */
	uvfd = -1;
	snprintf(number, sizeof(number), "%lld", (1LL << 32) + fd);
	snprintf(trailing, sizeof(trailing), "%dx", fd);
	const char *const bad[] = { "", " ", "x", "-1", trailing, "99999", number,
				    "99999999999999999999" };

	for (unsigned int i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		setenv("UVF_FD", bad[i], 1);
		assert_int_equal(uvf__open(&uvf, NULL), -EBADF);
		assert_null(uvf);
		assert_non_null(strstr(uvf__why(), "is not a connection to uvfd"));
	}
	close(fd);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	snprintf(number, sizeof(number), "%d", pair[0]);
	setenv("UVF_FD", number, 1);
	assert_int_equal(uvf__open(&uvf, NULL), -EBADF);
	close(pair[0]);
	close(pair[1]);
	setenv("UVF_FD", "0", 1); /* whatever that is, it is none */
	assert_int_equal(uvf__open(&uvf, NULL), -EBADF);
	unsetenv("UVF_FD");
	setenv("UVF_SOCKET", "/nonexistent/uvfd.sock", 1);
	assert_int_equal(uvf__open(&uvf, NULL), -ENOENT);
	assert_non_null(strstr(uvf__why(), "/nonexistent/uvfd.sock"));
	unsetenv("UVF_SOCKET");
	assert_null(uvf);
}

static void memory_refused(void **state)
{
	connection_make();
	answer(UVF_MSG_MEMORY, -EINVAL, -1);
	assert_int_equal(uvf__open(&uvf, NULL), -EINVAL);
	assert_null(uvf);
	assert_string_equal(uvf__why(), "uvfd says no");
}

static void memory_is_sealed(void **state)
{
	struct uvf_incoming in;
	int fd = connection_make();

	answer(UVF_MSG_MEMORY, 0, -1);
	assert_int_equal(uvf__open(&uvf, NULL), 0);
	assert_null(getenv("UVF_FD")); /* it serves once */
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(uvf_proto_receive(uvfd, &in), 1);
	assert_int_equal(in.request.memory.size, 8192 * 2048);
	assert_int_equal(in.request.memory.frame_size, 2048);
	assert_int_equal(fcntl(in.fd, F_GET_SEALS), F_SEAL_SHRINK | F_SEAL_GROW);
	close(in.fd);
}

static void frames_and_their_bytes(void **state)
{
	for (uint32_t size = 2048; size <= 4096; size *= 2) {
		uint8_t *area;

		session_make(64, size);
		area = uvf->area;
		assert_int_equal(uvf__alloc(uvf, held, 1000), 64);
		assert_int_equal(uvf__alloc(uvf, held, 1), 0);
		for (unsigned int i = 0; i < 64; i++) {
			assert_int_equal(held[i].addr, i * size + HEADROOM); /* low ones first */
			assert_int_equal(held[i].len + held[i].options, 0);
			assert_int_equal(uvf__room(uvf, &held[i]), size - HEADROOM);
			assert_ptr_equal(uvf__data(uvf, &held[i]), area + held[i].addr);
			held[i].addr = i * size;
			assert_int_equal(uvf__room(uvf, &held[i]), size);
			memset(uvf__data(uvf, &held[i]), i, size);
			held[i].addr += size - 1;
			assert_int_equal(uvf__room(uvf, &held[i]), 1);
		}
		for (unsigned int i = 0; i < 64 * size; i++)
			assert_int_equal(area[i], i / size);
		uvf__free(uvf, held, 64);
		assert_int_equal(uvf->free_count, 64);
		session_end(state);
	}
}

/* --- waiting ---------------------------------------------------------------------------------- */

/* A memfd is always readable: a socket takes its place where poll() matters. Returns its peer. */
static int dev_socket(unsigned int i)
{
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	assert_int_equal(dup2(pair[0], devs[i]->source[0].fd), devs[i]->source[0].fd);
	close(pair[0]);
	return pair[1];
}

/* As a deleted function does: an error on the socket (here: its peer ended with bytes unread). */
static void dev_fails(unsigned int i, int peer)
{
	assert_int_equal(write(devs[i]->source[0].fd, "", 1), 1);
	close(peer);
}

static void notice(int status)
{
	answer(UVF_MSG_NOTICE, status, -1);
}

static void waits_for_frames_and_room(void **state)
{
	int a = dev_socket(0), b = dev_socket(1);

	assert_int_equal(uvf__wait(uvf, 0), 0);
	checks = 0;
	assert_int_equal(uvf__wait(uvf, 0), 0);
	assert_int_equal(checks, 0); /* looked at once, and not each time */
	kernel_receive(1, 1);
	assert_int_equal(uvf__wait(uvf, -1), 1); /* in the ring: nobody polls */
	rx(1, 1);
	assert_int_equal(uvf__wait(uvf, 0), 0);
	assert_int_equal(write(a, "", 1), 1);
	assert_int_equal(uvf__wait(uvf, -1), 1);
	assert_int_equal(read(devs[0]->source[0].fd, &(char){ 0 }, 1), 1);
	assert_int_equal(uvf__wait(uvf, 0), 0); /* the socket is writable, but nobody asked */
	alloc(RING + 1);
	tx(1, RING + 2);
	assert_int_equal(uvf__wait(uvf, -1), 1);
	while (send(devs[1]->source[0].fd, held, 100, MSG_DONTWAIT) > 0)
		;
	assert_int_equal(uvf__wait(uvf, 0), 0);
	kernel_take_tx(1, 1);
	assert_int_equal(uvf__wait(uvf, 0), 1); /* room in the ring, whatever the socket says */
	notice(0); /* something changed, not here */
	assert_int_equal(uvf__wait(uvf, -1), 1);
	close(a);
	close(b);
}

static void waiting_refills(void **state)
{
	const struct uvf_ring *fill = &devs[0]->source[0].fill, *done = &devs[0]->source[0].done;
	int a = dev_socket(0), b = dev_socket(1);

	kernel_take_fill(0, RING);
	assert_int_equal(*fill->producer - *fill->consumer, 0);
	uvf__wait(uvf, 0);
	assert_in_range(*fill->producer - *fill->consumer, 1, RING);
	account();
	alloc(4);
	tx(0, 4);
	kernel_take_tx(0, 4);
	kernel_complete(0, 4);
	uvf__wait(uvf, 0);
	assert_int_equal(*done->producer - *done->consumer, 0);
	account();
	close(a);
	close(b);
}

static void uvfd_is_stopped(void **state)
{
	int a = dev_socket(0), b = dev_socket(1);

	notice(-ESHUTDOWN);
	assert_int_equal(uvf__wait(uvf, -1), -ESHUTDOWN);
	assert_int_equal(uvf__wait(uvf, 0), 0); /* said once */
	uvf_dev__close(devs[0]);
	devs[0] = NULL;
	asked_nothing(); /* it has taken everything back */
	account();
	close(a);
	close(b);
}

static void uvfd_dies(void **state)
{
	int a = dev_socket(0), b = dev_socket(1);

	close(uvfd);
	uvfd = -1;
	assert_int_equal(uvf__wait(uvf, -1), -EPIPE);
	assert_int_equal(uvf__wait(uvf, 0), 0); /* said once, and no spinning on the dead socket */
	kernel_receive(0, 5); /* the rings stay usable */
	assert_int_equal(uvf__wait(uvf, -1), 1);
	rx(0, 5);
	tx(1, 5);
	kernel_take_tx(1, 5);
	kernel_complete(1, 5);
	account();
	close(a);
	close(b);
}

/* Both go at once: both are told of, and neither is polled any more. */
static void functions_that_are_gone(void **state)
{
	int a = dev_socket(0), b = dev_socket(1);
	unsigned int ends = 0, woken = 0;

	assert_int_equal(uvf__wait(uvf, 0), 0);
	dev_fails(0, a);
	dev_fails(1, b);
	notice(0);
	for (unsigned int i = 0; i < 5; i++) {
		int got = uvf__wait(uvf, 0);

		assert_true(got == -ENODEV || (got >= 0 && i > 0)); /* the first at once */
		ends += got == -ENODEV;
		woken += got == 1;
	}
	assert_int_equal(ends, DEVS);
	assert_in_range(woken, 0, 1); /* by the notice; a dead socket would wake it each time */
	assert_true(devs[0]->gone && devs[1]->gone);
	assert_non_null(strstr(uvf__why(), "is gone"));
	checks = 0;
	assert_int_equal(uvf__wait(uvf, 0), 0);
	assert_int_equal(checks, 0); /* no system call for nothing */
	notice(0);
	assert_int_equal(uvf__wait(uvf, 0), 1); /* nothing that was not said */
	dev_end(0);
	account();
}

/* The notice came while the library waited for an answer, which passes over it. */
static void notice_between_request_and_answer(void **state)
{
	int a = dev_socket(0);

	dev_fails(0, a);
	notice(0);
	dev_end(1);
	assert_int_equal(uvf__wait(uvf, 0), -ENODEV);
	assert_true(devs[0]->gone);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		test_bare(options_out_of_range),
		test_bare(connections_that_are_none),
		test_bare(memory_refused),
		test(functions_that_are_gone),
		test(notice_between_request_and_answer),
		test(uvfd_is_stopped),
		test(uvfd_dies),
		test_bare(memory_is_sealed),
		test_bare(frames_and_their_bytes),
		test(waits_for_frames_and_room),
		test(waiting_refills),
	};

	prepare();
	return cmocka_run_group_tests_name("libuvf: session", tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0-only
/* Functions of libuvf: their calls into the kernel, and their life. */
#include "played.h"

/* --- calls into the kernel -------------------------------------------------------------------- */

static void kicks_when_the_kernel_sleeps(void **state)
{
	alloc(60);
	tx(0, 1);
	assert_int_equal(kicks, 0); /* it looks by itself */
	*devs[0]->source[0].tx.flags = XDP_RING_NEED_WAKEUP;
	tx(0, 1);
	assert_int_equal(kicks, 1);
	busy = 1000; /* it sends 32 and asks to be called again */
	kicks = 0;
	tx(0, 40);
	assert_int_equal(kicks, 42 / 32 + 1);
	busy = 1;
	kicks = 0;
	tx(0, 5);
	assert_int_equal(kicks, 2);
}

static void wakes_when_nothing_comes(void **state)
{
	rx(0, 10);
	assert_int_equal(wakes, 0);
	*devs[0]->source[0].fill.flags = XDP_RING_NEED_WAKEUP;
	rx(0, 10);
	assert_int_equal(wakes, 1);
	kernel_receive(0, 1);
	rx(0, 10);
	assert_int_equal(wakes, 1);
}

/* --- the life of a function ------------------------------------------------------------------- */

static void names_that_are_none(void **state)
{
	struct uvf_dev *dev = (void *)1;

	assert_int_equal(uvf_dev__open(&dev, uvf, ""), -EINVAL);
	assert_null(dev);
	assert_int_equal(uvf_dev__open(&dev, uvf, "abcdefghijklmnop"), -EINVAL);
	assert_non_null(strstr(uvf__why(), "1 to 15 characters"));
	asked_nothing();
	assert_int_equal(dev_try(0, -ENODEV, -1), -ENODEV);
	assert_string_equal(uvf__why(), "uvfd says no");
	account();
}

static void refused_by_uvfd(void **state)
{
	assert_int_equal(dev_try(0, -EBUSY, -1), -EBUSY);
	assert_null(devs[0]);
	assert_string_equal(uvf__why(), "uvfd says no");
	assert_int_equal(asked(UVF_MSG_LEASE).lease.ring_size, 2048);
	asked_nothing(); /* there is nothing to give back */
	account();
}

/* No descriptor, and one of something else: the lease is given back. */
static void no_socket_comes(void **state)
{
	for (unsigned int i = 0; i < 2; i++) {
		int fd = i ? open("/dev/null", O_RDWR | O_CLOEXEC) : -1;

		answer(UVF_MSG_LEASE, 0, fd);
		if (fd >= 0)
			close(fd);
		answer(UVF_MSG_RELEASE, 0, -1);
		assert_true(uvf_dev__open(&devs[0], uvf, "fw0") < 0);
		assert_null(devs[0]);
		assert_non_null(strstr(uvf__why(), "is not an AF_XDP socket"));
		asked(UVF_MSG_LEASE);
		assert_string_equal(asked(UVF_MSG_RELEASE).function, "fw0");
		account();
	}
}

static void unbound(int status)
{
	struct uvf_reply reply = { .version = UVF_PROTO_VERSION, .type = UVF_MSG_LEASE,
				   .function = "fw0", .ring_size = RING, .unbound = 1 };
	int fd = xsk_make(0);

	assert_int_equal(uvf_proto_answer(uvfd, &reply, fd), 0);
	reply.type = UVF_MSG_BIND;
	reply.status = status;
	reply.zerocopy = 1;
	assert_int_equal(uvf_proto_answer(uvfd, &reply, -1), 0);
	if (status)
		answer(UVF_MSG_RELEASE, 0, -1);
	assert_int_equal(uvf_dev__open(&devs[0], uvf, "fw0"), status);
	close(fd);
	asked(UVF_MSG_LEASE);
	assert_string_equal(asked(UVF_MSG_BIND).function, "fw0");
}

static void bound_after_the_rings_are_mapped(void **state)
{
	unbound(-EBUSY);
	assert_string_equal(asked(UVF_MSG_RELEASE).function, "fw0");
	account();
	unbound(0);
	asked_nothing();
	assert_int_equal(uvf_dev__info(devs[0])->zerocopy, 1);
	account();
}

static void facts_of_a_function(void **state)
{
	const struct uvf_dev_info *info = uvf_dev__info(devs[0]);

	assert_string_equal(info->name, "fw0");
	assert_string_equal(info->uplink, "eth1");
	assert_int_equal(info->mtu, 1500);
	assert_int_equal(info->ifindex, 5);
	assert_int_equal(info->ring_size, RING);
	assert_int_equal(info->zerocopy, 0);
	assert_int_equal(info->mac[5], 1);
	assert_int_equal(uvf_dev__fd(devs[0]), devs[0]->source[0].fd);
}

/* Wherever its frames are; those of others and those held stay what they are. */
static void closing_returns_frames(void **state)
{
	unsigned int mine;

	kernel_receive(0, 20);
	kernel_receive(1, 20);
	rx(0, 10);
	rx(1, 10);
	tx(0, 4);
	tx(1, 4);
	kernel_take_tx(0, 2);
	kernel_complete(0, 1);
	kernel_take_fill(0, 3);
	account();
	mine = uvf->free_count;
	for (unsigned int i = 0; i < FRAMES; i++)
		mine += (uvf->place[i].state == PLACE_FILLING ||
			 uvf->place[i].state == PLACE_SENDING) && uvf->place[i].source == 1;
	dev_end(0);
	account();
	assert_int_equal(uvf->free_count, mine);
	assert_int_equal(helds, 12);
	release(12);
	dev_end(1);
	account();
	assert_int_equal(uvf->free_count, FRAMES);
	uvf_dev__close(NULL);
	asked_nothing();
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		test_alone(names_that_are_none),
		test_alone(refused_by_uvfd),
		test_alone(no_socket_comes),
		test_alone(bound_after_the_rings_are_mapped),
		test(facts_of_a_function),
		test(closing_returns_frames),
		test(kicks_when_the_kernel_sleeps),
		test(wakes_when_nothing_comes),
	};

	prepare();
	return cmocka_run_group_tests_name("libuvf: functions", tests, NULL, NULL);
}

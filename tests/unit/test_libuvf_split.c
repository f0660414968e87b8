// SPDX-License-Identifier: GPL-2.0-only
/* Parts of a session: queues and frames move to them and back, and threads do not meet. */
#include <pthread.h>

#include "played.h"

#define QUEUES 4
#define ROUNDS 20000

static struct uvf *parts[QUEUES];

/* A function of four queues, as uvfd leases it. */
static int four_queues(void **state)
{
	struct uvf_reply reply = { .version = UVF_PROTO_VERSION, .type = UVF_MSG_LEASE,
				   .function = "fw0", .ring_size = RING, .sources = QUEUES };

	session_make(FRAMES, 2048);
	for (unsigned int i = 0; i < QUEUES; i++) {
		int fd = xsk_make(i * 1000);

		assert_int_equal(uvf_proto_answer(uvfd, &reply, fd), 0);
		close(fd);
		reply.type = UVF_MSG_SOURCE;
	}
	assert_int_equal(uvf_dev__open(&devs[0], uvf, "fw0"), 0);
	assert_string_equal(asked(UVF_MSG_LEASE).function, "fw0");
	for (uint32_t i = 1; i < QUEUES; i++)
		assert_int_equal(asked(UVF_MSG_SOURCE).source.index, i);
	assert_int_equal(uvf_dev__queues(devs[0]), QUEUES);
	memset(kernels, 0, sizeof(kernels));
	return 0;
}

static void all_accounted(void)
{
	struct uvf_account at;

	uvf__account(uvf, &at);
	assert_int_equal(at.free + at.held + at.filling + at.sending, FRAMES);
}

static void what_is_refused(void **state)
{
	struct uvf *part, *second;
	struct uvf_dev *piece;

	assert_int_equal(uvf__split(&part, uvf, uvf->free_count + 1), -ENOBUFS);
	assert_null(part);
	assert_int_equal(uvf__split(&part, uvf, 10), 0);
	assert_int_equal(uvf__split(&second, part, 1), -EINVAL);
	assert_int_equal(uvf_dev__split(&piece, devs[0], part, 0, 0), -EINVAL);
	assert_int_equal(uvf_dev__split(&piece, devs[0], part, 0, QUEUES), -EINVAL);
	assert_non_null(strstr(uvf__why(), "one queue of fw0 must stay"));
	assert_int_equal(uvf_dev__split(&piece, devs[0], part, QUEUES, 1), -EINVAL);
	assert_int_equal(uvf_dev__split(&piece, devs[0], part, 1, ~0u), -EINVAL);
	assert_int_equal(uvf_dev__split(&piece, devs[0], uvf, 1, 1), -EINVAL);
	assert_int_equal(uvf_dev__queues(devs[0]), QUEUES);
	for (unsigned int i = 1; i < UVF_PARTS; i++)
		assert_int_equal(uvf__split(&second, uvf, 0), 0);
	assert_int_equal(uvf__split(&second, uvf, 0), -EMFILE);
	all_accounted();
}

/* What lies in a queue's rings goes along, and comes back. */
static void queues_move_and_return(void **state)
{
	uint8_t third = devs[0]->source[2].number;
	uint32_t before = uvf->free_count;
	struct uvf_dev *piece;
	struct uvf *part;

	assert_int_equal(uvf__split(&part, uvf, 20), 0);
	assert_int_equal(uvf_dev__split(&piece, devs[0], part, 1, 2), 0);
	assert_int_equal(uvf_dev__queues(devs[0]), 2);
	assert_int_equal(uvf_dev__queues(piece), 2);
	assert_int_equal(piece->source[1].number, third);
	assert_int_equal(uvf->free_count, before - 20);
	devs[1] = piece;
	kernel_receive(1, 5);
	assert_int_equal(uvf_dev__rx(devs[0], held, 10), 0);
	assert_int_equal(uvf_dev__rx(piece, held, 10), 5);
	assert_int_equal(uvf_dev__tx(piece, held, 3), 3);
	uvf__free(part, held + 3, 2);
	all_accounted();
	uvf_dev__close(piece);
	devs[1] = NULL;
	assert_int_equal(uvf_dev__queues(devs[0]), QUEUES);
	assert_int_equal(devs[0]->stats.rx_frames, 5);
	assert_int_equal(devs[0]->stats.tx_frames, 3);
	uvf__close(part);
	all_accounted();
	asked_nothing(); /* uvfd does not hear of any of it */
}

static void closing_the_session_closes_its_parts(void **state)
{
	struct uvf_dev *piece;
	struct uvf *part;

	assert_int_equal(uvf__split(&part, uvf, 20), 0);
	assert_int_equal(uvf_dev__split(&piece, devs[0], part, 0, 3), 0);
	assert_int_equal(uvf__alloc(part, held, 7), 7);
	all_accounted();
	answer(UVF_MSG_RELEASE, 0, -1);
	uvf_dev__close(devs[0]); /* with the queues that the part has */
	asked(UVF_MSG_RELEASE);
	memset(devs, 0, sizeof(devs));
	assert_null(part->devs[0]);
	all_accounted();
}

/* --- threads ---------------------------------------------------------------------------------- */

struct worker {
	struct uvf *uvf;
	struct uvf_dev *dev;
	unsigned int number;
	uint64_t forwarded;
};

/* The kernel's side of this queue is played by the thread itself: queues share nothing there. */
static void *forward(void *arg)
{
	struct worker *worker = arg;
	struct uvf_frame frames[16];

	for (unsigned int i = 0; i < ROUNDS; i++) {
		unsigned int n;

		kernel_receive(worker->number, 16);
		n = uvf_dev__rx(worker->dev, frames, 16);
		for (unsigned int j = 0; j < n; j++)
			memset(uvf__data(worker->uvf, &frames[j]), worker->number, frames[j].len);
		worker->forwarded += uvf_dev__tx(worker->dev, frames, n);
		kernel_take_tx(worker->number, 16);
		kernel_complete(worker->number, 16);
		uvf__wait(worker->uvf, 0);
	}
	return NULL;
}

static void threads_do_not_meet(void **state)
{
	struct worker workers[2] = { { uvf, devs[0], 0, 0 }, { .number = 1 } };
	pthread_t threads[2];

	assert_int_equal(uvf__split(&parts[1], uvf, uvf->free_count / 2), 0);
	assert_int_equal(uvf_dev__split(&devs[1], devs[0], parts[1], 2, 2), 0);
	workers[1].uvf = parts[1];
	workers[1].dev = devs[1];
	for (unsigned int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, forward, &workers[i]), 0);
	for (unsigned int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	for (unsigned int i = 0; i < 2; i++)
		assert_in_range(workers[i].forwarded, ROUNDS, UINT32_MAX);
	all_accounted();
	uvf__close(parts[1]);
	all_accounted();
	devs[1] = NULL;
}

#define test_split(name) cmocka_unit_test_setup_teardown(name, four_queues, session_end)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		test_split(what_is_refused),
		test_split(queues_move_and_return),
		test_split(closing_the_session_closes_its_parts),
		test_split(threads_do_not_meet),
	};

	prepare();
	return cmocka_run_group_tests_name("libuvf: parts", tests, NULL, NULL);
}

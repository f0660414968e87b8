// SPDX-License-Identifier: GPL-2.0-only
/*
 * Frames of libuvf: where each one is, in long runs and under misuse, and when there are none left.
 * After each step of the long runs every frame is in exactly one place, and the library knows it.
 */
#include "played.h"

/* --- long runs -------------------------------------------------------------------------------- */

static void one_step(unsigned int i, unsigned int n)
{
	switch (random() % 12) {
	case 0:
	case 1:
		kernel_receive(i, n);
		break;
	case 2:
	case 3:
		rx(i, n);
		break;
	case 4:
	case 5:
		tx(i, n);
		break;
	case 6:
		kernel_take_tx(i, n);
		break;
	case 7:
		kernel_complete(i, n);
		break;
	case 8:
		alloc(n);
		break;
	case 9:
		release(n);
		break;
	case 10:
		kernel_take_fill(i, n);
		break;
	case 11:
		uvf__wait(uvf, 0);
		break;
	}
}

static void every_frame_has_its_place(void **state)
{
	uint64_t wrapped = 0;

	srandom(seed);
	session_make(FRAMES, 2048);
	for (unsigned int round = 0; round < 20; round++) {
		for (unsigned int i = 0; i < DEVS; i++)
			if (!devs[i])
				dev_make(i, -(random() % 512));
		account();
		for (unsigned int step = 0; step < 3000; step++) {
			one_step(random() % DEVS, random() % 40);
			account();
		}
		for (unsigned int i = 0; i < DEVS; i++)
			wrapped += *devs[i]->source[0].tx.producer < 1u << 31;
		dev_end(random() % DEVS);
		account();
	}
	assert_true(wrapped > 20); /* most began below 2^32 and ended above it */
}

/* What was received is forwarded for ever: nothing may trickle away. */
static void forwarding_loses_nothing(void **state)
{
	for (unsigned int i = 0; i < 20000; i++) {
		unsigned int from = i % 2;

		assert_int_equal(kernel_receive(from, 32), 32);
		rx(from, 32);
		assert_int_equal(helds, 32);
		assert_int_equal(tx(!from, 32), 32);
		assert_int_equal(kernel_take_tx(!from, 32), 32);
		kernel_complete(!from, 32);
		account();
	}
}

/* --- misuse: it may harm the appliance's frames, never its memory ----------------------------- */

static void freed_twice(void **state)
{
	struct uvf_frame frames[2];

	assert_int_equal(alloc(10), 10);
	uvf__free(uvf, held, 10);
	uvf__free(uvf, held, 10);
	frames[0] = frames[1] = held[3];
	uvf__free(uvf, frames, 2);
	helds = 0;
	account();
	alloc(1);
	frames[0] = frames[1] = held[0];
	frames[1].addr += 700; /* elsewhere in the same frame */
	uvf__free(uvf, frames, 2);
	helds = 0;
	account();
}

static const uint64_t foreign[] = { FRAMES * 2048, FRAMES * 2048 + 1, 1ULL << 31, 1ULL << 32,
				    1ULL << 43, 1ULL << 48, 1ULL << 63, ~0ULL };

/* Bits above the 32 of a frame's number must not fold into one. */
static void foreign_addresses_freed(void **state)
{
	for (unsigned int i = 0; i < sizeof(foreign) / sizeof(*foreign); i++) {
		struct uvf_frame frame = { .addr = foreign[i] };

		alloc(1);
		uvf__free(uvf, &frame, 1);
		account();
		release(1);
	}
}

/* The kernel refuses them, and never completes them. */
static void foreign_addresses_sent(void **state)
{
	dev_end(1);
	alloc(FRAMES);
	for (unsigned int i = 0; i < sizeof(foreign) / sizeof(*foreign); i++) {
		struct uvf_frame frame = { .addr = foreign[i], .len = 60 };

		release(FRAMES);
		assert_int_equal(uvf_dev__tx(devs[0], &frame, 1), 1);
		(*devs[0]->source[0].tx.consumer)++;
		account();
		alloc(FRAMES);
		assert_int_equal(uvf_dev__tx(devs[0], &frame, 1), 1);
		(*devs[0]->source[0].tx.consumer)++;
		account();
	}
	release(FRAMES);
	dev_end(0);
	account();
	assert_int_equal(uvf->free_count, FRAMES);
}

static void foreign_addresses_completed(void **state)
{
	struct uvf_ring *done = &devs[0]->source[0].done;

	for (unsigned int i = 0; i < sizeof(foreign) / sizeof(*foreign); i++)
		*ring_addr(done, (*done->producer)++) = foreign[i];
	assert_int_equal(alloc(FRAMES), FRAMES / 2);
	account();
}

/* Sent after it was freed: it is in the list, and the kernel completes it. */
static void sent_after_it_was_freed(void **state)
{
	struct uvf_frame frames[RING];

	dev_end(0);
	dev_end(1);
	dev_make(0, 0);
	kernel_take_fill(0, FRAMES);
	for (unsigned int round = 0; round < 10; round++) {
		alloc(RING);
		memcpy(frames, held, sizeof(frames));
		release(RING);
		uvf_dev__tx(devs[0], frames, RING);
		kernel_take_tx(0, RING);
		kernel_complete(0, RING);
		uvf_dev__rx(devs[0], held, RING);
		assert_true(uvf->free_count <= FRAMES);
	}
	dev_end(0);
	assert_true(uvf->free_count <= FRAMES);
	for (unsigned int n = uvf__alloc(uvf, held, FRAMES), i = 0; i < n; i++)
		memset(uvf__data(uvf, &held[i]), 0xff, uvf__room(uvf, &held[i]));
}

/* --- rings that are full, and frames that run out --------------------------------------------- */

static void tx_ring_full(void **state)
{
	struct uvf_dev_stats stats;

	alloc(100);
	assert_int_equal(tx(0, 100), RING);
	assert_int_equal(helds, 100 - RING);
	assert_true(devs[0]->wants_room);
	assert_int_equal(tx(0, 10), 0);
	account();
	assert_int_equal(uvf_dev__stats(devs[0], &stats), 0);
	assert_int_equal(stats.tx_frames, RING);
	assert_int_equal(stats.tx_full, 100 - RING + 10);
	kernel_take_tx(0, 5);
	assert_int_equal(uvf__wait(uvf, 0), 1); /* there is room: nobody has to wait */
	assert_int_equal(tx(0, 10), 5);
	kernel_take_tx(0, RING);
	assert_int_equal(tx(0, 10), 10);
	assert_false(devs[0]->wants_room);
	kernel_complete(0, RING);
	account();
}

static void statistics(void **state)
{
	struct uvf_dev_stats stats;

	kernel_receive(0, 3);
	rx(0, 64);
	tx(0, 2);
	assert_int_equal(uvf_dev__stats(devs[0], &stats), 0);
	assert_int_equal(stats.rx_frames, 3);
	assert_int_equal(stats.rx_bytes, 60 + 61 + 62);
	assert_int_equal(stats.tx_frames, 2);
	assert_int_equal(stats.tx_bytes, 60 + 61);
	assert_int_equal(stats.tx_full, 0);
	assert_int_equal(stats.rx_dropped, 1 + 40); /* the full ring is one of the reasons */
	assert_int_equal(stats.rx_ring_full, 40);
	assert_int_equal(stats.rx_no_frame, 5);
	assert_int_equal(stats.tx_invalid, 3);
}

/* An appliance that holds everything receives nothing, until it lets go. */
static void starvation(void **state)
{
	struct uvf_frame none;

	for (unsigned int i = 0; i < 1000 && helds < FRAMES; i++) {
		kernel_receive(i % 2, 7);
		rx(i % 2, 7);
		alloc(3);
	}
	assert_int_equal(helds, FRAMES);
	account();
	assert_int_equal(uvf__alloc(uvf, &none, 1), 0);
	assert_int_equal(kernel_receive(0, 1), 0);
	*devs[0]->source[0].fill.flags = XDP_RING_NEED_WAKEUP;
	rx(0, 1);
	assert_int_equal(wakes, 1);
	release(1);
	rx(0, 1); /* fills, and wakes the kernel up */
	assert_int_equal(wakes, 2);
	assert_int_equal(kernel_receive(0, 10), 1);
	rx(0, 10);
	assert_int_equal(wakes, 2);
	account();
	tx(1, 20);
	kernel_take_tx(1, 20);
	kernel_complete(1, 20);
	assert_int_equal(alloc(30), 20); /* looks for completed ones itself */
	account();
}

/* One function must not have all frames lent to it before the last one has any. */
static void many_functions_share(void **state)
{
	struct uvf_dev *all[UVF_DEVS];
	char names[300 * 4] = "";

	for (unsigned int i = 0; i < 300; i++) /* more than there can be */
		strcat(names, i ? " fw0" : "fw0");
	setenv("UVF_FUNCTIONS", names, 1);
	session_make(FRAMES, 2048);
	for (unsigned int i = 0; i < UVF_DEVS; i++) {
		int fd = xsk_make(0);

		answer(UVF_MSG_LEASE, 0, fd);
		close(fd);
		assert_int_equal(uvf_dev__open(&all[i], uvf, "fw0"), 0);
		asked(UVF_MSG_LEASE);
		assert_in_range(*all[i]->source[0].fill.producer, 1, FRAMES / UVF_DEVS);
	}
	assert_in_range(uvf->free_count, 1, FRAMES); /* and some to send with */
	assert_int_equal(uvf_dev__open(&all[0], uvf, "fw0"), -EMFILE);
	assert_non_null(strstr(uvf__why(), "32 functions at most"));
	asked_nothing();
}

/* Not announced: as each comes, the others' share is smaller, and they do not go on taking. */
static void functions_nobody_announced(void **state)
{
	struct uvf_dev *all[6];
	uint32_t first, left;

	for (unsigned int i = 0; i < 6; i++) {
		int fd = xsk_make(0);

		answer(UVF_MSG_LEASE, 0, fd);
		close(fd);
		assert_int_equal(uvf_dev__open(&all[i], uvf, "fw0"), 0);
		asked(UVF_MSG_LEASE);
	}
	first = *all[0]->source[0].fill.producer;
	left = uvf->free_count;
	assert_in_range(first, FRAMES / 12 + 1, RING);
	(*all[0]->source[0].fill.consumer)++;
	uvf_dev__rx(all[0], held, 1);
	assert_int_equal(*all[0]->source[0].fill.producer, first);
	assert_int_equal(uvf->free_count, left);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		test(freed_twice),
		test(foreign_addresses_freed),
		test(foreign_addresses_sent),
		test(foreign_addresses_completed),
		test(sent_after_it_was_freed),
		test(tx_ring_full),
		test(starvation),
		test_bare(many_functions_share),
		test_alone(functions_nobody_announced),
		test(statistics),
		test(forwarding_loses_nothing),
		test_bare(every_frame_has_its_place),
	};

	prepare();
	return cmocka_run_group_tests_name("libuvf: frames", tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0-only
/* Memory of others behind the frames: what uvfd is told, and which addresses reach the rings. */
#include "played.h"

#define FILE_SIZE (3u << 20)
#define FRAME_MAX 1518
#define CHUNK	  2048

static struct uvf_memory memory[2];

static void files_make(void)
{
	for (unsigned int i = 0; i < 2; i++)
		memory[i] = (struct uvf_memory){ .fd = memfd_create("guest", MFD_CLOEXEC),
						 .size = FILE_SIZE };
}

static int mapped(void **state)
{
	session_make(FRAMES, CHUNK);
	files_make();
	answer(UVF_MSG_MAP, 0, -1);
	answer(UVF_MSG_MAP, 0, -1);
	assert_int_equal(uvf__map(uvf, memory, 2, FRAME_MAX), 0);
	for (unsigned int i = 0; i < 2; i++) {
		struct uvf_request request = asked(UVF_MSG_MAP);

		assert_int_equal(request.map.index, i);
		assert_int_equal(request.map.count, 2);
		assert_int_equal(request.map.at, memory[i].at);
		assert_int_equal(request.map.size, FILE_SIZE);
		assert_int_equal(request.map.frame_max, FRAME_MAX);
	}
	dev_make(0, UINT32_MAX - 5);
	return 0;
}

static int unmapped(void **state)
{
	for (unsigned int i = 0; i < 2; i++)
		close(memory[i].fd);
	return session_end(state);
}

#define test_mapped(name) cmocka_unit_test_setup_teardown(name, mapped, unmapped)

static struct uvf_source *source(void)
{
	return &devs[0]->source[0];
}

static uint64_t filled(uint32_t i)
{
	return *ring_addr(&source()->fill, *source()->fill.consumer + i);
}

static void received(uint64_t chunk, uint32_t offset, uint32_t len)
{
	struct uvf_ring *rx = &source()->rx;

	*ring_desc(rx, (*rx->producer)++) = (struct xdp_desc){
		.addr = chunk | (uint64_t)offset << XSK_UNALIGNED_BUF_OFFSET_SHIFT,
		.len = len,
	};
}

static void files_lie_behind_the_frames(void **state)
{
	assert_int_equal(memory[0].at, UVF_MAP_ALIGN);
	assert_int_equal(memory[1].at, 3 * UVF_MAP_ALIGN);
}

static void nothing_is_lent_by_itself(void **state)
{
	assert_int_equal(ring_room(&source()->fill), RING);
	assert_int_equal(uvf->free_count, FRAMES);
}

/* The kernel begins so far ahead that all it may write ends where the place ends. */
static void a_frame_begins_where_it_was_to(void **state)
{
	const uint64_t addr = memory[1].at + 12345;
	struct uvf_frame frame;

	assert_int_equal(uvf_dev__lend(devs[0], &addr, 1), 1);
	assert_int_equal(filled(0), addr - (CHUNK - FRAME_MAX));
	received(filled(0), CHUNK - FRAME_MAX, 99);
	assert_int_equal(uvf_dev__peek(devs[0], &frame, 1), 1);
	assert_int_equal(frame.addr, addr);
	assert_int_equal(frame.len, 99);
}

static void looking_takes_nothing(void **state)
{
	struct uvf_frame frame;
	uint64_t addr = memory[0].at;

	received(addr, 530, 60);
	for (unsigned int i = 0; i < 3; i++)
		assert_int_equal(uvf_dev__peek(devs[0], &frame, 1), 1);
	uvf_dev__take(devs[0], 1);
	assert_int_equal(uvf_dev__peek(devs[0], &frame, 1), 0);
	*ring_addr(&source()->done, (*source()->done.producer)++) = addr;
	for (unsigned int i = 0; i < 3; i++)
		assert_int_equal(uvf_dev__done(devs[0], &addr, 1), 1);
	uvf_dev__take_done(devs[0], 1);
	assert_int_equal(uvf_dev__done(devs[0], &addr, 1), 0);
}

/* More than is there is not taken, whatever the caller says. */
static void no_more_is_taken_than_there_is(void **state)
{
	received(memory[0].at, 530, 60);
	uvf_dev__take(devs[0], 1000);
	uvf_dev__take_done(devs[0], 1000);
	assert_int_equal(ring_filled(&source()->rx), 0);
	assert_int_equal(ring_filled(&source()->done), 0);
}

static void own_frames_go_the_same_way(void **state)
{
	uint64_t addr;

	assert_int_equal(alloc(1), 1);
	addr = held[0].addr;
	helds = 0;
	assert_int_equal(uvf_dev__lend(devs[0], &addr, 1), 1);
	assert_int_equal(filled(0), addr - addr % CHUNK);
	assert_int_equal(frame_place(uvf, addr)->state, PLACE_FILLING);
	received(filled(0), CHUNK - FRAME_MAX, 60);
	uvf_dev__take(devs[0], 1);
	assert_int_equal(frame_place(uvf, addr)->state, PLACE_HELD);
	held[0].len = 60;
	assert_int_equal(uvf_dev__tx(devs[0], held, 1), 1);
	assert_int_equal(frame_place(uvf, addr)->state, PLACE_SENDING);
	*ring_addr(&source()->done, (*source()->done.producer)++) = held[0].addr;
	uvf_dev__take_done(devs[0], 1);
	assert_int_equal(frame_place(uvf, addr)->state, PLACE_FREE);
	assert_int_equal(uvf->free_count, FRAMES);
}

static void no_more_is_lent_than_there_is_room(void **state)
{
	uint64_t addrs[RING + 1];

	for (unsigned int i = 0; i <= RING; i++)
		addrs[i] = memory[0].at + i * 1530;
	assert_int_equal(uvf_dev__lend(devs[0], addrs, RING + 1), RING);
	assert_int_equal(uvf_dev__lend(devs[0], addrs, 1), 0);
}

static void what_is_refused(void **state)
{
	assert_int_equal(uvf__map(uvf, memory, 2, FRAME_MAX), -EBUSY);
	assert_non_null(strstr(uvf__why(), "fw0 is open"));
	dev_end(0);
	assert_int_equal(uvf__map(uvf, memory, 17, FRAME_MAX), -EINVAL);
	assert_int_equal(uvf__map(uvf, memory, 2, 63), -EINVAL);
	assert_int_equal(uvf__map(uvf, memory, 2, CHUNK - HEADROOM + 1), -EINVAL);
	answer(UVF_MSG_MAP, -ENOMEM, -1);
	assert_int_equal(uvf__map(uvf, memory, 2, FRAME_MAX), -ENOMEM);
}

/* Without files it is a session like any other again. */
static void taken_away_again(void **state)
{
	dev_end(0);
	answer(UVF_MSG_MAP, 0, -1);
	assert_int_equal(uvf__map(uvf, NULL, 0, 0), 0);
	assert_int_equal(asked(UVF_MSG_MAP).map.count, 0);
	dev_make(0, 0);
	assert_int_equal(ring_room(&source()->fill), 0);
	assert_int_equal(uvf_dev__lend(devs[0], &memory[0].at, 1), 0);
}

/* Behind the table of places, and nobody writes to it but the appliance. */
static void what_is_kept(void **state)
{
	struct uvf_opts opts = { .size = sizeof(opts), .frames = FRAMES, .keep = 5000 };

	connection_make();
	answer(UVF_MSG_MEMORY, 0, -1);
	assert_int_equal(uvf__open(&uvf, &opts), 0);
	assert_int_equal((uintptr_t)uvf__kept(uvf) % 64, 0);
	for (unsigned int i = 0; i < 5000; i++)
		assert_int_equal(((uint8_t *)uvf__kept(uvf))[i], 0);
	memset(uvf__kept(uvf), 0xff, 5000);
	assert_int_equal(alloc(FRAMES), FRAMES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		test_mapped(files_lie_behind_the_frames),
		test_mapped(nothing_is_lent_by_itself),
		test_mapped(a_frame_begins_where_it_was_to),
		test_mapped(looking_takes_nothing),
		test_mapped(no_more_is_taken_than_there_is),
		test_mapped(own_frames_go_the_same_way),
		test_mapped(no_more_is_lent_than_there_is_room),
		test_mapped(what_is_refused),
		test_mapped(taken_away_again),
		test_bare(what_is_kept),
	};

	prepare();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0-only
/* Rings of all kinds, against a driver that keeps the rules. */
#include "rings.h"

static struct machine machine;
static struct vring *const ring = &machine.ring;

static const struct layout layouts[] = {
	{ "split of 1", .num = 1, .start = 65530 },
	{ "split of 2, event index", .event_idx = true, .num = 2, .start = 65000 },
	{ "split of 8", .num = 8 },
	{ "split of 8, event index, indirect", .event_idx = true, .indirect = true, .num = 8,
	  .start = 32760 },
	{ "split of 256, event index, indirect", .event_idx = true, .indirect = true, .num = 256,
	  .start = 65500 },
	{ "packed of 1", .packed = true, .num = 1, .start = 1 << 15 },
	{ "packed of 3, event index", .packed = true, .event_idx = true, .num = 3,
	  .start = 2 | 1 << 15 },
	{ "packed of 7, indirect", .packed = true, .indirect = true, .num = 7, .start = 5 },
	{ "packed of 100, event index, indirect", .packed = true, .event_idx = true,
	  .indirect = true, .num = 100, .start = 99 },
	{ "packed of 256", .packed = true, .num = 256, .start = 1 << 15 },
};

#define LAYOUTS (sizeof(layouts) / sizeof(layouts[0]))

/* What the device has popped, in order, and what it said it wrote. */
struct popped {
	uint32_t token;
	uint16_t id, descs;
	uint32_t room;
};

static struct popped popped[DRIVER_NUM];
static unsigned int poppeds;
static uint32_t wrote[DRIVER_TOKENS];
static uint32_t next_token; /* to be popped */
static uint32_t newest; /* made available */

static unsigned int rolls;

static unsigned int roll(unsigned int n)
{
	rolls = rolls * 1103515245 + 12345;
	return (rolls >> 16) % n;
}

static void driver_gives(const struct layout *layout)
{
	unsigned int most = layout->num < 4 && !layout->indirect ? layout->num : 4;
	unsigned int outs = roll(most + 1), ins = roll(most + 1 - outs);
	uint32_t token;

	if (!outs && !ins)
		ins = 1;
	token = give(&machine, outs, ins, layout->indirect && roll(2));
	if (token)
		newest = token;
}

static void parts_are_the_drivers(const struct vring_chain *chain)
{
	uint64_t outs = 0, ins = 0;

	for (unsigned int i = 0; i < chain->outs + chain->ins; i++) {
		assert_in_range((uintptr_t)chain->part[i].at,
				(uintptr_t)machine.guest.region[0].at + AT_BUFFERS,
				(uintptr_t)machine.guest.region[0].at + AT_END - 1);
		*(i < chain->outs ? &outs : &ins) += chain->part[i].len;
	}
	assert_int_equal(outs, chain->out_len);
	assert_int_equal(ins, chain->in_len);
	assert_true(outs + ins > DRIVER_BUFFER - DRIVER_CHAIN);
}

static bool device_pops(void)
{
	struct vring_chain chain;
	int got = vring_pop(ring, &chain);

	assert_true(got >= 0);
	if (!got) {
		assert_int_equal(next_token, newest + 1);
		return false;
	}
	parts_are_the_drivers(&chain);
	assert_int_equal(token_of(&chain), next_token);
	if (!roll(8)) {
		vring_unpop(ring, &chain);
		return true;
	}
	next_token++;
	popped[poppeds++] = (struct popped){ token_of(&chain), chain.id, chain.descs,
					     chain.in_len };
	return true;
}

/* Any of what it has. */
static void device_pushes(void)
{
	unsigned int i;

	if (!poppeds)
		return;
	i = roll(poppeds);
	wrote[popped[i].token] = popped[i].room ? roll(popped[i].room + 1) : 0;
	vring_push(ring, popped[i].id, popped[i].descs, wrote[popped[i].token]);
	popped[i] = popped[--poppeds];
}

static void driver_reaps(void)
{
	uint32_t len, token = driver_reap(machine.mem, &len);

	if (!token)
		return;
	assert_in_range(token, 1, newest);
	assert_int_equal(driver_of(machine.mem)->back[token], 1);
	assert_int_equal(len, wrote[token]);
}

static void step(const struct layout *layout)
{
	switch (roll(8)) {
	case 0 ... 2:
		driver_gives(layout);
		break;
	case 3 ... 4:
		device_pops();
		break;
	case 5:
		device_pushes();
		break;
	case 6:
		vring_flush(ring);
		break;
	default:
		driver_reaps();
	}
}

/* All that was given comes back, once. */
static void settle(void)
{
	while (device_pops())
		;
	while (poppeds)
		device_pushes();
	vring_flush(ring);
	while (driver_of(machine.mem)->reaped < newest) {
		uint32_t before = driver_of(machine.mem)->reaped;

		driver_reaps();
		assert_int_equal(driver_of(machine.mem)->reaped, before + 1);
	}
}

static void begin(const struct layout *layout)
{
	memset(&ring->stats, 0, sizeof(ring->stats));
	ring_make(&machine, layout);
	next_token = 1;
	newest = 0;
	poppeds = 0;
}

static void there_and_back(void **state)
{
	for (unsigned int i = 0; i < LAYOUTS; i++) {
		begin(&layouts[i]);
		while (newest < DRIVER_TOKENS - DRIVER_NUM)
			step(&layouts[i]);
		settle();
		assert_false(ring->broken);
		assert_int_equal(ring->stats.popped, newest);
		assert_int_equal(ring->stats.pushed, newest);
	}
}

/* Stopped when all is back, a ring goes on where it ended: with the base that it told. */
static void stopped_and_started(void **state)
{
	for (unsigned int i = 0; i < LAYOUTS; i++) {
		begin(&layouts[i]);
		for (unsigned int round = 0; round < 50; round++) {
			uint32_t base;

			for (unsigned int n = roll(300); n; n--)
				step(&layouts[i]);
			settle();
			base = vring_stop(ring);
			if (layouts[i].packed)
				base = (base & 0xffff) | (round % 2 ? base & 0xffff0000 : 0);
			driver_gives(&layouts[i]);
			assert_int_equal(vring_set_base(ring, base), 0);
			assert_int_equal(vring_start(ring), 0);
		}
		settle();
	}
}

/* What was popped and not given back is available again, when there is no in-flight region. */
static void split_begins_where_the_used_ring_ends(void **state)
{
	begin(&layouts[2]);
	for (unsigned int i = 0; i < 5; i++)
		driver_gives(&(struct layout){ .num = 1 });
	assert_int_equal(newest, 5);
	while (poppeds < 3)
		device_pops();
	vring_push(ring, popped[0].id, popped[0].descs, 0);
	vring_stop(ring);
	assert_int_equal(vring_start(ring), 0);
	next_token = 2;
	poppeds = 0;
	wrote[1] = 0;
	settle();
}

/* --- notifications --- */

/* @n chains of @outs descriptors. */
static void one_round(unsigned int n, unsigned int outs)
{
	for (unsigned int i = 0; i < n; i++)
		assert_int_not_equal(give(&machine, outs, 0, false), 0);
	newest += n;
	while (device_pops())
		;
	while (poppeds)
		device_pushes();
	vring_flush(ring);
}

static void reap_all(void)
{
	uint32_t len;

	while (driver_reap(machine.mem, &len))
		;
}

static void calls_as_the_driver_wants(void **state)
{
	for (unsigned int i = 0; i < LAYOUTS; i++) {
		if (layouts[i].num < 7)
			continue;
		begin(&layouts[i]);
		assert_false(vring_wants_call(ring)); /* nothing is new */
		for (unsigned int round = 0; round < 30; round++) {
			driver_calls(machine.mem, CALLS_NONE, 7);
			one_round(3, 1);
			if (!layouts[i].event_idx || layouts[i].packed)
				assert_false(vring_wants_call(ring));
			vring_wants_call(ring);
			reap_all();
			driver_calls(machine.mem, CALLS_ALWAYS, 0);
			one_round(1, 1);
			assert_true(vring_wants_call(ring));
			assert_false(vring_wants_call(ring));
			reap_all();
		}
	}
}

/* A packed ring counts slots, a split one chains. */
static void calls_after_the_event(void **state)
{
	for (unsigned int i = 0; i < LAYOUTS; i++) {
		const unsigned int descs = layouts[i].packed ? 2 : 1;

		if (layouts[i].num < 7 || !layouts[i].event_idx)
			continue;
		begin(&layouts[i]);
		vring_wants_call(ring);
		for (unsigned int round = 0; round < 300; round++) {
			driver_calls(machine.mem, CALLS_AFTER, 4 * descs);
			one_round(4, descs);
			assert_false(vring_wants_call(ring));
			one_round(1, descs);
			assert_true(vring_wants_call(ring));
			one_round(1, descs);
			assert_false(vring_wants_call(ring));
			reap_all();
		}
	}
}

static void kicks_as_the_device_wants(void **state)
{
	for (unsigned int i = 0; i < LAYOUTS; i++) {
		if (layouts[i].num < 7)
			continue;
		begin(&layouts[i]);
		for (unsigned int round = 0; round < 300; round++) {
			assert_false(vring_kicks(ring, true));
			driver_kicks(machine.mem);
			driver_gives(&layouts[i]);
			assert_true(driver_kicks(machine.mem));
			assert_true(vring_kicks(ring, true)); /* there is one already */
			assert_false(vring_kicks(ring, false));
			while (device_pops())
				;
			driver_gives(&layouts[i]);
			if (!layouts[i].event_idx || layouts[i].packed)
				assert_false(driver_kicks(machine.mem));
			settle();
			reap_all();
		}
	}
}

/* What is left on purpose is no reason to go on, and the next one that comes is kicked for. */
static void kicks_behind_what_was_unpopped(void **state)
{
	for (unsigned int i = 0; i < LAYOUTS; i++) {
		struct vring_chain chains[2];

		if (layouts[i].num < 7)
			continue;
		begin(&layouts[i]);
		for (unsigned int round = 0; round < 100; round++) {
			give(&machine, 1, 0, false);
			give(&machine, 0, 2, false);
			assert_int_equal(vring_pop(ring, &chains[0]), 1);
			assert_int_equal(vring_pop(ring, &chains[1]), 1);
			vring_unpop(ring, &chains[1]);
			vring_unpop(ring, &chains[0]);
			assert_false(vring_kicks(ring, true));
			driver_kicks(machine.mem);
			assert_int_not_equal(give(&machine, 1, 0, false), 0);
			assert_true(driver_kicks(machine.mem));
			assert_true(vring_kicks(ring, true));
			newest += 3;
			settle();
		}
	}
}

static void call_is_written(void **state)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	int first = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	uint64_t n;

	begin(&layouts[2]);
	/* A predecessor may owe it, and QEMU does not listen to the first. */
	vring_set_call(ring, first);
	vring_set_call(ring, dup(fd));
	assert_int_equal(read(fd, &n, sizeof(n)), sizeof(n));
	vring_call(ring);
	assert_int_equal(read(fd, &n, sizeof(n)), -1);
	vring_stop(ring);
	assert_int_equal(vring_start(ring), 0);
	assert_int_equal(read(fd, &n, sizeof(n)), sizeof(n));
	one_round(2, 1);
	vring_call(ring);
	vring_call(ring);
	assert_int_equal(read(fd, &n, sizeof(n)), sizeof(n));
	assert_int_equal(n, 1);
	assert_int_equal(ring->stats.calls, 1);
	driver_calls(machine.mem, CALLS_NONE, 0);
	one_round(2, 1);
	vring_call(ring);
	assert_int_equal(ring->stats.quiet, 1);
	assert_int_equal(fcntl(fd, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
	assert_int_equal(read(fd, &n, sizeof(n)), -1);
	/* One that is full blocks nobody. */
	n = UINT64_MAX - 1;
	assert_int_equal(write(fd, &n, sizeof(n)), sizeof(n));
	driver_calls(machine.mem, CALLS_ALWAYS, 0);
	reap_all();
	one_round(1, 1);
	vring_call(ring);
	close(fd);
	vring_set_call(ring, -1);
}

/* --- the dirty log --- */

#define LOG_AT (DRIVER_GPA / 4096 / 8)
#define LOG_SIZE (LOG_AT + DRIVER_SIZE / 4096 / 8)

static uint8_t *log_make(void)
{
	int fd = memory_make(4096 + LOG_SIZE);
	uint8_t *map = memory_map(fd, 4096 + LOG_SIZE);

	assert_int_equal(guest_set_log(&machine.guest, fd, LOG_SIZE, 4096), 0);
	guest_log_all(&machine.guest, true);
	return map;
}

/* Is it, and nothing else of the guest's first megabyte? Clears it. */
static void logged_alone(uint8_t *map, const unsigned int *at, unsigned int n)
{
	uint8_t *log = map + 4096 + LOG_AT;

	for (unsigned int i = 0; i < n; i++) {
		unsigned int page = at[i] / 4096;

		if (!(log[page / 8] & 1 << page % 8))
			fail_msg("%#x was written, and is not in the log", at[i]);
	}
	for (unsigned int i = 0; i < n; i++)
		log[at[i] / 4096 / 8] &= ~(1 << at[i] / 4096 % 8);
	for (unsigned int i = 0; i < 4096 + LOG_SIZE; i++)
		assert_int_equal(map[i], 0);
}

static void used_rings_are_logged(void **state)
{
	for (unsigned int i = 0; i < LAYOUTS; i++) {
		struct vring_addr addr = *driver_addr();
		const unsigned int slots = layouts[i].packed ? AT_DESC : AT_USED;
		uint8_t *map;

		begin(&layouts[i]);
		map = log_make();
		one_round(1, 1);
		logged_alone(map, NULL, 0);
		addr.logs = true;
		addr.log = DRIVER_GPA + AT_USED;
		assert_int_equal(vring_set_addr(ring, &addr), 0);
		reap_all();
		one_round(1, 1);
		logged_alone(map, &slots, 1);
		vring_kicks(ring, true);
		logged_alone(map, &(const unsigned int){ AT_USED }, 1);
		guest_set_log(&machine.guest, -1, 0, 0);
		reap_all();
		one_round(1, 1);
		munmap(map, 4096 + LOG_SIZE);
	}
}

static int setup(void **state)
{
	machine_make(&machine);
	return 0;
}

static int teardown(void **state)
{
	machine_end(&machine);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(there_and_back, setup, teardown),
		cmocka_unit_test_setup_teardown(stopped_and_started, setup, teardown),
		cmocka_unit_test_setup_teardown(split_begins_where_the_used_ring_ends, setup,
						teardown),
		cmocka_unit_test_setup_teardown(calls_as_the_driver_wants, setup, teardown),
		cmocka_unit_test_setup_teardown(calls_after_the_event, setup, teardown),
		cmocka_unit_test_setup_teardown(kicks_as_the_device_wants, setup, teardown),
		cmocka_unit_test_setup_teardown(kicks_behind_what_was_unpopped, setup, teardown),
		cmocka_unit_test_setup_teardown(call_is_written, setup, teardown),
		cmocka_unit_test_setup_teardown(used_rings_are_logged, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

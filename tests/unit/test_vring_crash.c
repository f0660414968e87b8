// SPDX-License-Identifier: GPL-2.0-only
/*
 * Killed at any point: what outlives a device is write-protected under it. Each store to it faults,
 * is done alone (the processor's trap flag), and then memory is copied, and in the copy a successor
 * goes on. Each chain that the driver made available must come back exactly once, and those that
 * are resumed must come in the order they were taken in.
 */
#include <signal.h>
#include <ucontext.h>

#include "rings.h"

#define STEPS 5000 /* of a scenario */

static struct machine machine, copy;
static struct vring *const ring = &machine.ring;

static const struct layout layouts[] = {
	{ "split of 4", .num = 4, .start = 65500 },
	{ "split of 8, indirect", .indirect = true, .event_idx = true, .num = 8 },
	{ "packed of 3", .packed = true, .num = 3, .start = 1 << 15 },
	{ "packed of 5, indirect", .packed = true, .indirect = true, .num = 5, .start = 4 },
	{ "packed of 8, event index", .packed = true, .event_idx = true, .num = 8,
	  .start = 1 << 15 | 7 },
};

static const struct layout *layout;

static unsigned int rolls = 1;

static unsigned int roll(unsigned int n)
{
	rolls = rolls * 1103515245 + 12345;
	return (rolls >> 16) % n;
}

/* --- a device that dies and lives, and the driver --- */

static struct held {
	uint16_t id, descs;
} held[DRIVER_NUM];
static unsigned int helds;

static void device_pops(void)
{
	static struct vring_chain chains[2];
	unsigned int n = 0;

	while (n < 2 && vring_pop(ring, &chains[n]) > 0)
		n++;
	while (n && !roll(3))
		vring_unpop(ring, &chains[--n]);
	for (unsigned int i = 0; i < n; i++)
		held[helds++] = (struct held){ chains[i].id, chains[i].descs };
}

static void device_pushes(void)
{
	unsigned int i;

	if (!helds)
		return;
	i = roll(helds);
	vring_push(ring, held[i].id, held[i].descs, 0);
	held[i] = held[--helds];
}

static void track(void)
{
	size_t size;
	void *part = inflight_part(&machine.inflight, 0, &size);

	assert_int_equal(vring_set_inflight(ring, part, size), 0);
}

/* Dies, and is its own successor. */
static void device_restarts(void)
{
	struct vring fresh;

	vring_init(&fresh, ring->guest, ring->number);
	free(ring->again);
	free(ring->entry_of);
	free(ring->pushed);
	*ring = fresh;
	ring_describe(&machine, layout);
	track();
	assert_int_equal(vring_start(ring), 0);
	helds = 0;
}

static void device_steps(void)
{
	switch (roll(16)) {
	case 0 ... 6:
		device_pops();
		break;
	case 7 ... 11:
		device_pushes();
		break;
	case 12 ... 14:
		vring_flush(ring);
		break;
	default:
		device_restarts();
	}
}

static void driver_steps(void)
{
	uint32_t len;

	if (roll(2))
		give(&machine, 1 + roll(layout->num < 4 ? 2 : 3), 0, layout->indirect && roll(2));
	else
		driver_reap(machine.mem, &len);
}

/* --- its death --- */

static uint8_t *region_copy;
static unsigned int tries;

static size_t region_size(void)
{
	return inflight_size(layout->packed, layout->num);
}

/* All that is to be had, in order: what is resumed, then what is available. */
static unsigned int successor_pops(struct held *all)
{
	static struct vring_chain chain;
	uint32_t before = 0;
	unsigned int n = 0;
	bool fresh = false;

	while (vring_pop(&copy.ring, &chain) > 0) {
		assert_true(n < layout->num);
		assert_false(fresh && chain.again);
		fresh = !chain.again;
		assert_true(token_of(&chain) > before);
		before = token_of(&chain);
		all[n++] = (struct held){ chain.id, chain.descs };
	}
	assert_false(copy.ring.broken);
	return n;
}

static void successor_flushes(void)
{
	uint32_t len, token;

	vring_flush(&copy.ring);
	while ((token = driver_reap(copy.mem, &len)))
		assert_int_not_equal(token, UINT32_MAX);
}

/* Half of it in another order, and flushed on the way. */
static void successor_pushes(const struct held *all, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		const struct held *one = &all[i < n / 2 ? n / 2 - 1 - i : i];

		vring_push(&copy.ring, one->id, one->descs, 0);
		if (i % 3 == 1)
			successor_flushes();
	}
	successor_flushes();
}

static void all_came_back_once(void)
{
	const struct driver *driver = driver_of(copy.mem);

	for (uint32_t i = 1; i <= driver->tokens; i++)
		if (driver->back[i] != 1)
			fail_msg("%s: chain %u of %u came back %u times", layout->name, i,
				 driver->tokens, driver->back[i]);
	assert_int_equal(driver->room, driver->num);
}

/* What would be, were it killed now. */
static void try_successor(void)
{
	struct held all[DRIVER_NUM];
	unsigned int n;

	memcpy(copy.mem, machine.mem, AT_END);
	memcpy(region_copy, machine.inflight.at, region_size());
	vring_init(&copy.ring, &copy.guest, 3);
	ring_describe(&copy, layout);
	assert_int_equal(vring_set_inflight(&copy.ring, region_copy, region_size()), 0);
	assert_int_equal(vring_start(&copy.ring), 0);
	n = successor_pops(all);
	successor_pushes(all, n);
	all_came_back_once();
	/* And there is room for as many as ever. */
	while (give(&copy, 1, 0, false))
		;
	assert_int_equal(successor_pops(all), layout->num);
	successor_pushes(all, layout->num);
	all_came_back_once();
	vring_destroy(&copy.ring);
}

static void protect(int prot)
{
	/* Its own view: the driver has another one. */
	assert_int_equal(mprotect(machine.guest.region[0].at + AT_DESC, AT_TABLES - AT_DESC, prot),
			 0);
	assert_int_equal(mprotect(machine.inflight.map, machine.inflight.map_size, prot), 0);
}

#ifdef __x86_64__
#define TRAP_FLAG 0x100

static void on_store(int sig, siginfo_t *info, void *context)
{
	greg_t *flags = &((ucontext_t *)context)->uc_mcontext.gregs[REG_EFL];

	if (sig == SIGSEGV) {
		protect(PROT_READ | PROT_WRITE);
		*flags |= TRAP_FLAG;
		return;
	}
	*flags &= ~TRAP_FLAG;
	protect(PROT_READ);
	try_successor();
	tries++;
}

static void scenario(void)
{
	const struct sigaction store = { .sa_sigaction = on_store,
					 .sa_flags = SA_SIGINFO | SA_NODEFER };
	struct sigaction segv, trap;

	assert_int_equal(sigaction(SIGSEGV, &store, &segv), 0);
	assert_int_equal(sigaction(SIGTRAP, &store, &trap), 0);
	protect(PROT_READ);
	for (unsigned int i = 0; i < STEPS; i++)
		if (roll(2))
			driver_steps();
		else
			device_steps();
	protect(PROT_READ | PROT_WRITE);
	sigaction(SIGSEGV, &segv, NULL);
	sigaction(SIGTRAP, &trap, NULL);
}
#endif

static void ring_of(const struct layout *wanted)
{
	layout = wanted;
	assert_int_equal(inflight_make(&machine.inflight, layout->packed, 1, layout->num), 0);
	vring_reset(ring);
	driver_init(machine.mem, layout->packed, layout->event_idx, layout->num, layout->start);
	ring_describe(&machine, layout);
	track();
	assert_int_equal(vring_start(ring), 0);
	region_copy = aligned_alloc(64, region_size());
}

static void ring_end(void)
{
	vring_reset(ring);
	vring_set_inflight(ring, NULL, 0);
	free(region_copy);
	helds = 0;
}

static void killed_at_any_point(void **state)
{
#ifdef __x86_64__
	for (unsigned int i = 0; i < sizeof(layouts) / sizeof(layouts[0]); i++) {
		ring_of(&layouts[i]);
		tries = 0;
		scenario();
		print_message("# %s: killed %u times\n", layout->name, tries);
		assert_true(tries > STEPS / 3);
		ring_end();
	}
#else
	skip();
#endif
}

/* --- what the region may be instead --- */

/* A driver that was reset while nobody was there: the region is of no use, and harms nobody. */
static void regions_of_another_life(void **state)
{
	for (unsigned int i = 0; i < sizeof(layouts) / sizeof(layouts[0]); i++) {
		static struct vring_chain chain;
		struct vring *again = &copy.ring;

		ring_of(&layouts[i]);
		while (give(&machine, 1, 0, false))
			;
		while (vring_pop(ring, &chain) > 0)
			;
		driver_init(copy.mem, layout->packed, layout->event_idx, layout->num,
			    layout->packed ? 1 << 15 : 0);
		vring_init(again, &copy.guest, 3);
		ring_describe(&copy, layout);
		vring_set_base(again, layout->packed ? 1 << 15 : 0);
		vring_set_inflight(again, ring->inflight, ring->inflight_room);
		assert_int_equal(vring_start(again), 0);
		assert_int_equal(vring_agains(again), 0);
		assert_int_equal(vring_pop(again, &chain), 0);
		give(&copy, 1, 1, false);
		assert_int_equal(vring_pop(again, &chain), 1);
		vring_destroy(again);
		ring_end();
	}
}

/* Stopped with everything given back, it begins at the base, whatever was in the region. */
static void a_stop_forgets(void **state)
{
	static struct vring_chain chain;

	ring_of(&layouts[2]);
	give(&machine, 1, 0, false);
	assert_int_equal(vring_pop(ring, &chain), 1);
	vring_push(ring, chain.id, chain.descs, 0);
	assert_int_equal(vring_stop(ring), 1 | 1 << 15 | 1 << 16 | 1u << 31);
	assert_int_equal(vring_start(ring), 0);
	assert_int_equal(vring_pop(ring, &chain), 0);
	give(&machine, 1, 0, false);
	assert_int_equal(vring_pop(ring, &chain), 1);
	/* In the hands of the one that stops: its successor's. */
	vring_stop(ring);
	assert_int_equal(vring_start(ring), 0);
	assert_int_equal(vring_agains(ring), 1);
	assert_int_equal(vring_pop(ring, &chain), 1);
	assert_true(chain.again);
	ring_end();
}

static void maps_that_are_refused(void **state)
{
	const size_t size = inflight_size(true, 256);
	struct inflight map = { 0 };
	int fd = memory_make(3 * size + 64);
	size_t part;

	assert_int_equal(size % 64, 0);
	assert_int_equal(inflight_take(&map, true, dup(fd), 2 * size, 64, 2, 256), 0);
	assert_null(inflight_part(&map, 2, &part));
	assert_ptr_equal(inflight_part(&map, 1, &part), map.at + size);
	assert_int_equal(part, size);
	assert_int_equal(inflight_take(&map, true, dup(fd), 2 * size, 8, 2, 256), -EINVAL);
	assert_int_equal(inflight_take(&map, true, dup(fd), 4 * size, 0, 2, 256), -EINVAL);
	assert_int_equal(inflight_take(&map, true, dup(fd), size, 0, 2, 256), -EINVAL);
	assert_int_equal(inflight_take(&map, true, dup(fd), UINT64_MAX, 64, 2, 256), -EINVAL);
	assert_int_equal(inflight_take(&map, true, dup(fd), size, 0, 0, 256), -EINVAL);
	assert_int_equal(inflight_take(&map, true, -1, size, 0, 1, 256), -EBADF);
	assert_null(inflight_part(&map, 0, &part));
	close(fd);
}

#define VERSION_END 10 /* behind features and version */

/* The region was made for a ring that is smaller, or split. */
static void regions_that_are_too_small(void **state)
{
	ring_of(&layouts[1]);
	vring_stop(ring);
	assert_int_equal(vring_set_num(ring, 16), 0);
	assert_int_equal(vring_start(ring), -EINVAL);
	assert_non_null(strstr(uvf_why(), "ring 3 of 16 descriptors does not fit its part"));
	assert_int_equal(vring_set_num(ring, 8), 0);
	assert_int_equal(vring_set_features(ring, 1ULL << VRING_F_PACKED), 0);
	assert_int_equal(vring_start(ring), -EINVAL);
	ring_end();
}

static void versions(void **state)
{
	ring_of(&layouts[0]);
	vring_stop(ring);
	machine.inflight.at[8] = 2;
	assert_int_equal(vring_start(ring), -EINVAL);
	assert_non_null(strstr(uvf_why(), "ring 3 has version 2, which is not known here"));
	ring_end();
}

/* A region that the front-end cuts, or fills with anything: a ring that breaks, at the most. */
static void damaged_regions(void **state)
{
	static struct vring_chain chain;
	int fd;

	for (unsigned int i = 0; i < 300; i++) {
		ring_of(&layouts[i % 5]);
		while (give(&machine, 1, 0, false))
			;
		vring_pop(ring, &chain);
		device_restarts();
		for (unsigned int n = roll(20); n; n--)
			machine.inflight.at[VERSION_END + roll(100)] = roll(roll(2) ? 256 : 10);
		if (i % 2)
			device_restarts();
		for (unsigned int n = 0; n < 20 && helds < 100; n++)
			device_steps();
		ring_end();
	}
	fd = memory_make(4096);
	assert_int_equal(inflight_take(&machine.inflight, false, dup(fd), 4096, 0, 1, 4), 0);
	assert_int_equal(ftruncate(fd, 0), 0);
	assert_int_equal(*(volatile uint8_t *)machine.inflight.at, 0);
	assert_true(machine.inflight.lost);
	close(fd);
}

static int setup(void **state)
{
	machine_make(&machine);
	machine_make(&copy);
	return 0;
}

static int teardown(void **state)
{
	machine_end(&machine);
	machine_end(&copy);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(killed_at_any_point, setup, teardown),
		cmocka_unit_test_setup_teardown(regions_of_another_life, setup, teardown),
		cmocka_unit_test_setup_teardown(a_stop_forgets, setup, teardown),
		cmocka_unit_test_setup_teardown(maps_that_are_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(regions_that_are_too_small, setup, teardown),
		cmocka_unit_test_setup_teardown(versions, setup, teardown),
		cmocka_unit_test_setup_teardown(damaged_regions, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

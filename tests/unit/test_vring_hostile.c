// SPDX-License-Identifier: GPL-2.0-only
/* Rings of drivers that break the rules, and memory that is not as one would like it. */
#include "rings.h"

#define NUM 8

static struct machine machine;
static struct vring *const ring = &machine.ring;
static struct vring_chain chain;

static const struct layout split = { "split", .indirect = true, .num = NUM };
static const struct layout packed = { "packed", .packed = true, .indirect = true, .num = NUM,
				      .start = 1 << 15 };

static const uint64_t good = DRIVER_GPA + AT_BUFFERS;
static const uint64_t table = DRIVER_GPA + AT_TABLES;

/* A descriptor as its kind has it; packed ones are available. */
static void desc(unsigned int i, uint64_t addr, uint32_t len, uint16_t flags, uint16_t next)
{
	*driver_desc(machine.mem, i) =
		ring->is_packed ?
			(struct driver_desc){ addr, len, i, flags | DESC_F_AVAIL } :
			(struct driver_desc){ addr, len, flags, next };
}

static void entry(unsigned int i, uint64_t addr, uint32_t len, uint16_t flags, uint16_t next)
{
	((struct driver_desc *)(machine.mem + AT_TABLES))[i] =
		ring->is_packed ? (struct driver_desc){ addr, len, 0, flags } :
				  (struct driver_desc){ addr, len, flags, next };
}

static void available(uint16_t head, uint16_t idx)
{
	uint16_t *avail = (uint16_t *)(machine.mem + AT_AVAIL);

	if (ring->is_packed)
		return;
	avail[2] = head;
	avail[1] = idx;
}

/* --- what a driver may do wrong --- */

static void index_jumps(void)
{
	available(0, NUM + 1);
}

static void head_outside(void)
{
	available(NUM, 1);
}

static void next_outside(void)
{
	desc(0, good, 1, DESC_F_NEXT, NUM);
	available(0, 1);
}

static void loops(void)
{
	for (unsigned int i = 0; i < NUM; i++)
		desc(i, good, 1, DESC_F_NEXT, (i + 1) % NUM);
	available(3, 1);
}

static void points_to_itself(void)
{
	desc(2, good, 1, DESC_F_NEXT, 2);
	available(2, 1);
}

static void outside_of_memory(void)
{
	desc(0, DRIVER_GPA + DRIVER_SIZE, 1, 0, 0);
	available(0, 1);
}

static void over_the_end(void)
{
	desc(0, DRIVER_GPA + DRIVER_SIZE - 100, 101, DESC_F_WRITE, 0);
	available(0, 1);
}

static void over_the_last_address(void)
{
	desc(0, UINT64_MAX - 5, UINT32_MAX, 0, 0);
	available(0, 1);
}

static void much_too_long(void)
{
	desc(0, good, UINT32_MAX, 0, 0);
	available(0, 1);
}

static void out_behind_in(void)
{
	desc(0, good, 1, DESC_F_NEXT | DESC_F_WRITE, 1);
	desc(1, good, 1, 0, 0);
	available(0, 1);
}

static void table_not_negotiated(void)
{
	ring->indirect = false;
	desc(0, table, 16, DESC_F_INDIRECT, 0);
	available(0, 1);
}

static void table_with_next(void)
{
	desc(0, table, 16, DESC_F_INDIRECT | DESC_F_NEXT, 1);
	available(0, 1);
}

static void table_of_nothing(void)
{
	desc(0, table, 0, DESC_F_INDIRECT, 0);
	available(0, 1);
}

static void table_with_a_rest(void)
{
	desc(0, table, 17, DESC_F_INDIRECT, 0);
	available(0, 1);
}

static void table_too_long(void)
{
	desc(0, table, 16 * (VRING_PARTS + 1), DESC_F_INDIRECT, 0);
	available(0, 1);
}

static void table_outside(void)
{
	desc(0, 16, 16, DESC_F_INDIRECT, 0);
	available(0, 1);
}

static void table_over_the_end(void)
{
	memset(machine.mem + DRIVER_SIZE - 16, 0, 16);
	*(struct driver_desc *)(machine.mem + DRIVER_SIZE - 16) =
		(struct driver_desc){ good, 1, ring->is_packed ? 0 : DESC_F_NEXT, 1 };
	desc(0, DRIVER_GPA + DRIVER_SIZE - 16, 32, DESC_F_INDIRECT, 0);
	available(0, 1);
}

static void table_in_a_table(void)
{
	desc(0, table, 32, DESC_F_INDIRECT, 0);
	entry(0, good, 1, DESC_F_NEXT, 1);
	entry(1, table, 16, DESC_F_INDIRECT, 0);
	available(0, 1);
}

static void table_with_a_loop(void)
{
	desc(0, table, 32, DESC_F_INDIRECT, 0);
	entry(0, good, 1, DESC_F_NEXT, 1);
	entry(1, good, 1, DESC_F_NEXT, 0);
	available(0, 1);
}

static void table_that_leaves_itself(void)
{
	desc(0, table, 32, DESC_F_INDIRECT, 0);
	entry(0, good, 1, DESC_F_NEXT, 2);
	available(0, 1);
}

static void table_in_the_middle(void)
{
	desc(0, good, 1, DESC_F_NEXT, 1);
	desc(1, table, 16, DESC_F_INDIRECT, 0);
	available(0, 1);
}

enum { SPLIT = 1, PACKED = 2, BOTH = 3 };

static const struct mischief {
	int kinds;
	void (*make)(void);
	const char *why;
} mischiefs[] = {
	{ SPLIT, index_jumps, "the driver's index jumped to 9, from 0 in a ring of 8" },
	{ SPLIT, head_outside, "descriptor 8 is available, of 8" },
	{ SPLIT, next_outside, "descriptor 8 is next, of 8" },
	{ SPLIT, loops, "the chain that begins at descriptor 3 is a loop" },
	{ PACKED, loops, "a chain has more than all 8 descriptors" },
	{ SPLIT, points_to_itself, "begins at descriptor 2 is a loop" },
	{ BOTH, outside_of_memory, "is not in guest memory" },
	{ BOTH, over_the_end, "a descriptor of 101 bytes at guest address 0x4003ff9c is not in" },
	{ BOTH, over_the_last_address, "is not in guest memory" },
	{ BOTH, much_too_long, "is not in guest memory" },
	{ BOTH, out_behind_in, "is to be read, behind one that is to be written" },
	{ BOTH, table_not_negotiated, "which was not negotiated" },
	{ BOTH, table_with_next, "is indirect, and has a next" },
	{ BOTH, table_of_nothing, "no table has so many bytes" },
	{ BOTH, table_with_a_rest, "no table has so many bytes" },
	{ BOTH, table_too_long, "no table has so many bytes" },
	{ BOTH, table_outside, "is indirect, and is not in guest memory" },
	{ BOTH, table_over_the_end, "leads to a" },
	{ BOTH, table_in_a_table, "leads to a table that leads to another" },
	{ SPLIT, table_with_a_loop, "leads to a table whose chain is a loop" },
	{ SPLIT, table_that_leaves_itself, "leads to a chain that leaves its table" },
	{ PACKED, table_in_the_middle, "is indirect, in the middle of a chain" },
};

static void is_broken(const struct mischief *mischief, const struct layout *layout)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	uint64_t n;

	ring_make(&machine, layout);
	vring_set_err(ring, dup(fd));
	mischief->make();
	assert_int_equal(vring_pop(ring, &chain), -EPROTO);
	if (!strstr(ring->why, mischief->why))
		fail_msg("\"%s\" does not say \"%s\"", ring->why, mischief->why);
	assert_string_equal(uvf_why(), ring->why);
	assert_true(ring->broken);
	assert_int_equal(read(fd, &n, sizeof(n)), sizeof(n));
	assert_int_equal(vring_pop(ring, &chain), -EPROTO);
	assert_false(vring_kicks(ring, true));
	vring_stop(ring);
	close(fd);
}

static void broken_rings_say_why(void **state)
{
	for (unsigned int i = 0; i < sizeof(mischiefs) / sizeof(mischiefs[0]); i++) {
		if (mischiefs[i].kinds & SPLIT)
			is_broken(&mischiefs[i], &split);
		if (mischiefs[i].kinds & PACKED)
			is_broken(&mischiefs[i], &packed);
	}
}

/* After a reset it is as new. */
static void a_reset_mends(void **state)
{
	is_broken(&(struct mischief){ BOTH, over_the_end, "" }, &packed);
	ring_make(&machine, &packed);
	assert_int_not_equal(give(&machine, 1, 1, false), 0);
	assert_int_equal(vring_pop(ring, &chain), 1);
	assert_int_equal(chain.outs, 1);
	assert_int_equal(chain.ins, 1);
}

/* --- what is allowed, though odd --- */

static void table_behind_others(void **state)
{
	ring_make(&machine, &split);
	desc(0, good, 100, DESC_F_NEXT, 1);
	desc(1, table, 32, DESC_F_INDIRECT | DESC_F_WRITE, 0); /* its WRITE is ignored */
	entry(0, good + 100, 10, DESC_F_NEXT, 1);
	entry(1, good + 200, 20, DESC_F_WRITE, 0);
	available(0, 1);
	assert_int_equal(vring_pop(ring, &chain), 1);
	assert_int_equal(chain.outs, 2);
	assert_int_equal(chain.ins, 1);
	assert_int_equal(chain.out_len, 110);
	assert_int_equal(chain.in_len, 20);
}

static void empty_descriptors_are_no_parts(void **state)
{
	const struct layout *layouts[] = { &split, &packed };

	for (unsigned int i = 0; i < 2; i++) {
		ring_make(&machine, layouts[i]);
		desc(0, 7, 0, DESC_F_NEXT, 1);
		desc(1, good, 5, DESC_F_NEXT, 2);
		desc(2, UINT64_MAX, 0, DESC_F_WRITE, 0);
		available(0, 1);
		assert_int_equal(vring_pop(ring, &chain), 1);
		assert_int_equal(chain.outs, 1);
		assert_int_equal(chain.ins, 0);
		assert_int_equal(chain.part[0].len, 5);
	}
}

/* A table of all parts, @outs of them to be read, begun with @before and cut at @outs. */
static void long_table(unsigned int outs, unsigned int ins, unsigned int before)
{
	for (unsigned int i = 0; i < outs + ins; i++)
		entry(i, good + i, 1, DESC_F_NEXT | (i < outs ? 0 : DESC_F_WRITE), i + 1);
	entry(outs + ins - 1, good, 1, ins ? DESC_F_WRITE : 0, 0);
	desc(0, good, before, DESC_F_NEXT, 1);
	desc(1, table, 16 * (outs + ins), DESC_F_INDIRECT, 0);
	available(0, 1);
	assert_int_equal(vring_pop(ring, &chain), 1);
}

static void too_many_parts_are_cut(void **state)
{
	ring_make(&machine, &split);
	long_table(0, VRING_PARTS, 1);
	assert_true(chain.cut);
	assert_int_equal(chain.outs, 1);
	assert_int_equal(chain.ins, VRING_PARTS - 1);
	assert_int_equal(chain.in_len, VRING_PARTS - 1);
	ring_make(&machine, &split);
	long_table(VRING_PARTS - 1, 0, 1);
	assert_false(chain.cut);
	assert_int_equal(chain.outs, VRING_PARTS);
	ring_make(&machine, &split);
	long_table(VRING_PARTS, 0, 1);
	assert_true(chain.cut);
	assert_int_equal(chain.outs, 0);
	assert_int_equal(chain.out_len, 0);
	assert_int_equal(ring->stats.cut, 2);
}

/* --- memory --- */

/* A second region right behind the first, in a file of its own. */
static int neighbour_add(void)
{
	const struct guest_given given = { DRIVER_GPA + DRIVER_SIZE, 4096, DRIVER_UVA + (1 << 30),
					   4096 };
	int fd = memory_make(8192);

	assert_int_equal(guest_add(&machine.guest, &given, dup(fd)), 0);
	return fd;
}

static void over_a_border(void **state)
{
	const struct layout *layouts[] = { &split, &packed };
	int fd = neighbour_add();

	for (unsigned int i = 0; i < 2; i++) {
		ring_make(&machine, layouts[i]);
		desc(0, DRIVER_GPA + DRIVER_SIZE - 10, 4000, DESC_F_WRITE, 0);
		available(0, 1);
		assert_int_equal(vring_pop(ring, &chain), 1);
		assert_int_equal(chain.ins, 2);
		assert_int_equal(chain.part[0].len, 10);
		assert_int_equal(chain.part[1].len, 3990);
		assert_ptr_equal(chain.part[1].at, machine.guest.region[1].at);
	}
	close(fd);
}

/* At any address, a byte over the border, too. */
static void table_over_a_border(void **state)
{
	const struct layout *layouts[] = { &split, &packed };
	int fd = neighbour_add();
	uint8_t *behind = memory_map(fd, 8192) + 4096;

	for (unsigned int i = 0; i < 2; i++)
		for (unsigned int cut = 1; cut < 32; cut++) {
			struct driver_desc two[2];

			ring_make(&machine, layouts[i]);
			entry(0, good, 11, DESC_F_NEXT, 1);
			entry(1, good, 22, DESC_F_WRITE, 0);
			memcpy(two, machine.mem + AT_TABLES, sizeof(two));
			memcpy(machine.mem + DRIVER_SIZE - cut, two, cut);
			memcpy(behind, (uint8_t *)two + cut, sizeof(two) - cut);
			desc(0, DRIVER_GPA + DRIVER_SIZE - cut, 32, DESC_F_INDIRECT, 0);
			available(0, 1);
			assert_int_equal(vring_pop(ring, &chain), 1);
			assert_int_equal(chain.out_len, 11);
			assert_int_equal(chain.in_len, 22);
		}
	munmap(behind - 4096, 8192);
	close(fd);
}

static void what_is_not_there_does_not_start(void **state)
{
	struct vring_addr addr = *driver_addr();

	vring_init(ring, &machine.guest, 1);
	assert_int_equal(vring_start(ring), -EINVAL);
	assert_string_equal(uvf_why(), "ring 1 can't be started: it has no size yet");
	assert_int_equal(vring_set_num(ring, 0), -EINVAL);
	assert_int_equal(vring_set_num(ring, VRING_SIZE_MAX + 1), -EINVAL);
	assert_int_equal(vring_set_num(ring, 5), 0);
	assert_int_equal(vring_start(ring), -EINVAL);
	addr.avail = DRIVER_UVA + DRIVER_SIZE - 15; /* 16 bytes it has */
	assert_int_equal(vring_set_addr(ring, &addr), 0);
	assert_int_equal(vring_start(ring), -EINVAL);
	assert_non_null(strstr(uvf_why(), "its available ring at user address 0x7f004003fff1 is "
					  "not in guest memory"));
	addr.avail--;
	assert_int_equal(vring_set_addr(ring, &addr), 0);
	assert_int_equal(vring_start(ring), -EINVAL);
	assert_non_null(strstr(uvf_why(), "5 descriptors: a split ring must have a power of two"));
	addr.desc += 8;
	assert_int_equal(vring_set_addr(ring, &addr), 0);
	assert_int_equal(vring_start(ring), -EINVAL);
	assert_non_null(strstr(uvf_why(), "is not aligned"));
	assert_int_equal(vring_set_features(ring, 1ULL << VRING_F_PACKED), 0);
	assert_int_equal(vring_set_addr(ring, driver_addr()), 0);
	assert_int_equal(vring_set_base(ring, 5), 0);
	assert_int_equal(vring_start(ring), -EINVAL);
	assert_string_equal(uvf_why(), "ring 1 can't begin at slot 5 of 5");
}

static void what_runs_is_not_changed(void **state)
{
	ring_make(&machine, &split);
	assert_int_equal(vring_set_num(ring, 16), -EBUSY);
	assert_int_equal(vring_set_base(ring, 16), -EBUSY);
	assert_int_equal(vring_set_features(ring, 0), -EBUSY);
	assert_int_equal(vring_set_features(ring, ring->features | 1ULL << 26), 0);
	assert_int_equal(vring_set_inflight(ring, &chain, 1), -EBUSY);
	assert_int_equal(vring_start(ring), 0);
}

/* The table changes under a ring that runs: moved memory is found again, lost memory breaks it. */
static void memory_moves(void **state)
{
	const struct guest_given given = { DRIVER_GPA, DRIVER_SIZE, DRIVER_UVA, 0 };
	uint32_t len;

	ring_make(&machine, &split);
	give(&machine, 1, 1, false);
	give(&machine, 1, 1, false);
	assert_int_equal(vring_pop(ring, &chain), 1);
	assert_int_equal(guest_remove(&machine.guest, &given), 0);
	assert_int_equal(guest_add(&machine.guest, &given, dup(machine.fd)), 0);
	assert_int_equal(vring_remap(ring), 0);
	vring_push(ring, chain.id, chain.descs, 9);
	assert_int_equal(vring_pop(ring, &chain), 1);
	vring_flush(ring);
	assert_int_equal(driver_reap(machine.mem, &len), 1);
	assert_int_equal(len, 9);
	assert_int_equal(guest_remove(&machine.guest, &given), 0);
	assert_int_equal(vring_remap(ring), -EPROTO);
	assert_non_null(strstr(ring->why, "ring 3: its memory is gone: ring 3: its "));
	vring_push(ring, chain.id, chain.descs, 9);
	vring_flush(ring);
	assert_int_equal(vring_pop(ring, &chain), -EPROTO);
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
		cmocka_unit_test_setup_teardown(broken_rings_say_why, setup, teardown),
		cmocka_unit_test_setup_teardown(a_reset_mends, setup, teardown),
		cmocka_unit_test_setup_teardown(table_behind_others, setup, teardown),
		cmocka_unit_test_setup_teardown(empty_descriptors_are_no_parts, setup, teardown),
		cmocka_unit_test_setup_teardown(too_many_parts_are_cut, setup, teardown),
		cmocka_unit_test_setup_teardown(over_a_border, setup, teardown),
		cmocka_unit_test_setup_teardown(table_over_a_border, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_not_there_does_not_start, setup, teardown),
		cmocka_unit_test_setup_teardown(what_runs_is_not_changed, setup, teardown),
		cmocka_unit_test_setup_teardown(memory_moves, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

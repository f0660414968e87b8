// SPDX-License-Identifier: GPL-2.0-only
/* Guest memory: tables of regions, the files behind them, and what becomes of these. */
#include <signal.h>
#include <sys/wait.h>

#include "rings.h"

#define MEGABYTE 0x100000ULL

static struct guest guest;
static int file;

static const struct guest_given low = { 0, MEGABYTE, 0x10000000, 0 };
static const struct guest_given high = { 1ULL << 32, MEGABYTE, 0x20000000, MEGABYTE };

static int setup(void **state)
{
	guest_init(&guest);
	file = memory_make(2 * MEGABYTE);
	return 0;
}

static int teardown(void **state)
{
	guest_clear(&guest);
	close(file);
	return 0;
}

static unsigned int maps(void)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < GUEST_FILES; i++)
		n += guest.file[i].map != NULL;
	return n;
}

static void set_both(void)
{
	const struct guest_given table[] = { high, low };
	const int fds[] = { dup(file), dup(file) };

	assert_int_equal(guest_set(&guest, table, fds, 2), 0);
}

static void regions_of_a_file_share_its_map(void **state)
{
	uint8_t *at;
	uint64_t n;

	set_both();
	assert_int_equal(guest.regions, 2);
	assert_int_equal(maps(), 1);
	at = guest_at(&guest, high.gpa, 10, &n);
	assert_int_equal(n, 10);
	assert_ptr_equal(at, guest_at(&guest, 0, 1, &n) + MEGABYTE);
	/* The same again moves nothing. */
	set_both();
	assert_int_equal(maps(), 1);
	assert_ptr_equal(at, guest_at(&guest, high.gpa, 10, &n));
	assert_int_equal(guest.changes, 2);
}

static void addresses(void **state)
{
	unsigned int number;
	uint64_t n, offset;
	uint8_t *at, bytes[4];

	set_both();
	assert_null(guest_at(&guest, MEGABYTE, 1, &n));
	assert_null(guest_at(&guest, UINT64_MAX, 1, &n));
	at = guest_at(&guest, MEGABYTE - 3, 100, &n);
	assert_int_equal(n, 3);
	assert_true(guest_offset(&guest, at, &number, &offset));
	assert_int_equal(offset, MEGABYTE - 3);
	assert_ptr_equal(guest.file[number].map + offset, at);
	assert_false(guest_offset(&guest, &n, &number, &offset));
	assert_ptr_equal(guest_at_user(&guest, low.uva + MEGABYTE - 3, 3), at);
	assert_null(guest_at_user(&guest, low.uva + MEGABYTE - 3, 4));
	assert_null(guest_at_user(&guest, low.uva + 1, UINT64_MAX));
	assert_null(guest_at_user(&guest, low.uva - 1, 1));
	assert_true(guest_read(&guest, MEGABYTE - 4, bytes, 4));
	assert_false(guest_read(&guest, MEGABYTE - 3, bytes, 4));
}

static void refused(const struct guest_given *given, int fd, const char *why)
{
	struct guest before = guest;

	assert_true(guest_add(&guest, given, fd) < 0);
	if (!strstr(uvf_why(), why))
		fail_msg("\"%s\" does not say \"%s\"", uvf_why(), why);
	assert_int_equal(fcntl(fd, F_GETFD), -1);
	before.lost = guest.lost;
	assert_memory_equal(&before, &guest, sizeof(guest));
}

static void what_is_refused(void **state)
{
	const struct guest_given behind = { MEGABYTE, MEGABYTE + 1, 0, MEGABYTE };
	const struct guest_given wraps = { 5, UINT64_MAX - 3, 0, 0 };
	const struct guest_given far = { MEGABYTE, 2, 0, UINT64_MAX };
	const struct guest_given into = { MEGABYTE - 1, 2, 0, 0 };
	const struct guest_given around = { high.gpa - 1, MEGABYTE + 2, 0, 0 };
	int sealed = memfd_create("sealed", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	set_both();
	refused(&behind, dup(file), "ends behind its file, which has 2097152 bytes");
	refused(&far, dup(file), "ends behind its file");
	refused(&wraps, dup(file), "ends behind the last address");
	refused(&(struct guest_given){ MEGABYTE, 0, 0, 0 }, dup(file), "a memory region of 0");
	refused(&into, dup(file), "overlaps another one");
	refused(&around, dup(file), "overlaps another one");
	refused(&high, dup(file), "overlaps another one");
	refused(&behind, eventfd(0, 0), "is not in a file that can be mapped");
	refused(&behind, -1, "came without a file");
	assert_int_equal(ftruncate(sealed, MEGABYTE), 0);
	assert_int_equal(fcntl(sealed, F_ADD_SEALS, F_SEAL_WRITE), 0);
	refused(&(struct guest_given){ MEGABYTE, MEGABYTE, 0, 0 }, sealed, "can't be mapped");
	assert_int_equal(guest_remove(&guest, &(struct guest_given){ 0, MEGABYTE, 0, 0 }), -ENOENT);
	assert_int_equal(maps(), 1);
}

/* A table that is wrong at its end leaves the one before. */
static void all_or_nothing(void **state)
{
	const struct guest_given table[] = { low, high, high };
	int other = memory_make(2 * MEGABYTE);
	const int fds[] = { other, dup(file), dup(other) };
	struct guest_given many[GUEST_REGIONS + 1] = { 0 };
	int many_fds[GUEST_REGIONS + 1];

	set_both();
	assert_int_equal(guest_set(&guest, table, fds, 3), -EINVAL);
	assert_int_equal(guest.regions, 2);
	assert_int_equal(maps(), 1);
	for (unsigned int i = 0; i < 3; i++)
		assert_int_equal(fcntl(fds[i], F_GETFD), -1);
	for (unsigned int i = 0; i <= GUEST_REGIONS; i++)
		many_fds[i] = -1;
	assert_int_equal(guest_set(&guest, many, many_fds, GUEST_REGIONS + 1), -EINVAL);
}

static void as_many_as_promised(void **state)
{
	for (unsigned int i = 0; i <= GUEST_REGIONS; i++) {
		const struct guest_given one = { 4096 * (GUEST_REGIONS - i), 4096, 4096 * i, 0 };
		int err = guest_add(&guest, &one, memory_make(4096));

		assert_int_equal(err, i < GUEST_REGIONS ? 0 : -ENOSPC);
	}
	for (unsigned int i = 1; i < guest.regions; i++)
		assert_true(guest.region[i - 1].gpa < guest.region[i].gpa);
	for (unsigned int i = 0; i < GUEST_REGIONS; i++) {
		const struct guest_given one = { 4096 * (GUEST_REGIONS - i), 4096, 4096 * i, 0 };

		assert_int_equal(guest_remove(&guest, &one), 0);
	}
	assert_int_equal(guest.regions, 0);
	assert_int_equal(maps(), 0);
}

/* A hint of a region that has gone finds nothing. */
static void stale_hints(void **state)
{
	const struct guest_region *hint;

	set_both();
	hint = guest_region(&guest, high.gpa, NULL);
	assert_ptr_equal(hint, &guest.region[1]);
	assert_ptr_equal(guest_region(&guest, high.gpa + 5, hint), hint);
	assert_int_equal(guest_remove(&guest, &low), 0);
	assert_ptr_equal(guest_region(&guest, high.gpa, hint), &guest.region[0]);
	assert_null(guest_region(&guest, 0, hint));
	assert_int_equal(guest_set(&guest, NULL, NULL, 0), 0);
	assert_null(guest_region(&guest, high.gpa, hint));
	assert_int_equal(maps(), 0);
}

static void held_files_stay(void **state)
{
	uint8_t *at;
	uint64_t n;

	set_both();
	at = guest_at(&guest, 0, 1, &n);
	guest_hold(&guest, guest.region[0].file);
	assert_int_equal(guest_set(&guest, NULL, NULL, 0), 0);
	*at = 5;
	set_both();
	assert_ptr_equal(guest_at(&guest, 0, 1, &n), at);
	guest_release(&guest, guest.region[0].file);
	assert_int_equal(guest_set(&guest, NULL, NULL, 0), 0);
	assert_int_equal(maps(), 0);
	guest_clear(&guest);
	guest_clear(&guest);
}

/* --- a file that is cut --- */

static void cut_files_turn_to_zeroes(void **state)
{
	volatile uint8_t *at;
	uint64_t n;

	set_both();
	at = guest_at(&guest, high.gpa, 1, &n);
	at[0] = 7;
	assert_int_equal(ftruncate(file, 4096), 0);
	assert_false(guest_lost(&guest));
	assert_int_equal(at[0], 0);
	assert_true(guest_lost(&guest));
	at[MEGABYTE - 1] = 1;
	assert_int_equal(at[MEGABYTE - 1], 1);
	guest_clear(&guest);
	assert_false(guest_lost(&guest));
}

/* Whoever else dies of SIGBUS still does. */
static void other_faults_are_not_ours(void **state)
{
	int fd = memory_make(4096), status;
	volatile uint8_t *at = memory_map(fd, 8192);
	pid_t pid;

	pid = fork();
	if (!pid) {
		signal(SIGBUS, SIG_DFL);
		set_both();
		at[4096] = 1;
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS);
	munmap((void *)at, 8192);
	close(fd);
}

/* --- the dirty log --- */

static void the_log_is_of_guest_pages(void **state)
{
	int fd = memory_make(3 * MEGABYTE);
	uint8_t *log = memory_map(fd, 3 * MEGABYTE), *at;
	const uint64_t pages = (high.gpa + MEGABYTE) / 4096;
	uint64_t n;

	set_both();
	assert_int_equal(guest_set_log(&guest, dup(fd), pages / 8, 100), 0);
	at = guest_at(&guest, high.gpa + 4095, 4098, &n);
	guest_log(&guest, at, 4098);
	assert_int_equal(log[100 + high.gpa / 4096 / 8], 0); /* not negotiated */
	guest_log_all(&guest, true);
	guest_log(&guest, at, 4098);
	assert_int_equal(log[100 + high.gpa / 4096 / 8], 7);
	guest_log_address(&guest, 7 * 4096, 0);
	assert_int_equal(log[100], 0);
	guest_log_address(&guest, 7 * 4096, 1);
	assert_int_equal(log[100], 0x80);
	/* Behind its end and over the last address: nothing. */
	guest_log_address(&guest, high.gpa + MEGABYTE, UINT32_MAX);
	guest_log_address(&guest, UINT64_MAX - 1, 10);
	guest_log(&guest, &n, 8);
	assert_int_equal(log[100 + pages / 8], 0);
	assert_int_equal(guest_set_log(&guest, dup(fd), 3 * MEGABYTE, 1), -EINVAL);
	assert_non_null(strstr(uvf_why(), "the dirty log has"));
	assert_int_equal(guest_set_log(&guest, dup(fd), UINT64_MAX, 1), -EINVAL);
	assert_int_equal(guest_set_log(&guest, dup(fd), 0, 0), -EINVAL);
	assert_true(guest.logs);
	assert_int_equal(guest_set_log(&guest, -1, 0, 0), 0);
	assert_false(guest.logs);
	munmap(log, 3 * MEGABYTE);
	close(fd);
}

/* The same memory at two addresses is written at both. */
static void aliases_are_logged(void **state)
{
	const struct guest_given alias = { 2 * MEGABYTE, 4096, 0x30000000, 4096 };
	int fd = memory_make(4096);
	uint8_t *log = memory_map(fd, 4096);
	uint64_t n;

	set_both();
	assert_int_equal(guest_add(&guest, &alias, dup(file)), 0);
	assert_int_equal(guest_set_log(&guest, dup(fd), 4096, 0), 0);
	guest_log_all(&guest, true);
	guest_log(&guest, guest_at(&guest, 4096, 1, &n), 1);
	assert_int_equal(log[0], 2);
	assert_int_equal(log[2 * MEGABYTE / 4096 / 8], 1);
	munmap(log, 4096);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(regions_of_a_file_share_its_map, setup, teardown),
		cmocka_unit_test_setup_teardown(addresses, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(all_or_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(as_many_as_promised, setup, teardown),
		cmocka_unit_test_setup_teardown(stale_hints, setup, teardown),
		cmocka_unit_test_setup_teardown(held_files_stay, setup, teardown),
		cmocka_unit_test_setup_teardown(cut_files_turn_to_zeroes, setup, teardown),
		cmocka_unit_test_setup_teardown(other_faults_are_not_ours, setup, teardown),
		cmocka_unit_test_setup_teardown(the_log_is_of_guest_pages, setup, teardown),
		cmocka_unit_test_setup_teardown(aliases_are_logged, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

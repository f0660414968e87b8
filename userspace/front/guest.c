// SPDX-License-Identifier: GPL-2.0-only
#include "guest.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fault.h"
#include "why.h"

#define LOG_PAGE 4096 /* VHOST_LOG_PAGE */

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

void guest_init(struct guest *guest)
{
	memset(guest, 0, sizeof(*guest));
}

/* --- files --- */

static int file_find(const struct guest *guest, const struct stat *st, uint64_t size)
{
	for (int i = 0; i < GUEST_FILES; i++) {
		const struct guest_file *file = &guest->file[i];

		if (file->map && file->dev == st->st_dev && file->ino == st->st_ino &&
		    file->size == size)
			return i;
	}
	return -1;
}

/* To whole pages, huge ones too: only these can be replaced when the file is cut (fault.c). */
static uint64_t size_round(const struct stat *st)
{
	uint64_t unit = st->st_blksize > 0 ? st->st_blksize : 1;

	return ((uint64_t)st->st_size + unit - 1) / unit * unit;
}

static int file_map(struct guest *guest, struct guest_file *file, int fd, const struct stat *st)
{
	uint64_t size = size_round(st);
	static uint64_t mappings;
	void *map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd, 0);
	int err;

	if (map == MAP_FAILED)
		return uvf_fail(errno, "guest memory of %" PRIu64 " bytes can't be mapped: %s", size,
				strerror(errno));
	err = fault_watch(map, size, &guest->lost);
	if (err) {
		munmap(map, size);
		return err;
	}
	madvise(map, size, MADV_DONTDUMP);
	*file = (struct guest_file){
		.map = map, .size = size, .fd = fd, .dev = st->st_dev, .ino = st->st_ino,
		.mapping = ++mappings,
	};
	return 0;
}

/* The number of the file, with a user more; the descriptor is taken over when it is mapped. */
static int file_take(struct guest *guest, int fd, const struct stat *st)
{
	int i = file_find(guest, st, size_round(st));
	int err;

	if (i >= 0) {
		close(fd);
		guest->file[i].users++;
		return i;
	}
	for (i = 0; i < GUEST_FILES && guest->file[i].map; i++)
		;
	if (i == GUEST_FILES)
		return uvf_fail(ENOSPC, "guest memory has more than %d files", GUEST_FILES);
	err = file_map(guest, &guest->file[i], fd, st);
	if (err)
		return err;
	guest->file[i].users = 1;
	return i;
}

static void file_drop(struct guest_file *file)
{
	if (--file->users)
		return;
	fault_forget(file->map);
	munmap(file->map, file->size);
	close(file->fd);
	file->map = NULL;
}

void guest_hold(struct guest *guest, unsigned int file)
{
	guest->file[file].users++;
}

void guest_release(struct guest *guest, unsigned int file)
{
	file_drop(&guest->file[file]);
}

/* --- regions --- */

static int given_check(const struct guest_given *given, const struct stat *st)
{
	uint64_t end;

	if (!given->size || __builtin_add_overflow(given->gpa, given->size, &end) ||
	    __builtin_add_overflow(given->uva, given->size, &end))
		return uvf_fail(EINVAL, "a memory region of %" PRIu64 " bytes at guest address %#"
				PRIx64 " ends behind the last address", given->size, given->gpa);
	if (!S_ISREG(st->st_mode))
		return uvf_fail(EINVAL, "the memory of guest address %#" PRIx64 " is not in a file "
				"that can be mapped: use a memfd or hugetlbfs (share=on)",
				given->gpa);
	if (__builtin_add_overflow(given->offset, given->size, &end) ||
	    end > (uint64_t)st->st_size)
		return uvf_fail(EINVAL, "the memory region at guest address %#" PRIx64
				" ends behind its file, which has %" PRIu64 " bytes", given->gpa,
				(uint64_t)st->st_size);
	return 0;
}

static int region_make(struct guest *guest, struct guest_region *region,
		       const struct guest_given *given, int fd)
{
	struct stat st;
	int file, err = 0;

	if (fstat(fd, &st))
		err = uvf_fail(errno, "a memory region came without a file: %s", strerror(errno));
	if (!err)
		err = given_check(given, &st);
	file = err ? err : file_take(guest, fd, &st);
	if (file < 0) {
		if (fd >= 0)
			close(fd);
		return file;
	}
	*region = (struct guest_region){
		.gpa = given->gpa,
		.size = given->size,
		.at = guest->file[file].map + given->offset,
		.uva = given->uva,
		.offset = given->offset,
		.file = file,
	};
	return 0;
}

/* Sorts @region in among the @n others. */
static int region_insert(struct guest_region *table, unsigned int n,
			 const struct guest_region *region)
{
	unsigned int i = n;

	while (i && table[i - 1].gpa > region->gpa)
		i--;
	if ((i && region->gpa - table[i - 1].gpa < table[i - 1].size) ||
	    (i < n && table[i].gpa - region->gpa < region->size))
		return uvf_fail(EINVAL, "the memory region at guest address %#" PRIx64
				" overlaps another one", region->gpa);
	memmove(&table[i + 1], &table[i], (n - i) * sizeof(*table));
	table[i] = *region;
	return 0;
}

static int region_add(struct guest *guest, struct guest_region *table, unsigned int n,
		      const struct guest_given *given, int fd)
{
	struct guest_region region;
	int err = region_make(guest, &region, given, fd);

	if (err)
		return err;
	err = region_insert(table, n, &region);
	if (err)
		file_drop(&guest->file[region.file]);
	return err;
}

static void regions_drop(struct guest *guest, const struct guest_region *table, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		file_drop(&guest->file[table[i].file]);
}

/* Who has a pointer to one as a hint finds that nothing is in it. */
static void regions_clear(struct guest *guest)
{
	memset(guest->region, 0, sizeof(guest->region));
	guest->regions = 0;
}

static void fds_close(const int *fds, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		if (fds[i] >= 0)
			close(fds[i]);
}

/* The new ones are taken before the old ones are dropped: files that both have stay mapped. */
int guest_set(struct guest *guest, const struct guest_given *given, const int *fds,
	      unsigned int n)
{
	struct guest_region table[GUEST_REGIONS];
	unsigned int i;
	int err = 0;

	if (n > GUEST_REGIONS) {
		fds_close(fds, n);
		return uvf_fail(EINVAL, "%u memory regions: %d at most", n, GUEST_REGIONS);
	}
	for (i = 0; i < n; i++) {
		err = region_add(guest, table, i, &given[i], fds[i]);
		if (err) {
			regions_drop(guest, table, i);
			fds_close(fds + i + 1, n - i - 1);
			return err;
		}
	}
	regions_drop(guest, guest->region, guest->regions);
	regions_clear(guest);
	memcpy(guest->region, table, n * sizeof(*table));
	guest->regions = n;
	guest->changes++;
	return 0;
}

int guest_add(struct guest *guest, const struct guest_given *given, int fd)
{
	int err;

	if (guest->regions == GUEST_REGIONS) {
		fds_close(&fd, 1);
		return uvf_fail(ENOSPC, "there are %d memory regions already", GUEST_REGIONS);
	}
	err = region_add(guest, guest->region, guest->regions, given, fd);
	if (err)
		return err;
	guest->regions++;
	guest->changes++;
	return 0;
}

int guest_remove(struct guest *guest, const struct guest_given *given)
{
	struct guest_region *region = guest->region;
	const struct guest_region *end = region + guest->regions;

	while (region < end && (region->gpa != given->gpa || region->uva != given->uva ||
				region->size != given->size))
		region++;
	if (region == end)
		return uvf_fail(ENOENT, "there is no memory region of %" PRIu64
				" bytes at guest address %#" PRIx64, given->size, given->gpa);
	file_drop(&guest->file[region->file]);
	memmove(region, region + 1, (end - region - 1) * sizeof(*region));
	guest->region[--guest->regions].size = 0;
	guest->changes++;
	return 0;
}

static void log_drop(struct guest *guest)
{
	if (guest->log_map) {
		fault_forget(guest->log_map);
		munmap(guest->log_map, guest->log_map_size);
	}
	guest->log_map = NULL;
	guest->log = NULL;
	guest->logs = false;
}

void guest_clear(struct guest *guest)
{
	log_drop(guest);
	for (unsigned int i = 0; i < GUEST_FILES; i++)
		if (guest->file[i].map) {
			guest->file[i].users = 1;
			file_drop(&guest->file[i]);
		}
	regions_clear(guest);
	guest->changes++;
	guest->lost = 0;
}

/* --- addresses --- */

uint8_t *guest_find(const struct guest *guest, uint64_t gpa, uint64_t len, bool write,
		    uint64_t *contiguous)
{
	uint8_t *at = guest->find ? guest->find(guest->find_ctx, gpa, len, write, contiguous) :
				    NULL;

	if (!at || !*contiguous)
		return NULL;
	*contiguous = least(len, *contiguous);
	return at;
}

/* All of it in a row, though it is told in pieces. */
static uint8_t *find_whole(const struct guest *guest, uint64_t gpa, uint64_t len)
{
	uint8_t *first = NULL;
	uint64_t n;

	for (uint64_t done = 0; done < len; done += n) {
		uint8_t *at = guest_find(guest, gpa + done, len - done, true, &n);

		if (!at || (first && at != first + done))
			return NULL;
		first = first ?: at;
	}
	return first;
}

uint8_t *guest_at(const struct guest *guest, uint64_t gpa, uint64_t len, uint64_t *contiguous)
{
	const struct guest_region *region = guest_region(guest, gpa, NULL);

	if (!region)
		return guest_find(guest, gpa, len, false, contiguous);
	*contiguous = least(len, region->size - (gpa - region->gpa));
	return region->at + (gpa - region->gpa);
}

void *guest_at_user(const struct guest *guest, uint64_t uva, uint64_t len)
{
	for (unsigned int i = 0; i < guest->regions; i++) {
		const struct guest_region *region = &guest->region[i];
		uint64_t into = uva - region->uva;

		if (into < region->size && len <= region->size - into)
			return region->at + into;
	}
	return find_whole(guest, uva, len);
}

bool guest_read(const struct guest *guest, uint64_t gpa, void *to, uint64_t len)
{
	uint8_t *bytes = to;

	while (len) {
		uint64_t n;
		const uint8_t *at = guest_at(guest, gpa, len, &n);

		if (!at)
			return false;
		memcpy(bytes, at, n);
		bytes += n;
		gpa += n;
		len -= n;
	}
	return true;
}

bool guest_offset(const struct guest *guest, const void *at, unsigned int *file,
		  uint64_t *offset)
{
	for (unsigned int i = 0; i < guest->regions; i++) {
		const struct guest_region *region = &guest->region[i];
		uint64_t into = (uintptr_t)at - (uintptr_t)region->at;

		if (into < region->size) {
			*file = region->file;
			*offset = region->offset + into;
			return true;
		}
	}
	return false;
}

/* --- the dirty log --- */

static int log_map(struct guest *guest, int fd, uint64_t size, uint64_t offset)
{
	uint64_t begin = offset - offset % sysconf(_SC_PAGESIZE);
	struct stat st;
	uint64_t end;
	void *map;
	int err;

	if (fstat(fd, &st))
		return uvf_fail(errno, "the dirty log came without a file: %s", strerror(errno));
	if (!size || __builtin_add_overflow(offset, size, &end) || end > (uint64_t)st.st_size)
		return uvf_fail(EINVAL, "the dirty log has %" PRIu64 " bytes from %" PRIu64
				" on, and its file %" PRIu64, size, offset, (uint64_t)st.st_size);
	map = mmap(NULL, end - begin, PROT_READ | PROT_WRITE, MAP_SHARED, fd, begin);
	if (map == MAP_FAILED)
		return uvf_fail(errno, "the dirty log can't be mapped: %s", strerror(errno));
	err = fault_watch(map, end - begin, &guest->lost);
	if (err) {
		munmap(map, end - begin);
		return err;
	}
	log_drop(guest);
	guest->log_map = map;
	guest->log_map_size = end - begin;
	guest->log = (uint8_t *)map + (offset - begin);
	guest->log_size = size;
	return 0;
}

int guest_set_log(struct guest *guest, int fd, uint64_t size, uint64_t offset)
{
	int err = 0;

	if (fd < 0) {
		log_drop(guest);
	} else {
		err = log_map(guest, fd, size, offset);
		close(fd);
	}
	guest->logs = guest->log && guest->log_all;
	return err;
}

void guest_log_all(struct guest *guest, bool on)
{
	guest->log_all = on;
	guest->logs = guest->log && on;
}

/* "Use atomic operations, as the log may be concurrently manipulated." */
void guest_log_address(struct guest *guest, uint64_t gpa, uint64_t len)
{
	uint64_t page = gpa / LOG_PAGE;
	uint64_t last;

	if (!guest->log || !len || __builtin_add_overflow(gpa, len - 1, &last))
		return;
	for (last /= LOG_PAGE; page <= last && page / 8 < guest->log_size; page++)
		__atomic_fetch_or(&guest->log[page / 8], 1 << page % 8, __ATOMIC_RELEASE);
}

/* The guest may see the same memory at several addresses. */
void guest_log_written(struct guest *guest, const void *at, uint64_t len)
{
	for (unsigned int i = 0; i < guest->regions; i++) {
		const struct guest_region *region = &guest->region[i];
		uint64_t into = (uintptr_t)at - (uintptr_t)region->at;

		if (into < region->size)
			guest_log_address(guest, region->gpa + into,
					  least(len, region->size - into));
	}
}

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Guest memory: the table of regions that the front-end gives (vhost-user, "Memory regions
 * description"), mapped.
 *
 * A region has three addresses: the guest's (physical: in descriptors), the front-end's user
 * address (in messages, for rings), and ours. Each distinct file (st_dev, st_ino) is mapped once
 * and whole, so that regions of one file share its mapping, and a table that is sent again with
 * the same files moves nothing: their pointers and their numbers stay.
 *
 * Nothing here is to be trusted: addresses and lengths come from the guest, the table and the
 * files from the front-end. What no region has, is NULL. A file that is cut short while it is
 * mapped turns to zeroes and guest_lost() says so: the caller looks once in a while, and ends the
 * session.
 */
#ifndef FRONT_GUEST_H
#define FRONT_GUEST_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Of VHOST_USER_GET_MAX_MEM_SLOTS; SET_MEM_TABLE alone gives 8 at most. */
#define GUEST_REGIONS 32
#define GUEST_FILES 48 /* with those that are held though no region has them any more */

/* A region as a message describes it, field by field. */
struct guest_given {
	uint64_t gpa; /* guest address */
	uint64_t size;
	uint64_t uva; /* the front-end's user address */
	uint64_t offset; /* in the file */
};

struct guest_region {
	uint64_t gpa;
	uint64_t size;
	uint8_t *at;
	uint64_t uva;
	uint64_t offset; /* in the file */
	unsigned int file; /* guest->file[] */
};

struct guest_file {
	uint8_t *map; /* NULL: this number is free */
	uint64_t size; /* bytes mapped, from the file's beginning */
	int fd;
	unsigned int users; /* regions, and guest_hold() */
	dev_t dev;
	ino_t ino;
	uint64_t mapping; /* no other has the same, before or after */
};

struct guest {
	unsigned int regions; /* sorted by gpa */
	bool logs; /* there is a log, and the driver negotiated VHOST_F_LOG_ALL */
	volatile sig_atomic_t lost;
	struct guest_region region[GUEST_REGIONS];
	struct guest_file file[GUEST_FILES];
	uint64_t changes; /* counts changes of the table: cached pointers are stale after one */
	bool log_all;
	uint8_t *log; /* a bit for each 4096 bytes of guest memory */
	uint64_t log_size; /* bytes of it */
	void *log_map;
	size_t log_map_size;
	/*
	 * For addresses that no region has: who else knows them, or NULL. He tells where @gpa is,
	 * and in *@contiguous how many of the @len bytes lie there in a row, 1 at least. What he
	 * said holds for a while only: the caller remaps its rings (vring_remap()) when it begins
	 * anew, and keeps no chain.
	 */
	uint8_t *(*find)(void *ctx, uint64_t gpa, uint64_t len, bool write, uint64_t *contiguous);
	void *find_ctx;
};

void guest_init(struct guest *guest);
void guest_clear(struct guest *guest); /* unmaps all, held files and the log too */

/*
 * The three that change the table. All or nothing: what is refused changes nothing, and
 * uvf_why() tells what was wrong. Descriptors are taken over, and closed when refused.
 *
 * The caller remaps its rings afterwards (vring_remap()). A file that no region has any more is
 * unmapped at once, unless it is held.
 */
int guest_set(struct guest *guest, const struct guest_given *given, const int *fds,
	      unsigned int n);
int guest_add(struct guest *guest, const struct guest_given *given, int fd);
int guest_remove(struct guest *guest, const struct guest_given *given);

/* Keep a file mapped, under its number, though the table may change (frames in flight). */
void guest_hold(struct guest *guest, unsigned int file);
void guest_release(struct guest *guest, unsigned int file);

/* One look that tells whether memory was taken away; see above. */
static inline bool guest_lost(const struct guest *guest)
{
	return guest->lost;
}

/*
 * The region that has @gpa, or NULL. @hint: where to look first, NULL or what was found before;
 * the table may have changed since.
 */
static inline const struct guest_region *guest_region(const struct guest *guest, uint64_t gpa,
						      const struct guest_region *hint)
{
	if (hint && gpa - hint->gpa < hint->size)
		return hint;
	for (unsigned int i = 0; i < guest->regions; i++)
		if (gpa - guest->region[i].gpa < guest->region[i].size)
			return &guest->region[i];
	return NULL;
}

/* Of guest->find(): as guest_at(). */
uint8_t *guest_find(const struct guest *guest, uint64_t gpa, uint64_t len, bool write,
		    uint64_t *contiguous);

/*
 * guest_at - where guest memory @gpa is for us; NULL when no region has it.
 * @contiguous: how many of the @len bytes lie there in a row: fewer than @len where the region
 * ends. What follows may be in the next region, or nowhere.
 */
uint8_t *guest_at(const struct guest *guest, uint64_t gpa, uint64_t len, uint64_t *contiguous);

/* All @len bytes at a front-end's user address, in a row; NULL when they are not. */
void *guest_at_user(const struct guest *guest, uint64_t uva, uint64_t len);

/* Copies @len bytes out of guest memory, over the borders of regions too. False: not all there. */
bool guest_read(const struct guest *guest, uint64_t gpa, void *to, uint64_t len);

/* In which file (guest->file[]) and where in it @at is; false: in none. Not for held files only. */
bool guest_offset(const struct guest *guest, const void *at, unsigned int *file,
		  uint64_t *offset);

/*
 * The dirty log (vhost-user, "Migration"). It is kept while there is a log and the driver has
 * negotiated VHOST_F_LOG_ALL. What was written is marked after it was written. The descriptor is
 * taken over. -1: no log any more.
 */
int guest_set_log(struct guest *guest, int fd, uint64_t size, uint64_t offset);
void guest_log_all(struct guest *guest, bool on);

/* Marks @len bytes of guest memory, wherever the guest sees what is at @at. */
void guest_log_written(struct guest *guest, const void *at, uint64_t len);
void guest_log_address(struct guest *guest, uint64_t gpa, uint64_t len);

/* After writing into guest memory; @at is our pointer. */
static inline void guest_log(struct guest *guest, const void *at, uint64_t len)
{
	if (__builtin_expect(guest->logs, 0))
		guest_log_written(guest, at, len);
}

#endif /* FRONT_GUEST_H */

// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* The UMEM, and the table of its frames' places behind it, in one memfd. */
#include "session.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <linux/magic.h>

#include "why.h"

#define PAGE 4096

/* Of huge pages only whole ones can be mapped. */
static uint64_t page_size(int memfd)
{
	struct statfs fs;

	return !fstatfs(memfd, &fs) && fs.f_type == HUGETLBFS_MAGIC ? fs.f_bsize : PAGE;
}

static uint64_t map_size(const struct uvf *uvf)
{
	uint64_t page = page_size(uvf->memfd);

	return uvf->size + (places_size(uvf->frames) + uvf->keep + page - 1) / page * page;
}

static int memory_map(struct uvf *uvf)
{
	uvf->map_size = map_size(uvf);
	uvf->area = mmap(NULL, uvf->map_size, PROT_READ | PROT_WRITE, MAP_SHARED, uvf->memfd, 0);
	if (uvf->area == MAP_FAILED) {
		uvf->area = NULL;
		return -errno;
	}
	uvf->places = (struct uvf_places *)(uvf->area + uvf->size);
	uvf->place = uvf->places->frame;
	return 0;
}

static int list_make(struct uvf *uvf)
{
	uvf->free = calloc(uvf->frames, sizeof(*uvf->free));
	if (!uvf->free)
		return uvf_fail(ENOMEM, "no memory for the list of %u frames", uvf->frames);
	return 0;
}

static void places_begin(struct uvf *uvf)
{
	uvf->places->frames = uvf->frames;
	uvf->places->frame_size = 1u << uvf->frame_shift;
	uvf->places->magic = PLACES_MAGIC;
	/* Low numbers on top: a small working set stays small. */
	for (uint32_t i = 0; i < uvf->frames; i++)
		uvf->free[i] = uvf->frames - 1 - i;
	uvf->free_count = uvf->frames;
}

static int memory_create(struct uvf *uvf, unsigned int flags)
{
	int err;

	uvf->memfd = memfd_create("uvf-umem", MFD_CLOEXEC | MFD_ALLOW_SEALING | flags);
	if (uvf->memfd < 0)
		return -errno;
	if (uvf->size % page_size(uvf->memfd))
		err = -EINVAL;
	else if (ftruncate(uvf->memfd, map_size(uvf)) ||
		 fcntl(uvf->memfd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW))
		err = -errno;
	else
		err = memory_map(uvf);
	if (err)
		close(uvf->memfd);
	return err;
}

/* To map huge pages is to reserve them: it fails where there are too few. */
static int memory_create_huge(struct uvf *uvf)
{
	const char *text = getenv("UVF_HUGE_PAGES");

	return text && !strcmp(text, "0") ? -EPERM : memory_create(uvf, MFD_HUGETLB);
}

int memory_make(struct uvf *uvf)
{
	int err = memory_create_huge(uvf);

	if (err)
		err = memory_create(uvf, 0);
	if (err)
		uvf->memfd = -1;
	if (err)
		return uvf_fail(-err, "can't make a UMEM of %llu bytes: %s",
				(unsigned long long)uvf->size, strerror(-err));
	err = list_make(uvf);
	if (!err)
		places_begin(uvf);
	return err;
}

/* A predecessor of the same program and options; its table may be damaged, but not the layout. */
static bool memory_fits(const struct uvf *uvf, const struct uvf_reply *reply)
{
	struct stat stat;

	return reply->memory_size == uvf->size && reply->frame_size == 1u << uvf->frame_shift &&
	       !reply->jumbo == !uvf->jumbo && reply->meta == meta_flags(uvf) &&
	       !fstat(uvf->memfd, &stat) && (uint64_t)stat.st_size == map_size(uvf);
}

static bool places_fit(const struct uvf *uvf)
{
	return uvf->places->magic == PLACES_MAGIC && uvf->places->frames == uvf->frames &&
	       uvf->places->frame_size == 1u << uvf->frame_shift;
}

/* Its process may have died before it told the ring that the frame is taken out. */
static bool may_be_in_ring(struct uvf *uvf, const struct uvf_place *place)
{
	bool may = place->source && *uvf->places->source[place->source].name;

	uvf->held_back[place->source] |= may;
	return may;
}

/* Free frames into the list; or, with all others, when their source is opened: dev_resume(). */
static void places_resume(struct uvf *uvf)
{
	for (uint32_t i = uvf->frames; i--;) {
		struct uvf_place *place = &uvf->place[i];

		if ((place->state == PLACE_HELD || place->state == PLACE_SENDING) &&
		    (int32_t)(place->arrival - uvf->arrivals) >= 0)
			uvf->arrivals = place->arrival + 1;
		if ((place->state == PLACE_HELD && !place->from) || place->state > PLACE_SENDING)
			place->state = PLACE_FREE;
		uvf->left[i] = place->state == PLACE_HELD;
		if (place->state == PLACE_FREE && !may_be_in_ring(uvf, place))
			uvf->free[uvf->free_count++] = i;
	}
}

int memory_resume(struct uvf *uvf)
{
	struct uvf_request request = { .version = UVF_PROTO_VERSION, .type = UVF_MSG_RESUME };
	struct uvf_reply reply;
	int err;

	if (uvf_proto_call(uvf->sock, &request, -1, &reply, &uvf->memfd) || uvf->memfd < 0)
		return 0;
	if (memory_fits(uvf, &reply) && !memory_map(uvf) && places_fit(uvf)) {
		err = list_make(uvf);
		uvf->left = calloc(uvf->frames, sizeof(*uvf->left));
		if (!err && !uvf->left)
			err = uvf_fail(ENOMEM, "no memory to resume %u frames", uvf->frames);
		if (err)
			return err;
		places_resume(uvf);
		uvf->map_left = reply.maps;
		return 1;
	}
	memory_close(uvf);
	return 0;
}

void memory_close(struct uvf *uvf)
{
	if (uvf->area)
		munmap(uvf->area, uvf->map_size);
	if (uvf->memfd >= 0)
		close(uvf->memfd);
	free(uvf->free);
	free(uvf->left);
	uvf->left = NULL;
	uvf->area = NULL;
	uvf->memfd = -1;
	uvf->free = NULL;
}

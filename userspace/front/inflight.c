// SPDX-License-Identifier: GPL-2.0-only
/* The memory of the in-flight region: made by us, or what the front-end has kept. */
#include "inflight.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fault.h"
#include "inflight_ring.h"
#include "why.h"

#define PART_ALIGN 64

size_t inflight_size(bool packed, uint16_t queue_size)
{
	size_t size = packed ? sizeof(struct inflight_packed) +
				       queue_size * sizeof(struct inflight_packed_desc) :
			       sizeof(struct inflight_split) +
				       queue_size * sizeof(struct inflight_split_desc);

	return (size + PART_ALIGN - 1) / PART_ALIGN * PART_ALIGN;
}

static int region_map(struct inflight *map)
{
	uint64_t begin = map->offset - map->offset % sysconf(_SC_PAGESIZE);
	size_t size = map->offset + map->size - begin;
	void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, map->fd, begin);
	int err;

	if (at == MAP_FAILED)
		return uvf_fail(errno, "the in-flight region can't be mapped: %s", strerror(errno));
	err = fault_watch(at, size, &map->lost);
	if (err) {
		munmap(at, size);
		return err;
	}
	map->map = at;
	map->map_size = size;
	map->at = (uint8_t *)at + (map->offset - begin);
	return 0;
}

static int region_check(const struct inflight *map)
{
	struct stat st;
	uint64_t end;

	if (!map->queues || !map->queue_size)
		return uvf_fail(EINVAL, "an in-flight region of %u rings with %u descriptors",
				map->queues, map->queue_size);
	if (fstat(map->fd, &st))
		return uvf_fail(errno, "the in-flight region came without a file: %s",
				strerror(errno));
	if (map->offset % PART_ALIGN ||
	    __builtin_add_overflow(map->offset, map->size, &end) || end > (uint64_t)st.st_size ||
	    map->size / map->queues < inflight_size(map->packed, map->queue_size))
		return uvf_fail(EINVAL, "an in-flight region of %" PRIu64 " bytes at %" PRIu64
				" is not what %u rings with %u descriptors need, or not in its file",
				map->size, map->offset, map->queues, map->queue_size);
	return 0;
}

int inflight_take(struct inflight *map, bool packed, int fd, uint64_t size, uint64_t offset,
		  uint16_t queues, uint16_t queue_size)
{
	int err;

	inflight_close(map);
	*map = (struct inflight){
		.size = size, .offset = offset, .fd = fd,
		.queues = queues, .queue_size = queue_size, .packed = packed,
	};
	err = region_check(map);
	if (!err)
		err = region_map(map);
	if (err && fd >= 0)
		close(fd);
	return err;
}

/* Sealed: nobody can cut what nobody can shrink. */
int inflight_make(struct inflight *map, bool packed, uint16_t queues, uint16_t queue_size)
{
	uint64_t size = (uint64_t)queues * inflight_size(packed, queue_size);
	int fd = memfd_create("uvf-inflight", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0 || ftruncate(fd, size)) {
		int err = uvf_fail(errno, "no memory for the in-flight region: %s",
				   strerror(errno));
		if (fd >= 0)
			close(fd);
		return err;
	}
	fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW);
	return inflight_take(map, packed, fd, size, 0, queues, queue_size);
}

void inflight_close(struct inflight *map)
{
	if (!map->map)
		return;
	fault_forget(map->map);
	munmap(map->map, map->map_size);
	close(map->fd);
	map->map = NULL;
	map->lost = 0;
}

void *inflight_part(const struct inflight *map, unsigned int number, size_t *size)
{
	*size = inflight_size(map->packed, map->queue_size);
	if (!map->map || number >= map->queues)
		return NULL;
	return map->at + number * *size;
}

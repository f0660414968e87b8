// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* One AF_XDP socket: its rings, and its number in the table of places. */
#include "session.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "why.h"

static int ring_map(struct uvf_ring *ring, int fd, uint64_t page_offset,
		    const struct xdp_ring_offset *at, uint32_t size, size_t entry)
{
	uint8_t *map;

	ring->map_size = at->desc + size * entry;
	map = mmap(NULL, ring->map_size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd,
		   page_offset);
	if (map == MAP_FAILED)
		return uvf_fail(errno, "can't map a ring of the AF_XDP socket: %s",
				strerror(errno));
	ring->map = map;
	ring->producer = (uint32_t *)(map + at->producer);
	ring->consumer = (uint32_t *)(map + at->consumer);
	ring->flags = (uint32_t *)(map + at->flags);
	ring->entries = map + at->desc;
	ring->size = size;
	ring->mask = size - 1;
	return 0;
}

static void ring_unmap(struct uvf_ring *ring)
{
	if (ring->map)
		munmap(ring->map, ring->map_size);
	ring->map = NULL;
}

static int rings_map(struct uvf_source *source, const struct uvf_dev_info *info)
{
	uint32_t size = info->ring_size;
	struct xdp_mmap_offsets at;
	socklen_t len = sizeof(at);
	int err;

	if (getsockopt(source->fd, SOL_XDP, XDP_MMAP_OFFSETS, &at, &len))
		return uvf_fail(errno, "what uvfd passed for %s is not an AF_XDP socket: %s",
				info->name, strerror(errno));
	err = ring_map(&source->rx, source->fd, XDP_PGOFF_RX_RING, &at.rx, size,
		       sizeof(struct xdp_desc));
	if (!err)
		err = ring_map(&source->tx, source->fd, XDP_PGOFF_TX_RING, &at.tx, size,
			       sizeof(struct xdp_desc));
	if (!err)
		err = ring_map(&source->fill, source->fd, XDP_UMEM_PGOFF_FILL_RING, &at.fr, size,
			       sizeof(uint64_t));
	if (!err)
		err = ring_map(&source->done, source->fd, XDP_UMEM_PGOFF_COMPLETION_RING, &at.cr,
			       size, sizeof(uint64_t));
	return err;
}

static bool is_named(const struct place_source *known, const char *name, uint32_t index)
{
	return !strncmp(known->name, name, sizeof(known->name)) && known->index == index;
}

/* The number that the predecessor's same source had, or one that nobody has; 0: there is none. */
static uint8_t number_take(struct uvf *uvf, const char name[UVF_NAME_SIZE], uint32_t index)
{
	struct place_source *known = uvf->places->source;
	unsigned int unused = 0;

	for (unsigned int i = PLACE_SOURCES - 1; i; i--) {
		if (*known[i].name && is_named(&known[i], name, index))
			return i;
		if (!*known[i].name)
			unused = i;
	}
	if (!unused)
		return 0;
	known[unused].index = index;
	memcpy(known[unused].name, name, UVF_NAME_SIZE);
	return unused;
}

int source_open(struct uvf_dev *dev, unsigned int index, int fd)
{
	struct uvf_source *source = &dev->source[index];

	source->fd = fd;
	source->number = number_take(dev->uvf, dev->info.name, index);
	if (!source->number)
		return uvf_fail(EMFILE, "a session has %d queues at most", PLACE_SOURCES - 1);
	return rings_map(source, &dev->info);
}

void source_reclaim(struct uvf *uvf, struct uvf_source *source)
{
	if (!source->number)
		return;
	for (uint32_t i = 0; i < uvf->frames; i++) {
		struct uvf_place *place = &uvf->place[i];

		if (place->source == source->number &&
		    (place->state == PLACE_FILLING || place->state == PLACE_SENDING))
			frame_put(uvf, i);
		if (place->from == source->number)
			place->from = 0;
	}
	*uvf->places->source[source->number].name = '\0';
}

void source_close(struct uvf_source *source)
{
	ring_unmap(&source->rx);
	ring_unmap(&source->tx);
	ring_unmap(&source->fill);
	ring_unmap(&source->done);
	if (source->fd >= 0)
		close(source->fd);
	source->fd = -1;
}

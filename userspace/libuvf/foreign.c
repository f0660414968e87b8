// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * Memory of others behind the session's frames: the caller says where each frame is to lie, and
 * hears which ones came and which were sent. It looks at rings before it takes out of them, so
 * that it can note elsewhere what became of an entry, and nothing is lost in between.
 */
#include "session.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "why.h"

static uint64_t end_of(const struct uvf_memory *memory)
{
	return memory->at + memory->size;
}

static int map_say(struct uvf *uvf, const struct uvf_memory *memory, uint32_t index,
		   uint32_t count, uint32_t frame_max)
{
	struct uvf_request request = {
		.version = UVF_PROTO_VERSION,
		.type = UVF_MSG_MAP,
		.map = { .index = index, .count = count, .frame_max = frame_max },
	};
	struct uvf_reply reply;

	if (memory) {
		request.map.at = memory->at;
		request.map.size = memory->size;
	}
	uvf->recheck = true;
	return uvf_proto_call(uvf->sock, &request, memory ? memory->fd : -1, &reply, NULL);
}

static int map_check(const struct uvf *uvf, uint32_t count, uint32_t frame_max)
{
	uint32_t most = (1u << uvf->frame_shift) - HEADROOM;

	if (uvf->parent)
		return uvf_fail(EINVAL, "memory lies behind the frames of a session, not of a part");
	if (uvf->jumbo && count)
		return uvf_fail(EOPNOTSUPP, "a session with jumbo frames has no memory of others");
	if (meta_flags(uvf) && count)
		return uvf_fail(EOPNOTSUPP, "a session with metadata has no memory of others, whose "
					    "bytes would lie where that is written");
	for (unsigned int i = 0; i < UVF_DEVS; i++)
		if (uvf->devs[i])
			return uvf_fail(EBUSY, "%s is open: memory is mapped before",
					uvf->devs[i]->info.name);
	if (count > UVF_MEMORIES)
		return uvf_fail(EINVAL, "%u memories: %d at most", count, UVF_MEMORIES);
	if (count && (frame_max < UVF_FRAME_MAX_MIN || frame_max > most))
		return uvf_fail(EINVAL, "frames of %u bytes at most: %d to %u are possible",
				frame_max, UVF_FRAME_MAX_MIN, most);
	return 0;
}

static void mapped(struct uvf *uvf, uint32_t frame_max, uint64_t reach)
{
	uvf->frame_max = frame_max;
	uvf->reach = reach;
}

int uvf__map(struct uvf *uvf, struct uvf_memory *memory, uint32_t count, uint32_t frame_max)
{
	int err = map_check(uvf, count, frame_max);
	uint64_t end = uvf->size;

	for (uint32_t i = 0; !err && i < count; i++) {
		memory[i].at = (end + UVF_MAP_ALIGN - 1) & -UVF_MAP_ALIGN;
		end = end_of(&memory[i]);
		err = map_say(uvf, &memory[i], i, count, frame_max);
	}
	if (!err && !count)
		err = map_say(uvf, NULL, 0, 0, 0);
	if (err)
		return err;
	mapped(uvf, count ? frame_max : 0, end);
	for (unsigned int i = 0; i < UVF_PARTS; i++)
		if (uvf->parts[i])
			mapped(uvf->parts[i], uvf->frame_max, end);
	uvf->map_left = false;
	return 0;
}

uint32_t uvf_dev__lend_index(const struct uvf_dev *dev)
{
	return ring_ours(dev->source[0].fill.producer);
}

uint32_t uvf_dev__tx_index(const struct uvf_dev *dev)
{
	return ring_ours(dev->source[dev->tx].tx.producer);
}

uint32_t uvf_dev__tx_taken(const struct uvf_dev *dev)
{
	return ring_theirs(dev->source[dev->tx].tx.consumer);
}

/* Of several sockets, the one with the least to receive into. */
static struct uvf_source *source_to_lend(struct uvf_dev *dev)
{
	struct uvf_source *best = &dev->source[0];

	for (unsigned int i = 1; i < dev->sources; i++)
		if (ring_room(&dev->source[i].fill) > ring_room(&best->fill))
			best = &dev->source[i];
	return best;
}

/* Where the kernel begins, for the frame to begin at @addr. */
static uint64_t chunk_of(struct uvf *uvf, const struct uvf_source *source, uint64_t addr,
			 uint32_t order)
{
	struct uvf_place *place = frame_place(uvf, addr);

	if (addr >= uvf->size)
		return addr - ((1u << uvf->frame_shift) - uvf->frame_max);
	place->order = order;
	place->source = source->number;
	place_set(place, PLACE_FILLING);
	return frame_addr(uvf, frame_number(uvf, addr));
}

unsigned int uvf_dev__lend(struct uvf_dev *dev, const uint64_t *addrs, unsigned int n)
{
	struct uvf_source *source = source_to_lend(dev);
	struct uvf_ring *fill = &source->fill;
	uint32_t at = ring_ours(fill->producer), room = ring_room(fill);

	if (!dev->uvf->frame_max)
		return 0;
	if (n > room)
		n = room;
	for (uint32_t i = 0; i < n; i++)
		*ring_addr(fill, at + i) = chunk_of(dev->uvf, source, addrs[i], at + i);
	ring_publish(fill->producer, at + n);
	if (ring_needs_wakeup(fill))
		recvfrom(source->fd, NULL, 0, MSG_DONTWAIT, NULL, NULL);
	return n;
}

/* From source @*next on, the first whose ring has something. */
static struct uvf_source *source_with(struct uvf_dev *dev, unsigned int *next, bool done)
{
	for (unsigned int i = 0; i < dev->sources; i++) {
		struct uvf_source *source = &dev->source[*next];

		if (ring_filled(done ? &source->done : &source->rx))
			return source;
		if (++*next == dev->sources)
			*next = 0;
	}
	return NULL;
}

unsigned int uvf_dev__peek(struct uvf_dev *dev, struct uvf_frame *frames, unsigned int n)
{
	const struct uvf_source *source;
	uint32_t at, filled;

	if (dev->agains)
		return again_look(dev, frames, n);
	source = source_with(dev, &dev->next, false);

	if (!source)
		return 0;
	at = ring_ours(source->rx.consumer);
	filled = ring_filled(&source->rx);
	if (n > filled)
		n = filled;
	for (uint32_t i = 0; i < n; i++)
		frames[i] = frame_of(ring_desc(&source->rx, at + i));
	return n;
}

void uvf_dev__take(struct uvf_dev *dev, unsigned int n)
{
	struct uvf_source *source = &dev->source[dev->next];
	uint32_t at = ring_ours(source->rx.consumer), filled = ring_filled(&source->rx);

	if (dev->agains) {
		again_take(dev, n);
		return;
	}
	if (n > filled)
		n = filled;
	for (uint32_t i = 0; i < n; i++) {
		struct uvf_frame frame = frame_of(ring_desc(&source->rx, at + i));

		place_receive(dev->uvf, source, &frame);
		dev->stats.rx_bytes += frame.len;
	}
	dev->stats.rx_frames += n;
	ring_publish(source->rx.consumer, at + n);
	if (++dev->next == dev->sources)
		dev->next = 0;
}

unsigned int uvf_dev__done(struct uvf_dev *dev, uint64_t *addrs, unsigned int n)
{
	const struct uvf_source *source = source_with(dev, &dev->next_done, true);
	uint32_t at, filled;

	if (!source)
		return 0;
	at = ring_ours(source->done.consumer);
	filled = ring_filled(&source->done);
	if (n > filled)
		n = filled;
	for (uint32_t i = 0; i < n; i++)
		addrs[i] = *ring_addr(&source->done, at + i);
	return n;
}

void uvf_dev__take_done(struct uvf_dev *dev, unsigned int n)
{
	struct uvf_source *source = &dev->source[dev->next_done];
	uint32_t at = ring_ours(source->done.consumer), filled = ring_filled(&source->done);

	if (n > filled)
		n = filled;
	for (uint32_t i = 0; i < n; i++)
		frame_put(dev->uvf, frame_number(dev->uvf, *ring_addr(&source->done, at + i)));
	ring_publish(source->done.consumer, at + n);
	if (++dev->next_done == dev->sources)
		dev->next_done = 0;
}

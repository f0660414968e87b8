// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a predecessor may leave: any table of places, any index and entry of its rings. A session
 * goes on with it. The input: four pairs of indexes, entries of the rings, and the table.
 *
 * Nothing outside of the memory may be touched; no frame may be free twice, or free and held; and
 * of frames of several buffers, none comes in part.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "input.h"
#include "session.h"

#define FRAMES 64
#define SHIFT 11
#define RING 16

/* Each on the heap, so that each byte over an end is seen. */
static struct uvf_ring ring_make(struct input *input, size_t entry)
{
	struct uvf_ring ring = {
		.producer = malloc(sizeof(uint32_t)),
		.consumer = malloc(sizeof(uint32_t)),
		.flags = calloc(1, sizeof(uint32_t)),
		.entries = malloc(RING * entry),
		.mask = RING - 1,
		.size = RING,
	};

	take(input, ring.producer, sizeof(uint32_t));
	take(input, ring.consumer, sizeof(uint32_t));
	take(input, ring.entries, RING * entry);
	/* Small numbers are what damages least, and gets furthest. */
	if (*ring.producer & 1)
		*ring.producer = *ring.consumer + (*ring.producer >> 1) % (RING + 2);
	for (unsigned int i = 0; i < RING; i++) {
		uint64_t *addr = (uint64_t *)((uint8_t *)ring.entries + i * entry);

		if (*addr & 1)
			*addr %= FRAMES << SHIFT;
	}
	return ring;
}

/* Other sockets than the predecessor's have rings of their own. */
static void rings_renew(struct uvf_source *source)
{
	struct uvf_ring *rings[] = { &source->rx, &source->tx, &source->fill, &source->done };

	for (unsigned int i = 0; i < 4; i++)
		*rings[i]->producer = *rings[i]->consumer = 0;
}

static void ring_free(struct uvf_ring *ring)
{
	free(ring->producer);
	free(ring->consumer);
	free(ring->flags);
	free(ring->entries);
}

static void session_make(struct uvf *uvf, struct uvf_dev *dev, struct input *input)
{
	struct uvf_source *source = dev->source;

	uvf->frames = FRAMES;
	uvf->frame_shift = SHIFT;
	uvf->size = FRAMES << SHIFT;
	uvf->resumed = true;
	uvf->places = calloc(1, sizeof(*uvf->places) + (FRAMES + 1) * sizeof(*uvf->place));
	uvf->place = uvf->places->frame;
	uvf->free = malloc(FRAMES * sizeof(*uvf->free));
	uvf->left = calloc(FRAMES, sizeof(*uvf->left));
	uvf->held_back[1] = true;
	uvf->devs[0] = dev;
	source->number = 1;
	source->fd = -1;
	source->rx = ring_make(input, sizeof(struct xdp_desc));
	source->tx = ring_make(input, sizeof(struct xdp_desc));
	source->fill = ring_make(input, sizeof(uint64_t));
	source->done = ring_make(input, sizeof(uint64_t));
	take(input, uvf->place, FRAMES * sizeof(*uvf->place));
	for (unsigned int i = 0; i < FRAMES; i++) {
		uvf->place[i].state &= 3;
		if (uvf->place[i].flags & 8)
			uvf->place[i].source = uvf->place[i].from = 1;
		if (uvf->place[i].flags & 16)
			uvf->place[i].order = *source->tx.producer + uvf->place[i].order % RING;
		if (uvf->place[i].flags & 32)
			uvf->place[i].arrival = i;
		uvf->left[i] = uvf->place[i].state == PLACE_HELD;
	}
}

/* What lies in front of its frames was asked for, or is known of them. */
static void meta_make(struct uvf *uvf, struct uvf_dev *dev, struct input *input)
{
	uvf->area = calloc(1, uvf->size);
	if (!uvf->asked)
		return;
	for (unsigned int i = 0; i < FRAMES; i++)
		take(input, uvf->area + frame_addr(uvf, i) + uvf->place[i].offset % 1024, 40);
	dev->sent = calloc(UVF_SENT_KEPT, sizeof(*dev->sent));
}

/* A descriptor that was put behind the others asks for nothing that is not in its frame. */
static void check_asked(const struct uvf *uvf, const struct uvf_source *source, uint32_t from)
{
	for (uint32_t at = from; at != *source->tx.producer; at++) {
		const struct xdp_desc *desc = ring_desc(&source->tx, at);
		uint16_t sum[2];
		uint64_t flags;

		if (!(desc->options & XDP_TX_METADATA))
			continue;
		assert(uvf->asked && (desc->addr & ((1 << SHIFT) - 1)) >= 32);
		memcpy(&flags, uvf->area + desc->addr - 24, sizeof(flags));
		memcpy(sum, uvf->area + desc->addr - 16, sizeof(sum));
		assert(flags <= 3 && (!(flags & 2) || sum[0] + sum[1] + 2u <= desc->len));
	}
}

static void check(const struct uvf *uvf, const struct uvf_dev *dev)
{
	unsigned int times[FRAMES] = { 0 };

	assert(uvf->free_count <= FRAMES && dev->agains <= FRAMES);
	for (uint32_t i = 0; i < uvf->free_count; i++)
		assert(uvf->free[i] < FRAMES && !times[uvf->free[i]]++ &&
		       uvf->place[uvf->free[i]].state == PLACE_FREE);
	for (uint32_t i = 0; i < dev->agains; i++)
		assert(dev->again[i] < FRAMES && !times[dev->again[i]]++ &&
		       uvf->place[dev->again[i]].state == PLACE_HELD);
}

/* Frames that were held are whole; what lies in the rings is the kernel's, and as it says. */
static void use(struct uvf *uvf, struct uvf_dev *dev)
{
	struct uvf_frame frames[FRAMES];
	unsigned int agains = dev->agains, n = uvf_dev__rx(dev, frames, FRAMES);

	assert(!agains || n == agains);
	assert(!n || !(frames[n - 1].options & UVF_MORE));
	for (unsigned int i = 0; i < agains; i++)
		assert(frames[i].addr + frames[i].len <= uvf->size);
	uvf__free(uvf, frames, uvf_dev__rx(dev, frames, RING));
	n = uvf__alloc(uvf, frames, FRAMES);
	uvf_dev__tx(dev, frames, n < RING ? n : RING);
	assert(uvf->free_count <= FRAMES);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = { data, size };
	struct uvf_source source = { 0 };
	struct uvf_dev dev = { .source = &source, .sources = 1, .share = RING, .epoll = -1,
			       .info = { .name = "fw0", .ring_size = RING } };
	struct uvf uvf = { 0 };
	uint32_t sent;
	uint8_t same;

	take(&input, &same, 1);
	dev.uvf = &uvf;
	uvf.jumbo = same & 2;
	uvf.meta_rx = same & 4;
	uvf.asked = same & 4 ? UVF_ASKED : 0;
	session_make(&uvf, &dev, &input);
	meta_make(&uvf, &dev, &input);
	if (!(same & 1))
		rings_renew(&source);
	sent = *source.tx.producer;
	if (!dev_resume(&dev, same & 1)) {
		check_asked(&uvf, &source, sent);
		check(&uvf, &dev);
		use(&uvf, &dev);
	}
	ring_free(&source.rx);
	ring_free(&source.tx);
	ring_free(&source.fill);
	ring_free(&source.done);
	free(dev.again);
	free(dev.sent);
	free(uvf.area);
	free(uvf.places);
	free(uvf.free);
	free(uvf.left);
	return 0;
}

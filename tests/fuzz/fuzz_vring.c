// SPDX-License-Identifier: GPL-2.0-only
/*
 * A guest may write anything into its memory, at any time between two of our steps, and the
 * front-end into the in-flight region. The input: how the ring is, what is in its memory, and what
 * the device and the guest do, step by step.
 *
 * Parts of chains lie in guest memory, and nothing else is touched: the regions are on the heap,
 * where each byte over an end is seen.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "desc.h"
#include "input.h"
#include "inflight.h"

#define GPA 0x1000ULL
#define UVA 0x7f0000000000ULL
#define LOW 0x2000 /* bytes of the region with the rings */
#define HIGH 0x800 /* and of the one right behind it */
#define AVAIL 0x400
#define USED 0x500
#define NUM 64 /* descriptors, at most */
#define HELD 32

static uint8_t take_byte(struct input *input)
{
	uint8_t byte;

	take(input, &byte, 1);
	return byte;
}

struct kind {
	uint8_t flags; /* 1: packed, 2: event index, 4: no indirect, 8: in-flight, 16: log */
	uint8_t num;
	uint16_t base;
	uint16_t filled; /* bytes of memory that follow */
};

static struct guest guest;
static struct vring ring;
static struct vring_chain chains[HELD];
static unsigned int helds;
static uint8_t *inflight;
static size_t inflight_bytes;

static struct guest_region region_make(uint64_t gpa, uint64_t size)
{
	return (struct guest_region){ .gpa = gpa, .size = size, .at = aligned_alloc(16, size),
				      .uva = UVA + gpa };
}

/* As guest_set() would, but for the files. */
static void guest_make(struct input *input, const struct kind *kind)
{
	guest_init(&guest);
	guest.region[0] = region_make(GPA, LOW);
	guest.region[1] = region_make(GPA + LOW, HIGH);
	guest.regions = 2;
	memset(guest.region[0].at, 0, LOW);
	memset(guest.region[1].at, 0, HIGH);
	take(input, guest.region[0].at, kind->filled % LOW);
	if (!(kind->flags & 16))
		return;
	guest.log_size = (GPA + LOW + HIGH) / 4096 / 8 + 1;
	guest.log = calloc(1, guest.log_size);
	guest_log_all(&guest, true);
	guest.logs = true;
}

static void ring_describe(const struct kind *kind)
{
	const struct vring_addr addr = {
		.desc = UVA + GPA,
		.avail = UVA + GPA + AVAIL,
		.used = UVA + GPA + USED,
		.log = GPA + USED,
		.logs = kind->flags & 16,
	};

	assert(!vring_set_features(&ring, (uint64_t)(kind->flags & 1) << VRING_F_PACKED |
						  (uint64_t)(kind->flags >> 1 & 1)
							  << VRING_F_EVENT_IDX |
						  (uint64_t)!(kind->flags & 4)
							  << VRING_F_INDIRECT_DESC));
	assert(!vring_set_num(&ring, kind->num % NUM + 1));
	assert(!vring_set_base(&ring, kind->base));
	assert(!vring_set_addr(&ring, &addr));
}

static void inflight_make_heap(struct input *input, const struct kind *kind)
{
	inflight = NULL;
	if (!(kind->flags & 8))
		return;
	inflight_bytes = inflight_size(kind->flags & 1, kind->num % NUM + 1);
	inflight = aligned_alloc(64, inflight_bytes);
	memset(inflight, 0, inflight_bytes);
	take(input, inflight, take_byte(input) % inflight_bytes);
	vring_set_inflight(&ring, inflight, inflight_bytes);
}

static bool is_guests(const struct vring_part *part)
{
	for (unsigned int i = 0; i < guest.regions; i++) {
		uint64_t into = (uintptr_t)part->at - (uintptr_t)guest.region[i].at;

		if (into < guest.region[i].size && part->len <= guest.region[i].size - into)
			return true;
	}
	return false;
}

/* Read and written, as the device would. */
static void chain_use(const struct vring_chain *chain)
{
	uint64_t outs = 0, ins = 0;

	assert(chain->outs + chain->ins <= VRING_PARTS && chain->descs <= ring.num);
	for (unsigned int i = 0; i < chain->outs + chain->ins; i++) {
		const struct vring_part *part = &chain->part[i];

		assert(part->len && is_guests(part));
		*(i < chain->outs ? &outs : &ins) += part->len;
		if (i < chain->outs)
			continue;
		part->at[0] ^= 1;
		part->at[part->len - 1] ^= 1;
		guest_log(&guest, part->at, part->len);
	}
	assert(outs == chain->out_len && ins == chain->in_len);
}

static void pop(void)
{
	int got;

	if (helds == HELD)
		return;
	got = vring_pop(&ring, &chains[helds]);
	assert(got == 1 || (!got && !ring.broken) || (got == -EPROTO && ring.broken && *ring.why));
	if (got > 0)
		chain_use(&chains[helds++]);
}

static void push(unsigned int i)
{
	if (!helds)
		return;
	i %= helds;
	vring_push(&ring, chains[i].id, chains[i].descs, chains[i].in_len);
	chains[i] = chains[--helds];
}

static void poke(struct input *input)
{
	uint8_t *at = guest.region[0].at;
	size_t size = LOW;
	uint16_t where;
	uint8_t n = take_byte(input);

	if (inflight && n & 0x80) {
		at = inflight;
		size = inflight_bytes;
	}
	take(input, &where, sizeof(where));
	where %= size;
	n %= 32;
	take(input, at + where, n < size - where ? n : size - where);
}

/* A successor, of one that died (@way & 1) or stopped. What was popped is nobody's now. */
static void restart(const struct kind *kind, uint8_t way)
{
	if (way & 1) {
		free(ring.again);
		free(ring.entry_of);
		free(ring.pushed);
		vring_init(&ring, &guest, 0);
		ring_describe(kind);
		vring_set_inflight(&ring, inflight, inflight_bytes);
	} else if (way & 2) {
		vring_reset(&ring);
		ring_describe(kind);
	} else {
		vring_stop(&ring);
	}
	helds = 0;
	vring_start(&ring);
}

static void step(struct input *input, const struct kind *kind)
{
	uint8_t byte = take_byte(input);

	switch (byte & 7) {
	case 0:
	case 1:
		pop();
		break;
	case 2:
		push(byte >> 3);
		break;
	case 3:
		if (helds)
			vring_unpop(&ring, &chains[--helds]);
		break;
	case 4:
		vring_flush(&ring);
		vring_call(&ring);
		break;
	case 5:
		vring_kicks(&ring, byte & 8);
		break;
	case 6:
		poke(input);
		break;
	default:
		restart(kind, byte >> 3);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = { data, size };
	struct kind kind;

	take(&input, &kind, sizeof(kind));
	guest_make(&input, &kind);
	vring_init(&ring, &guest, 0);
	ring_describe(&kind);
	inflight_make_heap(&input, &kind);
	helds = 0;
	vring_start(&ring);
	while (input.size)
		step(&input, &kind);
	vring_destroy(&ring);
	free(inflight);
	free(guest.log);
	free(guest.region[0].at);
	free(guest.region[1].at);
	return 0;
}

// SPDX-License-Identifier: GPL-2.0-only
#include "world.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "why.h"

uint8_t *world_at(struct world *world, uint64_t at, uint64_t len)
{
	uint64_t into = at - WORLD_MEMORY;

	return into < WORLD_SIZE && len <= WORLD_SIZE - into ? world->memory + into : NULL;
}

static void *dma(void *ctx, uint64_t at, uint64_t len, bool write, uint64_t *row)
{
	struct world *world = ctx;
	uint64_t left = WORLD_PAGE - at % WORLD_PAGE;

	*row = left < len ? left : len;
	if (write && world->read_only && at >= world->read_only)
		return NULL;
	return world_at(world, at, *row);
}

static bool range(void *ctx, unsigned int i, uint64_t *at, uint64_t *size, void **pointer)
{
	struct world *world = ctx;

	*at = WORLD_MEMORY;
	*size = WORLD_SIZE;
	*pointer = world->memory;
	return !i;
}

static uint8_t *frame_room(void *ctx, uint32_t *room)
{
	struct world *world = ctx;

	if (world->full || world->room_is_out)
		return NULL;
	world->room_is_out = true;
	*room = WORLD_ROOM;
	return world->room.bytes;
}

static void frame_send(void *ctx, uint8_t *frame, uint32_t len)
{
	struct world *world = ctx;
	struct world_frame *out = &world->out[world->outs % WORLD_FRAMES];

	world->room_is_out = false;
	if (!len)
		return;
	out->len = len;
	memcpy(out->bytes, frame, len);
	world->outs++;
}

static void intx(void *ctx, bool asserted)
{
	struct world *world = ctx;

	world->line = asserted;
}

static void message(void *ctx, unsigned int vector, uint64_t address, uint32_t data)
{
	struct world *world = ctx;

	world->fired[vector % WORLD_VECTORS]++;
	world->address = address;
	world->data = data;
}

static uint64_t now(void *ctx)
{
	const struct world *world = ctx;

	return world->now;
}

static void say(void *ctx, const char *sentence)
{
	struct world *world = ctx;

	world->says++;
	snprintf(world->said, sizeof(world->said), "%s", sentence);
}

int world_open(struct world *world)
{
	memset(world, 0, sizeof(*world));
	world->ops = (struct nic_transport){
		.dma = dma,
		.range = range,
		.frame_room = frame_room,
		.frame_send = frame_send,
		.intx = intx,
		.message = message,
		.now = now,
		.say = say,
	};
	world->now = 1;
	world->memory = aligned_alloc(WORLD_PAGE, WORLD_SIZE);
	if (!world->memory)
		return uvf_fail(ENOMEM, "no memory for a guest");
	memset(world->memory, 0, WORLD_SIZE);
	return 0;
}

void world_close(struct world *world)
{
	free(world->memory);
	world->memory = NULL;
}

const struct world_frame *world_frame(struct world *world)
{
	if (world->taken == world->outs)
		return NULL;
	if (world->outs - world->taken > WORLD_FRAMES)
		world->taken = world->outs - WORLD_FRAMES;
	return &world->out[world->taken++ % WORLD_FRAMES];
}

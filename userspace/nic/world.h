/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A world to try a NIC in: memory, frames that went out, interrupts that fired, and a clock that
 * stands until it is set. `uvf personality test` and the tests have their NICs in it.
 */
#ifndef UVF_NIC_WORLD_H
#define UVF_NIC_WORLD_H

#include "transport.h"

#define WORLD_MEMORY 0x100000 /* where it begins */
#define WORLD_SIZE 0x100000
#define WORLD_PAGE 4096 /* no two pages lie in a row, as far as the NIC is told */
#define WORLD_FRAMES 64
#define WORLD_ROOM 2048
#define WORLD_VECTORS 64

struct world_frame {
	uint32_t len;
	uint8_t bytes[WORLD_ROOM];
};

struct world {
	struct nic_transport ops;
	uint8_t *memory;
	uint64_t read_only; /* this page, and those behind it, take no write; 0: all do */
	/* the last WORLD_FRAMES that went out */
	unsigned int outs, taken;
	struct world_frame out[WORLD_FRAMES];
	struct world_frame room;
	bool room_is_out, full;
	unsigned int rooms; /* given out, and not taken back: 0 or 1 */
	bool line;
	unsigned int fired[WORLD_VECTORS]; /* messages since they were looked at */
	uint64_t address; /* of the last message */
	uint32_t data;
	uint64_t now;
	unsigned int says;
	char said[256];
};

int world_open(struct world *world);
void world_close(struct world *world);

/* Where DMA address @at is, with @len bytes behind it; NULL: it is not in the memory. */
uint8_t *world_at(struct world *world, uint64_t at, uint64_t len);
/* The next frame that went out; NULL: there is none. */
const struct world_frame *world_frame(struct world *world);

#endif /* UVF_NIC_WORLD_H */

/* SPDX-License-Identifier: GPL-2.0-only */
/* A device's ring over the memory of a driver that is played. */
#ifndef RINGS_H
#define RINGS_H

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "driver.h"
#include "inflight.h"
#include "vring.h"
#include "why.h"

struct layout {
	const char *name;
	bool packed;
	bool event_idx;
	bool indirect;
	uint16_t num;
	uint16_t start; /* split: index; packed: slot and wrap << 15 */
};

/* A guest: memory as the driver sees it, and as the device does. */
struct machine {
	uint8_t *mem;
	int fd;
	struct guest guest;
	struct vring ring;
	struct inflight inflight;
};

static inline int memory_make(size_t size)
{
	int fd = memfd_create("guest", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, size), 0);
	return fd;
}

static inline uint8_t *memory_map(int fd, size_t size)
{
	uint8_t *mem = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	assert_ptr_not_equal(mem, MAP_FAILED);
	return mem;
}

static inline void machine_make(struct machine *machine)
{
	const struct guest_given given = { DRIVER_GPA, DRIVER_SIZE, DRIVER_UVA, 0 };

	memset(machine, 0, sizeof(*machine));
	machine->fd = memory_make(DRIVER_SIZE);
	machine->mem = memory_map(machine->fd, DRIVER_SIZE);
	guest_init(&machine->guest);
	assert_int_equal(guest_add(&machine->guest, &given, dup(machine->fd)), 0);
	vring_init(&machine->ring, &machine->guest, 3);
}

static inline void machine_end(struct machine *machine)
{
	vring_destroy(&machine->ring);
	inflight_close(&machine->inflight);
	guest_clear(&machine->guest);
	munmap(machine->mem, DRIVER_SIZE);
	close(machine->fd);
}

static inline uint64_t layout_features(const struct layout *layout)
{
	return (uint64_t)layout->packed << VRING_F_PACKED |
	       (uint64_t)layout->event_idx << VRING_F_EVENT_IDX |
	       (uint64_t)layout->indirect << VRING_F_INDIRECT_DESC;
}

static inline const struct vring_addr *driver_addr(void)
{
	static const struct vring_addr addr = {
		.desc = DRIVER_UVA + AT_DESC,
		.avail = DRIVER_UVA + AT_AVAIL,
		.used = DRIVER_UVA + AT_USED,
	};

	return &addr;
}

/* All that messages say of a ring; it is not started. */
static inline void ring_describe(struct machine *machine, const struct layout *layout)
{
	struct vring *ring = &machine->ring;

	assert_int_equal(vring_set_features(ring, layout_features(layout)), 0);
	assert_int_equal(vring_set_num(ring, layout->num), 0);
	assert_int_equal(vring_set_base(ring, layout->start), 0);
	assert_int_equal(vring_set_addr(ring, driver_addr()), 0);
}

/* Driver and device, from the beginning. */
static inline void ring_make(struct machine *machine, const struct layout *layout)
{
	vring_reset(&machine->ring);
	driver_init(machine->mem, layout->packed, layout->event_idx, layout->num, layout->start);
	ring_describe(machine, layout);
	assert_int_equal(vring_start(&machine->ring), 0);
}

static inline uint32_t token_of(const struct vring_chain *chain)
{
	uint32_t token;

	memcpy(&token, chain->part[0].at, sizeof(token));
	return token;
}

/* One chain of @outs and @ins; its token, or 0. */
static inline uint32_t give(struct machine *machine, unsigned int outs, unsigned int ins,
			    bool indirect)
{
	struct driver_buf bufs[DRIVER_CHAIN];

	return driver_add(machine->mem, bufs, driver_bufs(machine->mem, bufs, outs, ins),
			  indirect);
}

#endif /* RINGS_H */

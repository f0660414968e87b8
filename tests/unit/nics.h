/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A machine with a NIC in it, for drivers that are played: what they know of a device, they know
 * from its data sheet and not from its personality.
 */
#ifndef NICS_H
#define NICS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "bus.h"
#include "why.h"
#include "world.h"

#define BAR_MEMORY 0xe0000000u /* the BIOS puts BAR i at + i * 1 MiB, */
#define BAR_IO 0xc000u /* or + i * 256 */
#define SLOT 3

static const uint8_t nic_mac[NIC_MAC] = { 0x02, 0x75, 0x76, 0x66, 0x00, 0x01 };

struct machine {
	struct world world;
	struct nic *nic;
	struct bus bus;
};

static struct machine machine;

static inline uint64_t config_read(uint32_t at, unsigned int width)
{
	uint64_t value;

	bus_config(&machine.bus, SLOT, at, width, false, &value);
	return value;
}

static inline void config_write(uint32_t at, unsigned int width, uint64_t value)
{
	bus_config(&machine.bus, SLOT, at, width, true, &value);
}

static inline uint64_t io_read(unsigned int bar, uint32_t at, unsigned int width)
{
	uint64_t value;

	bus_access(&machine.bus, true, BAR_IO + 256 * bar + at, width, false, &value);
	return value;
}

static inline void io_write(unsigned int bar, uint32_t at, unsigned int width, uint64_t value)
{
	bus_access(&machine.bus, true, BAR_IO + 256 * bar + at, width, true, &value);
}

static inline uint64_t mem_read(unsigned int bar, uint32_t at, unsigned int width)
{
	uint64_t value;

	bus_access(&machine.bus, false, BAR_MEMORY + (bar << 20) + at, width, false, &value);
	return value;
}

static inline void mem_write(unsigned int bar, uint32_t at, unsigned int width, uint64_t value)
{
	bus_access(&machine.bus, false, BAR_MEMORY + (bar << 20) + at, width, true, &value);
}

/* PCI 3.0, 6.2.5.1: how large is it, and there it shall be */
static inline void bios_assigns(void)
{
	for (unsigned int i = 0; i < 6; i++) {
		uint32_t at = 0x10 + 4 * i, size;

		config_write(at, 4, 0xffffffff);
		size = config_read(at, 4);
		if (!size)
			continue;
		config_write(at, 4, size & 1 ? BAR_IO + 256 * i : BAR_MEMORY + (i << 20));
		if ((size & 7) == 4)
			config_write(at + 4, 4, 0);
		i += (size & 7) == 4;
	}
	config_write(4, 2, 7);
}

/* Those of the build tree, and the tests' own, wherever we are started. */
static inline void places_tell(void)
{
	char self[2048] = "", places[7000];

	assert_true(readlink("/proc/self/exe", self, sizeof(self) - 1) > 0);
	*strrchr(self, '/') = '\0';
	snprintf(places, sizeof(places), "%s/../personalities:%s/../../personalities:"
		 "%s/../../../tests/nic", self, self, self);
	setenv("UVF_PERSONALITIES", places, 1);
}

static inline void machine_make(const char *personality)
{
	places_tell();
	assert_int_equal(world_open(&machine.world), 0);
	assert_int_equal(nic_open(&machine.nic, &machine.world.ops, &machine.world, nic_mac), 0);
	machine.bus.slot[SLOT] = machine.nic;
	if (nic_load(machine.nic, personality))
		fail_msg("%s", uvf_why());
	bios_assigns();
}

/* Memory that outlives a NIC, and what the next one finds there. */
#define KEPT (1u << 19)
static uint8_t kept[2][KEPT] __attribute__((aligned(64)));
static void (*kept_damage)(void);

static inline void machine_keeps(void)
{
	assert_int_equal(nic_keep(machine.nic, kept[0], KEPT, false), 0);
}

/*
 * Killed: nothing of the NIC is left but what it kept, a copy of which another one goes on with, if
 * it is of the kind. What the first one does when it is closed here concerns nobody.
 */
static inline void machine_is_killed(const char *personality, int goes_on)
{
	struct nic *dead = machine.nic;

	memcpy(kept[1], kept[0], KEPT);
	nic_close(dead);
	memcpy(kept[0], kept[1], KEPT);
	if (kept_damage)
		kept_damage();
	machine.world.room_is_out = false;
	assert_int_equal(nic_open(&machine.nic, &machine.world.ops, &machine.world, nic_mac), 0);
	machine.bus.slot[SLOT] = machine.nic;
	assert_int_equal(nic_load(machine.nic, personality), 0);
	assert_int_equal(nic_keep(machine.nic, kept[0], KEPT, true), goes_on);
}

static inline int machine_end(void **state)
{
	nic_close(machine.nic);
	world_close(&machine.world);
	memset(&machine, 0, sizeof(machine));
	return 0;
}

/* --- guest memory ----------------------------------------------------------------------------- */

static inline uint8_t *ram(uint64_t at, uint64_t len)
{
	uint8_t *here = world_at(&machine.world, at, len);

	assert_non_null(here);
	return here;
}

static inline void ram_put(uint64_t at, unsigned int width, uint64_t value)
{
	for (unsigned int i = 0; i < width; i++)
		ram(at + i, 1)[0] = value >> 8 * i;
}

static inline uint64_t ram_get(uint64_t at, unsigned int width)
{
	uint64_t value = 0;

	for (unsigned int i = 0; i < width; i++)
		value |= (uint64_t)ram(at + i, 1)[0] << 8 * i;
	return value;
}

/* --- frames ----------------------------------------------------------------------------------- */

static const uint8_t to_all[6] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };

/* To @to, of the experimental type, numbered by @token. */
static inline void frame_fill(uint8_t *frame, const uint8_t *to, uint32_t len, uint8_t token)
{
	memcpy(frame, to, 6);
	memcpy(frame + 6, "\x02\x11\x22\x33\x44\x55\x88\xb7", 8);
	for (uint32_t i = 14; i < len; i++)
		frame[i] = token + i * 7;
}

static inline enum nic_taken wire_sends(const uint8_t *to, uint32_t len, uint8_t token)
{
	static uint8_t frame[65536];

	frame_fill(frame, to, len, token);
	return nic_receive(machine.nic, frame, len);
}

static inline void went_out(const uint8_t *to, uint32_t len, uint8_t token)
{
	const struct world_frame *frame = world_frame(&machine.world);
	static uint8_t expected[65536];

	assert_non_null(frame);
	frame_fill(expected, to, len, token);
	assert_int_equal(frame->len, len < 60 ? 60 : len);
	assert_memory_equal(frame->bytes, expected, len);
}

static inline void nothing_went_out(void)
{
	assert_null(world_frame(&machine.world));
}

/* IEEE 802.3, 3.2.9, bit by bit */
static inline uint32_t fcs(const uint8_t *at, uint32_t len)
{
	uint32_t crc = 0xffffffff;

	while (len--) {
		crc ^= *at++;
		for (int bit = 0; bit < 8; bit++)
			crc = crc & 1 ? crc >> 1 ^ 0xedb88320 : crc >> 1;
	}
	return ~crc;
}

#endif /* NICS_H */

// SPDX-License-Identifier: GPL-2.0-only
/*
 * A guest does anything to a device: registers, config space, descriptors in its memory, and the
 * wire does as it likes. The input: which personality, then step by step; with 0xf0, the device is
 * one that goes on with what a predecessor left, and somebody has written to that. Rooms are given
 * back, a step takes a bounded time (libFuzzer's limit), and nothing is touched but guest memory.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "input.h"
#include "nic.h"
#include "world.h"

static const char *const personalities[] = { "e1000", "rtl8139", "tiny", "virtio-net" };
static const uint8_t mac[NIC_MAC] = { 2, 0, 0, 0, 0, 1 };
static struct world world;
static struct nic *nics[4];
static uint8_t left[4][1 << 19] __attribute__((aligned(64)));

static uint32_t take_number(struct input *input, unsigned int width)
{
	uint32_t number = 0;

	take(input, &number, width);
	return number;
}

/* Mostly where something is: a register, by its number. */
static void access_register(struct nic *nic, struct input *input, bool write)
{
	const struct model *model = nic->model;
	unsigned int i = take_number(input, 1), k = take_number(input, 1);
	uint64_t value = take_number(input, 4);

	if (model->registers) {
		const struct model_register *reg = &model->reg[i % model->registers];

		space_access(nic, reg->space, reg->at + k % reg->count * reg->stride, reg->width,
			     write, &value);
		if (nic->kicked)
			rings_run(nic);
	}
}

static void access_bar(struct nic *nic, struct input *input)
{
	unsigned int bar = take_number(input, 1), width = take_number(input, 1);
	uint32_t offset = take_number(input, 4);
	uint64_t value = take_number(input, 4);

	nic_bar(nic, bar & 7, bar & 0x80 ? offset : offset & 0x3fff, 1u << (width & 3), width & 4,
		&value);
}

static void access_config(struct nic *nic, struct input *input)
{
	unsigned int offset = take_number(input, 1), width = take_number(input, 1);
	uint64_t value = take_number(input, 4);

	nic_config(nic, offset, 1u << (width & 3), width & 4, &value);
}

static void write_memory(struct input *input)
{
	uint32_t at = take_number(input, 3) % (WORLD_SIZE - 256), n = take_number(input, 1);

	take(input, world.memory + (at & 0x80 ? at : at & 0xfff), n);
}

static void frame_comes(struct nic *nic, struct input *input)
{
	static uint8_t frame[65536];
	uint32_t len = take_number(input, 2);

	take(input, frame, 16);
	if (nic_receive(nic, frame, len & 0x7000 ? len & 0x7ff : len) == NIC_FULL)
		nic_overrun(nic);
}

static void step(struct nic *nic, struct input *input)
{
	switch (take_number(input, 1) % 12) {
	case 0:
	case 1:
	case 2:
		access_register(nic, input, true);
		break;
	case 3:
		access_register(nic, input, false);
		break;
	case 4:
		access_bar(nic, input);
		break;
	case 5:
		access_config(nic, input);
		break;
	case 6:
	case 7:
		write_memory(input);
		break;
	case 8:
		frame_comes(nic, input);
		break;
	case 9:
		world.now += take_number(input, 4);
		nic_tick(nic);
		break;
	case 10:
		world.full = take_number(input, 1) & 1;
		nic_poll(nic);
		break;
	default:
		nic_link(nic, take_number(input, 1) & 1);
		nic_memory(nic);
	}
	assert(!world.room_is_out);
}

/* Where the process is killed whose device @which was, and another one goes on with its state. */
static void goes_on(unsigned int which, struct input *input)
{
	static uint8_t dead[sizeof(left[0])];
	struct nic *nic = nics[which];

	/* Refused when it is there since an input before this one. */
	nic_keep(nic, left[which], sizeof(left[which]), false);
	memcpy(dead, left[which], sizeof(dead));
	for (unsigned int n = take_number(input, 1) % 32; n; n--) {
		uint32_t at = take_number(input, 3);

		take(input, dead + (at & 0x80 ? at % (sizeof(dead) - 8) : at % 4096), 8);
	}
	assert(!nic_load(nic, personalities[which]));
	memcpy(left[which], dead, sizeof(dead));
	assert(nic_keep(nic, left[which], sizeof(left[which]), true) >= 0);
}

/* Devices outlive an input, and their scripts' memory grows and shrinks: that is no leak. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "detect_leaks=0";
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	setenv("UVF_PERSONALITIES", "build/personalities:tests/nic", 0);
	world_open(&world);
	for (unsigned int i = 0; i < 4; i++) {
		assert(!nic_open(&nics[i], &world.ops, &world, mac));
		assert(!nic_load(nics[i], personalities[i]));
	}
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = { data, size };
	unsigned int first = take_number(&input, 1);
	bool is_left = first >= 0xf0; /* seldom: a description is read for it */
	struct nic *nic = nics[first % 4];

	memset(world.memory, 0, WORLD_SIZE / 16);
	world.full = false;
	nic_reset(nic);
	if (is_left)
		goes_on(first % 4, &input);
	while (input.size)
		step(nic, &input);
	/* A script may complain of registers that no guest could have written so. */
	assert(!nic->counters.script_errors || is_left);
	nic->counters.script_errors = 0;
	return 0;
}

// SPDX-License-Identifier: GPL-2.0-only
/* The personality virtio-net, and a driver for it that was written from Virtio 1.2. */
#include "nics.h"

#include "driver.h"

/* 4.1.4.3 */
#define DEVICE_FEATURE_SELECT 0
#define DEVICE_FEATURE 4
#define DRIVER_FEATURE_SELECT 8
#define DRIVER_FEATURE 12
#define CONFIG_VECTOR 16
#define NUM_QUEUES 18
#define STATUS 20
#define GENERATION 21
#define QUEUE_SELECT 22
#define QUEUE_SIZE 24
#define QUEUE_VECTOR 26
#define QUEUE_ENABLE 28
#define QUEUE_NOTIFY_OFF 30
#define QUEUE_DESC 32
#define QUEUE_DRIVER 40
#define QUEUE_DEVICE 48

#define NUM 8
#define RINGS 0x100000
#define BUFFERS 0x120000
#define ROOM 0x800

static uint32_t common, isr, device, notify, multiplier, pci_cfg; /* 4.1.4: where they are */
static uint16_t avail[2], used[2];
static uint8_t driver_memory[DRIVER_SIZE] __attribute__((aligned(4096)));

static uint64_t get(uint32_t at, unsigned int width) { return mem_read(4, common + at, width); }
static void set(uint32_t at, unsigned int width, uint64_t value)
{
	mem_write(4, common + at, width, value);
}

/* --- the driver ------------------------------------------------------------------------------- */

/* The other driver of these tests has its memory elsewhere. */
static bool two_ranges(void *ctx, unsigned int i, uint64_t *at, uint64_t *size, void **pointer)
{
	*at = i ? DRIVER_GPA : WORLD_MEMORY;
	*size = i ? DRIVER_SIZE : WORLD_SIZE;
	*pointer = i ? driver_memory : machine.world.memory;
	return i < 2;
}

/* Of a carrier that has no table: each address is asked for, and no two pages are in a row. */
static bool away;

static void *by_address(void *ctx, uint64_t at, uint64_t len, bool write, uint64_t *row)
{
	uint64_t left = WORLD_PAGE - at % WORLD_PAGE;

	*row = left < len ? left : len;
	if (away)
		return NULL;
	if (at - DRIVER_GPA < DRIVER_SIZE)
		return driver_memory + (at - DRIVER_GPA);
	return world_at(&machine.world, at, *row);
}

/* 4.1.4: capabilities of the vendor's kind */
static void capabilities_walk(void)
{
	unsigned int at = config_read(0x34, 1), n = 0;

	for (; at; at = config_read(at + 1, 1), n++) {
		uint32_t offset = config_read(at + 8, 4);

		if (config_read(at, 1) != 9)
			continue;
		switch (config_read(at + 3, 1)) {
		case 1: common = offset; break;
		case 2: notify = offset; multiplier = config_read(at + 16, 4); break;
		case 3: isr = offset; break;
		case 4: device = offset; break;
		case 5: pci_cfg = at; continue;
		}
		assert_int_equal(config_read(at + 4, 1), 4);
	}
	assert_int_equal(n, 6);
}

/* 3.1.1 */
static void features_take(uint64_t features)
{
	set(STATUS, 1, 0);
	assert_int_equal(get(STATUS, 1), 0);
	set(STATUS, 1, 1);
	set(STATUS, 1, 3);
	set(DRIVER_FEATURE_SELECT, 4, 0);
	set(DRIVER_FEATURE, 4, features);
	set(DRIVER_FEATURE_SELECT, 4, 1);
	set(DRIVER_FEATURE, 4, features >> 32);
	set(STATUS, 1, 11);
}

static uint64_t ring_at(unsigned int queue) { return RINGS + 0x4000 * queue; }

static void queue_begin(unsigned int queue, uint64_t desc, uint64_t driver, uint64_t used_ring)
{
	set(QUEUE_SELECT, 2, queue);
	set(QUEUE_SIZE, 2, NUM);
	set(QUEUE_VECTOR, 2, queue);
	set(QUEUE_DESC, 4, desc);
	set(QUEUE_DESC + 4, 4, desc >> 32);
	set(QUEUE_DRIVER, 8, driver);
	set(QUEUE_DEVICE, 8, used_ring);
	set(QUEUE_ENABLE, 2, 1);
	avail[queue & 1] = 0;
	used[queue & 1] = 0;
}

static void queues_begin(void)
{
	memset(ram(RINGS, 0x8000), 0, 0x8000);
	for (unsigned int i = 0; i < 2; i++)
		queue_begin(i, ring_at(i), ring_at(i) + 0x1000, ring_at(i) + 0x2000);
	set(STATUS, 1, 15);
}

static int starts(void **state)
{
	machine_make("virtio-net");
	machine.world.ops.range = two_ranges;
	nic_memory(machine.nic);
	capabilities_walk();
	features_take(1ull << 32 | 1 << 16 | 1 << 15 | 1 << 5);
	assert_int_equal(get(STATUS, 1), 11);
	queues_begin();
	return 0;
}

static int starts_without_table(void **state)
{
	machine_make("virtio-net");
	machine.world.ops.range = NULL;
	machine.world.ops.dma = by_address;
	nic_memory(machine.nic);
	away = false;
	capabilities_walk();
	features_take(1ull << 32 | 1 << 16 | 1 << 15 | 1 << 5);
	queues_begin();
	return 0;
}

/* 2.7: a chain of one buffer */
static void give(unsigned int queue, uint64_t at, uint32_t len, bool in)
{
	unsigned int slot = avail[queue] % NUM;

	ram_put(ring_at(queue) + 16 * slot, 8, at);
	ram_put(ring_at(queue) + 16 * slot + 8, 4, len);
	ram_put(ring_at(queue) + 16 * slot + 12, 4, in ? 2 : 0);
	ram_put(ring_at(queue) + 0x1004 + 2 * slot, 2, slot);
	ram_put(ring_at(queue) + 0x1002, 2, ++avail[queue]);
}

static void kick(unsigned int queue)
{
	set(QUEUE_SELECT, 2, queue);
	mem_write(4, notify + multiplier * get(QUEUE_NOTIFY_OFF, 2), 2, queue);
}

static void driver_sends(uint32_t len, uint8_t token)
{
	memset(ram(BUFFERS, 12), 0, 12);
	frame_fill(ram(BUFFERS + 12, len), to_all, len, token);
	give(1, BUFFERS, 12 + len, false);
	kick(1);
}

static void rx_fill(uint32_t len)
{
	while ((uint16_t)(avail[0] - used[0]) < NUM)
		give(0, BUFFERS + ROOM * (1 + avail[0] % NUM), len, true);
	kick(0);
}

/* Over as many buffers as the header says */
static void came_in(uint32_t len, uint8_t token)
{
	static uint8_t frame[8192], expected[8192];
	uint32_t n = 0, buffers = 1;

	for (uint32_t i = 0; i < buffers; i++, used[0]++) {
		uint64_t entry = ring_at(0) + 0x2004 + 8 * (used[0] % NUM);
		uint32_t slot = ram_get(entry, 4), bytes = ram_get(entry + 4, 4);

		assert_int_not_equal(ram_get(ring_at(0) + 0x2002, 2), used[0]);
		memcpy(frame + n, ram(ram_get(ring_at(0) + 16 * slot, 8), bytes), bytes);
		n += bytes;
		buffers = frame[10] | frame[11] << 8;
	}
	assert_int_equal(n, 12 + len);
	frame_fill(expected, nic_mac, len, token);
	assert_memory_equal(frame + 12, expected, len);
}

/* --- what is asked of it ---------------------------------------------------------------------- */

static void is_found(void **state)
{
	assert_int_equal(config_read(0, 4), 0x10411af4);
	assert_int_equal(get(NUM_QUEUES, 2), 2);
	for (unsigned int i = 0; i < 6; i++)
		assert_int_equal(mem_read(4, device + i, 1), nic_mac[i]);
	assert_int_equal(mem_read(4, device + 6, 2), 1);
	/* 4.1.4.9: the same by config space */
	config_write(pci_cfg + 4, 1, 4);
	config_write(pci_cfg + 8, 4, device);
	config_write(pci_cfg + 12, 4, 4);
	assert_int_equal(config_read(pci_cfg + 16, 4), 0x66767502);
	config_write(pci_cfg + 8, 4, common + QUEUE_SELECT);
	config_write(pci_cfg + 12, 4, 2);
	config_write(pci_cfg + 16, 4, 1);
	assert_int_equal(get(QUEUE_SELECT, 2), 1);
	set(QUEUE_SELECT, 2, 2); /* 4.1.4.3.1: no such queue */
	assert_int_equal(get(QUEUE_SIZE, 2), 0);
}

static void negotiates(void **state)
{
	features_take(1 << 5); /* not a modern driver */
	assert_int_equal(get(STATUS, 1), 3);
	features_take(1ull << 32 | 1 << 23); /* what was not offered */
	assert_int_equal(get(STATUS, 1), 3);
	features_take(1ull << 32);
	assert_int_equal(get(STATUS, 1), 11);
	set(DRIVER_FEATURE, 4, 0); /* too late */
	assert_int_equal(get(DRIVER_FEATURE, 4), 1);
}

static void sends(void **state)
{
	for (uint8_t i = 1; i < 30; i++) {
		driver_sends(60 + 40 * i, i);
		went_out(to_all, 60 + 40 * i, i);
		assert_int_equal(ram_get(ring_at(1) + 0x2002, 2), i);
	}
	machine.world.full = true;
	driver_sends(100, 1);
	nothing_went_out();
	machine.world.full = false;
	nic_poll(machine.nic);
	went_out(to_all, 100, 1);
}

static void receives(void **state)
{
	rx_fill(ROOM);
	for (uint8_t i = 1; i < 30; i++) {
		assert_int_equal(wire_sends(nic_mac, 60 + 40 * i, i), NIC_TAKEN);
		came_in(60 + 40 * i, i);
		rx_fill(ROOM);
	}
	while (wire_sends(nic_mac, 100, 1) == NIC_TAKEN)
		came_in(100, 1);
	rx_fill(600); /* merged: 5.1.6.4 */
	assert_int_equal(wire_sends(nic_mac, 1514, 7), NIC_TAKEN);
	came_in(1514, 7);
	assert_int_equal(wire_sends(nic_mac, 5000, 7), NIC_FULL);
	features_take(1ull << 32);
	queues_begin();
	rx_fill(600);
	assert_int_equal(wire_sends(nic_mac, 1514, 7), NIC_DROPPED); /* for ever too large */
	assert_int_equal(wire_sends(nic_mac, 500, 7), NIC_TAKEN);
}

static void interrupts(void **state)
{
	rx_fill(ROOM);
	wire_sends(nic_mac, 100, 1);
	assert_true(machine.world.line);
	assert_int_equal(mem_read(4, isr, 1), 1);
	assert_false(machine.world.line);
	nic_link(machine.nic, false);
	assert_int_equal(mem_read(4, isr, 1), 2);
	assert_int_equal(mem_read(4, device + 6, 2), 0);
	nic_link(machine.nic, true);
	mem_read(4, isr, 1);
	/* MSI-X: config 2, queues 0 and 1; vector 1 is masked at first */
	set(CONFIG_VECTOR, 2, 2);
	set(CONFIG_VECTOR, 2, 3);
	assert_int_equal(get(CONFIG_VECTOR, 2), 0xffff);
	for (unsigned int i = 0; i < 3; i++) {
		mem_write(1, 16 * i, 8, 0xfee00000 + i);
		mem_write(1, 16 * i + 8, 4, 0x40 + i);
		mem_write(1, 16 * i + 12, 4, i == 1);
	}
	config_write(0x98 + 2, 2, 0x8000);
	wire_sends(nic_mac, 100, 1);
	assert_int_equal(machine.world.fired[0], 1);
	assert_int_equal(machine.world.data, 0x40);
	driver_sends(100, 1);
	assert_int_equal(machine.world.fired[1], 0);
	assert_int_equal(mem_read(1, 0x800, 8), 2);
	mem_write(1, 16 + 12, 4, 0);
	assert_int_equal(machine.world.fired[1], 1);
	config_write(0x98 + 2, 2, 0xc000); /* all are masked */
	wire_sends(nic_mac, 100, 1);
	assert_int_equal(machine.world.fired[0], 1);
	config_write(0x98 + 2, 2, 0x8000);
	assert_int_equal(machine.world.fired[0], 2);
	assert_false(machine.world.line);
}

/* 4.1.4.3.1, 4.1.4.5.1 */
static void configuration_changes(void **state)
{
	uint8_t before = get(GENERATION, 1);

	for (unsigned int i = 0; i < 128; i++) { /* twice: 256 changes */
		nic_link(machine.nic, false);
		nic_link(machine.nic, true);
	}
	mem_read(4, device + 6, 2);
	assert_int_not_equal(get(GENERATION, 1), before);
	before = get(GENERATION, 1);
	mem_read(4, device + 6, 2);
	assert_int_equal(get(GENERATION, 1), before);
	mem_read(4, isr, 1);
	set(CONFIG_VECTOR, 2, 2);
	mem_write(1, 32 + 12, 4, 0);
	config_write(0x98 + 2, 2, 0x8000);
	nic_link(machine.nic, false);
	assert_int_equal(machine.world.fired[2], 1);
	assert_false(machine.world.line);
	assert_int_equal(mem_read(4, isr, 1), 2);
}

/* 4.1.4.3.1: without packed rings, no size but a power of two */
static void queue_sizes(void **state)
{
	features_take(1ull << 32);
	set(QUEUE_SELECT, 2, 0);
	set(QUEUE_SIZE, 2, 64);
	set(QUEUE_SIZE, 2, 100);
	assert_int_equal(get(QUEUE_SIZE, 2), 64);
	features_take(1ull << 32 | 1ull << 34);
	set(QUEUE_SIZE, 2, 100);
	assert_int_equal(get(QUEUE_SIZE, 2), 100);
}

static void resets(void **state)
{
	rx_fill(ROOM);
	set(STATUS, 1, 0);
	assert_int_equal(wire_sends(nic_mac, 100, 1), NIC_OFF);
	kick(1);
	features_take(1ull << 32 | 1 << 15);
	queues_begin();
	driver_sends(100, 3);
	went_out(to_all, 100, 3);
	/* another device, and back */
	assert_int_equal(nic_load(machine.nic, "e1000"), 0);
	assert_int_equal(nic_load(machine.nic, "virtio-net"), 0);
	bios_assigns();
	features_take(1ull << 32 | 1 << 15);
	queues_begin();
	rx_fill(ROOM);
	wire_sends(nic_mac, 100, 9);
	came_in(100, 9);
}

/* A packed ring, and the driver that knows them: 2.8 */
static void sends_packed(bool indirect)
{
	struct driver_buf bufs[DRIVER_CHAIN];
	uint32_t len;

	features_take(1ull << 32 | 1ull << 34 | 1ull << 28 | 1ull << 29);
	driver_init(driver_memory, true, true, NUM, 1 << 15);
	queue_begin(1, DRIVER_GPA + AT_DESC, DRIVER_GPA + AT_AVAIL, DRIVER_GPA + AT_USED);
	set(STATUS, 1, 15);
	for (unsigned int i = 1; i < 40; i++) {
		uint32_t token;

		driver_bufs(driver_memory, bufs, 3, 0);
		bufs[2].len = 64;
		token = driver_add(driver_memory, bufs, 3, indirect);
		assert_int_equal(token, i);
		if (driver_kicks(driver_memory))
			kick(1);
		assert_int_equal(world_frame(&machine.world)->len, 85 + 85 + 64 - 12);
		assert_int_equal(driver_reap(driver_memory, &len), token);
	}
}

static void packed(void **state)
{
	sends_packed(false);
	sends_packed(true);
}

/* --- guests that break the rules -------------------------------------------------------------- */

static void needs_reset(const char *why)
{
	assert_int_equal(get(STATUS, 1) & 64, 64);
	assert_true(strstr(machine.world.said, why));
	features_take(1ull << 32);
	queues_begin();
	driver_sends(100, 3);
	went_out(to_all, 100, 3);
	machine.world.now += 2000000000;
}

static void breaks_the_rules(void **state)
{
	give(1, 0xffffffff00000000, 100, false);
	kick(1);
	needs_reset("guest memory");
	give(1, BUFFERS, 0xffffffff, false);
	kick(1);
	needs_reset("guest memory");
	ram_put(ring_at(1) + 0x1002, 2, 0x7000); /* the index jumps */
	kick(1);
	needs_reset("jumped");
	give(1, BUFFERS, 5, false); /* not even a header */
	kick(1);
	nothing_went_out();
	assert_int_equal(ram_get(ring_at(1) + 0x2002, 2), avail[1]);
	/* rings that are nowhere */
	features_take(1ull << 32);
	queue_begin(1, 0x10, 0x20, 0x30);
	assert_int_equal(get(QUEUE_ENABLE, 2), 0);
	needs_reset("is not");
	features_take(1ull << 32);
	set(QUEUE_SELECT, 2, 1);
	set(QUEUE_SIZE, 2, 0);
	set(QUEUE_ENABLE, 2, 1);
	needs_reset("can't have 0 descriptors");
	for (unsigned int i = 0; i < 10000; i++)
		mem_write(4, notify + 4 * (i % 1024), 2, i); /* a storm */
}

/* Killed between any two frames, and with chains that are half done: it goes on. */
static void is_killed(void **state)
{
	machine_keeps();
	for (uint8_t i = 1; i < 30; i++) {
		rx_fill(ROOM);
		machine_is_killed("virtio-net", 1);
		assert_int_equal(get(STATUS, 1), 15);
		assert_int_equal(wire_sends(nic_mac, 60 + 40 * i, i), NIC_TAKEN);
		came_in(60 + 40 * i, i);
		machine.world.full = true;
		driver_sends(60 + 40 * i, i);
		nothing_went_out();
		machine_is_killed("virtio-net", 1);
		machine.world.full = false;
		assert_true(machine.world.line);
		nic_poll(machine.nic);
		went_out(to_all, 60 + 40 * i, i);
	}
	set(STATUS, 1, 0);
	machine_is_killed("virtio-net", 1);
	assert_int_equal(get(STATUS, 1), 0);
	machine_is_killed("e1000", 0);
}

static void is_killed_packed(void **state)
{
	struct driver_buf bufs[DRIVER_CHAIN];
	uint32_t len;

	machine_keeps();
	features_take(1ull << 32 | 1ull << 34 | 1ull << 28 | 1ull << 29);
	driver_init(driver_memory, true, true, NUM, 1 << 15);
	queue_begin(1, DRIVER_GPA + AT_DESC, DRIVER_GPA + AT_AVAIL, DRIVER_GPA + AT_USED);
	set(STATUS, 1, 15);
	for (unsigned int i = 1; i < 60; i++) {
		uint32_t token;

		driver_bufs(driver_memory, bufs, 3, 0);
		bufs[2].len = 64;
		token = driver_add(driver_memory, bufs, 3, i & 1);
		machine_is_killed("virtio-net", 1);
		kick(1);
		assert_int_equal(world_frame(&machine.world)->len, 85 + 85 + 64 - 12);
		nothing_went_out();
		machine_is_killed("virtio-net", 1);
		assert_int_equal(driver_reap(driver_memory, &len), token);
	}
}

/* The memory of its rings is taken from it, and comes back. */
static void memory_goes(void **state)
{
	rx_fill(ROOM);
	away = true;
	assert_int_equal(wire_sends(nic_mac, 100, 1), NIC_OFF);
	assert_int_equal(get(STATUS, 1) & 64, 64);
	kick(1);
	nothing_went_out();
	away = false;
	needs_reset("memory is gone");
	rx_fill(ROOM);
	assert_int_equal(wire_sends(nic_mac, 100, 1), NIC_TAKEN);
	came_in(100, 1);
}

#define ASKED(test) \
	{ #test ", by address", test, starts_without_table, machine_end, NULL }
#define A_VIRTIO(test) cmocka_unit_test_setup_teardown(test, starts, machine_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		A_VIRTIO(is_found),
		A_VIRTIO(negotiates),
		A_VIRTIO(sends),
		A_VIRTIO(receives),
		A_VIRTIO(interrupts),
		A_VIRTIO(configuration_changes),
		A_VIRTIO(queue_sizes),
		A_VIRTIO(resets),
		A_VIRTIO(packed),
		A_VIRTIO(breaks_the_rules),
		A_VIRTIO(is_killed),
		A_VIRTIO(is_killed_packed),
		ASKED(is_killed),
		ASKED(is_killed_packed),
		ASKED(sends),
		ASKED(receives),
		ASKED(interrupts),
		ASKED(resets),
		ASKED(packed),
		ASKED(breaks_the_rules),
		ASKED(memory_goes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

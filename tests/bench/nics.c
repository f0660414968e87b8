// SPDX-License-Identifier: GPL-2.0-only
/*
 * Nanoseconds of processor time that a frame costs in the generic NIC, with each personality: a
 * register write, descriptors in guest memory, the copy, an interrupt. The world around it is
 * memory: what carries a NIC adds to it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "why.h"
#include "world.h"

#define ROUNDS 200000
#define RING 64
#define RX_RING (WORLD_MEMORY)
#define TX_RING (WORLD_MEMORY + 0x2000)
#define RX_BUFFERS (WORLD_MEMORY + 0x10000)
#define TX_BUFFER (WORLD_MEMORY + 0x90000)

static struct world world;
static struct nic *nic;
static uint8_t frame[2048];

static void set(unsigned int bar, uint32_t at, unsigned int width, uint64_t value)
{
	nic_bar(nic, bar, at, width, true, &value);
}

static uint64_t get(unsigned int bar, uint32_t at, unsigned int width)
{
	uint64_t value;

	nic_bar(nic, bar, at, width, false, &value);
	return value;
}

static void put(uint64_t at, uint64_t value, unsigned int width)
{
	memcpy(world_at(&world, at, width), &value, width);
}

/* --- e1000 ------------------------------------------------------------------------------------ */

static void e1000_begins(void)
{
	for (unsigned int i = 0; i < RING; i++)
		put(RX_RING + 16 * i, RX_BUFFERS + 2048 * i, 8);
	set(0, 0x2800, 4, RX_RING);
	set(0, 0x2808, 4, 16 * RING);
	set(0, 0x2818, 4, RING - 1);
	set(0, 0x3800, 4, TX_RING);
	set(0, 0x3808, 4, 16 * RING);
	set(0, 0x400, 4, 2);
	set(0, 0x100, 4, 0x04008002); /* without CRC */
	set(0, 0xd0, 4, 0x81);
}

static void e1000_sends(unsigned int i, uint32_t len)
{
	put(TX_RING + 16 * (i % RING), TX_BUFFER, 8);
	put(TX_RING + 16 * (i % RING) + 8, len | 9ull << 24, 8);
	set(0, 0x3818, 4, (i + 1) % RING);
	get(0, 0xc0, 4);
}

static void e1000_receives(unsigned int i, uint32_t len)
{
	nic_receive(nic, frame, len);
	get(0, 0xc0, 4);
	put(RX_RING + 16 * (i % RING) + 8, 0, 8);
	set(0, 0x2818, 4, i % RING);
}

/* --- rtl8139 ---------------------------------------------------------------------------------- */

static uint32_t read_to;

static void rtl8139_begins(void)
{
	read_to = 0;
	set(1, 0x37, 1, 0x0c);
	set(1, 0x30, 4, RX_BUFFERS);
	set(1, 0x44, 4, 0x108a);
	set(1, 0x3c, 2, 0x7f);
}

static void rtl8139_sends(unsigned int i, uint32_t len)
{
	set(1, 0x20 + 4 * (i % 4), 4, TX_BUFFER);
	set(1, 0x10 + 4 * (i % 4), 4, len);
	set(1, 0x3e, 2, get(1, 0x3e, 2));
}

static void rtl8139_receives(unsigned int i, uint32_t len)
{
	nic_receive(nic, frame, len);
	set(1, 0x3e, 2, get(1, 0x3e, 2));
	read_to = (read_to + len + 8 + 3) & ~3u;
	set(1, 0x38, 2, (read_to - 16) & 0xffff);
}

/* --- virtio-net ------------------------------------------------------------------------------- */

static void queue_begins(unsigned int queue, uint64_t ring)
{
	set(4, 22, 2, queue);
	set(4, 24, 2, RING);
	set(4, 32, 8, ring);
	set(4, 40, 8, ring + 0x800);
	set(4, 48, 8, ring + 0xc00);
	set(4, 28, 2, 1);
}

static void virtio_begins(void)
{
	for (unsigned int i = 0; i < RING; i++) {
		put(RX_RING + 16 * i, RX_BUFFERS + 2048 * i, 8);
		put(RX_RING + 16 * i + 8, 2048 | 2ull << 32, 8);
		put(RX_RING + 0x804 + 2 * i, i, 2);
		put(TX_RING + 0x804 + 2 * i, i, 2);
	}
	set(4, 20, 1, 3);
	set(4, 8, 4, 1);
	set(4, 12, 4, 1);
	set(4, 20, 1, 11);
	queue_begins(0, RX_RING);
	queue_begins(1, TX_RING);
	set(4, 20, 1, 15);
	put(RX_RING + 0x802, RING, 2);
}

static void virtio_sends(unsigned int i, uint32_t len)
{
	put(TX_RING + 16 * (i % RING), TX_BUFFER, 8);
	put(TX_RING + 16 * (i % RING) + 8, len + 12, 8);
	put(TX_RING + 0x802, i + 1, 2);
	set(4, 0x3004, 2, 1);
	get(4, 0x1000, 1);
}

static void virtio_receives(unsigned int i, uint32_t len)
{
	nic_receive(nic, frame, len);
	put(RX_RING + 0x802, RING + i + 1, 2);
	get(4, 0x1000, 1);
}

/* --- measuring -------------------------------------------------------------------------------- */

static const struct {
	const char *name;
	void (*begins)(void);
	void (*sends)(unsigned int i, uint32_t len);
	void (*receives)(unsigned int i, uint32_t len);
} cards[] = {
	{ "e1000", e1000_begins, e1000_sends, e1000_receives },
	{ "rtl8139", rtl8139_begins, rtl8139_sends, rtl8139_receives },
	{ "virtio-net", virtio_begins, virtio_sends, virtio_receives },
};

static double cpu(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return now.tv_sec * 1e9 + now.tv_nsec;
}

/* Of the fastest tenth: others have the processor, too. -1: frames were lost. */
static double measure(void (*turn)(unsigned int i, uint32_t len), uint32_t len, bool in)
{
	const uint64_t *count = in ? &nic_counters(nic)->rx_frames : &nic_counters(nic)->tx_frames;
	double best = 1e9;
	uint64_t before = *count;

	for (unsigned int part = 0; part < 10; part++) {
		double began = cpu();

		for (unsigned int i = 0; i < ROUNDS / 10; i++)
			turn(part * (ROUNDS / 10) + i, len);
		began = (cpu() - began) / (ROUNDS / 10);
		best = began < best ? began : best;
	}
	return *count - before == ROUNDS ? best : -1;
}

static int card_measure(unsigned int i, uint32_t len)
{
	double out, in;

	if (nic_load(nic, cards[i].name)) {
		fprintf(stderr, "%s\n", uvf_why());
		return 1;
	}
	memset(world.memory, 0, WORLD_SIZE);
	cards[i].begins();
	out = measure(cards[i].sends, len, false);
	in = measure(cards[i].receives, len, true);
	printf("%-12s %5u %8.0f %8.0f\n", cards[i].name, len, out, in);
	return out < 0 || in < 0;
}

int main(void)
{
	static const uint8_t mac[NIC_MAC] = { 2, 0, 0, 0, 0, 1 };
	int status = 0;

	memcpy(frame, mac, sizeof(mac));
	if (world_open(&world) || nic_open(&nic, &world.ops, &world, mac))
		return 1;
	printf("%-12s %5s %8s %8s   ns of processor time a frame\n", "card", "bytes", "out", "in");
	for (unsigned int i = 0; i < sizeof(cards) / sizeof(cards[0]); i++) {
		status |= card_measure(i, 60);
		status |= card_measure(i, 1514);
	}
	nic_close(nic);
	world_close(&world);
	return status;
}

/* SPDX-License-Identifier: GPL-2.0-only */
/* A driver for the personality e1000, which was written from the 8254x SDM: sections are its. */
#ifndef E1000_H
#define E1000_H

#include "nics.h"

/* 13.2, table 13-2 */
#define CTRL 0x0000
#define STATUS 0x0008
#define EECD 0x0010
#define EERD 0x0014
#define CTRL_EXT 0x0018
#define MDIC 0x0020
#define ICR 0x00c0
#define ITR 0x00c4
#define ICS 0x00c8
#define IMS 0x00d0
#define IMC 0x00d8
#define RCTL 0x0100
#define TCTL 0x0400
#define PBA 0x1000
#define RDBAL 0x2800
#define RDLEN 0x2808
#define RDH 0x2810
#define RDT 0x2818
#define RDTR 0x2820
#define TDBAL 0x3800
#define TDLEN 0x3808
#define TDH 0x3810
#define TDT 0x3818
#define GPRC 0x4074
#define GPTC 0x4080
#define GORCL 0x4088
#define GOTCL 0x4090
#define MTA 0x5200
#define RAL 0x5400
#define VFTA 0x5600
#define WUC 0x5800

#define RING 8
#define RX_RING 0x100000
#define TX_RING 0x101000
#define RX_BUFFERS 0x110800 /* so that they cross pages */
#define TX_BUFFERS 0x140000

static uint32_t tail_rx, tail_tx;

static inline uint32_t get(uint32_t reg) { return mem_read(0, reg, 4); }
static inline void set(uint32_t reg, uint32_t value) { mem_write(0, reg, 4, value); }

/* --- the driver ------------------------------------------------------------------------------- */

static inline void rx_give(uint32_t i)
{
	ram_put(RX_RING + 16 * i, 8, RX_BUFFERS + 2048 * i);
	ram_put(RX_RING + 16 * i + 8, 8, 0);
}

/* 14.4, 14.5 */
static inline void driver_begins(void)
{
	for (uint32_t i = 0; i < RING; i++)
		rx_give(i);
	set(RDBAL, RX_RING);
	set(RDLEN, 16 * RING);
	set(RDH, 0);
	set(RDT, RING - 1);
	set(TDBAL, TX_RING);
	set(TDLEN, 16 * RING);
	set(TDH, 0);
	set(TDT, 0);
	tail_rx = 0;
	tail_tx = 0;
	set(TCTL, 0x2 | 0x8);
	set(RCTL, 0x2 | 0x8000); /* EN, BAM */
	set(IMS, 0x1 | 0x80 | 0x4); /* TXDW, RXT0, LSC */
}

static inline int starts(void **state)
{
	machine_make("e1000");
	driver_begins();
	return 0;
}

static inline void tx_descriptor(uint64_t address, uint64_t lower)
{
	ram_put(TX_RING + 16 * tail_tx, 8, address);
	ram_put(TX_RING + 16 * tail_tx + 8, 8, lower);
	tail_tx = (tail_tx + 1) % RING;
}

#define EOP (1ull << 24)
#define IC (1ull << 26)
#define RS (1ull << 27)
#define DEXT (1ull << 29)

static inline void driver_sends(const uint8_t *to, uint32_t len, uint8_t token)
{
	frame_fill(ram(TX_BUFFERS, len), to, len, token);
	tx_descriptor(TX_BUFFERS, len | EOP | RS);
	set(TDT, tail_tx);
}

/* The bytes of the next frame, without the CRC, which is checked; 0: there is none. */
static inline uint32_t driver_receives(uint8_t *frame)
{
	uint32_t len = 0, status;

	do {
		uint32_t n;

		status = ram_get(RX_RING + 16 * tail_rx + 12, 1);
		if (!(status & 1))
			return 0;
		n = ram_get(RX_RING + 16 * tail_rx + 8, 2);
		for (uint32_t i = 0; i < n; i++)
			frame[len + i] = ram_get(RX_BUFFERS + 2048 * tail_rx + i, 1);
		len += n;
		rx_give(tail_rx);
		set(RDT, tail_rx);
		tail_rx = (tail_rx + 1) % RING;
	} while (!(status & 2));
	len -= 4;
	assert_int_equal(fcs(frame, len), frame[len] | frame[len + 1] << 8 | frame[len + 2] << 16 |
					  (uint32_t)frame[len + 3] << 24);
	return len;
}

static inline void came_in(const uint8_t *to, uint32_t len, uint8_t token)
{
	static uint8_t frame[65536], expected[65536];

	assert_int_equal(driver_receives(frame), len);
	frame_fill(expected, to, len, token);
	assert_memory_equal(frame, expected, len);
}

static inline uint16_t sum_all(const uint8_t *at, uint32_t len, uint32_t sum)
{
	for (uint32_t i = 0; i < len; i++)
		sum += i & 1 ? at[i] : at[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

static inline uint32_t phy_reads(unsigned int reg)
{
	set(MDIC, 2 << 26 | 1 << 21 | reg << 16);
	assert_true(get(MDIC) & 1 << 28);
	return get(MDIC) & 0xffff;
}

#define AN_E1000(test) cmocka_unit_test_setup_teardown(test, starts, machine_end)

#endif /* E1000_H */

// SPDX-License-Identifier: GPL-2.0-only
/* The personality e1000: what the 8254x SDM says of registers and descriptors, bit by bit. */
#include "e1000.h"

static const uint8_t other[6] = { 2, 0, 0, 0, 0, 9 };
static const uint8_t group[6] = { 1, 0, 0x5e, 0, 0x12, 0x34 };

static uint32_t status_of(uint32_t i) { return ram_get(RX_RING + 16 * i + 12, 1); }

/* --- registers -------------------------------------------------------------------------------- */

/* 13.4.17, 13.4.20, 13.4.22, 13.4.33, 13.4.1, 13.2.2.1 */
static void reserved_bits(void **state)
{
	set(IMC, 0xffffffff);
	set(ICS, 0xffffffff);
	assert_int_equal(get(ICR), 0x1f6d7);
	assert_int_equal(get(ICR), 0);
	set(IMS, 0xffffffff);
	assert_int_equal(get(IMS), 0x1f6d7);
	set(RCTL, 0xffffffff);
	assert_int_equal(get(RCTL), 0x06dfb3fe);
	set(TCTL, 0xffffffff); /* SWXOFF is done at once */
	assert_int_equal(get(TCTL), 0x013ffffa);
	set(CTRL, ~(1u << 26));
	assert_int_equal(get(CTRL), 0xd8fc1be9);
	io_write(2, 0, 4, 0xffffffff);
	assert_int_equal(io_read(2, 0, 4), 0xfffff);
}

/* 13.4.6, 13.4.16, 13.4.30, 13.4.46, 13.6.1 */
static void registers_that_act(void **state)
{
	assert_int_equal(get(PBA), 0x00100030);
	set(PBA, 0xffffff28);
	assert_int_equal(get(PBA), 0x00180028);
	get(ICR);
	set(RDTR, 0x80000020);
	assert_int_equal(get(RDTR), 0x20);
	assert_int_equal(get(ICR), 0x80);
	assert_int_equal(get(0x2828), 0x01010000); /* RXDCTL */
	set(WUC, 0xf);
	assert_int_equal(get(WUC), 0xb); /* PME_Status is cleared by a one */
	assert_int_equal(get(CTRL_EXT) & 0x300, 0x100);
	set(RAL, 0x11111111);
	set(CTRL_EXT, 0x3180); /* ASDCHK, EE_RST: they clear themselves */
	assert_int_equal(get(CTRL_EXT), 0x180);
	assert_int_equal(get(RAL), 0x66767502);
}

/* 14.7 */
static void what_a_reset_keeps(void **state)
{
	set(MTA + 8, 5);
	set(VFTA + 8, 6);
	set(RAL + 24, 0x12345678);
	set(RAL + 28, 0x80009abc);
	set(RAL, 0);
	set(PBA, 0x28);
	set(CTRL, get(CTRL) | 1 << 26);
	assert_int_equal(get(MTA + 8), 5);
	assert_int_equal(get(VFTA + 8), 6);
	assert_int_equal(get(RDBAL), RX_RING);
	assert_int_equal(get(TDBAL), TX_RING);
	assert_int_equal(get(RAL + 24), 0x12345678);
	assert_int_equal(get(RAL + 28), 0x9abc); /* not valid any more */
	assert_int_equal(get(RAL), 0x66767502);
	assert_int_equal(get(RAL + 4), 0x80000100);
	assert_int_equal(get(RDLEN), 0);
	assert_int_equal(get(PBA), 0x00100030);
	nic_reset(machine.nic); /* power */
	bios_assigns();
	assert_int_equal(get(MTA + 8), 0);
	assert_int_equal(get(RAL + 24), 0);
	assert_int_equal(get(RDBAL), 0);
}

static void phy_writes(unsigned int reg, uint16_t value)
{
	set(MDIC, 1 << 26 | 1 << 21 | reg << 16 | value);
	assert_true(get(MDIC) & 1 << 28);
}

/* 13.4.7.1.1, .2, .5 and .10; 13.4.1, PHY_RST */
static void resets_of_the_phy(void **state)
{
	assert_int_equal(phy_reads(4), 0x01e1);
	assert_int_equal(phy_reads(9), 0x1e00);
	phy_writes(4, 0x0421);
	set(CTRL, get(CTRL) | 1 << 26);
	assert_int_equal(phy_reads(4), 0x0421); /* that was the MAC's */
	phy_writes(0, 0x1940); /* power down */
	phy_writes(0, 0x9940);
	assert_int_equal(phy_reads(0), 0x1140);
	assert_int_equal(phy_reads(4), 0x0421);
	set(CTRL, get(CTRL) | 1u << 31);
	set(CTRL, get(CTRL) & ~(1u << 31));
	assert_int_equal(phy_reads(4), 0x01e1);
	nic_link(machine.nic, false);
	nic_link(machine.nic, true);
	assert_int_equal(phy_reads(1) & 0x24, 0x20); /* latched, until it is read */
	assert_int_equal(phy_reads(1) & 0x24, 0x24);
	set(MDIC, 1 << 26 | 2 << 21 | 4 << 16); /* a write to nobody fails not; a reading does */
	assert_int_equal(get(MDIC) >> 28, 1);
	set(MDIC, 2u << 26 | 2 << 21 | 4 << 16);
	assert_int_equal(get(MDIC) >> 28, 5);
	set(MDIC, 3u << 26 | 1 << 21 | 4 << 16 | 1); /* reserved */
	assert_int_equal(phy_reads(4), 0x01e1);
}

/* 5.4, 5.6.7, 5.6.12: what the EEPROM says is what the device is. */
static void eeprom_agrees(void **state)
{
	set(EERD, 0x0a << 8 | 1);
	assert_int_equal(get(EERD) >> 29, 3); /* valid; BARs of 32 bits */
	assert_int_equal(get(EERD) >> 16 & 3, 3); /* IDs are loaded */
	assert_int_equal(config_read(0x10, 4) & 6, 0);
	set(EERD, 0x0f << 8 | 1);
	assert_int_equal(get(EERD) >> 16 & 0x80, 0); /* MSI */
	assert_int_equal(config_read(0xf0, 1), 5);
}

/* 13.7: with the CRC; the lower half of 64 bits clears nothing */
static void octets(void **state)
{
	wire_sends(nic_mac, 100, 1);
	wire_sends(nic_mac, 42, 1);
	assert_int_equal(get(GORCL), 104 + 64);
	assert_int_equal(get(GORCL), 104 + 64);
	assert_int_equal(get(GORCL + 4), 0);
	assert_int_equal(get(GORCL), 0);
	driver_sends(to_all, 40, 1);
	assert_int_equal(mem_read(0, GOTCL, 8), 64);
	assert_int_equal(mem_read(0, GOTCL, 8), 0);
}

/* 4.1.3 */
static void one_message(void **state)
{
	config_write(0xf4, 4, 0xfee00000);
	config_write(0xf2, 2, 1);
	wire_sends(nic_mac, 100, 1);
	driver_sends(to_all, 100, 1);
	assert_int_equal(machine.world.fired[0], 1);
	assert_int_equal(get(ICR) & 0x81, 0x81);
	driver_sends(to_all, 100, 1);
	assert_int_equal(machine.world.fired[0], 2);
	set(IMC, 0x1); /* masked and unmasked, it is new */
	set(IMS, 0x1);
	assert_int_equal(machine.world.fired[0], 3);
}

/* --- receiving -------------------------------------------------------------------------------- */

/* 13.4.22: UPE is of unicasts, 3.2.3.1: PIF of what only the hash has let in */
static void filters(void **state)
{
	uint32_t hash = (group[5] << 8 | group[4]) >> 4;

	set(RCTL, 0x2 | 0x8);
	assert_int_equal(wire_sends(other, 100, 1), NIC_TAKEN);
	assert_int_equal(wire_sends(group, 100, 1), NIC_DROPPED);
	assert_int_equal(wire_sends(to_all, 100, 1), NIC_DROPPED);
	set(RCTL, 0x2 | 0x8000);
	wire_sends(nic_mac, 100, 1);
	wire_sends(to_all, 100, 1);
	set(MTA + 4 * (hash >> 5), 1u << (hash & 31));
	wire_sends(group, 100, 1);
	set(RAL + 8, 0x005e0001); /* it is the second address, too */
	set(RAL + 12, 0x80003412);
	wire_sends(group, 100, 1);
	assert_int_equal(status_of(0), 0x07);
	assert_int_equal(status_of(1), 0x07);
	assert_int_equal(status_of(2), 0x07);
	assert_int_equal(status_of(3), 0x87);
	assert_int_equal(status_of(4), 0x07);
}

/* 3.2.3.2, 3.2.3.3: whatever was there before */
static void writes_the_rest(void **state)
{
	ram_put(RX_RING + 8, 8, UINT64_MAX);
	wire_sends(nic_mac, 100, 1);
	assert_int_equal(status_of(0), 0x07);
	assert_int_equal(ram_get(RX_RING + 13, 1), 0);
	assert_int_equal(ram_get(RX_RING + 14, 2), 0);
}

/* 3.2.5.2 */
static void null_buffers(void **state)
{
	ram_put(RX_RING, 8, 0);
	ram_put(RX_RING + 8, 8, 0x1234567800000000);
	assert_int_equal(wire_sends(nic_mac, 100, 1), NIC_TAKEN);
	assert_int_equal(get(RDH), 2);
	assert_int_equal(ram_get(RX_RING + 8, 8), 0x1234567900000000);
	assert_int_equal(status_of(1), 0x07);
	assert_int_equal(nic_counters(machine.nic)->dma_errors, 0);
	for (uint32_t i = 2; i < RING; i++)
		ram_put(RX_RING + 16 * i, 8, 0);
	assert_int_equal(wire_sends(nic_mac, 100, 1), NIC_FULL);
}

/* 3.2.7.3, 13.4.22: when half of the ring is left, or a quarter */
static void few_descriptors(void **state)
{
	for (unsigned int i = 0; i < 7; i++) {
		assert_int_equal(get(ICR) & 0x10, i == 3 ? 0x10 : 0);
		wire_sends(nic_mac, 100, 1);
	}
	driver_begins();
	set(RCTL, 0x2 | 0x100);
	get(ICR);
	for (unsigned int i = 0; i < 7; i++) {
		assert_int_equal(get(ICR) & 0x10, i == 5 ? 0x10 : 0);
		wire_sends(nic_mac, 100, 1);
	}
}

/* A wire has no shorter ones. */
static void short_frames(void **state)
{
	uint8_t frame[64];

	wire_sends(nic_mac, 42, 1);
	assert_int_equal(driver_receives(frame), 60);
	assert_memory_equal(frame, nic_mac, 6);
	for (int i = 42; i < 60; i++)
		assert_int_equal(frame[i], 0);
	wire_sends(nic_mac, 60, 1);
	came_in(nic_mac, 60, 1);
}

/* --- sending ---------------------------------------------------------------------------------- */

/* 3.3.3.1, note 3 */
static void null_addresses(void **state)
{
	frame_fill(ram(TX_BUFFERS, 100), to_all, 100, 1);
	tx_descriptor(0, 500);
	tx_descriptor(TX_BUFFERS, 100 | EOP | RS);
	set(TDT, tail_tx);
	went_out(to_all, 100, 1);
	assert_int_equal(nic_counters(machine.nic)->dma_errors, 0);
}

/* 9.2.1 */
static void tags_by_vme(void **state)
{
	const struct world_frame *out;

	for (unsigned int vme = 0; vme < 2; vme++) {
		set(CTRL, vme << 30);
		frame_fill(ram(TX_BUFFERS, 100), to_all, 100, 1);
		tx_descriptor(TX_BUFFERS, 100 | EOP | RS | 1ull << 30 | 7ull << 48);
		set(TDT, tail_tx);
		out = world_frame(&machine.world);
		assert_non_null(out);
		assert_int_equal(out->len, 100 + 4 * vme);
	}
}

#define TSE (1ull << 26)

/* 300 bytes of UDP in segments of 100: 14 of Ethernet, 20 of IP, 8 of UDP */
static void segments_begin(void)
{
	static const uint8_t headers[42] = {
		2, 2, 2, 2, 2, 2, 4, 4, 4, 4, 4, 4, 8, 0,
		0x45, 0, 0, 0, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2,
	};

	memset(ram(TX_BUFFERS, 342), 0x55, 342);
	memcpy(ram(TX_BUFFERS, 42), headers, 42);
	tx_descriptor(14 | 24 << 8 | 33 << 16 | 34ull << 32 | 40ull << 40,
		      300 | DEXT | TSE | 1 << 25 | 42ull << 40 | 100ull << 48);
}

/* 3.3.6.1, TSE: one context for what is cut, and one for what is not */
static void two_contexts(void **state)
{
	const struct world_frame *out;

	segments_begin();
	tx_descriptor(14 | 16 << 8, DEXT); /* a sum of what is behind the addresses */
	tx_descriptor(TX_BUFFERS, 342 | DEXT | 1 << 20 | TSE | EOP | RS | 1ull << 40);
	set(TDT, tail_tx);
	for (unsigned int i = 0; i < 3; i++) {
		out = world_frame(&machine.world);
		assert_non_null(out);
		assert_int_equal(out->len, 142);
		assert_int_equal(sum_all(out->bytes + 14, 20, 0), 0xffff);
	}
	nothing_went_out();
	frame_fill(ram(TX_BUFFERS, 100), to_all, 100, 1);
	ram_put(TX_BUFFERS + 16, 2, 0);
	tx_descriptor(TX_BUFFERS, 100 | DEXT | 1 << 20 | EOP | RS | 1ull << 40);
	set(TDT, tail_tx);
	out = world_frame(&machine.world);
	assert_non_null(out);
	assert_int_equal(sum_all(out->bytes + 14, 86, 0), 0xffff);
}

/* 3.3.7.1, the note: of what is cut, the first data descriptor says it */
static void segments_have_tags(void **state)
{
	const struct world_frame *out;

	set(CTRL, 1 << 30);
	segments_begin();
	tx_descriptor(TX_BUFFERS, 42 | DEXT | 1 << 20 | TSE | 1ull << 30 | 1ull << 40 |
				  9ull << 48);
	tx_descriptor(TX_BUFFERS + 42, 300 | DEXT | 1 << 20 | TSE | EOP | RS | 1ull << 40);
	set(TDT, tail_tx);
	for (unsigned int i = 0; i < 3; i++) {
		out = world_frame(&machine.world);
		assert_non_null(out);
		assert_int_equal(out->len, 146);
		assert_memory_equal(out->bytes + 12, "\x81\x00\x00\x09\x08\x00", 6);
		assert_int_equal(sum_all(out->bytes + 18, 20, 0), 0xffff);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		AN_E1000(reserved_bits),
		AN_E1000(registers_that_act),
		AN_E1000(what_a_reset_keeps),
		AN_E1000(resets_of_the_phy),
		AN_E1000(eeprom_agrees),
		AN_E1000(octets),
		AN_E1000(one_message),
		AN_E1000(filters),
		AN_E1000(writes_the_rest),
		AN_E1000(null_buffers),
		AN_E1000(few_descriptors),
		AN_E1000(short_frames),
		AN_E1000(null_addresses),
		AN_E1000(tags_by_vme),
		AN_E1000(two_contexts),
		AN_E1000(segments_have_tags),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

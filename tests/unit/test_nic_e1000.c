// SPDX-License-Identifier: GPL-2.0-only
/* The personality e1000: what a driver does all day, and what it must not do. */
#include "e1000.h"

/* --- what is asked of it ---------------------------------------------------------------------- */

static void is_found(void **state)
{
	assert_int_equal(config_read(0, 4), 0x100e8086);
	assert_int_equal(config_read(8, 4) >> 8, 0x020000);
	assert_int_equal(config_read(6, 2), 0x0230); /* table 4-4 */
	bus_config(&machine.bus, 4, 0, 4, false, &(uint64_t){ 0 });
	assert_int_equal(config_read(0x34, 1), 0xdc);
	assert_int_equal(get(STATUS) & 0x2, 0x2);
	/* RAL, RAH: 13.5.2, 13.5.3, and 5.6.1 */
	assert_int_equal(get(RAL), 0x66767502);
	assert_int_equal(get(RAL + 4), 0x80000100);
	/* what nobody has */
	assert_int_equal(mem_read(4, 0, 4), 0xffffffff);
}

/* 5.3.1: by the four wires */
static uint16_t microwire_reads(unsigned int word)
{
	uint32_t command = 0x6 << 6 | word, eecd = 0x40, data = 0;

	set(EECD, eecd);
	assert_true(get(EECD) & 0x80); /* granted */
	eecd |= 2;
	set(EECD, eecd);
	for (int bit = 8; bit >= 0; bit--) {
		uint32_t in = command >> bit & 1 ? 4 : 0;

		set(EECD, eecd | in);
		set(EECD, eecd | in | 1);
		set(EECD, eecd | in);
	}
	assert_false(get(EECD) & 8);
	for (int bit = 0; bit < 16; bit++) {
		set(EECD, eecd | 1);
		data = data << 1 | (get(EECD) >> 3 & 1);
		set(EECD, eecd);
	}
	set(EECD, 0);
	return data;
}

static void has_an_eeprom(void **state)
{
	uint16_t sum = 0, mac[3];

	for (unsigned int i = 0; i < 64; i++) {
		uint16_t word = microwire_reads(i);

		sum += word;
		if (i < 3)
			mac[i] = word;
		set(EERD, i << 8 | 1);
		assert_int_equal(get(EERD) >> 16, word);
		assert_true(get(EERD) & 0x10);
	}
	assert_int_equal(sum, 0xbaba);
	assert_memory_equal(mac, nic_mac, 6);
}

static void has_a_phy(void **state)
{
	assert_int_equal(phy_reads(2), 0x0141);
	assert_int_equal(phy_reads(1) & 0x24, 0x24);
	nic_link(machine.nic, false);
	assert_int_equal(phy_reads(1) & 0x4, 0);
	assert_int_equal(get(STATUS) & 2, 0);
	assert_true(get(ICR) & 4);
	set(MDIC, 2u << 26 | 2 << 21 | 2 << 16); /* another PHY */
	assert_true(get(MDIC) & 1 << 30);
}

static void sends(void **state)
{
	for (uint8_t i = 1; i < 30; i++) {
		driver_sends(to_all, 40 + 50 * i, i);
		went_out(to_all, 40 + 50 * i, i);
		assert_int_equal(get(TDH), get(TDT));
		assert_int_equal(ram_get(TX_RING + 16 * ((tail_tx + RING - 1) % RING) + 12, 1), 1);
	}
	nothing_went_out();
	assert_int_equal(get(GPTC), 29);
	assert_int_equal(get(GPTC), 0);
}

static void sends_what_lies_in_pieces(void **state)
{
	frame_fill(ram(TX_BUFFERS, 1000), nic_mac, 1000, 9);
	tx_descriptor(TX_BUFFERS, 14);
	tx_descriptor(TX_BUFFERS + 14, 0);
	tx_descriptor(TX_BUFFERS + 14, 500);
	set(TDT, tail_tx);
	nothing_went_out(); /* no end yet */
	assert_int_equal(get(TDH), 0);
	tx_descriptor(TX_BUFFERS + 514, 486 | EOP | RS);
	set(TDT, tail_tx);
	went_out(nic_mac, 1000, 9);
	assert_int_equal(ram_get(TX_RING + 12, 1), 0); /* no report was asked of the first */
	assert_int_equal(ram_get(TX_RING + 48 + 12, 1), 1);
}

/* 3.5: 4000 bytes of TCP become three segments of 1400 and less */
static void cuts_segments(void **state)
{
	static const uint8_t headers[54] = {
		2, 2, 2, 2, 2, 2, 4, 4, 4, 4, 4, 4, 8, 0,
		0x45, 0, 0, 0, 0x12, 0xff, 0x40, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2,
		0x10, 0, 0, 80, 0, 0, 1, 0, 0, 0, 0, 0, 0x50, 0x19, 0x20, 0, 0, 0, 0, 0,
	};
	uint8_t *frame = ram(TX_BUFFERS, 4054);
	uint32_t at = 0;

	memcpy(frame, headers, 54);
	for (uint32_t i = 0; i < 4000; i++)
		frame[54 + i] = i * 13;
	/* the pseudo header without its length: RFC 9293, 3.1 */
	uint16_t pseudo = sum_all(frame + 26, 8, 6);

	frame[50] = pseudo >> 8;
	frame[51] = pseudo;
	tx_descriptor(14 | 24 << 8 | 33 << 16 | 34ull << 32 | 50ull << 40,
		      4000 | DEXT | 1 << 24 | 1 << 25 | 1 << 26 | 54ull << 40 | 1400ull << 48);
	tx_descriptor(TX_BUFFERS, 54 | DEXT | 1 << 20 | 1 << 26 | 3ull << 40);
	tx_descriptor(TX_BUFFERS + 54, 4000 | DEXT | 1 << 20 | 1 << 26 | EOP | RS | 3ull << 40);
	set(TDT, tail_tx);
	for (uint32_t i = 0; i < 3; i++) {
		const struct world_frame *out = world_frame(&machine.world);
		uint32_t n = i < 2 ? 1400 : 1200, tcp = 20 + n, sum;

		assert_non_null(out);
		assert_int_equal(out->len, 54 + n);
		assert_int_equal(out->bytes[16] << 8 | out->bytes[17], 40 + n);
		assert_int_equal(out->bytes[18] << 8 | out->bytes[19], 0x12ff + i);
		assert_int_equal(sum_all(out->bytes + 14, 20, 0), 0xffff);
		sum = sum_all(out->bytes + 26, 8, 6 + tcp);
		assert_int_equal(sum_all(out->bytes + 34, tcp, sum), 0xffff);
		assert_int_equal(out->bytes[40] << 8 | out->bytes[41], 0x0100 + at);
		assert_int_equal(out->bytes[47], i < 2 ? 0x10 : 0x19);
		assert_memory_equal(out->bytes + 54, frame + 54 + at, n);
		at += n;
	}
	nothing_went_out();
}

static void inserts_checksum_and_tag(void **state)
{
	const struct world_frame *out;

	frame_fill(ram(TX_BUFFERS, 100), to_all, 100, 1);
	ram_put(TX_BUFFERS + 40, 2, 0);
	set(CTRL, 1 << 30); /* VME */
	tx_descriptor(TX_BUFFERS, 100 | 40ull << 16 | EOP | RS | IC | 1ull << 30 | 20ull << 40 |
				  7ull << 48);
	set(TDT, tail_tx);
	out = world_frame(&machine.world);
	assert_non_null(out);
	assert_int_equal(out->len, 104);
	assert_memory_equal(out->bytes + 12, "\x81\x00\x00\x07\x88\xb7", 6);
	assert_int_equal(sum_all(out->bytes + 24, 80, 0), 0xffff);
}

static void receives(void **state)
{
	for (uint8_t i = 1; i < 30; i++) {
		assert_int_equal(wire_sends(nic_mac, 30 + 50 * i, i), NIC_TAKEN);
		came_in(nic_mac, 30 + 50 * i, i);
	}
	assert_int_equal(get(GPRC), 29);
	/* into several buffers: LPE, BSEX | BSIZE of 256 */
	set(RCTL, 0x2 | 0x8000 | 0x20 | 0x30000);
	assert_int_equal(wire_sends(nic_mac, 700, 3), NIC_TAKEN);
	came_in(nic_mac, 700, 3);
}

static void waits_for_buffers(void **state)
{
	for (uint8_t i = 0; i < RING - 1; i++)
		assert_int_equal(wire_sends(nic_mac, 100, i), NIC_TAKEN);
	assert_int_equal(wire_sends(nic_mac, 100, 100), NIC_FULL);
	nic_overrun(machine.nic);
	assert_true(get(ICR) & 0x40);
	for (uint8_t i = 0; i < RING - 1; i++)
		came_in(nic_mac, 100, i);
	assert_int_equal(wire_sends(nic_mac, 1519, 1), NIC_DROPPED); /* LPE is off */
	assert_int_equal(wire_sends(nic_mac, 100, 100), NIC_TAKEN);
	set(RCTL, 0);
	assert_int_equal(wire_sends(nic_mac, 100, 1), NIC_OFF);
}

static void filters(void **state)
{
	static const uint8_t other[6] = { 2, 0, 0, 0, 0, 9 };
	static const uint8_t group[6] = { 1, 0, 0x5e, 0, 0x12, 0x34 };
	uint32_t hash = (group[5] << 8 | group[4]) >> 4; /* MO 0: bits 47 to 36 */

	assert_int_equal(wire_sends(other, 100, 1), NIC_DROPPED);
	assert_int_equal(wire_sends(group, 100, 1), NIC_DROPPED);
	assert_int_equal(wire_sends(to_all, 100, 1), NIC_TAKEN);
	set(MTA + 4 * (hash >> 5), 1u << (hash & 31));
	assert_int_equal(wire_sends(group, 100, 1), NIC_TAKEN);
	set(MTA + 4 * (hash >> 5), ~(1u << (hash & 31)));
	assert_int_equal(wire_sends(group, 100, 1), NIC_DROPPED);
	set(RAL + 8 * 5, 0x00000002); /* the sixth address */
	set(RAL + 8 * 5 + 4, 0x80000900);
	assert_int_equal(wire_sends(other, 100, 1), NIC_TAKEN);
	set(RAL + 8 * 5 + 4, 0x00000900); /* not valid */
	assert_int_equal(wire_sends(other, 100, 1), NIC_DROPPED);
	set(RCTL, 0x2); /* no broadcast */
	assert_int_equal(wire_sends(to_all, 100, 1), NIC_DROPPED);
	set(RCTL, 0x2 | 0x8); /* promiscuous */
	assert_int_equal(wire_sends(other, 100, 1), NIC_TAKEN);
	set(RCTL, 0x2 | 0x10); /* all groups */
	assert_int_equal(wire_sends(group, 100, 1), NIC_TAKEN);
	assert_int_equal(wire_sends(other, 100, 1), NIC_DROPPED);
}

static void interrupts(void **state)
{
	assert_false(machine.world.line);
	assert_int_equal(wire_sends(nic_mac, 100, 1), NIC_TAKEN);
	assert_true(machine.world.line);
	assert_true(config_read(6, 2) & 8);
	assert_int_equal(get(ICR), 0x80);
	assert_false(machine.world.line);
	set(IMC, 0x80);
	assert_int_equal(get(IMS), 0x05);
	wire_sends(nic_mac, 100, 1);
	assert_false(machine.world.line);
	set(IMS, 0x80);
	assert_true(machine.world.line);
	config_write(4, 2, 0x407); /* INTx is disabled */
	assert_false(machine.world.line);
	config_write(4, 2, 0x7);
	assert_true(machine.world.line);
	get(ICR);
	set(ICS, 0x4); /* by software */
	assert_true(machine.world.line);
	get(ICR);
	/* MSI: 64-bit address, data */
	config_write(0xf4, 4, 0xfee00000);
	config_write(0xfc, 2, 0x4021);
	config_write(0xf2, 2, 1);
	wire_sends(nic_mac, 100, 1);
	assert_false(machine.world.line);
	assert_int_equal(machine.world.fired[0], 1);
	assert_int_equal(machine.world.address, 0xfee00000);
	assert_int_equal(machine.world.data, 0x4021);
}

/* 13.4.18: not more often than each 1000 * 256 ns */
static void throttles(void **state)
{
	set(ITR, 1000);
	wire_sends(nic_mac, 100, 1);
	assert_true(machine.world.line);
	get(ICR);
	wire_sends(nic_mac, 100, 1);
	assert_false(machine.world.line);
	assert_int_equal(nic_deadline(machine.nic), 1 + 256000);
	machine.world.now = 1 + 255999;
	nic_tick(machine.nic);
	assert_false(machine.world.line);
	machine.world.now++;
	nic_tick(machine.nic);
	assert_true(machine.world.line);
	assert_int_equal(nic_counters(machine.nic)->throttled, 1);
}

/* 13.2.2, 14.7: by I/O, as drivers do it, in the middle of everything */
static void resets(void **state)
{
	tx_descriptor(TX_BUFFERS, 100);
	set(TDT, tail_tx);
	wire_sends(nic_mac, 100, 1);
	io_write(2, 0, 4, CTRL);
	io_write(2, 4, 4, 0x04000000);
	assert_int_equal(get(TCTL), 0);
	assert_int_equal(get(IMS), 0);
	assert_false(machine.world.line);
	assert_int_equal(get(CTRL) & 0x04000000, 0);
	assert_int_equal(get(RAL + 4), 0x80000100);
	assert_int_equal(config_read(4, 2), 7); /* config space stays */
	assert_int_equal(io_read(2, 4, 4), get(CTRL));
	assert_int_equal(wire_sends(nic_mac, 100, 1), NIC_OFF);
	driver_begins();
	driver_sends(to_all, 77, 7);
	went_out(to_all, 77, 7);
	wire_sends(nic_mac, 100, 1);
	came_in(nic_mac, 100, 1);
}

static void waits_for_room(void **state)
{
	machine.world.full = true;
	driver_sends(to_all, 100, 1);
	nothing_went_out();
	assert_int_equal(get(TDH), 0);
	machine.world.full = false;
	assert_false(nic_poll(machine.nic));
	went_out(to_all, 100, 1);
}

/* --- guests that break the rules -------------------------------------------------------------- */

static void outside_memory(void **state)
{
	tx_descriptor(0xffffffffffffff00, 100 | EOP | RS);
	tx_descriptor(0x10, 200 | EOP | RS);
	tx_descriptor(WORLD_MEMORY + WORLD_SIZE - 10, 200 | EOP | RS);
	set(TDT, tail_tx);
	nothing_went_out();
	assert_int_equal(get(TDH), tail_tx); /* they are passed over */
	assert_int_equal(nic_counters(machine.nic)->tx_bad, 3);
	driver_sends(to_all, 100, 1);
	went_out(to_all, 100, 1);
	ram_put(RX_RING, 8, 0xdead00000000);
	assert_int_equal(wire_sends(nic_mac, 100, 1), NIC_TAKEN); /* as a bus would */
	assert_true(nic_counters(machine.nic)->dma_errors >= 4);
	set(TDBAL, 0);
	set(TDT, (tail_tx + 1) % RING);
	assert_int_equal(nic_counters(machine.nic)->ring_errors, 1);
	assert_true(strstr(machine.world.said, "ring tx is not in guest memory"));
}

static void lengths(void **state)
{
	tx_descriptor(TX_BUFFERS, 0 | EOP | RS);
	tx_descriptor(TX_BUFFERS, 13 | EOP | RS);
	tx_descriptor(TX_BUFFERS, 3000 | EOP | RS); /* more than there is room */
	tx_descriptor(TX_BUFFERS, 0xfffff | DEXT | 1 << 20 | EOP | RS);
	set(TDT, tail_tx);
	nothing_went_out();
	assert_int_equal(nic_counters(machine.nic)->tx_bad, 4);
	assert_int_equal(get(TDH), 4);
	/* a segment size of nothing, headers longer than the frame */
	tx_descriptor(14 | 34ull << 32, 4000 | DEXT | 54ull << 40);
	tx_descriptor(TX_BUFFERS, 500 | DEXT | 1 << 20 | 1 << 26 | EOP | RS);
	set(TDT, tail_tx);
	assert_int_equal(nic_counters(machine.nic)->tx_bad, 5);
	nothing_went_out();
	set(TDT, 9); /* of 8 */
	assert_true(strstr(machine.world.said, "head or tail behind its end"));
	set(TDT, 7);
	assert_int_equal(get(TDH), 6);
}

/* No end in a ring of 65536: each entry point takes so many steps. */
static void endless(void **state)
{
	for (uint32_t i = 0; i < 4096; i++) {
		ram_put(0x1c0000 + 16 * i, 8, TX_BUFFERS);
		ram_put(0x1c0000 + 16 * i + 8, 8, 60);
	}
	set(TDLEN, 4096 * 16);
	set(TDBAL, 0x1c0000);
	set(TDH, 0);
	set(TDT, 4095);
	for (unsigned int i = 0; i < 20; i++)
		nic_poll(machine.nic);
	assert_int_equal(get(TDH), 3840); /* 15 * 256; the rest has no end */
	nothing_went_out();
	for (unsigned int i = 0; i < 10000; i++)
		set(TDT, i % 4096); /* a storm */
	assert_true(machine.world.says <= 10);
}

/* Another device in its place, while frames are under way, and back. */
static void is_swapped(void **state)
{
	driver_sends(to_all, 100, 1);
	wire_sends(nic_mac, 100, 1);
	assert_true(machine.world.line);
	assert_int_equal(nic_load(machine.nic, "rtl8139"), 0);
	assert_false(machine.world.line);
	bios_assigns();
	assert_int_equal(config_read(0, 4), 0x813910ec);
	assert_int_equal(wire_sends(nic_mac, 100, 1), NIC_OFF);
	assert_int_not_equal(nic_load(machine.nic, "no-such"), 0);
	assert_true(strstr(uvf_why(), "there is no personality no-such"));
	assert_string_equal(nic_personality(machine.nic), "rtl8139");
	assert_int_equal(nic_load(machine.nic, "e1000"), 0);
	bios_assigns();
	went_out(to_all, 100, 1); /* from before */
	driver_begins();
	driver_sends(to_all, 99, 2);
	went_out(to_all, 99, 2);
	nic_unload(machine.nic);
	assert_int_equal(config_read(0, 4), 0xffffffff);
	assert_int_equal(get(STATUS), 0xffffffff);
	assert_int_equal(wire_sends(nic_mac, 100, 1), NIC_OFF);
	assert_int_equal(nic_load(machine.nic, "e1000"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		AN_E1000(is_found),
		AN_E1000(has_an_eeprom),
		AN_E1000(has_a_phy),
		AN_E1000(sends),
		AN_E1000(sends_what_lies_in_pieces),
		AN_E1000(cuts_segments),
		AN_E1000(inserts_checksum_and_tag),
		AN_E1000(receives),
		AN_E1000(waits_for_buffers),
		AN_E1000(filters),
		AN_E1000(interrupts),
		AN_E1000(throttles),
		AN_E1000(resets),
		AN_E1000(waits_for_room),
		AN_E1000(outside_memory),
		AN_E1000(lengths),
		AN_E1000(endless),
		AN_E1000(is_swapped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

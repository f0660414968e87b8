// SPDX-License-Identifier: GPL-2.0-only
/* The personality rtl8139, and a driver for it that was written from data sheet and guide. */
#include "nics.h"

/* 6: registers */
#define IDR 0x00
#define MAR 0x08
#define TSD 0x10
#define TSAD 0x20
#define RBSTART 0x30
#define CR 0x37
#define CAPR 0x38
#define CBR 0x3a
#define IMR 0x3c
#define ISR 0x3e
#define TCR 0x40
#define RCR 0x44
#define TCTR 0x48
#define MPC 0x4c
#define EECR 0x50
#define CONFIG0 0x51
#define CONFIG1 0x52
#define TIMERINT 0x54
#define MSR 0x58
#define CONFIG3 0x59
#define CONFIG4 0x5a
#define TSUM 0x60
#define BMCR 0x62
#define BMSR 0x64
#define ANAR 0x66
#define DIS 0x6c
#define PHY1_PARM 0x78

#define RX_RING 0x110000
#define RX_SIZE 8192
#define TX_BUFFERS 0x140000
#define OWN 0x2000
#define TOK 0x8000

static uint32_t next_tx, read_to;

static uint32_t get(uint32_t reg, unsigned int width) { return mem_read(1, reg, width); }
static void set(uint32_t reg, unsigned int width, uint32_t value)
{
	mem_write(1, reg, width, value);
}

/* --- the driver ------------------------------------------------------------------------------- */

static void driver_begins(uint32_t rcr)
{
	set(CR, 1, 0x10);
	assert_int_equal(get(CR, 1) & 0x10, 0);
	set(CR, 1, 0x0c);
	set(RBSTART, 4, RX_RING);
	set(RCR, 4, rcr);
	set(IMR, 2, 0x7f);
	next_tx = 0;
	read_to = 0;
}

static int starts(void **state)
{
	machine_make("rtl8139");
	driver_begins(0x0a); /* AB, APM */
	return 0;
}

static void driver_sends(const uint8_t *to, uint32_t len, uint8_t token)
{
	uint32_t at = TX_BUFFERS + 0x800 * next_tx;

	frame_fill(ram(at, len), to, len, token);
	set(TSAD + 4 * next_tx, 4, at);
	set(TSD + 4 * next_tx, 4, len);
	next_tx = (next_tx + 1) % 4;
}

static uint8_t ring_byte(uint32_t at, uint32_t wrap)
{
	return ram_get(RX_RING + (wrap ? at % RX_SIZE : at), 1);
}

/* PG 2 (5); @linear: the frame lies in a row, beyond the end too */
static uint32_t driver_receives(uint8_t *frame, bool linear, uint32_t *status)
{
	uint32_t at = read_to % RX_SIZE, len;

	if (get(CR, 1) & 1)
		return 0;
	*status = ram_get(RX_RING + at, 2);
	len = ram_get(RX_RING + at + 2, 2) - 4;
	for (uint32_t i = 0; i < len + 4; i++)
		frame[i] = ring_byte(at + 4 + i, !linear);
	assert_int_equal(fcs(frame, len), frame[len] | frame[len + 1] << 8 | frame[len + 2] << 16 |
					  (uint32_t)frame[len + 3] << 24);
	read_to = (read_to + 4 + len + 4 + 3) & ~3u;
	set(CAPR, 2, read_to - 16);
	return len;
}

static void came_in(const uint8_t *to, uint32_t len, uint8_t token, uint32_t is)
{
	static uint8_t frame[65536], expected[65536];
	uint32_t status = 0;

	assert_int_equal(driver_receives(frame, get(RCR, 4) & 0x80, &status), len);
	assert_int_equal(status & 0xe001, 0x0001 | is);
	frame_fill(expected, to, len, token);
	assert_memory_equal(frame, expected, len);
}

#define TO_US 0x4000
#define TO_ALL 0x2000
#define TO_GROUP 0x8000

/* --- what is asked of it ---------------------------------------------------------------------- */

static void is_found(void **state)
{
	assert_int_equal(config_read(0, 4), 0x813910ec);
	assert_int_equal(config_read(8, 1), 0x10);
	assert_int_equal(config_read(6, 2), 0x0210); /* 8.2 */
	/* both BARs show the same, and accesses of any width */
	assert_int_equal(io_read(0, IDR, 4), 0x66767502);
	assert_int_equal(get(IDR + 4, 2), 0x0100);
	assert_int_equal(get(IDR + 3, 1), 0x66);
	assert_int_equal(get(TCR, 4) & 0x7cc00000, 0x74000000);
	io_write(0, IMR, 4, 0x00010001 | 0x7f << 16); /* IMR, and ISR behind it */
	assert_int_equal(get(IMR, 2), 0x0001);
}

static uint16_t eeprom_reads(unsigned int word)
{
	uint32_t command = 0x6 << 6 | word, data = 0;

	set(EECR, 1, 0x80);
	set(EECR, 1, 0x88);
	for (int bit = 10; bit >= 0; bit--) { /* some zeroes in front: they are passed over */
		uint32_t in = command >> bit & 1 ? 2 : 0;

		set(EECR, 1, 0x88 | in);
		set(EECR, 1, 0x88 | in | 4);
	}
	set(EECR, 1, 0x88);
	for (int bit = 0; bit < 16; bit++) {
		set(EECR, 1, 0x88 | 4);
		data = data << 1 | (get(EECR, 1) & 1);
		set(EECR, 1, 0x88);
	}
	set(EECR, 1, 0);
	return data;
}

static void has_an_eeprom(void **state)
{
	uint16_t mac[3] = { eeprom_reads(7), eeprom_reads(8), eeprom_reads(9) };

	assert_int_equal(eeprom_reads(0), 0x8129);
	assert_int_equal(eeprom_reads(10), get(CONFIG1, 1) << 8 | get(CONFIG0, 1));
	assert_memory_equal(mac, nic_mac, 6);
}

static void sends(void **state)
{
	for (uint8_t i = 1; i < 30; i++) {
		uint32_t slot = next_tx;

		driver_sends(to_all, 40 + 48 * i, i);
		went_out(to_all, 40 + 48 * i, i);
		assert_int_equal(get(TSD + 4 * slot, 4) & (OWN | TOK), OWN | TOK);
	}
	assert_int_equal(get(ISR, 2) & 4, 4);
	assert_int_equal(get(TSUM, 2), 0xf00f);
	set(ISR, 2, 4);
	assert_int_equal(get(ISR, 2), 0);
	nothing_went_out();
}

/* One after the other, whatever the order they are given in */
static void sends_in_turn(void **state)
{
	frame_fill(ram(TX_BUFFERS, 100), to_all, 100, 1);
	frame_fill(ram(TX_BUFFERS + 0x800, 100), to_all, 100, 2);
	set(TSAD, 4, TX_BUFFERS);
	set(TSAD + 4, 4, TX_BUFFERS + 0x800);
	set(TSD + 4, 4, 100);
	nothing_went_out();
	set(TSD, 4, 100);
	went_out(to_all, 100, 1);
	went_out(to_all, 100, 2);
}

static void receives_around(bool linear)
{
	driver_begins(linear ? 0x8a : 0x0a);
	for (unsigned int i = 0; i < 100; i++) {
		uint32_t len = 60 + i * 37 % 1450;

		assert_int_equal(wire_sends(nic_mac, len, i), NIC_TAKEN);
		came_in(nic_mac, len, i, TO_US);
		assert_int_equal(get(CR, 1) & 1, 1); /* empty */
		assert_int_equal(get(CBR, 2), read_to % RX_SIZE);
	}
}

static void receives(void **state)
{
	receives_around(false);
	receives_around(true);
	assert_int_equal(ram_get(RX_RING - 8, 8), 0);
}

static void overflows(void **state)
{
	unsigned int n = 0, i = 0;

	while (wire_sends(nic_mac, 1000, n) == NIC_TAKEN)
		n++;
	assert_int_equal(n, 8); /* of 1008 bytes each, and never quite full */
	nic_overrun(machine.nic);
	assert_int_equal(get(ISR, 2) & 0x10, 0x10);
	assert_int_equal(get(MPC, 4), 1);
	set(MPC, 4, 0x123456); /* whatever */
	assert_int_equal(get(MPC, 4), 0);
	while (i < n)
		came_in(nic_mac, 1000, i++, TO_US);
	assert_int_equal(wire_sends(nic_mac, 1000, 1), NIC_TAKEN);
}

static void filters(void **state)
{
	static const uint8_t other[6] = { 2, 0, 0, 0, 0, 9 };
	static const uint8_t group[6] = { 1, 0, 0x5e, 0, 0x12, 0x34 };
	uint32_t crc = 0xffffffff, bit;

	/* the CRC, most significant bit first, and its upper six bits */
	for (int i = 0; i < 6; i++)
		for (int k = 0; k < 8; k++) {
			bit = (crc >> 31) ^ (group[i] >> k & 1);
			crc = crc << 1 ^ (bit ? 0x04c11db7 : 0);
		}
	assert_int_equal(wire_sends(other, 100, 1), NIC_DROPPED);
	assert_int_equal(wire_sends(to_all, 100, 1), NIC_TAKEN);
	came_in(to_all, 100, 1, TO_ALL);
	set(RCR, 4, 0x0e);
	assert_int_equal(wire_sends(group, 100, 1), NIC_DROPPED);
	set(MAR + (crc >> 29) , 1, 1u << (crc >> 26 & 7));
	assert_int_equal(wire_sends(group, 100, 1), NIC_TAKEN);
	came_in(group, 100, 1, TO_GROUP);
	set(RCR, 4, 0x0a);
	assert_int_equal(wire_sends(group, 100, 1), NIC_DROPPED);
	set(RCR, 4, 0x08);
	assert_int_equal(wire_sends(nic_mac, 100, 1), NIC_DROPPED);
	set(RCR, 4, 0x01); /* all unicasts, of which not all are ours */
	assert_int_equal(wire_sends(group, 100, 1), NIC_DROPPED);
	assert_int_equal(wire_sends(to_all, 100, 1), NIC_DROPPED);
	assert_int_equal(wire_sends(other, 100, 1), NIC_TAKEN);
	came_in(other, 100, 1, 0);
	assert_int_equal(wire_sends(nic_mac, 1789, 1), NIC_DROPPED);
}

static void interrupts(void **state)
{
	wire_sends(nic_mac, 100, 1);
	assert_true(machine.world.line);
	assert_int_equal(get(ISR, 2), 1);
	assert_true(machine.world.line); /* reading clears nothing */
	set(ISR, 2, 1);
	assert_false(machine.world.line);
	set(IMR, 2, 0);
	driver_sends(to_all, 100, 1);
	assert_false(machine.world.line);
	set(IMR, 2, 4);
	assert_true(machine.world.line);
	set(ISR, 2, 0xffff);
	set(IMR, 2, 0x4000);
	set(TIMERINT, 4, 33000); /* 1 ms */
	set(TCTR, 4, 0);
	machine.world.now += 999000;
	nic_tick(machine.nic);
	assert_false(machine.world.line);
	assert_in_range(get(TCTR, 4), 32900, 33000);
	machine.world.now += 2000;
	nic_tick(machine.nic);
	assert_true(machine.world.line);
	assert_int_equal(get(ISR, 2), 0x4000);
}

static void link_changes(void **state)
{
	assert_int_equal(get(BMSR, 2) & 4, 4);
	assert_int_equal(get(MSR, 1) & 4, 0);
	nic_link(machine.nic, false);
	assert_int_equal(get(BMSR, 2) & 4, 0);
	assert_int_equal(get(MSR, 1) & 4, 4);
	assert_int_equal(get(ISR, 2), 0x20);
	/* What was under way when the link went is taken. */
	assert_int_equal(wire_sends(nic_mac, 100, 1), NIC_TAKEN);
}

static void resets(void **state)
{
	wire_sends(nic_mac, 100, 1);
	driver_sends(to_all, 100, 1);
	set(CR, 1, 0x1c);
	assert_int_equal(get(CR, 1), 1);
	assert_int_equal(get(IMR, 2), 0);
	assert_int_equal(get(CAPR, 2), 0xfff0);
	assert_false(machine.world.line);
	assert_int_equal(get(IDR, 4), 0x66767502);
	assert_int_equal(get(TSD, 4), OWN);
	went_out(to_all, 100, 1);
	driver_begins(0x0a);
	wire_sends(nic_mac, 90, 2);
	came_in(nic_mac, 90, 2, TO_US);
	driver_sends(to_all, 90, 2);
	went_out(to_all, 90, 2);
}

/* 6.2: what can't be written is cleared by a write. */
static void status_is_the_devices(void **state)
{
	driver_sends(to_all, 100, 1);
	assert_int_equal(get(TSD, 4) & TOK, TOK);
	set(TSD, 4, 0xffffffff);
	assert_int_equal(get(TSD, 4), 0x003f3fff);
	set(TSD, 4, OWN);
	assert_int_equal(get(TSD, 4), OWN);
}

/* 6.9, 7.1 */
static void configuration_is_guarded(void **state)
{
	assert_int_equal(get(CONFIG0, 1), 0x10);
	assert_int_equal(get(CONFIG1, 1), 0x0d); /* there is power management */
	set(IDR, 4, 0);
	set(CONFIG1, 1, 0xff);
	set(CONFIG3, 1, 0xff);
	set(BMCR, 2, 0);
	set(PHY1_PARM, 4, 1);
	assert_int_equal(get(IDR, 4), 0x66767502);
	assert_int_equal(get(CONFIG1, 1), 0x0d);
	assert_int_equal(get(CONFIG3, 1), 0);
	assert_int_equal(get(BMCR, 2), 0x3100);
	assert_int_equal(get(PHY1_PARM, 4), 0);
	set(EECR, 1, 0xc0);
	set(IDR, 4, 0x01020304);
	set(CONFIG1, 1, 0xff);
	set(CONFIG0, 1, 0xff);
	set(PHY1_PARM, 4, 1);
	set(CONFIG3, 1, 0xff);
	set(CONFIG4, 1, 0xff);
	set(BMCR, 2, 0x2100);
	set(PHY1_PARM, 4, 2); /* CONFIG3 has PARM_EN now */
	assert_int_equal(get(IDR, 4), 0x01020304);
	assert_int_equal(get(CONFIG0, 1), 0x10);
	assert_int_equal(get(CONFIG1, 1), 0xff);
	assert_int_equal(get(CONFIG3, 1), 0x70);
	assert_int_equal(get(CONFIG4, 1), 0xf5);
	assert_int_equal(get(BMCR, 2), 0x2100);
	assert_int_equal(get(PHY1_PARM, 4), 1);
	set(EECR, 1, 0x40); /* as after power-on, and the mode is the normal one */
	assert_int_equal(get(EECR, 1) & 0xc0, 0);
	assert_int_equal(get(IDR, 4), 0x66767502);
	assert_int_equal(get(CONFIG3, 1), 0);
	assert_int_equal(get(CR, 1), 1);
}

/* 6.4 */
static void what_a_reset_keeps(void **state)
{
	set(EECR, 1, 0xc0);
	set(IDR, 4, 0x01020304);
	set(EECR, 1, 0);
	set(MAR, 4, 0x80000001);
	set(CR, 1, 0x10);
	assert_int_equal(get(IDR, 4), 0x01020304);
	assert_int_equal(get(MAR, 4), 0x80000001);
	assert_int_equal(get(RCR, 4), 0);
	nic_reset(machine.nic); /* power */
	bios_assigns();
	assert_int_equal(get(IDR, 4), 0x66767502);
	assert_int_equal(get(MAR, 4), 0);
}

/* 6.18, 6.20, 6.23 */
static void has_a_phy(void **state)
{
	set(ANAR, 2, 0x0021);
	assert_int_equal(get(ANAR, 2), 0x0421); /* the EEPROM says that there are pauses */
	set(BMCR, 2, 0x8000);
	assert_int_equal(get(BMCR, 2), 0x3100);
	assert_int_equal(get(ANAR, 2), 0x05e1);
	nic_link(machine.nic, false);
	nic_link(machine.nic, true);
	nic_link(machine.nic, false);
	assert_int_equal(get(DIS, 2), 2);
	assert_int_equal(get(DIS, 2), 0);
}

/* 6.6, PUN; PG 2 (5) */
static void reads_where_nothing_is(void **state)
{
	wire_sends(nic_mac, 100, 1);
	came_in(nic_mac, 100, 1, TO_US);
	assert_int_equal(get(ISR, 2), 1);
	set(CAPR, 2, read_to - 16);
	assert_int_equal(get(ISR, 2), 0x21);
}

/* 6.8: WRAP is invalid with 64 KiB; and 4.2.3.3 of 802.3: a wire has no runts */
static void the_largest_ring(void **state)
{
	static uint8_t frame[64];

	driver_begins(0x188a);
	for (unsigned int i = 0; i < 44; i++) {
		assert_int_equal(wire_sends(nic_mac, 1500, i), NIC_TAKEN);
		read_to += 4 + 1500 + 4;
		set(CAPR, 2, read_to - 16);
	}
	assert_int_equal(get(CBR, 2), read_to & 0xffff);
	assert_true(read_to > 0x10000);
	assert_int_equal(ram_get(RX_RING + 0x10000, 8), 0);
	driver_begins(0x0a);
	wire_sends(nic_mac, 42, 1);
	assert_int_equal(driver_receives(frame, false, &(uint32_t){ 0 }), 60);
	assert_int_equal(frame[42], 0);
}

/* 6, TimerInt: whenever the timer gets there, and it goes around */
static void the_timer_goes_around(void **state)
{
	set(IMR, 2, 0x4000);
	set(TIMERINT, 4, 33000);
	set(TCTR, 4, 0);
	for (unsigned int i = 0; i < 2; i++) {
		assert_in_range(nic_deadline(machine.nic), 1, 1ull << 40);
		machine.world.now = nic_deadline(machine.nic) - 1;
		nic_tick(machine.nic);
		assert_int_equal(get(ISR, 2), 0);
		machine.world.now++;
		nic_tick(machine.nic);
		assert_int_equal(get(ISR, 2), 0x4000);
		set(ISR, 2, 0x4000);
		if (i)
			assert_true(machine.world.now > (1ull << 32) * 1000 / 33);
	}
}

static void breaks_the_rules(void **state)
{
	set(TSAD, 4, 0xfffffffc);
	set(TSD, 4, 100);
	set(TSD + 4, 4, 0);
	set(TSAD + 8, 4, TX_BUFFERS);
	set(TSD + 8, 4, 0x1fff); /* 8191 bytes */
	nothing_went_out();
	assert_int_equal(nic_counters(machine.nic)->tx_bad, 3);
	assert_int_equal(get(TSD + 8, 4) & OWN, OWN);
	set(RBSTART, 4, 0xfffffff0); /* the ring is nowhere */
	assert_int_equal(wire_sends(nic_mac, 100, 1), NIC_TAKEN);
	assert_true(nic_counters(machine.nic)->dma_errors > 0);
	for (unsigned int i = 0; i < 65536; i += 7) { /* any CAPR */
		set(CAPR, 2, i);
		wire_sends(nic_mac, 100, 1);
	}
	driver_begins(0x0a);
	wire_sends(nic_mac, 90, 2);
	came_in(nic_mac, 90, 2, TO_US);
}

#define AN_RTL8139(test) cmocka_unit_test_setup_teardown(test, starts, machine_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		AN_RTL8139(is_found),
		AN_RTL8139(has_an_eeprom),
		AN_RTL8139(sends),
		AN_RTL8139(sends_in_turn),
		AN_RTL8139(receives),
		AN_RTL8139(overflows),
		AN_RTL8139(filters),
		AN_RTL8139(interrupts),
		AN_RTL8139(link_changes),
		AN_RTL8139(resets),
		AN_RTL8139(status_is_the_devices),
		AN_RTL8139(configuration_is_guarded),
		AN_RTL8139(what_a_reset_keeps),
		AN_RTL8139(has_a_phy),
		AN_RTL8139(reads_where_nothing_is),
		AN_RTL8139(the_largest_ring),
		AN_RTL8139(the_timer_goes_around),
		AN_RTL8139(breaks_the_rules),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is not one personality's: a NIC in XML and Lua alone (tests/nic/tiny.xml), personalities
 * that are wrong, scripts that break, objects of another version.
 */
#include "nics.h"

#include <errno.h>
#include <sys/stat.h>

#include "nic.h"

#define CONTROL 0x00
#define CAUSE 0x08
#define MASK 0x0c
#define HASH 0x18
#define TX_RING_REG 0x20
#define RX_RING_REG 0x24
#define KICK 0x28
#define FRAMES 0x2c
#define ALARM 0x40
#define TX 0x100000
#define RX 0x100100
#define BUFFERS 0x102000
#define OWN (1u << 31)
#define WRAP (1u << 30)
#define END (1u << 29)

static char directory[] = "/tmp/uvf-nic-XXXXXX";

static uint64_t get(uint32_t at) { return mem_read(0, at, 4); }
static void set(uint32_t at, uint32_t value) { mem_write(0, at, 4, value); }

/* --- the tiny NIC ----------------------------------------------------------------------------- */

static int starts(void **state)
{
	machine_make("tiny");
	for (unsigned int i = 0; i < 4; i++) {
		ram_put(RX + 8 * i, 4, BUFFERS + 0x200 * i);
		ram_put(RX + 8 * i + 4, 4, OWN | (i == 3 ? WRAP : 0) | 512 << 12);
	}
	set(TX_RING_REG, TX);
	set(RX_RING_REG, RX);
	set(MASK, 0xff);
	set(CONTROL, 0xb);
	return 0;
}

static unsigned int slot;

static void tx_put(uint32_t address, uint32_t flags)
{
	ram_put(TX + 8 * slot, 4, address);
	ram_put(TX + 8 * slot + 4, 4, flags | (slot == 3 ? WRAP : 0));
	slot = (slot + 1) % 4;
}

static void tiny_passes_frames(void **state)
{
	slot = 0;
	for (uint8_t i = 1; i < 20; i++) {
		frame_fill(ram(BUFFERS + 0x1000, 200), to_all, 200, i);
		tx_put(BUFFERS + 0x1000, 50 | OWN);
		tx_put(BUFFERS + 0x1000 + 50, 150 | OWN | END);
		set(KICK, 1);
		went_out(to_all, 200, i);
		assert_int_equal(ram_get(TX + 8 * ((slot + 3) % 4) + 4, 4) & OWN, 0);
		assert_int_equal(get(CAUSE), 1);
		set(CAUSE, 1);
	}
	for (uint8_t i = 1; i < 20; i++) {
		uint32_t at = RX + 8 * ((i - 1) % 4), flags;
		uint8_t expected[300];

		assert_int_equal(wire_sends(i & 1 ? to_all : nic_mac, 300, i), NIC_TAKEN);
		flags = ram_get(at + 4, 4);
		assert_int_equal(flags & (OWN | END | 1u << 28), END | (i & 1) << 28);
		assert_int_equal(flags & 0xfff, 300);
		frame_fill(expected, i & 1 ? to_all : nic_mac, 300, i);
		assert_memory_equal(ram(ram_get(at, 4), 300), expected, 300);
		ram_put(at + 4, 4, (flags & WRAP) | OWN | 512 << 12);
	}
	assert_int_equal(get(FRAMES), 19 | 19 << 16);
	assert_int_equal(get(FRAMES), 0);
}

/* Sixteen bits stop at the most that they can hold. */
static void tiny_counters(void **state)
{
	for (unsigned int i = 0; i < 65537; i++) {
		ram_put(RX + 4, 4, OWN | WRAP | 512 << 12);
		if (wire_sends(nic_mac, 60, 1) != NIC_TAKEN)
			fail_msg("frame %u", i);
	}
	assert_int_equal(get(FRAMES), 0xffff);
	assert_int_equal(get(FRAMES), 0);
}

/* A frame over two buffers; and when there are none */
static void tiny_buffers(void **state)
{
	assert_int_equal(wire_sends(nic_mac, 700, 1), NIC_TAKEN);
	assert_int_equal(ram_get(RX + 4, 4) & (OWN | END | 0xfff), 512);
	assert_int_equal(ram_get(RX + 12, 4) & (OWN | END | 0xfff), END | 188);
	assert_int_equal(wire_sends(nic_mac, 1200, 1), NIC_FULL);
	assert_int_equal(ram_get(RX + 20, 4) & OWN, OWN); /* untouched */
	nic_overrun(machine.nic);
	assert_int_equal(get(CAUSE), 6);
}

static void tiny_lua(void **state)
{
	uint64_t value;

	mem_write(0, 0x30, 2, 6);
	mem_write(0, 0x32, 2, 7);
	assert_int_equal(get(0x34), 42);
	assert_int_equal(mem_read(0, 0x38, 8), 0x010066767502);
	set(ALARM, 5000);
	assert_int_equal(nic_deadline(machine.nic), machine.world.now + 5000);
	machine.world.now += 5000;
	nic_tick(machine.nic);
	assert_int_equal(get(CAUSE), 0x10);
	assert_int_equal(nic_deadline(machine.nic), UINT64_MAX);
	/* turned around, dropped */
	frame_fill(ram(BUFFERS + 0x1000, 100), to_all, 100, 1);
	ram_put(BUFFERS + 0x1000 + 12, 2, 0xb588);
	slot = 0;
	tx_put(BUFFERS + 0x1000, 100 | OWN | END);
	set(KICK, 1);
	assert_memory_equal(world_frame(&machine.world)->bytes + 6, to_all, 6);
	ram_put(BUFFERS + 0x1000 + 12, 2, 0xb688);
	tx_put(BUFFERS + 0x1000, 100 | OWN | END);
	set(KICK, 1);
	nothing_went_out();
	assert_int_equal(nic_counters(machine.nic)->script_dropped, 1);
	assert_false(machine.world.room_is_out);
	/* a window onto the registers, with index and data; parts of registers */
	io_write(2, 0, 4, MASK);
	io_write(2, 4, 4, 0x55);
	assert_int_equal(get(MASK), 0x55);
	assert_int_equal(io_read(2, 4, 2), 0x55);
	io_write(2, 0x11, 1, 0xab);
	assert_int_equal(io_read(2, 0x10, 4), 0x5500ab00);
	io_write(2, 0x10, 1, 0x05);
	assert_int_equal(io_read(2, 0x10, 4), 0x5500ab05);
	/* out of everything */
	value = 1;
	nic_bar(machine.nic, 0, 0xfffffffffffffffe, 8, false, &value);
	assert_int_equal(value, UINT64_MAX);
	nic_bar(machine.nic, 0, 0xff, 4, false, &value);
	assert_int_equal(value, 0xffffffff);
	nic_config(machine.nic, 254, 4, false, &value);
	assert_int_equal(value, 0xffffffff);
}

/* Killed between any two frames, it goes on; another kind of card does not. */
static void tiny_is_killed(void **state)
{
	machine_keeps();
	slot = 0;
	for (uint8_t i = 1; i < 20; i++) {
		uint32_t at = RX + 8 * ((i - 1) % 4);

		frame_fill(ram(BUFFERS + 0x1000, 200), to_all, 200, i);
		tx_put(BUFFERS + 0x1000, 200 | OWN | END);
		machine_is_killed("tiny", 1);
		set(KICK, 1);
		went_out(to_all, 200, i);
		machine_is_killed("tiny", 1);
		assert_int_equal(wire_sends(to_all, 300, i), NIC_TAKEN);
		assert_int_equal(ram_get(at + 4, 4) & (OWN | END | 0xfff), END | 300);
		ram_put(at + 4, 4, (ram_get(at + 4, 4) & WRAP) | OWN | 512 << 12);
	}
	assert_int_equal(get(FRAMES), 19 | 19 << 16);
	/* what waited was kept: an alarm, causes that the guest has not seen, the link */
	set(ALARM, 5000);
	nic_link(machine.nic, false);
	set(CAUSE, 0xff);
	machine_is_killed("tiny", 1);
	assert_int_equal(get(CAUSE), 3); /* there may be nothing to do */
	assert_true(machine.world.line);
	assert_int_equal(nic_deadline(machine.nic), machine.world.now + 5000);
	nic_link(machine.nic, true);
	assert_int_equal(get(CAUSE), 3 | 8);
	machine_is_killed("e1000", 0);
	assert_int_equal(config_read(0, 4), 0x100e8086);
	/* it is kept already */
	assert_int_equal(nic_keep(machine.nic, kept[0], KEPT, true), -ENOSPC);
}

static void too_little_is_kept(void **state)
{
	assert_int_equal(nic_keep(machine.nic, kept[0], 64, false), -ENOSPC);
	assert_true(strstr(uvf_why(), "takes"));
	assert_int_equal(wire_sends(to_all, 300, 1), NIC_TAKEN);
	nic_unload(machine.nic);
	assert_int_equal(nic_keep(machine.nic, kept[0], KEPT, false), -ENOSPC);
}

static void damage(void)
{
	static uint32_t seed = 1;

	for (unsigned int n = 0; n < 64; n++) {
		seed = seed * 1664525 + 1013904223;
		kept[0][64 + (seed >> 8) % 4096] = seed >> 24;
	}
}

/* What was left is damaged in any way: it is a card all the same. */
static void what_is_kept_is_damaged(void **state)
{
	machine_keeps();
	for (unsigned int i = 0; i < 300; i++) {
		kept_damage = damage;
		machine_is_killed("tiny", 1);
		kept_damage = NULL;
		wire_sends(to_all, 300, i);
		set(KICK, 1);
		nic_poll(machine.nic);
		nic_tick(machine.nic);
	}
}

static void tiny_vectors(void **state)
{
	config_write(0x54, 4, 0xfee00000);
	config_write(0x5c, 2, 0x40);
	config_write(0x52, 2, 0x11); /* on, and two vectors */
	wire_sends(nic_mac, 100, 1);
	assert_int_equal(machine.world.fired[1], 1);
	assert_int_equal(machine.world.data, 0x41);
	config_write(0x52, 2, 0x01); /* one */
	set(CAUSE, 2);
	wire_sends(nic_mac, 100, 1);
	assert_int_equal(machine.world.fired[0], 1);
	assert_int_equal(machine.world.data, 0x40);
	set(CONTROL, 0x10); /* reset in the middle */
	assert_int_equal(get(CAUSE), 0);
	assert_int_equal(wire_sends(nic_mac, 100, 1), NIC_OFF);
	nic_link(machine.nic, false);
	assert_int_equal(get(CAUSE), 8);
}

/* --- personalities that are made here --------------------------------------------------------- */

static void file_write(const char *name, const char *text, size_t size)
{
	char path[300];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, size, file), size);
	fclose(file);
}

/* The sentences of what is wrong with an XML file, all of them. */
static const char *complaints_of(const char *text)
{
	static char all[8192];
	struct complaints complaints = { 0 };
	struct personality *personality;
	char path[300];
	size_t n = 0;

	file_write("p.xml", text, strlen(text));
	snprintf(path, sizeof(path), "%s/p.xml", directory);
	personality = personality_load(path, &complaints);
	assert_int_equal(!personality, complaints.n > 0);
	personality_free(personality);
	all[0] = '\0';
	for (unsigned int i = 0; i < complaints.n && i < COMPLAINTS; i++)
		n += snprintf(all + n, sizeof(all) - n, "%d: %s\n", complaints.each[i].line,
			      complaints.each[i].text);
	return all;
}

#define HEAD "<personality name='p' version='1'>\n<pci vendor='1' device='2'>\n"
#define PCI HEAD "<bar index='0' kind='memory' size='0x100' space='r'/></pci>\n"
#define SPACE(registers) PCI "<space name='r' size='0x100'>\n" registers "</space>\n"
#define A "<register name='A' at='0' width='4' write='0xff'/>\n"

static void wants(const char *text, const char *expected)
{
	const char *said = complaints_of(text);

	if (!strstr(said, expected))
		fail_msg("'%s' is not in '%s'", expected, said);
}

#define RING_OF(kind) SPACE(A) "<descriptor name='d' size='8'><field meaning='length' byte='0' " \
	"width='16'/><field meaning='address' byte='4' width='32'/></descriptor>\n" \
	"<interrupts cause='A'><cause name='c' bits='1'/></interrupts>\n<ring name='q' kind='" kind \
	"' direction='in' base='A' length='A' head='A' tail='A'"

static void wrong_rings(void **state)
{
	wants(SPACE(A) "<descriptor name='d' size='8'><field meaning='segment' byte='0' width='8'/>"
	      "</descriptor></personality>", "segment have one bit");
	wants(RING_OF("queue") "><uses descriptor='d'/><raises on='idle' cause='c'/></ring>"
	      "</personality>", "9: ring q: idle is for a ring of bytes");
	wants(RING_OF("bytes") " skips-null='yes' align='8'><uses descriptor='d'/><size is='8192'/>"
	      "<low is='2'/></ring></personality>", "9: ring q: low is for a queue that comes in");
	wants(RING_OF("bytes") " skips-null='yes' align='8'><uses descriptor='d'/><size is='8192'/>"
	      "</ring></personality>", "9: ring q: skips-null is for descriptors in memory");
	assert_string_equal(complaints_of(RING_OF("queue") " skips-null='yes'><uses descriptor='d'/>"
					  "<low is='2'/></ring></personality>"), "");
}

static void wrong_descriptions(void **state)
{
	char bomb[2000];

	assert_string_equal(complaints_of(SPACE(A) "</personality>"), "");
	wants("", "1: ");
	wants("<personality", "1: ");
	wants("<other/>", "1: ");
	wants(SPACE(A) "<colour/></personality>", "7: ");
	wants(SPACE("<register name='A' at='x'/>\n") "</personality>", "5: ");
	wants(SPACE(A "<register name='B' at='3' width='2'/>\n") "</personality>",
	      "6: register B overlaps register A of line 5, at 0x3");
	wants(SPACE(A "<register name='A' at='8'/>\n") "</personality>", "6: a register A is there");
	wants(SPACE("<register name='A' at='0xfe'/>\n") "</personality>",
	      "5: register A ends behind its space r");
	wants(SPACE("<register name='A' at='0' count='3' stride='2'/>\n") "</personality>",
	      "5: register A: its elements overlap");
	wants(SPACE("<register name='A' at='0' width='1' reset='0x100'/>\n") "</personality>",
	      "5: register A has 1 bytes, and a reset value of more");
	wants(HEAD "<bar index='0' kind='memory' size='0x30'/></pci></personality>",
	      "3: BAR 0 can't have 0x30 bytes: a power of two");
	wants(HEAD "<bar index='0' kind='memory64' size='32'/>\n<bar index='1' kind='io' size='8'/>"
	      "</pci></personality>", "3: BAR 0 is wide and overlaps BAR 1 of line 4");
	wants(HEAD "<bar index='0' kind='io' size='8'/>\n<bar index='0' kind='io' size='8'/></pci>"
	      "</personality>", "4: BAR 0 is there already, at line 3");
	wants(HEAD "<capability kind='pm' at='0x41'/>\n</pci></personality>", "3: a capability can't");
	wants(HEAD "<capability kind='pm' at='0x40'/>\n<capability kind='msi' at='0x44'/></pci>"
	      "</personality>", "4: it overlaps the capability of line 3");
	wants(HEAD "<capability kind='msix' at='0x40' vectors='65' table-bar='1' table-at='0' "
	      "pending-at='8'/></pci></personality>", "3: a capability can't have 65 vectors");
	wants(SPACE(A) "<descriptor name='d' size='8'>\n<field meaning='address' byte='4' "
	      "width='40'/></descriptor></personality>",
	      "8: address of descriptor d ends at bit 72, and the descriptor at bit 64");
	wants(SPACE(A) "<descriptor name='d' size='8'><field meaning='length' byte='0' width='16'/>\n"
	      "<field meaning='end' byte='1'/></descriptor></personality>",
	      "8: in descriptor d, end overlaps length of line 7");
	wants(SPACE(A) "<ring name='q' kind='queue' direction='in'><uses descriptor='d'/></ring>"
	      "</personality>", "7: there is no descriptor d");
	wants(SPACE(A) "<descriptor name='d' size='8'><field meaning='length' byte='0' width='16'/>"
	      "<field meaning='address' byte='4' width='32'/></descriptor>\n"
	      "<ring name='q' kind='queue' direction='in' base='A'><uses descriptor='d'/></ring>"
	      "</personality>", "8: ring q needs base, length, head and tail");
	wants(SPACE(A) "<station register='B'/></personality>", "7: there is no register B");
	wants(SPACE(A) "<reset register='A[1]' mask='1'/></personality>", "no element 1");
	wants(SPACE(A) "<reset register='A' mask='1' value='2'/></personality>",
	      "7: the value 0x2 has bits that its mask 0x1 has not");
	wants(SPACE(A) "<script file='none.lua'/></personality>", "7: the script");
	wants(SPACE(A) "<script file='../none.lua'/></personality>", "7: ");
	wants(SPACE(A) "<module file='none.so'/></personality>", "none.so can't be read");
	snprintf(bomb, sizeof(bomb), "<!DOCTYPE x [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b "
		 "'&a;&a;&a;&a;'>]>%s", SPACE(A) "</personality>");
	wants(bomb, "1: a document type (DOCTYPE) is not wanted here");
}

/* --- scripts ---------------------------------------------------------------------------------- */

#define SCRIPTED SPACE(A "<register name='B' at='4'/>\n") "<script file='s.lua' instructions='5000' " \
	"memory='200000'/></personality>"

static const char *script_says(const char *script)
{
	file_write("s.lua", script, strlen(script));
	return complaints_of(SCRIPTED);
}

static void scripts_that_do_not_load(void **state)
{
	static const char *const cases[][2] = {
		{ "x = = 1", "s.lua:1:" },
		{ "\n\nerror('no')", "s.lua:3: no" },
		{ "while true do end", "more than 5000 instructions" },
		{ "while true do pcall(function() while true do end end) end", "more than 5000" },
		{ "local s = 'x' while true do s = s .. s end", "more than 200000 bytes" },
		{ "local t = {} for i = 1, 1e9 do pcall(function() t[i] = ('x'):rep(1000) end) end",
		  "more than" },
		{ "for i = 1, 1e6 do local s = ('x'):rep(100000) end", "more than" },
		{ "function read.C() end", "read.C: there is no such register" },
		{ "read.A = 1", "read.A is no function" },
		{ "read = 1", "read is no table any more" },
		{ "frame_in = 1", "frame_in is no function" },
		{ "nic.get('A')", "there is no NIC yet" },
		{ "error({})", "an error without a text" },
		{ "\27Lua", "s.lua" },
		{ "io.open('/etc/passwd')", "'io'" },
		{ "os.exit(1)", "'os'" },
		{ "load('x = 1')()", "'load'" },
		{ "require('x')", "'require'" },
		{ "debug.sethook()", "'debug'" },
		{ "coroutine.wrap(print)", "'coroutine'" },
		{ "setmetatable({}, {})", "'setmetatable'" },
		{ "string.dump(function() end)", "'dump'" },
		{ "('x'):find('x')", "'find'" },
		{ "collectgarbage('stop')", "'collectgarbage'" },
	};

	for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *said = script_says(cases[i][0]);

		if (!strstr(said, cases[i][1]) || strncmp(said, "8: ", 3))
			fail_msg("%s: '%s' is not in '%s'", cases[i][0], cases[i][1], said);
	}
	assert_string_equal(script_says("x = ('a'):rep(10):upper() .. string.pack('<I4', 7)"), "");
}

static void scripted_make(const char *script)
{
	char path[300];

	file_write("p.xml", SCRIPTED, strlen(SCRIPTED));
	file_write("s.lua", script, strlen(script));
	snprintf(path, sizeof(path), "%s/p.xml", directory);
	machine_make(path);
}

/* It is ended, that is said, and the NIC is what its XML says. */
static void breaks(const char *script, const char *expected)
{
	scripted_make(script);
	set(0, 0x5a);
	if (!strstr(machine.world.said, expected))
		fail_msg("'%s' is not in '%s'", expected, machine.world.said);
	assert_int_equal(machine.world.says, 1);
	assert_int_equal(nic_counters(machine.nic)->script_errors, 1);
	assert_int_equal(get(0), 0x5a);
	set(0, 0x5b);
	assert_int_equal(get(0), 0x5b);
	assert_int_equal(machine.world.says, 1);
	machine_end(NULL);
}

static void scripts_that_break(void **state)
{
	breaks("function write.A() while true do end end", "it runs for more than 5000");
	breaks("function write.A() local s = 'x' while true do s = s .. s end end",
	       "more than 200000 bytes");
	breaks("function write.A() error('boo') end", "s.lua:1: boo");
	breaks("function write.A() return 'x' end", "returned no integer");
	breaks("function write.A() nic.set('C', 1) end", "there is no register C");
	breaks("function write.A() nic.get('A', -1) end", "has no element");
	breaks("function write.A() nic.raise('x') end", "there is no interrupt cause x");
	breaks("function write.A() local function f() return f() + 1 end f() end", "more than");
	/* what is within the limits goes on for ever */
	scripted_make("function write.A(v) nic.set('B', nic.get('B') + 1) end");
	for (unsigned int i = 0; i < 2000; i++)
		set(0, i);
	assert_int_equal(get(4), 2000);
	machine_end(NULL);
}

/* --- objects ---------------------------------------------------------------------------------- */

static void objects_of_another_kind(void **state)
{
	char path[300];

	wants(SPACE(A) "<module file='p.xml'/></personality>", "the shared object can't be loaded");
	snprintf(path, sizeof(path), "%s/p.xml", directory);
	chmod(path, 0666);
	wants(SPACE(A) "<module file='p.xml'/></personality>", "everybody's to write");
	chmod(path, 0644);
}

/* In C alone, in the place of the tiny one, and not of another version */
static void objects(void **state)
{
	assert_int_not_equal(nic_load(machine.nic, "echo-old"), 0);
	assert_true(strstr(uvf_why(), "echo-old.so is for version 7 of <uvf/personality.h>, and this "
				      "is version 1"));
	assert_string_equal(nic_personality(machine.nic), "tiny");
	assert_int_equal(nic_load(machine.nic, "echo"), 0);
	bios_assigns();
	assert_int_equal(config_read(0, 4), 0x00031234);
	set(0, 0x01020304);
	assert_int_equal(get(0), 0x01020304);
	assert_int_equal(get(4), 0x04030201);
	assert_int_equal(wire_sends(nic_mac, 100, 5), NIC_TAKEN);
	went_out(nic_mac, 100, 5);
	assert_int_equal(nic_counters(machine.nic)->rx_frames, 1);
	machine.world.full = true;
	assert_int_equal(wire_sends(nic_mac, 100, 5), NIC_FULL);
	assert_int_equal(nic_load(machine.nic, "tiny"), 0);
	assert_int_equal(wire_sends(nic_mac, 100, 5), NIC_OFF);
}

static int directory_make(void **state)
{
	places_tell();
	return mkdtemp(directory) ? 0 : -1;
}

static int directory_end(void **state)
{
	char path[300];

	snprintf(path, sizeof(path), "%s/p.xml", directory);
	unlink(path);
	snprintf(path, sizeof(path), "%s/s.lua", directory);
	unlink(path);
	return rmdir(directory);
}

#define TINY(test) cmocka_unit_test_setup_teardown(test, starts, machine_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TINY(tiny_passes_frames),
		TINY(tiny_counters),
		TINY(tiny_buffers),
		TINY(tiny_lua),
		TINY(tiny_vectors),
		TINY(tiny_is_killed),
		TINY(too_little_is_kept),
		TINY(what_is_kept_is_damaged),
		TINY(objects),
		cmocka_unit_test(wrong_descriptions),
		cmocka_unit_test(wrong_rings),
		cmocka_unit_test(scripts_that_do_not_load),
		cmocka_unit_test(scripts_that_break),
		cmocka_unit_test(objects_of_another_kind),
	};

	return cmocka_run_group_tests(tests, directory_make, directory_end);
}

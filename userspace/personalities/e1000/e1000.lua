-- SPDX-License-Identifier: GPL-2.0-only
-- What of the 82540EM is no table: the EEPROM, behind four wires or a register, and the PHY,
-- behind a serial bus that the MDIC register drives. Sections are those of the 8254x SDM.

-- --- EEPROM: 5.6, table 5-2; 64 words, whose sum is 0xbaba -----------------------------------

local words

local function words_make()
	words = {}
	for i = 0, 63 do words[i] = 0xffff end
	words[0], words[1], words[2] = string.unpack("<I2I2I2", nic.mac())
	words[0x03] = 0x0000 -- 5.6.2: compatibility
	words[0x05] = 0x0100 -- version of the image
	words[0x08], words[0x09] = 0x0000, 0x0000 -- 5.6.6: number of the board
	words[0x0a] = 0x640b -- 5.6.7: 32-bit BARs, full duplex, power management, IDs are loaded
	words[0x0b], words[0x0c] = 0x001e, 0x8086 -- subsystem
	words[0x0d], words[0x0e] = 0x100e, 0x8086
	words[0x0f] = 0x3000 -- 5.6.12: pauses; MSI is not disabled
	words[0x20] = 0x0005 -- 5.6.17: as CTRL has them
	words[0x21], words[0x22] = 0x7061, 0x280c -- table 5-2
	words[0x23] = 0x0001 -- 5.6.24: SMBus, by which CTRL.SLU begins as 1
	words[0x24] = 0x08c8 -- 5.6.26: no flash, no wake-up
	words[0x2f] = 0x0602 -- 5.6.29: LEDs
	words[0x3f] = 0 -- 5.6.35
	local sum = 0
	for i = 0, 62 do sum = sum + words[i] end
	words[0x3f] = (0xbaba - sum) & 0xffff
end

-- 13.4.3 and 5.3.1: the Microwire bus, on which there is a 93C46. A command is a one, two bits and
-- six of an address; a bit is taken, or given, by each rising edge of the clock.
local SK, CS, DI, DO, REQ, GNT, PRESENT = 1, 2, 4, 8, 0x40, 0x80, 0x100
local READ = 2
local taken, command, giving

local function bus_idle() taken, command, giving = 0, 0, nil end

local function rising(bit)
	if giving then
		local out = giving >> 15 & 1
		giving = (giving << 1) & 0xffff
		return out
	end
	if taken == 0 and bit == 0 then return 1 end -- no command has begun
	command, taken = command << 1 | bit, taken + 1
	if taken < 9 then return 1 end
	if command >> 6 & 3 == READ then giving = words[command & 63] else bus_idle() end
	return 0 -- a zero is in front of the word
end

local function wires(value, before, out)
	if value & CS == 0 then bus_idle() return 1 end
	if value & SK ~= 0 and before & SK == 0 then
		return rising(value & DI ~= 0 and 1 or 0)
	end
	return out
end

function write.EECD(value, _, before)
	local out = wires(value, before, before & DO ~= 0 and 1 or 0)
	value = value & 0x77 | 0x100
	if value & REQ ~= 0 then value = value | GNT end
	return value | out * DO | PRESENT
end

-- 13.4.4: a word by its address
function write.EERD(value)
	if value & 1 == 0 then return value & 0xff00 end
	return value & 0xff00 | 0x10 | words[value >> 8 & 63] << 16
end

-- --- PHY: an 88E1011, by MDIC: 13.4.7 ----------------------------------------------------------

local ADDRESS = 1
local phy
local lost -- the link was, since the status was read

local function phy_reset()
	lost = not nic.up()
	phy = {
		[0] = 0x1140, -- control: negotiates, full duplex, 1000 Mbit/s
		[2] = 0x0141, [3] = 0x0c20, -- identifiers
		[4] = 0x01e1, [5] = 0xcde1, [6] = 0x000f, -- negotiation, and the partner's
		[9] = 0x1e00, [10] = 0x7c00, -- 1000BASE-T control, status
		[15] = 0x3000, -- extended status
		[16] = 0x0068, [20] = 0x0d60, -- M88 control
	}
end

local function status_read()
	local link = nic.up() and not lost and 4 or 0 -- latched low
	lost = not nic.up()
	return 0x7949 | (nic.up() and 0x20 or 0) | link
end

local function phy_read(register)
	if register == 1 then return status_read() end
	-- speed, duplex, resolved, link
	if register == 17 then return nic.up() and 0xac00 or 0x8000 end
	return phy[register] or 0
end

local read_only = { [1] = true, [2] = true, [3] = true, [5] = true, [6] = true, [10] = true,
		    [15] = true, [17] = true }

local function phy_write(register, value)
	if register == 0 then
		-- table 13-16: of what a driver has set, a reset by software takes back little
		if value & 0x8000 ~= 0 then value = value & ~0xcc80 end
		value = value & ~0x8200 -- reset, and negotiate again: both are done at once
	end
	if not read_only[register] then phy[register] = value end
end

local READY, INTERRUPT, ERROR = 1 << 28, 1 << 29, 1 << 30

function write.MDIC(value)
	local register, operation = value >> 16 & 31, value >> 26 & 3
	local here = value >> 21 & 31 == ADDRESS
	value = value & 0x7fffffff
	if operation == 2 then
		value = here and value & ~0xffff | phy_read(register) or value | 0xffff | ERROR
	elseif operation == 1 then
		if here then phy_write(register, value & 0xffff) end
	else
		return value
	end
	if value & INTERRUPT ~= 0 then nic.raise("MDAC") end
	return value | READY
end

function link()
	if not nic.up() then lost = true end
end

-- --- registers that do something ----------------------------------------------------------------

-- 5.6.1: the first receive address is the EEPROM's
local function address_load()
	nic.set("RA", string.unpack("<I6", nic.mac()) | 1 << 63, 0)
end

-- 13.4.1: PHY_RST is held as long as the driver likes
function write.CTRL(value, _, before)
	if value & ~before & 1 << 31 ~= 0 then phy_reset() end
end

-- 13.4.6: EE_RST
function write.CTRL_EXT(value)
	if value & 1 << 13 ~= 0 then address_load() end
end

-- 13.4.16: 64 KiB are shared
function write.PBA(value)
	local receive = value & 0x7f
	return (64 - receive & 0xffff) << 16 | receive
end

-- 13.4.30: FPD, as if the time had come
function write.RDTR(value)
	if value & 1 << 31 ~= 0 then nic.raise("RXT0") end
end

-- 14.7: by CTRL.RST, addresses stay but are not valid, and the PHY is left alone
function reset(power)
	words_make()
	bus_idle()
	if power then phy_reset() end
	for i = 1, 15 do nic.set("RA", nic.get("RA", i) & ~(1 << 63), i) end
	address_load()
end

-- SPDX-License-Identifier: GPL-2.0-only
-- What of the RTL8139C is no table: the EEPROM behind four wires, the timer, the summary of the
-- four transmit descriptors. Sections are those of the data sheet.

-- --- EEPROM: 7, a 93C46 of 64 words ------------------------------------------------------------

local words

local function words_make()
	words = {}
	for i = 0, 63 do words[i] = 0 end
	words[0] = 0x8129 -- it is one of Realtek's
	words[1], words[2] = 0x10ec, 0x8139
	words[3], words[4] = 0x10ec, 0x8139
	words[5] = 0x4020 -- MXLAT, MNGNT
	words[6] = 0x0031 -- CONFIG3, MSRBMCR
	words[7], words[8], words[9] = string.unpack("<I2I2I2", nic.mac())
	words[10] = 0x0d10 -- CONFIG1, CONFIG0
	words[11] = 0x0002 -- PMC
end

-- A command is a one, two bits and six of an address; a bit is taken, or given, by each rising
-- edge of the clock.
local DO, DI, SK, CS, PROGRAM = 1, 2, 4, 8, 0x80
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

-- --- 6.18, 6.27: the PHY ------------------------------------------------------------------------

local function phy_reset()
	nic.set("BMCR", 0x3100)
	nic.set("ANAR", 0x05e1)
	nic.set("NWAYTR", 0)
	nic.set("CSCR", nic.up() and 0x03c8 or 0x03c0)
	for _, counter in ipairs({ "DIS", "FCSC", "REC" }) do nic.set(counter, 0) end
end

-- --- 6.9: who may write what --------------------------------------------------------------------

local MODE, LOAD, CONFIG = 0xc0, 0x40, 0xc0

-- As after power-on; then the mode is the normal one again.
local function auto_load()
	for name, value in pairs({ CR = 1, IMR = 0, ISR = 0, TCR = 0x74000000, RCR = 0, MULINT = 0,
				   TIMERINT = 0, MPC = 0, CONFIG1 = 0x0d, CONFIG3 = 0, CONFIG4 = 0,
				   CONFIG5 = 0 }) do
		nic.set(name, value)
	end
	for i = 1, 6 do nic.set("IDR", nic.mac():byte(i), i - 1) end
	nic.set("MSR", nic.get("MSR") & 0x3f)
	phy_reset()
end

-- The wires are the host's in programming mode.
function write.EECR(value, _, before)
	local mode, out = value & MODE, before & DO
	if mode ~= PROGRAM or value & CS == 0 then
		bus_idle()
		out = 0
	elseif value & SK ~= 0 and before & SK == 0 then
		out = rising(value & DI ~= 0 and 1 or 0)
	end
	if mode == LOAD then auto_load() return 0 end
	return value & 0xce | out
end

local function may_write() return nic.get("EECR") & MODE == CONFIG end

local function guarded(bits)
	return function(value, _, before)
		return may_write() and before & ~bits | value & bits or before
	end
end

local function parameter(value, _, before)
	return may_write() and nic.get("CONFIG3") & 0x40 == 0 and value or before
end

write.IDR, write.MSR = guarded(0xff), guarded(0xc0)
write.CONFIG1, write.CONFIG3, write.CONFIG4 = guarded(0xf2), guarded(0x70), guarded(0xf5)
write.PHY1_PARM, write.PHY2_PARM, write.TW_PARM = parameter, parameter, parameter

local setting = guarded(0x3100)
function write.BMCR(value, index, before)
	if value & 0x8000 ~= 0 then phy_reset() return 0x3100 end
	return setting(value, index, before)
end

-- --- 6.17: transmit status of all descriptors --------------------------------------------------

function read.TSUM()
	local sum = 0
	for i = 0, 3 do
		local status = nic.get("TSD", i)
		sum = sum | (status >> 13 & 1) << i | (status >> 30 & 1) << (4 + i) |
		      (status >> 14 & 1) << (8 + i) | (status >> 15 & 1) << (12 + i)
	end
	return sum
end

-- --- 6, TCTR and TimerInt: the timer, at the speed of the bus, from its last write -------------

local MEGAHERTZ = 33
local began = 0

local AROUND = (1 << 32) * 1000 // MEGAHERTZ

local function timer_set()
	local ticks = nic.get("TIMERINT")
	if ticks == 0 then return end
	local left = (began + ticks * 1000 // MEGAHERTZ - nic.now()) % AROUND
	nic.after(left > 0 and left or AROUND)
end

function read.TCTR() return (nic.now() - began) * MEGAHERTZ // 1000 & 0xffffffff end

function write.TCTR()
	began = nic.now()
	timer_set()
end

function write.TIMERINT() timer_set() end

function timer()
	if nic.get("TIMERINT") == 0 then return end
	nic.raise("TIMEOUT")
	timer_set()
end

-- --- 6.12: the medium; LINKB is 0 while there is a link ---------------------------------

local function medium_show()
	local media, connection = nic.get("MSR") & ~4, nic.get("CSCR") & ~8
	nic.set("MSR", nic.up() and media or media | 4)
	nic.set("CSCR", nic.up() and connection | 8 or connection)
end

function link()
	medium_show()
	if not nic.up() then nic.set("DIS", nic.get("DIS") + 1 & 0xffff) end
end

function reset(power)
	if power then words_make() end
	bus_idle()
	began = nic.now()
	medium_show()
end

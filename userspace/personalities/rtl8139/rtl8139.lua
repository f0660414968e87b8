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
	words[5] = 0x4020 -- MXLAT, MINGNT
	words[7], words[8], words[9] = string.unpack("<I2I2I2", nic.mac())
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

-- 6.9: the wires are the host's in programming mode
function write.EECR(value, _, before)
	local out = before & DO
	if value & 0xc0 ~= PROGRAM or value & CS == 0 then
		bus_idle()
		out = 0
	elseif value & SK ~= 0 and before & SK == 0 then
		out = rising(value & DI ~= 0 and 1 or 0)
	end
	return value & 0xce | out
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

local function timer_set()
	local ticks = nic.get("TIMERINT")
	if ticks == 0 then return end
	local left = began + ticks * 1000 // MEGAHERTZ - nic.now()
	if left > 0 then nic.after(left) end
end

function read.TCTR() return (nic.now() - began) * MEGAHERTZ // 1000 & 0xffffffff end

function write.TCTR()
	began = nic.now()
	timer_set()
end

function write.TIMERINT() timer_set() end

function timer()
	if nic.get("TIMERINT") ~= 0 then nic.raise("TIMEOUT") end
end

-- --- 6, MPC: missed frames; any write clears them --------------------------------------------

function write.MPC() return 0 end

-- --- 6.12: the medium; LINKB is 0 while there is a link ---------------------------------

function link()
	local status = nic.get("MSR") & ~4
	nic.set("MSR", nic.up() and status or status | 4)
end

function reset()
	words_make()
	bus_idle()
	began = nic.now()
	link()
end

-- SPDX-License-Identifier: GPL-2.0-only
-- What of the tiny NIC is no table: it multiplies, has a serial number, an alarm clock, and its
-- opinion of frames of the types 0x88b5 (turned around) and 0x88b6 (dropped).

function write.FACTOR()
	nic.set("PRODUCT", nic.get("FACTOR", 0) * nic.get("FACTOR", 1))
end

function read.SERIAL()
	return (string.unpack("<I6", nic.mac()))
end

function write.ALARM(value)
	nic.after(value)
end

function timer()
	nic.raise("alarm")
end

local function type_of(frame)
	return (string.unpack(">I2", frame, 13))
end

function frame_out(frame)
	if type_of(frame) == 0x88b6 then return false end
	if type_of(frame) == 0x88b5 then
		return frame:sub(7, 12) .. frame:sub(1, 6) .. frame:sub(13)
	end
end

function frame_in(frame)
	if type_of(frame) == 0x88b6 then return false end
end

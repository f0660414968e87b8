#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# uvf personality: which there are, whether they are sound, what they look like, and what they do.
set -u
. "$(dirname "$0")/../lib/tap.sh"
top=$(cd "$(dirname "$0")/../.." && pwd)
need jq
uvf=${O:-$top/build}/bin/uvf
tmp=$(mktemp -d)
at_exit rm -rf "$tmp"
export UVF_PERSONALITIES=$top/tests/nic
personality() { "$uvf" personality "$@"; }

# --- list, check, show ----------------------------------------------------------------------------

listed=$(personality list --json)
for name in e1000 rtl8139 virtio-net tiny; do
	is "$name is there, and sound" \
		"$(jq -r ".[] | select(.name == \"$name\") | .sound" <<<"$listed")" true
done
is "where from" "$(jq -r '.[] | select(.name == "tiny") | .path' <<<"$listed")" \
	"$top/tests/nic/tiny.xml"
is "what of" "$(jq -r 'map(.name + ": " + .made_of) | sort | join("; ")' <<<"$listed")" \
	"e1000: XML, Lua; rtl8139: XML, Lua; tiny: XML, Lua; virtio-net: XML, object"
like "as text" "$(personality list)" "^rtl8139 +XML, Lua +/"
like "sound" "$(personality check e1000 rtl8139 virtio-net tiny)" "^e1000: sound .XML, Lua.: [0-9]+ registers"
like "a register in the map" "$(personality show e1000)" "^  0x0*c4 +ITR +4 +1 +rw +0 +0xffff$"
like "and a field" "$(personality show rtl8139)" "bits +0 to +12 +length"
is "the map as JSON" "$(personality show --json e1000 |
	jq -c '[.registers[] | select(.name == "IMS") | .at, .set_on_one]')" "[208,128727]"
is "rings, too" "$(personality show --json rtl8139 | jq -r '.rings[] | .kind')" $'slots\nbytes'

# --- what is wrong, with its line -------------------------------------------------------------------

cp "$top"/tests/nic/tiny.* "$tmp"
tiny=$tmp/tiny.xml
spoil() { sed "$@" "$top/tests/nic/tiny.xml" >"$tiny"; }
spoil 's|at="0x04" reset|at="0x02" reset|'
expect_fail 'tiny.xml:17: register STATUS overlaps register CONTROL of line 16, at 0x2' \
	personality check "$tiny"
spoil 's|"io" size="0x40"|"io" size="0x30"|'
expect_fail "tiny.xml:7: BAR 2 can't have 0x30 bytes" personality check "$tiny"
spoil 's|<field meaning="own" byte="4" bit="31"|<field meaning="own" byte="4" bit="32"|'
expect_fail 'tiny.xml' bash -c "'$uvf' personality check '$tiny' 2>&1 | head -n 1 >&2; exit 1"
spoil 's|<filter>|<filters>|; s|</filter>|</filters>|'
not_ok "another element" personality check "$tiny"
spoil 's|file="tiny.lua"|file="none.lua"|'
expect_fail "the script .*none.lua can't be read: No such file" personality check "$tiny"
spoil ''
echo 'while true do end' >"$tmp/tiny.lua"
expect_fail 'tiny.lua:1: it runs for more than 20000 instructions' personality check "$tiny"
echo 'local t = {} while true do t[#t + 1] = ("x"):rep(1000) end' >"$tmp/tiny.lua"
expect_fail 'more than 262144 bytes of memory' personality check "$tiny"
echo 'function read.NONE() end' >"$tmp/tiny.lua"
expect_fail 'read.NONE: there is no such register' personality show "$tiny"
echo 'x = = 1' >"$tmp/tiny.lua"
expect_fail 'tiny.lua:1: unexpected symbol' personality check "$tiny"
echo nonsense >"$tmp/object.so"
expect_fail "the shared object can't be loaded" personality check "$tmp/object.so"
expect_fail 'there is no personality e1001: .uvf personality list' personality check e1001
expect_fail "can't be read" personality show "$tmp/none.xml"
expect_fail "can't be read" personality test tiny "$tmp/none.test"
expect_fail 'list, check, show or test' personality burn

# --- what it does -------------------------------------------------------------------------------------

like "the tiny NIC, step by step" "$(personality test tiny "$top/tests/nic/tiny.test" 2>&1)" \
	"steps, [0-9]+ expectations, all as expected"
steps() { printf '%s\n' "$@" >"$tmp/steps"; personality test tiny "$tmp/steps"; }
expect_fail "steps:2: MASK is 0x1, and 0x2 was expected" steps 'write MASK 1' 'expect MASK 2'
expect_fail "steps:1: there is no register NONE" steps 'write NONE 1'
expect_fail "steps:1: 'wirte' is no step" steps 'wirte MASK 1'
expect_fail "steps:1: no frame went out" steps 'frame out 00'
expect_fail "steps:1: the line is off" steps 'irq line on'
expect_fail "steps:1: the frame was off, and taken was expected" steps 'frame in 00*60 taken'
expect_fail "steps:1: bytes are two hexadecimal digits" steps 'frame in 0g'
expect_fail "steps:1: guest memory is from" steps 'dma write 0 00'
expect_fail "steps:1: 'x' is not a number" steps 'write MASK x'
is "by standard input, to read" "$(personality test e1000 - <<<'read STATUS' | head -n 1)" "STATUS 0x283"

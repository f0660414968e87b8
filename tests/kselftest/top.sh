#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# uvf top: the rates are those of the traffic, in JSON, as a table, and on terminals of any size.
#
#	client 10.0.1.2 ══ eth1 10.0.1.9     host
#	                    ├ fw0 10.0.1.1   the firewall, pinged 50 times a second
#	                    └ ids0
set -u
. "$(dirname "$0")/../lib/topology.sh"
. "$top/tests/lib/xsk.sh"
export BACKEND=veth
need ip nsenter ethtool ping jq script

topology_make client host
topology_wire client eth0 10.0.1.2/24 host eth1 10.0.1.9/24
bpffs_ready
expect_fail "'0' is not a number of looks" in_ns host uvf top --count 0
expect_fail "'0' is not a number of seconds" in_ns host uvf top --interval 0
expect_fail "no function fw0" in_ns host uvf top --count 1 fw0
is "no functions, no rows" "$(in_ns host uvf top -j -n 1 -i 0.1 | jq '.functions | length')" 0
ok "fw0" function_add host fw0 eth1 firewall
ok "ids0" function_add host ids0 eth1 ids
in_ns host ip link set fw0 up
in_ns host ip link set ids0 up
fw0_mac=$(in_ns host ip -j link show fw0 | jq -r '.[0].address')
like "without uvfd too" "$(in_ns host uvf top -n 1 -i 0.1)" '^fw0 +eth1 +\? '
printf 'port fw0 10.0.1.1/24\npass all\n' >"$tmp/rules.conf"
uvfd_start host
appliance_start host fw0 "$bin/firewall" "$tmp/rules.conf"
ok "the firewall answers" in_ns client ping -q -c 2 -i 0.2 -w 8 10.0.1.1

# --- JSON --------------------------------------------------------------------------------------------

ns_spawn client ping -q -i 0.02 -s 1000 10.0.1.1 >/dev/null 2>&1
sleep 0.3
in_ns host uvf top --json --interval 1 --count 3 >"$tmp/top.json"
rings() { in_ns host uvf top -j -n 1 -i 0.2 fw0 | jq -e ".functions[0] | $1"; }
rate() { jq -s "[.[].functions[] | select(.function == \"$1\") | .$2] | max | floor" "$tmp/top.json"; }
is "three looks" "$(wc -l <"$tmp/top.json")" 3
ok "frames received: $(rate fw0 rx_frames)" between "$(rate fw0 rx_frames)" 25 75
ok "frames sent: $(rate fw0 tx_frames)" between "$(rate fw0 tx_frames)" 25 75
ok "bits: $(rate fw0 rx_bits)" between "$(rate fw0 rx_bits)" 200000 650000
is "nothing for the sibling" "$(rate ids0 rx_frames)" 0
if rings '.rx_ring != null' >/dev/null; then
	ok "rings of one that keeps up" rings '.rx_ring < 0.5 and .fill_ring > 0.2'
fi
is "one function by name" "$(in_ns host uvf top -j -n 1 -i 0.1 ids0 | jq -c '[.functions[].function]')" \
	'["ids0"]'
kill "$spawned"

# --- drops, and why ----------------------------------------------------------------------------------

kill -STOP "$appliance"
ns_spawn client "$xsk" flood eth0 "$fw0_mac" 8 >/dev/null 2>&1
drops() { in_ns host uvf top --batch -n 1 -i 0.5 fw0 >"$tmp/top"; grep -qE "$1" "$tmp/top"; }
if rings '.rx_ring != null' >/dev/null; then
	ok "its receive ring is full, and no frame is left" wait_for 8 rings '.rx_ring > 0.9 or .fill_ring < 0.05'
else
	skip "ring fill" "Linux tells of bound rings from 6.4 on"
fi
ok "drops with their reason" wait_for 8 drops '^fw0 .* (rx_no_frame|rx_ring_full)$'
sed 's/^/# /' "$tmp/top"
kill "$spawned"
kill -CONT "$appliance"

# --- terminals ---------------------------------------------------------------------------------------

# screen COLUMNS LINES KEYS: what top draws, to its end; its status is script's
screen() {
	(sleep 0.7; printf '%s' "$3"; sleep 0.7) |
		TERM=${TERMINAL:-xterm} in_ns host timeout 20 script -qefc \
			"stty cols $1 rows $2; exec $bin/uvf top --interval 0.3" /dev/null >"$tmp/screen"
}
for size in "10 4" "24 5" "80 24" "250 70"; do
	read -r columns lines <<<"$size"
	ok "$columns columns, $lines lines" screen "$columns" "$lines" rtbdnq
	like "  and it shows fw0" "$(tr -d '\0' <"$tmp/screen")" 'fw0'
done
like "sorted as the last key said" "$(screen 80 24 dq; tr -d '\0' <"$tmp/screen")" 'drops'
ok "--count ends it" in_ns host timeout 10 script -qefc \
	"TERM=xterm $bin/uvf top --interval 0.1 --count 2" /dev/null
TERMINAL=nosuchterminal
not_ok "a terminal that nobody knows" screen 80 24 q
like "  is told" "$(tr -d '\0' <"$tmp/screen")" 'terminal is not known'

# --- uvfd comes and goes -----------------------------------------------------------------------------

ns_spawn host uvf top --json --interval 0.2 >"$tmp/live.json"
live=$spawned
shows() { tail -n 1 "$tmp/live.json" | jq -e --arg holder "$1" \
	'.functions[] | select(.function == "fw0") | .holder == $holder'; }
ok "who holds it" wait_for 5 shows firewall
appliance_stop >/dev/null
ok "nobody" wait_for 5 shows -
uvfd_stop >/dev/null
ok "nobody knows" wait_for 5 shows '?'
uvfd_start host
ok "a new uvfd" wait_for 5 shows -
in_ns host uvf del fw0
gone() { tail -n 1 "$tmp/live.json" | jq -e '[.functions[].function] == ["ids0"]'; }
ok "a function that goes" wait_for 5 gone
kill "$live"
uvfd_stop >/dev/null

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# uvf events: what becomes of functions and leases is told once each, in order, by whoever knows.
#
#	client 10.0.1.2 ══ eth1 10.0.1.9     host
#	                    └ fw0 10.0.1.1   the firewall
set -u
. "$(dirname "$0")/../lib/topology.sh"
export BACKEND=veth
need ip nsenter ethtool jq

topology_make client host
topology_wire client eth0 10.0.1.2/24 host eth1 10.0.1.9/24
bpffs_ready
printf 'port fw0 10.0.1.1/24\npass all\n' >"$tmp/rules.conf"
ok "a function that is no news" function_add host old0 eth1 ids
expect_fail "tells of all functions" uvf events fw0

ns_spawn host uvf events --json >"$tmp/json"
told=$spawned
ns_spawn host uvf monitor >"$tmp/text"
sleep 0.5

# told DESC JQ: by an event after those that were asked for before
at=0
told() {
	local found
	ok "$1" wait_for 5 told_one "$2"
	found=$(tail -n +$((at + 1)) "$tmp/json" | jq -s "[.[] | $2] | index(true)")
	[[ $found == null ]] || at=$((at + found + 1))
}
told_one() { tail -n +$((at + 1)) "$tmp/json" | jq -se "any(.[]; $1)"; }

ok "fw0" function_add host fw0 eth1 firewall
told "made" '.event == "add" and .function == "fw0" and .appliance == "firewall" and .uplink == "eth1"'
in_ns host ip link set fw0 up
told "up" '.event == "change" and .function == "fw0" and .state == "up"'
uvfd_start host
told "uvfd comes" '.event == "uvfd-start"'
told "it steers" '.event == "steer" and .function == "fw0"'
appliance_start host fw0 "$bin/firewall" "$tmp/rules.conf"
told "leased" ".event == \"lease\" and .function == \"fw0\" and .holder == \"firewall\" and .pid == $appliance"
kill -KILL "$appliance"
wait "$appliance" 2>/dev/null
if in_ns host uvf show --json fw0 | jq -e .lease.parked >/dev/null; then
	told "its appliance dies: it waits" '.event == "park" and .function == "fw0" and .seconds > 0'
	like "which uvf doctor sees" "$(in_ns host uvf doctor --seconds 0.1 fw0)" '\[appliance-dead\]$'
	appliance_start host fw0 "$bin/firewall" "$tmp/rules.conf"
	told "a successor" ".event == \"resume\" and .pid == $appliance"
else
	skip "its appliance dies" "on this kernel a lease can't be inherited"
	appliance_start host fw0 "$bin/firewall" "$tmp/rules.conf"
fi
in_ns host ip link set eth1 down
told "its uplink goes down" '.event == "change" and .state == "uplink down"'
told "it is steered no more" '.event == "unsteer" and .function == "fw0"'
in_ns host ip link set eth1 up
told "steered again" '.event == "steer" and .function == "fw0"'
function_add host fw3 eth1 firewall
in_ns host ip link set fw3 up
in_ns host uvf redirect fw0 to fw3
told "redirected" '.event == "redirect" and .function == "fw0" and .to == "fw3"'
in_ns host uvf del fw3
told "no more" '.event == "redirect" and .function == "fw0" and .to == "fw0"'
in_ns host ip link set fw0 down
in_ns host ip link set fw0 name fw1
told "another name" '.event == "change" and .function == "fw1"'
appliance_stop >/dev/null
in_ns host uvf release fw1 2>/dev/null
told "given back" '.event == "release" and .holder == "firewall"'
uvfd_stop >/dev/null
told "uvfd goes" '.event == "uvfd-end"'
ok "another one" function_add host fw2 eth1 other
in_ns host uvf del fw2
told "made" '.event == "add" and .function == "fw2"'
told "and gone" '.event == "del" and .function == "fw2"'

is "of what was there before nothing was told" \
	"$(jq -s '[.[] | select(.function == "old0" and .event == "add")] | length' "$tmp/json")" 0
is "each has its time" "$(jq -s '[.[] | select(.time < 1e9)] | length' "$tmp/json")" 0
like "as text, by the older name" "$(cat "$tmp/text")" \
	'^event add  function fw2  uplink eth1  appliance other  mac .*  mtu 1500  state '
jq -rc 'del(.time)' "$tmp/json" | sed 's/^/# /'

# Who does not read is told no more, and keeps nobody waiting.
uvfd_start host
ns_spawn host uvf events >/dev/null
deaf=$spawned
wait_for 5 test -e "/proc/$deaf/fd/5"
kill -STOP "$deaf"
toggle() { for _ in {1..60}; do in_ns host ip link set old0 up; in_ns host ip link set old0 down; done; }
toggle
ok "uvfd works on beside one that does not read" in_ns host timeout 5 uvf show old0
kill -CONT "$deaf"
kill "$deaf"
kill "$told"
uvfd_stop >/dev/null

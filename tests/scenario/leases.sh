#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The life of functions and leases: what comes, goes, is killed, moves and changes under an
# appliance, and that nobody else notices.
#
#	  client                         host
#	┌──────────────────┐      ┌─────────────────────────────┐
#	│ eth0  10.0.1.2   ╪══════╪══ eth1 10.0.1.9             │
#	│ eth0.7 10.0.7.2  │      │     ├ fw0 10.0.1.1          │
#	└──────────────────┘      │     ├ ids0 10.0.1.3         │      ┌───────────┐
#	                          │     ├ con0 10.0.1.4 ────────┼──────│ container │
#	                          │     └ vlan0 10.0.7.1 VLAN 7 │      └───────────┘
#	                          └─────────────────────────────┘
set -u
. "$(dirname "$0")/../lib/topology.sh"
export BACKEND=${BACKEND:-uvf}

need ip nsenter ethtool busybox curl ping jq
fw=$bin/firewall

topology_make client host container
topology_wire client eth0 10.0.1.2/24 host eth1 10.0.1.9/24
has_vlan=true
in_ns client ip link add link eth0 name eth0.7 type vlan id 7 2>/dev/null || has_vlan=false
if $has_vlan; then
	in_ns client ip addr add 10.0.7.2/24 dev eth0.7
	in_ns client ip link set eth0.7 up
fi
bpffs_ready
[[ $BACKEND == veth ]] || module_load
ns_spawn client ping -i 0.25 10.0.1.9 >"$tmp/ping.eth1" 2>&1
uplink_ping=$spawned

rules() { printf 'port %s %s\npass all\n' "$2" "$3" >"$tmp/$1.conf"; }
rules fw0 fw0 10.0.1.1/24
rules ids0 ids0 10.0.1.3/24
rules vlan0 vlan0 10.0.7.1/24
pings() { in_ns client ping -q -c 2 -i 0.2 -w "${2:-8}" "$1"; }
silent() { ! in_ns client ping -q -c 1 -w 1 "$1"; }
lease() { in_ns host uvf show --json "$1" | jq -c .lease; }
free() { [[ $(lease "$1") == null ]]; }
# Rings of a bound socket can be mapped once more since Linux 6.4.
inherits() { [[ $(printf '%s\n' 6.4 "$(uname -r)" | sort -V | head -n 1) == 6.4 ]]; }
waits() { if inherits; then [[ $(lease "$1" | jq .parked) -gt 0 ]]; else free "$1"; fi; }
new_neighbour() { in_ns client ip neigh flush dev eth0; }

ok "fw0" function_add host fw0 eth1 firewall
ok "ids0, for the same program under another name" function_add host ids0 eth1 ids
in_ns host ip link set fw0 up
in_ns host ip link set ids0 up
uvfd_start host

# --- an appliance that ends, or is killed -------------------------------------------------------

appliance_start host fw0 "$fw" "$tmp/fw0.conf"
ok "the appliance answers" pings 10.0.1.1
kill -KILL "$appliance"
wait "$appliance" 2>/dev/null
ok "killed: its function waits for a successor, where the kernel can pass it on" \
	wait_for 3 waits fw0
appliance_start host fw0 "$fw" "$tmp/fw0.conf"
ok "its successor answers" pings 10.0.1.1
kill -KILL "$appliance"
wait "$appliance" 2>/dev/null
if inherits; then
	wait_for 3 waits fw0
	expect_fail 'fw0 waits [0-9]+ s more for a successor of firewall' \
		in_ns host uvf run --on fw0 --on fw0 -- "$fw" "$tmp/fw0.conf"
	ok "uvf release ends the waiting" in_ns host uvf release fw0
	expect_fail 'fw0 waits for no successor' in_ns host uvf release fw0
fi
ok "and the function is free" wait_for 3 free fw0
appliance_start host fw0 "$fw" "$tmp/fw0.conf"
ok "for one that inherits nothing" pings 10.0.1.1
first=$appliance

# --- a second appliance on the same uplink ------------------------------------------------------

ns_spawn host uvf run --appliance ids --on ids0 -- "$fw" "$tmp/ids0.conf" 2>"$tmp/ids.log"
ids=$spawned
ok "a second appliance starts" wait_for 10 grep -q ready "$tmp/ids.log"
new_neighbour
ok "both get the broadcasts that ask for them: ids0" pings 10.0.1.3
ok "and fw0" pings 10.0.1.1
kill -STOP "$ids"
ok "one that stalls does not hold up its sibling" pings 10.0.1.1
kill -CONT "$ids"
ok "and is well again itself" pings 10.0.1.3

# --- functions that change ------------------------------------------------------------------------

in_ns host ip link set fw0 down
ok "down: no answer" silent 10.0.1.1
in_ns host ip link set fw0 up
ok "up again: the same appliance answers" pings 10.0.1.1
ok "the address changes under it" in_ns host ip link set ids0 address 02:00:00:00:00:77
is "uvf show knows" "$(in_ns host uvf show --json ids0 | jq -r .mac)" 02:00:00:00:00:77
kill "$ids"
wait "$ids"
ok "its end gives ids0 back" wait_for 3 free ids0
ns_spawn host uvf run --appliance ids --on ids0 -- "$fw" "$tmp/ids0.conf" 2>"$tmp/ids.log"
ids=$spawned
ok "a new appliance on it" wait_for 10 grep -q ready "$tmp/ids.log"
new_neighbour
ok "answers at the new address" pings 10.0.1.3
is "which the client sees" \
	"$(in_ns client ip -j neigh show 10.0.1.3 | jq -r '.[0].lladdr')" 02:00:00:00:00:77

in_ns host uvf del ids0
status=0
wait "$ids" || status=$?
isnt_zero() { [[ $1 -ne 0 && $1 -lt 126 ]]; }
ok "deleted under its appliance: that ends with a status" isnt_zero "$status"
like "and a sentence" "$(cat "$tmp/ids.log")" 'ids0 is gone'
ok "its sibling works on" pings 10.0.1.1

# --- a function as an ordinary interface of a container --------------------------------------------

ok "con0" function_add host con0 eth1 container
in_ns host ip link set con0 netns "uvf-$$-container"
in_ns container ip addr add 10.0.1.4/24 dev con0
in_ns container ip link set con0 up
ok "moved to a namespace, it works without an appliance" pings 10.0.1.4
echo "from the container" >"$tmp/index.html"
ns_spawn container busybox httpd -f -p 10.0.1.4:80 -h "$tmp"
wait_for 5 listens container 80
is "TCP as well" "$(in_ns client curl -s --max-time 10 http://10.0.1.4/)" "from the container"

# --- a function of one VLAN ------------------------------------------------------------------------

ok "vlan0, of VLAN 7" function_add host vlan0 eth1 firewall 7
in_ns host ip link set vlan0 up
is "uvf show tells its VLAN" "$(in_ns host uvf show --json vlan0 | jq .vlan)" 7
ns_spawn host uvf run --on vlan0 -- "$fw" "$tmp/vlan0.conf" 2>"$tmp/vlan.log"
vlan=$spawned
ok "an appliance that knows of no VLAN" wait_for 10 grep -q ready "$tmp/vlan.log"
if $has_vlan; then
	ok "is reached through it" in_ns client ping -q -c 3 -i 0.2 -w 8 10.0.7.1
	in_ns client ip link set eth0.7 down
else
	skip "is reached through it" "this kernel has no VLAN devices for the client"
fi
in_ns client ip addr add 10.0.7.3/24 dev eth0
not_ok "and not without the tag" in_ns client ping -q -c 1 -w 2 10.0.7.1
in_ns client ip addr del 10.0.7.3/24 dev eth0
kill "$vlan"

# --- uvfd is killed, and started again ---------------------------------------------------------------

kill -KILL "$uvfd"
wait "$uvfd" 2>/dev/null
ok "uvfd was killed: the appliance works on" pings 10.0.1.1
# Family 16 is netlink's.
[[ $BACKEND != veth ]] || expect_fail "rtnetlink" \
	in_ns host "$top/build/tests/without" 16 uvfd # and it must not end what the killed one left
uvfd_start host
ok "a new uvfd replaces what the killed one left" \
	wait_for 3 grep -q 'eth1: steering with XDP' "$tmp/uvfd.log"
ok "the appliance still works on" pings 10.0.1.1
ok "and so does the container" pings 10.0.1.4
expect_fail "fw0 is leased already, by firewall" \
	in_ns host uvf run --on fw0 -- "$fw" "$tmp/fw0.conf"
kill -HUP "$uvfd"
ok "uvfd is told to leave for another one: it ends well" wait "$uvfd"
ok "the appliance works on" pings 10.0.1.1
uvfd_start host
is "and the next uvfd has its lease" "$(lease fw0 | jq .pid)" "$first"
kill "$first"
wait "$first"
appliance_start host fw0 "$fw" "$tmp/fw0.conf"
ok "its successor is served by the new uvfd" pings 10.0.1.1

uvfd_stop
is "uvfd ends well while a function is leased" "$uvfd_status" 0
status=0
wait "$appliance" || status=$?
like "and the appliance is told" "$(cat "$tmp/appliance.log")" 'uvfd was stopped'
ok "and ends with a status" isnt_zero "$status"
is "no XDP program is left" "$(in_ns host ip -d link show | grep xdp)" ""
is "no tc program is left" "$(in_ns host tc qdisc show | grep clsact)" ""

# --- nobody else noticed -----------------------------------------------------------------------------

kill -INT "$uplink_ping"
wait "$uplink_ping"
summary=$(grep 'packets transmitted' "$tmp/ping.eth1")
like "the uplink lost no ping of its own" "$summary" ', 0% packet loss'
diag "$summary"

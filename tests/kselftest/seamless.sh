#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# uvfd is killed and started again while frames with numbers go through each of its programs: none
# is lost, none is doubled, and counters go on.
#
#	client eth0 ══ eth1 host
#	                ├ fw0     XDP, unicast; tc, copies of broadcasts
#	                ├ vlan0   tc, unicast of VLAN 7
#	                └ fw2     comes while uvfd is away; fw1 goes
set -u
. "$(dirname "$0")/../lib/topology.sh"
export BACKEND=veth
need ip nsenter ethtool jq
seq=$top/build/tests/seq
FRAMES=${FRAMES:-4000}
RATE=${RATE:-800}

topology_make client host
topology_wire client eth0 10.0.1.2/24 host eth1 10.0.1.9/24
bpffs_ready
function_add host fw1 eth1 firewall
function_add host fw0 eth1 firewall
function_add host vlan0 eth1 firewall 7
for name in fw0 fw1 vlan0; do in_ns host ip link set "$name" up; done
mac() { in_ns "$1" ip -j link show "$2" | jq -r ".[0].address"; }
stat() { in_ns host uvf stats --json "$1" | jq ".steering.$2"; }
# What is attached, by the kernel's numbers.
xdp_id() { in_ns host ip -j -d link show eth1 | jq '.[0].xdp.prog.id'; }

# listen NS LINK NAME, and talk NS LINK NAME WORDS…: the result of both in $tmp/NAME.*
declare -A listening talking
listen() {
	ns_spawn "$1" "$seq" receive "$2" idle=1500 >"$tmp/$3.in"
	listening[$3]=$spawned
	wait_for 5 grep -q ready "$tmp/$3.in"
}
talk() {
	ns_spawn "$1" "$seq" send "$2" count="$FRAMES" rate="$RATE" "${@:4}" >"$tmp/$3.out"
	talking[$3]=$spawned
}
arrived() { # NAME DESC
	wait "${listening[$1]}"
	is "$2: all of them, once" "$(tail -n 1 "$tmp/$1.in")" \
		"{ \"received\": $FRAMES, \"doubled\": 0, \"missing\": 0 }"
}

uvfd_start host
first=$(xdp_id)
listen host fw0 unicast
listen host vlan0 tagged
listen client eth0 up
talk client eth0 unicast to="$(mac host fw0)"
talk client eth0 tagged to="$(mac host vlan0)" vlan=7
talk host fw0 up to="$(mac client eth0)"
sleep 0.7
for round in 1 2; do
	kill -KILL "$uvfd"
	wait "$uvfd" 2>/dev/null
	[[ $round -eq 1 ]] && in_ns host uvf del fw1
	[[ $round -eq 2 ]] && function_add host fw2 eth1 firewall && in_ns host ip link set fw2 up
	sleep 0.3
	uvfd_start host
	like "it goes on where the killed one was" "$(cat "$tmp/uvfd.log")" \
		'eth1: steering with XDP, where an earlier uvfd left off'
	sleep 0.3
done
for name in unicast tagged up; do
	if kill -0 "${talking[$name]}" 2>/dev/null; then
		pass "$name frames were still sent at the end"
	else
		fail "$name frames were still sent at the end"
	fi
done
arrived unicast "unicast to fw0, by XDP"
arrived tagged "unicast of VLAN 7, by tc"
arrived up "what fw0 sent, by tc"
not_ok "the program is another one" test "$(xdp_id)" == "$first"
is "fw0's counter went on" "$(stat fw0 rx_frames)" "$FRAMES"
is "vlan0's as well" "$(stat vlan0 rx_frames)" "$FRAMES"
is "what fw0 sent" "$(stat fw0 tx_frames)" "$FRAMES"
is "fw2 has a slot of its own" "$(stat fw2 rx_frames)" 0

FRAMES=$((FRAMES / 2))
listen host fw0 flood
listen host fw2 flood2
talk client eth0 flood to=ff:ff:ff:ff:ff:ff
sleep 0.5
kill -KILL "$uvfd"
wait "$uvfd" 2>/dev/null
uvfd_start host
wait "${talking[flood]}"
arrived flood "copies of broadcasts to fw0"
arrived flood2 "and to fw2"

listen host fw2 direct
FRAMES=100 talk client eth0 direct to="$(mac host fw2)"
FRAMES=100 arrived direct "unicast to fw2"
is "which fw0 has no part in" "$(stat fw0 rx_frames)" "$((FRAMES * 2))"

uvfd_stop
is "uvfd ends well" "$uvfd_status" 0
is "no XDP program is left" "$(in_ns host ip -d link show | grep xdp)" ""
is "no tc program is left" "$(in_ns host tc qdisc show | grep clsact)" ""
uvfd_start host
is "the next one begins anew" "$(stat fw0 rx_frames)" 0
not_like() { ! grep -q "$2" <<<"$1"; }
ok "and says so" not_like "$(cat "$tmp/uvfd.log")" 'earlier uvfd'
uvfd_stop

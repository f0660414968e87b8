#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Receive filters: which multicast, and which addresses besides its own, a function gets.
#
#	client eth0 ══ eth1 host
#	                ├ fw0
#	                └ vlan0, VLAN 7
set -u
. "$(dirname "$0")/../lib/topology.sh"
export BACKEND=veth
need ip nsenter ethtool jq bridge
seq=$top/build/tests/seq
group=01:00:5e:7f:00:01
second=02:00:00:00:aa:01

topology_make client host
topology_wire client eth0 10.0.1.2/24 host eth1 10.0.1.9/24
bpffs_ready
function_add host fw0 eth1 firewall
function_add host vlan0 eth1 firewall 7
in_ns host ip link set fw0 up
in_ns host ip link set vlan0 up
stat() { in_ns host uvf stats --json "$1" | jq ".steering.$2"; }
asked() { in_ns host uvf rule test --json eth1 "$@" | jq -r '"\(.why) \(.function)"'; }

# gets FUNCTION COUNTER COUNT WORDS…: of 10 frames, that many
gets() {
	local function=$1 counter=$2 count=$3 before
	shift 3
	before=$(stat "$function" "$counter")
	in_ns client "$seq" send eth0 count=10 "$@" >/dev/null
	[[ $(($(stat "$function" "$counter") - before)) -eq $count ]]
}
# Lists are looked at each second.
all() { wait_for 3 gets "$1" flood_frames 10 to="$2" "${@:3}"; }
none() { wait_for 3 gets "$1" flood_frames 0 to="$2" "${@:3}"; }

uvfd_start host
ok "broadcast" all fw0 ff:ff:ff:ff:ff:ff
ok "a group that nobody joined: not" none fw0 "$group"
ok "all hosts, which the stack joins" all fw0 01:00:5e:00:00:01
ok "joined by hand" in_ns host ip maddr add "$group" dev fw0
ok "then it comes" all fw0 "$group"
ok "to who joined" none vlan0 "$group" vlan=7
in_ns host ip maddr add "$group" dev vlan0
ok "by VLAN" all vlan0 "$group" vlan=7
ok "another group does not" none fw0 01:00:5e:7f:00:02
ok "broadcast still does" all fw0 ff:ff:ff:ff:ff:ff
in_ns host ip maddr del "$group" dev fw0
ok "left: no more" none fw0 "$group"
in_ns host ip link set fw0 allmulticast on
ok "allmulticast" all fw0 "$group"
in_ns host ip link set fw0 allmulticast off
ok "off again" none fw0 "$group"
in_ns host ip link set fw0 promisc on
ok "promiscuous" all fw0 "$group"
in_ns host ip link set fw0 promisc off
ok "no more" none fw0 "$group"

# Who reads the function past the stack joins nothing.
in_ns host ip link set fw0 xdp obj "$top/build/bpf/socket.bpf.o" sec xdp.frags
ok "with an XDP program on the function: all" all fw0 "$group"
in_ns host ip link set fw0 multicast off
ok "unless it says that its list holds" none fw0 "$group"
in_ns host ip maddr add "$group" dev fw0
ok "and then the list" all fw0 "$group"
in_ns host ip maddr del "$group" dev fw0
in_ns host ip link set fw0 multicast on
ok "all again" all fw0 "$group"
in_ns host ip link set fw0 xdp off
ok "without the program: the list" none fw0 "$group"

# --- further addresses ---------------------------------------------------------------------------

is "an address that nobody has" "$(asked --to "$second")" "host null"
ok "a second address" in_ns host bridge fdb add "$second" dev fw0 self
is_fw0() { [[ $(asked --to "$1") == "address fw0" ]]; }
isnt_fw0() { [[ $(asked --to "$1") == "host null" ]]; }
ok "is steered to" wait_for 3 is_fw0 "$second"
ok "and gets frames" gets fw0 rx_frames 10 to="$second"
in_ns host ip link set fw0 down
ok "down: nobody's" wait_for 3 isnt_fw0 "$second"
in_ns host ip link set fw0 up
ok "up: its own" wait_for 3 is_fw0 "$second"

in_ns host ip maddr add "$group" dev fw0
ok "and a group" all fw0 "$group"
kill -KILL "$uvfd"
wait "$uvfd" 2>/dev/null
in_ns host bridge fdb del "$second" dev fw0 self
in_ns host ip maddr del "$group" dev fw0
uvfd_start host
ok "what went while uvfd was away: the address" wait_for 3 isnt_fw0 "$second"
ok "and the group" none fw0 "$group"
ok "what stayed" all vlan0 "$group" vlan=7
uvfd_stop
is "uvfd ends well" "$uvfd_status" 0

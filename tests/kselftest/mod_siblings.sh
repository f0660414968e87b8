#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# runs: vm
# vm: --smp 2 --timeout 300
#
# Functions of one uplink in the modes private, bridge and passthru.
#
#	client: eth0 10.1.0.1 ══ eth1 10.1.0.2 :host
#	                         ├─ fa 10.1.0.11 :a
#	                         ├─ fb 10.1.0.12 :b
#	                         └─ fc 10.1.0.13 :c
#
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../lib/topology.sh"
. "$here/../lib/xsk.sh"
count=2000

mac_of() { in_ns "$1" ip -j link show "$2" | jq -r '.[0].address'; }
packets() { in_ns "$1" ip -j -s link show "$2" | jq ".[0].stats64.$3.packets"; }
ping_ok() { ok "$1" in_ns "$2" ping -q -c 2 -i 0.2 -W 4 "$3"; }
ping_no() { not_ok "$1" in_ns "$2" ping -q -c 2 -i 0.2 -W 1 "$3"; }

# place NAME HOST ADDRESS WORD…: a function in a namespace of its own
place() {
	local name=$1 host=$2 address=$3
	shift 3
	ok "$name: $*" in_ns host ip link add link eth1 name "$name" netns "uvf-$$-$host" type uvf "$@"
	in_ns "$host" ip addr add "$address/24" dev "$name"
	in_ns "$host" ip link set "$name" up
}

topology_make client host a b c
topology_wire client eth0 10.1.0.1/24 host eth1 10.1.0.2/24
module_load

# --- private
place fa a 10.1.0.11 appliance a
place fb b 10.1.0.12 mode bridge
place fc c 10.1.0.13 mode bridge
ping_no "private does not reach bridge" a 10.1.0.12
ping_no "bridge does not reach private" b 10.1.0.11
ping_ok "private reaches the wire" a 10.1.0.1

# --- bridge, by the stack
before=$(packets host eth1 tx)
ping_ok "bridge reaches bridge" b 10.1.0.13
in_ns b ip neigh flush dev fb
between=$(packets host eth1 tx)
ok "only the broadcast left the host" test $((between - before)) -le 4
ping_ok "bridge reaches the wire" c 10.1.0.1
ok "private becomes bridge" in_ns a ip link set fa type uvf mode bridge
is "told so" "$(in_ns a ip -j -d link show fa | jq -r '.[0].linkinfo.info_data.mode')" bridge
ping_ok "and reaches the others" a 10.1.0.13
before=$(packets b fb rx)
in_ns a ping -q -b -c 3 -i 0.2 -W 1 10.1.0.255 >/dev/null 2>&1
ok "broadcast reaches a sibling" test $(($(packets b fb rx) - before)) -ge 3
ok "and becomes private again" in_ns a ip link set fa type uvf mode private
ping_no "it reaches nobody" a 10.1.0.13

# --- bridge, from AF_XDP
for how in "zerocopy" "copy" "zerocopy nowakeup" "zerocopy busy"; do
	# shellcheck disable=SC2086 # words
	echo_start b fb $how
	before=$(packets host eth1 tx)
	# shellcheck disable=SC2086 # words
	ok "UMEM to UMEM, $how" in_ns c "$xsk" query fc "$(mac_of b fb)" $count $how
	echo_stop
	like "UMEM to UMEM, $how: nothing broken" "$(cat "$tmp/echo")" \
		"^questions $count answers $count broken 0 end asked"
	ok "UMEM to UMEM, $how: not by the uplink" test $(($(packets host eth1 tx) - before)) -le 4
done
echo_start b fb zerocopy
ok "stack to UMEM" in_ns c "$xsk" ask fc "$(mac_of b fb)" $count
echo_stop
ok "a program that transmits" in_ns b "$xsk" attach fb bounce
ok "UMEM to XDP_TX and back" in_ns c "$xsk" query fc "$(mac_of b fb)" $count
ok "no program" in_ns b "$xsk" detach fb
echo_start b fb zerocopy
ok "the wire still reaches them" in_ns client "$xsk" ask eth0 "$(mac_of b fb)" 200
in_ns c ip link set fc down
in_ns c ip link set fc up
ok "after down and up" in_ns c "$xsk" query fc "$(mac_of b fb)" 200
echo_stop

# --- several queues: each flow on one, all of them at work
ok "four queues" in_ns b ethtool -L fb combined 4
echo_start b fb zerocopy queues=4 shared
ok "UMEM to four UMEMs" in_ns c "$xsk" query fc "$(mac_of b fb)" $count
echo_stop

# --- both ways at once, ends of things under traffic
echo_start b fb zerocopy
ns_spawn c "$xsk" query fc "$(mac_of b fb)" 100000000 >/dev/null 2>&1
querying=$spawned
sleep 1
for mode in private bridge private bridge; do
	ok "$mode, under traffic" in_ns b ip link set fb type uvf mode $mode
	sleep 0.2
done
in_ns b ip link set fb down
in_ns b ip link set fb up
ok "the receiver is deleted under traffic" in_ns b ip link del fb
kill "$querying"
wait "$querying"
echo_stop
ok "the sender is deleted" in_ns c ip link del fc

# --- VLANs
place fb b 10.1.0.12 mode bridge vlan 7
place fc c 10.1.0.13 mode bridge vlan 7
ping_ok "one VLAN" b 10.1.0.13
echo_start b fb zerocopy
ok "one VLAN: UMEM to UMEM" in_ns c "$xsk" query fc "$(mac_of b fb)" $count
echo_stop
ok "another VLAN" in_ns c ip link del fc
place fc c 10.1.0.13 mode bridge vlan 8
ping_no "not from one VLAN to another" c 10.1.0.12
ok "all VLANs" in_ns c ip link del fc
place fc c 10.1.1.13 mode bridge
in_ns c ip link add link fc name fc.7 type vlan id 7
in_ns c ip addr add 10.1.0.13/24 dev fc.7
in_ns c ip link set fc.7 up
ping_ok "a tag that the sibling makes itself" c 10.1.0.12
in_ns b ip link del fb
in_ns c ip link del fc
in_ns a ip link del fa

# --- passthru
place fa a 10.1.0.11 mode passthru
promiscuity() { in_ns host ip -j -d link show eth1 | jq '.[0].promiscuity'; }
ok "the uplink is promiscuous" test "$(promiscuity)" -ge 1
ping_ok "passthru reaches the wire" a 10.1.0.1
ping_ok "the host keeps its own" client 10.1.0.2
echo_start a fa zerocopy
ok "frames for anybody" in_ns client "$xsk" ask eth0 02:12:34:56:78:9a 500
echo_stop
in_ns a ip link set fa down
is "no longer promiscuous" "$(promiscuity)" 0
ok "rmmod" rmmod uvf

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# runs: vm
# vm: --smp 2 --timeout 400
#
# Copies of what a function sends: of AF_XDP, the stack, XDP_TX and to siblings; each byte checked.
#
#	client: eth0 10.1.0.1 ══ eth1 10.1.0.2 :host
#	                         ├─ fa 10.1.0.11 :a      whose mirror is
#	                         ├─ fb 10.1.0.12 :b
#	                         └─ f7 (vlan 7)  :a
#	other:  eth0 10.2.0.1 ══ eth2 10.2.0.2 :host
#	                         └─ ids          :c
#
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../lib/topology.sh"
. "$here/../lib/xsk.sh"
nl=$here/../../build/tests/nl_uvf
seq=$here/../../build/tests/seq

mac_of() { in_ns "$1" ip -j link show "$2" | jq -r '.[0].address'; }
pci_of() { in_ns "$1" ip -j -d link show "$2" | jq -r '.[0].linkinfo.info_data.pci'; }
packets() { in_ns "$1" ip -j -s link show "$2" | jq ".[0].stats64.$3"; }
mirror() { in_ns a ip link set "$1" type uvf tx_mirror "$2"; }
said() { in_ns a ip -j -d link show "$1" | jq -r '.[0].linkinfo.info_data.tx_mirror'; }

# place NAME HOST ADDRESS UPLINK WORD…
place() {
	local name=$1 host=$2 address=$3 uplink=$4
	shift 4
	ok "$name: $*" in_ns host ip link add link "$uplink" name "$name" netns "uvf-$$-$host" type uvf "$@"
	in_ns "$host" ip addr add "$address/24" dev "$name"
	in_ns "$host" ip link set "$name" up
}

# listen HOST LINK; then saw DESC LINK COUNT
listen() {
	ns_spawn "$1" "$seq" receive "$2" idle=1500 >"$tmp/$2.in"
	listening+=("$spawned")
	wait_for 10 grep -q ready "$tmp/$2.in"
}
saw() { is "$1" "$(tail -n 1 "$tmp/$2.in")" "{ \"received\": $3, \"doubled\": 0, \"missing\": 0 }"; }

# sees DESC COUNT COMMAND…: AF_XDP on ids receives so many questions, whole
sees() {
	local want=$(($(packets c ids rx.packets) + $2))
	all_came() { [[ $(packets c ids rx.packets) -ge $want ]]; }
	echo_start c ids zerocopy
	ok "$1" "${@:3}"
	wait_for 5 all_came
	echo_stop
	like "$1: a copy of each" "$(cat "$tmp/echo")" "^questions $2 answers $2 broken 0 end asked"
}

topology_make client other host a b c
topology_wire client eth0 10.1.0.1/24 host eth1 10.1.0.2/24
topology_wire other eth0 10.2.0.1/24 host eth2 10.2.0.2/24
module_load
place fa a 10.1.0.11 eth1 mode bridge
place fb b 10.1.0.12 eth1 mode bridge
place f7 a 10.1.7.11 eth1 vlan 7
place ids c 10.2.0.9 eth2
client=$(mac_of client eth0) fa=$(mac_of a fa) fb=$(mac_of b fb) ids=$(pci_of c ids)

# --- told, and refused
is "no mirror at first" "$(said fa)" null
ok "a mirror elsewhere, by its PCI address" mirror fa "$ids"
is "ip tells" "$(said fa)" "$ids"
like "generic netlink tells" "$(in_ns a "$nl" get ifname fa)" "tx-mirror=$ids "
expect_fail 'a function that receives copies' in_ns c ip link set ids type uvf tx_mirror "$(pci_of b fb)"
expect_fail "can't be a mirror of itself" mirror f7 f7
expect_fail 'a function that receives copies' mirror f7 fa
in_ns host ip link add link eth2 name v8 type uvf vlan 8
expect_fail 'the mirror is in a VLAN' mirror f7 "$(pci_of host v8)"
in_ns host ip link del v8
is "nothing has changed" "$(said fa) $(said f7)" "$ids null"
ok "another name" in_ns c ip link set ids down
in_ns c ip link set ids name renamed
in_ns c ip link set renamed name ids
in_ns c ip link set ids up
is "it is the same" "$(said fa)" "$ids"

# --- the stack
listening=()
listen c ids
listen client eth0
in_ns a "$seq" send fa to="$client" count=300 rate=500 >/dev/null
wait "${listening[@]}"
saw "the stack: what is sent arrives" eth0 300
saw "the stack: a copy of each" ids 300
listening=()
listen c ids
listen b fb
in_ns a "$seq" send fa to="$fb" count=300 rate=500 >/dev/null
wait "${listening[@]}"
saw "the stack, to a sibling" fb 300
saw "the stack, to a sibling: a copy of each" ids 300
listening=()
listen c ids
in_ns client "$seq" send eth0 to="$fa" count=100 rate=500 >/dev/null
in_ns a "$seq" send fa to="$client" count=1 >/dev/null
wait "${listening[@]}"
saw "what is received is not copied" ids 1
head -c 1000000 /dev/zero >"$tmp/zeroes"
before=$(packets c ids rx.bytes)
ns_spawn client bash -c "exec busybox nc -l -p 5001 < <(exec sleep 120)" >"$tmp/got"
nc=$spawned
wait_for 5 listens client 5001
ok "TCP" in_ns a timeout 120 busybox nc 10.1.0.1 5001 <"$tmp/zeroes"
wait "$nc"
is "TCP: whole" "$(stat -c %s "$tmp/got")" 1000000
ok "TCP: copies" test $(($(packets c ids rx.bytes) - before)) -ge 1000000

# --- AF_XDP, zero-copy and not, to the wire and from UMEM to UMEM; XDP_TX
sees "AF_XDP" 500 in_ns a "$xsk" pour fa "$client" 500 zerocopy
sees "AF_XDP, copy mode" 500 in_ns a "$xsk" pour fa "$client" 500 copy
sees "AF_XDP, to a sibling" 500 in_ns a "$xsk" pour fa "$fb" 500 zerocopy
ok "a program that sends all back" in_ns a "$xsk" attach fa reflect
listening=()
listen c ids
in_ns client "$seq" send eth0 to="$fa" count=300 rate=500 >/dev/null
wait "${listening[@]}"
saw "XDP_TX: a copy of each" ids 300
in_ns a "$xsk" detach fa

# --- a circle that programs make is none: ids sends copies back, and they are not copied
ok "a program on the mirror" in_ns c "$xsk" attach ids reflect
before=$(packets c ids rx.packets)
in_ns a "$seq" send fa to="$client" count=100 rate=500 >/dev/null
sleep 1
ok "each copy is received once" test $(($(packets c ids rx.packets) - before)) -lt 150
in_ns c "$xsk" detach ids

# --- tags; a mirror of the same VLAN
ok "of a VLAN, to one of none" mirror f7 "$ids"
listening=()
listen c ids
in_ns a "$seq" send f7 to="$client" count=200 rate=500 >/dev/null
wait "${listening[@]}"
saw "copies with their tag" ids 200
ok "none" mirror f7 none
is "told" "$(said f7)" null
place g7 c 10.1.7.12 eth2 vlan 7
ok "of one VLAN" mirror f7 "$(pci_of c g7)"
listening=()
listen c g7
in_ns a "$seq" send f7 to="$client" count=200 rate=500 >/dev/null
wait "${listening[@]}"
saw "copies without their tag" g7 200

# --- a mirror that is down, or full, harms nobody
in_ns c ip link set ids down
ok "down" in_ns a "$xsk" pour fa "$client" 500 zerocopy
in_ns c ip link set ids up
ns_spawn c "$xsk" hold ids >"$tmp/hold"
holding=$spawned
wait_for 5 grep -q bound "$tmp/hold"
ok "an appliance that fills nothing" in_ns a "$xsk" pour fa "$client" 3000 zerocopy
kill "$holding"
wait "$holding"

# --- the end of things, under traffic from two processors
traffic_start() {
	ns_spawn a "$xsk" pour fa "$fb" 10000000 zerocopy >/dev/null 2>&1
	traffic=("$spawned")
	ns_spawn a "$xsk" flood f7 "$client" 100 >/dev/null 2>&1
	traffic+=("$spawned")
	sleep 0.3
}
traffic_stop() {
	kill "${traffic[@]}" 2>/dev/null
	wait "${traffic[@]}" 2>/dev/null
}
traffic_start
for _ in 1 2 3; do
	ok "off, under traffic" mirror fa none
	ok "on, under traffic" mirror fa "$ids"
	mirror f7 none
	mirror f7 "$ids"
done
echo_start c ids zerocopy
sleep 0.3
ok "the mirror is deleted, under traffic" in_ns c ip link del ids
echo_stop
is "nobody has it" "$(said fa) $(said f7)" "null null"
for i in 1 2 3; do
	ok "another one, $i" in_ns host ip link add link eth2 name ids netns "uvf-$$-c" type uvf
	in_ns c ip link set ids up
	mirror fa "$(pci_of c ids)"
	mirror f7 "$(pci_of c ids)"
	sleep 0.2
	ok "deleted, $i" in_ns c ip link del ids
done
ok "one more" in_ns host ip link add link eth2 name ids netns "uvf-$$-c" type uvf
in_ns c ip link set ids up
mirror fa "$(pci_of c ids)"
mirror f7 "$(pci_of c ids)"
ok "the uplink of the mirror is deleted, under traffic" in_ns host ip link del eth2
is "nobody has it" "$(said fa) $(said f7)" "null null"
ok "who is copied is deleted" in_ns a ip link del fa
traffic_stop
place g1 c 10.1.0.13 eth1
mirror f7 "$(pci_of c g1)"
traffic_start
ok "rmmod under traffic" rmmod uvf
traffic_stop

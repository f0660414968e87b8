#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# runs: vm
# vm: --smp 2 --timeout 400
#
# What uvf.ko and its plug-in for `ip` refuse: one sentence each, and nothing changed.
#
#	client: eth0 ══ eth1 :host      fw0, and fw7 with vlan 7, are there
#
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../lib/topology.sh"

# All links of the host with address, MTU, flags and attributes; which functions are spare.
state() {
	in_ns host ip -o -d link
	cat /sys/bus/pci/devices/1000?:*/class
}

# Refused with a text and without a trace: refused TEXT COMMAND…
refused() {
	local now
	expect_fail "$1" in_ns host "${@:2}"
	now=$(state)
	[[ $now == "$last" ]] || fail "nothing changed" "$(diff <(echo "$last") <(echo "$now"))"
}

# Changed on purpose.
setup() {
	in_ns host "$@" || bail_out "can't do: $*"
	last=$(state)
}

add() { refused "$1" ip link add "${@:2}"; }

ko=$(module_path)
for value in 0 257 x -1; do
	not_ok "spare=$value" insmod "$ko" spare=$value
	not_ok "spare=$value leaves no module" test -d /sys/module/uvf
done

topology_make client host
topology_wire client eth0 10.1.0.1/24 host eth1 10.1.0.2/24
module_load
function_add host fw0 eth1 test || bail_out "no function"
function_add host fw7 eth1 test 7 || bail_out "no function"
setup ip link add eth2 type dummy
setup ip link add dead0 type dummy
setup ip link set eth2 up
setup ip link set fw0 up
# A spare function may still be on its way: then the state would change by itself.
wait_for 5 eval '[[ $(grep -l 0xff0000 /sys/bus/pci/devices/1000?:*/class | wc -l) -eq 16 ]]'
mac=$(in_ns host ip -j link show fw0 | jq -r '.[0].address')
own=$(in_ns host ip -j link show eth1 | jq -r '.[0].address')
last=$(state)

# --- words
add '"appliance" wants a value' link eth2 name x0 type uvf appliance
add '"vlan" wants a number' link eth2 name x0 type uvf vlan seven
add '"vlan" wants a number' link eth2 name x0 type uvf vlan 4095
add '"vlan" wants a number' link eth2 name x0 type uvf vlan -1
add '"vlan" wants a number' link eth2 name x0 type uvf vlan 99999999999999999999
add '"mode" wants private' link eth2 name x0 type uvf mode bridged
add '"queues" wants a number' link eth2 name x0 type uvf queues 0
add '"queues" wants a number' link eth2 name x0 type uvf queues 17
add '"tx_rate" .7999. is out of range: 8000 to 400000000000' link eth2 name x0 type uvf tx_rate 7999
add '"tx_rate" .fast. is not a number' link eth2 name x0 type uvf tx_rate fast
add '"tx_pps" .1gbit. ?|"tx_pps" .gbit. is not a unit' link eth2 name x0 type uvf tx_pps 1gbit
add '"tx_burst" .63. is out of range' link eth2 name x0 type uvf tx_rate 1mbit tx_burst 63
add '"tx_mirror" wants the name of a function' link eth2 name x0 type uvf tx_mirror nobody
add '"tx_mirror" wants the name of a function' link eth2 name x0 type uvf tx_mirror eth1
add 'needs a tx_rate' link eth2 name x0 type uvf tx_burst 64k
add 'no function in use has the PCI address' link eth2 name x0 type uvf tx_mirror 10000:00:00.7
add '"redirect" wants the name of a function' link eth2 name x0 type uvf redirect nobody
add '"redirect" wants the name of a function' link eth2 name x0 type uvf redirect eth1
add 'no function in use has the PCI address of the redirect' link eth2 name x0 type uvf redirect 10000:00:00.7
add '"colour" is no option' link eth2 name x0 type uvf colour blue
add '"vlan" is given twice' link eth2 name x0 type uvf vlan 3 vlan 4
add 'wants a name' link eth2 name x0 type uvf appliance "$(printf 'a%.0s' {1..300})"

# --- attributes
add 'uvf: a vlan is 1 to 4094' link eth2 name x0 type uvf vlan 0
for name in '' .hidden -x 'a b' a/b ä 'a"b' $'a\nb' "$(printf 'a%.0s' {1..32})"; do
	add "uvf: an appliance's name has" link eth2 name x0 type uvf appliance "$name"
done

# --- attributes that ip does not send: 1 the appliance, 2 the vlan, 3 the PCI address,
#     4 the mode, 5 the queues, 6 to 8 the limit, 9 the mirror, 10 the redirect
raw() { refused "$1" "$here/../../build/tests/rawlink" eth2 x0 "${@:2}"; }
raw "Invalid argument: uvf: the PCI address is the module's choice" 3 31303030303a30303a30302e3000
raw 'Invalid argument: uvf: a mode is private, bridge or passthru' 4 03000000
raw 'Invalid argument: uvf: a mode is private, bridge or passthru' 4 01
raw 'Invalid argument: uvf: a mode is private, bridge or passthru' 4
raw 'Invalid argument: uvf: a function has 1 to 16 queues' 5 00000000
raw 'Invalid argument: uvf: a function has 1 to 16 queues' 5 11000000
raw 'Invalid argument: uvf: a function has 1 to 16 queues' 5 0100000000000000
raw 'Invalid argument: uvf: a tx_rate is 8000 to 400000000000' 6 00100000
raw 'Invalid argument: uvf: a tx_rate is 8000 to 400000000000' 6 3f1f000000000000
raw 'Invalid argument: uvf: a tx_rate is 8000 to 400000000000' 6 ffffffffffffffff
raw 'Invalid argument: uvf: a tx_pps is 1 to 100000000' 7 ffffffff
raw 'Invalid argument: uvf: a tx_pps is 1 to 100000000' 7 0100
raw 'Invalid argument: uvf: a tx_burst is 64 to 67108864' 8 3f000000
raw 'Invalid argument: uvf: a tx_burst is one of bytes, and needs a tx_rate' 8 00100000
raw 'Invalid argument: uvf: a tx_mirror is a PCI address' 9 313030303030303a30303a30303030303030303030302e30
raw 'No such device: uvf: no function in use has the PCI address of the tx_mirror' 9 6e6f6e65
raw 'Invalid argument: uvf: a redirect is a PCI address' 10 313030303030303a30303a30303030303030303030302e30
raw 'No such device: uvf: no function in use has the PCI address of the redirect' 10 6e6f6e65
raw 'Invalid argument: uvf: unknown attribute' 11 01000000
raw 'Invalid argument: uvf: unknown attribute' 16383
raw 'Invalid argument: uvf: unknown attribute' 0 00
raw 'Invalid argument: uvf: a vlan is 1 to 4094' 2 07
raw 'Invalid argument: uvf: a vlan is 1 to 4094' 2 07000000
raw 'Invalid argument: uvf: a vlan is 1 to 4094' 2
raw "Invalid argument: uvf: an appliance's name has 1 to 31" 1
raw "Invalid argument: uvf: an appliance's name has 1 to 31" 1 66770066
raw "Invalid argument: uvf: an appliance's name has letters" 1 66ff00

# --- uplinks
add 'no uplink is given' name x0 type uvf
refused 'Cannot find device "nothere"' ip link add link nothere name x0 type uvf
add 'loopback' link lo name x0 type uvf
add 'is a uvf function' link fw0 name x0 type uvf
setup ip link add link fw0 name fw0.9 type vlan id 9
add 'on top of one' link fw0.9 name x0 type uvf
setup ip link del fw0.9
add 'uplink is down' link dead0 name x0 type uvf
modprobe tun
setup ip tuntap add tun0 mode tun
setup ip link set tun0 up
add 'not an Ethernet device' link tun0 name x0 type uvf
setup ip link add br0 type bridge
setup ip link set eth2 master br0
add 'has a receive handler' link eth2 name x0 type uvf
setup ip link set eth2 nomaster
setup ip link add link eth2 name mv0 type macvlan
add 'has a receive handler' link eth2 name x0 type uvf
setup ip link del mv0

# --- modes
add 'takes the whole uplink' link eth1 name x0 type uvf mode passthru
add 'passthru takes frames of all VLANs' link eth2 name x0 type uvf mode passthru vlan 3
setup ip link add link eth2 name pass0 type uvf mode passthru
add 'in passthru mode, which takes it whole' link eth2 name x0 type uvf
add 'in passthru mode, which takes it whole' link eth2 name x0 type uvf mode passthru
refused 'passthru is for life' ip link set pass0 type uvf mode bridge
setup ip link del pass0
wait_for 5 eval '[[ $(grep -l 0x020000 /sys/bus/pci/devices/1000?:*/class | wc -l) -eq 2 ]]'
last=$(state)

# --- names, addresses, MTU
add 'File exists' link eth2 name fw0 type uvf
add 'not a unicast' link eth2 name x0 address 01:00:5e:00:00:01 type uvf
add 'not a unicast' link eth2 name x0 address 00:00:00:00:00:00 type uvf
add 'with this address and VLAN' link eth1 name x0 address "$mac" type uvf
add "uplink's own" link eth1 name x0 address "$own" type uvf
add "above the uplink's" link eth1 name x0 mtu 1501 type uvf
setup ip link add link eth2 name eth2.5 type vlan id 5
add 'has an 802.1Q interface' link eth2 name x0 type uvf vlan 5
setup ip link del eth2.5

# --- of a function that is there
refused "uplink's own" ip link set fw0 address "$own"
refused 'Cannot assign requested address' ip link set fw0 address 01:00:5e:00:00:01
refused 'mtu greater than device maximum' ip link set fw0 mtu 1501
refused 'while the function is down' ip link set fw0 type uvf appliance other
refused 'the vlan is fixed' ip link set fw7 type uvf vlan 8
refused 'a vlan is 1 to 4094' ip link set fw7 type uvf vlan 0
refused 'passthru is for life' ip link set fw0 type uvf mode passthru
refused 'ethtool -L' ip link set fw0 type uvf queues 2
like "no queue" "$(in_ns host ethtool -L fw0 combined 0 2>&1)" 'no RX or TX channel'
like "too many queues" "$(in_ns host ethtool -L fw0 combined 17 2>&1)" 'exceeds maximum'

# --- of an uplink with functions
refused 'function on this device has the address' ip link set eth1 address "$mac"
refused 'function on this device has the VLAN' ip link add link eth1 name eth1.7 type vlan id 7
refused 'busy' ip link set eth1 master br0

# --- who may
topology_make elsewhere
expect_fail 'CAP_NET_ADMIN in the initial user namespace' in_ns elsewhere unshare --user --map-root-user --net \
	bash -c 'ip link add d0 up type dummy; ip link add link d0 name x0 type uvf'

# --- what is allowed beside all that
ok "the uplink's address with a vlan" \
	in_ns host ip link add link eth1 name ok0 address "$own" type uvf vlan 12
ok "a sibling's address with a vlan" \
	in_ns host ip link add link eth1 name ok1 address "$mac" type uvf vlan 12
ok "an 802.1Q interface with another ID" \
	in_ns host ip link add link eth1 name eth1.8 type vlan id 8
ok "an appliance of one letter" in_ns host ip link add link eth2 name ok2 type uvf appliance a
ok "an appliance of 31" in_ns host ip link set ok2 type uvf \
	appliance "$(printf 'a%.0s' {1..27})._-9"

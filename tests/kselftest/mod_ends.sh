#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# runs: vm
# vm: --smp 2 --timeout 420
#
# What functions lean on goes away under traffic: driver, PCI device, namespaces, uplink, module.
# Each time on a plant of its own, with a function for the stack and one for a socket; whoever is
# not concerned does not notice.
#
#	client: eth0 10.1.0.1 ══ eth1 :host
#	                         └─ f1 10.1.0.3 :a
#	client: eth2 10.2.0.1 ══ eth3 :low
#	                         ├─ g1 10.2.0.3 :b
#	                         └─ g2, with an AF_XDP socket
#
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../lib/topology.sh"
xsk=$here/../../build/tests/xsk
driver=/sys/bus/pci/drivers/uvf

field() { in_ns "$1" ip -j -d -s link show "$2" | jq -r ".[0].$3"; }
pci_of() { field "$1" "$2" linkinfo.info_data.pci; }
used() { cat /sys/bus/pci/devices/1000?:*/class | grep -c 0x020000; }
answers() { in_ns client ping -q -c 2 -i 0.1 -W 5 "$1"; }
questions_go_on() { # of the socket: more than before
	local before
	before=$(field low g2 stats64.rx.packets)
	wait_for 5 eval '[[ $(field low g2 stats64.rx.packets) -gt $((before + 20)) ]]'
}

function_up() { # namespace, uplink, name, its namespace, address
	in_ns "$1" ip link add link "$2" name "$3" type uvf &&
		in_ns "$1" ip link set "$3" netns "uvf-$$-$4" &&
		in_ns "$4" ip addr add "$5" dev "$3" && in_ns "$4" ip link set "$3" up
}

spawn() {
	ns_spawn "$@" >/dev/null 2>&1
	traffic+=("$spawned")
}

plant() {
	topology_make low b
	topology_wire client eth2 10.2.0.1/24 low eth3 10.2.0.2/24
	function_up low eth3 g1 b 10.2.0.3/24
	in_ns low ip link add link eth3 name g2 type uvf
	in_ns low ip link set g2 up
	g1=$(pci_of b g1) g2=$(pci_of low g2)
	ns_spawn low "$xsk" echo g2 >"$tmp/echo" 2>&1
	echoing=$spawned traffic=()
	wait_for 10 grep -q '^ready zerocopy' "$tmp/echo" || fail "xsk echo" "$(cat "$tmp/echo")"
	spawn client ping -q -f 10.2.0.3
	spawn client ping -q -i 0.01 -b 10.2.0.255
	spawn client "$xsk" flood eth2 "$(field low g2 address)" 1000
	wait_for 10 eval '[[ $(field low g2 stats64.rx.packets) -gt 20 ]]'
}

clear_away() { # what happened
	kill -KILL "$echoing" "${traffic[@]}" 2>/dev/null
	wait "$echoing" "${traffic[@]}" 2>/dev/null
	in_ns client ip link del eth2 2>/dev/null
	ip netns del "uvf-$$-low" 2>/dev/null
	ip netns del "uvf-$$-b" 2>/dev/null
	ok "$1: the functions are spare again" wait_for 10 eval '[[ $(used) -eq 1 ]]'
	ok "$1: the function on the other uplink answers" answers 10.1.0.3
}

topology_make client host a
topology_wire client eth0 10.1.0.1/24 host eth1 10.1.0.2/24
module_load
ok "a function" function_up host eth1 f1 a 10.1.0.3/24
ok "it answers" answers 10.1.0.3

plant
for i in 1 2 3 4; do
	for pci in "$g1" "$g2"; do echo "$pci" >"$driver/unbind"; done 2>"$tmp/said"
	[[ $i -gt 1 ]] || is "driver unbound: which" "$(ls -d $driver/"$g1" $driver/"$g2" 2>/dev/null)" ""
	[[ $i -gt 1 ]] || ok "driver unbound: the stack goes on" answers 10.2.0.3
	[[ $i -gt 1 ]] || ok "driver unbound: the socket goes on" questions_go_on
	sleep 0.1
	for pci in "$g1" "$g2"; do echo "$pci" >"$driver/bind"; done 2>>"$tmp/said"
	sleep 0.1
done
is "driver unbound and bound, four times" "$(cat "$tmp/said")" ""
ok "driver bound: the stack goes on" answers 10.2.0.3
ok "driver bound: the socket goes on" questions_go_on
echo "$g1" >"$driver/unbind"
echo "$g2" >"$driver/unbind"
ok "deleted without a driver" in_ns low ip link del g2
clear_away "deleted without a driver"
for pci in "$g1" "$g2"; do echo "$pci" >"$driver/bind"; done

plant
echo 1 >"/sys/bus/pci/devices/$g1/remove"
echo 1 >"/sys/bus/pci/devices/$g2/remove"
not_ok "PCI device removed: no link" in_ns low ip link show g2
echo 1 >/sys/bus/pci/rescan
clear_away "PCI device removed"

plant
for state in down up down up; do
	in_ns low ip link set eth3 $state
	sleep 0.1
done
ok "uplink down and up: the stack goes on" answers 10.2.0.3
ok "uplink down and up: the socket goes on" questions_go_on
ok "uplink to another namespace" in_ns low ip link set eth3 netns "uvf-$$-a"
in_ns a ip link set eth3 up
ok "uplink to another namespace: the stack goes on" answers 10.2.0.3
ok "uplink to another namespace: the socket goes on" questions_go_on
ok "uplink deleted there" in_ns a ip link del eth3
not_ok "uplink deleted there: no link" in_ns low ip link show g2
clear_away "uplink deleted"

plant
ip netns del "uvf-$$-b"
ok "the function's namespace dies: the function" wait_for 10 eval '[[ $(used) -eq 2 ]]'
ok "the function's namespace dies: the other goes on" questions_go_on
ip netns del "uvf-$$-low"
kill -KILL "$echoing" && wait "$echoing" 2>/dev/null # the last one in there
ok "the uplink's namespace dies" wait_for 10 eval '[[ $(used) -eq 1 ]]'
clear_away "namespaces dead"

plant
ip netns del "uvf-$$-low"
kill -KILL "$echoing" && wait "$echoing" 2>/dev/null
ok "the uplink's namespace dies, not the function's" wait_for 10 eval '[[ $(used) -eq 1 ]]'
clear_away "the uplink's namespace dead"

plant
ok "rmmod" rmmod uvf
not_ok "rmmod: no link" in_ns low ip link show g2
is "rmmod: no PCI device" "$(lspci -D -d 1af4:10f0 | wc -l)" 0
ok "insmod" insmod "$(module_path)"
ok "insmod: a function again" function_up host eth1 f1 a 10.1.0.3/24
in_ns client ip neigh flush dev eth0 # its address is another
clear_away "rmmod"
ok "rmmod at last" rmmod uvf

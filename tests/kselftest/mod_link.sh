#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# runs: vm
# vm: --smp 2 --timeout 300
#
# A function as a link and as a PCI device, from `ip link add` to the many ways of its end.
#
#	client: eth0 ══ eth1 :host          eth2: a dummy on the host
#	                └─ fw0
#
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../lib/topology.sh"

class_of() { cat "/sys/bus/pci/devices/$1/class"; }
functions() { cat /sys/bus/pci/devices/1000?:*/class | grep -c "$1"; }
pci_of() { in_ns host ip -j -d link show "$1" | jq -r '.[0].linkinfo.info_data.pci'; }
field() { in_ns host ip -j -d link show "$1" | jq -r ".[0].$2"; }
no_link() { ! in_ns host ip link show "$1"; }
spare_again() { wait_for 5 test "$(class_of "$1")" = 0xff0000; }

# What udev hears, one line each.
busybox uevent sh -c 'echo "$ACTION $PCI_SLOT_NAME [$UVF_FUNCTION] [$UVF_APPLIANCE]"' \
	>>"$tmp/uevents" 2>/dev/null &
listener=$!
at_exit kill $listener

# uevent DESC PCI FUNCTION APPLIANCE
uevent() {
	wait_for 5 grep -qxF "change $2 [$3] [$4]" "$tmp/uevents"
	like "$1" "$(cat "$tmp/uevents")" "^change $2 \\[$3\\] \\[$4\\]$"
	: >"$tmp/uevents"
}

topology_make client host other
topology_wire client eth0 10.1.0.1/24 host eth1 10.1.0.2/24
in_ns host ip link add eth2 type dummy
in_ns host ip link set eth2 up
module_load

# --- the pool
is "spare functions" "$(functions 0xff0000)" 16
is "used functions" "$(functions 0x020000)" 0

# --- one story in every tool
ok "a function" in_ns host ip link add link eth1 name fw0 address 02:00:00:00:00:01 \
	type uvf appliance firewall
pci=$(pci_of fw0)
like "PCI address, in a domain of its own" "$pci" '^1000[0-9]:00:00\.0$'
is "kind" "$(field fw0 linkinfo.info_kind)" uvf
is "appliance" "$(field fw0 linkinfo.info_data.appliance)" firewall
is "no vlan" "$(field fw0 linkinfo.info_data.vlan)" null
is "uplink" "$(field fw0 link)" eth1
is "address" "$(field fw0 address)" 02:00:00:00:00:01
is "MTU" "$(field fw0 mtu)" 1500
is "parent" "$(field fw0 parentdev)" "$pci"
like "in words" "$(in_ns host ip -d link show fw0)" "    uvf appliance firewall mode private queues 1 pci $pci "
like "lspci: in use" "$(lspci -D -nn -s "$pci")" \
	"^$pci Ethernet controller \[0200\]: Red Hat, Inc. Device \[1af4:10f0\]$"
like "lspci: driver" "$(lspci -D -k -s "$pci")" 'Kernel driver in use: uvf$'
like "lspci: the next one is spare" "$(lspci -D -nn -s "${pci%.0}.1")" \
	'Unassigned class \[ff00\]: Red Hat, Inc. Device \[1af4:10f0\]$'
like "ethtool: driver" "$(in_ns host ethtool -i fw0)" '^driver: uvf$'
like "ethtool: bus" "$(in_ns host ethtool -i fw0)" "^bus-info: $pci$"
uevent "uevent: in use" "$pci" fw0 firewall
wait_for 5 eval '[[ $(functions 0xff0000) -eq 16 ]]'
is "topped up" "$(functions 0xff0000)" 16

# --- configuration space: any width, any offset
is "config: vendor and device" "$(setpci -s "$pci" 0.l)" 10f01af4
is "config: a word across fields" "$(setpci -s "$pci" 0b.b)" 02
setpci -s "$pci" 0.l=ffffffff 8.l=ffffffff 30.l=ffffffff fc.l=ffffffff 34.b=ff 3d.b=ff
is "config: the read-only is" "$(setpci -s "$pci" 0.l 8.l 30.l fc.l 34.b 3d.b | xargs)" \
	"10f01af4 02000000 00000000 00000000 40 00"
setpci -s "$pci" 4.w=ffff 3c.b=5a
is "config: the writable is" "$(setpci -s "$pci" 4.w 3c.b | xargs)" "0547 5a"
setpci -s "$pci" 4.w=0

# --- attributes that may change
ok "another appliance" in_ns host ip link set fw0 type uvf appliance router
is "another appliance: told" "$(field fw0 linkinfo.info_data.appliance)" router
uevent "another appliance: uevent" "$pci" fw0 router
in_ns host ip link set fw0 up
ok "another address, while up" in_ns host ip link set fw0 address 02:00:00:00:00:02
is "another address: told" "$(field fw0 address)" 02:00:00:00:00:02
ok "the first one is free again" in_ns host ip link add link eth1 name x0 \
	address 02:00:00:00:00:01 type uvf
ok "delete" in_ns host ip link del x0

# --- what the uplink does
wait_for 5 eval '[[ $(field fw0 operstate) == UP ]]'
is "state: up" "$(field fw0 operstate)" UP
in_ns client ip link set eth0 down
wait_for 5 eval '[[ $(field fw0 operstate) == LOWERLAYERDOWN ]]'
is "state: follows the uplink's carrier" "$(field fw0 operstate)" LOWERLAYERDOWN
in_ns client ip link set eth0 up
in_ns host ip link set eth1 down
wait_for 5 eval '[[ $(field fw0 operstate) == LOWERLAYERDOWN ]]'
is "state: follows the uplink down" "$(field fw0 operstate)" LOWERLAYERDOWN
in_ns host ip link set eth1 up
wait_for 5 eval '[[ $(field fw0 operstate) == UP ]]'
is "state: up again" "$(field fw0 operstate)" UP
in_ns host ip link set eth1 mtu 1400
is "MTU: shrinks with the uplink's" "$(field fw0 mtu)" 1400
in_ns host ip link set eth1 mtu 9000
is "MTU: does not grow by itself" "$(field fw0 mtu)" 1400
ok "MTU: but may" in_ns host ip link set fw0 mtu 9000
ok "jumbo from the start" in_ns host ip link add link eth1 name x0 mtu 8000 type uvf
is "jumbo from the start: told" "$(field x0 mtu)" 8000
in_ns host ip link del x0
in_ns host ip link set eth1 mtu 1500

# --- filters of the uplink
in_ns host ip link set fw0 allmulticast on
is "allmulti reaches the uplink" "$(field eth1 allmulti)" 1
in_ns host ip maddr add 01:00:5e:01:02:03 dev fw0
like "so does a group" "$(in_ns host ip maddr show dev eth1)" 01:00:5e:01:02:03
in_ns host ip link set fw0 down
is "allmulti: taken back" "$(field eth1 allmulti)" 0
is "promiscuity: taken back" "$(field eth1 promiscuity)" 0
not_ok "the group: taken back" eval 'in_ns host ip maddr show dev eth1 | grep 01:00:5e:01:02:03'

# --- the PCI side on its own
ok "unbind" eval 'echo "$pci" >/sys/bus/pci/drivers/uvf/unbind'
is "unbind: the link stays" "$(pci_of fw0)" "$pci"
like "unbind: ethtool still knows" "$(in_ns host ethtool -i fw0)" "^bus-info: $pci$"
ok "bind" eval 'echo "$pci" >/sys/bus/pci/drivers/uvf/bind'

# --- the ends of a function
ok "ip link del" in_ns host ip link del fw0
is "ip link del: spare" "$(class_of "$pci")" 0xff0000
uevent "ip link del: uevent" "$pci" '' ''
is "ip link del: no group left" "$(in_ns host ip maddr show dev eth1 | grep -c 01:00:5e:01)" 0
ok "the address is used again" in_ns host ip link add link eth1 name fw0 type uvf
is "the address is used again: which" "$(pci_of fw0)" "$pci"

in_ns host ip link set fw0 up
ok "sysfs remove" eval 'echo 1 >"/sys/bus/pci/devices/$pci/remove"'
ok "sysfs remove: no link" no_link fw0
not_ok "sysfs remove: no device" test -e "/sys/bus/pci/devices/$pci"
not_ok "sysfs remove: not in lspci" eval 'lspci -D -s "$pci" | grep .'
ok "rescan" eval 'echo 1 >/sys/bus/pci/rescan'
wait_for 5 test -e "/sys/bus/pci/devices/$pci"
is "rescan: spare" "$(class_of "$pci")" 0xff0000
wait_for 5 eval 'in_ns host ip link add link eth1 name fw0 type uvf &&
	[[ $(pci_of fw0) == $pci ]] || ! in_ns host ip link del fw0'
is "rescan: in use again" "$(pci_of fw0)" "$pci"
ok "remove of a spare one" eval 'echo 1 >"/sys/bus/pci/devices/${pci%.0}.7/remove"'
in_ns host ip link del fw0

in_ns host ip link add link eth2 name a0 type uvf
in_ns host ip link add link eth2 name a1 type uvf vlan 9
in_ns host ip link set a0 up
in_ns host ip link set a1 up
a1=$(pci_of a1)
ok "delete the uplink" in_ns host ip link del eth2
ok "delete the uplink: no link" no_link a0
ok "delete the uplink: no link with a vlan" no_link a1
is "delete the uplink: spare" "$(class_of "$a1")" 0xff0000

in_ns host ip link add link eth1 name fw0 type uvf
ok "to another namespace" in_ns host ip link set fw0 netns "uvf-$$-other"
ok "to another namespace: up" in_ns other ip link set fw0 up
like "to another namespace: still the uplink's" "$(in_ns other ip link show fw0)" 'link-netns'
ok "made there" in_ns host ip link add link eth1 name fw1 netns "uvf-$$-other" type uvf
ok "to another namespace: up" in_ns other ip link set fw1 up
ip netns del "uvf-$$-other"
wait_for 10 eval '[[ $(functions 0x020000) -eq 0 ]]'
is "the namespace dies: all are spare" "$(functions 0x020000)" 0

in_ns host ip link add link eth1 name fw0 type uvf
in_ns host ip link set fw0 up
ok "rmmod with a function that is up" rmmod uvf
ok "rmmod: no link" no_link fw0
is "rmmod: no PCI device" "$(lspci -D -d 1af4:10f0 | wc -l)" 0
is "rmmod: the uplink is as before" "$(field eth1 promiscuity)" 0

# --- many
ok "insmod spare=256" insmod "$(module_path)" spare=256
is "spare=256" "$(functions 0xff0000)" 256
ok "300 functions" eval 'for i in {1..300}; do echo "link add link eth1 name m$i type uvf"; done |
	in_ns host ip -batch -'
is "300 functions: used" "$(functions 0x020000)" 300
like "300 functions: on two buses" "$(lspci -D -d 1af4:10f0)" '^1000[0-9]:01:05'
ok "rmmod" rmmod uvf
ok "insmod spare=1" insmod "$(module_path)" spare=1
ok "faster than the pool: 32 functions" eval \
	'for i in {1..32}; do echo "link add link eth1 name m$i type uvf"; done | in_ns host ip -batch -'
is "faster than the pool: used" "$(functions 0x020000)" 32

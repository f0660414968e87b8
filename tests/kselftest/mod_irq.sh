#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# runs: vm
# vm: --smp 2 --timeout 420
#
# A function's interrupts: who raises them, where they run, and what happens to them when the
# driver, the PCI device or a processor goes while there is traffic.
#
#	mod_irq.sh [ROUNDS]		20 by default
#
#	client: eth0 ══ eth1 :host
#	                └─ fw0
#
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../lib/topology.sh"
. "$here/../lib/xsk.sh"
rounds=${1:-20}
driver=/sys/bus/pci/drivers/uvf

# --- what /proc tells
irq_of() { awk -v name="$1" '$NF == name { sub(":", "", $1); print $1 }' /proc/interrupts; }
vectors() { grep -oE "[a-z0-9]+-(ctl|[0-9]+)$" /proc/interrupts | grep -v edge | xargs; }
# The count of a vector on a processor, or on all that are online.
count() {
	awk -v name="$1" -v cpu="${2:-all}" '
		NR == 1 { n = NF }
		$NF == name { for (i = 0; i < n; i++) if (cpu == "all" || cpu == i) sum += $(i + 2) }
		END { print sum + 0 }' /proc/interrupts
}
move() { echo "$2" >"/proc/irq/$(irq_of "$1")/smp_affinity"; }
effective() { cat "/proc/irq/$(irq_of "$1")/effective_affinity"; }

mac_of() { in_ns host ip -j link show "$1" | jq -r '.[0].address'; }
pci_of() { in_ns host ip -j -d link show "$1" | jq -r '.[0].linkinfo.info_data.pci'; }
received() { in_ns host ip -j -s link show fw0 | jq '.[0].stats64.rx.packets'; }
ask() { in_ns client "$xsk" ask eth0 "$(mac_of fw0)" "$1" 100; }

# rises DESC VECTOR COMMAND…: counted at least once
rises() {
	local desc=$1 vector=$2 before
	before=$(count "$2")
	shift 2
	"$@" >"$tmp/out" 2>&1 || diag "$(cat "$tmp/out")"
	ok "$desc" wait_for 5 eval "[[ \$(count $vector) -gt $before ]]"
}

# Questions and answers until told to stop; one that is lost or broken ends it.
traffic_start() {
	: >"$tmp/traffic"
	while [[ -e $tmp/traffic ]]; do
		ask 300 || { echo lost >>"$tmp/lost"; break; }
	done >"$tmp/asked" 2>&1 &
	traffic=$!
}

traffic_stop() {
	rm -f "$tmp/traffic"
	wait "$traffic"
	ok "$1: no answer is missing" test ! -e "$tmp/lost"
	[[ ! -e $tmp/lost ]] || diag "$(tail -n 3 "$tmp/asked")"
	rm -f "$tmp/lost"
}

goes_on() {
	local before
	before=$(received)
	wait_for 5 eval "[[ \$(received) -gt $((before + 50)) ]]"
}

topology_make client host
topology_wire client eth0 10.1.0.1/24 host eth1 10.1.0.2/24
module_load
is "spare functions have no vectors" "$(vectors)" ""

# --- vectors, by name
ok "a function" function_add host fw0 eth1 test
pci=$(pci_of fw0)
is "vectors are there before it is up" "$(vectors)" "fw0-ctl fw0-0"
is "sysfs knows them" "$(cd "/sys/bus/pci/devices/$pci/msi_irqs" && echo *)" \
	"$(irq_of fw0-ctl) $(irq_of fw0-0)"
is "which are MSI-X" "$(cat "/sys/bus/pci/devices/$pci/msi_irqs/$(irq_of fw0-0)")" msix
in_ns host ip link set fw0 name x7
is "they are renamed with it" "$(vectors)" "x7-ctl x7-0"
in_ns host ip link set x7 name a123456789abcde
is "to the longest name" "$(vectors)" "a123456789abcde-ctl a123456789abcde-0"
in_ns host ip link set a123456789abcde name fw0
in_ns host ip link set fw0 netns "uvf-$$-client"
in_ns client ip link set fw0 name y7
in_ns client ip link set y7 netns "uvf-$$-host" name fw0
is "and in another namespace" "$(vectors)" "fw0-ctl fw0-0"

# --- the mailbox
rises "mailbox: the appliance" fw0-ctl in_ns host ip link set fw0 type uvf appliance other
in_ns host ip link set fw0 up
rises "mailbox: MTU" fw0-ctl in_ns host ip link set fw0 mtu 1400
rises "mailbox: address" fw0-ctl in_ns host ip link set fw0 address 02:00:00:00:00:11
rises "mailbox: carrier lost" fw0-ctl in_ns client ip link set eth0 down
rises "mailbox: carrier" fw0-ctl in_ns client ip link set eth0 up
in_ns host ip link set fw0 mtu 1500

# --- a vector for each queue
ok "four queues" in_ns host ethtool -L fw0 combined 4
is "four queues: vectors" "$(vectors)" "fw0-ctl fw0-0 fw0-1 fw0-2 fw0-3"
rises "four queues: the last one's" fw0-3 \
	in_ns host taskset -c 1 "$xsk" kick fw0 10 zerocopy queues=4

# irqbalance, where the machine that packed the guest has it.
if type -P irqbalance >/dev/null; then
	for vector in $(vectors); do move "$vector" 1; done
	irqbalance --oneshot --interval=1 --debug >"$tmp/irqbalance" 2>&1
	is "irqbalance: takes each for a network card's" \
		"$(grep -c 'Interrupt .*(ethernet/' "$tmp/irqbalance")" 5
	is "irqbalance: spreads them over both processors" \
		"$(for vector in $(vectors); do effective "$vector"; done | sort -u | xargs)" "1 2"
	rises "irqbalance: wake-ups go where it says" fw0-3 \
		in_ns host taskset -c 0 "$xsk" kick fw0 10 zerocopy queues=4
fi

ok "as many as there can be" in_ns host ethtool -L fw0 combined 16
is "as many as there can be: vectors" "$(vectors | wc -w)" 17
ok "one queue" in_ns host ethtool -L fw0 combined 1
is "one queue: vectors" "$(vectors)" "fw0-ctl fw0-0"

# --- work
rises "frames for the stack" fw0-0 in_ns client ping -q -b -c 2 -i 0.1 -W 1 10.1.0.255
move fw0-0 3
before=$(count fw0-0)
ok "wake-ups of an AF_XDP socket" in_ns host taskset -c 1 "$xsk" kick fw0 100
# The host's own packets may come on top.
ok "wake-ups: each is an interrupt" between $(($(count fw0-0) - before)) 100 110
move fw0-0 1
rises "wake-ups: from another processor" fw0-0 in_ns host taskset -c 1 "$xsk" kick fw0 100
echo_start host fw0 zerocopy
rises "frames for an AF_XDP socket" fw0-0 ask 300

# --- where
events=/sys/kernel/tracing/events/napi/napi_poll
echo 'dev_name == "fw0"' >"$events/filter"
echo 1 >"$events/enable"
for cpu in 0 1 0; do
	mask=$((1 << cpu)) other=$((1 - cpu))
	ok "smp_affinity $mask" move fw0-0 $mask
	is "smp_affinity $mask: effective" "$(effective fw0-0)" $mask
	here_before=$(count fw0-0 $cpu) there_before=$(count fw0-0 $other)
	echo >/sys/kernel/tracing/trace
	ok "smp_affinity $mask: answers" ask 500
	grep -oE '\[00[01]\]' /sys/kernel/tracing/trace >"$tmp/polls"
	ok "smp_affinity $mask: interrupts there" test $(($(count fw0-0 $cpu) - here_before)) -gt 0
	is "smp_affinity $mask: none elsewhere" $(($(count fw0-0 $other) - there_before)) 0
	total=$(wc -l <"$tmp/polls") right=$(grep -c "00$cpu" "$tmp/polls")
	diag "NAPI ran $total times, $right of them on processor $cpu"
	# One that finds NAPI just ending schedules it itself, where it is.
	ok "smp_affinity $mask: NAPI runs there" test "$total" -gt 10 -a $((right * 20)) -ge $((total * 19))
done
echo 0 >"$events/enable"
not_ok "smp_affinity of no processor" move fw0-0 0

# --- processors go and come, under traffic
traffic_start
for i in 1 2 3; do
	move fw0-0 2
	ok "offline $i" eval 'echo 0 >/sys/devices/system/cpu/cpu1/online'
	is "offline $i: the vector has moved" "$(effective fw0-0)" 1
	ok "offline $i: traffic goes on" goes_on
	ok "online $i" eval 'echo 1 >/sys/devices/system/cpu/cpu1/online'
done
move fw0-0 2
ok "online: back again" goes_on
traffic_stop "processors"
move fw0-0 3

# --- the driver goes and comes, under traffic, with a socket
traffic_start
failed=''
for ((i = 1; i <= rounds; i++)); do
	echo "$pci" >$driver/unbind || failed+=" unbind:$i"
	[[ -z $(vectors) ]] || failed+=" vectors:$i"
	[[ $((i % 10)) -ne 0 ]] || goes_on || failed+=" without:$i"
	echo "$pci" >$driver/bind || failed+=" bind:$i"
	[[ $(vectors) == "fw0-ctl fw0-0" ]] || failed+=" none:$i"
	[[ $((i % 10)) -ne 1 ]] || goes_on || failed+=" with:$i"
done
is "unbind and bind, $rounds times: traffic goes on, vectors go and come" "$failed" ""
rises "bind: the vector works" fw0-0 goes_on

# --- other drivers
device=/sys/bus/pci/devices/$pci
override() { echo "$1" >"$device/driver_override"; }
override none
echo "$pci" >$driver/unbind
not_ok "driver_override: none binds" eval 'echo "$pci" >$driver/bind'
ok "driver_override: traffic goes on" goes_on
if modprobe pci-stub; then
	override pci-stub
	ok "driver_override: another driver" eval 'echo "$pci" >/sys/bus/pci/drivers_probe'
	is "driver_override: which" "$(basename "$(readlink "$device/driver")")" pci-stub
	ok "driver_override: another driver: traffic goes on" goes_on
	is "driver_override: another driver: no vectors" "$(vectors)" ""
	echo "$pci" >/sys/bus/pci/drivers/pci-stub/unbind
fi
override ''
ok "driver_override: ours again" eval 'echo "$pci" >/sys/bus/pci/drivers_probe'
is "driver_override: vectors" "$(vectors)" "fw0-ctl fw0-0"
rises "driver_override: they work" fw0-0 goes_on
traffic_stop "drivers"
echo_stop

# --- a function is made while its driver is away, and deleted
in_ns host ip link del fw0
echo "$pci" >$driver/unbind
ok "a function without driver" function_add host fw0 eth1 test
is "a function without driver: which" "$(pci_of fw0)" "$pci"
is "a function without driver: no vectors" "$(vectors)" ""
echo "$pci" >$driver/bind
is "the driver comes: vectors" "$(vectors)" "fw0-ctl fw0-0"
in_ns host ip link set fw0 up
in_ns host ip link del fw0
is "deleted: no vectors" "$(vectors)" ""

# --- PCI devices go and come
failed=''
for ((i = 1; i <= rounds; i++)); do
	wait_for 5 function_add host fw0 eth1 test || failed+=" add:$i"
	in_ns host ip link set fw0 up
	[[ $(vectors) == "fw0-ctl fw0-0" ]] || failed+=" vectors:$i"
	pci=$(pci_of fw0)
	echo 1 >"/sys/bus/pci/devices/$pci/remove" || failed+=" remove:$i"
	echo 1 >"/sys/bus/pci/devices/${pci%.*}.7/remove" || failed+=" spare:$i"
	[[ -z $(vectors) ]] || failed+=" left:$i"
	echo 1 >/sys/bus/pci/rescan
	[[ $(basename "$(readlink "/sys/bus/pci/devices/$pci/driver")") == uvf ]] || failed+=" rescan:$i"
	wait_for 5 grep -q 0xff0000 "/sys/bus/pci/devices/$pci/class" || failed+=" spare:$i"
done
is "remove and rescan, $rounds times" "$failed" ""
is "each BAR was found again" "$(dmesg | grep -cE "BAR 0.*(can't|failed)|no interrupt vectors")" 0

ok "a function" function_add host fw0 eth1 test
in_ns host ip link set fw0 up
ok "rmmod" rmmod uvf
is "rmmod: no vectors" "$(vectors)" ""

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The part of cards.sh that runs in a VM: a guest with a card of ours, or with QEMU's own card of that
# model on macvtap, which is the shortest way that a frame has to QEMU. One JSON object a line.
#
#	client, 10.0.6.1 ══ eth1 ─┬─ fw0 ── uvf-vfio ── uvf-vfio.ko ── QEMU, vfio-pci ══ guest
#	                          └─ tap0 (macvtap) ─────────────────── QEMU, CARD ═════ guest
#
#	cards_vm.sh uvf|qemu CARD JOB-SIZE…	e1000, rtl8139 or virtio-net; registers-0, or receive, echo
#						and transmit with a size
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../lib/topology.sh"
. "$here/../lib/nested.sh"
. "$here/options.sh"

mac=02:00:00:00:06:02
n=300
# Of each card, a BAR and two registers that do nothing: one to read, one to write 0 to.
declare -A registers=([e1000]="resource0 0x8 0xd8" [rtl8139]="resource1 0x44 0x4c"
	[virtio-net]="resource4 0x4 0x0")
# What QEMU calls it, without firmware of its own.
declare -A models=([e1000]="e1000,romfile=" [rtl8139]="rtl8139,romfile="
	[virtio-net]="virtio-net-pci,disable-legacy=on,romfile=")

wires() {
	vfio_need
	module_load
	vfio_load
	topology_make client host
	topology_wire client eth0 10.0.6.1/24 host eth1 192.0.2.2/24
	client_mac=$(in_ns client ip -j link show eth0 | jq -r '.[0].address')
	bpffs_ready
	uvfd_start host
	nested_prepare
	nested_serve 1000
	[[ -w /dev/kvm ]] || bail_out "no /dev/kvm: a guest that is translated twice gives no figure"
}

uvf_begins() { # CARD
	function_add host fw0 eth1 test
	in_ns host ip link set fw0 address $mac up
	vfio_front fw0 --personality "$1"
	nested_start "$(vfio_pci host fw0)"
}

qemu_begins() { # CARD
	local index
	in_ns host ip link add link eth1 name tap0 type macvtap mode bridge
	in_ns host ip link set tap0 address $mac up
	index=$(in_ns host ip -j link show tap0 | jq '.[0].ifindex')
	exec 9<>"/dev/tap$index" || bail_out "no /dev/tap$index"
	nested_boot "${models[$1]},netdev=wire,mac=$mac" -netdev tap,id=wire,fd=9
	exec 9>&-
}

guest_boots() {
	machine_boots 300 || bail_out "the guest does not boot: $(tail -n 3 "$tmp/console")"
	address=$(machine dhcp)
	address=${address%/*}
	[[ -n $address ]] || bail_out "the guest has no address by DHCP"
}

# A round to warm up, and one that counts: time that counts instructions is the same each time.
twice() { "$@" >/dev/null; "$@"; }

# The jobs, of a size.
job_registers() {
	local words
	read -r -a words <<<"${registers[$card]}"
	machine nic_guest registers "/sys/bus/pci/devices/0000:00:03.0/${words[0]}" "${words[@]:1}" 2000
}

echoes() { # BURST WINDOW SIZE
	in_ns client "$top/build/bench/echoes" eth0 $mac "$address" 10.0.6.1 "$@" $n
}
job_receive() { echoes 8 2 "$1"; }
job_echo() { echoes 1 1 "$1"; }

job_transmit() {
	ns_spawn client "$top/build/bench/arrivals" eth0 $n >"$tmp/arrivals" 2>&1
	wait_for 10 grep -q ready "$tmp/arrivals"
	machine nic_guest send '$(card)' "$client_mac" "$1" $n
	wait "$spawned"
	grep -v ready "$tmp/arrivals"
}

say() { # JOB SIZE JSON
	jq -cMn --arg who "$who" --arg card "$card" --arg job "$1" --argjson size "$2" --argjson figures "$3" \
		'{ $who, $card, $job, $size } + $figures' >&3 || bail_out "$who $card: $1 $2: $3"
}

who=${1:-} card=${2:-}
[[ $# -gt 2 && $who =~ ^(uvf|qemu)$ && -n ${models[$card]:-} ]] ||
	bail_out "usage: cards_vm.sh uvf|qemu CARD JOB-SIZE…; a card is one of ${!models[*]}."
wires
"${who}_begins" "$card"
guest_boots
say driver 0 "$(jq -n --arg driver "$(machine driver)" '{ $driver }')"
for job in "${@:3}"; do
	say "${job%-*}" "${job#*-}" "$(twice "job_${job%-*}" "${job#*-}")"
done
nested_end
exit 0

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# runs: vm
# vm: --smp 2 --mem 1500 --timeout 1500 --with guest
#
# A stock guest in a VM in the VM, whose network card is a function with a personality: its own driver
# finds it, has an address by DHCP and a file by HTTP; again when the driver was unloaded and loaded, when
# the interface process was killed while the file comes, and when the guest boots again. What lspci and
# ethtool -d say of the card is held against golden files. Then the personality is swapped, while that
# process runs, and a guest finds the other card.
#
#	guest_vfio.sh [PERSONALITY…]		e1000 rtl8139 virtio-net
#
#	client, 10.0.6.1 ══ fw0 ── uvf-vfio ── uvf-vfio.ko ── QEMU, vfio-pci ══ guest
#
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../lib/topology.sh"
. "$here/../lib/nested.sh"

[[ $# -gt 0 ]] || set -- e1000 rtl8139 virtio-net
declare -A drivers=([e1000]=e1000 [rtl8139]=8139too [virtio-net]=virtio_net)

vfio_need
module_load
vfio_load
topology_make client host
topology_wire client eth0 10.0.6.1/24 host eth1 192.0.2.2/24
ok "a function" function_add host fw0 eth1 test
pci=$(vfio_pci host fw0)
in_ns host ip link set fw0 address 02:00:00:00:06:02 up
bpffs_ready
uvfd_start host
nested_prepare
nested_serve 300000

works() {
	like "$1: DHCP" "$(machine dhcp)" '^10\.0\.6\.5[0-9]/24$'
	ok "$1: echoes" machine ping -c 3 10.0.6.1
	is "$1: a file by HTTP" "$(machine fetch file)" "$file_sum"
}

# What a person sees of the card, as the driver has left it before it was used.
golden() { # NAME COMMAND…
	machine "${@:2}" >"$tmp/$1"
	if cmp -s "$here/golden/$1" "$tmp/$1"; then
		pass "golden: $1"
	else
		fail "golden: $1" "$(cat "$tmp/$1")"
	fi
}

boots() {
	nested_start "$pci"
	SECONDS=0
	ok "$1: a guest boots" machine_boots 300
	diag "after $SECONDS s"
	is "$1: with the driver that it has for it" "$(machine driver)" "${drivers[$1]}"
	golden "$1.lspci" lspci -vvv -s 3
	golden "$1.registers" registers
	works "$1"
}

killed() {
	machine_tell fetch file
	sleep 1
	kill -KILL "$front"
	wait "$front" 2>/dev/null
	vfio_front fw0 --personality "$1"
	is "$1: the process was killed meanwhile, and the next one goes on" "$(machine_answer)" "$file_sum"
	like "  where the first one ended" "$(cat "$tmp/fw0.front")" 'goes on where'
}

vfio_front fw0 --personality "$1"
for personality; do
	if [[ $(vfio_counted fw0 personality) != "$personality" ]]; then
		is "swapped" "$(in_ns host uvf front swap fw0 "$personality")" "fw0 is $personality"
	fi
	boots "$personality"
	ok "$personality: the driver is unloaded and loaded" \
		machine "rmmod ${drivers[$personality]} && modprobe ${drivers[$personality]}"
	works "$personality, again"
	killed "$personality"
	qmp_tell system_reset
	ok "$personality: the guest boots again" machine_boots 300
	works "$personality, booted again"
	diag "$(in_ns host uvf front show --json fw0 | jq -c '{ requests, interrupts, rx_frames, tx_frames,
		rx_dropped, dma_errors, ring_errors }')"
	is "$personality: no rule was broken" \
		"$(in_ns host uvf front show --json fw0 | jq -c '[.dma_errors, .ring_errors, .script_errors]')" \
		'[0,0,0]'
	nested_end
	wait_for 10 eval '[[ $(vfio_counted fw0 open) == false ]]'
done

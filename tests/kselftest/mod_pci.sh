#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# runs: vm
# vm: --smp 2 --timeout 300
#
# A function's configuration space: by lspci, held against golden files; by setpci, field by field;
# through sysfs, each offset in each width; and at random, while devices and drivers go and come.
#
#	mod_pci.sh [SECONDS [SEED]]	of random accesses; 10 by default, and a seed from the clock
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../lib/topology.sh"
xsk=$here/../../build/tests/xsk
fuzz=$here/../../build/tests/pci_fuzz
seconds=${1:-10} seed=${2:-0}

pci_of() { in_ns host ip -j -d link show "$1" | jq -r '.[0].linkinfo.info_data.pci'; }
class_of() { cat "/sys/bus/pci/devices/$1/class"; }
functions() { (cd /sys/bus/pci/devices && echo 1000?:*) | tr ' ' '\n'; }

# Where the BAR is, and in which domain, is not promised; the alias is other modules' business.
normal() { sed -E 's/^1000[0-9]:/10000:/; s/(Memory at )[0-9a-f]+/\1XXXXXXXX/; /Kernel modules:/d
	s/^(10: ).{23}/\1XX XX XX XX XX XX XX XX/'; }

# golden NAME PCI: as a person sees it, and as the bytes are
golden() {
	lspci -D -nn -vv -xxx -s "$2" | normal >"$tmp/$1"
	ok "golden: $1" diff -u "$here/golden/$1" "$tmp/$1"
}

# field DESC REGISTER VALUE WANTED: what is read back, and then what it was before
field() {
	local before
	before=$(setpci -s "$pci" "$2")
	setpci -s "$pci" "$2=$3"
	is "setpci: $1" "$(setpci -s "$pci" "$2")" "$4"
	setpci -s "$pci" "$2=$before"
	[[ $(setpci -s "$pci" "$2") == "$before" ]] || fail "setpci: $1: back again"
}

topology_make client host
topology_wire client eth0 10.1.0.1/24 host eth1 10.1.0.2/24
module_load
ok "a function" function_add host fw0 eth1 test
in_ns host ip link set fw0 up
pci=$(pci_of fw0)
spare=${pci%.0}.1
wait_for 5 test -e "/sys/bus/pci/devices/${pci%:*}:02.0"

# --- as lspci shows it
golden lspci-used "$pci"
golden lspci-spare "$spare"

# --- setpci: fields keep what may be written, and no more
for pci in "$(pci_of fw0)" "$spare"; do
	field "command" COMMAND ffff 0547
	field "command, cleared" COMMAND 0 0000
	field "status" STATUS ffff 0010
	field "IDs" 0.l 12345678 10f01af4
	field "class and revision" 8.l ffffffff "$(setpci -s "$pci" 8.l)"
	field "cache line size" CACHE_LINE_SIZE ff ff
	field "latency timer" LATENCY_TIMER a5 a5
	field "header type" HEADER_TYPE 00 80
	field "BIST" BIST ff 00
	field "BAR 0: its size" BASE_ADDRESS_0 ffffffff fffff004
	field "BAR 0: its size, high" BASE_ADDRESS_1 ffffffff ffffffff
	field "BAR 0: type and size stay" BASE_ADDRESS_0 0 00000004
	for bar in 2 3 4 5; do field "BAR $bar: absent" BASE_ADDRESS_$bar ffffffff 00000000; done
	field "ROM: absent" ROM_ADDRESS ffffffff 00000000
	field "subsystem" SUBSYSTEM_VENDOR_ID.l 0 10f01af4
	field "capabilities" 34.b ff 40
	field "interrupt line" INTERRUPT_LINE 0b 0b
	field "interrupt pin" INTERRUPT_PIN 01 00
	field "MSI: header" CAP_MSI+0.w ffff 6005
	field "MSI: flags" CAP_MSI+2.w ffff 01fb
	field "MSI: address" CAP_MSI+4.l ffffffff fffffffc
	field "MSI: address, high" CAP_MSI+8.l 89abcdef 89abcdef
	field "MSI: data" CAP_MSI+c.l ffffffff 0000ffff
	field "MSI: mask" CAP_MSI+10.l 5a5a5a5a 5a5a5a5a
	field "MSI: pending" CAP_MSI+14.l ffffffff 00000000
	field "MSI-X: header" CAP_MSIX+0.w ffff 0011
	field "MSI-X: flags" CAP_MSIX+2.w ffff c01f
	field "MSI-X: table" CAP_MSIX+4.l ffffffff 00000000
	field "MSI-X: pending" CAP_MSIX+8.l ffffffff 00000800
	field "a byte of a field" BASE_ADDRESS_0+1.b 55 50
	field "words across fields" 0e.w ffff 0080
done
pci=$(pci_of fw0)

# --- sysfs: any offset, any width
ok "each offset and width: a used function" "$fuzz" sweep "$pci"
ok "each offset and width: a spare one" "$fuzz" sweep "$spare"
ok "beyond the end: nothing" test "$(dd if="/sys/bus/pci/devices/$pci/config" bs=1 skip=256 count=4 \
	2>/dev/null | wc -c)" -eq 0
is "its size" "$(stat -c %s "/sys/bus/pci/devices/$pci/config")" 256
is "BAR 0: resource" "$(head -n 1 "/sys/bus/pci/devices/$pci/resource" | cut -d' ' -f3)" \
	0x0000000000140204
golden lspci-used "$pci"
golden lspci-spare "$spare"

# Its memory is the kernel's again after rmmod: nobody may keep it mapped (security.rst).
if [[ $(uname -r) == *debug* ]]; then
	skip "BAR 0: can't be mapped" "this kernel lets root map all memory"
else
	expect_fail "can't be mapped: Invalid argument" "$fuzz" map "$pci"
fi

# --- rescan
functions >"$tmp/before"
ok "all functions are removed" eval 'while read -r f; do
	echo 1 >"/sys/bus/pci/devices/$f/remove" || exit 1; done <"$tmp/before"'
ok "rescan" eval 'echo 1 >/sys/bus/pci/rescan'
functions >"$tmp/after"
is "rescan: all are found again" "$(comm -23 "$tmp/before" "$tmp/after")" ""
ok "rescan: with a driver" eval 'while read -r f; do
	[[ -e /sys/bus/pci/drivers/uvf/$f ]] || exit 1; done <"$tmp/after"'
for fn in 0 3; do echo 1 >"/sys/bus/pci/devices/${pci%.0}.$fn/remove"; done
setpci -s "$spare" BASE_ADDRESS_0=deadb000 BASE_ADDRESS_1=0 COMMAND=0 INTERRUPT_LINE=33
echo 1 >"/sys/bus/pci/devices/$spare/remove"
ok "rescan: functions of one device" eval 'echo 1 >/sys/bus/pci/rescan'
functions >"$tmp/after"
is "rescan: they are found again" "$(comm -23 "$tmp/before" "$tmp/after")" ""
golden lspci-spare "$spare"

# --- at random, while a link comes and goes, and there is traffic
{
	while [[ -e $tmp ]]; do
		in_ns host ip link add link eth1 name fw1 up type uvf
		in_ns host ip link del fw1
	done
} >/dev/null 2>&1 &
links=$!
ns_spawn client "$xsk" flood eth0 ff:ff:ff:ff:ff:ff $((seconds * 10)) >/dev/null
flood=$spawned
wait_for 5 function_add host fw0 eth1 test
in_ns host ip link set fw0 up
mapfile -t some < <(head -n 8 "$tmp/before")
ok "$seconds seconds of random accesses" "$fuzz" run "$seconds" "$seed" "${some[@]}"
diag "$(cat "$tap_out")"
kill $links $flood
wait $links $flood
in_ns host ip link del fw1 2>/dev/null
in_ns host ip link del fw0 2>/dev/null

functions >"$tmp/before"
while read -r f; do echo 1 >"/sys/bus/pci/devices/$f/remove"; done <"$tmp/before"
ok "afterwards: rescan" eval 'echo 1 >/sys/bus/pci/rescan'
wait_for 5 function_add host fw0 eth1 test
pci=$(pci_of fw0)
in_ns host ip link set fw0 up
is "afterwards: the first function" "${pci#*:}" 00:00.0
golden lspci-used "$pci"
golden lspci-spare "$spare"
ok "rmmod" rmmod uvf

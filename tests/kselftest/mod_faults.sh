#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# runs: vm
# vm: --smp 2 --timeout 600
#
# Memory runs out, at each place where the module needs some. Of a command, the first allocation
# made by the module or by what it calls fails, then the second, and so on, until there is none
# left to fail. Each time the command is refused and leaves nothing, or does without.
#
#	client: eth0 10.1.0.1 ══ eth1 :host
#	                         └─ fw0, at last 10.1.0.3 :a
#
# For a kernel with fault injection: KERNEL=debug. Leaks are looked for when all is done.
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../lib/topology.sh"
faults=/sys/kernel/debug
attributes=("$faults/failslab" "$faults/fail_page_alloc")
xsk=$here/../../build/tests/xsk
ko=$(module_path)
driver=/sys/bus/pci/drivers/uvf

[[ -e /proc/self/fail-nth && -d ${attributes[0]} && -d ${attributes[1]} &&
	-e ${attributes[0]}/require-start ]] || skip_all "this kernel injects no faults"
[[ -e $ko ]] || bail_out "there is no uvf.ko for $(uname -r)"

set_all() { # attribute, value
	local attribute
	for attribute in "${attributes[@]}"; do echo "$2" >"$attribute/$1"; done
}

# From the first of these functions of the kernel to the end of the last. The kernel takes its time
# to tell its symbols, and is asked once.
range_of() {
	[[ -e $tmp/symbols ]] || sort /proc/kallsyms >"$tmp/symbols"
	awk -v names=" $* " '
		index(names, " " $3 " ") { if (low == "") low = $1; high = ""; next }
		low != "" && high == "" { high = $1 }
		END { print "0x" low, "0x" high }' "$tmp/symbols"
}

# Only where one of these is among the callers. x86 has modules above 0xffffffffa0000000, and there
# is none but ours.
require() { set_all require-start "$1"; set_all require-end "$2"; }
require_module() { require 0xffffffffa0000000 0xffffffffff000000; }
reject() { set_all reject-start "$1"; set_all reject-end "$2"; }

# All allocations count, also those that may sleep, but for pages of user space: looking for our
# callers of each would take minutes.
for attribute in "${attributes[@]}"; do
	echo 0 >"$attribute/probability"
	echo 0 >"$attribute/verbose"
	echo N >"$attribute/ignore-gfp-wait"
	echo 32 >"$attribute/stacktrace-depth"
done
echo Y >"$faults/fail_page_alloc/ignore-gfp-highmem"
echo 0 >"$faults/fail_page_alloc/min-order"

# The NTH allocation fails, as long as COMMAND runs. What the kernel takes off `times` tells it.
with_fault() {
	local attribute
	for attribute in "${attributes[@]}"; do echo 1 >"$attribute/times"; done
	bash -c 'echo "$0" >/proc/self/fail-nth && exec "$@"' "$@" >"$tmp/said" 2>&1 </dev/null
}

was_injected() { grep -qx 0 "${attributes[0]}/times" "${attributes[1]}/times"; }

# Links of the host, PCI functions in use, what there is of the module. Spare ones come as they may.
state() {
	in_ns host ip -o -d link
	grep -l 0x020000 /sys/bus/pci/devices/1000?:*/class
	ls -d /sys/module/uvf /sys/devices/uvf
	[[ -d /sys/module/uvf ]] || ls -d /sys/bus/pci/devices/1000?:* /sys/devices/pci1000?:*
} 2>/dev/null

unchanged() { [[ $(state) == "$before" ]]; }

# inject WHAT UNDO COMMAND…
inject() {
	local what=$1 undo=$2 nth status refused=0 survived=0 before
	shift 2
	before=$(state)
	for ((nth = 1; nth <= 1000; nth++)); do
		status=0
		with_fault $nth "$@" || status=$?
		was_injected || break
		if [[ $status -eq 0 ]]; then
			survived=$((survived + 1))
			eval "$undo" || { fail "$what: undone after fault $nth"; return; }
		elif [[ $status -gt 125 || ! -s $tmp/said ]]; then # the core's words may be odd ones
			fail "$what: refused at fault $nth" "it ended with $status: $(cat "$tmp/said")"
			return
		else
			refused=$((refused + 1))
		fi
		# carrier and pool follow in their own time
		wait_for 5 unchanged || {
			fail "$what: nothing is left of it at fault $nth" "status $status" \
				"$(diff <(echo "$before") <(state))"
			return
		}
	done
	diag "$what: $((nth - 1)) faults, $refused refused, $survived survived"
	ok "$what: faults were injected" test $((refused + survived)) -gt 0
	is "$what: works without" "$status" 0
	eval "$undo" || fail "$what: undone"
	ok "$what: nothing is left of it" wait_for 5 unchanged
}

topology_make client host a
topology_wire client eth0 10.1.0.1/24 host eth1 10.1.0.2/24
on_host=(nsenter "--net=/run/netns/uvf-$$-host")
mac=02:00:00:00:00:01

module_load

# __pci_enable_msix_range() unmaps the table twice when the vectors can't be had (6.12), and warns.
# What it does not even come to is failed by itself; our part of vectors is left.
# shellcheck disable=SC2046 # two words
require $(range_of pci_setup_msi_context)
inject "ip link add, without vectors" 'in_ns host ip link del fw0' \
	"${on_host[@]}" ip link add link eth1 name fw0 type uvf
require_module
# shellcheck disable=SC2046
reject $(range_of __pci_enable_msix_range)
inject "ip link add" 'in_ns host ip link del fw0' \
	"${on_host[@]}" ip link add link eth1 name fw0 type uvf appliance test
inject "ip link add, with a vlan" 'in_ns host ip link del fw0' \
	"${on_host[@]}" ip link add link eth1 name fw0 type uvf vlan 7
inject "ip link add, with queues" 'in_ns host ip link del fw0' \
	"${on_host[@]}" ip link add link eth1 name fw0 type uvf mode bridge queues 4
ok "nothing holds the uplink" in_ns host ip link add link eth1 name mv0 type macvlan
in_ns host ip link del mv0

ok "a function" in_ns host ip link add link eth1 name fw0 address $mac type uvf appliance test queues 4
inject "ip link add, beside another" 'in_ns host ip link del fw1' \
	"${on_host[@]}" ip link add link eth1 name fw1 type uvf
inject "ip link set up" 'in_ns host ip link set fw0 down' "${on_host[@]}" ip link set fw0 up
in_ns host ip link set fw0 up
wait_for 5 eval 'in_ns host ip link show fw0 | grep -q "state UP"'
inject "ip link set address" 'in_ns host ip link set fw0 address $mac' \
	"${on_host[@]}" ip link set fw0 address 02:00:00:00:00:02
inject "an AF_XDP socket" true "${on_host[@]}" "$xsk" bind fw0 zerocopy
inject "a program" 'in_ns host "$xsk" detach fw0' "${on_host[@]}" "$xsk" attach fw0 bounce

inject "ethtool -L" 'in_ns host ethtool -L fw0 combined 4' "${on_host[@]}" ethtool -L fw0 combined 2
inject "what generic netlink tells" true "${on_host[@]}" "$top/build/tests/nl_uvf" get ifname fw0
pci=$(in_ns host ip -j -d link show fw0 | jq -r '.[0].linkinfo.info_data.pci')
echo "$pci" >$driver/unbind
inject "driver bound" 'echo "$pci" >$driver/unbind' bash -c "echo $pci >$driver/bind"
echo "$pci" >$driver/bind

# --- and all is well
in_ns host ip link set fw0 netns "uvf-$$-a"
in_ns a ip addr add 10.1.0.3/24 dev fw0
in_ns a ip link set fw0 up
ok "traffic" in_ns client ping -q -c 3 -i 0.2 -W 5 10.1.0.3
ok "rmmod" rmmod uvf

# --- the module itself, last because it takes longest
# The PCI core goes on with what it could only half add: pci_device_add() warns and returns,
# pci_register_host_bridge() puts the bridge that its caller puts again. No caller can help that.
# shellcheck disable=SC2046 # two words
reject $(range_of pci_device_add pci_register_host_bridge)
inject insmod 'rmmod uvf' insmod "$ko" spare=1
reject 0 0
# …but a device that it does not even begin to add is in that range.
# shellcheck disable=SC2046
require $(range_of pci_alloc_dev)
inject "insmod, a PCI device" 'rmmod uvf' insmod "$ko" spare=1

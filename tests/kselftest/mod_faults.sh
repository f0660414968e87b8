#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# runs: vm
# vm: --smp 2 --timeout 300
#
# Memory runs out, at each place where creating something needs some: see faults.c. Each time there
# is an error and nothing left, or none and the thing is whole.
#
#	client: eth0 10.1.0.1 ══ eth1 :host
#	                         └─ fw0, at last 10.1.0.3 :a
#
# For a kernel with fault injection: KERNEL=debug. Leaks are looked for when all is done.
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../lib/topology.sh"
programs=$here/../../build/tests
faults=/sys/kernel/debug
attributes=("$faults/failslab" "$faults/fail_page_alloc")
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
	[[ -s $tmp/symbols ]] || grep -i ' t ' /proc/kallsyms | LC_ALL=C sort >"$tmp/symbols"
	awk -v names=" $* " '
		index(names, " " $3 " ") { if (low == "") low = $1; high = ""; next }
		low != "" && high == "" { high = $1 }
		END { print "0x" low, "0x" high }' "$tmp/symbols"
}

# What of these is among the callers is spared; or all else is. x86 has modules above
# 0xffffffffa0000000, and there is none but ours.
reject() { set_all reject-start "${1:-0}"; set_all reject-end "${2:-0}"; }
require_module() { set_all require-start 0xffffffffa0000000; set_all require-end 0xffffffffff000000; }

set_all probability 0
set_all verbose 0
set_all ignore-gfp-wait N
set_all stacktrace-depth 32
echo Y >"$faults/fail_page_alloc/ignore-gfp-highmem"

# Objects of all caches but those of the watchers; and of procfs, because register_irq_proc() goes
# on without a file that unregister_irq_proc() then misses, with a warning.
echo Y >"$faults/failslab/cache-filter"
for cache in /sys/kernel/slab/*; do
	case ${cache##*/} in
	kmemleak_* | debug_objects_cache | proc_dir_entry) continue ;;
	esac
	[[ -L $cache ]] || echo 1 >"$cache/failslab"
done 2>/dev/null

# Pages, but for those of user space; or none, where one could be a cache's that is spared.
pages() { echo $(($1 ? 0 : 11)) >"$faults/fail_page_alloc/min-order"; }

# inject WHAT STEP [ARGUMENT]…
inject() {
	local what=$1 status=0 said
	shift
	said=$(in_ns host "$programs/faults" "$@" 2>&1) || status=$?
	diag "$what: $said"
	is "$what, without memory" "$status" 0
	like "$what: faults are injected" "$said" ': [1-9][0-9]* faults: [1-9][0-9]* refused'
}

topology_make client host a
topology_wire client eth0 10.1.0.1/24 host eth1 10.1.0.2/24
in_ns host ip link set eth1 mtu 1400

module_load

# msix_capability_init() of 6.12 unmaps the table twice when the vectors can't be had: there is a
# warning, and nothing that a driver could do. Where the PCI core is made to forget MSI-X
# (mod_faults_msi.sh), the vectors of MSI fail instead.
spare_msix() {
	# shellcheck disable=SC2046 # two words
	[[ -d /sys/module/uvf_nomsix ]] || reject $(range_of __pci_enable_msix_range)
}
[[ ! -e /root/uvf_nomsix.ko ]] || insmod /root/uvf_nomsix.ko
spare_msix
pages 0
inject "a function" link eth1 fw0 appliance=test
inject "…with a vlan" link eth1 fw0 vlan=7
inject "…of four queues" link eth1 fw0 mode=1 queues=4
inject "…with a limit" link eth1 fw0 tx_pps=1000
ok "nothing holds the uplink" in_ns host ip link add link eth1 name mv0 type macvlan
in_ns host ip link del mv0
inject "more queues" queues eth1 fw0 queues=2 4
reject
pages 1
in_ns host ip link set fw0 down

inject "a function set up" up fw0
in_ns host ip link set fw0 up
inject "another address" address fw0
inject "a limit" limit fw0 tx_pps=1000
# The debugging of the DMA API would be off for good.
# shellcheck disable=SC2046 # two words
reject $(range_of add_dma_entry)
inject "an AF_XDP socket" socket fw0
reject
inject "an XDP program" program fw0
inject "an XDP program's link" bpf-link fw0
inject "a function told" get fw0
inject "all functions told" dump
inject "a route in" route-in fw0
inject "a route out" route-out fw0
pci=$(in_ns host ip -j -d link show fw0 | jq -r '.[0].linkinfo.info_data.pci')
echo "$pci" >$driver/unbind
spare_msix
pages 0
inject "the driver bound" bind "$pci"
reject
pages 1
echo "$pci" >$driver/bind

# --- and all is well
in_ns host ip link set fw0 netns "uvf-$$-a"
in_ns a ip addr add 10.1.0.3/24 dev fw0
in_ns a ip link set fw0 up
ok "traffic" in_ns client ping -q -c 3 -i 0.2 -W 5 10.1.0.3
ok "rmmod" rmmod uvf

# --- the module itself. What the kernel needs to load any module is not ours.
# The PCI core goes on with what it could only half add: pci_device_add() warns and returns,
# pci_register_host_bridge() puts the bridge that its caller puts again. No caller can help that.
require_module
# shellcheck disable=SC2046 # two words
reject $(range_of pci_device_add pci_register_host_bridge)
inject "the module" insmod "$ko"

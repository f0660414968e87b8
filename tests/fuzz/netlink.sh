#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# runs: vm
# vm: --smp 2 --timeout 400
#
# The netlink fuzzer of mod_netlink.sh for as long as one likes:  netlink.sh SECONDS [SEED]
#
# For an hour on the debug kernel, by a limit that leaves time for the boot and for kmemleak:
#	TIMEOUT_SCALE=1 tests/vm/vm.sh --kernel debug --timeout 5400 -- tests/fuzz/netlink.sh 3600
#
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../lib/topology.sh"

module_load
topology_make fuzz
# Else the kernel runs modprobe for each name that it does not know. The uplink is a dummy.
modprobe dummy
echo >/proc/sys/kernel/modprobe
ok "random messages for ${1:-60} s" in_ns fuzz "$here/../../build/tests/nl_fuzz" u0 "${1:-60}" ${2:-}
sed 's/^/# /' "$tap_out"
ok "the family answers" "$here/../../build/tests/nl_uvf" dump
topology_remove
wait_for 10 eval '! grep -l 0x020000 /sys/bus/pci/devices/1000?:*/class'
is "all functions are spare" "$(grep -l 0x020000 /sys/bus/pci/devices/1000?:*/class | wc -l)" 0
ok "rmmod" rmmod uvf

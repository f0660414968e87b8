#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# runs: vm
# vm: --smp 2 --timeout 1200
#
# Both of the module's fuzzers at once, while frames come, for as long as there is patience: random
# messages of netlink, random accesses to configuration space, with drivers and devices that come
# and go. `make check-fuzz-long` runs it on the debug kernel; the kernel's log is half of the verdict.
#
#	module.sh [SECONDS [SEED]]	60 seconds by default, and a seed from the clock
#
#	client: eth0 10.1.0.1 ══ eth1 :host
#	                         └─ f1 10.1.0.3 :a, whose PCI device is left alone
#	low: up0, a dummy, for nl_fuzz
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../lib/topology.sh"
programs=$here/../../build/tests
seconds=${1:-60}
seed=${2:-$(date +%s)}

topology_make client host a low
topology_wire client eth0 10.1.0.1/24 host eth1 10.1.0.2/24
in_ns low ip link add up0 type dummy
in_ns low ip link set up0 up
module_load
in_ns host ip link add link eth1 name f1 type uvf
own=$(in_ns host ip -j -d link show f1 | jq -r '.[0].linkinfo.info_data.pci')
in_ns host ip link set f1 netns "uvf-$$-a"
in_ns a ip addr add 10.1.0.3/24 dev f1
in_ns a ip link set f1 up
mapfile -t devices < <(lspci -D -d 1af4:10f0 | cut -d ' ' -f 1 | grep -vxF "$own" | head -n 12)
ns_spawn client ping -q -i 0.02 10.1.0.3 >/dev/null
traffic=$spawned

diag "seed $seed, $seconds s, from $(cut -d. -f1 /proc/uptime) s of uptime"
ns_spawn low "$programs/nl_fuzz" up0 "$seconds" "$seed" >"$tmp/netlink" 2>&1
netlink=$spawned
"$programs/pci_fuzz" run "$seconds" "$seed" "${devices[@]}" >"$tmp/pci" 2>&1 &
pci=$!
for fuzzer in netlink pci; do
	status=0
	wait "${!fuzzer}" || status=$?
	is "$fuzzer: seed $seed" "$status" 0
	diag "$(tail -n 40 "$tmp/$fuzzer")"
done
kill "$traffic"
wait "$traffic"

echo 1 >/sys/bus/pci/rescan
ok "who was left alone answers" wait_for 10 in_ns client ping -q -c 1 -W 5 10.1.0.3
ok "rmmod" rmmod uvf
is "no PCI function is left" "$(lspci -D -d 1af4:10f0 | wc -l)" 0

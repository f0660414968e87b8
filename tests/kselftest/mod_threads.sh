#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# runs: vm
# vm: --smp 2 --timeout 300
#
# A function of several queues, leased by an appliance of as many threads.
#
#	client: eth0 10.1.0.1 ══ eth1 10.1.0.2 :host
#	                         └─ fw0 ─ threads, four queues
#
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../lib/topology.sh"
. "$here/../lib/threads.sh"
seq=$top/build/tests/seq
flows=24 each=50 # frames

topology_make client host
topology_wire client eth0 10.1.0.1/24 host eth1 10.1.0.2/24
bpffs_ready
module_load
ok "four queues" in_ns host ip link add link eth1 name fw0 type uvf queues 4 appliance threads
in_ns host ip link set fw0 up
mac=$(in_ns host ip -j link show fw0 | jq -r '.[0].address')
uvfd_start host

# Frames of so many flows go, and come back, each once.
echoed() {
	local i
	ns_spawn client "$seq" receive eth0 idle=3000 count=$((flows * each)) >"$tmp/received"
	receiver=$spawned
	wait_for 10 grep -q ready "$tmp/received" || return
	for ((i = 0; i < flows; i++)); do
		in_ns client "$seq" send eth0 to="$mac" sport=$((4000 + i)) dport=7 count=$each \
			first=$((i * each)) rate=2000 >/dev/null || return
	done
	wait "$receiver"
	grep '^{' "$tmp/received"
	[[ $(grep '^{' "$tmp/received" | jq -c '[.received, .doubled]') == "[$((flows * each)),0]" ]]
}

threads_start 4
is "uvf show tells of four sources" "$(in_ns host uvf show --json fw0 | jq .lease.sources)" 4
ok "all comes back" echoed
threads_stop
diag "$got"
is "each queue had some, and none was lost" \
	"$(jq -c '[(.queues | min > 0), (.queues | add >= '$((flows * each))'), (.lost | add)]' <<<"$got")" \
	"[true,true,0]"
is "in the end it is given back" "$(in_ns host uvf show --json fw0 | jq -c .lease)" null

ok "two queues" in_ns host ethtool -L fw0 combined 2
threads_start 2
ok "all comes back" echoed
threads_stop
uvfd_stop
is "uvfd ends in order" "$uvfd_status" 0

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# runs: vm
# vm: --smp 2 --timeout 300
#
# A guest on a function of the module: both ways for a frame, one queue pair and two, and the guest
# boots again.
#
#	client eth0 ══ eth1 ─ fw0 ─ interface process ─ guest
set -u
. "$(dirname "$0")/../lib/topology.sh"
. "$top/tests/lib/vhost.sh"
seq=$top/build/tests/seq
n=300

topology_make client host
topology_wire client eth0 10.0.1.2/24 host eth1 10.0.1.9/24
bpffs_ready
module_load
ok "fw0, of two queues" in_ns host ip link add link eth1 name fw0 type uvf queues 2 appliance vm
in_ns host ip link set fw0 up
mac=$(in_ns host ip -j link show fw0 | jq -r '.[0].address')
client=$(in_ns client ip -j link show eth0 | jq -r '.[0].address')
uvfd_start host

# Of several flows, so that each queue has some.
client_sends() {
	local i
	for i in 1 2 3 4 5 6; do
		in_ns client "$seq" send eth0 to="$mac" sport=$((4000 + i)) count=$((n / 6)) \
			first=$(((i - 1) * n / 6)) rate=200 >/dev/null || return
	done
}

exchange() { # what
	local receiver said
	ns_spawn client "$seq" receive eth0 idle=3000 >"$tmp/received"
	receiver=$spawned
	wait_for 20 grep -q ready "$tmp/received"
	guest_tell "$g" run send=$n expect=$n rate=100 idle=8000 "to=$client" "from=$mac"
	client_sends
	said=$(guest_answer "$g")
	wait "$receiver"
	ok "$1: the guest has all of $n, once" all_came "$said" $n || diag "$said"
	is "$1: and the client" "$(grep '^{' "$tmp/received" | jq -c '[.received, .doubled]')" "[$n,0]"
}

paths() { in_ns host uvf front show --json fw0 | jq -r '[.rings[].path] | unique[]'; }

with() { # GUEST PAIRS SHIM PATH FEATURES
	g=$1
	shift
	front_start fw0 --socket "$tmp/sock" --pairs "$1" --shim "$2"
	guest_start "$g"
	ok "a guest connects" guest "$g" connect "path=$tmp/sock" wait=20000
	ok "agrees on $1 pairs, and: $4" guest "$g" features "pairs=$1 $4"
	ok "begins" guest "$g" begin
	is "on the way" "$(paths)" "$3"
	exchange "$3, $1 pairs"
	ok "it boots again" guest "$g" reset
	ok "and begins again" guest "$g" again
	exchange "$3, after that"
	front_stop
	is "the interface process ends well" "$front_status" 0
}

with one 2 require shim "mergeable event_idx"
with two 2 off copy "packed mergeable"
with three 1 auto copy ""
is "and no complaint but one pair for two queues" \
	"$(in_ns host uvf front show --json fw0 | jq -r '.rings[0].why_copied' | grep -c '1 queue pairs')" 1
uvfd_stop

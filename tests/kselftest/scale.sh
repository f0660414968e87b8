#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What uvfd does for a function is not more when there are many: eight times as many functions make
# it call the kernel about eight times as often, to start, to follow one that was killed, and to end;
# and `uvf doctor` to examine all of them. Calls are counted, not seconds: the same on any machine.
#
#	host: eth1 ══ eth0
#	       └ fw0, fw1, …, each of a veth pair
set -u
. "$(dirname "$0")/../lib/topology.sh"
need ip tc nsenter pgrep strace busybox

few=64
many=512
phases=(start follow doctor end)
bpffs_ready

# As `uvf add` makes them, by the thousand.
functions_make() { # FROM TO
	local i uplink
	uplink=$(in_ns host ip -o link show eth1 | cut -d : -f 1)
	for ((i = $1; i < $2; i++)); do
		printf 'link add fw%d up address 02:00:00:00:%02x:%02x type veth peer name uvfport%d\n' \
			"$i" $((i / 256)) $((i % 256)) "$i"
		printf 'link set uvfport%d up alias "uvf-port uplink=%d vlan=65535 appliance="\n' \
			"$i" "$uplink"
	done | in_ns host ip -batch -
}

# uvfd opens its socket before it has steered all; after that line it only waits.
watched_start() { # FILE
	: >"$tmp/uvfd.log"
	ns_spawn host strace -qq -o "$1" uvfd 2>"$tmp/uvfd.log"
	wait_for 60 grep -q 'ready on' "$tmp/uvfd.log"
	uvfd=$(pgrep -P "$spawned")
}

calls() { wc -l <"$1"; }
declare -A count

# The calls of each phase, with the functions that there are.
count_calls() { # FUNCTIONS
	local before
	watched_start "$tmp/first"
	count[$1,start]=$(calls "$tmp/first")
	kill -KILL "$uvfd"
	wait "$spawned" 2>/dev/null
	watched_start "$tmp/second"
	count[$1,follow]=$(calls "$tmp/second")
	is "$1 functions are known" "$(in_ns host uvf list | grep -c veth)" "$1"
	in_ns host strace -qq -o "$tmp/doctor" uvf doctor --seconds 0.1 >"$tmp/found"
	is "nothing is wrong with them" "$(cat "$tmp/found")" "nothing wrong"
	count[$1,doctor]=$(calls "$tmp/doctor")
	before=$(calls "$tmp/second")
	kill "$uvfd"
	wait "$spawned"
	is "it ends well" $? 0
	count[$1,end]=$(($(calls "$tmp/second") - before))
	is "and nothing of it is left" "$(in_ns host tc qdisc show dev uvfport0 clsact)" ""
}

topology_make host
ip link add eth1 netns "uvf-$$-host" type veth peer name eth0 netns "uvf-$$-host"
in_ns host ip link set eth1 up
in_ns host ip link set eth0 up
functions_make 0 "$few"
count_calls "$few"
functions_make "$few" "$many"
count_calls "$many"
for phase in "${phases[@]}"; do
	diag "$phase: ${count[$few,$phase]} calls for $few functions, ${count[$many,$phase]} for $many"
	ok "$phase: no more calls a function" \
		test "${count[$many,$phase]}" -le $((many / few * count[$few,$phase] * 5 / 4))
	ok "  and some for each" test "${count[$many,$phase]}" -ge "$many"
done

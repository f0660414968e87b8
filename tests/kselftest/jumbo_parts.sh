#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Jumbo frames, and an appliance of several threads: each has a part of the session, with one of the
# function's queues. On veth, where functions have one queue, the other is a queue of the uplink that
# is leased, so that half of the frames come right from there.
#
#	client: eth0 10.1.0.1 ══ eth1 10.1.0.2 :host      all of MTU 9000
#	                         └─ fw0 ─ threads
set -u
. "$(dirname "$0")/../lib/topology.sh"
. "$top/tests/lib/threads.sh"
export BACKEND=${BACKEND:-veth}
seq=$top/build/tests/seq
flows=16 each=10 size=4000 # frames

need ip nsenter ethtool jq
[[ $(printf '%s\n' 6.6 "$(uname -r)" | sort -V | head -n 1) == 6.6 ]] ||
	skip_all "no jumbo frames for AF_XDP before Linux 6.6"
topology_make client host
ip link add eth0 netns "uvf-$$-client" numrxqueues 2 numtxqueues 2 type veth \
	peer name eth1 netns "uvf-$$-host" numrxqueues 2 numtxqueues 2 || bail_out "no wire"
in_ns client ethtool -L eth0 rx 2 tx 2
in_ns host ethtool -L eth1 rx 2 tx 2
in_ns client ethtool -K eth0 tx off >/dev/null
in_ns client ip link set eth0 mtu 9000 up
in_ns host ip link set eth1 mtu 9000 up
in_ns client ip addr add 10.1.0.1/24 dev eth0
bpffs_ready
queues=2
if [[ $BACKEND == veth ]]; then
	ok "fw0" function_add host fw0 eth1 threads
else
	module_load
	ok "fw0, of four queues" in_ns host ip link add link eth1 name fw0 type uvf queues 4 \
		appliance threads
	queues=4
fi
in_ns host ip link set fw0 up
mac=$(in_ns host ip -j link show fw0 | jq -r '.[0].address')
uvfd_start host
[[ $BACKEND != veth ]] || ok "queue 1 of the uplink" in_ns host uvf lease fw0 --queue 1
export UVF_JUMBO=1

directly() { in_ns host uvf stats --json fw0 | jq '.steering.direct_frames // 0'; }

receive_start() {
	ns_spawn client "$seq" receive eth0 idle=5000 count=$((flows * each)) size=$size >"$tmp/received"
	receiver=$spawned
	wait_for 10 grep -q ready "$tmp/received"
}
send_all() {
	local i
	for ((i = 0; i < flows; i++)); do
		in_ns client "$seq" send eth0 to="$mac" sport=$((4000 + i)) dport=7 count=$each \
			first=$((i * each)) rate=1000 size=$size >/dev/null
	done
}
received_is_all() { # DESCRIPTION
	wait "$receiver" 2>/dev/null
	is "$1" "$(grep '^{' "$tmp/received" | jq -c '[.received, .doubled, .missing]')" \
		"[$((flows * each)),0,0]"
}

threads_start $queues
receive_start
before=$(directly)
send_all
received_is_all "all come back, whole"
direct=$(($(directly) - before))
threads_stop
diag "$got; $direct came directly"
buffers=$(((size + 1791) / 1792 * flows * each))
is "each thread had some, of $buffers buffers" \
	"$(jq -c '[(.queues | min > 0), (.queues | add), (.lost | add)]' <<<"$got")" "[true,$buffers,0]"
[[ $BACKEND != veth ]] ||
	ok "some came by the uplink's queue, and some did not" between "$direct" 1 $((flows * each - 1))

# What waits in the rings of all parts is there for a successor, who splits anew.
if [[ $(printf '%s\n' 6.4 "$(uname -r)" | sort -V | head -n 1) == 6.4 ]]; then
	threads_start $queues
	kill -STOP "$appliance"
	receive_start
	send_all
	kill -KILL "$appliance"
	wait "$appliance" 2>/dev/null
	threads_start $queues
	received_is_all "all that waited comes back, whole and once"
	threads_stop
	diag "$got"
fi
uvfd_stop
is "uvfd ends in order" "$uvfd_status" 0

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Frames are received into memory of others, and sent from there: where they were to lie, and
# nowhere else; see lend.c.
#
#	client eth0 ══ eth1 ─ fw0 ─ lend, which sends back what it gets
set -u
. "$(dirname "$0")/../lib/topology.sh"
export BACKEND=veth
seq=$top/build/tests/seq

need ip nsenter ethtool jq
topology_make client host
topology_wire client eth0 10.0.1.2/24 host eth1 10.0.1.9/24
bpffs_ready
ok "fw0" function_add host fw0 eth1 lend
in_ns host ip link set fw0 up
uvfd_start host
mac=$(in_ns host ip -j link show fw0 | jq -r '.[0].address')

lend_start() {
	ns_spawn host uvf run --on fw0 -- "$top/build/tests/lend" fw0 max="$1" \
		>"$tmp/lend.out" 2>"$tmp/lend.log"
	lend=$spawned
	ok "frames of $1 bytes at most are lent places" wait_for 10 grep -q '^ready' "$tmp/lend.out"
}

lend_stop() {
	kill "$lend"
	wait "$lend"
	sed 's/^/# /' "$tmp/lend.log"
}
told() { grep '^{' "$tmp/lend.out" | jq -c "$1"; }

exchange() { # size, count
	local receiver
	ns_spawn client "$seq" receive eth0 idle=1000 count="$2" >"$tmp/received"
	receiver=$spawned
	wait_for 10 grep -q ready "$tmp/received"
	in_ns client "$seq" send eth0 to="$mac" count="$2" rate=3000 size="$1" >/dev/null
	wait "$receiver"
	grep '^{' "$tmp/received" | jq -c '[.received, .doubled]'
}

# As many as the buffers there are, some times over.
lend_start 1518
is "frames of 1514 bytes come and go" "$(exchange 1514 3000)" "[3000,0]"
is "so do small ones" "$(exchange 90 3000)" "[3000,0]"
lend_stop
is "each lay where it was to lie, and nothing else was written to" \
	"$(told '[.received, .sent, .overrun, .frames]')" "[6000,6000,0,8192]"

lend_start 600
is "frames that fit come and go" "$(exchange 600 1000)" "[1000,0]"
in_ns client "$seq" send eth0 to="$mac" count=500 rate=3000 size=601 >/dev/null
is "longer ones are dropped by the kernel" "$(exchange 600 1000)" "[1000,0]"
lend_stop
is "and wrote nowhere" "$(told '[.received, .sent, .overrun]')" "[2000,2000,0]"
uvfd_stop

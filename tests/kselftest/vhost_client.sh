#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The client that the tests of the interface process are made with, on a device that is not ours:
# DPDK's net_vhost, which sends back what it is sent. What the client says of a device is worth
# something only if this device, which others rely on, passes.
set -u
. "$(dirname "$0")/../lib/topology.sh"
. "$top/tests/lib/vhost.sh"
need dpdk-testpmd jq

mkfifo "$tmp/testpmd.in"
exec 9<>"$tmp/testpmd.in"

testpmd_start() { # PAIRS [OPTION]
	dpdk-testpmd --lcores '0@(0-1),1@(0-1)' --main-lcore 0 --no-huge -m 128 --no-pci --no-shconf --no-telemetry \
		--iova-mode=va --vdev "net_vhost0,iface=$tmp/sock,queues=$1${2:-}" -- -i \
		--forward-mode=io --port-topology=loop --nb-cores=1 --rxq="$1" --txq="$1" \
		--total-num-mbufs=8192 --auto-start <&9 >"$tmp/testpmd" 2>&1 &
	testpmd=$!
	at_exit end_child "$testpmd"
	ok "testpmd with $1 pairs${2:+ ($2)}" wait_for 20 grep -q 'Checking link statuses' "$tmp/testpmd"
}

testpmd_stop() {
	kill "$testpmd"
	wait "$testpmd"
}

# A driver may rely on it (Virtio 1.2, 5.1.6.4.1), but DPDK does not set it.
forgives() { jq 'if .said | test("number of buffers") then .wrong = 0 else . end' <<<"$1"; }

# testpmd takes what is sent to it a moment before it gives back anything.
comes_back() { [[ $(field "$(guest g run send=1 expect=1 idle=200)" received) == 1 ]]; }

round() { # WHAT N WORD…
	local said
	wait_for 5 comes_back
	said=$(guest g run send="$2" expect="$2" window=32 "${@:3}") || diag "$said"
	ok "$1" all_came "$(forgives "$said")" "$2"
}

loop() { # FEATURES, MEMORY
	local n=2000
	ok "connects" guest g connect "path=$tmp/sock"
	ok "agrees on: ${1:-nothing more}" guest g features "pairs=$pairs $1"
	ok "begins with: $2" guest g begin "$2"
	round "$n there and back, asleep" $n
	round "$n, polling" $n poll
	is "nothing stays in flight" "$(field "$(guest g rings)" 'rings[1].in_flight')" 0
	ok "reset" guest g reset
	ok "once more" guest g again
	round "$n by the next driver" $n
}

guest_start g
pairs=1
testpmd_start 1
loop "" "split_header"
loop "event_idx indirect" "parts=4"
loop "mergeable" "parts=2 size=300 guard=33 regions=5"
loop "packed" "parts=3"
loop "packed event_idx indirect mergeable num=64" "parts=5 size=700 guard=101 regions=8"
ok "connects" guest g connect "path=$tmp/sock"
ok "logs what it writes" guest g features "mergeable log"
ok "begins" guest g begin
guest g dirty clear >/dev/null
round "300 frames" 300
dirty=$(guest g dirty)
is "no page was written that is not in the log" "$(field "$dirty" missing)" 0
ok "pages are" test "$(field "$dirty" written)" -gt 10
ok "another device on the same socket goes on" guest g resume
round "with 500 frames" 500
testpmd_stop

pairs=4
testpmd_start 4
loop "mergeable event_idx" ""
loop "mergeable packed" ""
testpmd_stop

pairs=1
ok "as a server" guest g listen "path=$tmp/sock"
testpmd_start 1 ,client=1
ok "the device comes" guest g connect wait=20000
ok "agrees" guest g features mergeable
ok "begins" guest g begin
round "500 frames" 500
testpmd_stop
testpmd_start 1 ,client=1
ok "the next one comes" guest g resume wait=20000
round "500 frames" 500

# --- what the client finds ------------------------------------------------------------------------

# Half of what is under way does not fit into four buffers: the rest is lost, and is said to be.
ok "reset" guest g reset
ok "few buffers" guest g again nopost
ok "four of them" guest g post ring=0 count=4
said=$(guest g run send=100 hold idle=500)
is "what is lost is missed" "$(field "$said" received)" 4
is "and nobody is blamed" "$(field "$said" wrong)" 0
testpmd_stop

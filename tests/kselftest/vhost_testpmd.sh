#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DPDK's testpmd as the guest, by net_virtio_user: split and packed rings, one pair and four. It
# sends back what the wire sends, with the addresses exchanged.
#
#	wire 10.0.6.1 eth0 ══ eth1 (fw0)  host  uvf-vhost-user ── testpmd
set -u
. "$(dirname "$0")/../lib/topology.sh"
. "$top/tests/lib/vhost.sh"
need ip nsenter ethtool jq dpdk-testpmd stdbuf

vhost_topology
mkfifo "$tmp/testpmd.in"
exec 9<>"$tmp/testpmd.in"

testpmd_start() { # PAIRS PACKED
	: >"$tmp/testpmd"
	stdbuf -oL dpdk-testpmd --lcores '0@(0-1),1@(0-1)' --main-lcore 0 --no-huge -m 256 --no-pci --no-shconf \
		--no-telemetry --iova-mode=va --vdev \
		"net_virtio_user0,path=$tmp/fw0.sock,mac=$fw0_mac,queues=$1,packed_vq=$2,queue_size=1024" -- -i --rxd=1024 --txd=1024 \
		--forward-mode=macswap --port-topology=loop --nb-cores=1 --rxq="$1" --txq="$1" \
		--total-num-mbufs=8192 --auto-start <&9 >"$tmp/testpmd" 2>&1 &
	testpmd=$!
	at_exit end_child "$testpmd"
	ok "testpmd, $1 pairs, packed=$2" wait_for 20 grep -q 'nb forwarding cores=1' "$tmp/testpmd"
}

round() { # SHIM PAIRS PACKED
	front_start fw0 --shim "$1" --pairs "$2" --socket "$tmp/fw0.sock"
	testpmd_start "$2" "$3"
	sleep 0.5
	wire_hears 1000
	wire_sends 1000 500 size=300
	wait "$sender"
	wire_heard
	is "shim $1, $2 pairs, packed=$3: 1000 there and back" "$heard" "$(heard_all 1000)"
	kill "$testpmd"
	wait "$testpmd"
	front_stop
	is "it ends well" "$front_status" 0
}

for packed in 0 1; do
	round off 1 $packed
	round require 1 $packed
	round off 4 $packed
done
uvfd_stop

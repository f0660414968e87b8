#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# runs: vm
# vm: --smp 2 --timeout 400
#
# A limit on what a function sends: of AF_XDP, the stack, XDP_TX and to siblings.
#
#	client: eth0 10.1.0.1 ══ eth1 10.1.0.2 :host
#	                         ├─ fa 10.1.0.11 :a
#	                         └─ fb 10.1.0.12 :b
#
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../lib/topology.sh"
. "$here/../lib/xsk.sh"
nl=$here/../../build/tests/nl_uvf
seq=$here/../../build/tests/seq

mac_of() { in_ns "$1" ip -j link show "$2" | jq -r '.[0].address'; }
packets() { in_ns "$1" ip -j -s link show "$2" | jq ".[0].stats64.$3"; }
over() { in_ns a ethtool -S fa | awk '$1 == "tx_limit:" { print $2 }'; }
limit() { in_ns a ip link set fa type uvf "$@"; }
said() { in_ns a ip -j -d link show fa | jq -c '.[0].linkinfo.info_data | [.tx_rate, .tx_pps, .tx_burst]'; }

# A guest is never early, and late as its host is busy.
within() { # DESC MILLISECONDS LEAST
	ok "$1: $2 ms, $3 at least" test "$2" -ge $(($3 * 97 / 100)) -a "$2" -le $(($3 * 3 / 2 + 2500))
}

# pours DESC LEAST MAC COUNT WORD…: nothing is lost, and it takes its time
pours() {
	local desc=$1 least=$2 before_over out status=0
	shift 2
	before_over=$(over)
	out=$(in_ns a "$xsk" pour fa "$@") || status=$?
	is "$desc: all is sent" "$status ${out##*completed }" "0 all"
	out=${out#*seconds }
	out=${out%% *}
	within "$desc" "$((10#${out/./}))" "$least"
	is "$desc: nothing is dropped" "$(over)" "$before_over"
}

topology_make client host a b
topology_wire client eth0 10.1.0.1/24 host eth1 10.1.0.2/24
module_load
for name in a b; do
	ok "f$name" in_ns host ip link add link eth1 name f$name netns "uvf-$$-$name" type uvf mode bridge
	in_ns $name ip link set f$name up
done
in_ns a ip addr add 10.1.0.11/24 dev fa
in_ns b ip addr add 10.1.0.12/24 dev fb
fa=$(mac_of a fa) fb=$(mac_of b fb) client=$(mac_of client eth0)

# --- told, and who may
is "no limit at first" "$(said)" '[null,null,null]'
ok "all three" limit tx_rate 100mbit tx_pps 20k tx_burst 128k
is "ip tells" "$(said)" '[100000000,20000,131072]'
like "generic netlink tells" "$(in_ns a "$nl" get ifname fa)" 'tx-rate=100000000 tx-pps=20000 tx-burst=131072'
ok "more than 32 bits" limit tx_rate 40gbit
is "the others stay" "$(said)" '[40000000000,20000,131072]'
like "generic netlink tells that" "$(in_ns a "$nl" get ifname fa)" 'tx-rate=40000000000 '
expect_fail 'needs a tx_rate' limit tx_rate 0 tx_burst 64k
is "nothing has changed" "$(said)" '[40000000000,20000,131072]'
ok "no rate, and no burst with it" limit tx_rate 0
is "frames are limited yet" "$(said)" '[null,20000,null]'
ns_spawn a unshare --user --map-root-user --net sleep 600
inner=$spawned
wait_for 5 eval '[[ $(cat /proc/$inner/comm) == sleep ]]'
ok "to a container" in_ns a ip link set fa netns "$inner"
inside() { nsenter --target "$inner" --user --net --preserve-credentials "$@"; }
expect_fail 'CAP_NET_ADMIN in the initial user namespace' inside ip link set fa type uvf tx_pps 0
like "which sees it, and can't lift it" "$(inside ip -d link show fa)" 'tx_pps 20000 '
ok "and back" nsenter --target "$inner" --net ip link set fa netns "uvf-$$-a"
in_ns a ip addr add 10.1.0.11/24 dev fa
in_ns a ip link set fa up
ok "off" limit tx_pps 0
is "none any more" "$(said)" '[null,null,null]'
ok "at birth" in_ns host ip link add link eth1 name fx type uvf tx_rate 1mbit
like "told" "$(in_ns host ip -d link show fx)" 'tx_rate 1000000 '
in_ns host ip link del fx

# --- AF_XDP: what is too much waits in the ring. A burst of 16 frames, 200 a second.
limit tx_pps 200
for how in zerocopy "zerocopy nowakeup" "zerocopy busy"; do
	before=$(packets client eth0 rx.packets)
	# shellcheck disable=SC2086 # words
	pours "AF_XDP, $how" 1400 "$client" 316 $how
	ok "AF_XDP, $how: all come" test $(($(packets client eth0 rx.packets) - before)) -ge 316
	limit tx_pps 200 # a full burst
done
# 300 frames of 60 to 1514 bytes, 228,270 in all
limit tx_pps 0 tx_rate 1mbit tx_burst 20000
pours "AF_XDP, bits" 1650 "$client" 300 zerocopy
limit tx_rate 0 tx_pps 200
in_ns a ethtool -L fa combined 2
pours "two queues share one limit" 2300 "$client" 238 zerocopy queues=2 shared
limit tx_pps 200
if [[ $(printf '%s\n' 6.6 "$(uname -r)" | sort -V | head -n 1) == 6.6 ]]; then
	pours "AF_XDP, several chunks" 1400 "$client" 316 zerocopy sg
	limit tx_pps 200
fi
pours "UMEM to UMEM of a sibling" 1400 "$fb" 316 zerocopy
limit tx_pps 200
in_ns a ethtool -L fa combined 1
echo_start b fb zerocopy
ok "wake-ups: asked for again after each pause" in_ns a "$xsk" query fa "$fb" 300 zerocopy
echo_stop

# --- changed while frames wait
limit tx_pps 1
ns_spawn a "$xsk" pour fa "$client" 400 zerocopy >"$tmp/pour"
pouring=$spawned
sleep 2
ok "it waits" kill -0 "$pouring"
ok "a faster limit, under it" limit tx_pps 100000
ok "all goes" wait "$pouring"

# --- the stack: what is too much is dropped, and its sender told
# A thousand frames in two seconds, or as fast as a slow kernel can: how many may go is in $most.
thousand() { # NETNS INTERFACE TO
	local from
	from=$(date +%s%3N)
	in_ns "$1" "$seq" send "$2" to="$3" count=1000 rate=500 >"$tmp/sent"
	took=$(($(date +%s%3N) - from))
	most=$((300 + took / 5))
}
limit tx_pps 200
before=$(over)
thousand a fa "$client"
sent=$(jq .sent "$tmp/sent")
ok "the stack: $sent of 1000 frames in $took ms, about $((16 + took / 5))" \
	test "$sent" -ge 250 -a "$sent" -le "$most"
is "the others are counted by their reason" $((sent + $(over) - before)) 1000
ok "and as dropped" test "$(packets a fa tx.dropped)" -ge $(($(over)))
limit tx_pps 200
before=$(over)
out=$(in_ns a "$xsk" pour fa "$client" 316 copy)
like "copy mode: all is taken" "$out" 'mode copy .* completed all'
ok "copy mode: much is dropped" test $(($(over) - before)) -ge 100
# Segments are counted, and their headers: 8.37 Mbits, less what comes at once. What TCP makes of
# drops is its own affair; a crowded guest sees it take long.
limit tx_pps 0 tx_rate 10mbit
head -c 1000000 /dev/zero >"$tmp/zeroes"
ns_spawn client bash -c "exec busybox nc -l -p 5001 < <(exec sleep 120)" >"$tmp/got"
listening=$spawned
wait_for 5 listens client 5001
start=$(date +%s%3N)
ok "TCP" in_ns a timeout 120 busybox nc 10.1.0.1 5001 <"$tmp/zeroes"
wait "$listening"
took=$(($(date +%s%3N) - start))
ok "TCP: $took ms, 750 at least" test "$took" -ge 730
is "TCP: whole" "$(stat -c %s "$tmp/got")" 1000000

# --- XDP_TX: what is too much is dropped
limit tx_rate 0 tx_pps 200
ok "a program that sends all back" in_ns a "$xsk" attach fa reflect
before=$(over) sent=$(packets a fa tx.packets)
thousand client eth0 "$fa"
wait_for 5 eval '[[ $(($(over) - before + $(packets a fa tx.packets) - sent)) -ge 1000 ]]'
sent=$(($(packets a fa tx.packets) - sent))
# Where they come in crowds there are fewer.
ok "XDP_TX: $sent of 1000 frames in $took ms, about $((16 + took / 5))" \
	test "$sent" -ge 100 -a "$sent" -le "$most"
ok "the others are counted" test $((sent + $(over) - before)) -ge 1000
in_ns a "$xsk" detach fa

# --- the end of things, while frames wait and others come
limit tx_pps 1000
for _ in 1 2; do
	ns_spawn a "$xsk" pour fa "$fb" 100000 zerocopy >/dev/null 2>&1
	pouring=$spawned
	ns_spawn a "$xsk" flood fa "$client" 100 >/dev/null 2>&1
	flooding=$spawned
	sleep 0.5
	for pps in 10 0 2000 1; do ok "$pps, under traffic" limit tx_pps $pps; done
	in_ns a ip link set fa down
	in_ns a ip link set fa up
	kill "$flooding" "$pouring"
	wait "$flooding" "$pouring" 2>/dev/null
done
ns_spawn a "$xsk" pour fa "$fb" 100000 zerocopy >/dev/null 2>&1
pouring=$spawned
sleep 0.5
ok "the function is deleted while frames wait" in_ns a ip link del fa
kill "$pouring" 2>/dev/null
ok "rmmod" rmmod uvf

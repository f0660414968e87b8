#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# runs: vm
# vm: --smp 2 --timeout 300
#
# Several queues, what ethtool shows and sets, and drops with their reason.
#
#	client: eth0 10.1.0.1 ══ eth1 10.1.0.2 :host
#	                         └─ fw0 10.1.0.3
#
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../lib/topology.sh"
. "$here/../lib/xsk.sh"
count=1500

stat_of() { in_ns host ethtool -S fw0 | sed -n "s/^ *$1: //p"; }
mac_of() { in_ns host ip -j link show "$1" | jq -r '.[0].address'; }
vectors() { grep -c 'fw0-' /proc/interrupts; }
combined() { in_ns host ethtool -l fw0 | awk '/^Combined/ { n = $2 } END { print n }'; }

# flows PORT…: one datagram to each port; what arrives is not answered
flows() {
	in_ns client bash -c 'for port; do echo x >"/dev/udp/10.1.0.3/$port"; done' flows "$@"
	sleep 0.5
}

topology_make client host
topology_wire client eth0 10.1.0.1/24 host eth1 10.1.0.2/24
module_load
ok "four queues from the start" in_ns host ip link add link eth1 name fw0 type uvf queues 4
is "told by ip" "$(in_ns host ip -j -d link show fw0 | jq '.[0].linkinfo.info_data.queues')" 4
is "told by ethtool" "$(combined)" 4
is "a vector each, and the mailbox's" "$(vectors)" 5
in_ns host ip addr add 10.1.0.3/24 dev fw0
in_ns host ip link set fw0 up
# The host has two interfaces on one wire, and would answer for either address by either.
in_ns client ip neigh replace 10.1.0.3 lladdr "$(mac_of fw0)" nud permanent dev eth0
ok "traffic" in_ns client ping -q -c 3 -i 0.2 -W 4 10.1.0.3

# --- a flow's queue
ok "steering" in_ns host "$xsk" steer eth1 fw0 "$(mac_of fw0)"
before=$(in_ns host ethtool -S fw0 | awk '/rx[0-9]+_packets/ { n += $2 } END { print n }')
flows {2000..2039}
after=$(in_ns host ethtool -S fw0 | awk '/rx[0-9]+_packets/ { n += $2 } END { print n }')
ok "flows arrive" test $((after - before)) -ge 40
for q in 0 1 2 3; do ok "some of them on queue $q" test "$(stat_of "rx${q}_packets")" -gt 0; done
is "none on a queue that is not there" "$(stat_of rx4_packets)" 0
ok "no steering" in_ns host "$xsk" detach eth1

# --- sockets on all of them
for how in "queues=4" "queues=4 shared" "queues=4 copy" "queues=4 shared unaligned"; do
	if [[ $how == *unaligned* ]] && watches_dma; then continue; fi
	# shellcheck disable=SC2086 # words
	echo_start host fw0 $how
	ok "sockets: $how" in_ns client "$xsk" ask eth0 "$(mac_of fw0)" $count
	like "sockets: $how: not less with fewer" "$(in_ns host ethtool -L fw0 combined 2 2>&1; true)" \
		"too low|in use by AF_XDP"
	echo_stop
	like "sockets: $how: nothing broken" "$(cat "$tmp/echo")" "questions $count answers $count broken 0"
	in_ns host ethtool -L fw0 combined 4
done

# --- their number changes under traffic
echo_start host fw0 zerocopy
ns_spawn client "$xsk" flood eth0 "$(mac_of fw0)" 100 >/dev/null
flooding=$spawned
for n in 1 16 3 1 8 2 16 1 4; do
	ok "$n queues, under traffic" in_ns host ethtool -L fw0 combined $n
	is "$n queues: so many vectors" "$(vectors)" $((n + 1))
done
kill "$flooding"
wait "$flooding"
echo_stop
before=$(in_ns host ip -j -s link show fw0 | jq '.[0].stats64.rx.packets')
in_ns host ethtool -L fw0 combined 1
ok "no count is lost" test "$(in_ns host ip -j -s link show fw0 | jq '.[0].stats64.rx.packets')" -ge "$before"

# --- drops, each with a reason
mount -t tracefs tracefs /sys/kernel/tracing 2>/dev/null
echo 1 >/sys/kernel/tracing/events/uvf/uvf_drop/enable
before=$(stat_of rx_fill_empty)
in_ns host "$xsk" attach fw0 bounce
in_ns host ip link set fw0 mtu 1400
in_ns host "$xsk" detach fw0
ns_spawn host "$xsk" hold fw0 >"$tmp/hold" 2>&1
holding=$spawned
wait_for 10 grep -q '^bound' "$tmp/hold"
in_ns client "$xsk" flood eth0 "$(mac_of fw0)" 0.3 >/dev/null
ok "an owner that does not fill: rx_fill_empty" test "$(stat_of rx_fill_empty)" -gt "$before"
kill "$holding"
wait "$holding"
like "the tracepoint" "$(cat /sys/kernel/tracing/trace)" \
	'uvf_drop: dev=fw0 ifindex=[0-9]+ queue=0 reason=rx_fill_empty'
echo 0 >/sys/kernel/tracing/events/uvf/uvf_drop/enable
# The stack adds what it had no protocol for.
ok "ip -s link has them all" test "$(in_ns host ip -j -s link show fw0 | jq '.[0].stats64.rx.dropped')" -ge \
	"$(in_ns host ethtool -S fw0 | awk '/ rx_[a-z_]+:/ { n += $2 } END { print n }')"

# --- coalescing
like "ethtool -c" "$(in_ns host ethtool -c fw0)" '^rx-usecs:[[:space:]]+0$'
ok "ethtool -C" in_ns host ethtool -C fw0 rx-usecs 20000 rx-frames 32
irqs() { awk '/fw0-0/ { print $2 + $3 }' /proc/interrupts; }
ok "steering" in_ns host "$xsk" steer eth1 fw0 "$(mac_of fw0)"
before=$(irqs)
in_ns client ping -q -c 1 -W 4 10.1.0.3 >/dev/null
ok "a frame alone waits for the timer, and comes" test "$(irqs)" -gt "$before"
like "it took its 20 ms" "$(in_ns client ping -c 3 -i 0.2 -W 4 10.1.0.3)" 'min/avg/max/mdev = [2-9][0-9]'
like "refused: rx-frames" "$(in_ns host ethtool -C fw0 rx-frames 513 2>&1)" 'rx-frames is 1 to 512'
like "refused: rx-usecs" "$(in_ns host ethtool -C fw0 rx-usecs 100001 2>&1)" 'rx-usecs is at most 100000'
ok "down, with a frame that waits" in_ns host ip link set fw0 down
ok "rmmod" rmmod uvf

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# runs: vm
# vm: --smp 2 --timeout 420
#
# AF_XDP on a function: zero-copy by every way that frames come and go, each byte checked.
#
#	client: eth0 ══ eth1 :host
#	                └─ fw0, fw7 (vlan 7)
#
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../lib/topology.sh"
. "$here/../lib/xsk.sh"
count=1500

dropped() { in_ns host ip -j -s link show "$1" | jq '.[0].stats64 | .rx.dropped + .tx.dropped'; }
received() { in_ns host ip -j -s link show "$1" | jq '.[0].stats64.rx.packets'; }
sent() { in_ns host ip -j -s link show "$1" | jq '.[0].stats64.tx.packets'; }
mac_of() { in_ns host ip -j link show "$1" | jq -r '.[0].address'; }

# One body for all ways: bind, see the mode, ask and be answered, count.
exchange() {
	local way=$1 device=$2 asker=$3 mode=$4 before_rx before_tx before_dropped
	shift 4
	before_rx=$(received "$device") before_tx=$(sent "$device")
	before_dropped=$(dropped "$device")
	echo_start host "$device" "$mode" "$@"
	is "$way: the socket's mode" "$(head -n 1 "$tmp/echo")" "ready $mode"
	ok "$way: all answers are intact" in_ns client "$xsk" ask "$asker" "$(mac_of "$device")" $count
	echo_stop
	like "$way: all questions were intact" "$(cat "$tmp/echo")" "^questions $count answers $count broken 0 end asked"
	is "$way: received, by ip -s link" $(($(received "$device") - before_rx)) $count
	is "$way: nothing dropped" $(($(dropped "$device") - before_dropped)) 0
	# The host's own packets may come on top.
	ok "$way: sent, by ip -s link" test $(($(sent "$device") - before_tx)) -ge $count
}

topology_make client host
topology_wire client eth0 10.1.0.1/24 host eth1 10.1.0.2/24
module_load
ok "a function" function_add host fw0 eth1 test
ok "a function with a vlan" function_add host fw7 eth1 test 7
in_ns client ip link add link eth0 name eth0.7 type vlan id 7
in_ns client ip link set eth0.7 up

# --- refused, before anything moves
in_ns host ip link set fw0 up
in_ns host ip link set fw7 up
for link in eth1 fw0; do in_ns host ip link set $link mtu 3600; done
# newer kernels have a check of their own, before the driver's
expect_fail 'bind to fw0: (Message too long|Invalid argument)' in_ns host "$xsk" echo fw0 zerocopy
for link in fw0 eth1; do in_ns host ip link set $link mtu 1500; done
in_ns host ip link set eth1 mtu 9000
echo_start host fw0 zerocopy
expect_fail 'Message too long' in_ns host ip link set fw0 mtu 1800
expect_fail 'Device or resource busy' in_ns host "$xsk" echo fw0 zerocopy
echo_stop
ok "a larger MTU, just after the socket" in_ns host "$xsk" leave fw0 3600
for link in fw0 eth1; do in_ns host ip link set $link mtu 1500; done

# --- the ways of a frame
exchange "slow path" fw0 eth0 zerocopy
exchange "slow path, no need-wakeup" fw0 eth0 zerocopy nowakeup
exchange "slow path, busy polling" fw0 eth0 zerocopy busy
exchange "slow path, chunks of 4096" fw0 eth0 zerocopy chunk=4096
exchange "slow path, copy mode" fw0 eth0 copy
exchange "slow path, vlan" fw7 eth0.7 zerocopy
ok "steering on the uplink" in_ns host "$xsk" steer eth1 fw0 "$(mac_of fw0)"
exchange "fast path" fw0 eth0 zerocopy
exchange "fast path, copy mode" fw0 eth0 copy
in_ns client ethtool -K eth0 gro on
exchange "fast path both ways" fw0 eth0 zerocopy

# --- a socket outlives its function's down and up, not its move to another namespace
echo_start host fw0 zerocopy
in_ns host ip link set fw0 down
in_ns host ip link set fw0 up
ok "after down and up: answers" in_ns client "$xsk" ask eth0 "$(mac_of fw0)" 100
ok "to another namespace, with a socket" in_ns host ip link set fw0 netns "uvf-$$-client"
wait_for 5 eval '! kill -0 $echoing 2>/dev/null'
like "to another namespace: the socket is told" "$(cat "$tmp/echo")" 'end No such device or address'
echo_stop
in_ns client ip link set fw0 netns "uvf-$$-host"
in_ns host ip link set fw0 up
ok "steering again" in_ns host "$xsk" detach eth1
ok "steering again" in_ns host "$xsk" steer eth1 fw0 "$(mac_of fw0)"
exchange "back again" fw0 eth0 zerocopy

# --- a program alone
ok "a program that transmits" in_ns host "$xsk" attach fw0 bounce
ok "XDP_TX: all answers are intact" in_ns client "$xsk" ask eth0 "$(mac_of fw0)" $count
ok "no program" in_ns host "$xsk" detach fw0

# --- jumbo frames; veth with a program has them not everywhere
ok "no steering" in_ns host "$xsk" detach eth1
in_ns client ip link set eth0 mtu 9000
for link in eth1 fw0; do in_ns host ip link set $link mtu 9000; done
ok "a program that transmits, 9000" in_ns host "$xsk" attach fw0 bounce
ok "XDP_TX, 9014 bytes: all answers are intact" in_ns client "$xsk" ask eth0 "$(mac_of fw0)" 300 9014
ok "no program" in_ns host "$xsk" detach fw0
in_ns host ip link set eth1 mtu 16400
in_ns host ip link set fw0 mtu 16400
expect_fail 'Message too long' in_ns host "$xsk" attach fw0 bounce
in_ns host ip link set fw0 mtu 9000
if [[ $(printf '%s\n' 6.6 "$(uname -r)" | sort -V | head -n 1) == 6.6 ]]; then
	for mode in zerocopy "zerocopy unaligned" copy; do
		if [[ $mode == *unaligned* ]] && watches_dma; then continue; fi
		# shellcheck disable=SC2086 # words
		echo_start host fw0 $mode sg
		is "several chunks, $mode: mode" "$(head -n 1 "$tmp/echo")" "ready ${mode% *}"
		for size in 1514 4096 9014; do
			ok "several chunks, $mode: $size bytes" \
				in_ns client "$xsk" ask eth0 "$(mac_of fw0)" 300 $size
		done
		echo_stop
		like "several chunks, $mode: intact" "$(cat "$tmp/echo")" \
			'^questions 900 answers 900 broken 0 end asked'
	done
else
	diag "several chunks: Linux 6.6"
	expect_fail 'bind to fw0: Invalid argument' in_ns host "$xsk" bind fw0 sg
fi
for link in fw0 eth1; do in_ns host ip link set $link mtu 1500; done
in_ns client ip link set eth0 mtu 1500
ok "steering again" in_ns host "$xsk" steer eth1 fw0 "$(mac_of fw0)"

# --- an uplink that is full makes the owner wait; one that is stuck does not for long
dropped_by_uplink() { in_ns host ethtool -S fwt | awk '$1 == "tx_uplink:" { print $2 }'; }

tap_start() { # count
	ns_spawn host "${xsk%/*}/tap" tap0 "$1" >"$tmp/tap" 2>&1
	tap=$spawned
	wait_for 5 grep -q made "$tmp/tap"
	in_ns host ip link set tap0 txqueuelen 32 up
	ok "a function of a tap device" function_add host fwt tap0 test
	in_ns host ip link set fwt up
}

modprobe -q tun
if [[ -c /dev/net/tun ]]; then
	tap_start 5000
	ok "full: all is sent" in_ns host "$xsk" pour fwt 02:00:00:00:00:01 5000
	ok "full: all has come, in order" wait "$tap"
	tap_start 5000
	kill -STOP "$tap"
	ok "stuck: all is taken" in_ns host "$xsk" pour fwt 02:00:00:00:00:01 500
	ok "stuck: dropped" test "$(dropped_by_uplink)" -ge 400
	kill -KILL "$tap"
	wait "$tap"
else
	skip "an uplink that is full" "no tap devices in this kernel"
fi

# --- the end of things, under traffic from two processors
flood_start() {
	ns_spawn client "$xsk" flood eth0 "$(mac_of fw0)" 100 >/dev/null
	floods=($spawned)
	ns_spawn client "$xsk" flood eth0 ff:ff:ff:ff:ff:ff 100 >/dev/null
	floods+=($spawned)
}

flood_stop() {
	kill "${floods[@]}" 2>/dev/null
	wait "${floods[@]}"
}

# Both ways: with steering on the uplink, and without.
under_traffic() {
	local way=$1 i
	flood_start
	for i in 1 2 3 4; do
		echo_start host fw0 zerocopy
		sleep 0.3
		is "$way: socket $i is zero-copy" "$(head -n 1 "$tmp/echo")" "ready zerocopy"
		kill -KILL "$echoing"
		wait "$echoing" 2>/dev/null
	done
	echo_start host fw0 zerocopy
	for i in 1 2 3; do
		in_ns host ip link set fw0 down
		in_ns host ip link set fw0 up
	done
	pass "$way: down and up, with a socket"
	ok "$way: the function is deleted" in_ns host ip link del fw0
	echo_stop
	flood_stop
}

under_traffic "fast path"
ok "no steering" in_ns host "$xsk" detach eth1
ok "the function again" function_add host fw0 eth1 test
in_ns host ip link set fw0 up
under_traffic "slow path"

ok "and again" function_add host fw0 eth1 test
in_ns host ip link set fw0 up
ok "steering" in_ns host "$xsk" steer eth1 fw0 "$(mac_of fw0)"
flood_start
echo_start host fw0 zerocopy
sleep 0.3
ok "rmmod under traffic, with a socket" rmmod uvf
echo_stop
not_ok "the function is gone" in_ns host ip link show fw0
flood_stop

ok "insmod" insmod "$(module_path)"
ok "a function" function_add host fw0 eth1 test
in_ns host ip link set fw0 up
flood_start
echo_start host fw0 zerocopy
sleep 0.3
ok "the uplink is deleted under traffic, with a socket" in_ns host ip link del eth1
echo_stop
flood_stop
not_ok "the function is gone with it" in_ns host ip link show fw0

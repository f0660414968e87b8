#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Programs of others on functions, without uvf's help: DPDK's testpmd, xdpdump and xdp-bench open
# fw0 as they open any interface, and uvfd steers to it.
#
#	gen 10.0.3.1 eth0 ══ eth1 (fw0)  host  (fw1) eth2 ══ eth0 10.0.3.2 sink
#
# The ends have the addresses of the far function, so that testpmd, which changes no frame, joins
# gen and sink: what one sends to the other is for fw0 or fw1.
set -u
. "$(dirname "$0")/../lib/topology.sh"
PATH=$top/build/bench:$PATH

need ip nsenter ethtool jq ping tcpdump stdbuf generate

topology_make gen host sink
topology_wire gen eth0 10.0.3.1/24 host eth1 192.0.2.2/24
topology_wire host eth2 198.51.100.2/24 sink eth0 10.0.3.2/24
# NAPI on the generator's end: without, it would not take frames from XDP on the other.
in_ns gen ethtool -K eth0 gro on
bpffs_ready
for function in fw0 fw1; do
	ok "uvf add $function" in_ns host uvf add $function --backend veth \
		--link "eth$((1 + ${function#fw}))"
	ok "$function is up" in_ns host ip link set $function up
done
uvfd_start host

mac_of() { in_ns "$1" ip -j link show "$2" | jq -r '.[0].address'; }
fw0_mac=$(mac_of host fw0)
in_ns sink ip link set eth0 address "$fw0_mac"
in_ns gen ip link set eth0 address "$(mac_of host fw1)"
steered() { in_ns host uvf stats --json fw0 | jq .steering.rx_frames; }
at_gen() { in_ns gen ip -s -j link show eth0 | jq '.[0].stats64.rx.packets'; }

# A veth queue holds 256 frames: what is sent at once is less, and nothing is lost on the way.
generate_1000() {
	local i
	for i in 1 2 3 4 5; do
		in_ns gen generate eth0 --to "$fw0_mac" --size 64 --count 200 >/dev/null || return
		sleep 0.05
	done
}

# spawn_and_wait WORD COMMAND…: until it has said so; what it says is in $tmp/said
spawn_and_wait() {
	local word=$1
	shift
	ns_spawn host "$@" >"$tmp/said" 2>&1
	other=$spawned
	wait_for 20 grep -q -- "$word" "$tmp/said"
}

other_ends() { # SIGNAL
	kill "-$1" "$other" 2>/dev/null
	wait "$other" 2>/dev/null
}

not_leased() {
	expect_fail "another program has an AF_XDP socket on fw0|XDP program of somebody else" \
		in_ns host uvf run --on fw0 -- "$top/build/bench/burst" drop fw0 --seconds 1
}

# --- DPDK -----------------------------------------------------------------------------------------

testpmd_start() { # MODE FUNCTION…
	local mode=$1 function n=0 vdevs=()
	shift
	for function; do
		vdevs+=(--vdev "net_af_xdp$n,iface=$function,busy_budget=0")
		n=$((n + 1))
	done
	: >"$tmp/said"
	# Not by ns_spawn: it is told what to do on its standard input.
	nsenter --net="/run/netns/uvf-$$-host" stdbuf -oL dpdk-testpmd -l 0,1 --main-lcore 0 \
		--no-huge -m 128 --no-pci --no-shconf --no-telemetry --iova-mode=va "${vdevs[@]}" \
		-- -i --forward-mode="$mode" --nb-cores=1 --burst=16 --total-num-mbufs=8192 \
		<&9 >"$tmp/said" 2>&1 &
	other=$!
	at_exit end_child "$other"
	wait_for 20 grep -q 'Checking link statuses' "$tmp/said"
}

testpmd_do() { echo "$1" >&9; }

testpmd_count() { # rx|tx, of port 0
	local word=${1^^}
	: >"$tmp/said"
	testpmd_do "show port stats 0"
	wait_for 5 grep -q 'Tx-pps' "$tmp/said"
	sed -n "s/.*$word-packets: *\([0-9]*\).*/\1/p" "$tmp/said"
}

testpmd_stop() {
	testpmd_do quit
	ok "testpmd ends well" wait "$other"
}

dpdk() {
	local before
	if ! type -P dpdk-testpmd >/dev/null; then
		skip "testpmd" "the program 'dpdk-testpmd' is not installed"
		return
	fi
	mkfifo "$tmp/in"
	exec 9<>"$tmp/in"
	before=$(steered)
	ok "testpmd receives on fw0" testpmd_start rxonly fw0
	testpmd_do start
	wait_for 5 grep -q 'rxonly packet forwarding' "$tmp/said"
	generate_1000
	sleep 0.2
	is "uvfd steered 1000 frames to it" $(($(steered) - before)) 1000
	is "testpmd counts as many" "$(testpmd_count rx)" 1000
	not_leased
	testpmd_do stop
	sleep 0.3
	before=$(at_gen)
	testpmd_do "start tx_first 10"
	sleep 0.5
	is "testpmd sends 10 bursts of 16 frames" "$(testpmd_count tx)" 160
	is "and each has left by fw0's uplink" $(($(at_gen) - before)) 160
	testpmd_stop

	ok "testpmd joins fw0 and fw1" testpmd_start io fw0 fw1
	testpmd_do start
	wait_for 5 grep -q 'io packet forwarding' "$tmp/said"
	in_ns gen ping -q -c 500 -i 0.004 -w 30 10.0.3.2 >"$tmp/ping"
	like "500 echoes, there and back, none twice" "$(grep transmitted "$tmp/ping")" \
		'^500 packets transmitted, 500 received, 0% packet loss'
	testpmd_stop
	exec 9>&-
}

# --- xdp-tools ------------------------------------------------------------------------------------

dumps() {
	if ! type -P xdpdump >/dev/null; then
		skip "xdpdump" "the program 'xdpdump' is not installed"
		return
	fi
	ok "xdpdump listens on fw0" spawn_and_wait 'listening on fw0' xdpdump -i fw0 -w "$tmp/pcap"
	# It says so before it does, and takes what it has captured in blocks.
	sleep 1
	generate_1000
	sleep 2
	other_ends INT
	is "it took 1000 frames, all to fw0" \
		"$(tcpdump -Z root -nr "$tmp/pcap" ether dst "$fw0_mac" 2>/dev/null | wc -l)" 1000
	diag "$(grep packets "$tmp/said" | paste -sd ' ')"
}

# The program of Debian 12 asks for a tracepoint that Linux no longer has, and libbpf for BTF.
bench_works() {
	in_ns sink ip link add bench0 type veth peer name bench1 || return
	in_ns sink timeout -s INT 2 xdp-bench drop bench0 >"$tmp/said" 2>&1
	in_ns sink ip link del bench0
	! grep -qi "failed" "$tmp/said"
}

dropped() { in_ns host ethtool -S fw0 | sed -n 's/.*rx_queue_0_xdp_drops: //p'; }

benches() {
	local before counted
	if ! type -P xdp-bench >/dev/null; then
		skip "xdp-bench" "the program 'xdp-bench' is not installed"
		return
	elif ! bench_works; then
		skip "xdp-bench" "it can't run on this kernel: $(tail -n 1 "$tmp/said")"
		return
	fi
	ok "xdp-bench drops on fw0" spawn_and_wait 'Summary' xdp-bench drop -i 1 fw0
	not_leased
	before=$(dropped)
	generate_1000
	sleep 1.5
	is "it took 1000 frames" $(($(dropped) - before)) 1000
	other_ends INT
	# What it prints is a sum of rates, which it measured.
	counted=$(sed -n 's/.*Packets received *: *\([0-9]*\).*/\1/p' "$tmp/said")
	ok "and counts about as many: $counted" between "${counted:-0}" 800 1200
}

dpdk
dumps
benches

# --- nothing is left ------------------------------------------------------------------------------

is "no XDP program is left on fw0" "$(in_ns host ip -d link show fw0 | grep prog/xdp)" ""
ns_spawn host uvf run --on fw0 -- "$top/build/bench/burst" drop fw0 >"$tmp/burst" 2>"$tmp/said"
ok "fw0 can be leased again" wait_for 10 grep -q ready "$tmp/said"
generate_1000
sleep 0.2
kill "$spawned"
wait "$spawned"
is "and receives 1000 frames" "$(jq '.functions[0].rx_frames' "$tmp/burst")" 1000
uvfd_stop
is "uvfd ended well" "$uvfd_status" 0

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Bad input to uvf, uvfd and libuvf: one clear sentence, a status, and nothing changed.
#
#	host: eth1 (10.0.1.9) ══ eth0 :client      fw0 and ids0 on eth1, veth-backed
#
set -u
. "$(dirname "$0")/../lib/topology.sh"

need ip nsenter ethtool jq setpriv
fw=$bin/firewall

topology_make client host
topology_wire client eth0 10.0.1.2/24 host eth1 10.0.1.9/24
state() { in_ns host ip -o link show | sort; }

# --- the command line ---------------------------------------------------------------------------

expect_fail "'lend' is not a command" uvf lend
expect_fail "'fwx' can't be|no function fwx" in_ns host uvf show fwx
expect_fail "lo is not a function" in_ns host uvf show lo
expect_fail "which function" in_ns host uvf stats
expect_fail "list takes no names" in_ns host uvf list fw0

before=$(state)
expect_fail "give a name and an uplink" in_ns host uvf add
expect_fail "no uplink eth7" in_ns host uvf add fw0 --link eth7 --backend veth
expect_fail "lo is the loopback device" in_ns host uvf add fw0 --link lo --backend veth
expect_fail "can't name a function" in_ns host uvf add a-name-that-is-too-long --link eth1
expect_fail "can't name an appliance" \
	in_ns host uvf add fw0 --link eth1 --backend veth --appliance 'fire wall'
expect_fail "can't name an appliance" \
	in_ns host uvf add fw0 --link eth1 --backend veth --appliance ../etc
expect_fail "can't name an appliance" in_ns host uvf add fw0 --link eth1 --backend veth \
	--appliance abcdefghijklmnopqrstuvwxyz012345
expect_fail "'4095' is not a VLAN id" in_ns host uvf add fw0 --link eth1 --vlan 4095
expect_fail "'5x' is not a VLAN id" in_ns host uvf add fw0 --link eth1 --vlan 5x
expect_fail "'bridged' is not a mode" in_ns host uvf add fw0 --link eth1 --mode bridged
expect_fail "'17' is not a number of queues" in_ns host uvf add fw0 --link eth1 --queues 17
expect_fail "the mode bridge takes uvf.ko" \
	in_ns host uvf add fw0 --link eth1 --backend veth --mode bridge
expect_fail "4 queues take uvf.ko" in_ns host uvf add fw0 --link eth1 --backend veth --queues 4
expect_fail "'dpdk' is not a backend" in_ns host uvf add fw0 --link eth1 --backend dpdk
expect_fail "File exists" in_ns host uvf add eth1 --link eth1 --backend veth
in_ns host ip link set eth1 down
expect_fail "eth1 is down: .ip link set eth1 up. first" \
	in_ns host uvf add fw0 --link eth1 --backend veth
in_ns host ip link set eth1 up
wait_for 5 test "$(state)" == "$before"
if [[ ! -d /sys/module/uvf ]]; then
	expect_fail "load uvf.ko" in_ns host uvf add fw0 --link eth1 --backend uvf
fi
is "nothing has changed" "$(state | sed 's/state [A-Z]*//')" "$(sed 's/state [A-Z]*//' <<<"$before")"

ok "a function for the firewall" \
	in_ns host uvf add fw0 --link eth1 --backend veth --appliance firewall
ok "a function for an IDS" in_ns host uvf add ids0 --link eth1 --backend veth --appliance ids
expect_fail "fw0 is itself a function" in_ns host uvf add fw9 --link fw0 --backend veth
expect_fail "itself a function" in_ns host uvf add fw9 --link uvfport0 --backend veth
expect_fail "not a function" in_ns host uvf del eth1

# --- uvfd ----------------------------------------------------------------------------------------

expect_fail "uvfd is not running" in_ns host uvf run --on fw0 -- "$fw" "$tmp/rules.conf"
expect_fail "needs root" setpriv --reuid=65534 --clear-groups uvfd
mount -t tmpfs none /sys/fs/bpf 2>/dev/null &&
	expect_fail "bpffs is not mounted" in_ns host uvfd
umount /sys/fs/bpf 2>/dev/null
bpffs_ready
expect_fail "longer than" uvfd --socket "/$(printf 'x%.0s' {1..120})"
expect_fail "can't listen" uvfd --socket /proc/nowhere/uvfd.sock
# 44 is AF_XDP.
expect_fail "this kernel has no AF_XDP" in_ns host "$top/build/tests/without" 44 uvfd
uvfd_start host
expect_fail "uvfd is running already" in_ns host uvfd
ok "which leaves the first one alone" in_ns host uvf show --json fw0

# --- leases --------------------------------------------------------------------------------------

printf 'port fw0 10.0.1.1/24\npass all\n' >"$tmp/rules.conf"
printf 'port ids0 10.0.1.1/24\npass all\n' >"$tmp/other.conf"
printf 'port fw0 10.0.1.1/24\n\npass tcp prot 80\n' >"$tmp/bad.conf"
run() { in_ns host uvf run "$@"; }
expect_fail "no COMMAND" run --on fw0
expect_fail "no function to run on" run -- "$fw" "$tmp/rules.conf"
expect_fail "no function fw7" run --on fw7 -- "$fw" "$tmp/rules.conf"
expect_fail "no user nosuchuser" run --user nosuchuser --on fw0 -- "$fw" "$tmp/rules.conf"
said=$(run --appliance firewall --on fw0 -- /nosuchprogram 2>&1)
is "a program that is not there: 127, as shells say" $? 127
like "and a sentence" "$said" "can't execute /nosuchprogram: No such file"
expect_fail "can't name an appliance" run --appliance 'a b' --on fw0 -- "$fw" "$tmp/rules.conf"
expect_fail "ids0 belongs to the appliance ids, not to firewall" \
	run --on ids0 -- "$fw" "$tmp/other.conf"
expect_fail "was started without ids0|belongs to the appliance ids" \
	run --on fw0 -- "$fw" "$tmp/other.conf"
expect_fail "fw0 is down: .ip link set fw0 up. first" run --on fw0 -- "$fw" "$tmp/rules.conf"
in_ns host ip link set fw0 up
expect_fail "bad.conf:3: .*tcp prot 80" run --on fw0 -- "$fw" "$tmp/bad.conf"
expect_fail "not a connection to uvfd" \
	setpriv --reuid=65534 --clear-groups env UVF_FD=0 "$fw" "$tmp/rules.conf"
expect_fail "only root may reach uvfd" \
	setpriv --reuid=65534 --clear-groups env UVF_SOCKET="$UVF_SOCKET" "$fw" "$tmp/rules.conf"
is "nothing is held" "$(in_ns host uvf show --json fw0 | jq .lease)" null

appliance_start host fw0 "$fw" "$tmp/rules.conf"
expect_fail "fw0 is leased already, by firewall \(pid $appliance\)" \
	run --on fw0 -- "$fw" "$tmp/rules.conf"
ok "and the holder works on" in_ns client ping -q -c 2 -i 0.2 -w 5 10.0.1.1
appliance_stop
is "its end gives the function back" "$(in_ns host uvf show --json fw0 | jq .lease)" null

in_ns host ip link set fw0 xdp obj "$top/build/bpf/steer.bpf.o" sec xdp 2>/dev/null &&
	expect_fail "XDP program of somebody else" run --on fw0 -- "$fw" "$tmp/rules.conf"
in_ns host ip link set fw0 xdp off
appliance_start host fw0 "$fw" "$tmp/rules.conf"
appliance_stop
uvfd_stop
is "uvfd ended well" "$uvfd_status" 0

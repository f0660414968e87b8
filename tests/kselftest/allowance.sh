#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What uvf.conf allows an appliance: so much memory and no more; and how long what it had waits for
# a successor, whatever the appliance itself asks for.
#
#	host: eth1 ══ eth0
#	       └ fw0
set -u
. "$(dirname "$0")/../lib/topology.sh"
export BACKEND=veth UVF_CONFIG=$tmp/uvf.conf
need ip nsenter ethtool jq

topology_make host
ip link add eth1 netns "uvf-$$-host" type veth peer name eth0 netns "uvf-$$-host"
in_ns host ip link set eth1 up
in_ns host ip link set eth0 up
bpffs_ready
ok "a function" function_add host fw0 eth1 firewall
in_ns host ip link set fw0 up
printf 'port fw0 10.0.1.1/24\npass all\n' >"$tmp/rules.conf"
said() { echo "appliance firewall { $* }" >"$UVF_CONFIG"; }
start() { appliance_start host fw0 "$bin/firewall" "$tmp/rules.conf"; }
lease() { in_ns host uvf show --json fw0 | jq -r ".lease.$1"; }
is_parked() { [[ $(lease parked) != null && $(lease parked) -gt 0 ]]; }
is_free() { [[ $(in_ns host uvf show --json fw0 | jq -c .lease) == null ]]; }
# Dead all at once, with no time to give back what it has.
die() {
	kill -KILL "$appliance"
	wait "$appliance" 2>/dev/null
}

uvfd_start host
start
memory=$(stat -L -c %s "/proc/$appliance"/fd/* 2>/dev/null | sort -n | tail -n 1)
diag "the firewall's memory: $memory bytes"
appliance_stop >/dev/null

said 'memory = 1M'
expect_fail "the appliance firewall may have a UMEM of 1048576 bytes, and asks for [0-9]*: .memory. in" \
	in_ns host timeout 20 uvf run --on fw0 -- "$bin/firewall" "$tmp/rules.conf"
is "and has got nothing" "$(in_ns host uvf show --json fw0 | jq -c .lease.appliance)" null
said 'memory = 1g'
start
appliance_stop >/dev/null
echo 'appliance ids { memory = 1M }' >"$UVF_CONFIG"
start
is "another appliance's memory is another's" "$(lease appliance)" firewall
appliance_stop >/dev/null

if [[ $(printf '%s\n' 6.4 "$(uname -r)" | sort -V | head -n 1) != 6.4 ]]; then
	skip "linger" "rings can be taken over from Linux 6.4 on"
	uvfd_stop >/dev/null
	exit 0
fi
said 'linger = 600'
start
die
ok "what it had waits" wait_for 5 is_parked
ok "as long as is said" between "$(lease parked)" 500 600
start
appliance_stop >/dev/null
said 'linger = 0'
start
die
ok "or not at all" wait_for 5 is_free
is "nor is there anything to take over" "$(grep -c 'is dead: what it had waits' "$tmp/uvfd.log")" 1
uvfd_stop >/dev/null
is "uvfd ended well" "$uvfd_status" 0

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# An appliance that means harm, beside one that works: what it says to uvfd and what it writes into
# its rings is felt by nobody else, and when it ends nothing of it is left.
#
#	client 10.0.1.2 ══ eth1 10.0.1.9     host
#	                    ├ fw0 10.0.1.1   the firewall, which is pinged all the time
#	                    └ evil0          hostile_client
#
# All attacks run twice. After the second time uvfd holds what it held after the first.
set -u
. "$(dirname "$0")/../lib/topology.sh"
export BACKEND=veth

need ip nsenter ethtool ping jq busybox prlimit
fw=$bin/firewall
evil=$top/build/tests/hostile_client

topology_make client host
topology_wire client eth0 10.0.1.2/24 host eth1 10.0.1.9/24
bpffs_ready
printf 'port fw0 10.0.1.1/24\npass all\n' >"$tmp/rules.conf"
ok "fw0" function_add host fw0 eth1 firewall
ok "evil0" function_add host evil0 eth1 hostile
in_ns host ip link set fw0 up
in_ns host ip link set evil0 up
uvfd_start host
appliance_start host fw0 "$fw" "$tmp/rules.conf"
ok "the firewall answers" in_ns client ping -q -c 2 -i 0.2 -w 8 10.0.1.1
ns_spawn client ping -i 0.1 10.0.1.1 >"$tmp/ping.fw0" 2>&1
fw_ping=$spawned
ns_spawn client ping -i 0.1 10.0.1.9 >"$tmp/ping.eth1" 2>&1
uplink_ping=$spawned
# Broadcasts reach each function: evil0 receives as well.
ns_spawn client ping -b -q -i 0.02 10.0.1.255 >/dev/null 2>&1

run_evil() { in_ns host uvf run --appliance hostile --on evil0 -- "$evil" "$@"; }
lease() { in_ns host uvf show --json "$1" | jq -c .lease; }
# Rings of a bound socket can be mapped once more since Linux 6.4.
inherits() { [[ $(printf '%s\n' 6.4 "$(uname -r)" | sort -V | head -n 1) == 6.4 ]]; }
# Requests lie in front of frames since Linux 6.8.
asks() { [[ $(printf '%s\n' 6.8 "$(uname -r)" | sort -V | head -n 1) == 6.8 ]]; }
free() { [[ $(lease evil0) == null ]]; }
descriptors() { find "/proc/$uvfd/fd" -mindepth 1 | wc -l; }
memory() { awk '/^(VmSize|RssAnon):/ { print $2 }' "/proc/$uvfd/status" | paste -sd ' '; }
ticks() { awk '{ print $14 + $15 }' "/proc/$uvfd/stat"; }
at_rest() { free && [[ $(descriptors) -eq $fds ]]; }
idle() { # less than a tenth of two seconds, in hundredths
	local before
	before=$(ticks)
	sleep 2
	[[ $(($(ticks) - before)) -lt 20 ]]
}

# attack DESC COMMAND…: what it says must be right, and nothing of it may be left
attack() {
	local desc=$1
	shift
	ok "$desc" "$@"
	grep -ah '^#' "$tap_out"
	ok "  and nothing is left of it" wait_for 5 at_rest
	[[ $(descriptors) -eq $fds ]] || diag "$(descriptors) descriptors, not $fds"
}

# What stays until it is killed; it says "ready" first.
evil_stays() { # DESC COMMAND…
	local desc=$1
	shift
	ns_spawn host "$@" >"$tmp/stays.out" 2>&1
	stays=$spawned
	ok "$desc" wait_for 10 grep -q ready "$tmp/stays.out"
	grep '^#' "$tmp/stays.out"
}

evil_ends() {
	kill -KILL "$stays" 2>/dev/null
	wait "$stays" 2>/dev/null
	ok "  and nothing is left of it" wait_for 5 at_rest
}

killed_in_the_midst() {
	ns_spawn host uvf run --appliance hostile --on evil0 -- "$evil" rings evil0 1000 \
		>"$tmp/stays.out" 2>&1
	stays=$spawned
	ok "one that is killed in the midst of it" wait_for 10 grep -q SEED "$tmp/stays.out"
	sleep 0.5
	evil_ends
}

# Of six, each kills itself with what the one before it left.
heirs() {
	local i
	for i in 1 2 3 4 5 6; do run_evil heir evil0 >"$tmp/heir$i" 2>&1; done
	if inherits; then
		is "heirs of heirs" "$(cat "$tmp"/heir? | grep -c '^# inherited$')" 5
	fi
	is "nothing was wrong" "$(grep -ah WRONG "$tmp"/heir?)" ""
	ok "  and nothing is left of it" wait_for 5 at_rest
}

# The kernel has no way to take a socket back: the function waits for its end, and says so.
keeps_the_socket() {
	evil_stays "gives back, and keeps the socket" \
		uvf run --appliance hostile --on evil0 -- "$evil" keep evil0
	is "uvfd holds nothing for it" "$(lease evil0)" null
	expect_fail "can't bind|another program has an AF_XDP socket on evil0" \
		in_ns host timeout 20 uvf run --on evil0 --appliance hostile -- "$fw" "$tmp/evil.conf"
	evil_ends
	ok "after its end evil0 can be leased" run_evil rings evil0 1
}

# A holder does not hear of it, and must be able to end its lease: its frames are in there.
gives_back_a_renamed_function() {
	evil_stays "a lease" uvf run --appliance hostile --on evil0 -- "$evil" renamed evil0
	in_ns host ip link set evil0 down
	in_ns host ip link set evil0 name evil1
	is "renamed under it" "$(in_ns host uvf show --json evil1 | jq -r .lease.appliance)" hostile
	kill -USR1 "$stays"
	ok "it is given back by the old name" wait_for 5 grep -q done "$tmp/stays.out"
	is "and uvfd has it" "$(lease evil1)" null
	in_ns host ip link set evil1 name evil0
	in_ns host ip link set evil0 up
	evil_ends
}

crowds() {
	local hard
	evil_stays "5000 connections that say nothing" "$evil" crowd 5000
	ok "uvfd sleeps" idle
	evil_ends
	is "and answers" "$(lease evil0)" null
	# No descriptor left for those who knock: they must not keep uvfd awake.
	hard=$(awk '/^Max open files/ { print $5 }' "/proc/$uvfd/limits")
	prlimit --pid "$uvfd" --nofile=$((fds + 20)):"$hard"
	evil_stays "a crowd when descriptors are few" "$evil" crowd 100
	ok "uvfd sleeps" idle
	evil_ends
	prlimit --pid "$uvfd" --nofile="$hard:$hard"
	is "and answers" "$(lease evil0)" null
}

all_attacks() {
	attack "descriptors that are no memory" run_evil descriptors evil0
	attack "requests out of turn, and for its sibling's function" run_evil order evil0 fw0
	attack "answers that are never read" run_evil unread evil0
	attack "an end in the middle" run_evil middle evil0
	attack "messages of each size" in_ns host "$evil" garbage evil0
	attack "garbage in its rings" run_evil rings evil0 "$1"
	if asks; then attack "garbage in front of what it sends" run_evil requests evil0 "$1"; fi
	attack "a flood" run_evil flood evil0 2
	heirs
	killed_in_the_midst
	keeps_the_socket
	gives_back_a_renamed_function
	crowds
	ok "the firewall works on" in_ns client ping -q -c 2 -i 0.2 -w 8 10.0.1.1
}

printf 'port evil0 10.0.1.66/24\npass all\n' >"$tmp/evil.conf"
fds=$(descriptors)
all_attacks 4
before=$(memory)
all_attacks 2
after=$(memory)

# --- nobody else noticed --------------------------------------------------------------------------

diag "memory after the first and the second time (VmSize RssAnon, kB): $before; $after"
# The address sanitizer keeps what was freed.
if ! grep -q libasan "/proc/$uvfd/maps"; then
	read -r size rss <<<"$before"
	ok "uvfd keeps no memory" between "${after% *}" 0 $((size + 256))
	ok "in use neither" between "${after#* }" 0 $((rss + 256))
fi
ok "uvfd lives" kill -0 "$uvfd"
is "fw0 is leased to whom it was" "$(lease fw0 | jq .pid)" "$appliance"
for who in fw0 eth1; do
	if [[ $who == fw0 ]]; then kill -INT $fw_ping; else kill -INT $uplink_ping; fi
done
wait $fw_ping $uplink_ping
for who in fw0 eth1; do
	summary=$(grep 'packets transmitted' "$tmp/ping.$who")
	like "no ping of $who was lost" "$summary" ', 0% packet loss'
	diag "$summary"
done
is "no XDP program is left on evil0" "$(in_ns host ip -d link show evil0 | grep xdp)" ""
kill "$appliance"
wait "$appliance"
grep -v ': closed$' "$tmp/uvfd.log" >"$tmp/uvfd.short" && mv "$tmp/uvfd.short" "$tmp/uvfd.log"
uvfd_stop
is "uvfd ended well" "$uvfd_status" 0

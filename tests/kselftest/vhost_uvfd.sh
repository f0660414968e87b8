#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# uvfd is killed, and another one comes, while a guest's memory is the UMEM: frames go on meanwhile,
# and afterwards the interface process gets new sockets on the same memory from the new uvfd.
#
#	client eth0 ══ eth1 ─ fw0 ─ interface process ─ guest
set -u
. "$(dirname "$0")/../lib/topology.sh"
. "$top/tests/lib/vhost.sh"
export BACKEND=veth
seq=$top/build/tests/seq
[[ $(printf '%s\n' 6.4 "$(uname -r)" | sort -V | head -n 1) == 6.4 ]] ||
	skip_all "before Linux 6.4 rings can't be passed on"
need ip nsenter ethtool jq

topology_make client host
topology_wire client eth0 10.0.1.2/24 host eth1 10.0.1.9/24
bpffs_ready
ok "fw0" function_add host fw0 eth1 vm
in_ns host ip link set fw0 up
mac=$(in_ns host ip -j link show fw0 | jq -r '.[0].address')
client=$(in_ns client ip -j link show eth0 | jq -r '.[0].address')

uvfd=''
uvfd_run() {
	ns_spawn host uvfd 2>"$tmp/uvfd.log"
	uvfd=$spawned
	wait_for 10 grep -q 'ready on' "$tmp/uvfd.log"
}
at_exit keeper_end host
ok "uvfd" uvfd_run

front_start fw0 --socket "$tmp/sock" --shim require
guest_start g
ok "the guest connects" guest g connect "path=$tmp/sock" wait=5000
ok "and agrees" guest g features mergeable
ok "its rings run" guest g begin
path_is() { [[ $(in_ns host uvf front show --json fw0 | jq -r '.rings[0].path') == "$1" ]]; }
ok "without a copy" wait_for 5 path_is shim

# Both ways at once: what the client sends, and what it gets.
exchange() { # what
	local receiver said
	ns_spawn client "$seq" receive eth0 idle=1500 >"$tmp/received"
	receiver=$spawned
	wait_for 10 grep -q ready "$tmp/received"
	guest_tell g run send=600 expect=600 rate=200 idle=4000 "to=$client" "from=$mac"
	in_ns client "$seq" send eth0 to="$mac" count=600 rate=200 >/dev/null &
	[[ $# -lt 2 ]] || "${@:2}"
	said=$(guest_answer g)
	wait "$receiver"
	ok "$1: the guest has all of 600, once" all_came "$said" 600 || diag "$said"
	is "$1: and the client" "$(grep '^{' "$tmp/received" | jq -c '[.received, .doubled]')" "[600,0]"
}

another_uvfd() {
	sleep 1
	kill -KILL "$uvfd"
	wait "$uvfd" 2>/dev/null
	sleep 0.3
	uvfd_run
}

exchange "one uvfd"
exchange "another one meanwhile" another_uvfd
ok "it has taken the lease over" grep -q 'fw0: taken over' "$tmp/uvfd.log"
ok "the guest boots again" guest g reset
ok "and begins again" guest g again
exchange "new sockets of the new uvfd"
ok "on the guest's memory" path_is shim
is "nothing was copied" "$(in_ns host uvf front show --json fw0 | jq -c '[.rings[].copied]')" "[0,0]"
diag "$(cat "$tmp/fw0.front" "$tmp/uvfd.log")"

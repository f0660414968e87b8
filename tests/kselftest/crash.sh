#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# An appliance, uvfd, or both are killed, again and again, while numbered frames pass through the
# appliance: none is lost as long as its rings can hold what comes meanwhile, none is doubled, and
# afterwards each frame of its memory is where the library believes it to be.
#
#	crash.sh [ROUNDS]	crashes of each kind; 1 by default, a release is tested with 20
#
#	 client                     host                         sink
#	┌──────┐   ┌─────────────────────────────────────┐   ┌─────────┐
#	│ eth0 ╪═══╪ eth1 ─ fw0 ─ crash_forward ─ fw1 ─ eth2 ╪═══╪ eth0   │
#	└──────┘   └─────────────────────────────────────┘   └─────────┘
#
# Loads: none while the crash happens; a steady one, of which the rings hold two seconds; and a
# full receive ring, at rest, which the successor finds.
set -u
. "$(dirname "$0")/../lib/topology.sh"
export BACKEND=veth
rounds=${1:-1}
seq=$top/build/tests/seq
forward=$top/build/tests/crash_forward
[[ $(printf '%s\n' 6.4 "$(uname -r)" | sort -V | head -n 1) == 6.4 ]] ||
	skip_all "before Linux 6.4 rings can't be passed on"

need ip nsenter ethtool jq
topology_make client host sink
topology_wire client eth0 10.0.1.2/24 host eth1 10.0.1.9/24
topology_wire host eth2 10.0.2.9/24 sink eth0 10.0.2.2/24
bpffs_ready
ok "fw0" function_add host fw0 eth1 crash_forward
ok "fw1" function_add host fw1 eth2 crash_forward
in_ns host ip link set fw0 up
in_ns host ip link set fw1 up
mac=$(in_ns host ip -j link show fw0 | jq -r '.[0].address')

# One that is stopped would not hear that it is to end.
appliance='' uvfd=''
wake() { kill -CONT $appliance $uvfd 2>/dev/null; }
at_exit wake

# --- the two that are killed --------------------------------------------------------------------
uvfd_run() {
	ns_spawn host uvfd 2>"$tmp/uvfd.log"
	uvfd=$spawned
	wait_for 10 grep -q 'ready on' "$tmp/uvfd.log"
}
at_exit keeper_end host

appliance_run() {
	ns_spawn host uvf run --on fw0 --on fw1 -- "$forward" fw0 fw1 \
		>"$tmp/forward.out" 2>"$tmp/forward.log"
	appliance=$spawned
	wait_for 10 grep -q '^ready' "$tmp/forward.out"
}

reap() { wait "$1" 2>/dev/null; }

crash() { # victim, signal
	local pid pids=()
	[[ $1 == uvfd ]] || pids+=("$appliance")
	[[ $1 == appliance ]] || pids+=("$uvfd")
	for pid in "${pids[@]}"; do
		kill -"$2" "$pid"
		# A stopped one does not die of SIGSEGV before it goes on.
		[[ $2 == STOP ]] || kill -CONT "$pid" 2>/dev/null
	done
	if [[ $2 == STOP ]]; then
		sleep 1
		kill -KILL "${pids[@]}"
	fi
	for pid in "${pids[@]}"; do reap "$pid"; done
	[[ $1 == appliance ]] || uvfd_run || return
	[[ $1 == uvfd ]] || appliance_run
}

# --- frames ---------------------------------------------------------------------------------------
receive_start() { # count
	ns_spawn sink "$seq" receive eth0 idle=4000 count="$1" >"$tmp/received"
	receiver=$spawned
	wait_for 10 grep -q ready "$tmp/received"
}

send_start() { # count, rate
	ns_spawn client "$seq" send eth0 to="$mac" count="$1" rate="$2" >"$tmp/sent"
	sender=$spawned
}

account() {
	local before
	before=$(grep -c '^{' "$tmp/forward.out")
	kill -USR1 "$appliance"
	wait_for 5 told_more_than "$before" && grep '^{' "$tmp/forward.out" | tail -n 1
}
told_more_than() { [[ $(grep -c '^{' "$tmp/forward.out") -gt $1 ]]; }

# All that was sent, once; and each frame of the UMEM is in one place, with none in anybody's hands.
verify() { # what
	local got sent memory
	reap "$receiver"
	sent=$(jq .sent "$tmp/sent")
	got=$(grep '^{' "$tmp/received")
	is "$1: all of $sent arrive, once" "$(jq -c '[.received, .doubled]' <<<"$got")" "[$sent,0]"
	memory=$(account)
	is "$1: every frame of memory is accounted for" \
		"$(jq -c '[.sum == .frames, .held, .sending]' <<<"$memory")" "[true,0,0]"
	[[ $(jq -c '[.sum == .frames, .held, .sending]' <<<"$memory") == "[true,0,0]" ]] ||
		diag "$memory"
}

rate=800
ring=2048

# Frames pass before and after each crash, none during it.
idle() { # victim, signal
	local i
	receive_start $((rounds * 40))
	send_start $((rounds * 40)) 40
	for ((i = 0; i < rounds; i++)); do crash "$1" "$2" || return; done
	reap "$sender"
}

steady() {
	local i seconds=$((rounds * 2))
	[[ $2 != STOP ]] || seconds=$((rounds * 3))
	receive_start $((rate * seconds))
	send_start $((rate * seconds)) $rate
	for ((i = 0; i < rounds; i++)); do crash "$1" "$2" || return; done
	reap "$sender"
}

arrivals() { in_ns sink ip -j -s link show eth0 | jq '.[0].stats64.rx.packets'; }
arrived() { [[ $(arrivals) -ge $1 ]]; }

# The ring is filled while nobody reads it: as many frames as it holds, and not one more. It is
# empty again before the next crash.
full() {
	local i total=0 before
	before=$(arrivals)
	receive_start $((rounds * ring))
	for ((i = 0; i < rounds; i++)); do
		kill -STOP "$appliance"
		in_ns client "$seq" send eth0 to="$mac" count=$ring first=$total rate=20000 \
			>"$tmp/sent"
		total=$((total + ring))
		crash "$1" "$2" || return
		[[ $1 != uvfd ]] || kill -CONT "$appliance"
		wait_for 20 arrived $((before + total))
	done
	echo "{ \"sent\": $total }" >"$tmp/sent"
}

uvfd_run || bail_out "$(cat "$tmp/uvfd.log")"
appliance_run || bail_out "$(cat "$tmp/forward.log")"
for load in idle steady full; do
	for victim in appliance uvfd both; do
		for signal in KILL SEGV STOP; do
			what="$load, $victim, $signal × $rounds"
			if $load $victim $signal; then
				verify "$what"
			else
				fail "$what: it starts again" "$(cat "$tmp/forward.log" "$tmp/uvfd.log")"
				bail_out "nothing to go on with"
			fi
		done
	done
done
like "the last one goes on where others died" "$(cat "$tmp/forward.out")" 'resumed=1'
kill "$appliance"
reap "$appliance"
uvfd_stop
is "uvfd ends in order" "$uvfd_status" 0
ok "and its keeper with it" wait_for 5 test ! -e "$UVF_SOCKET.keep"

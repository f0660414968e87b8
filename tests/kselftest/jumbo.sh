#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Jumbo frames: they pass an appliance that asks for them, whole, and are dropped by the kernel for
# one that does not. Kernels before 6.6 say that they have none.
#
#	 client                     host                         sink
#	┌──────┐   ┌─────────────────────────────────────┐   ┌─────────┐
#	│ eth0 ╪═══╪ eth1 ─ fw0 ── appliance ── fw1 ─ eth2 ╪═══╪ eth0   │   all of MTU 9000
#	└──────┘   └──────── m0 ─────────────────────────┘   └─────────┘
set -u
. "$(dirname "$0")/../lib/topology.sh"
export BACKEND=${BACKEND:-veth}
seq=$top/build/tests/seq
forward=$top/build/tests/crash_forward

need ip nsenter ethtool jq
topology_jumbo
bpffs_ready
[[ $BACKEND == veth ]] || module_load
ok "fw0" function_add host fw0 eth1 jumbo
ok "fw1" function_add host fw1 eth2 jumbo
ok "m0" function_add host m0 eth1 jumbo
for function in fw0 fw1 m0; do in_ns host ip link set $function up; done
is "a function has its uplink's MTU" "$(in_ns host ip -j link show fw0 | jq '.[0].mtu')" 9000
mac=$(in_ns host ip -j link show fw0 | jq -r '.[0].address')
uvfd_start host
like "XDP steers, frames of several buffers too" "$(cat "$tmp/uvfd.log")" 'eth1: steering with XDP$'

run() { # VARIABLE=VALUE COMMAND…: on both
	in_ns host env "$1" uvf run --appliance jumbo --on fw0 --on fw1 -- "${@:2}"
}
printf 'port fw0 10.0.1.1/24\nport fw1 10.0.2.1/24\npass all\n' >"$tmp/rules.conf"

# --- where there are none -------------------------------------------------------------------------

expect_fail 'UVF_JUMBO=yes: 1 or 0' run UVF_JUMBO=yes "$bin/forward" fw0 fw1
if [[ $(printf '%s\n' 6.6 "$(uname -r)" | sort -V | head -n 1) != 6.6 ]]; then
	expect_fail 'this kernel has no jumbo frames for AF_XDP \(Linux 6\.6' \
		run UVF_JUMBO=1 "$bin/forward" fw0 fw1
	uvfd_stop
	exit 0
fi
expect_fail 'this appliance takes no frames of several buffers' \
	run UVF_JUMBO=1 "$bin/firewall" "$tmp/rules.conf"

# --- numbered frames ------------------------------------------------------------------------------

appliance_run() { # COMMAND…
	ns_spawn host uvf run --appliance jumbo --on fw0 --on fw1 -- "$@" >"$tmp/appliance.out" 2>"$tmp/appliance.log"
	appliance=$spawned
	wait_for 20 grep -q '^ready\|: ready' "$tmp/appliance.out" "$tmp/appliance.log" && return
	cat "$tmp/appliance.log"
	return 1
}
appliance_end() {
	kill "$appliance"
	wait "$appliance" 2>/dev/null
}

receive_start() { # COUNT [IDLE [SIZE]]
	ns_spawn sink "$seq" receive eth0 idle="${2:-3000}" count="$1" size="${3:-0}" >"$tmp/received"
	receiver=$spawned
	wait_for 10 grep -q ready "$tmp/received"
}
send() { in_ns client "$seq" send eth0 to="$mac" "$@" >/dev/null; } # seq's words
received_is() { # DESCRIPTION COUNT
	wait "$receiver" 2>/dev/null
	is "$1" "$(grep '^{' "$tmp/received" | jq -c '[.received, .doubled, .missing]')" "[$2,0,0]"
}
pass_through() { # DESCRIPTION SIZE COUNT
	receive_start "$3" 3000 "$2"
	send size="$2" count="$3" rate=400
	received_is "$1" "$3"
}

unset UVF_JUMBO
ok "forward, without" appliance_run "$bin/forward" fw0 fw1
[[ $tap_failed -eq 0 ]] || bail_out "nothing to go on with"
pass_through "frames of one buffer pass" 1792 50
like "doctor says what longer ones take" "$(in_ns host uvf doctor fw0)" 'UVF_JUMBO=1'
receive_start 20
send size=1793 count=10 rate=400
send size=90 first=10 count=10 rate=400
received_is "longer ones do not, and the next do" 10
appliance_end
like "and are counted" "$(cat "$tmp/appliance.out")" '^fw0: received 60, .*dropped 10$'

export UVF_JUMBO=1
ok "forward, with" appliance_run "$bin/forward" fw0 fw1
is "uvf show tells" "$(in_ns host uvf show --json fw0 | jq .lease.jumbo)" true
for size in 90 1792 1793 3584 3585 9014; do
	pass_through "$size bytes, whole" $size 100
done
is "doctor has nothing to say of it" "$(in_ns host uvf doctor --json fw0 |
	jq -c '[.[] | select(.code == "chunk")]')" "[]"
appliance_end
like "frames are counted, not buffers" "$(cat "$tmp/appliance.out")" '^fw0: received 600, '
like "both ways" "$(cat "$tmp/appliance.out")" '^fw1: .*sent 600, '

export UVF_FRAME_SIZE=4096
ok "forward, with larger buffers" appliance_run "$bin/forward" fw0 fw1
pass_through "9014 bytes, whole" 9014 100
appliance_end
unset UVF_FRAME_SIZE

# --- capture --------------------------------------------------------------------------------------

touch "$tmp/frames.pcap"
chmod 666 "$tmp/frames.pcap"
ok "capture" appliance_run "$bin/capture" fw0 -w "$tmp/frames.pcap" udp
send size=90 count=10 rate=400
send size=1793 count=10 first=10 rate=400
send size=9014 count=10 first=20 rate=400
captured() { [[ $(stat -c %s "$tmp/frames.pcap") -ge 109000 ]]; }
wait_for 10 captured
appliance_end
diag "$(tail -n 1 "$tmp/appliance.log")"
got=$("$seq" read "$tmp/frames.pcap" | jq -c '[.received, .doubled, .missing, .longest]')
is "it writes whole frames" "$got" "[30,0,0,9014]"

# --- copies of them for another function ----------------------------------------------------------

if [[ $BACKEND == veth ]]; then
	ok "forward" appliance_run "$bin/forward" fw0 fw1
	ok "uvf mirror" in_ns host uvf mirror fw0 to m0 rx
	frames() { in_ns host ip -j -s link show "$1" | jq '.[0].stats64.rx.packets'; }
	before=$(frames m0)
	pass_through "they pass while they are mirrored" 9014 50
	is "and copies come, too" $(($(frames m0) - before)) 50
	pass_through "as do those of one buffer" 500 50
	is "with theirs" $(($(frames m0) - before)) 100
	ok "no more copies" in_ns host uvf mirror fw0 off
	appliance_end
fi

# --- deaths ---------------------------------------------------------------------------------------

accounted() {
	kill -USR1 "$appliance"
	wait_for 5 grep -q '^{' "$tmp/appliance.out"
	grep '^{' "$tmp/appliance.out" | tail -n 1 | jq -c '[.sum == .frames, .held, .sending]'
}
die() { # signal
	kill -"$1" "$appliance"
	wait "$appliance" 2>/dev/null
	appliance_run "$forward" fw0 fw1
}
uvfd_again() {
	kill -KILL "$uvfd"
	wait "$uvfd" 2>/dev/null
	ns_spawn host uvfd 2>"$tmp/uvfd.log"
	uvfd=$spawned
	wait_for 10 grep -q 'ready on' "$tmp/uvfd.log"
}

ok "an appliance to be killed" appliance_run "$forward" fw0 fw1
# No more than the ring holds, however slow the machine is: 341 of six buffers, or 292 of seven,
# where the kernel keeps some bytes of each for itself (zero-copy, newer kernels).
receive_start 280 30000 9014
send size=9014 count=280 rate=60 &
sender=$!
for signal in KILL SEGV KILL; do
	sleep 1
	die $signal 2>/dev/null || fail "it starts again" "$(cat "$tmp/appliance.log")"
done
ok "uvfd is killed, too" uvfd_again
die KILL
like "it goes on where another died" "$(cat "$tmp/appliance.out")" 'ready resumed=1'
wait "$sender"
received_is "none lost, none doubled, none in part" 280
is "all memory is accounted for" "$(accounted)" "[true,0,0]"

# They wait in the ring, while nobody reads it.
receive_start 280 30000 9014
kill -STOP "$appliance"
send size=9014 count=280 rate=500
die KILL
received_is "all that waited is there" 280
is "and all memory" "$(accounted)" "[true,0,0]"
appliance_end

# Without them, a successor does not go on with sockets that have them.
ok "one dies" appliance_run "$forward" fw0 fw1
kill -KILL "$appliance"
wait "$appliance" 2>/dev/null
unset UVF_JUMBO
ok "its successor does without" appliance_run "$forward" fw0 fw1
like "and begins anew" "$(cat "$tmp/appliance.out")" 'ready resumed=0'
pass_through "frames pass" 1500 20
appliance_end
uvfd_stop
is "uvfd ends in order" "$uvfd_status" 0

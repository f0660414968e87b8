#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Metadata: what an appliance can know of a frame that it received, and ask for with one that it
# sends. Whether sums are right, tcpdump says behind the wire.
#
#	 client                     host                         sink
#	┌──────┐   ┌─────────────────────────────────────┐   ┌─────────┐
#	│ eth0 ╪═══╪ eth1 ─ fw0 ── appliance ── fw1 ─ eth2 ╪═══╪ eth0   │   all of MTU 9000
#	└──────┘   └─────────────────────────────────────┘   └─────────┘
set -u
. "$(dirname "$0")/../lib/topology.sh"
export BACKEND=${BACKEND:-veth}
seq=$top/build/tests/seq
meta=$top/build/tests/meta

need ip nsenter ethtool jq tcpdump bpftool
topology_jumbo
bpffs_ready
[[ $BACKEND == veth ]] || module_load
ok "fw0" function_add host fw0 eth1 meta
ok "fw1" function_add host fw1 eth2 meta
for function in fw0 fw1; do in_ns host ip link set $function up; done
mac=$(in_ns host ip -j link show fw0 | jq -r '.[0].address')
client=$(in_ns client ip -j link show eth0 | jq -r '.[0].address')
uvfd_start host

since() { [[ $(printf '%s\n' "$1" "$(uname -r)" | sort -V | head -n 1) == "$1" ]]; }
run() { in_ns host env "$1" uvf run --appliance meta --on fw0 --on fw1 -- "${@:2}"; }
start() { # META WORDS…
	ns_spawn host env "META=$1" uvf run --appliance meta --on fw0 --on fw1 -- "$meta" "${@:2}" >"$tmp/out" 2>"$tmp/log"
	appliance=$spawned
	wait_for 20 grep -q ^ready "$tmp/out" && return
	cat "$tmp/log"
	return 1
}
finished() { wait_for 10 gone "$appliance" || kill "$appliance"; wait "$appliance" 2>/dev/null; }
gone() { ! kill -0 "$1" 2>/dev/null; }
finish() {
	kill "$appliance" 2>/dev/null
	wait "$appliance" 2>/dev/null
}
send() { in_ns client "$seq" send eth0 to="$mac" "$@" >/dev/null; } # seq's words
told() { grep '^{' "$tmp/out" | jq -s -c "$1"; }
came() { [[ $(grep -c '^{' "$tmp/out") -ge $1 ]]; }
looks_at_clock() { bpftool prog dump xlated name uvf_socket | grep -q ktime_get_tai; }

# --- who does not ask -----------------------------------------------------------------------------

ok "an appliance that wants none" start none receive fw0 10
not_ok() { ! "$@"; }
ok "its program looks at no clock" not_ok looks_at_clock
is "uvf show tells" "$(in_ns host uvf show --json fw0 | jq -c .lease.metadata)" "[]"
send count=10 rate=400
finished
is "it is told nothing" "$(told 'map(.known) | add, length')" $'0\n10'
like "and can ask for nothing" "$(run META=rx "$meta" refused)" \
	'plain: -95 0 nothing can be asked for .* without UVF_META_TX'

# --- what is known --------------------------------------------------------------------------------

ok "one that wants to know" start rx receive fw0 20
[[ $tap_failed -eq 0 ]] || bail_out "nothing to go on with"
ok "its program looks at one" looks_at_clock
is "uvf show tells of it" "$(in_ns host uvf show --json fw0 | jq -c .lease.metadata)" '["rx"]'
send count=20 rate=200
finished
is "of each, when it came" "$(told 'map(.known % 2) | add')" 20
is "that is a moment ago" "$(told 'map(select(.age_us < 0 or .age_us > 20000000)) | length')" 0
is "one after the other" "$(told 'map(.time) == (map(.time) | sort)')" true
is "within the time of sending" "$(told '(last.time - first.time) / 1e9 | . > 0.05 and . < 20')" true

# What comes as an skb has what the stack knows: the fields that a card fills in elsewhere.
if [[ $BACKEND == veth ]] && since 6.3; then
	ok "one that is told more" start rx receive fw0 8
	in_ns client python3 - 10.0.1.255 4 <<-'PY'
		import socket, sys
		s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
		s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
		s.connect((sys.argv[1], 9)) # then the stack gives it a hash
		for i in range(int(sys.argv[2])):
		    s.send(b"x" * 60)
	PY
	wait_for 5 came 4
	in_ns client "$seq" send eth0 to=ff:ff:ff:ff:ff:ff vlan=5 count=4 rate=400 >/dev/null
	finished
	is "the hash of a flow" "$(told '.[:4] | map([.known, .hash_type, .hash == 0]) | unique')" \
		"[[5,8,false]]"
	is "is one" "$(told '.[:4] | map(.hash) | unique | length')" 1
	since 6.8 && is "a tag that was taken out" \
		"$(told '.[4:] | map([.known >= 8, .vlan_proto, .vlan_tci]) | unique')" "[[true,33024,5]]"
fi

if since 6.6; then
	export UVF_JUMBO=1
	ok "one that takes jumbo frames" start rx receive fw0 5
	send size=4000 count=5 rate=400
	finished
	is "of such, it is known once" "$(told 'map([.known, .buffers, .behind]) | unique')" "[[1,3,0]]"
	unset UVF_JUMBO
fi

# --- deaths ---------------------------------------------------------------------------------------

if since 6.4; then
	ok "one that will die" start rx receive fw0 100
	kill -STOP "$appliance"
	send count=20 rate=400
	sleep 1
	kill -KILL "$appliance"
	wait "$appliance" 2>/dev/null
	kill -KILL "$uvfd"
	wait "$uvfd" 2>/dev/null
	ns_spawn host uvfd 2>"$tmp/uvfd.log"
	uvfd=$spawned
	wait_for 10 grep -q 'ready on' "$tmp/uvfd.log"
	ok "its successor, after uvfd was killed too" start rx receive fw0 30
	like "goes on there" "$(cat "$tmp/out")" 'ready resumed=1'
	wait_for 5 came 20
	send count=10 rate=400
	finished
	is "and knows when they came" "$(told '.[:20] | map([.known, .age_us > 900000]) | unique')" "[[1,true]]"
	is "as of those that come now" "$(told '.[20:] | map([.known, .age_us < 900000]) | unique')" "[[1,true]]"
	ok "one dies" start rx receive fw0 100
	kill -KILL "$appliance"
	wait "$appliance" 2>/dev/null
	ok "its successor wants none" start none receive fw0 10
	like "and begins anew" "$(cat "$tmp/out")" 'ready resumed=0'
	send count=10 rate=400
	finished
	is "and is told nothing" "$(told 'map(.known) | add, length')" $'0\n10'
fi

# --- capture --------------------------------------------------------------------------------------

before=$(date +%s)
ns_spawn host uvf run --appliance meta --on fw0 --on fw1 -- "$bin/capture" fw0 -n 20 udp \
	>"$tmp/frames.pcap" 2>"$tmp/log"
appliance=$spawned
wait_for 20 grep -q ready "$tmp/log"
send count=20 rate=200
finished
is "capture says that it has nanoseconds" "$(od -An -tx4 -N4 "$tmp/frames.pcap" | tr -d ' ')" a1b23c4d
tcpdump -Z root --time-stamp-precision=nano -tt -nr "$tmp/frames.pcap" 2>/dev/null | awk '{ print $1 }' >"$tmp/times"
is "and has them" "$(grep -vc '000$' "$tmp/times" | awk '{ print ($1 > 10) }')" 1
is "times of day" "$(awk -v from="$before" -v to="$(date +%s)" \
	'$1 >= from - 1 && $1 <= to + 1 { n++ } END { print n }' "$tmp/times")" 20

# --- what is asked for ----------------------------------------------------------------------------

watch_start() { # HOST
	ns_spawn "$1" tcpdump -Z root -i eth0 -s 9100 -B 8192 -U -w "$tmp/wire.pcap" --immediate-mode udp 2>"$tmp/wire.log"
	watch=$spawned
	wait_for 10 grep -q listening "$tmp/wire.log"
}
watch_end() { # COUNT: right ones, wrong ones
	wait_for 10 caught "$1"
	kill "$watch"
	wait "$watch" 2>/dev/null
	tcpdump -Z root -nvvr "$tmp/wire.pcap" 2>/dev/null >"$tmp/wire.txt"
	echo "$(grep -c 'udp sum ok' "$tmp/wire.txt") $(grep -c 'bad udp cksum' "$tmp/wire.txt")"
}
caught() { [[ $(tcpdump -Z root -nr "$tmp/wire.pcap" 2>/dev/null | wc -l) -ge $1 ]]; }

if ! since 6.8; then
	expect_fail 'takes no metadata with frames that are sent by AF_XDP \(Linux 6\.8 does\)' \
		run META=tx "$meta" refused
	uvfd_stop
	exit 0
fi
run META=tx "$meta" refused >"$tmp/refused"
like "what is no request" "$(cat "$tmp/refused")" '^unknown: -22 0 0x4 is asked for'
like "nor has room" "$(cat "$tmp/refused")" '^low: -22 0 a frame begins 31 bytes'
like "nor is of the frame" "$(cat "$tmp/refused")" '^behind: -22 0 a checksum at byte 59 of a frame of 60'

# Zero-copy, a function of the module sends from the UMEM, and knows nothing of requests: libuvf makes
# the sums. (With this MTU it is so with jumbo frames alone.)
told_is() { # COUNT
	local asks=3 timed=$1
	! grep 'fw0: leased' "$tmp/uvfd.log" | tail -n 1 | grep -q zero-copy || asks=0 timed=0
	is "times are told, of each, where the kernel does" \
		"$(told '.[0] | [.asks, .told, .timed, .odd]')" "[$asks,$1,$timed,0]"
}
watch_start client
ok "one that asks for sums and times" start tx send fw0 "$client" 30 checksum,time
finished
told_is 30
ok "one that does not" start tx send fw0 "$client" 10 none
finished
is "sums are right where that was asked for" "$(watch_end 40)" "30 10"
if since 6.6; then
	export UVF_JUMBO=1 SIZE=4001
	watch_start client
	ok "one that sends jumbo frames" start both send fw0 "$client" 10 checksum,time
	finished
	unset UVF_JUMBO SIZE
	is "sums are right of all their buffers" "$(watch_end 10)" "10 0"
	told_is 10
fi

# --- forwarding -----------------------------------------------------------------------------------

# seq's frames have no sum; with a request that was not theirs they would have one.
watch_start sink
ok "forward" start both forward fw0 fw1
is "uvf show tells of both" "$(in_ns host uvf show --json fw0 | jq -c .lease.metadata)" '["rx","tx"]'
send count=50 rate=400
ok "all come out" wait_for 5 caught 50
finish
is "without a sum" "$(watch_end 50) $(grep -c 'no cksum' "$tmp/wire.txt")" "0 0 50"
is "who forwards asks for nothing" "$(told '.[0] | [.forwarded >= 50, .asked, .told]')" "[true,0,0]"
export RETIME=1
ok "forward, and ask when they left" start both forward fw0 fw1
send count=50 rate=400
sleep 1
finish
unset RETIME
is "that is told of each" \
	"$(told '.[0] | [.forwarded >= 50, .asked, .forwarded - .told]')" "[true,0,0]"
uvfd_stop
is "uvfd ends in order" "$uvfd_status" 0

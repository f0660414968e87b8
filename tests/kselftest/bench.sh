#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The programs of tests/bench tell the truth: what the generator says it sent, what uvf says it
# steered, what the library says it received and sent, and what came out are the same numbers.
# How fast is not looked at here.
#
#	gen: eth0 ══ eth1 (fw0)  host  (fw1) eth2 ══ eth0 :sink
#
set -u
. "$(dirname "$0")/../lib/topology.sh"
PATH=$top/build/bench:$PATH

need ip nsenter ethtool jq burst generate probe steering

# --- refused -----------------------------------------------------------------------------------

expect_fail "'juggle' is not a job: drop, forward, reflect or transmit" burst juggle fw0
expect_fail "give .drop FUNCTION. or .forward FUNCTION FUNCTION" burst forward fw0
expect_fail "'0' is not a number of seconds" burst drop fw0 --seconds 0
expect_fail "'59' is not a number of bytes: 60 to 1514" burst transmit fw0 --size 59
expect_fail "no device nosuch0" generate nosuch0 --to 02:00:00:00:00:01
expect_fail "'02:00' is not a MAC address" generate lo --to 02:00
expect_fail "frames of 59 bytes: 60 to 1514" generate lo --to 02:00:00:00:00:01 --size 59

expect_fail "give a device and --to MAC" probe lo
expect_fail "more than 10000000 frames" probe lo --to 02:00:00:00:00:01 --rate 10000000 --ms 2000
expect_fail "can't send out of nosuch0" probe nosuch0 --to 02:00:00:00:00:01
expect_fail "'0' is not a number from 1 to 1000" steering --rounds 0

# It ends if a frame goes astray.
steering --rounds 2 --json >"$tmp/steering.json"
is "steering is measured, from 1 to 4096 functions" \
	"$(jq -c '[.[] | select(.min > 0 and .max >= .ns and .rules == 0) | .functions]' "$tmp/steering.json")" \
	"[1,64,1024,4096,1,64,1024,4096]"
is "and with 1 to 10,000 rules" \
	"$(jq -c '[.[] | select(.min > 0 and .max >= .ns and .rules > 0) | .rules]' "$tmp/steering.json")" \
	"[1,100,1000,10000,1,100,1000,10000,1,100,1000,10000]"

# --- counted -----------------------------------------------------------------------------------

topology_make gen host sink
topology_wire gen eth0 192.0.2.1/24 host eth1 192.0.2.2/24
topology_wire host eth2 198.51.100.2/24 sink eth0 198.51.100.1/24
in_ns gen ethtool -K eth0 gro on
bpffs_ready
for function in fw0 fw1; do
	ok "uvf add $function" in_ns host uvf add $function --backend veth \
		--link "eth$((1 + ${function#fw}))"
	ok "$function is up" in_ns host ip link set $function up
done
uvfd_start host
mac=$(in_ns host uvf show --json fw0 | jq -r .mac)

frames=0
bytes=0
# A veth queue holds 256 frames: what is sent at once is less, and nothing is lost on the way.
generate_some() { # SIZE
	local i sent
	for i in 1 2 3 4 5; do
		sent=$(in_ns gen generate eth0 --to "$mac" --size "$1" --count 200)
		frames=$((frames + $(jq .frames <<<"$sent")))
		bytes=$((bytes + $(jq .bytes <<<"$sent")))
		sleep 0.05
	done
}

steered() { in_ns host uvf stats --json fw0 | jq ".steering.$1"; }
sent() { in_ns host uvf stats --json fw1 | jq ".steering.$1"; }
arrived() { in_ns sink ip -s -j link show eth0 | jq '.[0].stats64.rx.packets'; }

# What burst prints in the end: .functions[0] is fw0.
result() { jq "$1" "$tmp/burst.json"; }

measure() { # JOB MODE SIZE
	local functions=(fw0) on=(--on fw0)
	[[ $1 != forward ]] || { functions+=(fw1); on+=(--on fw1); }
	frames=0 bytes=0
	before=$(steered rx_frames) before_bytes=$(steered rx_bytes)
	before_sent=$(sent tx_frames) before_arrived=$(arrived)
	ns_spawn host uvf run "${on[@]}" -- "$top/build/bench/burst" "$1" "${functions[@]}" "--$2" \
		>"$tmp/burst.json" 2>"$tmp/burst.log"
	ok "burst $1 --$2, frames of $3 bytes" wait_for 10 grep -q ready "$tmp/burst.log"
	generate_some "$3"
	sleep 0.3
	kill -TERM "$spawned"
	status=0
	wait "$spawned" || status=$?
	is "it ends well" "$status" 0
	ok "frames were generated" test "$frames" -gt 0
	is "uvf stats: each was steered" $(($(steered rx_frames) - before)) "$frames"
	is "uvf stats: and each byte" $(($(steered rx_bytes) - before_bytes)) "$bytes"
	is "libuvf: each was received" "$(result '.functions[0].rx_frames')" "$frames"
	is "libuvf: and each byte" "$(result '.functions[0].rx_bytes')" "$bytes"
	is "none was dropped" "$(result '.functions[0].rx_dropped')" 0
	ok "the time at work was counted" test "$(result .busy_ns)" -gt 0
}

measure drop spin 64
measure drop sleep 1500
for mode in spin sleep; do
	measure forward $mode 1500
	is "libuvf: each was sent" "$(result '.functions[1].tx_frames')" "$frames"
	is "uvf stats: each left fw1" $(($(sent tx_frames) - before_sent)) "$frames"
	is "and each arrived" $(($(arrived) - before_arrived)) "$frames"
done

# --- back, and out alone ------------------------------------------------------------------------

back() { in_ns gen ip -s -j link show eth0 | jq '.[0].stats64.rx.packets'; }
before_back=$(back)
measure reflect spin 64
is "libuvf: each was sent" "$(result '.functions[0].tx_frames')" "$frames"
is "and each came back" $(($(back) - before_back)) "$frames"

ns_spawn host burst reflect fw0 --sleep >"$tmp/burst.json" 2>"$tmp/burst.log"
wait_for 10 grep -q ready "$tmp/burst.log"
in_ns gen probe eth0 --to "$mac" --rate 500 --ms 400 >"$tmp/probe.json"
is "probe: all that it sent came back" "$(jq -c '[.sent, .received]' "$tmp/probe.json")" "[200,200]"
ok "and took a time: $(jq -c '[.median_ns, .p999_ns]' "$tmp/probe.json") ns" \
	jq -e '.median_ns > 0 and .p999_ns >= .median_ns' "$tmp/probe.json"
kill "$spawned"
wait "$spawned"
in_ns gen probe eth0 --to "$mac" --rate 500 --ms 100 >"$tmp/probe.json"
is "with nobody there none comes back" "$(jq -c '[.sent, .received]' "$tmp/probe.json")" "[50,0]"

before_sent=$(in_ns host uvf stats --json fw0 | jq .steering.tx_frames)
before_back=$(back)
in_ns host burst transmit fw0 --spin --size 1500 --seconds 1 >"$tmp/burst.json" 2>"$tmp/burst.log"
is "burst transmit ends by itself" $? 0
sent=$(result '.functions[0].tx_frames')
ok "it sent frames: $sent" test "$sent" -gt 1000
is "all of 1500 bytes" "$(result '.functions[0].tx_bytes')" $((sent * 1500))
# What the last call left in the ring, of 2048 entries, is not sent.
left=$((sent - $(in_ns host uvf stats --json fw0 | jq .steering.tx_frames) + before_sent))
ok "uvf stats: they left fw0, but the last $left" between "$left" 0 2048

# --- for a time --------------------------------------------------------------------------------

began=$EPOCHREALTIME
in_ns host burst drop fw0 --seconds 1 >"$tmp/burst.json" 2>"$tmp/burst.log"
is "burst --seconds 1 ends by itself" $? 0
ok "not before" awk "BEGIN { exit !($EPOCHREALTIME - $began >= 1) }"
is "with nothing received" "$(result '.functions[0].rx_frames')" 0

ns_spawn host burst drop fw0 >"$tmp/burst.json" 2>"$tmp/burst.log"
wait_for 10 grep -q ready "$tmp/burst.log"
kill -USR1 "$spawned"
ok "SIGUSR1 asks for the counters so far" wait_for 5 jq -e '.functions[0].name == "fw0"' \
	"$tmp/burst.json"
ok "and it goes on" kill -0 "$spawned"
kill "$spawned"
wait "$spawned"
uvfd_stop
is "uvfd ended well" "$uvfd_status" 0

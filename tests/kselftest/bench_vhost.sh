#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The generator keeps to a rate and watches whom it is told to; and tests/bench/guest_vhost.sh runs
# to its end, with figures that agree with each other. How fast is not looked at here.
#
#	gen: eth0 ══ eth1 :host
#
set -u
. "$(dirname "$0")/../lib/topology.sh"
PATH=$top/build/bench:$PATH
bench=$top/tests/bench/guest_vhost.sh
need ip nsenter ethtool jq generate dpdk-testpmd

expect_fail "'0' is not a positive number" generate lo --silent --watch 0
expect_fail "there is no process 4194305" generate lo --silent --watch 4194305
expect_fail "what nosuch0 receives" generate lo --silent --arrivals nosuch0
expect_fail "takes some of receive,transmit, not 'juggle'" "$bench" --jobs juggle
expect_fail "takes some of 64,1500, not '65'" "$bench" --sizes 65
expect_fail "'--jitter' is not an option" "$bench" --jitter

# --- pace ----------------------------------------------------------------------------------------

topology_make gen host
topology_wire gen eth0 192.0.2.1/24 host eth1 192.0.2.2/24
in_ns host ethtool -K eth1 gro on
in_ns gen ethtool -K eth0 gro on
mac=$(in_ns host ip -j link show eth1 | jq -r '.[0].address')
received() { in_ns host ip -s -j link show eth1 | jq '.[0].stats64.rx.packets'; }

paced() { # ARG…
	before=$(received)
	in_ns gen generate eth0 --to "$mac" "$@" >"$tmp/sent" || fail "generate $*"
	sent=$(jq .frames "$tmp/sent")
	came=$(($(received) - before))
}

paced --rate 10000 --burst 10 --ms 500
ok "10000 a second for half of one: $(jq -c '[.frames, .seconds]' "$tmp/sent")" \
	jq -e '.frames / .seconds | . > 500 and . < 10500' "$tmp/sent"
ok "all came" between "$came" "$sent" $((sent + 10))
paced --pause 1000 --burst 20 --ms 100
ok "20 for each millisecond, and no more: $sent" between "$sent" 20 2020
ok "all came" between "$came" "$sent" $((sent + 10))
paced --rate 100000 --count 70 --burst 32
is "70 in bursts of 32" "$sent" 70

sh -c 'while :; do :; done' &
spinner=$!
at_exit end_child $spinner
in_ns gen generate eth0 --silent --ms 200 --watch $spinner >"$tmp/sent"
ok "who spins is seen to, for no longer than it was looked at: $(jq -c . "$tmp/sent")" \
	jq -e '.watched_ns > 0 and .watched_ns < 1.1e9 * .seconds and .frames == 0' "$tmp/sent"
kill $spinner
ns_spawn host sleep 60
in_ns gen generate eth0 --silent --ms 100 --watch "$spawned" >"$tmp/sent"
is "and that who sleeps takes nothing" "$(jq .watched_ns "$tmp/sent")" 0

# --- the whole -----------------------------------------------------------------------------------

"$bench" --json --no-realtime --rounds 1 --ms 150 --sizes 1500 --only shim,testpmd >"$tmp/report" \
	2>"$tmp/bench.log"
is "guest_vhost.sh ends well" $? 0
[[ ! -s $tmp/bench.log ]] || diag "$(cat "$tmp/bench.log")"
report() { jq -c "$1" "$tmp/report"; }
is "each job at each load, by each" \
	"$(report '[.results[] | [.job, .load, .who]] | sort | map(join(" ")) | join(", ")')" \
	"\"receive full shim, receive full testpmd, receive tenth shim, receive tenth testpmd, $(
		)transmit full shim, transmit full testpmd, transmit tenth shim, transmit tenth testpmd\""
# A turn is short: at a tenth of little, on a busy machine, there may be none.
ok "frames by each, either way" jq -e '.results | group_by(.who, .job) |
	map(map(.frames_per_second.max) | add > 0) | all' "$tmp/report"
ok "no more than were generated" \
	jq -e '[.results[].taken_share | values | .max <= 1] | all' "$tmp/report"
ok "and processor time" jq -e '.results | group_by(.who, .job) |
	map(map(.cpu_ns_per_frame.max) | add > 0) | all' "$tmp/report"
is "the shim copies nothing" \
	"$(report '[.results[] | select(.who == "shim").copied_per_frame] | unique')" "[0]"
is "a ratio for each" "$(report '.ratios | length')" 4

"$bench" --json --no-realtime --rounds 1 --ms 150 --sizes 1500 --jobs receive --only copy \
	>"$tmp/report" 2>"$tmp/bench.log"
is "without the shim each byte that the guest received was copied, once" \
	"$(report '[.results[].copied_per_frame] | unique')" "[1500]"

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Frames a second of libuvf beside DPDK's testpmd, on veth-backed functions. Judges nothing.
#
#	 gen                   host                        sink
#	┌──────────┐      ┌────────────────────────┐      ┌──────────┐
#	│ generate │      │  fw0 ─ contestant ─ fw1│      │          │
#	│   eth0 ══╪══════╪══ eth1            eth2 ╪══════╪══ eth0   │
#	└──────────┘      │  fw2 ─ contestant ─ fw3│      └──────────┘
#	                  │   …                    │
#	                  └────────────────────────┘
#
# usage: veth.sh [--json] [--rounds N] [--ms N] [--no-realtime]
#
#   --json          all figures as JSON instead of tables
#   --rounds N      turns of each contestant for each job and size (default: 10)
#   --ms N          length of a turn (default: 300)
#   --no-realtime   ordinary priority: other work on the machine then shows in the figures
#
# Processor 0 generates, and the kernel receives and steers there. Processor 1 is the contestant's.
# In each round every contestant has a turn, with the same frames; odd rounds go through them in
# one order, even rounds in the other, so that drift of the machine hits all alike.
# Documentation/benchmarks.rst tells what differs between the contestants, and what a figure means.
set -u
here=$(cd "$(dirname "$0")" && pwd)
[[ $EUID -eq 0 ]] || { echo "veth.sh: this needs root." >&2; exit 1; }
. "$here/../lib/topology.sh"
. "$here/contestants.sh"
PATH=$top/build/bench:$PATH

# This is no test: topology.sh's verdicts go nowhere, and a failure is a sentence.
exec 3>&1 >/dev/null
bail_out() { echo "veth.sh: $*" >&2; exit 1; }
fail() { bail_out "$*"; }

json=no
rounds=10
ms=300
realtime=auto
while [[ $# -gt 0 ]]; do
	case $1 in
	--json) json=yes ;;
	--no-realtime) realtime=no ;;
	--rounds | --ms)
		[[ ${2:-} =~ ^[1-9][0-9]{0,5}$ ]] || bail_out "$1 takes a positive number, not '${2:-}'."
		declare "${1#--}=$2"
		shift ;;
	*) bail_out "'$1' is not an option: --json, --rounds N, --ms N, --no-realtime." ;;
	esac
	shift
done

[[ $(nproc) -ge 2 ]] || bail_out "this needs two processors: one generates, one consumes."
for program in dpdk-testpmd jq ethtool chrt taskset; do
	type -P "$program" >/dev/null || bail_out "there is no $program: tests/lib/deps.sh run bench"
done
for program in burst generate uvf uvfd; do
	type -P "$program" >/dev/null || bail_out "$program is not built: make bench builds it."
done

# Before 6.5 a real-time program kept ksoftirqd, and with it the network, from running.
if [[ $realtime == auto ]]; then
	realtime=no
	read -r major minor <<<"$(uname -r | sed 's/^\([0-9]*\)\.\([0-9]*\).*/\1 \2/')"
	[[ $((major * 1000 + minor)) -lt 6005 ]] || realtime=yes
fi

host_make() {
	local who function
	topology_make gen host sink
	topology_wire gen eth0 192.0.2.1/24 host eth1 192.0.2.2/24
	topology_wire host eth2 198.51.100.2/24 sink eth0 198.51.100.1/24
	# NAPI on the generator's end: without, it would not take frames from XDP on the other.
	in_ns gen ethtool -K eth0 gro on
	bpffs_ready
	for who in "${contestant_all[@]}"; do
		for function in ${contestant_on[$who]}; do
			in_ns host uvf add "$function" --backend veth \
				--link "eth$((1 + ${function#fw} % 2))" || bail_out "can't make $function"
			in_ns host ip link set "$function" up
		done
	done
	uvfd_start host
}

generate_for() { # WHO SIZE MS
	local mac priority=()
	mac=$(in_ns host ip -j link show "$(contestant_function "$1")" | jq -r '.[0].address')
	[[ $realtime == no ]] || priority=(chrt -f 1)
	in_ns gen "${priority[@]}" taskset -c 0 generate eth0 --to "$mac" --size "$2" --ms "$3"
}

delivered() { in_ns sink ip -s -j link show eth0 | jq '.[0].stats64.rx.packets'; }

# One line of JSON.
turn() { # WHO JOB SIZE ROUND
	local who=$1 sink sent frames busy run wait run_after wait_after
	contestant_continue "$who"
	sink=$(delivered)
	read -r run wait <<<"$(contestant_cpu "$who")"
	sent=$(generate_for "$who" "$3" "$ms") || bail_out "the generator failed."
	read -r run_after wait_after <<<"$(contestant_cpu "$who")"
	read -r frames busy <<<"$(contestant_counts "$who")"
	contestant_pause "$who"
	[[ $2 == drop ]] || frames=$(($(delivered) - sink))
	jq -cn --arg who "$who" --arg job "$2" --argjson size "$3" --argjson round "$4" \
		--argjson sent "$sent" --argjson frames "$frames" --argjson busy "$busy" \
		--argjson run $((run_after - run)) --argjson wait $((wait_after - wait)) \
		'{ $who, $job, $size, $round, $sent, $frames, busy_ns: $busy, run_ns: $run, wait_ns: $wait }'
}

round() { # JOB SIZE ROUND
	local i n=${#contestant_all[@]}
	for ((i = 0; i < n; i++)); do
		turn "${contestant_all[$(($3 % 2 ? i : n - 1 - i))]}" "$1" "$2" "$3" >>"$tmp/turns"
	done
}

# Round 0 warms up.
job() {
	local who i size
	for who in "${contestant_all[@]}"; do
		contestant_start "$who" "$1"
	done
	for size in 64 1500; do
		for ((i = 0; i <= rounds; i++)); do
			[[ ! -t 2 ]] || printf '\r%s, %d bytes: round %d of %d \e[K' \
				"$1" "$size" "$i" "$rounds" >&2
			round "$1" "$size" "$i"
		done
		[[ ! -t 2 ]] || printf '\r\e[K' >&2
	done
	contestants_end
}

machine() {
	jq -n --arg kernel "$(uname -r)" --argjson rounds "$rounds" --argjson ms "$ms" \
		--arg processor "$(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -n 1)" \
		--arg dpdk "$(dpkg-query -W -f '${Version}' dpdk-dev)" \
		--arg realtime "$realtime" \
		'{ kernel: $kernel, processor: $processor, dpdk: $dpdk, rounds: $rounds,
		   turn_ms: $ms, realtime: ($realtime != "no") }'
}

table() {
	local job size who min median max taken busy cpu
	jq -r '.machine | "Linux \(.kernel), \(.processor), DPDK \(.dpdk)",
		"\(.rounds) rounds of \(.turn_ms) ms, \(if .realtime then "real-time" else "ordinary" end) "
		+ "priority; processor 0 generates, processor 1 consumes"' "$1"
	printf '\n%-8s %5s  %-17s %9s %9s %9s  %5s %9s %9s\n' "" "" "" "" "frames/s" "" "taken" \
		"ns/frame" "CPU ns"
	printf '%-8s %5s  %-17s %9s %9s %9s  %5s %9s %9s\n' job bytes program min median max "" \
		"at work" "in all"
	while read -r job size who min median max taken busy cpu; do
		printf '%-8s %5s  %-17s %9.0f %9.0f %9.0f  %4.0f%% %9.1f %9s\n' "$job" "$size" "$who" \
			"$min" "$median" "$max" "$taken" "$busy" "$cpu"
	done < <(jq -r '.results[] | [.job, .size, .who, (.frames_per_second | .min, .median, .max),
		100 * .taken_share.median, .busy_ns_per_frame.median,
		(.cpu_ns_per_frame.median // "spins" | if type == "number" then round else . end)] | @tsv' "$1")
	printf '\n%-8s %5s  %-26s %-22s %s\n' job bytes ratio "frames/s" "ns/frame at work"
	while read -r job size who median min max busy; do
		printf '%-8s %5s  %-26s %.2f (%.2f to %.2f)    %.2f\n' "$job" "$size" "$who" "$median" \
			"$min" "$max" "$busy"
	done < <(jq -r '.ratios[] | [.job, .size, "\(.who)/\(.to)",
		(.frames_per_second | .median, .min, .max), .busy_ns_per_frame.median] | @tsv' "$1")
	jq -r '[.results[].waited_share.median] | max | select(. > 0.02) |
		"\nOther work was running: a program waited up to \(100 * . | round) % of a turn."' "$1"
}

host_make
job drop
job forward
jq -s --argjson machine "$(machine)" -f "$here/report.jq" "$tmp/turns" >"$tmp/report" ||
	bail_out "the figures can't be read."
if [[ $json == yes ]]; then
	cat "$tmp/report" >&3
else
	table "$tmp/report" >&3
fi

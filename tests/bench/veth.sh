#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# libuvf beside DPDK's testpmd, on veth-backed functions: frames a second, processor time a frame, and
# how long a frame is under way. Judges nothing.
#
#	 gen                   host                        sink
#	┌──────────┐      ┌────────────────────────┐      ┌──────────┐
#	│ generate │      │  fw0 ─ contestant ─ fw1│      │          │
#	│   eth0 ══╪══════╪══ eth1            eth2 ╪══════╪══ eth0   │
#	└──────────┘      │  fw2 ─ contestant ─ fw3│      └──────────┘
#	                  │   …                    │
#	                  └────────────────────────┘
#
# usage: veth.sh [--json] [--jobs LIST] [--rounds N] [--ms N] [--no-realtime]
#
#   --json          all figures as JSON instead of tables
#   --jobs LIST     of drop,transmit,reflect,forward,latency (default: all)
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
. "$here/options.sh"
. "$here/rounds.sh"
. "$here/processes.sh"
. "$here/contestants.sh"

bench_options jobs=drop,transmit,reflect,forward,latency -- "$@"
bench_need dpdk-testpmd jq ethtool chrt taskset burst generate probe uvf uvfd

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

# What reached the end of the wire by which a job sends.
delivered() { # JOB
	local end=gen
	[[ $1 != forward ]] || end=sink
	in_ns $end ip -s -j link show eth0 | jq '.[0].stats64.rx.packets'
}

# The traffic of a turn. Prints frames and seconds as JSON; transmit makes its own, for so long.
traffic() { # WHO JOB SIZE
	local began=$EPOCHREALTIME
	if [[ $2 == transmit ]]; then
		sleep "$(awk "BEGIN { print $ms / 1000 }")"
		jq -n "{ frames: 0, seconds: ($EPOCHREALTIME - $began) }"
	else
		in_gen generate eth0 --to "$(contestant_mac "$1")" --size "$3" --ms "$ms"
	fi
}

# For transmit the time is that from one look at the wire's end to the next.
turn() { # WHO ROUND JOB SIZE
	local who=$1 job=$3 size=$4 before sent frames=0 counted busy cpu cpu_after
	contestant_continue "$who"
	cpu=$(process_cpu "$who")
	[[ $job == drop ]] || before=$(delivered "$job")
	sent=$(traffic "$who" "$job" "$size") || bail_out "the generator failed."
	[[ $job != transmit ]] || frames=$(($(delivered "$job") - before))
	cpu_after=$(process_cpu "$who")
	read -r counted busy <<<"$(contestant_counts "$who")"
	contestant_pause "$who"
	[[ $job != drop ]] || frames=$counted
	[[ $job == drop || $job == transmit ]] || frames=$(($(delivered "$job") - before))
	turn_line "{ \"who\": \"$who\", \"round\": $2, \"job\": \"$job\", \"size\": $size, \"sent\": $sent,
		\"frames\": $frames, \"counted\": $counted, \"busy_ns\": $busy }" "$cpu" "$cpu_after"
}

contestants_start() { # JOB SIZE
	local who
	for who in "${contestant_all[@]}"; do
		contestant_start "$who" "$1" "$2"
	done
}

job() {
	local size
	for size in 64 1500; do
		contestants_start "$1" $size
		rounds_of "$1" $size
		processes_end
	done
}

# --- latency --------------------------------------------------------------------------------------

# There and back: the contestant sends out again what it received.
probe_turn() { # WHO ROUND LOAD RATE
	local who=$1 found
	contestant_continue "$who"
	found=$(in_gen probe eth0 --to "$(contestant_mac "$who")" --rate "$4" --ms "$ms") ||
		bail_out "the probe failed."
	contestant_pause "$who"
	jq -cn --arg who "$who" --argjson round "$2" --arg load "$3" --argjson rate "$4" \
		--argjson found "$found" '{ $who, $load, $rate, $round } + $found'
}

# Half of what the slower of the two that are compared takes when there is more: 64 bytes, 200 ms.
half_load() {
	local who sent frames least=0 before
	for who in uvf testpmd; do
		contestant_continue "$who"
		before=$(delivered reflect)
		sent=$(in_gen generate eth0 --to "$(contestant_mac "$who")" --size 64 --ms 200)
		contestant_pause "$who"
		frames=$(jq -n "($(delivered reflect) - $before) / $(jq .seconds <<<"$sent") / 2 | floor")
		[[ $least -ne 0 && $least -lt $frames ]] || least=$frames
	done
	echo "$least"
}

latency() {
	local turns=probe_turn
	contestants_start reflect 64
	half=$(half_load)
	rounds_of low 1000
	rounds_of half "$half"
	processes_end
}

table_rates() {
	local job size who min median max taken busy user cpu
	printf '\n%-8s %5s  %-17s %9s %9s %9s  %5s %8s %8s %8s\n' "" "" "" "" "frames/s" "" "taken" \
		"ns/frame" "in user" "CPU ns"
	printf '%-8s %5s  %-17s %9s %9s %9s  %5s %8s %8s %8s\n' job bytes program min median max "" \
		"at work" "space" "in all"
	while read -r job size who min median max taken busy user cpu; do
		printf '%-8s %5s  %-17s %9.0f %9.0f %9.0f  %5s %8.1f %8.1f %8.1f\n' "$job" "$size" \
			"$who" "$min" "$median" "$max" "$taken" "$busy" "$user" "$cpu"
	done < <(jq -r '.results[] | [.job, .size, .who, (.frames_per_second | .min, .median, .max),
		(.taken_share | if . then "\(100 * .median | round)%" else "-" end),
		.busy_ns_per_frame.median, .user_ns_per_frame,
		.cpu_ns_per_frame.median] | @tsv' "$1")
}

table_ratios() {
	local job size who of median min max busy user
	printf '\n%-8s %5s  %-21s %9s  %-20s %9s %9s\n' "" "" "ratio" "frames/s," "frames/s, rounds" \
		"ns/frame" "in user"
	printf '%-8s %5s  %-21s %9s  %-20s %9s %9s\n' job bytes "" medians "median (spread)" \
		"at work" "space"
	while read -r job size who of median min max busy user; do
		printf '%-8s %5s  %-21s %9.2f  %.2f (%.2f to %.2f)  %9.2f %9.2f\n' "$job" "$size" \
			"$who" "$of" "$median" "$min" "$max" "$busy" "$user"
	done < <(jq -r '.ratios[] | [.job, .size, "\(.who)/\(.to)", .of_medians.frames_per_second,
		(.frames_per_second | .median, .min, .max), .of_medians.busy_ns_per_frame,
		.of_medians.user_ns_per_frame] | @tsv' "$1")
}

table_latency() {
	local load rate who median p999 max lost
	printf '\n%-5s %9s  %-17s %9s %9s %9s %7s\n' "" "" "" "" "99.9 %," "" ""
	printf '%-5s %9s  %-17s %9s %9s %9s %7s\n' load "frames/s" program "median us" "median us" \
		"worst us" lost
	while read -r load rate who median p999 max lost; do
		printf '%-5s %9.0f  %-17s %9.1f %9.1f %9.1f %6.2f%%\n' "$load" "$rate" "$who" "$median" \
			"$p999" "$max" "$lost"
	done < <(jq -r '.latencies[] | [.load, .frames_per_second, .who, .median_us.median,
		(.p999_us | .median, .max), 100 * .lost_share] | @tsv' "$1")
}

table() {
	jq -r '.machine | "Linux \(.kernel), \(.processor), DPDK \(.dpdk)",
		"\(.rounds) rounds of \(.turn_ms) ms, \(if .realtime then "real-time" else "ordinary" end) "
		+ "priority; processor 0 generates, processor 1 consumes"' "$1"
	[[ ! -s $tmp/turns ]] || { table_rates "$1" && table_ratios "$1"; }
	[[ ! -s $tmp/probe_turns ]] || table_latency "$1"
	jq -r '[.results[].waited_share.median] | max // 0 | select(. > 0.02) |
		"\nOther work was running: a program waited up to \(100 * . | round) % of a turn."' "$1"
}

host_make
: >"$tmp/turns"
: >"$tmp/probe_turns"
for name in ${jobs//,/ }; do
	if [[ $name == latency ]]; then latency; else job "$name"; fi
done
jq -n --argjson machine "$(machine)" --slurpfile turns "$tmp/turns" \
	--slurpfile probes "$tmp/probe_turns" -L "$here" -f "$here/veth.jq" >"$tmp/report" ||
	bail_out "the figures can't be read."
bench_print

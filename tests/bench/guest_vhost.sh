#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Interface processes: `uvf front vhost-user`, with the shim and without, beside dpdk-testpmd that
# bridges net_vhost to net_af_xdp, with the same guest. Frames a second, processor time a frame, and
# bytes copied. Judges nothing.
#
#	 gen               host
#	┌────────────┐    ┌──────────────────────────────────────────────────┐
#	│ generate   │    │  fw0 ── interface process ── vhost-user ── guest │
#	│   eth0 ════╪════╪══ eth1                                      │    │
#	│            │    │  fw1 …                                      │    │
#	│   feed0 ═══╪════╪══ in0 ──────────────────────────────────────┘    │
#	└────────────┘    └──────────────────────────────────────────────────┘
#
# usage: guest_vhost.sh [--json] [--jobs LIST] [--sizes LIST] [--only LIST] [--rounds N] [--ms N]
#                       [--no-realtime]
#
#   --json          all figures as JSON instead of tables
#   --jobs LIST     of receive,transmit (default: both), what the guest does
#   --sizes LIST    of 64,1500 (default: both)
#   --only LIST     contestants, of shim,copy,testpmd,testpmd-busypoll (default: all)
#   --rounds N      turns of each contestant for each job, load and size (default: 10)
#   --ms N          length of a turn (default: 300)
#   --no-realtime   ordinary priority: other work on the machine then shows in the figures
#
# Processor 0 generates, and the kernel receives and steers there; processor 1 is the interface
# process's. The guest, which spins, is on processor 0 as well, and has it while the generator pauses;
# or on processor 2, where there is one. Load: full, and a tenth of what the slowest takes then.
# Documentation/benchmarks.rst tells what differs between the contestants, and what a figure means.
set -u
here=$(cd "$(dirname "$0")" && pwd)
[[ $EUID -eq 0 ]] || { echo "guest_vhost.sh: this needs root." >&2; exit 1; }
. "$here/../lib/topology.sh"
. "$here/options.sh"
. "$here/rounds.sh"
. "$here/processes.sh"
. "$here/fronts.sh"

bench_options jobs=receive,transmit sizes=64,1500 \
	only=shim,copy,testpmd,testpmd-busypoll -- "$@"
contestants_choose "$only"
bench_need dpdk-testpmd jq ethtool chrt taskset generate uvf uvfd

# At full load the guest has its processor for the pauses. At a tenth the bursts are a network card's.
full=(--burst 256 --pause 40)
[[ $guest_cpu -eq 0 ]] || full=(--burst 4096 --pause 1)
tenth=(--burst 32 --rate)

host_make() {
	local who function n
	topology_make gen host
	topology_wire gen eth0 192.0.2.1/24 host eth1 192.0.2.2/24
	# NAPI on the generator's end: without, it would not take frames from XDP on the other.
	in_ns gen ethtool -K eth0 gro on
	bpffs_ready
	for who in "${contestant_all[@]}"; do
		function=${contestant_on[$who]} n=${function#fw}
		in_ns host uvf add "$function" --backend veth --link eth1 ||
			bail_out "can't make $function"
		in_ns host ip link set "$function" up
		topology_wire gen "feed$n" "198.51.100.$((2 * n + 1))/31" \
			host "in$n" "198.51.100.$((2 * n))/31"
		in_ns host ethtool -K "in$n" gro on
	done
	uvfd_start host
}

# Prints what the generator says. RATE 0: as fast as it goes.
traffic() { # WHO JOB SIZE RATE
	local to pace=("${tenth[@]}" "$4") watch=(--watch "${process_pid[$1]}" --ms "$ms")
	[[ $4 -ne 0 ]] || pace=("${full[@]}")
	to=$(contestant_mac "$1")
	case $2 in
	receive) in_gen generate eth0 --to "$to" --size "$3" "${pace[@]}" "${watch[@]}" ;;
	transmit) in_gen generate eth0 --silent "${watch[@]}" ;;
	pass)
		in_gen generate "$(contestant_feed "$1")" --to "$to" --size "$3" "${pace[@]}" \
			"${watch[@]}" --arrivals eth0 ;;
	esac
}

# Received is what the guest says; sent, what came to the other end of the wire meanwhile.
turn() { # WHO ROUND JOB LOAD SIZE RATE
	local who=$1 job=$3 sent frames moved cpu cpu_after
	contestant_continue "$who"
	cpu=$(process_cpu "$who")
	sent=$(traffic "$who" "$job" "$5" "$6") || bail_out "the generator failed."
	cpu_after=$(process_cpu "$who")
	frames=$(jq .arrived <<<"$sent")
	[[ $job != receive ]] || frames=$(contestant_received "$who")
	moved=$(contestant_moved "$who")
	contestant_pause "$who"
	[[ $job != pass ]] || job=transmit
	turn_line "{ \"who\": \"$who\", \"round\": $2, \"job\": \"$job\", \"load\": \"$4\", \"size\": $5,
		\"rate\": $6, \"sent\": $sent, \"frames\": $frames, \"itself\": $moved }" \
		"$cpu" "$cpu_after"
}

contestants_start() { # JOB SIZE
	local who
	for who in "${contestant_all[@]}"; do
		contestant_start "$who" "$1" "$2"
	done
}

# A tenth of what the slowest of those that are compared had at full load, in the mean.
tenth_of() { # JOB SIZE
	jq -s --arg job "$1" --argjson size "$2" 'map(select(.job == $job and .size == $size and
			.load == "full" and .round > 0 and .who != "testpmd-busypoll")) |
		group_by(.who) | map((map(.frames) | add) / (map(.sent.seconds) | add)) |
		min / 10 | floor' "$tmp/turns"
}

receive() {
	local size
	contestants_start receive 64
	for size in ${sizes//,/ }; do
		rounds_of receive full $size 0
		rounds_of receive tenth $size "$(tenth_of receive $size)"
	done
	processes_end
}

# What the guest sends at a tenth of the load it has from its feed: testpmd sends at no rate.
transmit() {
	local size
	for size in ${sizes//,/ }; do
		contestants_start transmit $size
		rounds_of transmit full $size 0
		processes_end
	done
	contestants_start pass 64
	for size in ${sizes//,/ }; do
		rounds_of pass tenth $size "$(tenth_of transmit $size)"
	done
	processes_end
}

dash='if . == null then "-" else (10 * . | round) / 10 end'

table_figures() {
	local job load size who rate taken cpu work copied
	printf '\n%-8s %-5s %5s  %-17s %9s %6s %9s %8s %8s\n' "" "" "" "" "frames/s" taken \
		"CPU ns" "ns/frame" "bytes"
	printf '%-8s %-5s %5s  %-17s %9s %6s %9s %8s %8s\n' guest load bytes "interface process" \
		median "" "a frame" "at work" copied
	while read -r job load size who rate taken cpu work copied; do
		printf '%-8s %-5s %5s  %-17s %9.0f %6s %9.1f %8s %8s\n' "$job" "$load" "$size" \
			"$who" "$rate" "$taken" "$cpu" "$work" "$copied"
	done < <(jq -r '.results[] | [.job, .load, .size, .who, .frames_per_second.median,
		(.taken_share | if . then "\(100 * .median | round)%" else "-" end),
		.cpu_ns_per_frame.median, (.busy_ns_per_frame | '"$dash"'),
		(.copied_per_frame | '"$dash"')] | @tsv' "$1")
}

table_ratios() {
	local job load size who of median min max cpu cpu_min cpu_max
	printf '\n%-8s %-5s %5s  %-22s %9s  %-20s %s\n' "" "" "" ratio "frames/s," \
		"frames/s, rounds" "CPU time a frame"
	printf '%-8s %-5s %5s  %-22s %9s  %-20s %s\n' guest load bytes "" medians "median (spread)" \
		"median (spread)"
	while read -r job load size who of median min max cpu cpu_min cpu_max; do
		printf '%-8s %-5s %5s  %-22s %9.2f  %.2f (%.2f to %.2f)  %.2f (%.2f to %.2f)\n' \
			"$job" "$load" "$size" "$who" "$of" "$median" "$min" "$max" "$cpu" \
			"$cpu_min" "$cpu_max"
	done < <(jq -r '.ratios[] | [.job, .load, .size, "\(.who)/\(.to)", .of_medians.frames_per_second,
		(.frames_per_second | .median, .min, .max),
		(.cpu_ns_per_frame | .median, .min, .max)] | map(. // 0) | @tsv' "$1")
}

table() {
	jq -r --arg guest "$guest_cpu" '.machine | "Linux \(.kernel), \(.processor), DPDK \(.dpdk), load \(.load)",
		"\(.rounds) rounds of \(.turn_ms) ms, \(if .realtime then "real-time" else "ordinary" end) "
		+ "priority; processor 0 generates, 1 has the interface process, \($guest) the guest"' "$1"
	table_figures "$1"
	table_ratios "$1"
	jq -r '[.results[].waited_share.median] | max // 0 | select(. > 0.02) |
		"\nOther work was running: an interface process waited up to \(100 * . | round) % of a turn."' \
		"$1"
}

host_make
: >"$tmp/turns"
for name in ${jobs//,/ }; do
	"$name"
done
jq -n --argjson machine "$(machine)" --slurpfile turns "$tmp/turns" -L "$here" \
	-f "$here/guest_vhost.jq" >"$tmp/report" || bail_out "the figures can't be read."
bench_print

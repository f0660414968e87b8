# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Programs that are measured: in the namespace `host`, stopped (SIGSTOP) between their turns. To be
# sourced behind topology.sh.
#
#   process_run NAME COMMAND…     its output is in $tmp/NAME.out and .err; $process_pid[NAME]
#   process_mark NAME             process_said looks at what it prints from now on
#   process_said NAME
#   process_expect NAME REGEX     waits until it has said that
#   process_do NAME LINE          types it
#   process_halt NAME; process_wake NAME [plainly]    in real time, unless plainly
#   process_cpu NAME              "run_ns wait_ns user system" of all its threads so far; the last
#                                 two in ticks of 1/100 s
#   processes_end
#   testpmd_run NAME LCORES ARG… -- ARG…    dpdk-testpmd, at its prompt
#   testpmd_counts NAME rx|tx     "frames busy_ns" since testpmd_clear NAME, and clears them; busy in
#                                 rounds that had frames

declare -A process_pid process_fd process_from

process_said() { tail -c +"$((process_from[$1] + 1))" "$tmp/$1.out"; }
process_has_said() { process_said "$1" | grep -qE "$2"; }
process_mark() { process_from[$1]=$(stat -c %s "$tmp/$1.out"); }
process_do() { echo "$2" >&"${process_fd[$1]}"; }

process_expect() { # NAME REGEX
	local i
	for ((i = 0; i < 1200; i++)); do
		process_has_said "$1" "$2" && return
		sleep 0.025
	done
	bail_out "$1 did not answer; it said: $(tail -n 5 "$tmp/$1.out" "$tmp/$1.err")"
}

process_run() { # NAME COMMAND…
	local name=$1 fd
	shift
	: >"$tmp/$name.out"
	: >"$tmp/$name.err"
	mkfifo "$tmp/$name.in"
	exec {fd}<>"$tmp/$name.in"
	nsenter --net="/run/netns/uvf-$$-host" "$@" <&"$fd" >"$tmp/$name.out" 2>"$tmp/$name.err" &
	process_pid[$name]=$!
	process_fd[$name]=$fd
	process_from[$name]=0
}

process_wake() {
	[[ $realtime == no || ${2:-} == plainly ]] || chrt -a -f -p 1 "${process_pid[$1]}"
	kill -CONT "${process_pid[$1]}"
}

process_halt() {
	kill -STOP "${process_pid[$1]}"
	[[ $realtime == no ]] || chrt -a -o -p 0 "${process_pid[$1]}"
}

process_cpu() {
	local tasks=/proc/${process_pid[$1]}/task
	cat "$tasks"/*/schedstat | awk '{ run += $1; wait += $2 } END { printf "%.0f %.0f ", run, wait }'
	# Behind the name, which may hold blanks: user and system are the 12th and 13th.
	sed 's/.*) //' "$tasks"/*/stat | awk '{ u += $12; s += $13 } END { print u, s }'
}

processes_end() {
	local name fd
	for name in "${!process_pid[@]}"; do
		kill -KILL "${process_pid[$name]}"
		wait "${process_pid[$name]}"
		fd=${process_fd[$name]}
		exec {fd}>&-
		rm -f "$tmp/$name.in"
		unset "process_pid[$name]"
	done 2>/dev/null
}
at_exit processes_end

# --- testpmd --------------------------------------------------------------------------------------

# Memory: 4 KiB pages and 8192 frames, as libuvf has. Bursts: as those of libuvf and the fronts.
# Line by line, to be read while it runs.
testpmd_run() { # NAME LCORES ARG… -- ARG…
	local name=$1 lcores=$2 own=()
	shift 2
	while [[ $1 != -- ]]; do
		own+=("$1")
		shift
	done
	shift
	process_run "$name" stdbuf -oL dpdk-testpmd --lcores "$lcores" --main-lcore 0 --no-huge \
		-m 256 --no-pci --no-shconf --no-telemetry --iova-mode=va "${own[@]}" -- -i \
		--nb-cores=1 --burst=64 --total-num-mbufs=8192 "$@"
	process_expect "$name" 'Done'
	process_do "$name" "set record-core-cycles on"
}

testpmd_go() { # NAME
	process_do "$1" start
	process_expect "$1" 'nb forwarding cores=1'
}

testpmd_clear() {
	process_mark "$1"
	process_do "$1" "clear fwd stats all"
	process_expect "$1" 'clear fwd stats all'
}

testpmd_counts() { # NAME rx|tx
	local frames cycles mhz
	process_mark "$1"
	process_do "$1" "show fwd stats all"
	# What it says last depends on whether there were frames; the next command's echo is behind it.
	process_do "$1" "clear fwd stats all"
	process_expect "$1" 'clear fwd stats all'
	frames=$(process_said "$1" | sed -n "s/.*${2^^}-packets: \([0-9]*\).*/\1/p" | tail -n 1)
	read -r cycles mhz <<<"$(process_said "$1" |
		sed -n 's/.*total cycles=\([0-9]*\).* at \([0-9]*\) MHz.*/\1 \2/p')"
	echo "$frames $((${cycles:-0} * 1000 / ${mhz:-1}))"
}

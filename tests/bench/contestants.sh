# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# The programs that are compared, each with functions of its own on the same two uplinks. To be
# sourced behind topology.sh.
#
#   contestant_start WHO JOB SIZE JOB: drop, transmit, reflect or forward; stopped until its turn
#   contestant_continue WHO       its turn begins: counters are read or cleared
#   contestant_pause WHO          …and ends
#   contestant_counts WHO         "frames busy_ns" of this turn
#   contestant_cpu WHO            "run_ns wait_ns user system" of all its threads so far; the last
#                                 two in ticks of 1/100 s
#   contestants_end
#
# Only one runs at a time, on processor 1. The others are stopped (SIGSTOP): their sockets stay,
# but nothing is sent to their functions.

declare -A contestant_on=([uvf]="fw0 fw1" [uvf-sleep]="fw2 fw3" [testpmd]="fw4 fw5"
	[testpmd-busypoll]="fw6 fw7")
contestant_all=(uvf testpmd testpmd-busypoll uvf-sleep)
declare -A contestant_pid contestant_fd contestant_mark contestant_before

contestant_function() { # WHO
	echo "${contestant_on[$1]%% *}"
}

# What a contestant printed since the mark.
contestant_said() { tail -c +"$((contestant_mark[$1] + 1))" "$tmp/$1.out"; }
contestant_has_said() { contestant_said "$1" | grep -qE "$2"; }
contestant_set_mark() { contestant_mark[$1]=$(stat -c %s "$tmp/$1.out"); }

contestant_expect() { # WHO REGEX
	local i
	for ((i = 0; i < 1200; i++)); do
		contestant_has_said "$1" "$2" && return
		sleep 0.025
	done
	bail_out "$1 did not answer; it said: $(tail -n 5 "$tmp/$1.out" "$tmp/$1.err")"
}

contestant_run() { # WHO COMMAND…
	local who=$1 fd
	shift
	: >"$tmp/$who.out"
	: >"$tmp/$who.err"
	mkfifo "$tmp/$who.in"
	exec {fd}<>"$tmp/$who.in"
	nsenter --net="/run/netns/uvf-$$-host" "$@" <&"$fd" >"$tmp/$who.out" 2>"$tmp/$who.err" &
	contestant_pid[$who]=$!
	contestant_fd[$who]=$fd
	contestant_mark[$who]=0
}

burst_start() { # WHO JOB SIZE OPTION
	local functions
	read -r -a functions <<<"${contestant_on[$1]}"
	[[ $2 == forward ]] || functions=("${functions[0]}")
	contestant_run "$1" taskset -c 1 burst "$2" "${functions[@]}" --size "$3" "$4"
	wait_for 10 grep -q ready "$tmp/$1.err" || bail_out "$1: $(cat "$tmp/$1.err")"
}

# Memory: 4 KiB pages and 8192 frames, as libuvf has. Bursts: as burst.c asks for.
testpmd_start() { # WHO JOB SIZE OPTION
	local who=$1 job=$2 size=$3 option=$4 function n=0 mode=io vdevs=()
	for function in ${contestant_on[$who]}; do
		[[ $job == forward || $n -eq 0 ]] || break
		vdevs+=(--vdev "net_af_xdp$n,iface=$function$option")
		n=$((n + 1))
	done
	[[ $job != drop ]] || mode=rxonly
	[[ $job != transmit ]] || mode=txonly
	# Line by line, to be read while it runs.
	contestant_run "$who" stdbuf -oL dpdk-testpmd -l 0,1 --main-lcore 0 --no-huge -m 256 \
		--no-pci --no-shconf --no-telemetry --iova-mode=va "${vdevs[@]}" -- -i \
		--forward-mode=$mode --nb-cores=1 --burst=64 --total-num-mbufs=8192 \
		--txpkts="$size"
	contestant_expect "$who" 'Checking link statuses'
	testpmd_do "$who" "set record-core-cycles on"
	testpmd_do "$who" "start"
	contestant_expect "$who" 'nb forwarding cores=1'
}

testpmd_do() { echo "$2" >&"${contestant_fd[$1]}"; }

contestant_start() { # WHO JOB SIZE
	contestant_job=$2
	case $1 in
	uvf) burst_start "$1" "$2" "$3" --spin ;;
	uvf-sleep) burst_start "$1" "$2" "$3" --sleep ;;
	testpmd) testpmd_start "$1" "$2" "$3" ,busy_budget=0 ;;
	testpmd-busypoll) testpmd_start "$1" "$2" "$3" "" ;;
	esac
	kill -STOP "${contestant_pid[$1]}"
}

contestants_end() {
	local who fd
	for who in "${!contestant_pid[@]}"; do
		kill -KILL "${contestant_pid[$who]}"
		wait "${contestant_pid[$who]}"
		fd=${contestant_fd[$who]}
		exec {fd}>&-
		rm -f "$tmp/$who.in"
		unset "contestant_pid[$who]"
	done 2>/dev/null
}
at_exit contestants_end

# Frames that were received, or for transmit, sent.
burst_counts() {
	local way=rx
	[[ $contestant_job != transmit ]] || way=tx
	contestant_set_mark "$1"
	kill -USR1 "${contestant_pid[$1]}"
	contestant_expect "$1" '}$'
	contestant_said "$1" | jq -r --arg way "${way}_frames" \
		'"\([.functions[][$way]] | add) \(.busy_ns)"'
}

contestant_continue() {
	local pid=${contestant_pid[$1]}
	[[ $realtime == no ]] || chrt -a -f -p 1 "$pid"
	kill -CONT "$pid"
	case $1 in
	uvf*) contestant_before[$1]=$(burst_counts "$1") ;;
	*)
		contestant_set_mark "$1"
		testpmd_do "$1" "clear fwd stats all"
		contestant_expect "$1" 'clear fwd stats all' ;;
	esac
}

contestant_pause() {
	kill -STOP "${contestant_pid[$1]}"
	[[ $realtime == no ]] || chrt -a -o -p 0 "${contestant_pid[$1]}"
}

contestant_counts() {
	local frames busy frames_before busy_before cycles mhz way=RX
	[[ $contestant_job != transmit ]] || way=TX
	if [[ $1 == uvf* ]]; then
		read -r frames_before busy_before <<<"${contestant_before[$1]}"
		read -r frames busy <<<"$(burst_counts "$1")"
		echo "$((frames - frames_before)) $((busy - busy_before))"
		return
	fi
	contestant_set_mark "$1"
	testpmd_do "$1" "show fwd stats all"
	contestant_expect "$1" 'CPU cycles/packet'
	frames=$(contestant_said "$1" | sed -n "s/.*$way-packets: \([0-9]*\).*/\1/p" | tail -n 1)
	read -r cycles mhz <<<"$(contestant_said "$1" |
		sed -n 's/.*total cycles=\([0-9]*\).* at \([0-9]*\) MHz.*/\1 \2/p')"
	echo "$frames $((cycles * 1000 / mhz))"
}

contestant_cpu() {
	local tasks=/proc/${contestant_pid[$1]}/task
	cat "$tasks"/*/schedstat | awk '{ run += $1; wait += $2 } END { printf "%.0f %.0f ", run, wait }'
	# Behind the name, which may hold blanks: user and system are the 12th and 13th.
	sed 's/.*) //' "$tasks"/*/stat | awk '{ u += $12; s += $13 } END { print u, s }'
}

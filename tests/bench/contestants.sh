# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# The appliances that are compared, each with functions of its own on the same two uplinks. To be
# sourced behind processes.sh.
#
#   contestant_start WHO JOB SIZE JOB: drop, transmit, reflect or forward; stopped until its turn
#   contestant_continue WHO       its turn begins: counters are read or cleared
#   contestant_pause WHO          …and ends
#   contestant_counts WHO         "frames busy_ns" of this turn
#
# Only one runs at a time, on processor 1. The others are stopped: their sockets stay, but nothing
# is sent to their functions.

declare -A contestant_on=([uvf]="fw0 fw1" [uvf-sleep]="fw2 fw3" [testpmd]="fw4 fw5"
	[testpmd-busypoll]="fw6 fw7")
contestant_all=(uvf testpmd testpmd-busypoll uvf-sleep)
declare -A contestant_before

contestant_mac() { # WHO
	mac_of "${contestant_on[$1]%% *}"
}

burst_start() { # WHO JOB SIZE OPTION
	local functions
	read -r -a functions <<<"${contestant_on[$1]}"
	[[ $2 == forward ]] || functions=("${functions[0]}")
	process_run "$1" taskset -c 1 burst "$2" "${functions[@]}" --size "$3" "$4"
	wait_for 10 grep -q ready "$tmp/$1.err" || bail_out "$1: $(cat "$tmp/$1.err")"
}

testpmd_start() { # WHO JOB SIZE OPTION
	local who=$1 job=$2 size=$3 option=$4 function n=0 mode=io vdevs=()
	for function in ${contestant_on[$who]}; do
		[[ $job == forward || $n -eq 0 ]] || break
		vdevs+=(--vdev "net_af_xdp$n,iface=$function$option")
		n=$((n + 1))
	done
	[[ $job != drop ]] || mode=rxonly
	[[ $job != transmit ]] || mode=txonly
	testpmd_run "$who" '0@0,1@1' "${vdevs[@]}" -- --forward-mode=$mode --txpkts="$size"
	testpmd_go "$who"
}

contestant_start() { # WHO JOB SIZE
	contestant_job=$2
	case $1 in
	uvf) burst_start "$1" "$2" "$3" --spin ;;
	uvf-sleep) burst_start "$1" "$2" "$3" --sleep ;;
	testpmd) testpmd_start "$1" "$2" "$3" ,busy_budget=0 ;;
	testpmd-busypoll) testpmd_start "$1" "$2" "$3" "" ;;
	esac
	kill -STOP "${process_pid[$1]}"
}

# Frames that were received, or for transmit, sent.
burst_counts() {
	local way=rx
	[[ $contestant_job != transmit ]] || way=tx
	process_mark "$1"
	kill -USR1 "${process_pid[$1]}"
	process_expect "$1" '}$'
	process_said "$1" | jq -r --arg way "${way}_frames" \
		'"\([.functions[][$way]] | add) \(.busy_ns)"'
}

contestant_continue() {
	process_wake "$1"
	case $1 in
	uvf*) contestant_before[$1]=$(burst_counts "$1") ;;
	*) testpmd_clear "$1" ;;
	esac
}

contestant_pause() { process_halt "$1"; }

contestant_counts() {
	local frames busy frames_before busy_before way=rx
	[[ $contestant_job != transmit ]] || way=tx
	if [[ $1 == uvf* ]]; then
		read -r frames_before busy_before <<<"${contestant_before[$1]}"
		read -r frames busy <<<"$(burst_counts "$1")"
		echo "$((frames - frames_before)) $((busy - busy_before))"
	else
		testpmd_counts "$1" $way
	fi
}

# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# The interface processes that are compared, each on a function of its own, and for each a guest:
# the same dpdk-testpmd with net_virtio_user. To be sourced behind processes.sh.
#
#   contestants_choose WHO,WHO…
#   contestant_start WHO JOB SIZE JOB: receive, or transmit (as fast as it goes), or pass (transmit
#                                 what comes by its feed); stopped until its turn
#   contestant_continue WHO       its turn begins: counters are read or cleared
#   contestant_pause WHO          …and ends
#   contestant_received WHO       frames that the guest received in this turn
#   contestant_moved WHO          JSON of what it says itself of this turn: "moved", frames either way;
#                                 "copied", bytes of them; and "busy_ns", in rounds that had frames.
#                                 null: it does not tell
#   contestant_mac WHO
#   contestant_feed WHO           a device of the namespace `gen`: what is sent there, the guest has
#
# The interface process WHO is on processor 1, and its guest, WHO.guest, on $guest_cpu.

declare -A contestant_on=([shim]=fw0 [copy]=fw1 [testpmd]=fw2 [testpmd-busypoll]=fw3)
contestant_all=(shim copy testpmd testpmd-busypoll)
declare -A contestant_moved_before

# A third processor is the guest's alone.
guest_cpu=0
[[ $(nproc) -lt 3 ]] || guest_cpu=2

contestants_choose() {
	contestant_all=(${1//,/ })
}

contestant_mac() { mac_of "${contestant_on[$1]}"; }
contestant_feed() { echo "feed${contestant_on[$1]#fw}"; }
contestant_is_front() { [[ $1 == shim || $1 == copy ]]; }

front_run() { # WHO SHIM
	process_run "$1" taskset -c 1 uvf front vhost-user "${contestant_on[$1]}" --shim "$2" \
		--socket "$tmp/$1.sock"
	wait_for 10 grep -q ready "$tmp/$1.err" || bail_out "$1: $(cat "$tmp/$1.err")"
}

# Both directions, as a front serves both.
bridge_run() { # WHO OPTION
	rm -f "$tmp/$1.sock"
	testpmd_run "$1" '0@0,1@1' --vdev "net_vhost0,iface=$tmp/$1.sock" \
		--vdev "net_af_xdp0,iface=${contestant_on[$1]}$2" -- --forward-mode=io \
		--disable-link-check
}

guest_run() { # WHO JOB SIZE
	local vdevs=(--vdev "net_virtio_user0,path=$tmp/$1.sock,mac=$(contestant_mac "$1"),queue_size=1024")
	local mode=rxonly
	case $2 in
	transmit) mode=txonly ;;
	pass)
		mode=io
		vdevs+=(--vdev "net_af_packet0,iface=in${contestant_on[$1]#fw},framecnt=4096,blocksz=65536") ;;
	esac
	testpmd_run "$1.guest" "0@$guest_cpu,1@$guest_cpu" "${vdevs[@]}" -- --forward-mode=$mode \
		--rxd=1024 --txd=1024 --txpkts="$3" --disable-link-check
}

contestant_start() { # WHO JOB SIZE
	local who=$1
	case $who in
	shim) front_run "$who" require ;;
	copy) front_run "$who" off ;;
	testpmd) bridge_run "$who" ,busy_budget=0 ;;
	testpmd-busypoll) bridge_run "$who" "" ;;
	esac
	guest_run "$@"
	contestant_is_front "$who" || testpmd_go "$who"
	testpmd_go "$who.guest"
	kill -STOP "${process_pid[$who]}" "${process_pid[$who.guest]}"
}

# "frames copied", of both rings: only one of them has frames.
front_moved() { # WHO
	in_ns host uvf front show --json "${contestant_on[$1]}" |
		jq -r '"\([.rings[].frames] | add) \([.rings[].copied] | add)"'
}

# A guest in real time would leave nothing of its processor.
contestant_continue() {
	process_wake "$1"
	process_wake "$1.guest" plainly
	testpmd_clear "$1.guest"
	if contestant_is_front "$1"; then
		contestant_moved_before[$1]=$(front_moved "$1")
	else
		testpmd_clear "$1"
	fi
}

contestant_pause() {
	process_halt "$1.guest"
	process_halt "$1"
}

contestant_received() {
	local frames busy
	read -r frames busy <<<"$(testpmd_counts "$1.guest" rx)"
	echo "$frames"
}

contestant_moved() {
	local frames other frames_before copied_before
	if contestant_is_front "$1"; then
		read -r frames_before copied_before <<<"${contestant_moved_before[$1]}"
		read -r frames other <<<"$(front_moved "$1")"
		echo "{ \"moved\": $((frames - frames_before)), \"copied\": $((other - copied_before)),
			\"busy_ns\": null }"
	else
		read -r frames other <<<"$(testpmd_counts "$1" rx)"
		echo "{ \"moved\": $frames, \"copied\": null, \"busy_ns\": $other }"
	fi
}

# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# The kernel's own AF_XDP conformance program on functions, in every mode that it has and by every
# way a frame may take. To be sourced by a test that runs in a VM of the kernel in $version.
#
#	fast path, slow path		fw0 ─ eth1 ══ eth2 ─ fw1	from one to the other
#	one function, shared UMEM	fw0 ─ eth1 ══ eth2 reflects	to itself
#
# "fast" is with the uplinks' XDP programs redirecting, "slow" without. Either runs once with
# softirqs and once with busy polling. The program runs its tests in each of SKB, DRV and ZC, what
# it calls generic XDP, native XDP in copy mode, and zero-copy.
#
# expected-VERSION lists the tests in the program's order, and where they don't apply:
#
#	TEST	not-applicable MODES: REASON
#	TEST	kernel MODES: REASON	it fails on a plain veth pair as well
#	TEST	timing: REASON		the program may overrun itself
#
# A test passes in the first run, which has all processors. Only such a one, or a run in which the
# wire has dropped a frame, which veth counts, may have two others, on one processor: there sender,
# wire and receiver take turns. A test that is said not to apply must have been skipped.
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../lib/topology.sh"
program=$top/build/conformance/xskxceiver-$version
xsk=$top/build/tests/xsk

[[ -n ${UVF_VM:-} ]] || skip_all "only in a VM: it works in the first network namespace"
[[ $(uname -r) == "$version".* ]] || skip_all "for the kernel $version, not $(uname -r)"
[[ -x $program ]] || bail_out "there is no $program: tests/conformance/build.sh $version"

# On a busy machine an emulated guest may have measured its clock wrong, by a factor, when it booted:
# then no time limit means anything. QEMU's real-time clock is the machine's own.
clock_is_right() {
	local clock=/sys/class/rtc/rtc0/since_epoch start began
	[[ -r $clock ]] || return 0
	start=$(cat $clock)
	began=$SECONDS
	while [[ $(cat $clock) -lt $((start + 4)) ]]; do sleep 0.1; done
	between $((SECONDS - began)) 2 8
}

# --- what is expected ----------------------------------------------------

tests=()
declare -A unfit kernel timing wire_lost

read_expected() {
	local test words modes mode
	while read -r test words; do
		[[ $test != '#' && -n $test ]] || continue
		tests+=("$test")
		case $words in
		not-applicable*)
			modes=${words#not-applicable }
			for mode in ${modes%%:*}; do unfit[$mode $test]=${words#*: }; done
			;;
		kernel*)
			modes=${words#kernel }
			for mode in ${modes%%:*}; do kernel[$mode $test]=${words#*: }; done
			;;
		timing:*) timing[$test]=${words#*: } ;;
		esac
	done <"$here/expected-$version"
}

# --- where it runs -------------------------------------------------------

# The program of 6.1 wants its second interface in another namespace: it closes file 0, whatever
# that is, each time it lets go of its first, and opening the namespace puts something there.
# (And 10 characters are the most that it takes for the name.)
other=
in_other() {
	if [[ -n $other ]]; then nsenter --net="/run/netns/$other" "$@"; else "$@"; fi
}

wire() {
	ip link add eth1 mtu 9100 type veth peer name eth2 mtu 9100
	[[ -z $other ]] || ip link set eth2 netns "$other"
	# Not from the pool of the host's own frames: checksums are whole, and NAPI runs on both sides.
	ethtool -K eth1 tx off gro on >/dev/null
	in_other ethtool -K eth2 tx off gro on >/dev/null
	ip link set eth1 up
	in_other ip link set eth2 up
}

# Frames go to addresses of the program's own.
function_make() { # name, uplink
	ip link add link "$2" name "$1" mtu 1500 type uvf mode passthru && ip link set "$1" up
}

busy_polling() { # as the kernel's test_xsk.sh does
	echo 2 >"/sys/class/net/$1/napi_defer_hard_irqs"
	echo 200000 >"/sys/class/net/$1/gro_flush_timeout"
}

# A function of this script, over there. A namespace's devices are in a sysfs of its own.
other_do() {
	local show="mount -t sysfs sys /sys &&"
	[[ -n $other ]] || show=
	in_other unshare --mount bash -c "$(declare -f "$1"); $show $*"
}

pair_make() {
	[[ $version != 6.1 ]] || other=xskrx
	if [[ -n $other ]]; then
		ip netns add "$other"
		in_other busybox sysctl -q -w net.ipv6.conf.all.disable_ipv6=1 \
			net.ipv6.conf.default.disable_ipv6=1
	fi
	wire
	function_make fw0 eth1
	other_do function_make fw1 eth2
	interfaces=(-i fw0 -i "fw1${other:+,$other}")
	if [[ $1 == fast ]]; then
		"$xsk" steer eth1 fw0 all
		in_other "$xsk" steer eth2 fw1 all
	fi
	if [[ $2 == busy ]]; then
		busy_polling fw0
		other_do busy_polling fw1
	fi
}

loop_make() { # way, busy
	wire
	function_make fw0 eth1
	"$xsk" attach eth2 reflect
	interfaces=(-i fw0 -i fw0)
	"$xsk" steer eth1 fw0 all
	[[ $2 != busy ]] || busy_polling fw0
}

links() { ip -j -s link show; in_other ip -j -s link show; }

# What veth dropped: its ring holds 256 frames, and the program sends up to 1,023 ahead. (What `ip`
# shows as dropped are also copies of groups' frames that the host has no use for.)
wire_drops() {
	{ ethtool -S eth1; in_other ethtool -S eth2; links | jq -r '.[] |
		select(.ifname | test("^eth")) | "tx_dropped: \(.stats64.tx.dropped)"'; } |
		awk '$1 ~ /_drops:|_errors:|^tx_dropped:/ && $1 !~ /xdp_drops/ { sum += $2 }
			END { print sum + 0 }'
}

# And what functions dropped: "fw0 rx_ring_full 12". Some tests are about that.
function_drops() {
	{ ethtool -S fw0 | sed 's/^ */fw0 /'; in_other ethtool -S fw1 2>/dev/null | sed 's/^ */fw1 /'; } |
		awk '$2 !~ /^[rt]x[0-9]/ && $3 + 0 > 0 { sub(/:/, ""); printf " %s;", $0 }'
}

topology_unmake() {
	ip link del eth1
	[[ -z $other ]] || ip netns del "$other"
	other=
}

# --- running and judging -------------------------------------------------

# What the program said of its test number N.
said() { grep -m 1 -E "^(not )?ok $2 " "$1"; }

verdict() { # file, number, mode, test
	case $(said "$1" "$2") in
	"ok $2 PASS: $3 $4" | "ok $2 PASS: $3 BUSY-POLL $4") echo pass ;;
	"ok $2 # SKIP "*) echo skip ;;
	*) echo fail ;;
	esac
}

each_test() { # command, called with number, mode, test
	local mode test n=0
	for mode in SKB DRV ZC; do
		for test in "${tests[@]}"; do
			n=$((n + 1))
			"$@" $n $mode "$test"
		done
	done
}

# A failure that need not be the function's.
excused() { # file, test
	[[ -n ${timing[$2]:-} || ${wire_lost[$1]} -gt 0 ]]
}

needs_another_run() { # file, number, mode, test
	[[ $(verdict "$1" "$2" "$3" "$4") != fail ]] || ! excused "$1" "$4" || again=1
}

judge() { # way, number, mode, test
	local desc="$1: $3 $4" why=${unfit[$3 $4]:-} file last seen=
	[[ -z ${kernel[$3 $4]:-} ]] || { skip "$desc" "${kernel[$3 $4]}"; return; }
	for file in "${files[@]}"; do
		last=$(verdict "$file" "$2" "$3" "$4")
		seen+="$last "
		[[ $last != fail ]] || excused "$file" "$4" || { tell_failure "$desc" "$2"; return; }
	done
	case $seen,$why in
	*pass*,) pass "$desc" ;;
	*skip*,?*) skip "$desc" "$why" ;;
	*pass*,*) fail "$desc" "it passes: expected-$version is out of date" ;;
	*) tell_failure "$desc" "$2" ;;
	esac
	[[ $seen != *fail* ]] || diag "  in ${#files[@]} runs: $seen"
}

# With what the program said since the test before.
tell_failure() {
	local file
	fail "$1"
	for file in "${files[@]}"; do
		diag "  $(basename "$file"):"
		awk -v n="$2" '
			$1 == "#" { text = text "\n" $0 }
			$1 == "ok" || $1 == "not" {
				if (($1 == "ok" ? $2 : $3) == n) { print text "\n" $0; exit }
				text = ""
			}' "$file" | sed 's/^/#   /'
	done
}

run_program() { # file, processors, option…
	local file=$1 cpus=$2 before
	shift 2
	before=$(wire_drops)
	timeout $((400 * ${TIMEOUT_SCALE:-1})) taskset -c "$cpus" "$program" "${interfaces[@]}" "$@" \
		>"$file" 2>&1 </dev/null || echo "# ended with $?" >>"$file"
	wire_lost[$file]=$(($(wire_drops) - before))
}

conformance() { # way, softirq or busy, topology's command
	local way="$1, $2" cpus option=() again
	[[ $2 != busy ]] || option=(-b)
	"${@:3}" "$2"
	files=() wire_lost=()
	for cpus in 0-1 0 1; do
		files+=("$tmp/run on $cpus")
		run_program "${files[-1]}" $cpus ${option[@]+"${option[@]}"}
		again=
		each_test needs_another_run "${files[-1]}"
		[[ -n $again ]] || break
	done
	is "$way: all modes" "$(sed -n 1p "${files[0]}")" "1..$((3 * ${#tests[@]}))"
	each_test judge "$way"
	diag "  dropped by the wire, in each run: ${wire_lost[*]}"
	diag "  dropped by the functions, in all runs:$(function_drops)"
	topology_unmake
}

clock_is_right || bail_out "the guest's clock runs too fast, or too slow: run it again"
read_expected
module_load
busybox sysctl -q -w net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1 \
	vm.nr_hugepages=64
for polling in softirq busy; do
	conformance "fast path" $polling pair_make fast
	conformance "slow path" $polling pair_make slow
	conformance "shared UMEM" $polling loop_make fast
done

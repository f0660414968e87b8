# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What measurements have in common on their command lines, and what they ask of a machine. To be
# sourced behind topology.sh, by a script of root's.
#
#   bench_options NAME=LIST… -- ARG…    sets $json, $rounds, $ms and $realtime; and of each list the
#                                 variable NAME, to what `--NAME` chose of it
#   bench_need COMMAND…           of Debian, or built
#   bench_print                   reads $tmp/report: as JSON, or by `table FILE`
#
# This is no test: topology.sh's verdicts go nowhere, and a failure is a sentence.

exec 3>&1 >/dev/null
bail_out() { echo "${0##*/}: $*" >&2; exit 1; }
fail() { bail_out "$*"; }
PATH=$top/build/bench:$PATH

declare -A option_lists

list_set() { # NAME VALUE
	local all=${option_lists[$1]} one
	one="(${all//,/|})"
	[[ $2 =~ ^$one(,$one)*$ ]] || bail_out "--$1 takes some of $all, not '$2'."
	declare -g "$1=$2"
}

lists_begin() { # NAME=LIST…
	local list
	for list; do
		option_lists[${list%%=*}]=${list#*=}
		declare -g "$list"
	done
}

bench_options() {
	local lists=()
	while [[ $1 != -- ]]; do
		lists+=("$1")
		shift
	done
	shift
	lists_begin "${lists[@]}"
	json=no rounds=10 ms=300 realtime=auto
	while [[ $# -gt 0 ]]; do
		case $1 in
		--json) json=yes ;;
		--no-realtime) realtime=no ;;
		--rounds | --ms)
			[[ ${2:-} =~ ^[1-9][0-9]{0,5}$ ]] ||
				bail_out "$1 takes a positive number, not '${2:-}'."
			declare -g "${1#--}=$2"
			shift ;;
		*)
			[[ $1 == --* && -n ${option_lists[${1#--}]:-} ]] ||
				bail_out "'$1' is not an option; the head of the script tells them."
			list_set "${1#--}" "${2:-}"
			shift ;;
		esac
		shift
	done
	realtime_decide
}

# Before 6.5 a real-time program kept ksoftirqd, and with it the network, from running.
realtime_decide() {
	local major minor
	[[ $realtime == auto ]] || return 0
	realtime=no
	read -r major minor <<<"$(uname -r | sed 's/^\([0-9]*\)\.\([0-9]*\).*/\1 \2/')"
	[[ $((major * 1000 + minor)) -lt 6005 ]] || realtime=yes
}

bench_need() {
	local program
	[[ $(nproc) -ge 2 ]] || bail_out "this needs two processors: one generates, one consumes."
	for program; do
		type -P "$program" >/dev/null ||
			bail_out "there is no $program: make bench installs and builds what it needs."
	done
}

bench_print() {
	if [[ $json == yes ]]; then
		cat "$tmp/report" >&3
	else
		table "$tmp/report" >&3
	fi
}

# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Guests that are vhost_client (tests/kselftest/vhost_client.c tells its commands), and interface
# processes. To be sourced behind topology.sh.
#
#   guest_start NAME              a client; ends with the test
#   guest NAME COMMAND…           prints its answer; fails when that is a refusal
#   guest_tell NAME COMMAND…      without waiting for the answer, which is had by
#   guest_answer NAME             …
#   field JSON NAME               of an answer
#   all_came JSON N               N arrived, each once and intact, and no rule was broken
#
#	wire 10.0.6.1 eth0 ══ eth1 (fw0, …)  host
#
#   vhost_topology [QUEUES]       that, with uvfd: $fw0_mac, $wire_mac
#   front_start FUNCTION ARG…     uvf front vhost-user on the host: $front, and what it says in
#                                 $tmp/FUNCTION.front
#   front_stop                    $front_status
#   guest_begins NAME FEATURES [MEMORY]    connects to fw0, agrees, begins
#   wire_sends N RATE [WORD…]     to fw0, in the background: $sender
#   wire_hears N [WORD…]          from now on; then `wire_heard` waits for the end: $heard
#   to_guest DESC NAME N RATE [WORD…]      N frames from the wire, words are of the client's run
#   from_guest DESC NAME N [WORD…]         N frames to the wire
#   both_ways DESC NAME           a few hundred each way; no more than a ring of 256 has room for

declare -A guest_to guest_from
vhost_client=$top/build/tests/vhost_client
seq=$top/build/tests/seq

# --- guests ---------------------------------------------------------------------------------------

guest_start() {
	local to from
	mkfifo "$tmp/$1.to" "$tmp/$1.from"
	"$vhost_client" <"$tmp/$1.to" >"$tmp/$1.from" 2>"$tmp/$1.err" &
	guest_pid=$!
	at_exit end_child $guest_pid
	exec {to}>"$tmp/$1.to" {from}<"$tmp/$1.from"
	rm "$tmp/$1.to" "$tmp/$1.from"
	guest_to[$1]=$to
	guest_from[$1]=$from
}

guest_tell() {
	echo "${*:2}" >&"${guest_to[$1]}"
}

guest_answer() {
	local answer
	read -r -t 120 -u "${guest_from[$1]}" answer || answer='{"ok":false,"why":"the client is gone"}'
	echo "$answer"
	[[ $answer == '{"ok":true'* ]]
}

guest() {
	guest_tell "$@"
	guest_answer "$1"
}

field() { jq -r ".$2" <<<"$1"; }

all_came() {
	jq -e --argjson n "$2" '[.received, .doubled, .missing, .damaged, .wrong] == [$n, 0, 0, 0, 0]' \
		<<<"$1"
}

# --- the host -------------------------------------------------------------------------------------

mac_of() { in_ns "$1" ip -j link show "$2" | jq -r '.[0].address'; }

vhost_topology() {
	topology_make wire host
	topology_wire wire eth0 10.0.6.1/24 host eth1 192.0.2.2/24
	bpffs_ready
	ok "fw0" in_ns host uvf add fw0 --backend veth --link eth1 ${1:+--queues "$1"}
	in_ns host ip link set fw0 up
	uvfd_start host
	fw0_mac=$(mac_of host fw0)
	wire_mac=$(mac_of wire eth0)
}

front_start() {
	local function=$1
	shift
	: >"$tmp/$function.front"
	ns_spawn host uvf front vhost-user "$function" "$@" >"$tmp/$function.front" 2>&1
	front=$spawned
	if wait_for 10 grep -q ready "$tmp/$function.front"; then
		pass "uvf front vhost-user $function"
	else
		fail "uvf front vhost-user $function" "$(cat "$tmp/$function.front")"
		bail_out "there is no interface process to test"
	fi
}

front_stop() {
	kill "$front" 2>/dev/null
	front_status=0
	wait "$front" || front_status=$?
}

front_kill() {
	kill -KILL "$front"
	wait "$front" 2>/dev/null
}

guest_begins() {
	ok "$1 connects" guest "$1" connect "path=$tmp/fw0.sock" wait=5000
	ok "$1 agrees on ${2:-nothing more}" guest "$1" features "$2"
	ok "$1 begins${3:+ with }${3:-}" guest "$1" begin "${3:-}"
}

# --- frames ---------------------------------------------------------------------------------------

wire_sends() {
	ns_spawn wire "$seq" send eth0 "to=$fw0_mac" count="$1" rate="$2" "${@:3}" >"$tmp/wire.sent"
	sender=$spawned
}

wire_hears() {
	: >"$tmp/wire.heard"
	ns_spawn wire "$seq" receive eth0 idle=1500 count="$1" "${@:2}" >"$tmp/wire.heard"
	receiver=$spawned
	wait_for 10 grep -q ready "$tmp/wire.heard"
}

# Not in a subshell, whose child it would not be.
wire_heard() {
	wait "$receiver"
	heard=$(tail -n 1 "$tmp/wire.heard")
}

heard_all() { echo "{ \"received\": $1, \"doubled\": 0, \"missing\": 0 }"; }

to_guest() {
	local said
	guest_tell "$2" run expect="$3" idle=2500 "${@:5}"
	wire_sends "$3" "$4"
	said=$(guest_answer "$2") || diag "$said"
	wait "$sender"
	ok "$1: $3 to the guest" all_came "$said" "$3"
}

from_guest() {
	local said
	wire_hears "$3"
	said=$(guest "$2" run send="$3" rate=5000 idle=2500 "to=$wire_mac" "from=$fw0_mac" "${@:4}") ||
		diag "$said"
	wire_heard
	is "$1: $3 from the guest" "$heard" "$(heard_all "$3")"
	is "  and no rule was broken" "$(jq -c '[.completed, .wrong]' <<<"$said")" "[$3,0]" ||
		diag "$said"
}

both_ways() {
	to_guest "$1" "$2" 240 3000
	from_guest "$1" "$2" 240
}

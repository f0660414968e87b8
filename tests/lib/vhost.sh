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
#   front_start FUNCTION ARG…     uvf front vhost-user in the namespace host: $front, and what it
#                                 says in $tmp/FUNCTION.front
#   field JSON NAME               of an answer
#   all_came JSON N               "N arrived, each once and intact, and no rule was broken"

declare -A guest_to guest_from

guest_start() {
	local to from
	mkfifo "$tmp/$1.to" "$tmp/$1.from"
	"$top/build/tests/vhost_client" <"$tmp/$1.to" >"$tmp/$1.from" 2>"$tmp/$1.err" &
	at_exit end_child $!
	exec {to}>"$tmp/$1.to" {from}<"$tmp/$1.from"
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

front_start() {
	local function=$1
	shift
	ns_spawn host uvf front vhost-user "$function" "$@" >"$tmp/$function.front" 2>&1
	front=$spawned
}

field() { jq -r ".$2" <<<"$1"; }

all_came() {
	jq -e --argjson n "$2" '[.received, .doubled, .missing, .damaged, .wrong] == [$n, 0, 0, 0, 0]' \
		<<<"$1"
}

# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# The AF_XDP side of a test, played by tests/kselftest/xsk.c. To be sourced after topology.sh.
xsk=$top/build/tests/xsk

# echo_start HOST FUNCTION WORD…: answers whoever asks. What it prints is in $tmp/echo.
echo_start() {
	local host=$1
	shift
	ns_spawn "$host" "$xsk" echo "$@" >"$tmp/echo" 2>&1
	echoing=$spawned
	wait_for 10 grep -q '^ready' "$tmp/echo" || fail "xsk echo $*" "$(cat "$tmp/echo")"
}

echo_stop() {
	kill "$echoing" 2>/dev/null
	wait "$echoing"
}

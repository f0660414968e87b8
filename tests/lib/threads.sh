# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# The appliance of tests/kselftest/threads.c on fw0, with a thread for each queue. Behind
# topology.sh. What it counted is in $got.

threads_start() { # QUEUES
	ns_spawn host uvf run --on fw0 -- "$top/build/tests/threads" fw0 \
		>"$tmp/threads" 2>"$tmp/threads.log"
	appliance=$spawned
	wait_for 20 grep -q ready "$tmp/threads" || diag "$(cat "$tmp/threads.log")"
	is "a thread for each queue" "$(cat "$tmp/threads")" "ready queues=$1"
}

threads_stop() {
	kill "$appliance"
	wait "$appliance"
	# shellcheck disable=SC2034 # the test's
	got=$(grep '^{' "$tmp/threads")
}

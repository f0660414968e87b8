# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What `uvf doctor` finds, for scripts that have sourced topology.sh.
#
#   doctor FUNCTION              asks, in the namespace $doctor_ns (default: host)
#   codes                        what it found, without notes
#   sees DESC CODES FUNCTION     it finds just these, says what to do, and its status tells

doctor() {
	in_ns "${doctor_ns:-host}" uvf doctor --json --seconds 0.15 "$@" >"$tmp/doctor.json" \
		2>"$tmp/doctor.err"
}
codes() { jq -r '.[] | select(.severity != "note") | .code' "$tmp/doctor.json" | sort -u | paste -s -d ' '; }
# What is found must say what and what to do, and the exit status that something is wrong.
sees() { # DESC CODES FUNCTION
	doctor "$3"
	is "$1: status" $? "$([[ -z $2 ]]; echo $?)"
	is "$1" "$(codes)" "$2"
	is "  and tells what to do" "$(jq '[.[] | select((.what | length) < 5 or
		(.todo | length) < 5)] | length' "$tmp/doctor.json")" 0
	jq -r '.[] | "#   \(.severity) \(.function): \(.what)\n#     \(.todo)"' "$tmp/doctor.json"
}

# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# TAP for shell tests, in the manner of the kernel's selftests. To be sourced:
#
#   . "$(dirname "$0")/../lib/tap.sh"
#   ok "the module loads" insmod "$ko"            the command's status decides
#   not_ok "a second load" insmod "$ko"           …the other way round
#   is "one function" "$(count)" 1                equal strings
#   like "driver" "$(ethtool -i fw0)" '^driver: uvf$'   extended regex, any line
#   expect_fail 'not a uvf function' uvf show lo  refused with one clear sentence
#   pass DESC; fail DESC; skip DESC REASON
#   need "curl"                                   skip everything without a program
#   skip_all REASON; bail_out REASON; diag TEXT
#   at_exit ip netns del a                        undone in reverse order, always
#
# The plan is printed at the end. Exit: 0 passed, 1 failed, 4 skipped; a script
# that ends early with another status prints no plan, which TAP readers refuse.

tap_count=0
tap_failed=0
tap_skip_all=
tap_undo=()
tap_out=$(mktemp) || exit 1

diag() { printf '%s\n' "$*" | sed 's/^/# /'; }

tap_result() { # ok|not ok, description
	tap_count=$((tap_count + 1))
	printf '%s %d - %s\n' "$1" "$tap_count" "${2//#/\\#}"
	[[ $1 == ok ]] || tap_failed=$((tap_failed + 1))
}

pass() { tap_result ok "$1"; }

# The caller's line helps to find the assertion.
fail() {
	tap_result 'not ok' "$1"
	diag "  at ${BASH_SOURCE[-1]} line ${BASH_LINENO[-2]}"
	shift
	[[ $# -eq 0 ]] || diag "  $*"
}

skip() {
	tap_count=$((tap_count + 1))
	printf 'ok %d - %s # SKIP %s\n' "$tap_count" "${1//#/\\#}" "$2"
}

tap_show_output() { tail -n 30 "$tap_out" | sed 's/^/#   /'; }

ok() {
	local desc=$1 status=0
	shift
	"$@" >"$tap_out" 2>&1 || status=$?
	if [[ $status -eq 0 ]]; then
		pass "$desc"
	else
		fail "$desc" "'$*' ended with $status and said:"
		tap_show_output
	fi
}

not_ok() {
	local desc=$1
	shift
	if "$@" >"$tap_out" 2>&1; then
		fail "$desc" "'$*' succeeded and said:"
		tap_show_output
	else
		pass "$desc"
	fi
}

is() {
	if [[ $2 == "$3" ]]; then pass "$1"; else fail "$1" "got '$2', wanted '$3'"; fi
}

like() {
	if grep -qE -- "$3" <<<"$2"; then
		pass "$1"
	else
		fail "$1" "no match for '$3' in:"
		diag "$2"
	fi
}

# A refusal is a status from 1 to 125 (so neither a signal nor a missing
# program) and one sentence on stderr that tells what was wrong.
expect_fail() {
	local want=$1 status=0 said desc
	shift
	"$@" >"$tap_out" 2>"$tap_out.err" </dev/null || status=$?
	said=$(grep -v '^[[:space:]]*$' "$tap_out.err" || true)
	desc="refused: ${*##*/}"
	if [[ $status -eq 0 ]]; then
		fail "$desc" "it succeeded"
	elif [[ $status -gt 125 ]]; then
		fail "$desc" "it died with $status: $said"
	elif [[ $(wc -l <<<"$said") -ne 1 || -z $said ]]; then
		fail "$desc" "wanted one sentence, got:"
		diag "$said"
	elif ! grep -qE -- "$want" <<<"$said"; then
		fail "$desc" "no match for '$want' in: $said"
	else
		pass "$desc"
		diag "  $said"
	fi
}

skip_all() {
	tap_skip_all=$1
	exit 4
}

bail_out() {
	echo "Bail out! $*"
	exit 1
}

need() {
	local p
	for p; do
		type -P "$p" >/dev/null || skip_all "the program '$p' is not installed"
	done
}

at_exit() { tap_undo+=("$(printf '%q ' "$@")"); }

tap_end() {
	local status=$? i
	trap - EXIT
	for ((i = ${#tap_undo[@]} - 1; i >= 0; i--)); do
		eval "${tap_undo[i]}" >/dev/null 2>&1 </dev/null
	done
	rm -f "$tap_out" "$tap_out.err"
	if [[ -n $tap_skip_all ]]; then
		echo "1..0 # SKIP $tap_skip_all"
		exit 4
	elif [[ $status -ne 0 ]]; then
		diag "ended early with $status, after $tap_count tests"
		exit "$status"
	fi
	echo "1..$tap_count"
	[[ $tap_count -gt 0 && $tap_failed -eq 0 ]] || exit 1
	exit 0
}
trap tap_end EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

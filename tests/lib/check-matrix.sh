#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# `make check-matrix`: every test that runs in a VM, on every kernel the module is for. Each kernel
# is a third of the work, so this is no part of `make check`.
#
#	make check-matrix KERNELS="6.12 7.2"		only these
set -u
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
. tests/lib/steps.sh
PATH=$PATH:/usr/sbin:/sbin
logs=build/logs/matrix
read -r -a kernels <<<"${KERNELS:-6.1 6.12 7.2}"
mapfile -t tests < <(grep -l '^# runs: vm' tests/kselftest/*.sh tests/scenario/*_*.sh)
declare -A result
failed=()

[[ $(id -u) -eq 0 ]] || { echo "make check-matrix: this needs root: sudo make check-matrix" >&2; exit 1; }

step "Installing what is needed" tests/lib/deps.sh build kmod run vm check
for kernel in "${kernels[@]}"; do step "Fetching the kernel $kernel" tests/vm/kernel.sh fetch "$kernel"; done
step "Building user space" make -j2 all
step "Building the tests" make -j2 unit-tests
for kernel in "${kernels[@]}"; do
	step "Building the module for $kernel" make kmod KERNEL="$kernel"
done
steps_run || { echo "uvf: FAILED before the tests began."; exit 1; }

release() { tests/vm/kernel.sh path "$1" release; }
name() { basename "$1" .sh; }

# prove(1) judges what the test printed, so that one which broke off is no success.
run() { # kernel, test
	local log=$logs/$1/$(name "$2") start=$SECONDS verdict=FAILED
	if KERNEL=$1 prove --exec tests/run-test "$2" >"$log.verdict" 2>&1; then
		verdict=ok
		! grep -q '^1\.\.0 # SKIP' "build/logs/tests/$(name "$2").log" || verdict=skipped
	else
		failed+=("$log.log")
	fi
	cp "build/logs/tests/$(name "$2").log" "$log.log"
	result[$1,$2]=$verdict
	printf '%-6s %-20s %-8s (%d s)\n' "$1" "$(name "$2")" "$verdict" $((SECONDS - start))
}

table() {
	local kernel test
	printf '\n%-20s' ''
	for kernel in "${kernels[@]}"; do printf '%-24s' "$(release "$kernel")"; done
	for test in "${tests[@]}"; do
		printf '\n%-20s' "$(name "$test")"
		for kernel in "${kernels[@]}"; do printf '%-24s' "${result[$kernel,$test]}"; done
	done
	printf '\n\n'
}

# What stands for a kernel where Debian has gone beyond it.
tell_substitutes() {
	local kernel
	for kernel in "${kernels[@]}"; do
		[[ $(release "$kernel") == "$kernel".* ]] ||
			echo "uvf: $kernel is not in Debian any more; this was $(release "$kernel")."
	done
}

rm -rf "$logs"
for kernel in "${kernels[@]}"; do
	mkdir -p "$logs/$kernel"
	for test in "${tests[@]}"; do run "$kernel" "$test"; done
done
[[ ${#failed[@]} -eq 0 ]] || grep -H -A 12 '^not ok\|^# Bailed out' "${failed[@]}" | sed "s|^$logs/||" | head -n 80
table
tell_substitutes
took="$((SECONDS / 60)) min $((SECONDS % 60)) s in all"
if [[ ${#failed[@]} -eq 0 ]]; then
	echo "uvf: all tests PASSED on ${#kernels[@]} kernels ($took)."
else
	echo "uvf: ${#failed[@]} tests FAILED ($took); what each printed is in $logs/KERNEL," \
		"what the kernel said in build/vm/logs. One again: KERNEL=7.2 tests/run-test TEST"
	exit 1
fi

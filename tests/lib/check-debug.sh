#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# `make check-debug`: every test of the module under a kernel that watches memory, locks and leaks
# (tests/vm/debug.config). The kernel is compiled first, where it is not there: that takes longer
# than all else, so this is no part of `make check`. TIMEOUT_SCALE: see vm.sh.
#
#	make check-debug JOBS=4		so many at once: each wants a processor to itself
set -u
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
. tests/lib/steps.sh
PATH=$PATH:/usr/sbin:/sbin
export KERNEL=debug
jobs=${JOBS:-1}

[[ $(id -u) -eq 0 ]] || { echo "make check-debug: this needs root: sudo make check-debug" >&2; exit 1; }
[[ $jobs =~ ^[1-9][0-9]*$ ]] || {
	echo "make check-debug: JOBS is a whole number from 1 up, not '$jobs'." >&2
	exit 1
}

step "Installing what is needed" tests/lib/deps.sh build kmod run vm check debugkernel
step "Compiling the debug kernel, the first time" tests/vm/kernel.sh fetch debug
step "Building user space" make -j2 all
step "Building the module for the debug kernel" make kmod KERNEL=debug
step "Building the tests" make -j2 unit-tests
steps_run || { echo "uvf: FAILED before the tests began."; exit 1; }

mapfile -t tests < <(ls tests/kselftest/{harness_debug,mod_faults_msi}.sh &&
	grep -l '^# runs: vm' tests/kselftest/*.sh tests/scenario/*_*.sh)
if prove --timer --jobs "$jobs" --exec tests/run-test "${tests[@]}"; then
	echo "uvf: all tests PASSED under the debug kernel" \
		"($((SECONDS / 60)) min $((SECONDS % 60)) s in all)."
else
	echo
	for test in "${tests[@]}"; do
		grep -H -A 12 '^not ok\|^# Bailed out' "build/logs/tests/$(basename "$test" .sh).log"
	done 2>/dev/null | sed 's|^build/logs/tests/||' | head -n 80
	echo "uvf: tests FAILED under the debug kernel; what each printed is in build/logs/tests," \
		"what the kernel said in build/vm/logs. One again: KERNEL=debug tests/run-test TEST"
	exit 1
fi

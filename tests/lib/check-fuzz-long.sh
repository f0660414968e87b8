#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# `make check-fuzz-long`: the module's fuzzers under the debug kernel, for as long as is asked.
#
#	make check-fuzz-long DURATION=3600 SEED=1	an hour by default, and a seed from the clock
set -u
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
. tests/lib/steps.sh
PATH=$PATH:/usr/sbin:/sbin
duration=${DURATION:-3600}
seed=${SEED:-$(date +%s)}
kernel=${KERNEL:-debug}

[[ $(id -u) -eq 0 ]] || { echo "make check-fuzz-long: this needs root: sudo make check-fuzz-long" >&2; exit 1; }
[[ $duration =~ ^[1-9][0-9]*$ && $seed =~ ^[1-9][0-9]*$ ]] || {
	echo "make check-fuzz-long: DURATION and SEED are whole numbers from 1 up." >&2
	exit 1
}

step "Installing what is needed" tests/lib/deps.sh build kmod run vm check
step "Getting the kernel $kernel" tests/vm/kernel.sh fetch "$kernel"
step "Building user space" make -j2 all
step "Building the module for the kernel $kernel" make kmod KERNEL="$kernel"
step "Building the tests" make -j2 unit-tests
steps_run || { echo "uvf: FAILED before the fuzzers began."; exit 1; }

# Not only the fuzzers are slow there: TIMEOUT_SCALE, 5, multiplies what is more than they need.
if tests/vm/vm.sh --kernel "$kernel" --timeout $((duration / 2 + 300)) \
	-- tests/fuzz/module.sh "$duration" "$seed"; then
	echo "uvf: $duration s of fuzzing with the seed $seed found nothing."
else
	echo "uvf: fuzzing FAILED; again: make check-fuzz-long DURATION=$duration SEED=$seed." \
		"What the kernel said is in build/vm/logs."
	exit 1
fi

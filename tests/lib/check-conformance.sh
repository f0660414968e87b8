#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# `make check-conformance`: the kernel's own AF_XDP conformance program, of 6.1 and of 6.12, on
# functions. It is built from Debian's linux-source packages, and all in all takes half an hour, so
# this is no part of `make check`.
#
#	make check-conformance KERNELS=6.12		only this
set -u
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
. tests/lib/steps.sh
PATH=$PATH:/usr/sbin:/sbin
read -r -a kernels <<<"${KERNELS:-6.1 6.12}"
tests=("${kernels[@]/#/tests/conformance/xskxceiver-}")
tests=("${tests[@]/%/.sh}")

[[ $(id -u) -eq 0 ]] ||
	{ echo "make check-conformance: this needs root: sudo make check-conformance" >&2; exit 1; }

step "Installing what is needed" tests/lib/deps.sh build kmod run vm check conformance
for kernel in "${kernels[@]}"; do
	step "Fetching the kernel $kernel" tests/vm/kernel.sh fetch "$kernel"
	step "Fetching its sources, $kernel" tests/vm/kernel.sh source "$kernel"
	step "Building its xskxceiver, $kernel" tests/conformance/build.sh "$kernel"
done
step "Building user space" make -j2 all
step "Building the tests" make -j2 unit-tests
for kernel in "${kernels[@]}"; do
	step "Building the module for $kernel" make kmod KERNEL="$kernel"
done
steps_run || { echo "uvf: FAILED before the tests began."; exit 1; }

if ! prove --timer --exec tests/run-test "${tests[@]}"; then
	grep -A 12 '^not ok\|^# Bailed out' build/logs/tests/xskxceiver-*.log | sed 's|^build/logs/tests/||' |
		head -n 80
	echo "uvf: the conformance tests FAILED; what they printed is in build/logs/tests."
	exit 1
fi
echo "uvf: the conformance tests PASSED ($((SECONDS / 60)) min $((SECONDS % 60)) s in all)."
[[ ${#kernels[@]} -eq 2 ]] || exit 0
tests/conformance/table.sh >build/conformance/conformance.rst || exit 1
echo "uvf: test by test: build/conformance/conformance.rst"
diff Documentation/conformance.rst build/conformance/conformance.rst >build/conformance/diff ||
	{ echo "uvf: in Documentation/conformance.rst it is:"; head -n 20 build/conformance/diff; }

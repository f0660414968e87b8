#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# `make check-direct`: functions lease queues of cards whose drivers can do zero-copy. The kernel
# that can is 7.2, and a QEMU that has an igb is fetched from Debian 13, so this is no part of
# `make check`, which has the same test on veth.
set -u
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
. tests/lib/steps.sh
PATH=$PATH:/usr/sbin:/sbin

[[ $(id -u) -eq 0 ]] ||
	{ echo "make check-direct: this needs root: sudo make check-direct" >&2; exit 1; }

step "Installing what is needed" tests/lib/deps.sh build kmod run vm check
step "Fetching the kernel 7.2" tests/vm/kernel.sh fetch 7.2
step "Fetching a newer QEMU" tests/vm/newer-qemu.sh fetch
step "Building user space" make -j2 all
step "Building the tests" make -j2 unit-tests
step "Building the module for 7.2" make kmod KERNEL=7.2
steps_run || { echo "uvf: FAILED before the tests began."; exit 1; }

if ! prove --timer --exec tests/run-test tests/direct/direct_*.sh; then
	grep -A 12 '^not ok\|^# Bailed out' build/logs/tests/direct_*.log | sed 's|^build/logs/tests/||' |
		head -n 80
	echo "uvf: the tests of leased queues FAILED; what they printed is in build/logs/tests."
	exit 1
fi
echo "uvf: the tests of leased queues PASSED ($((SECONDS / 60)) min $((SECONDS % 60)) s in all)."

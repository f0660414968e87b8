#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# `make check-vfio-guest`: a stock guest drives a function as an e1000, an rtl8139 and a virtio-net
# (PERSONALITIES="e1000" chooses), and one goes over from an e1000 to vhost-user. It runs in a VM in a
# VM, which is slow, so this is no part of `make check`.
set -u
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
. tests/lib/steps.sh
PATH=$PATH:/usr/sbin:/sbin

read -r -a personalities <<<"${PERSONALITIES:-e1000 rtl8139 virtio-net}"
step "Installing what is needed" tests/lib/deps.sh build kmod vm check
step "Fetching the kernel 6.1" tests/vm/kernel.sh fetch 6.1
step "Building user space" make -j2 all
step "Building the tests" make -j2 unit-tests
step "Building the module" make kmod
steps_run || { echo "uvf: FAILED before the tests began."; exit 1; }

if ! prove --timer --exec tests/run-test tests/guest/guest_vfio.sh :: "${personalities[@]}" ||
	! prove --timer --exec tests/run-test tests/guest/guest_standby.sh; then
	cat build/logs/tests/guest_*.log | grep -A 12 '^not ok' | head -n 80
	echo "uvf: the guest's tests FAILED; what they printed is in build/logs/tests."
	exit 1
fi
echo "uvf: the guest's tests PASSED ($((SECONDS / 60)) min $((SECONDS % 60)) s in all)."

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# `make check-packages`: what `make check` has no time for. The packages are built, installed on a
# clean Debian 12 with two kernels and removed again; their units and udev rule are run by systemd;
# the module is built within a kernel tree.
set -u
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
. tests/lib/steps.sh
PATH=$PATH:/usr/sbin:/sbin

[[ $(id -u) -eq 0 ]] || { echo "make check-packages: this needs root: sudo make check-packages" >&2; exit 1; }

step "Installing what is needed" tests/lib/deps.sh build run vm man deb intree chroot
step "Fetching the kernel 6.1" tests/vm/kernel.sh fetch 6.1
step "Fetching the kernel 6.12" tests/vm/kernel.sh fetch 6.12
step "Building user space" make -j2 all
step "Building the module for 6.1" make kmod KERNEL=6.1
step "Making the packages" tests/lib/deb.sh
steps_run || { echo "uvf: FAILED before the tests began."; exit 1; }

if prove --timer --exec tests/run-test tests/platform/packages.sh tests/platform/systemd.sh \
	tests/platform/intree.sh; then
	echo "uvf: the packages PASSED ($((SECONDS / 60)) min $((SECONDS % 60)) s in all)."
else
	grep -A 12 '^not ok\|^# Bailed out' build/logs/tests/{packages,systemd,intree}.log | sed 's|^build/logs/tests/||'
	echo "uvf: the packages FAILED; what each test printed is in build/logs/tests."
	exit 1
fi

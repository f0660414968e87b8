#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# `make check`: set up, build, fuzz a little, and run every test under one prove(1), whose
# summary closes the output. The tests that run in a VM go one after the other, and so do the others,
# beside them: these wait more than they compute.
set -u
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
. tests/lib/steps.sh
PATH=$PATH:/usr/sbin:/sbin
kernel=${KERNEL:-6.1}

[[ $(id -u) -eq 0 ]] || { echo "make check: this needs root: sudo make check" >&2; exit 1; }

step "Installing what is needed" tests/lib/deps.sh build kmod run vm check others
step "Fetching the kernel $kernel" tests/vm/kernel.sh fetch "$kernel"
step "Fetching a newer QEMU" tests/vm/newer-qemu.sh fetch
step "Building user space" make -j2 all
step "Building user space with sanitizers" make -j2 SAN=1 userspace firewall
step "Building the module for $kernel" make kmod KERNEL="$kernel"
step "Building the tests" make -j2 unit-tests
step "Fuzzing, a few seconds each" make -j2 fuzz
steps_run || { echo "uvf: FAILED before the tests began."; exit 1; }

mapfile -t scripts < <(ls tests/kselftest/*.sh tests/scenario/*_*.sh)
# With a guest of its own, which wants a processor: last, when the host's are done.
mapfile -t in_vm < <(grep -l '^# runs: vm' "${scripts[@]}" && grep -l '^# runs: guest' "${scripts[@]}")
mapfile -t on_host < <(grep -LE '^# runs: (vm|guest)' "${scripts[@]}")
mapfile -t units < <(find build/tests/unit -type f -perm -u+x | sort)

vm_lane=$(IFS=,; echo "${in_vm[*]}")

rm -rf build/logs/tests
[[ $kernel == debug ]] || export TIMEOUT_SCALE=${TIMEOUT_SCALE:-2}
if prove --timer --jobs 2 --rules "seq={$vm_lane}" --rules 'seq=**' --exec tests/run-test \
	"${units[@]}" "${on_host[@]}" "${in_vm[@]}"; then
	echo "uvf: all tests PASSED ($((SECONDS / 60)) min $((SECONDS % 60)) s in all)."
else
	echo
	grep -A 12 '^not ok\|^# Bailed out' build/logs/tests/*.log | sed 's|^build/logs/tests/||' | head -n 80
	echo "uvf: tests FAILED; what each printed is in build/logs/tests. One again: tests/run-test TEST"
	exit 1
fi

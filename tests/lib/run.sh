#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# `make run`: set up, then the main job. HOST=1 takes this machine's kernel,
# BACKEND=veth needs no module; by default everything happens in a VM.
set -u
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
. tests/lib/steps.sh
PATH=$PATH:/usr/sbin:/sbin
backend=${BACKEND:-uvf}
kernel=${KERNEL:-6.1}
scenario=tests/scenario/firewall.sh

die() { echo "make run: $*" >&2; exit 1; }

verdict() {
	if [[ $2 -eq 0 ]]; then
		printf '\nuvf: the scenario PASSED %s (%d s in all).\n' "$1" "$SECONDS"
	elif [[ $2 -eq 4 ]]; then
		printf '\nuvf: the scenario was SKIPPED %s: the reason is above.\n' "$1"
	else
		printf '\nuvf: the scenario FAILED %s; what went wrong is above.\n' "$1"
	fi
	exit "$2"
}

in_vm() {
	step "Installing what is needed" tests/lib/deps.sh build kmod vm
	step "Fetching the kernel $kernel" tests/vm/kernel.sh fetch "$kernel"
	step "Building user space" make -j2 all
	step "Building the module for $kernel" make kmod KERNEL="$kernel"
	steps_run || verdict "before it began" 1
	echo "Running the scenario in a VM with the kernel $kernel:"
	tests/vm/vm.sh --kernel "$kernel" --env BACKEND="$backend" -- "$scenario"
	verdict "in the VM" $?
}

on_host() {
	step "Installing what is needed" tests/lib/deps.sh build run
	step "Building user space" make -j2 all
	if [[ $backend == uvf ]]; then
		[[ -e /proc/modules ]] ||
			die "the running kernel takes no modules (no /proc/modules); leave out HOST=1" \
				"for a VM, or use BACKEND=veth."
		step "Installing headers of $(uname -r)" tests/lib/deps.sh host
		step "Building the module" make kmod KERNEL=host
	fi
	steps_run || verdict "before it began" 1
	echo "Running the scenario in network namespaces of this machine:"
	BACKEND=$backend "$scenario"
	verdict "on this machine ($backend)" $?
}

[[ $(id -u) -eq 0 ]] || die "this needs root: sudo make run"
case $backend in
uvf) if [[ ${HOST:-} == 1 ]]; then on_host; else in_vm; fi ;;
veth) on_host ;;
*) die "BACKEND is uvf or veth, not '$backend'." ;;
esac

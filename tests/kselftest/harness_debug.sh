#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The judge judged, with the debug kernel: each of its watchers must bark at a fault of their kind,
# vm.sh must hear it, and none may bark at a module without fault. What the leak's module did is
# looked for when it is gone, as uvf.ko will be.
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../lib/tap.sh"
vm=$here/../vm

[[ ${KERNEL:-} == debug ]] || skip_all "for the debug kernel: KERNEL=debug"
type -P qemu-system-x86_64 >/dev/null || skip_all "qemu-system-x86_64 is not installed"
dir=$(mktemp -d)
at_exit rm -rf "$dir"

cp "$vm"/selftest/* "$dir"
make -s -C "$("$vm/kernel.sh" path debug kdir)" M="$dir" modules >"$dir/make.log" 2>&1 ||
	bail_out "the faulty module does not build: $(tail -n 3 "$dir/make.log")"
printf '#!/bin/bash\ninsmod /root/uvf_selftest.ko fault=$1 && rmmod uvf_selftest\n' >"$dir/guest.sh"
chmod +x "$dir/guest.sh"

# verdict FAULT WANT-STATUS WANT-OUTPUT
verdict() {
	local status=0
	"$vm/vm.sh" --kernel debug --timeout 60 --log "$dir/console" --add "$dir/uvf_selftest.ko" \
		-- "$dir/guest.sh" "$1" >"$dir/out" 2>&1 || status=$?
	is "$1: status" "$status" "$2"
	like "$1: what vm.sh says" "$(cat "$dir/out")" "$3"
	diag "$(grep -o 'job [se].*' "$dir/console" | tr -d '\r')"
}

verdict none 0 '^$'
verdict leak 70 'unreferenced object 0x[0-9a-f]+ \(size 64\)'
verdict use-after-free 70 'BUG: KASAN: slab-use-after-free in use_after_free'
verdict sleep 70 'BUG: sleeping function called from invalid context'
verdict lock-order 70 'WARNING: possible circular locking dependency detected'

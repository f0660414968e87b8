#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# runs: vm
# vm: --smp 2 --timeout 400
#
# Both sides of the VFIO face of a function, at random, for as long as one likes:
#	vfio.sh SECONDS [SEED]
#
# For an hour on the debug kernel:
#	TIMEOUT_SCALE=1 tests/vm/vm.sh --kernel debug --timeout 5400 -- tests/fuzz/vfio.sh 3600
#
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../lib/topology.sh"
. "$here/../lib/vfio.sh"

vfio_function
vfio_bind "$pci"
ok "random calls for ${1:-60} s" "$here/../../build/tests/vfio_fuzz" "${1:-60}" "${2:-0}" "$pci"
sed 's/^/# /' "$tap_out"
vfio_serve "$pci"
is "it serves" "$(vfio_user "$pci" 'read 0 0 4' 'churn 0x100000 3')" "0xcafe0001
3 times"

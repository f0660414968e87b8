#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# mod_faults.sh once more, where the PCI core has forgotten MSI-X: vectors then fail as well, which
# on 6.12 MSI-X must be spared.
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../lib/tap.sh"
[[ ${KERNEL:-} == debug ]] || skip_all "for the debug kernel: KERNEL=debug"
dir=$(mktemp -d)
at_exit rm -rf "$dir"
"$here/../vm/nomsix/build.sh" debug "$dir" >&2 || bail_out "uvf_nomsix.ko does not build"
ok "mod_faults.sh, with MSI alone" "$here/../vm/vm.sh" --smp 2 --timeout 600 --kernel debug \
	--add "$dir/uvf_nomsix.ko" -- "$here/mod_faults.sh"
sed 's/^/# /' "$tap_out"

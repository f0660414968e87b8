#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What a packet costs on a function and on veth, and what functions cost, in instructions: in VMs
# whose time counts them. Documentation/benchmarks.rst tells what a figure means.
#
#	guest.sh [packets] [growth]		both by default
#	guest.sh profiles			where the instructions of a packet go
#	KERNELS="6.1 6.12 7.2"			all of them by default
#
# Figures are printed as tables, and stay as JSON in build/bench/guest-KERNEL.json. No figure makes
# it fail.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
out=$top/build/bench
read -r -a kernels <<<"${KERNELS:-6.1 6.12 7.2}"

guest() { # KERNEL PART
	"$top/tests/vm/vm.sh" --kernel "$1" --icount --mem 1536 --timeout 900 \
		-- "$here/instructions.sh" "$2"
}

measure() { # KERNEL PART…
	local kernel=$1 part
	shift
	for part; do guest "$kernel" "$part"; done >"$out/guest-$kernel.lines"
	jq -s --arg kernel "$("$top/tests/vm/kernel.sh" path "$kernel" release)" \
		'{ $kernel, results: . }' "$out/guest-$kernel.lines" >"$out/guest-$kernel.json"
	rm "$out/guest-$kernel.lines"
	echo "Linux $(jq -r .kernel "$out/guest-$kernel.json")"
	for part; do
		jq -r --arg table "$part" -f "$here/guest.jq" "$out/guest-$kernel.json" |
			awk -f "$here/align.awk"
		echo
	done
}

[[ $# -gt 0 ]] || set -- packets growth
for part; do
	[[ $part =~ ^(packets|growth|profiles)$ ]] ||
		{ echo "guest.sh: '$part' is not known: packets, growth or profiles." >&2; exit 2; }
done
mkdir -p "$out"
for kernel in "${kernels[@]}"; do
	if [[ $1 == profiles ]]; then
		guest "$kernel" profiles | tee "$out/profiles-$kernel"
	else
		measure "$kernel" "$@"
	fi
done

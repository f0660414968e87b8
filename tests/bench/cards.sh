#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A guest's network card by uvf front vfio beside QEMU's own emulation of the same model: what an access
# to a register costs, and a frame. In VMs whose time counts instructions, one for each card and
# contestant. Documentation/benchmarks.rst tells what a figure means.
#
#	cards.sh
#	CARDS="e1000 rtl8139 virtio-net"	all of them by default
#
# Figures are printed as a table, and stay as JSON in build/bench/cards.json; what there is no figure
# for is "-". No figure makes it fail; that ours can't be measured does.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
out=$top/build/bench
read -r -a cards <<<"${CARDS:-e1000 rtl8139 virtio-net}"
jobs=(registers-0 receive-60 echo-60 receive-1514 echo-1514 transmit-60 transmit-1514)
HANG=71 # vm.sh

say() { echo "cards.sh: $*" >&2; }

guest() { # CONTESTANT CARD JOB…
	"$top/tests/vm/vm.sh" --icount --mem 1500 --timeout 240 --with guest -- "$here/cards_vm.sh" "$@"
}

# Jobs that there are no figures of.
missing() { # CONTESTANT CARD
	jq -rs --arg who "$1" --arg card "$2" \
		'$ARGS.positional - map(select(.who == $who and .card == $card) | "\(.job)-\(.size)") | .[]' \
		"$out/cards.lines" --args "${jobs[@]}"
}

# In a VM whose instructions are counted the guest in it now and then waits for ever for a lock that
# nobody has, whoever's card it has. Then another one does the jobs that are left.
measure() { # CONTESTANT CARD
	local go status left
	for go in 1 2 3 4 5; do
		mapfile -t left < <(missing "$@")
		[[ ${#left[@]} -gt 0 ]] || return 0
		say "$2, $1: ${left[*]}, in a VM that boots for a minute"
		status=0
		# The last line may be half a one.
		guest "$@" "${left[@]}" | jq -cR --unbuffered 'fromjson?' >>"$out/cards.lines" || status=$?
		[[ $status -eq $HANG ]] || return $status
	done
	return $HANG
}

report() {
	jq -s --arg kernel "$("$top/tests/vm/kernel.sh" path 6.1 release)" \
		--arg qemu "$(qemu-system-x86_64 --version | sed -n 's/.*version \([^ ]*\).*/\1/p')" \
		'{ $kernel, $qemu, results: (group_by([.card, .who, .job, .size]) | map(last)) }' \
		"$out/cards.lines" >"$out/cards.json"
	rm "$out/cards.lines"
	jq -r -f "$here/cards.jq" "$out/cards.json" | awk -f "$here/align.awk"
}

for card in "${cards[@]}"; do
	[[ $card =~ ^(e1000|rtl8139|virtio-net)$ ]] ||
		{ say "'$card' is not known: e1000, rtl8139 or virtio-net."; exit 2; }
done
mkdir -p "$out"
: >"$out/cards.lines"
failed=0
for card in "${cards[@]}"; do
	measure uvf "$card" || failed=1
	measure qemu "$card" || say "$card: figures of QEMU's own are missing"
done
report
exit $failed

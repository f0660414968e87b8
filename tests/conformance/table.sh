#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A table, from what the last `make check-conformance` left in build/logs:
#	tests/conformance/table.sh >Documentation/conformance.rst
set -eu
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

log_of() { echo "build/logs/tests/xskxceiver-$1.log"; }

# One line a test: what came of it in each mode, by all ways together.
rows() {
	awk '
	/^(not )?ok [0-9]+ - / && match($0, /: (SKB|DRV|ZC) [A-Z0-9_]+/) {
		split(substr($0, RSTART + 2, RLENGTH - 2), word, " ")
		mode = word[1]; test = word[2]
		if (!(test in seen)) { seen[test] = 1; order[++n] = test }
		if ($1 == "not") failed[mode, test]++
		else if (/# SKIP /) { skipped[mode, test]++; why[test] = $0; sub(/.*# SKIP /, "", why[test]) }
		else passed[mode, test]++
	}
	function cell(mode, test) {
		if (failed[mode, test]) return "FAIL " failed[mode, test] "/" ways(mode, test)
		if (skipped[mode, test]) return "n/a"
		return "pass " passed[mode, test] "/" ways(mode, test)
	}
	function rule(n, text) {
		while (n-- > 0) text = text "="
		return text
	}
	function ways(mode, test) {
		return 0 + failed[mode, test] + passed[mode, test] + skipped[mode, test]
	}
	END {
		line = rule(34) "  " rule(9) "  " rule(9) "  " rule(9) "  " rule(40)
		print line
		printf "%-34s  %-9s  %-9s  %-9s  %s\n", "Test", "SKB", "DRV", "ZC", "Why it does not apply"
		print line
		for (i = 1; i <= n; i++) {
			row = sprintf("%-34s  %-9s  %-9s  %-9s  %s", order[i], cell("SKB", order[i]),
				cell("DRV", order[i]), cell("ZC", order[i]), why[order[i]])
			sub(/ +$/, "", row)
			print row
		}
		print line
	}' "$1"
}

kernel() {
	local log
	log=$(log_of "$1")
	[[ -s $log ]] || { echo "table.sh: there is no $log: make check-conformance" >&2; exit 1; }
	printf '\n%s\n%s\n\n' "Linux $1" "$(sed 's/./=/g' <<<"Linux $1")"
	echo "Kernel $(tests/vm/kernel.sh path "$1" release), xskxceiver of linux-source-$1" \
		"$(cat "build/kernels/$1/source/version")."
	echo "Ways: $(sed -nE 's/^(not )?ok [0-9]+ - (.*): all modes$/\2/p' "$log" | paste -sd ';' |
		sed 's/;/; /g')."
	echo "Passed $(grep -cE '^ok [0-9]+ - .*: (SKB|DRV|ZC) [A-Z0-9_]+$' "$log")," \
		"failed $(grep -cE '^not ok [0-9]+ - .*: (SKB|DRV|ZC) ' "$log" || true)," \
		"not applicable $(grep -cE '^ok [0-9]+ - .*: (SKB|DRV|ZC) .*# SKIP' "$log" || true);" \
		"needed another run: $(grep -c '^#   in . runs' "$log" || true)."
	echo
	rows "$log"
}

cat <<'RST'
.. SPDX-License-Identifier: GPL-2.0-only
.. Written by tests/conformance/table.sh; not to be changed by hand.

==================
AF_XDP conformance
==================

The kernel's own AF_XDP test program, ``xskxceiver`` of its selftests, on functions of uvf:
``make check-conformance``. `testing.rst <testing.rst>`_ says how it is run and what is changed in
the program.

Modes: SKB is generic XDP, DRV native XDP with a socket in copy mode, ZC zero-copy. A test runs once
by each way, fast path, slow path, and one function with a shared UMEM, with softirqs and with busy
polling: "pass 6/6" is by all six.
RST
for version in 6.1 6.12; do kernel $version; done

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What Documentation/conformance.rst says of the kernel's AF_XDP tests is what tests/conformance
# expects of them: the same tests, each by all ways, and what does not apply for the same reason.
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/lib/tap.sh
page=Documentation/conformance.rst

# "TEST SKB DRV ZC REASON", where a mode has "pass" or "n/a".
expected() { # version
	awk '
	/^[A-Z]/ {
		split("pass pass pass", cell)
		reason = ""
		if ($2 == "not-applicable" || $2 == "kernel") {
			modes = $0
			sub(/:.*/, "", modes)
			if (modes ~ / SKB/) cell[1] = "n/a"
			if (modes ~ / DRV/) cell[2] = "n/a"
			if (modes ~ / ZC/) cell[3] = "n/a"
			reason = $0
			sub(/^[^:]*:/, "", reason)
		}
		print $1, cell[1], cell[2], cell[3] reason
	}' "tests/conformance/expected-$1"
}

# A "pass" counts if it is by all six ways.
written() { # version
	awk -v section="Linux $1" '
	/^Linux / { here = $0 == section }
	here && / (pass|n\/a|FAIL)/ {
		gsub(/pass 6\/6/, "pass")
		gsub(/  +/, " ")
		print
	}' "$page"
}

for version in 6.1 6.12; do
	is "Linux $version: $page is what is expected" "$(written $version)" "$(expected $version)"
	ok "Linux $version: tests are expected" test "$(expected $version | wc -l)" -ge 15
done

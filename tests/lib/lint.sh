#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# shellcheck disable=SC2317 # the parts are called by name
#
# What a reader with a ruler and a compiler with a bad temper would say.
#   lint.sh [style|scripts|userspace|kmod]…     all by default
set -u
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
failed=0

complain() { echo "lint: $*" >&2; failed=1; }

sources() {
	local d ext=$1
	for d in kmod bpf include userspace tests; do
		[[ ! -d $d ]] || find "$d" -type f | grep -E "\.($ext)$"
	done
}

scripts() {
	grep -rlE '^#!/bin/(ba)?sh|^# shellcheck shell=' tests .ci completions
}

# An SPDX line each; 100 columns; no function over 70 lines; kernel white space.
style() {
	local f
	for f in $(sources 'c|h|sh|lua|mk') kmod/Kbuild Kconfig Makefile $(scripts); do
		[[ ! -e $f ]] || head -n 3 "$f" | grep -q 'SPDX-License-Identifier: ' ||
			complain "$f has no SPDX line in its head."
	done
	# shellcheck disable=SC2046 # a list of files
	LC_ALL=C awk '
	function say(text) { print FILENAME ":" FNR ": " text; bad = 1 }
	FNR == 1 { start = 0 }
	/[ \t]+$/ { say("white space at the end of the line") }
	/^        / { say("indented with spaces") }
	{
		line = $0
		gsub(/[\200-\277]/, "", line) # one column for a character of UTF-8
		while ((i = index(line, "\t")) > 0)
			line = substr(line, 1, i - 1) sprintf("%*s", 8 - (i - 1) % 8, "") substr(line, i + 1)
		# a message is not torn apart: it must be found by grep
		if (length(line) > 100 && line !~ /"/) say("longer than 100 columns")
	}
	/^{$/ { start = FNR }
	/^}/ {
		if (start && FNR - start - 1 > 70) say("a function of " FNR - start - 1 " lines; 70 is the limit")
		start = 0
	}
	END { exit bad }' $(sources 'c|h') || complain "the style of the lines above is not the tree's."
}

shell_scripts() {
	# sourced files set what their user reads; `local x=$(…)` is meant where it stands
	# shellcheck disable=SC2046 # a list of files
	shellcheck -S warning -e SC1010,SC1091,SC2034,SC2154,SC2155,SC2206 $(scripts) || complain "shellcheck found the above."
}

# Real defects only: see .clang-tidy for what is asked.
userspace() {
	local flags
	mkdir -p build/logs
	read -r -a flags <<<"$(pkg-config --cflags libnl-3.0 json-c libxml-2.0 lua5.4)"
	flags+=(-std=gnu11 -D_GNU_SOURCE '-DUVF_VERSION="lint"' -Iinclude -Iinclude/uapi -Iuserspace/common
		-Ibuild/bpf)
	make -s bpf || { complain "the steering programs do not build."; return; }
	find userspace -name '*.c' -print0 | sort -z |
		xargs -0 -P 2 -I{} clang-tidy --quiet {} -- "${flags[@]}" >build/logs/tidy.log 2>&1 || {
		grep -E '(warning|error): ' build/logs/tidy.log >&2
		complain "clang-tidy found the above; how it got there: build/logs/tidy.log"
	}
}

# With the headers of each kernel that is here, and of one at least.
kmod() {
	local kernel log
	mkdir -p build/logs
	for kernel in 6.1 6.12 7.2; do
		[[ $kernel == "${KERNEL:-6.1}" || -e build/kernels/$kernel/stamp ]] || continue
		log=build/logs/kmod-lint-$kernel.log
		make -s kmod-lint KERNEL=$kernel >"$log" 2>&1 || {
			grep -E '(warning|error):' "$log" >&2
			complain "W=1 or sparse found the above for $kernel; the whole log: $log"
		}
	done
}

[[ $# -gt 0 ]] || set -- style scripts userspace kmod
for part; do
	case $part in
	style | userspace | kmod) "$part" ;;
	scripts) shell_scripts ;;
	*) complain "there is no part '$part'." ;;
	esac
done
[[ $failed -ne 0 ]] || echo "lint: nothing to complain about."
exit $failed

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Each fuzzer for FUZZ_SECONDS (5 by default), from the seeds beside its source. New
# inputs go to build/fuzz, a crashing one is named and is worth a regression test.
set -u
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
failed=0

for fuzzer in build/fuzz/fuzz_*; do
	[[ -f $fuzzer && -x $fuzzer ]] || continue
	name=${fuzzer##*/}
	corpus=build/fuzz/corpus-$name
	mkdir -p "$corpus"
	seeds=tests/fuzz/${name#fuzz_}-seeds
	[[ -d $seeds ]] || seeds=
	if "$fuzzer" -max_total_time="${FUZZ_SECONDS:-5}" -print_final_stats=1 \
		-artifact_prefix="build/fuzz/$name-" "$corpus" ${seeds:+"$seeds"} >"$corpus.log" 2>&1; then
		echo "$name: $(sed -n 's/stat::number_of_executed_units: *//p' "$corpus.log") runs, no crash"
	else
		tail -n 30 "$corpus.log"
		echo "$name: CRASHED; its input is build/fuzz/$name-*"
		failed=1
	fi
done
exit $failed

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The tree keeps to its own rules: see tests/lib/lint.sh.
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/lib/tap.sh
need shellcheck clang-tidy sparse

ok "SPDX lines, columns, lengths of functions" tests/lib/lint.sh style
ok "shellcheck" tests/lib/lint.sh scripts
ok "clang-tidy" tests/lib/lint.sh userspace
ok "the module with W=1 and under sparse" tests/lib/lint.sh kmod

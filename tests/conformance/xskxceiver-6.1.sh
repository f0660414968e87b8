#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The kernel's own AF_XDP conformance program, that of 6.1.
# runs: vm
# vm: --kernel 6.1 --smp 2 --timeout 1800 --add build/conformance
set -u
version=6.1
. "$(dirname "$0")/run.sh"

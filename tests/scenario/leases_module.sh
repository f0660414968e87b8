#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The life of functions and leases, with the module.
# runs: vm
BACKEND=uvf exec "$(dirname "$0")/leases.sh"

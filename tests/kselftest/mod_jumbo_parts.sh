#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Jumbo frames in parts of a session, with the module.
# runs: vm
# vm: --smp 2 --timeout 400
BACKEND=uvf exec "$(dirname "$0")/jumbo_parts.sh"

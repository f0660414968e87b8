#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The firewall scenario with the module.
# runs: vm
BACKEND=uvf exec "$(dirname "$0")/firewall.sh"

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The firewall scenario without the module, on this machine's kernel.
BACKEND=veth exec "$(dirname "$0")/firewall.sh"

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The life of functions and leases, without the module, on this machine's kernel.
BACKEND=veth exec "$(dirname "$0")/leases.sh"

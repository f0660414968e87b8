#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Captures of a function of the module, on a kernel that lets programs follow others.
# runs: vm
BACKEND=${BACKEND:-uvf} exec "$(dirname "$0")/capture.sh"

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# vhost_frames.sh, without a copy.
SHIM=require exec "$(dirname "$0")/vhost_frames.sh"

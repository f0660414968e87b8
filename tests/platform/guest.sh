#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# In a VM of packages.sh: the firewall scenario, with the module that DKMS built.
set -eu
cd "$(dirname "$0")/../.."
cmp /root/uvf.ko "build/kmod-$(uname -r)/uvf.ko"
BACKEND=uvf exec tests/scenario/firewall.sh

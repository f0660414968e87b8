#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
#	build.sh KERNEL DIRECTORY	uvf_nomsix.ko for a kernel, in the directory
set -eu
vm=$(cd "$(dirname "$0")/.." && pwd)
cp "$vm"/nomsix/{Kbuild,uvf_nomsix.c} "$2"
make -s -C "$("$vm/kernel.sh" path "$1" kdir)" M="$2" CONFIG_DEBUG_INFO_BTF_MODULES= modules

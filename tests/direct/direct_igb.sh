#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# A queue of an igb, zero-copy. It has no rules for addresses (82576), so its table is changed; and
# it wants frames of a page, see is_too_small() in userspace/uvfd/direct.c.
# runs: vm
# vm: --kernel 7.2 --qemu newer --smp 2 --timeout 600 --wire igb+e1000
UVF_FRAME_SIZE=4096 BACKEND=uvf CARD=igb QUEUE=1 WAY=rss MODE=zero-copy \
	exec "$(dirname "$0")/../scenario/direct.sh"

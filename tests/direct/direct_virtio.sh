#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The only queue of a virtio-net card, zero-copy: the host's own frames come there too.
# runs: vm
# vm: --kernel 7.2 --smp 2 --timeout 600 --wire virtio-net-pci,disable-legacy=on,iommu_platform=on
BACKEND=uvf CARD=virtio_net QUEUE=0 WAY=none MODE=zero-copy LOST=8 \
	exec "$(dirname "$0")/../scenario/direct.sh"

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Queues of a veth uplink, which has neither rules nor a table, on this machine's kernel.
BACKEND=veth CARD=veth QUEUE=0 WAY=none MODE=copy exec "$(dirname "$0")/direct.sh"

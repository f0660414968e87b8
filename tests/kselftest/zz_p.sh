#!/bin/bash
set -u
. "$(dirname "$0")/../lib/topology.sh"
shim=require; fast=1500
. "$top/tests/lib/vhost.sh"
vhost_topology
front_start fw0 --shim "$shim" --socket "$tmp/fw0.sock"
guest_start g
guest g connect "path=$tmp/fw0.sock"
guest_begins g "packed mergeable num=64" "size=700 parts=2 guard=101 regions=5"
from_guest "of all sizes" g 2000
guest g rings
in_ns host uvf front show fw0 | tail -16
gdb -batch -ex 'p front.lane[1].ring' -ex 'p *(struct shim*)front.lane[1].state' -ex 'p front.lane[1].waits' -ex 'p *front.lane[1].queue->dev->source' -p $front 2>&1 | tail -120

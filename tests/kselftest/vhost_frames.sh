#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A function is a virtio-net device by vhost-user: frames in both directions by each kind of ring,
# what the config space tells, who notifies whom, and dirty pages.
#
#	wire 10.0.6.1 eth0 ══ eth1 (fw0)  host
set -u
. "$(dirname "$0")/../lib/topology.sh"
shim=${SHIM:-off}
# Without a copy, no more than the guest's own ring holds what comes while nobody runs.
fast=8000
[[ $shim == off ]] || fast=1500
. "$top/tests/lib/vhost.sh"
need ip nsenter ethtool jq

expect_fail "which function" uvf front vhost-user
expect_fail "socket" uvf front vhost-user fw0
expect_fail "is not running" env UVF_SOCKET="$tmp/nosuch" uvf front vhost-user fw0 --socket "$tmp/s"
vhost_topology
expect_fail "fw9" in_ns host uvf front vhost-user fw9 --socket "$tmp/fw9.sock"
expect_fail "nosuch" in_ns host uvf front vhost-user fw0 --socket "$tmp/nosuch/fw0.sock"

front_start fw0 --shim "$shim" --socket "$tmp/fw0.sock"
ok "it is nobody of rank" test "$(stat -c %u "/proc/$front")" -ne 0
is "without a right" "$(sed -n 's/^CapEff:\t*//p' "/proc/$front/status")" 0000000000000000
is "and with a filter of system calls" "$(sed -n 's/^Seccomp:\t*//p' "/proc/$front/status")" 2
guest_start g

# --- features and config space --------------------------------------------------------------------

ok "connects" guest g connect "path=$tmp/fw0.sock"
offered=$(guest g features)
has_feature() { jq -e ".$1 | index($2)" <<<"$offered" >/dev/null; }
# Virtio 1.2, 5.1.3 and 6; vhost-user, Protocol features.
for feature in 3 5 15 16 26 28 29 30 32 34; do
	ok "offers feature $feature" has_feature features $feature
done
for feature in 0 1 2 7 8 9 10 11 12 13 14; do
	not_ok "and no offload: $feature" has_feature features $feature
done
for feature in 0 1 3 5 9 12 13 15 16; do
	ok "protocol feature $feature" has_feature protocol $feature
done
ok "begins" guest g begin
config() { guest g config | jq -r ".$1"; }
mac_is() { [[ $(config mac | sed 's/\<\(.\)\>/0\1/g') == "$1" ]]; }
ok "the MAC address is fw0's" mac_is "$fw0_mac"
is "the MTU" "$(config mtu)" 1500

# --- each kind of ring ----------------------------------------------------------------------------

# A device without MRG_RXBUF needs buffers for a whole frame; with it, small ones do.
kinds=(
	"|split_header"
	"event_idx|parts=2"
	"indirect event_idx|parts=5 regions=3"
	"mergeable|size=400 parts=2"
	"mergeable indirect event_idx slots|size=260 guard=33 parts=7 regions=8"
	"packed|parts=2 split_header"
	"packed event_idx indirect|parts=5 regions=3"
	"packed mergeable num=64|size=700 parts=2 guard=101 regions=5"
	"packed mergeable indirect event_idx inflight slots|size=2048 parts=3 regions=2"
	"inflight mergeable num=1024|guard=0"
)
for kind in "${kinds[@]}"; do
	guest_begins g "${kind%%|*}" "${kind#*|}"
	to_guest "short" g 1000 $fast
	wire_sends 300 $((fast / 2)) size=1514
	said=$(guest g run expect=300 idle=2500)
	ok "long: 300 to the guest" all_came "$said" 300
	from_guest "of all sizes" g 2000
	from_guest "by a polling guest" g 1000 poll
	to_guest "to a polling guest" g 500 $fast poll
	is "nothing stays in flight" "$(field "$(guest g rings)" 'rings[1].in_flight')" 0
done

# --- who notifies whom ----------------------------------------------------------------------------

# Both sides awake: neither says much. A kick or a call for each frame would be as many as frames.
quiet() { # FEATURES
	guest_begins g "$1"
	guest_tell g run expect=4000 idle=2500 poll
	wire_sends 4000 $fast
	said=$(guest_answer g)
	ok "$1: a polling guest is not called: $(field "$said" calls)" test "$(field "$said" calls)" -le 4
	wire_hears 4000
	said=$(guest g run send=4000 nowait "to=$wire_mac")
	wire_heard
	ok "$1: 4000 frames at once: $(field "$said" kicks) kicks" test "$(field "$said" kicks)" -lt 1000
}
quiet "event_idx"
quiet "packed event_idx"
quiet "packed"

# With an event index it sleeps until as many came as it waits for: Virtio 1.2, 2.7.10 and 2.8.10.
late() {
	guest_begins g "$1"
	guest_tell g run expect=64 idle=1500 after=64
	wire_sends 64 1000
	said=$(guest_answer g)
	ok "$1: 64 frames" all_came "$said" 64
	ok "  and no call before the last: $(field "$said" calls)" test "$(field "$said" calls)" -le 4
}
late event_idx
late "packed event_idx"

idle_time() { awk '{ print $14 + $15 }' "/proc/$front/stat"; }
before=$(idle_time)
sleep 2
ok "with nothing to do it sleeps" test $(($(idle_time) - before)) -le 4

# --- dirty pages: vhost-user, Migration -----------------------------------------------------------

for kind in "mergeable log" "packed mergeable log event_idx"; do
	guest_begins g "$kind" "size=700 guard=3001"
	guest g dirty clear >/dev/null
	to_guest "logged" g 300 $((fast / 2))
	said=$(guest g dirty)
	is "every page that was written is in the log" "$(field "$said" missing)" 0
	ok "  of many" test "$(field "$said" written)" -gt 100
	ok "and not all of memory is" test "$(field "$said" logged)" -lt $((2 * $(field "$said" written)))
done

# --- the link -----------------------------------------------------------------------------------------

guest_begins g "mergeable" ""
is "the link is up" "$(config up)" true
in_ns host ip link set fw0 down
link_is() { [[ $(config up) == "$1" ]]; }
ok "fw0 goes down, and the guest's link with it" wait_for 5 link_is false
ok "  which it was told of" test "$(config changes)" -ge 1
in_ns host ip link set fw0 up
ok "and up again" wait_for 5 link_is true

is "no complaint of the client's" "$(cat "$tmp/g.err")" ""
front_stop
is "it ends well" "$front_status" 0
is "fw0 is nobody's" "$(in_ns host uvf show --json fw0 | jq .lease)" null
uvfd_stop

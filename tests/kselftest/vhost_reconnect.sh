#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Either side goes away and comes back, in both roles. The interface process is killed under
# numbered frames: none is lost.
#
#	wire 10.0.6.1 eth0 ══ eth1 (fw0)  host
set -u
. "$(dirname "$0")/../lib/topology.sh"
shim=${SHIM:-off}
. "$top/tests/lib/vhost.sh"
need ip nsenter ethtool jq
[[ $(printf '%s\n' 6.4 "$(uname -r)" | sort -V | head -n 1) == 6.4 ]] ||
	skip_all "before Linux 6.4 rings can't be passed on"

vhost_topology
guest_start g

# Each death is one that the guest notices.
has_guest() { [[ $(in_ns host uvf front show --json fw0 | jq .connected) == true ]]; }
killed_thrice() { # START COMMAND…
	local i
	for i in 1 2 3; do
		sleep 0.8
		front_kill
		"$@"
		wait_for 5 has_guest
	done
}

# One that died when all had come already: the guest's run was over, and did not see it.
found_again() { [[ $(field "$1" reconnected) -eq 3 ]] || guest g resume wait=10000 >/dev/null; }

# At least once: what was under way at the moment may come twice, and is counted.
none_lost() { # JSON N
	jq -e --argjson n "$2" '.received - .doubled == $n and .missing == 0 and (.damaged // 0) == 0 and
		(.wrong // 0) == 0' <<<"$1"
}

# Three times under frames each way, or as often as a busy machine has time for; the rings of the
# function hold two seconds of them.
killed_to_guest() { # START COMMAND…
	local said
	guest_tell g run expect=1500 idle=5000 reconnect
	wire_sends 1500 400
	killed_thrice "$@"
	said=$(guest_answer g)
	wait "$sender"
	ok "it was killed $(field "$said" reconnected) times" test "$(field "$said" reconnected)" -ge 1
	ok "1500 to the guest, none lost ($(field "$said" doubled) twice)" none_lost "$said" 1500
	found_again "$said"
}

killed_from_guest() { # START COMMAND…
	local said
	wire_hears 1500 idle=4000
	guest_tell g run send=1500 rate=400 idle=5000 reconnect "to=$wire_mac" "from=$fw0_mac"
	killed_thrice "$@"
	said=$(guest_answer g)
	wire_heard
	ok "it was killed $(field "$said" reconnected) times" test "$(field "$said" reconnected)" -ge 1
	is "all buffers are given back" "$(field "$said" completed)" 1500
	ok "1500 from the guest, none lost ($(field "$heard" doubled) twice)" none_lost "$heard" 1500
	found_again "$said"
}

server() { front_start fw0 --shim "$shim" --socket "$tmp/fw0.sock"; }
client() { front_start fw0 --shim "$shim" --socket "$tmp/guest.sock" --client; }

# --- the interface process listens ------------------------------------------------------------------

server
guest_begins g "mergeable" ""
both_ways "first" g
ok "the guest hangs up" guest g close
guest_begins g "packed mergeable event_idx" "regions=2"
both_ways "the next guest" g
ok "the guest is found again by its rings" guest g resume
both_ways "resumed" g

# Two at a time: one function has one guest.
guest_start other
guest other connect "path=$tmp/fw0.sock" wait=500 >/dev/null
guest_tell other features
both_ways "the first one notices nothing" g
read -r -t 0.1 -u "${guest_from[other]}" said && [[ $said != *'"ok":false'* ]] &&
	fail "a second guest is kept waiting, or sent away" "$said"
kill "$guest_pid"
guest g close >/dev/null

# Without a copy the guest's rings are all that holds what comes meanwhile.
room=''
[[ $shim == off ]] || room=num=1024
for kind in "mergeable $room" "mergeable inflight event_idx indirect $room" \
	"packed mergeable inflight indirect event_idx ${room:-num=64}"; do
	guest_begins g "$kind" "regions=2 parts=2"
	killed_to_guest server
	killed_from_guest server
	both_ways "$kind: afterwards" g
done

# The guest dies, its buffers with it.
guest_start dying
dying=$guest_pid
guest g close >/dev/null
guest_begins dying "mergeable inflight" ""
guest_tell dying run input
wire_sends 1000 2000
sleep 0.2
kill -KILL "$dying"
wait "$sender"
guest_begins g "mergeable" ""
guest g run idle=200 >/dev/null
both_ways "a guest died under traffic; the next one" g
front_stop
is "it ends well" "$front_status" 0

# --- it connects ------------------------------------------------------------------------------------

guest g close >/dev/null
ns_spawn host uvf front vhost-user fw0 --shim "$shim" --socket "$tmp/guest.sock" \
	--client >"$tmp/fw0.front" 2>&1
front=$spawned
sleep 0.5
ok "it waits for a guest that is not there" kill -0 "$front"
ok "the guest listens" guest g listen "path=$tmp/guest.sock"
chmod 666 "$tmp/guest.sock"
ok "and is found" guest g connect wait=10000
ok "agrees" guest g features "packed mergeable inflight $room"
ok "begins" guest g begin
both_ways "as a client" g
ok "the guest hangs up" guest g close
ok "and is found again" guest g resume wait=10000
both_ways "again" g
killed_to_guest client
killed_from_guest client
front_stop
is "it ends well" "$front_status" 0
is "fw0 is nobody's" "$(in_ns host uvf show --json fw0 | jq .lease)" null
uvfd_stop
is "uvfd too" "$uvfd_status" 0

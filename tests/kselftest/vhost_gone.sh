#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What killed it before: memory, rings and guests that go away while frames are in flight, and
# completions that come late or never.
#
#	wire 10.0.6.1 eth0 ══ eth1 (fw0)  host
set -u
. "$(dirname "$0")/../lib/topology.sh"
shim=${SHIM:-off}
. "$top/tests/lib/vhost.sh"
need ip nsenter ethtool jq tc

vhost_topology
front_start fw0 --shim "$shim" --socket "$tmp/fw0.sock"
guest_start g

# Without a copy, the guest's buffers are all that a frame can come to: while there are none, as
# with a card, it is lost. None may come twice, or damaged.
kept() { # JSON N
	if [[ $shim == off ]]; then
		all_came "$1" "$2"
	else
		jq -e --argjson n "$2" '.received > $n / 4 and
			[.doubled, .damaged, .wrong] == [0, 0, 0]' <<<"$1"
	fi
}

# Frames a second: four stops are to fall into 3000, also where each takes half a second.
steady=600

alive() { kill -0 "$front" && guest g status; }
# Files of the guest's memory that the interface process has mapped.
mapped() { grep -c 'memfd:guest' "/proc/$front/maps"; }
mapped_is() { [[ $(mapped) -eq $1 ]]; }

# The driver begins anew, and frames pass: whatever was before, nothing of it is left.
recovers() { # AFTER WHAT
	guest g reset >/dev/null
	ok "$1: the next driver begins" guest g again
	guest g run idle=200 >/dev/null # frames that waited for it
	both_ways "$1, afterwards" g
}

kinds=("mergeable event_idx" "packed mergeable indirect slots inflight")
[[ $shim == off ]] || unset "kinds[0]" # the rings are the same
for kind in "${kinds[@]}"; do
	diag "--- $kind"

	# --- a memory region unmapped with frames in flight ---------------------------------------

	guest_begins g "$kind" "regions=4"
	ok "four regions are mapped" mapped_is 4
	wire_sends 2000 2000
	said=$(guest g run expect=500)
	ok "the last region goes, in which nothing is in flight" guest g forget region=3
	ok "  and its mapping with it" wait_for 2 mapped_is 3
	said=$(guest g run more expect=1000)
	ok "  and comes back" guest g remember region=3
	said=$(guest g run more expect=2000 idle=2500)
	ok "under 2000 frames, which are kept" kept "$said" 2000
	wait "$sender"

	wire_sends 1500 1500
	said=$(guest g run expect=300)
	# A device may say that it can't do without what its rings need.
	guest g forget region=1 >/dev/null
	pass "a region unmapped with frames in flight"
	sleep 0.3
	ok "it lives, and answers" alive
	wait "$sender"
	ok "nothing of it stays mapped" wait_for 3 mapped_is 3
	ok "it comes back" guest g remember region=1
	recovers "region unmapped"

	wire_sends 1000 1500
	said=$(guest g run expect=300)
	pass "all regions at once"
	for region in 0 1 2 3; do guest g forget region=$region >/dev/null; done
	wait "$sender"
	ok "it lives, and answers" alive
	ok "nothing stays mapped" wait_for 3 mapped_is 0
	for region in 0 1 2 3; do guest g remember region=$region >/dev/null; done
	recovers "all of memory unmapped"

	# --- a ring disabled, stopped, reset with frames in flight --------------------------------

	wire_sends 1500 1500
	said=$(guest g run expect=300)
	ok "the receive ring disabled with frames in flight" guest g disable ring=0
	before=$(field "$(guest g run more idle=300)" received)
	said=$(guest g run more idle=300)
	is "nothing is received meanwhile" "$(field "$said" received)" "$before"
	ok "enabled again" guest g enable ring=0
	wait "$sender"
	wire_sends 200 1500 first=1500
	said=$(guest g run more idle=1000)
	ok "frames come again" test "$(field "$said" received)" -gt "$before"
	is "none twice, none damaged" "$(jq -c '[.doubled, .damaged, .wrong]' <<<"$said")" "[0,0,0]"
	wait "$sender"

	ok "the transmit ring disabled" guest g disable ring=1
	wire_hears 100
	said=$(guest g run send=300 "to=$wire_mac" "from=$fw0_mac")
	is "what is sent is taken from it" "$(field "$said" completed)" 300
	ok "enabled again" guest g enable ring=1
	said=$(guest g run send=100 first=1000 "to=$wire_mac" "from=$fw0_mac")
	wire_heard
	is "and did not arrive; what was sent later did" "$heard" "$(heard_all 100)"

	wire_sends 3000 $steady
	said=$(guest g run expect=500)
	for i in 1 2 3 4; do
		stopped=$(guest g stop ring=0) || diag "$stopped"
		guest g run more idle=1 >/dev/null
		is "stopped: its base is behind the last that was used" "$(field "$stopped" base)" \
			"$(field "$(guest g base ring=0)" base)"
		ok "  started there" guest g start ring=0 "base=$(field "$stopped" base)"
		ok "  enabled" guest g enable ring=0
		said=$(guest g run more expect=$((500 + i * 500)))
	done
	said=$(guest g run more expect=3000 idle=2500)
	ok "stopped with frames in flight, 3000 are kept" kept "$said" 3000
	wait "$sender"

	wire_hears 3000
	for i in 0 1 2 3 4; do
		guest g run send=600 nowait first=$((i * 600)) "to=$wire_mac" "from=$fw0_mac" rate=20000 \
			>/dev/null
		stopped=$(guest g stop ring=1)
		guest g run idle=100 >/dev/null
		guest g start ring=1 "base=$(field "$stopped" base)" >/dev/null
		guest g enable ring=1 >/dev/null
	done
	said=$(guest g run send=0 idle=500)
	wire_heard
	is "the transmit ring stopped five times: 3000 arrive" "$heard" "$(heard_all 3000)"
	is "nothing stays in flight" "$(field "$(guest g rings)" 'rings[1].in_flight')" 0

	wire_sends 2000 1500
	said=$(guest g run expect=300)
	guest g run send=200 nowait "to=$wire_mac" >/dev/null
	ok "reset with frames in flight" guest g reset
	wait "$sender"
	ok "the next driver begins" guest g again
	guest g run idle=300 >/dev/null
	both_ways "reset, afterwards" g

	# --- a guest that reboots in the middle: another driver, which agrees on other features ----

	wire_sends 1500 1500
	said=$(guest g run expect=300)
	guest g run send=100 nowait "to=$wire_mac" >/dev/null
	ok "the guest reboots" guest g reset
	ok "its firmware has a driver of less" guest g features "$(grep -o 'slots.*' <<<"$kind")"
	ok "which begins" guest g begin "regions=1 parts=2"
	wait "$sender"
	guest g run idle=300 >/dev/null
	both_ways "firmware" g
	ok "and ends" guest g reset
	ok "the next one wants all" guest g features "$kind"
	ok "and begins" guest g begin "regions=3"
	both_ways "rebooted" g

	# --- starvation ---------------------------------------------------------------------------

	guest g reset >/dev/null
	ok "a guest without buffers" guest g again nopost
	wire_sends 5000 10000
	wait "$sender"
	time_before=$(awk '{ print $14 + $15 }' "/proc/$front/stat")
	sleep 1
	ok "it sleeps" test $(($(awk '{ print $14 + $15 }' "/proc/$front/stat") - time_before)) -lt 10
	ok "then has two" guest g post ring=0 count=2
	sleep 0.1
	wire_sends 100 1000 first=5000
	wait "$sender"
	said=$(guest g run hold idle=300)
	is "which are filled" "$(field "$said" received)" 2
	ok "and all" guest g post ring=0
	said=$(guest g run idle=500)
	[[ $shim != off ]] || ok "frames that waited come: $(field "$said" received)" \
		test "$(field "$said" received)" -gt 100
	is "none twice, none damaged" "$(jq -c '[.doubled, .damaged, .wrong]' <<<"$said")" "[0,0,0]"
	both_ways "fed" g
done

# --- completions that come late, or never -----------------------------------------------------------

uplink_delay() { in_ns host tc qdisc replace dev eth1 root netem delay "$1" limit 20000; }
uplink_free() { in_ns host tc qdisc del dev eth1 root; }

for kind in "mergeable" "packed mergeable event_idx inflight"; do
	guest_begins g "$kind" "regions=2"
	uplink_delay 1s
	wire_hears 5000 idle=3000
	said=$(guest g run send=5000 idle=5000 "to=$wire_mac" "from=$fw0_mac")
	is "completions a second late: all come" "$(field "$said" completed)" 5000
	wire_heard
	is "and frames, once" "$heard" "$(heard_all 5000)"

	wire_hears 200 idle=3000
	guest g run send=200 nowait "to=$wire_mac" "from=$fw0_mac" >/dev/null
	began=$EPOCHREALTIME
	stopped=$(guest g stop ring=1)
	took=$(awk "BEGIN { print $EPOCHREALTIME - $began }")
	ok "a ring that waits for them is stopped at once ($took s)" awk "BEGIN { exit !($took < 2) }"
	ok "  started" guest g start ring=1 "base=$(field "$stopped" base)"
	ok "  enabled" guest g enable ring=1
	said=$(guest g run idle=1500)
	wire_heard
	is "frames of before it arrive once" "$heard" "$(heard_all 200)"
	is "nothing stays in flight" "$(field "$(guest g rings)" 'rings[1].in_flight')" 0

	uplink_delay 1000s
	guest g run send=3000 nowait idle=300 "to=$wire_mac" "from=$fw0_mac" >/dev/null
	to_guest "none comes, and receiving goes on" g 500 3000
	ok "reset" guest g reset
	ok "the next driver begins" guest g again
	guest g run send=3000 nowait idle=300 "to=$wire_mac" "from=$fw0_mac" >/dev/null
	guest g forget region=1 >/dev/null
	ok "the guest is gone" guest g close
	guest_begins g "$kind" ""
	to_guest "the next one receives" g 500 3000
	ok "it lives" alive
	uplink_free
	both_ways "and sends, when the uplink does" g
done

# --- teardown twice ---------------------------------------------------------------------------------

guest_begins g "mergeable" ""
for ring in 0 1 0 1; do
	ok "ring $ring stopped, and again" guest g stop ring=$ring
done
for ring in 0 1 0 1; do
	ok "ring $ring disabled, and again" guest g disable ring=$ring
done
ok "reset" guest g reset
ok "and again" guest g reset
ok "region 0 forgotten" guest g forget region=0
guest g forget region=0 >/dev/null
ok "it lives" kill -0 "$front"
ok "closed" guest g close
ok "and again" guest g close
guest_begins g "mergeable" ""
both_ways "after all that" g
wire_sends 1000 1000
guest g run expect=200 >/dev/null
kill "$front"
kill "$front"
wait "$front"
is "ended twice under traffic, it ends well" "$?" 0
wait "$sender"
is "fw0 is nobody's" "$(in_ns host uvf show --json fw0 | jq .lease)" null
front_start fw0 --shim "$shim" --socket "$tmp/fw0.sock"
ok "the guest finds the next one" guest g resume wait=5000
guest g run idle=300 >/dev/null # frames that waited
both_ways "which goes on" g
front_stop
is "it ends well" "$front_status" 0
uvfd_stop
is "uvfd too" "$uvfd_status" 0

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A guest with two cards goes over from one to the other, and back: `uvf front vhost-user fw1
# --standby-of fw0` takes the frames of fw0 while its guest's driver is there.
#
#	wire 10.0.6.1 eth0 ══ eth1 host
#	                       ├ fw0 ── front ── old
#	                       └ fw1 ── front ── new
set -u
. "$(dirname "$0")/../lib/topology.sh"
. "$top/tests/lib/vhost.sh"
need ip nsenter ethtool jq
uvf() { in_ns host uvf "$@"; }
shown() { uvf front show --json fw1 | jq -r ".$1"; }

vhost_topology
for name in fw1 fw2; do
	ok "$name" in_ns host uvf add "$name" --backend veth --link eth1
	in_ns host ip link set "$name" up
done
expect_fail "there is no function fw9" uvf front vhost-user fw1 --socket "$tmp/x" --standby-of fw9
expect_fail "gets its frames already" uvf front vhost-user fw1 --socket "$tmp/x" --standby-of fw1

front_start fw0 --socket "$tmp/fw0.sock"
guest_start old
guest_begins old mergeable
guest_start new

new_begins() {
	ok "new connects" guest new connect "path=$tmp/fw1.sock" wait=5000
	ok "new agrees" guest new features "mergeable $1"
	ok "new begins, and has no buffers yet" guest new begin nopost
}
turned() { wait_for 5 eval '[[ $(uvf redirect fw0) == '"'$1'"' ]]'; }

# What came to both: each frame to one of them, and some to each.
shared() { # DESC OLD NEW
	is "$1: each frame came to one of the two" \
		"$(jq -sc '[(map(.received) | add), map(.doubled, .damaged, .wrong)[]]' <<<"$2 $3")" \
		"[3000,0,0,0,0,0,0]"
	ok "  and some to each" jq -se 'all(.received > 0)' <<<"$2 $3"
	diag "old $(field "$2" received), new $(field "$3" received)"
}

for shim in off require; do
	diag "shim: $shim"
	front_start fw1 --shim $shim --socket "$tmp/fw1.sock" --standby-of fw0
	second=$front
	is "it may take the frames of fw0" "$(uvf redirect fw0)" "standby fw1"
	new_begins ""
	is "the address that the guest sees is fw0's" \
		"$(guest new config | jq -r .mac | sed 's/\<\(.\)\>/0\1/g')" "$fw0_mac"
	to_guest "without buffers: still the old card" old 200 1000
	ok "buffers" guest new post ring=0
	ok "it takes them" turned "to fw1"
	to_guest "then the new one" new 200 1000
	is "it says so" "$(shown '| [.standby_of, .standby_took]' | jq -c .)" '["fw0",true]'
	guest_tell new run send=200 rate=2000 idle=2500 "to=$wire_mac" "from=$fw0_mac"
	wire_hears 400
	guest old run send=200 first=200 rate=2000 idle=2500 "to=$wire_mac" "from=$fw0_mac" >/dev/null
	guest_answer new >/dev/null
	wire_heard
	like "both cards send meanwhile" "$heard" '"doubled": 0, "missing": 0'
	ok "the driver is gone" guest new reset
	ok "the old card has them again" turned "standby fw1"
	to_guest "as before" old 200 1000
	guest new close >/dev/null

	new_begins event_idx
	guest_tell old run expect=3000 idle=3000
	wire_sends 3000 1000
	sleep 0.5
	guest new post ring=0 >/dev/null
	guest_tell new run expect=3000 idle=3000
	turned "to fw1"
	kill -KILL "$uvfd"
	wait "$uvfd" 2>/dev/null
	uvfd_start host
	is "the next uvfd knows" "$(uvf redirect fw0)" "to fw1"
	wait "$sender"
	said_old=$(guest_answer old) said_new=$(guest_answer new)
	shared "over to it, and uvfd killed" "$said_old" "$said_new"

	guest_tell new run expect=3000 idle=3000
	guest_tell old run expect=3000 idle=3000
	wire_sends 3000 1000
	sleep 0.5
	ok "back, as the operator says" uvf redirect fw0 off
	wait "$sender"
	said_old=$(guest_answer old) said_new=$(guest_answer new)
	shared "back" "$said_old" "$said_new"
	is "and it is no standby any more" "$(uvf redirect fw0)" off
	guest new close >/dev/null
	new_begins ""
	ok "buffers" guest new post ring=0
	wait_for 5 grep -q "is no standby of fw0" "$tmp/fw1.front"
	like "what it may not it does not" "$(cat "$tmp/fw1.front")" 'fw1 is no standby of fw0'
	like "and tells" "$(shown standby_why)" 'no standby'
	ok "it may, but the operator has turned them already" uvf redirect fw0 to fw2
	uvf redirect fw0 standby fw1
	ok "that stays" wait_for 5 eval '[[ $(shown standby_why) == *"are for another function"* ]]'
	is "  as it was" "$(uvf redirect fw0)" "to fw2"
	uvf redirect fw0 off
	ok "it may again" uvf redirect fw0 standby fw1
	ok "and does" turned "to fw1"
	is "nothing is wrong" "$(shown standby_why)" null

	# Its sockets wait for a successor, and frames in them.
	kill -KILL "$second"
	wait "$second" 2>/dev/null
	sleep 0.2
	is "killed: they wait for the next" "$(uvf redirect fw0)" "to fw1"
	front_start fw1 --shim $shim --socket "$tmp/fw1.sock" --standby-of fw0
	second=$front
	is "which has them" "$(uvf redirect fw0)" "to fw1"
	ok "no guest comes: the old card has them again" wait_for 12 eval \
		'[[ $(uvf redirect fw0) == "standby fw1" ]]'
	guest new close >/dev/null
	new_begins ""
	ok "buffers" guest new post ring=0
	ok "one comes" turned "to fw1"
	kill "$second"
	wait "$second"
	is "an orderly end" $? 0
	is "gives them back" "$(uvf redirect fw0)" "standby fw1"
	to_guest "and the old card has them" old 200 1000
	guest new close >/dev/null
done

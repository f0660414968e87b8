#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A guest, and a front-end, that break the rules: each evil of vhost_client_evil.c on both rings of
# both kinds, each nonsense of vhost_client_nonsense.c. The interface process neither ends nor
# loses its way, and its sibling does not notice.
#
#	wire 10.0.6.1 eth0 ══ eth1 (fw0, fw1)  host
set -u
. "$(dirname "$0")/../lib/topology.sh"
shim=${SHIM:-off}
. "$top/tests/lib/vhost.sh"
need ip nsenter ethtool jq

vhost_topology
in_ns host uvf add fw1 --backend veth --link eth1
in_ns host ip link set fw1 up
front_start fw1 --shim "$shim" --socket "$tmp/fw1.sock"
sibling=$front
front_start fw0 --shim "$shim" --socket "$tmp/fw0.sock"
guest_start g
guest_start good

# What no device may take for good: the rest is odd, but a device may make do with it.
wrong=" address_outside address_of_host address_wraps end_outside length_huge loop head_outside
	index_jumps table_nested table_address_outside table_odd table_huge
	table_outside "
# A split ring's chain names what comes next; a packed ring's has it behind, or has it not yet.
wrong_split=" next_outside table_loops table_next_outside index_goes_back "

is_wrong() { # KIND EVIL
	[[ $wrong == *[[:space:]]$2[[:space:]]* ]] ||
		[[ $1 != packed* && $wrong_split == *" $2 "* ]]
}
# A packed ring has any id, and no index.
not_for_packed=" head_outside index_jumps index_goes_back "

needs_reset() { [[ $(field "$(guest g status)" needs_reset) == true ]]; }
errors() { field "$(guest g errors)" errors; }

evil() { # KIND RING EVIL
	local nopost=() what="$3, ${1%% *} ring $2" errors
	[[ $2 -eq 1 ]] || nopost=(nopost)
	guest g connect "path=$tmp/fw0.sock" wait=5000 >/dev/null || bail_out "$what: no connection"
	guest g features "$1" >/dev/null
	guest g begin "${nopost[@]}" parts=2 >/dev/null
	guest g evil "$3" ring="$2" >/dev/null || bail_out "$what: can't"
	[[ $2 -eq 1 ]] || in_ns wire "$seq" send eth0 to="$fw0_mac" count=5 size=600 >/dev/null
	if is_wrong "$1" "$3" && [[ $1 != packed* || $not_for_packed != *" $3 "* ]]; then
		ok "$what: needs reset" wait_for 2 needs_reset
		ok "  and says so" test "$(errors)" -ge 1
	else
		sleep 0.02
	fi
	guest g reset >/dev/null || bail_out "$what: no reset; $(tail -n 3 "$tmp/fw0.front")"
	guest g again >/dev/null
	guest g run idle=20 >/dev/null
	guest_tell g run expect=20 idle=1500
	in_ns wire "$seq" send eth0 to="$fw0_mac" count=20 rate=2000 >/dev/null
	ok "$what: the next driver has a device that works" all_came "$(guest_answer g)" 20
}

# --- the sibling: frames each way all the time --------------------------------------------------------

fw1_mac=$(mac_of host fw1)
ok "a guest of good manners" guest good connect "path=$tmp/fw1.sock"
ok "agrees" guest good features "mergeable event_idx num=1024"
ok "begins" guest good begin
guest_tell good run input
ns_spawn wire "$seq" send eth0 "to=$fw1_mac" count=1000000 rate=500 >"$tmp/sibling.sent"
sibling_sender=$spawned

# --- evils --------------------------------------------------------------------------------------------

mapfile -t evils < <(guest g evils | jq -r '.names[]')
ok "there are evils to do" test ${#evils[@]} -ge 30
kinds=("mergeable indirect" "packed mergeable indirect event_idx")
[[ $shim == off ]] || unset "kinds[1]" # the rings are the same
for kind in "${kinds[@]}"; do
	for evil in "${evils[@]}"; do
		evil "$kind" 1 "$evil"
		evil "$kind" 0 "$evil"
	done
done
ok "it is the same process" kill -0 "$front"

# Memory whose file is cut short: a load from it is a SIGBUS.
for ring in 0 1; do
	guest_begins g "mergeable" "regions=4"
	ok "memory is cut short" guest g truncate region=$ring
	in_ns wire "$seq" send eth0 to="$fw0_mac" count=300 rate=3000 >/dev/null
	guest g close >/dev/null
done
ok "it lives" kill -0 "$front"

# --- nonsense -----------------------------------------------------------------------------------------

mapfile -t nonsenses < <(guest g nonsenses | jq -r '.names[]')
ok "there is nonsense to say" test ${#nonsenses[@]} -ge 20
for nonsense in "${nonsenses[@]}"; do
	guest g connect "path=$tmp/fw0.sock" wait=5000 >/dev/null
	guest g features "log inflight" >/dev/null
	ok "$nonsense is refused" guest g nonsense "$nonsense"
	guest g close >/dev/null
done
ok "it is the same process" kill -0 "$front"
guest_begins g "mergeable" ""
guest g run idle=300 >/dev/null # frames that waited
both_ways "after all that" g

# --- nobody else noticed ------------------------------------------------------------------------------

kill "$sibling_sender"
wait "$sibling_sender" 2>/dev/null
sleep 0.2
guest_tell good rings
said=$(guest_answer good)
guest_answer good >/dev/null
# Without a copy its own ring is all the room there is: 1024 frames, two seconds of them. On a machine
# that lets it wait for longer, its socket has no buffer, and counts that; nothing else may be lost.
no_buffer=$(in_ns host uvf stats --json fw1 | jq .socket.rx_no_frame)
ok "the sibling's guest lost nothing ($(field "$said" missing), its ring was empty for $no_buffer)" \
	test "$(field "$said" missing)" -le "$no_buffer"
is "  nothing of it was doubled or damaged" "$(jq -c '[.doubled, .damaged, .wrong]' <<<"$said")" "[0,0,0]"
ok "of many: $(field "$said" received)" test "$(field "$said" received)" -gt 2000
not_ok "no sanitizer complained" grep -E 'Sanitizer|runtime error' "$tmp/fw0.front"
front_stop
is "it ends well" "$front_status" 0
front=$sibling
front_stop
is "and its sibling" "$front_status" 0
uvfd_stop

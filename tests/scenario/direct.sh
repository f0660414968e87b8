#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A function leases a queue of its uplink: its frames come to the appliance by the queue's own
# socket, those that come elsewhere by the shared path, others' go where they always went; and
# afterwards the card is as it was.
#
#	  client                          host
#	┌────────────────┐      ┌─────────────────────────┐
#	│ eth0 10.0.1.2  ╪══════╪═ eth1 10.0.1.9          │
#	└────────────────┘      │   └ fw0 10.0.1.1        │
#	                        └─────────────────────────┘
#
# CARD is what eth1 is: veth, or a card of a VM, whose other end is the card behind it. QUEUE is
# leased; WAY is how frames come there, MODE what its driver can. LOST of the host's own frames may be
# lost, in all: where there is but one queue, what comes while it gets a socket, or loses it.
set -u
. "$(dirname "$0")/../lib/topology.sh"
export BACKEND=${BACKEND:-veth} CARD=${CARD:-veth} QUEUE=${QUEUE:-0} WAY=${WAY:-none} MODE=${MODE:-copy}

need ip nsenter ethtool ping jq
fw=$bin/firewall

wire_veth() {
	ip link add eth0 netns "uvf-$$-client" numrxqueues 2 numtxqueues 2 type veth \
		peer name eth1 netns "uvf-$$-host" numrxqueues 2 numtxqueues 2 ||
		bail_out "can't wire the client to the host"
	in_ns host ethtool -L eth1 rx 2 tx 2
	in_ns client ethtool -L eth0 tx 1
}

# Cards come in pairs: eth0 and eth1 are the two ends of the first cable.
wire_cards() {
	ip link set eth0 netns "uvf-$$-host" name uplink
	ip link set eth1 netns "uvf-$$-client" name eth0
	in_ns host ip link set uplink name eth1
}

topology_make client host
if [[ $CARD == veth ]]; then wire_veth; else wire_cards; fi
in_ns client ethtool -K eth0 tx off >/dev/null
in_ns client ip addr add 10.0.1.2/24 dev eth0
in_ns host ip addr add 10.0.1.9/24 dev eth1
in_ns client ip link set eth0 up
in_ns host ip link set eth1 up
bpffs_ready
[[ $BACKEND == veth ]] || module_load
printf 'port fw0 10.0.1.1/24\npass all\n' >"$tmp/fw0.conf"
ok "fw0" function_add host fw0 eth1 firewall
# Some drivers reset the card when a program comes or goes: this one keeps it there.
ok "stay0, which nobody uses" function_add host stay0 eth1 nobody
in_ns host ip link set stay0 up
in_ns host ip link set fw0 up
like "eth1 is of the driver $CARD" "$(in_ns host ethtool -i eth1)" "^driver: $CARD$"
uvfd_start host
ok "the uplink is steered" wait_for 10 grep -q 'steering with XDP' "$tmp/uvfd.log"

pings() { in_ns client ping -q -c 3 -i 0.2 -w 8 "$1"; }
ok "the uplink answers" wait_for 15 pings 10.0.1.9
ns_spawn client ping -i 0.25 10.0.1.9 >"$tmp/ping.eth1" 2>&1
uplink_ping=$spawned

lease() { in_ns host uvf lease --json fw0 | jq -c ".[0]$1"; }
is_on() { [[ $(lease .on) == true ]]; }
is_off() { [[ $(lease .on) != true ]]; }
# What an operator sees of how the card spreads what it receives.
card() {
	in_ns host ethtool -l eth1
	in_ns host ethtool -x eth1
	in_ns host ethtool -n eth1
} 2>&1
as_before() { [[ $(card) == "$before" ]]; }
received() { in_ns host ip -s -j link show fw0 | jq '.[0].stats64.rx.packets'; }
sent() { in_ns host ip -s -j link show fw0 | jq '.[0].stats64.tx.packets'; }

directly() { in_ns host uvf stats --json fw0 | jq '.steering.direct_frames // 0'; }

# The function's own device does not see what takes the direct way.
answers_by() { # direct|shared, DESC
	local rx tx grown direct
	rx=$(received) tx=$(sent) direct=$(directly)
	ok "$2: 20 pings are answered" in_ns client ping -q -c 20 -i 0.05 -w 20 10.0.1.1
	grown="$(($(received) - rx)) $(($(sent) - tx))"
	direct=$(($(directly) - direct))
	diag "  fw0 received and sent $grown frames meanwhile, and received $direct directly"
	if [[ $1 == direct ]]; then
		ok "  by the direct way" between "${grown% *}" 0 5
		! kill -0 "$uvfd" 2>/dev/null || ok "  which is counted" between "$direct" 20 9999
		[[ $TRANSMITS == shared ]] || ok "  and back by it" between "${grown#* }" 0 5
	else
		ok "  by the shared path" between "${grown% *}" 20 9999
		is "  none directly" "$direct" 0
	fi
}
TRANSMITS=direct
export UVF_FRAME_SIZE=${UVF_FRAME_SIZE:-2048}

# --- refusals ---------------------------------------------------------------------------------------

before=$(card)
diag "$before"
queues=$(in_ns host ethtool -l eth1 | awk '/^(RX|Combined):/ { n = $2 + 0 ? $2 : n } END { print n }')
expect_fail "there is no function fw7" in_ns host uvf lease fw7 --queues 1
expect_fail "eth1 has no queue 63: it has $queues" in_ns host uvf lease fw0 --queue 63
expect_fail "has $queues queues that are not leased, not 64" in_ns host uvf lease fw0 --queues 64
expect_fail "not a number up to 63" in_ns host uvf lease fw0 --queue 64
expect_fail "not a number up to 64" in_ns host uvf lease fw0 --queues x
expect_fail "no way to a queue" in_ns host uvf lease fw0 --queues 1 --by magic
expect_fail "off gives all queues back" in_ns host uvf lease fw0 off --queues 1
expect_fail "to which function" in_ns host uvf lease --queues 1
[[ $WAY == rss ]] ||
	expect_fail "no indirection table" in_ns host uvf lease fw0 --queue "$QUEUE" --by rss
ok "vlan0, of VLAN 7" function_add host vlan0 eth1 firewall 7
expect_fail "only functions of all VLANs" in_ns host uvf lease vlan0 --queues 1
in_ns host uvf del vlan0
if [[ $BACKEND == veth ]]; then
	in_ns host uvf limit fw0 tx pps 1000
	expect_fail "has a limit on what it sends" in_ns host uvf lease fw0 --queues 1
	in_ns host uvf limit fw0 tx off
	in_ns host uvf mirror fw0 to stay0 tx
	expect_fail "has a mirror of what it sends" in_ns host uvf lease fw0 --queues 1
	in_ns host uvf mirror fw0 off
fi
is "nothing is leased" "$(in_ns host uvf lease --json | jq -c .)" "[]"

# --- an appliance on a queue of the uplink ----------------------------------------------------------

appliance_start host fw0 "$fw" "$tmp/fw0.conf"
answers_by shared "no lease"
appliance_stop
if [[ $CARD == igb ]]; then
	ok "queue $QUEUE, for frames too small for zero-copy" in_ns host uvf lease fw0 --queue "$QUEUE"
	UVF_FRAME_SIZE=2048 appliance_start host fw0 "$fw" "$tmp/fw0.conf"
	is "  copies" "$(lease .mode)" '"copy"'
	ok "  large ones" in_ns client ping -q -c 5 -i 0.1 -s 1472 -w 10 10.0.1.1
	appliance_stop
else
	ok "queue $QUEUE, and no zero-copy" in_ns host uvf lease fw0 --queue "$QUEUE" --copy
	appliance_start host fw0 "$fw" "$tmp/fw0.conf"
	is "  copies" "$(lease .mode)" '"copy"'
	answers_by direct "copied"
	appliance_stop
fi
ok "queue $QUEUE for fw0" in_ns host uvf lease fw0 --queue "$QUEUE"
ok "again, which changes nothing" in_ns host uvf lease fw0 --queue "$QUEUE"
is "it is shown" "$(lease '|[.function,.uplink,.queues,.by,.on]')" \
	"[\"fw0\",\"eth1\",[$QUEUE],\"auto\",false]"
like "as text too" "$(in_ns host uvf lease)" "^fw0 +eth1 +auto +no +- +$QUEUE$"
ok "while there is no appliance the card is left alone" as_before

appliance_start host fw0 "$fw" "$tmp/fw0.conf"
is "with an appliance it is on" "$(lease '|[.by,.on,.mode]')" "[\"$WAY\",true,\"$MODE\"]"
expect_fail "has queues in use" in_ns host uvf lease fw0 --queues 1
if [[ $BACKEND == veth ]]; then
	expect_fail "past every program that could limit" in_ns host uvf limit fw0 tx pps 1000
	expect_fail "past every program that could copy" in_ns host uvf mirror fw0 to stay0 tx
fi
diag "$(in_ns host ethtool -x eth1 2>&1 | head -n 4)"
answers_by direct "leased"
ok "the uplink's own traffic passes" pings 10.0.1.9
ok "2000 pings as fast as they are answered" in_ns client ping -q -f -c 2000 -w 60 10.0.1.1
ok "large ones" in_ns client ping -q -c 5 -i 0.1 -s 1472 -w 10 10.0.1.1

# --- frames that come elsewhere ---------------------------------------------------------------------

# What the client sends by its second queue comes to our second.
if [[ $CARD == veth ]]; then
	in_ns client ethtool -L eth0 tx 2
	rx=$(received)
	for i in {20..39}; do
		in_ns client ip addr add "10.0.1.$i/24" dev eth0
		in_ns client ping -q -c 1 -w 4 -I "10.0.1.$i" 10.0.1.1 >/dev/null || echo "$i"
	done >"$tmp/unanswered"
	is "from 20 addresses, by two queues: all are answered" "$(cat "$tmp/unanswered")" ""
	ok "some by the one way, some by the other" between $(($(received) - rx)) 1 40
	in_ns client ethtool -L eth0 tx 1
elif [[ $WAY == rss ]]; then
	in_ns host ethtool -X eth1 weight 1 0
	answers_by shared "an operator leads all frames elsewhere"
	in_ns host ethtool -X eth1 weight 0 1
	answers_by direct "and back"
fi

# --- down and up, killed, given back ----------------------------------------------------------------

in_ns host ip link set fw0 down
ok "down: the card is as it was" wait_for 5 as_before
in_ns host ip link set fw0 up
ok "up: it is on again" wait_for 5 is_on
answers_by direct "down and up"

in_ns host ip link set fw0 down
in_ns host ip link set fw0 address 02:00:00:00:00:77
in_ns host ip link set fw0 up
appliance_stop
appliance_start host fw0 "$fw" "$tmp/fw0.conf"
in_ns client ip neigh flush dev eth0
answers_by direct "with another address"

ns_spawn client ping -q -i 0.01 10.0.1.1 >"$tmp/ping.fw0" 2>&1
busy=$spawned
kill -KILL "$uvfd"
wait "$uvfd" 2>/dev/null
answers_by direct "uvfd was killed"
uvfd_start host
ok "its successor goes on with the lease" wait_for 5 is_on
answers_by direct "and so does the traffic"

ok "given back under the appliance" in_ns host uvf lease fw0 off
ok "the card is as it was" as_before
kill -INT "$busy"
wait "$busy"
summary=$(grep 'packets transmitted' "$tmp/ping.fw0")
like "no ping of fw0 was lost over all this" "$summary" ', 0% packet loss'
diag "$summary"
answers_by shared "given back"
is "nothing is leased" "$(in_ns host uvf lease --json | jq -c .)" "[]"
appliance_stop
is "the appliance ended well" "$appliance_status" 0

# --- an appliance that ends -------------------------------------------------------------------------

ok "any queue" in_ns host uvf lease fw0 --queues 1
is "is the last one" "$(lease .queues[0])" $((queues - 1))
ok "queue $QUEUE again" in_ns host uvf lease fw0 --queue "$QUEUE"
appliance_start host fw0 "$fw" "$tmp/fw0.conf"
answers_by direct "leased once more"
kill -KILL "$appliance"
wait "$appliance" 2>/dev/null
ok "its appliance is killed: the card is as it was" wait_for 5 as_before
is "the queue stays fw0's" "$(lease '|[.queues,.on]')" "[[$QUEUE],false]"

appliance_start host fw0 "$fw" "$tmp/fw0.conf"
answers_by direct "its successor"
kill -KILL "$uvfd" "$appliance"
wait "$uvfd" 2>/dev/null
wait "$appliance" 2>/dev/null
uvfd_start host
ok "both killed: the card is as it was" wait_for 10 as_before
appliance_start host fw0 "$fw" "$tmp/fw0.conf"
answers_by direct "after both were killed"
in_ns host uvf del fw0
ok "the function is deleted: the card is as it was" wait_for 5 as_before
wait "$appliance"
is "nothing is leased" "$(in_ns host uvf lease --json | jq -c .)" "[]"

kill -INT "$uplink_ping"
wait "$uplink_ping"
summary=$(grep 'packets transmitted' "$tmp/ping.eth1")
lost=$(awk '/packets transmitted/ { print $1 - $4 }' <<<"$summary")
ok "the uplink lost none of its own pings${LOST:+, or $LOST at most}" between "$lost" 0 "${LOST:-0}"
diag "$summary"

ok "fw0 once more" function_add host fw0 eth1 firewall
in_ns host ip link set fw0 up
ok "and its queue" in_ns host uvf lease fw0 --queue "$QUEUE"
appliance_start host fw0 "$fw" "$tmp/fw0.conf"
in_ns host ip link set eth1 down
ok "the uplink is down: the card is as it was" wait_for 5 as_before
in_ns host ip link set eth1 up
ok "and up: it is on again" wait_for 5 is_on
ok "the uplink answers" wait_for 15 pings 10.0.1.9
in_ns client ip neigh flush dev eth0
answers_by direct "the uplink was down"
appliance_stop
ok "the card is as it was" as_before
uvfd_stop
is "uvfd ended well" "$uvfd_status" 0
ok "and has left no note" test ! -e "$tmp/queues.json"

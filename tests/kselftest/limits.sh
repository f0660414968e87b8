#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Rate limits and mirrors: what passes, what is counted as dropped, who gets copies.
#
#	client eth0 ══ eth1 host ══ eth2 other
#	                ├ fw0, ids0   └ far0
#	                └ vlan0, VLAN 7
set -u
. "$(dirname "$0")/../lib/topology.sh"
export BACKEND=veth
need ip nsenter ethtool jq bpftool
seq=$top/build/tests/seq

topology_make client host other
topology_wire client eth0 10.0.1.2/24 host eth1 10.0.1.9/24
topology_wire other eth0 10.0.2.2/24 host eth2 10.0.2.9/24
bpffs_ready
function_add host fw0 eth1 firewall
function_add host ids0 eth1 ids
function_add host vlan0 eth1 firewall 7
function_add host far0 eth2 ids
for name in fw0 ids0 vlan0 far0; do in_ns host ip link set "$name" up; done
mac() { in_ns "$1" ip -j link show "$2" | jq -r ".[0].address"; }
stat() { in_ns host uvf stats --json "$1" | jq ".steering.$2"; }
limit() { in_ns host uvf limit "$@"; }
mirror() { in_ns host uvf mirror "$@"; }
send() { in_ns "$1" "$seq" send "$2" "${@:3}" >"$tmp/sent"; }
# Bytes of what the verifier has left of the program.
program() { bpftool -j prog show id "$(in_ns host ip -j -d link show eth1 | jq '.[0].xdp.prog.id')" | jq .bytes_xlated; }

# came FUNCTION COUNTER COMMAND…: by how much it grew
came() {
	local function=$1 counter=$2 before
	shift 2
	before=$(stat "$function" "$counter")
	"$@"
	echo $(($(stat "$function" "$counter") - before))
}
about() { [[ $1 -ge $(($2 * 9 / 10)) && $1 -le $(($2 * 11 / 10)) ]]; }

uvfd_start host
pruned=$(program)
fw0=$(mac host fw0)
vlan0=$(mac host vlan0)
client=$(mac client eth0)

# --- limits ----------------------------------------------------------------------------------------

is "no limit at first" "$(limit fw0 | paste -sd ' ')" "rx off tx off"
ok "200 frames a second" limit fw0 rx pps 200
is "uvf tells" "$(limit fw0 | head -n 1)" "rx pps 200"
not_ok "another program is loaded" test "$(program)" == "$pruned"
# A burst of 16 frames, and then 200 a second: 416 of 1000 in two seconds.
got=$(came fw0 rx_frames send client eth0 to="$fw0" count=1000 rate=500)
ok "XDP: $got of 1000 frames in two seconds, about 416" about "$got" 416
is "the others are counted as dropped" "$((got + $(stat fw0 dropped_rx_limit)))" 1000
is "a sibling has none" "$(came ids0 rx_frames send client eth0 to="$(mac host ids0)" count=500 rate=1000)" 500
got=$(came fw0 flood_frames send client eth0 to=ff:ff:ff:ff:ff:ff count=600 rate=600)
ok "copies of broadcasts: $got of 600 in a second, about 216" about "$got" 216
ok "1 Mbit/s with a burst of 20,000 bytes" limit fw0 rx rate 1mbit burst 20000
# 1000 bytes each: 20 in the burst, then 125 a second.
got=$(came fw0 rx_frames send client eth0 to="$fw0" count=1000 rate=500 size=1000)
ok "XDP: $got of 1000 frames of 1000 bytes, about 270" about "$got" 270
ok "the same for the function of a VLAN" limit vlan0 rx rate 1000kbit burst 20000
got=$(came vlan0 rx_frames send client eth0 to="$vlan0" count=1000 rate=500 size=1004 vlan=7)
ok "tc: $got of 1000, about 270" about "$got" 270
ok "transmit" limit fw0 tx pps 100
got=$(came fw0 tx_frames send host fw0 to="$client" count=1000 rate=1000)
ok "tc: $got of 1000 frames in a second, about 116" about "$got" 116
is "the others are counted" "$((got + $(stat fw0 dropped_tx_limit)))" 1000
before=$(limit --json fw0; limit vlan0)
kill -KILL "$uvfd"
wait "$uvfd" 2>/dev/null
uvfd_start host
is "uvfd killed and started: the limits are there" "$(limit --json fw0; limit vlan0)" "$before"
got=$(came fw0 rx_frames send client eth0 to="$fw0" count=1000 rate=500 size=1000)
ok "and hold: $got of 1000, about 270" about "$got" 270
in_ns host ip link set fw0 down
in_ns host ip link set fw0 up
got=$(came fw0 rx_frames send client eth0 to="$fw0" count=1000 rate=500 size=1000)
ok "down and up: they hold: $got of 1000, about 270" about "$got" 270

is "in JSON" "$(limit --json fw0 | jq -c .)" \
	'{"rx":{"rate":1000000,"pps":null,"burst":20000},"tx":{"rate":null,"pps":100,"burst":null}}'
expect_fail "not a direction" limit fw0 up rate 1mbit
expect_fail "not a word of a limit" limit fw0 rx speed 1
expect_fail "not how much" limit fw0 rx rate
expect_fail "out of range" limit fw0 rx rate 7999
expect_fail "'bits' is not a unit" limit fw0 rx rate 1bits
expect_fail "is not a number" limit fw0 rx pps 0x10
expect_fail "a limit is a rate" limit fw0 rx burst 20000
expect_fail "lets no frame of fw0's MTU through: 1522" limit fw0 rx rate 1mbit burst 1521
expect_fail "no function fw7" limit fw7 rx pps 1
is "nothing has changed" "$(limit --json fw0; limit vlan0)" "$before"

ok "off" limit fw0 off
ok "one direction off" limit vlan0 rx off
is "all pass" "$(came fw0 rx_frames send client eth0 to="$fw0" count=1000 rate=2000 size=1000)" 1000
is "and the branch is gone" "$(program)" "$pruned"

# --- mirrors ---------------------------------------------------------------------------------------

# both COUNT FROM… : frames that ids0's side and the function's own side see of what is sent
sees() { # LINK…: reads of each into $tmp/LINK.in
	local link
	listening=()
	for link; do
		ns_spawn host "$seq" receive "$link" idle=800 >"$tmp/$link.in"
		listening+=("$spawned")
		wait_for 5 grep -q ready "$tmp/$link.in"
	done
}
saw() { # DESC LINK COUNT
	is "$1" "$(tail -n 1 "$tmp/$2.in")" "{ \"received\": $3, \"doubled\": 0, \"missing\": 0 }"
}

is "no mirror at first" "$(mirror fw0)" off
ok "what fw0 receives, to ids0" mirror fw0 to ids0 rx
is "uvf tells" "$(mirror fw0)" "to ids0 rx"
sees fw0 ids0
is "each is counted once" \
	"$(came fw0 mirror_frames send client eth0 to="$fw0" count=500 rate=1000)" 500
wait "${listening[@]}"
saw "fw0 gets its frames, by XDP" fw0 500
saw "ids0 gets a copy of each" ids0 500
sees ids0
send host fw0 to="$client" count=100 rate=1000
send client eth0 to="$fw0" count=1
wait "${listening[@]}"
saw "what fw0 sends is not copied" ids0 1
sees fw0 ids0
send client eth0 to=ff:ff:ff:ff:ff:ff count=100 rate=1000
wait "${listening[@]}"
saw "a broadcast is fw0's" fw0 100
saw "and ids0's once" ids0 100

ok "both directions, of a function of a VLAN" mirror vlan0 to ids0
sees vlan0 ids0
send client eth0 to="$vlan0" count=200 rate=1000 vlan=7
wait "${listening[@]}"
saw "what it receives" vlan0 200
saw "is copied, by tc" ids0 200
sees ids0
ns_spawn client "$seq" receive eth0 idle=800 >"$tmp/client.in"
listening+=("$spawned")
wait_for 5 grep -q ready "$tmp/client.in"
send host vlan0 to="$client" count=200 rate=1000
wait "${listening[@]}"
saw "what it sends" client 200
saw "as well" ids0 200

ok "to a function of another uplink" mirror fw0 to far0 rx
sees fw0 far0
send client eth0 to="$fw0" count=300 rate=1000
wait "${listening[@]}"
saw "fw0 gets its frames" fw0 300
saw "and far0 copies" far0 300
sees far0
send client eth0 to=ff:ff:ff:ff:ff:ff count=100 rate=1000
wait "${listening[@]}"
saw "of broadcasts too" far0 100

kill -KILL "$uvfd"
wait "$uvfd" 2>/dev/null
uvfd_start host
is "uvfd killed and started: the mirrors are there" "$(mirror fw0; mirror vlan0)" \
	"$(printf 'to far0 rx\nto ids0 both')"
sees fw0 far0
send client eth0 to="$fw0" count=300 rate=1000
wait "${listening[@]}"
saw "and work: fw0" fw0 300
saw "and far0" far0 300

in_ns host ip link set fw0 down
in_ns host ip link set fw0 up
like "fw0 is up again, as uvfd knows" "$(in_ns host uvf show fw0)" '^path +xdp'
sees far0
send client eth0 to="$fw0" count=100 rate=1000
wait "${listening[@]}"
saw "down and up: the same" far0 100

before=$(mirror fw0)
expect_fail "mirror of itself" mirror fw0 to fw0
expect_fail "no function fw7" mirror fw0 to fw7
expect_fail "not a direction" mirror fw0 to ids0 up
expect_fail "say where to" mirror fw0 from ids0
is "nothing has changed" "$(mirror fw0)" "$before"
in_ns host uvf del far0
is "the other one is gone: no mirror" "$(mirror fw0)" off
ok "off" mirror vlan0 off
is "and the branch is gone" "$(program)" "$pruned"
uvfd_stop
is "uvfd ends well" "$uvfd_status" 0
is "no tc program is left" "$(in_ns host tc qdisc show | grep clsact)" ""

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# runs: vm
# vm: --smp 2 --timeout 420
#
# Steering to functions of the module, behind libxdp's dispatcher where the kernel has it: uvfd is
# killed and started again and no frame is lost; rules, limits and mirrors; the mode passthru.
#
#	client eth0 ══ eth1 host: fw0, ids0
#	client eth2 ══ eth3 host: all0 (passthru)
set -u
. "$(dirname "$0")/../lib/topology.sh"
. "$top/tests/lib/doctor.sh"
export BACKEND=uvf
need ip nsenter ethtool jq
seq=$top/build/tests/seq
FRAMES=${FRAMES:-$((3000 * ${TIMEOUT_SCALE:-1}))}
RATE=${RATE:-200}

topology_make client host
topology_wire client eth0 10.0.1.2/24 host eth1 10.0.1.9/24
topology_wire client eth2 10.0.2.2/24 host eth3 10.0.2.9/24
bpffs_ready
module_load
ok "fw0" function_add host fw0 eth1 firewall
ok "ids0" function_add host ids0 eth1 ids
ok "all0, in passthru mode" in_ns host ip link add link eth3 name all0 type uvf mode passthru
for name in fw0 ids0 all0; do in_ns host ip link set "$name" up; done
mac() { in_ns "$1" ip -j link show "$2" | jq -r ".[0].address"; }
stat() { in_ns host uvf stats --json "$1" | jq ".steering.$2"; }
uplink=$(mac host eth1)
listen() { # LINK
	ns_spawn host "$seq" receive "$1" idle=3000 >"$tmp/$1.in"
	listening+=("$spawned")
	wait_for 10 grep -q ready "$tmp/$1.in"
}
send() { in_ns client "$seq" send "$@" >/dev/null; }
saw() { # DESC LINK COUNT
	is "$1" "$(tail -n 1 "$tmp/$2.in")" "{ \"received\": $3, \"doubled\": 0, \"missing\": 0 }"
}
came() { # FUNCTION COUNT WORDS…: as XDP counts it
	local before
	before=$(stat "$1" rx_frames)
	send "${@:3}" count=10
	[[ $(($(stat "$1" rx_frames) - before)) -eq $2 ]]
}

uvfd_start host
like "XDP steers" "$(cat "$tmp/uvfd.log")" 'eth1: steering with XDP$'
diag "attached: $(in_ns host ip -j -d link show eth1 | jq -r '.[0].xdp.prog.name')"

# --- without a lost frame --------------------------------------------------------------------------

listening=()
listen fw0
ns_spawn client "$seq" send eth0 to="$(mac host fw0)" count="$FRAMES" rate="$RATE" >"$tmp/sent"
talking=$spawned
sleep 1
kill -KILL "$uvfd"
wait "$uvfd" 2>/dev/null
sleep 0.5
uvfd_start host
like "it goes on where the killed one was" "$(cat "$tmp/uvfd.log")" \
	'eth1: steering with XDP, where an earlier uvfd left off'
id=$(in_ns host uvf rule add ids0 dst 198.51.100.0/24)
ok "a rule, for which the program is replaced" test "$id" -gt 0
ok "frames were still sent" kill -0 "$talking"
wait "$talking" "${listening[@]}"
saw "all of them, once" fw0 "$FRAMES"
is "the counter went on" "$(stat fw0 rx_frames)" "$FRAMES"
programs() { in_ns host ip -j -d link show eth1 | jq -c '.[0].xdp'; }
diag "$(programs)"

# --- rules, limits, mirrors ------------------------------------------------------------------------

ok "a frame to the uplink's address, by the rule" came ids0 10 eth0 to="$uplink" dst=198.51.100.7
ok "another one: not" came ids0 0 eth0 to="$uplink" dst=198.51.101.7
like "uvf rule test says so" "$(in_ns host uvf rule test eth1 dst 198.51.100.7)" "^rule $id .*: ids0$"
ok "10 frames a second" in_ns host uvf limit fw0 rx pps 10
before=$(stat fw0 dropped_rx_limit)
send eth0 to="$(mac host fw0)" count=100
ok "most of a hundred at once are dropped" test "$(($(stat fw0 dropped_rx_limit) - before))" -ge 70
again() { # uvfd is killed, and there is another one
	kill -KILL "$uvfd"
	wait "$uvfd" 2>/dev/null
	uvfd_start host
}
link() { in_ns host ip -j -d link show fw0 | jq -r ".[0].linkinfo.info_data.$1"; }
pci_of() { in_ns host ip -j -d link show "$1" | jq -r '.[0].linkinfo.info_data.pci'; }
ok "what it sends: 20 frames a second" in_ns host uvf limit fw0 tx pps 20
is "by the module" "$(link tx_pps)" 20
is "uvf tells both" "$(in_ns host uvf limit fw0 | paste -sd ' ')" "rx pps 10 tx pps 20"
again
is "another uvfd tells both" "$(in_ns host uvf limit fw0 | paste -sd ' ')" "rx pps 10 tx pps 20"
in_ns host "$seq" send fw0 to="$(mac client eth0)" count=100 >"$tmp/sent"
ok "most of a hundred at once are not sent" test "$(jq .sent "$tmp/sent")" -le 30
ok "one by ip" in_ns host ip link set fw0 type uvf tx_pps 0 tx_rate 1mbit
is "uvf tells it" "$(in_ns host uvf limit fw0 | tail -n 1)" "tx rate 1000000"
expect_fail "lets no frame of fw0's MTU through" in_ns host uvf limit fw0 tx rate 1mbit burst 1000
ok "off" in_ns host uvf limit fw0 off
is "by the module, too" "$(link tx_rate) $(link tx_pps)" "null null"

# both DESC: what fw0 receives and sends, ids0 sees
both() {
	listening=()
	listen ids0
	send eth0 to="$(mac host fw0)" count=100 rate=100
	in_ns host "$seq" send fw0 to="$(mac client eth0)" count=100 first=100 rate=100 >/dev/null
	wait "${listening[@]}"
	saw "$1" ids0 200
}
ok "a mirror of both" in_ns host uvf mirror fw0 to ids0
is "by the module" "$(link tx_mirror)" "$(pci_of ids0)"
both "it sees what fw0 receives and sends"
again
is "another uvfd tells" "$(in_ns host uvf mirror fw0)" "to ids0 both"
both "and so it is"
ok "what it sends alone" in_ns host uvf mirror fw0 to ids0 tx
is "uvf tells" "$(in_ns host uvf mirror fw0)" "to ids0 tx"
expect_fail "can't have a mirror" in_ns host uvf mirror ids0 to fw0 tx
ok "a mirror of what it receives" in_ns host uvf mirror fw0 to ids0 rx
is "none of the module's" "$(link tx_mirror)" null
listening=()
listen fw0
listen ids0
send eth0 to="$(mac host fw0)" count=100 rate=100
wait "${listening[@]}"
saw "fw0 gets its frames" fw0 100
saw "ids0 gets copies" ids0 100

# --- passthru --------------------------------------------------------------------------------------

ok "all0 gets what is for it" came all0 10 eth2 to="$(mac host all0)"
ok "and for anybody" came all0 10 eth2 to=02:00:00:00:77:77
ok "in any VLAN" came all0 10 eth2 to=02:00:00:00:77:77 vlan=9
ok "not what is the uplink's own" came all0 0 eth2 to="$(mac host eth3)"
in_ns host ip link set eth3 address 02:00:00:00:77:77
ok "which may change" came all0 0 eth2 to=02:00:00:00:77:77
like "uvf rule test says so" "$(in_ns host uvf rule test eth3 --to 02:00:00:00:77:78)" 'all0, in passthru'

uvfd_stop
is "uvfd ends well" "$uvfd_status" 0
is "no XDP program is left" "$(in_ns host ip -d link show | grep -w 'prog/xdp')" ""

# --- an uplink that takes no program of ours ---------------------------------------------------------

in_ns host ip link set eth1 xdp obj "$top/build/bpf/socket.bpf.o" sec xdp.frags
uvfd_start host
expect_fail "not on this uplink: it takes no XDP program" in_ns host uvf rule add fw0 dst 192.0.2.1
expect_fail "not on this uplink: it takes no XDP program" in_ns host uvf limit fw0 rx pps 1
expect_fail "not on this uplink: it takes no XDP program" in_ns host uvf mirror fw0 to ids0 rx
in_ns host ip link set eth1 xdp off
ok "it is free: ours comes" wait_for 5 grep -q 'eth1: steering with XDP' "$tmp/uvfd.log"
ok "and a rule can be had" in_ns host uvf rule add fw0 dst 192.0.2.1
ok "which holds" came fw0 10 eth0 to="$uplink" dst=192.0.2.1

# --- seen from a container ---------------------------------------------------------------------------

in_ns host ip link set ids0 netns "uvf-$$-client"
in_ns client ip link set ids0 up
doctor_ns=client
sees "its uplink is not here" uplink-elsewhere ids0
like "and it has the slow path" "$(jq -r '.[].todo' "$tmp/doctor.json")" 'ids0 has the slow path'
uvfd_stop

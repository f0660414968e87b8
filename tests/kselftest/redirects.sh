#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# `uvf redirect`: another function gets a function's frames, from one to the next. (For functions of
# uvf.ko: mod_redirect.sh.)
#
#	client eth0 ══ eth1 host
#	                ├ fw0, fw1, fw2		by XDP; broadcasts by tc
#	                └ vlan0, vlan1		VLAN 7, by tc
set -u
. "$(dirname "$0")/../lib/topology.sh"
export BACKEND=veth
need ip nsenter ethtool jq
seq=$top/build/tests/seq
FRAMES=${FRAMES:-6000}
RATE=${RATE:-2000}

topology_make client host
topology_wire client eth0 10.0.1.2/24 host eth1 10.0.1.9/24
topology_wire client eth2 10.0.2.2/24 host eth3 10.0.2.9/24
bpffs_ready
for name in fw0 fw1 fw2; do function_add host "$name" eth1 firewall; done
for name in vlan0 vlan1; do function_add host "$name" eth1 firewall 7; done
function_add host far0 eth3 firewall
for name in fw0 fw1 fw2 vlan0 vlan1 far0; do in_ns host ip link set "$name" up; done
mac() { in_ns "$1" ip -j link show "$2" | jq -r ".[0].address"; }
uvf() { in_ns host uvf "$@"; }
came() { in_ns host ip -j -s link show "$1" | jq ".[0].stats64.rx.packets"; }

# Ten frames: how many more each of the functions named before "--" has now.
ten() { # FUNCTION… -- WORDS…
	local functions=() before=() i
	while [[ $1 != -- ]]; do
		functions+=("$1")
		before+=("$(came "$1")")
		shift
	done
	in_ns client "$seq" send eth0 count=10 "${@:2}" >/dev/null
	sleep 0.05
	for i in "${!functions[@]}"; do
		echo -n "${functions[i]} $(($(came "${functions[i]}") - before[i])) "
	done
}

uvfd_start host
fw0=$(mac host fw0)
vlan0=$(mac host vlan0)
is "at first" "$(ten fw0 fw1 -- to="$fw0")" "fw0 10 fw1 0 "
is "there is none" "$(uvf redirect fw0)" off
ok "redirected" uvf redirect fw0 to fw1
is "it is told" "$(uvf redirect fw0)" "to fw1"
is "as JSON" "$(uvf redirect --json fw0 | jq -c .)" '{"to":"fw1","standby":null}'
is "and in what fw0 is" "$(uvf show --json fw0 | jq -r .redirect)" fw1
like "the doctor tells it" "$(uvf doctor --json fw0)" '"redirected"'
is "frames for fw0 are fw1's" "$(ten fw0 fw1 fw2 -- to="$fw0")" "fw0 0 fw1 10 fw2 0 "
is "fw1's own are, too" "$(ten fw0 fw1 -- to="$(mac host fw1)")" "fw0 0 fw1 10 "
is "a broadcast comes once" "$(ten fw0 fw1 fw2 -- to=ff:ff:ff:ff:ff:ff)" "fw0 0 fw1 10 fw2 10 "
uvf rule add fw0 proto udp dport 53 >/dev/null
is "what a rule gives to fw0" "$(ten fw0 fw1 -- to="$(mac host fw2)" dport=53 sport=9)" \
	"fw0 0 fw1 10 "
uvf mirror fw0 to fw2 rx
is "fw0's mirror" "$(ten fw0 fw1 fw2 -- to="$fw0")" "fw0 0 fw1 10 fw2 10 "
uvf mirror fw0 off
uvf limit fw0 rx pps 100 >/dev/null
was=$(came fw1)
in_ns client "$seq" send eth0 to="$fw0" count=2000 >/dev/null
sleep 0.05
ok "fw0's limit" test $(($(came fw1) - was)) -lt 1000
uvf limit fw0 rx off
ok "vlan0 to vlan1" uvf redirect vlan0 to vlan1
is "by tc" "$(ten vlan0 vlan1 -- to="$vlan0" vlan=7)" "vlan0 0 vlan1 10 "
uvf mirror vlan0 to fw2 rx # the tc programs are loaded anew
ns_spawn client "$seq" receive eth0 idle=500 >"$tmp/sent"
wait_for 5 grep -q ready "$tmp/sent"
in_ns host "$seq" send vlan0 to="$(mac client eth0)" count=20 >/dev/null
in_ns host "$seq" send fw0 to="$(mac client eth0)" count=20 first=20 >/dev/null
wait "$spawned"
is "what they send leaves as ever" "$(tail -n 1 "$tmp/sent")" \
	'{ "received": 40, "doubled": 0, "missing": 0 }'

in_ns host ip link set fw1 down
is "fw1 is down: fw0 has its frames" "$(ten fw0 -- to="$fw0")" "fw0 10 "
is "and broadcasts" "$(ten fw0 -- to=ff:ff:ff:ff:ff:ff)" "fw0 10 "
in_ns host ip link set fw1 up
wait_for 2 eval '[[ $(uvf show --json fw1 | jq -r .state) == up ]]'
is "up again: fw1" "$(ten fw0 fw1 -- to="$fw0")" "fw0 0 fw1 10 "

refused() { # WORD SENTENCE ARG…
	local said
	said=$(uvf redirect "${@:3}" 2>&1)
	is "$1: status" $? 1
	like "$1" "$said" "$2"
}
refused "to itself" 'gets its frames already' fw0 to fw0
refused "to one that is redirected" 'not redirected again' fw2 to fw0
refused "of one that gets another's" 'not redirected again' fw1 to fw2
refused "to another uplink" 'has another uplink' fw2 to far0
refused "to another VLAN" 'has another VLAN' fw2 to vlan0
refused "to nobody" 'there is no function nobody' fw2 to nobody
refused "words" "'at' is no redirect" fw2 at fw1
like "no queues for one that is redirected" "$(uvf lease fw0 --queues 1 2>&1)" 'uvf redirect fw0 off'

# Back and forth among frames with numbers; and uvfd is killed twice.
ns_spawn host "$seq" receive fw0,fw1 idle=1500 >"$tmp/both"
both=$spawned
wait_for 5 grep -q ready "$tmp/both"
was=$(came fw0)
ns_spawn client "$seq" send eth0 to="$fw0" count="$FRAMES" rate="$RATE" >/dev/null
sending=$spawned
turns=0
while kill -0 "$sending" 2>/dev/null; do
	turns=$((turns + 1))
	if [[ $((turns % 2)) -eq 1 ]]; then uvf redirect fw0 off; else uvf redirect fw0 to fw1; fi
	if [[ $turns -eq 10 || $turns -eq 21 ]]; then
		kill -KILL "$uvfd"
		wait "$uvfd" 2>/dev/null
		uvfd_start host
		if [[ $turns -eq 10 ]]; then
			is "the next uvfd knows" "$(uvf redirect fw0)" "to fw1"
		else
			is "that there is none, too" "$(uvf redirect fw0)" "off"
		fi
	fi
done
wait "$both"
diag "$turns turns; fw0 got $(($(came fw0) - was))"
is "each frame came to one of the two" "$(tail -n 1 "$tmp/both")" \
	"{ \"received\": $FRAMES, \"doubled\": 0, \"missing\": 0 }"
ok "both had some" test $(($(came fw0) - was)) -gt 0 -a $(($(came fw0) - was)) -lt "$FRAMES"

uvf redirect fw0 to fw1
ok "who got them is deleted" uvf del fw1
is "then there is none" "$(uvf redirect fw0)" off
is "and fw0 has its frames" "$(ten fw0 -- to="$fw0")" "fw0 10 "
uvfd_stop

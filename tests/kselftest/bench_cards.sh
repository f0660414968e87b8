#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What tests/bench/cards.sh measures with tells the truth: who answers and who does not, what came and
# what did not, and a table that makes up no figure. How fast is not looked at here.
#
#	client, 10.0.6.1: eth0 ══ eth0 :guest, 10.0.6.2
#
set -u
. "$(dirname "$0")/../lib/topology.sh"
PATH=$top/build/bench:$PATH

need ip nsenter jq echoes arrivals nic_guest

expect_fail "'sundial' is not known: e1000, rtl8139 or virtio-net" env CARDS=sundial "$top/tests/bench/cards.sh"
expect_fail "frames have 60 to 1514 bytes" echoes lo 02:00:00:00:00:01 10.0.6.2 10.0.6.1 1 1 59 1
expect_fail "echoes: nosuch0" echoes nosuch0 02:00:00:00:00:01 10.0.6.2 10.0.6.1 1 1 60 1
expect_fail "arrivals: nosuch0: No such device" arrivals nosuch0 10
expect_fail "nic_guest: /nosuch: No such file" nic_guest registers /nosuch 0 0 1

topology_make client guest
topology_wire client eth0 10.0.6.1/24 guest eth0 10.0.6.2/24
mac() { in_ns "$1" ip -j link show eth0 | jq -r '.[0].address'; }
guest_mac=$(mac guest) client_mac=$(mac client)
guest_got() { in_ns guest ip -s -j link show eth0 | jq '.[0].stats64.rx.packets'; }

echoes_to() { # ADDRESS BURST WINDOW SIZE N
	in_ns client echoes eth0 "$guest_mac" "$1" 10.0.6.1 "${@:2}" | jq -c '[.each > 0, .lost]'
}
for size in 60 1514; do
	before=$(guest_got)
	is "50 bursts of 8, of $size bytes, are answered" "$(echoes_to 10.0.6.2 8 2 $size 50)" '[true,0]'
	ok "and were 400 frames" between $(($(guest_got) - before)) 400 410
done
is "nobody answers for another" "$(echoes_to 10.0.6.99 1 3 60 3)" '[true,3]'

sends() { # SIZE N OF
	ns_spawn client arrivals eth0 "$3" >"$tmp/arrivals"
	wait_for 10 grep -q ready "$tmp/arrivals"
	in_ns guest nic_guest send eth0 "$client_mac" "$1" "$2"
	wait "$spawned"
	grep -v ready "$tmp/arrivals" | jq -c '[.each > 0, .lost]'
}
is "200 frames of 60 bytes arrive" "$(sends 60 200 200)" '[true,0]'
is "and of 1514" "$(sends 1514 200 200)" '[true,0]'
is "of 200, 150 are sent" "$(sends 60 150 200)" '[true,50]'

# --- the table -----------------------------------------------------------------------------------

cat >"$tmp/cards.json" <<-'END'
	{ "kernel": "6.1", "qemu": "7.2", "results": [
	  { "who": "uvf", "card": "e1000", "job": "registers", "size": 0, "read": 20000, "write": 10000 },
	  { "who": "qemu", "card": "e1000", "job": "registers", "size": 0, "read": 10000, "write": 10000 },
	  { "who": "uvf", "card": "e1000", "job": "echo", "size": 60, "each": 50000, "lost": 0 },
	  { "who": "uvf", "card": "e1000", "job": "echo", "size": 1514, "each": 50000, "lost": 3 } ] }
END
line() { jq -r -f "$top/tests/bench/cards.jq" "$tmp/cards.json" | grep -P "$1" | tr '\t' ' '; }
is "half as fast" "$(line 'register read\t')" "e1000, register read 20 10 50000 100000 0.5"
is "as fast" "$(line 'register write\t')" "e1000, register write 10 10 100000 100000 1"
is "without a peer" "$(line 'echo 60\t')" "e1000, echo 60 50 - 20000 - -"
is "without any figure" "$(line 'transmit 60\t')" "e1000, transmit 60 - - - - -"
is "with losses" "$(line 'echo 1514\t')" "e1000, echo 1514 - - - - -"
is "which are told" "$(line ' lost')" "e1000, uvf, echo 1514: 3 lost, so no figure"

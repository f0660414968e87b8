#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# uvf doctor, the rarer troubles: uplinks and uvfd that are elsewhere, an uplink whose driver has no
# XDP, or somebody else's program that was there first; and a socket that takes no frame so long.
#
#	client eth0 ══ eth1 host           elsewhere
#	                ├ fw0                └ uvfd, or eth1
#	                └ mv0, a macvlan
#	                   └ mvf0
set -u
. "$(dirname "$0")/../lib/topology.sh"
. "$top/tests/lib/doctor.sh"
export BACKEND=veth
need ip nsenter ethtool ping jq

topology_make client host elsewhere
topology_wire client eth0 10.0.1.2/24 host eth1 10.0.1.9/24
bpffs_ready
printf 'port fw0 10.0.1.1/24\npass all\n' >"$tmp/rules.conf"
ok "a function" function_add host fw0 eth1 firewall
in_ns host ip link set fw0 up
fw0_mac=$(in_ns host ip -j link show fw0 | jq -r '.[0].address')
has_carrier() { in_ns host ip link show eth1 | grep -q 'state UP'; }
wait_for 5 has_carrier
finds() { doctor fw0; [[ $(codes) == "$1" ]]; }

# --- uvfd that is elsewhere ----------------------------------------------------------------------------

uvfd_start elsewhere
sees "uvfd in another namespace" uvfd-elsewhere fw0
kill -STOP "$uvfd"
sees "uvfd that does not answer" uvfd-silent fw0
kill -CONT "$uvfd"
uvfd_stop >/dev/null
sees "none at all is another trouble" uvfd-not-running fw0

# --- an uplink that is elsewhere -----------------------------------------------------------------------

uvfd_start host
sees "nothing" "" fw0
in_ns host ip link set eth1 netns "uvf-$$-elsewhere"
sees "its uplink has moved" uplink-elsewhere fw0
like "and nothing is promised" "$(jq -r '.[].what' "$tmp/doctor.json")" 'nothing reaches it'
in_ns elsewhere ip link set eth1 netns "uvf-$$-host"
in_ns host ip link set eth1 up
in_ns host ip addr add 10.0.1.9/24 dev eth1
wait_for 5 has_carrier
uplink=$(in_ns host ip -j link show eth1 | jq '.[0].ifindex')
port=$(in_ns host ip -j link | jq -r '.[] | select(.ifalias // "" | test("^uvf-port")) | .ifname')
in_ns host ip link set "$port" alias "uvf-port uplink=$uplink vlan=65535 appliance=firewall"
ok "it is back: nothing" wait_for 5 finds ""
uvfd_stop >/dev/null

# --- somebody else's program was first -----------------------------------------------------------------

ok "(somebody else's program)" in_ns host ip link set eth1 xdp \
	obj "$top/build/tests/redirect.bpf.o" sec xdp.frags
uvfd_start host
sees "an XDP program is there already" steering-taken fw0
like "which is named" "$(jq -r '.[].what' "$tmp/doctor.json")" 'native XDP program [a-z_]+ \(id [0-9]+\)'
in_ns host ip -force link set eth1 xdp off
ok "it goes: uvfd's comes" wait_for 10 finds ""

# --- no native XDP -------------------------------------------------------------------------------------

in_ns host ip link add mv0 link eth1 type macvlan
in_ns host ip link set mv0 up promisc on
ok "a function on a macvlan" function_add host mvf0 mv0 ids
in_ns host ip link set mvf0 up
sees "a driver without XDP" no-native-xdp mvf0
in_ns host ip link del mvf0
in_ns host ip link del mv0

# --- frames too long for the socket --------------------------------------------------------------------

appliance_start host fw0 "$bin/firewall" "$tmp/rules.conf"
ok "the firewall answers" in_ns client ping -q -c 2 -i 0.2 -w 8 10.0.1.1
for link in eth1 fw0; do in_ns host ip link set "$link" mtu 3000; done
in_ns client ip link set eth0 mtu 3000
in_ns host ip link set "$port" mtu 3000
in_ns client ip neigh replace 10.0.1.1 lladdr "$fw0_mac" dev eth0
ns_spawn client ping -q -i 0.02 -s 2500 10.0.1.1 >/dev/null 2>&1
long=$spawned
sees "frames that do not fit" "chunk socket-drops" fw0
like "as many as there are" "$(jq -r '.[] | select(.code == "socket-drops").what' "$tmp/doctor.json")" \
	'dropped [1-9][0-9]* frames just now: too long'
end_child "$long"
ok "the shorter ones pass" in_ns client ping -q -c 2 -i 0.2 -w 8 10.0.1.1
appliance_stop >/dev/null
uvfd_stop >/dev/null

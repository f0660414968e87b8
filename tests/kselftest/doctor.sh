#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# uvf doctor names each thing that can be wrong with a function, and nothing when nothing is.
#
#	client 10.0.1.2 ══ eth1 10.0.1.9     host
#	                    ├ fw0 10.0.1.1   the firewall
#	                    └ vlan0          VLAN 7
#
# Each condition is brought about, seen by its code, and taken away again.
set -u
. "$(dirname "$0")/../lib/topology.sh"
. "$top/tests/lib/xsk.sh"
. "$top/tests/lib/doctor.sh"
export BACKEND=veth

need ip nsenter ethtool ping jq busybox setpriv tc
fw=$bin/firewall

topology_make client host
topology_wire client eth0 10.0.1.2/24 host eth1 10.0.1.9/24
bpffs_ready
printf 'port fw0 10.0.1.1/24\npass all\n' >"$tmp/rules.conf"

expect_fail "no function fw0" in_ns host uvf doctor fw0
expect_fail "'x' is not a number of seconds" in_ns host uvf doctor --seconds x
expect_fail "needs root" setpriv --reuid=65534 --clear-groups uvf doctor
ok "a function" function_add host fw0 eth1 firewall
ok "a function of a VLAN" function_add host vlan0 eth1 ids 7
in_ns host ip link set fw0 up
in_ns host ip link set vlan0 up
fw0_mac=$(in_ns host ip -j link show fw0 | jq -r '.[0].address')
vlan0_mac=$(in_ns host ip -j link show vlan0 | jq -r '.[0].address')

running() { in_ns host ip link show eth1 | grep -q 'state UP'; }
wait_for 5 running # the kernel tells of a carrier up to a second late

# --- the host ----------------------------------------------------------------------------------------

sees "no uvfd" uvfd-not-running fw0
mount -t tmpfs none /sys/fs/bpf
sees "no bpffs" "bpffs uvfd-not-running" fw0
umount /sys/fs/bpf
bpffs_ready

without() { # CAPABILITY
	in_ns host setpriv --bounding-set "-$1" uvf doctor --json --seconds 0.1 fw0 \
		>"$tmp/doctor.json"
	codes
}
is "memory lock" "$(without ipc_lock)" "memory-lock uvfd-not-running"
is "another capability" "$(without net_raw)" "uvfd-capability uvfd-not-running"

uvfd_start host
sees "nothing" "" fw0
is "nobody holds it: a note" "$(jq -r '.[].code' "$tmp/doctor.json")" no-appliance
appliance_start host fw0 "$fw" "$tmp/rules.conf"
ok "the firewall answers" in_ns client ping -q -c 2 -i 0.2 -w 8 10.0.1.1
sees "nothing, not even a note" "" fw0
is "said in words as well" "$(in_ns host uvf doctor --seconds 0.1 fw0)" "nothing wrong"

# --- links -------------------------------------------------------------------------------------------

in_ns host ip link set vlan0 down
sees "function down" function-down vlan0
in_ns host ip link set vlan0 up
in_ns client ip link set eth0 down
no_carrier() { doctor fw0; [[ $(codes) == no-carrier ]]; }
ok "no carrier" wait_for 5 no_carrier
in_ns client ip link set eth0 up
wait_for 5 running
port=$(in_ns host ip -j link show fw0 | jq -r '.[0].link // empty')
[[ -n $port ]] || port=$(in_ns host ip -j -d link | jq -r '.[] | select(.ifalias // "" |
	test("appliance=firewall$")) | .ifname')
in_ns host ip link set "$port" down
like "port down" "$(sees "" "" fw0 >/dev/null; codes)" port-down
in_ns host ip link set "$port" up
in_ns host ip link set eth1 down
like "uplink down" "$(doctor fw0; codes)" uplink-down
in_ns host ip link set eth1 up
wait_for 5 in_ns client ping -q -c 1 -w 1 10.0.1.1

in_ns host ip link set vlan0 down
in_ns host ip link set vlan0 address "$(in_ns host ip -j link show eth1 | jq -r '.[0].address')"
in_ns host ip link set vlan0 up
sees "the uplink's address" duplicate-address vlan0
in_ns host ip link set vlan0 address "$vlan0_mac"
ok "a third function" function_add host fw2 eth1 other
in_ns host ip link set fw2 address "$fw0_mac"
in_ns host ip link set fw2 up
like "another function's address" "$(doctor fw2; codes)" duplicate-address
in_ns host ip link del fw2
in_ns host ip link set eth1 mtu 1400
sees "MTU" mtu fw0
in_ns host ip link set eth1 mtu 9000
in_ns host ip link set fw0 mtu 3000
like "MTU and the appliance's memory" "$(doctor fw0; codes)" chunk
in_ns host ip link set fw0 mtu 1500
in_ns host ip link set eth1 mtu 1500

# A macvlan receives what it was told; a veth pair backed function's address nobody tells it.
in_ns host ip link add mv0 link eth1 type macvlan
in_ns host ip link set mv0 up
ok "a function on a macvlan" function_add host mvf0 mv0 ids
in_ns host ip link set mvf0 up
like "an uplink that filters addresses" "$(doctor mvf0; codes)" address-filtered
in_ns host ip link set mv0 promisc on
not_ok "and not when it is promiscuous" grep -q address-filtered <<<"$(doctor mvf0; codes)"
in_ns host ip link del mvf0
in_ns host ip link del mv0

# --- what arrives ------------------------------------------------------------------------------------

in_ns client ip neigh replace 10.0.1.77 lladdr "$vlan0_mac" dev eth0
ns_spawn client ping -q -i 0.05 10.0.1.77 >/dev/null 2>&1
strays=$spawned
sees "frames with another VLAN" vlan vlan0
end_child "$strays"

kill -STOP "$appliance"
ns_spawn client "$xsk" flood eth0 "$fw0_mac" 6 >/dev/null 2>&1
flood=$spawned
stalled() { doctor fw0; [[ $(codes) == *appliance-stopped* && $(codes) =~ fill-ring-empty|rx-ring-full ]]; }
ok "an appliance that is stopped, and its rings run full" wait_for 12 stalled
jq -r '.[] | "#   \(.what)"' "$tmp/doctor.json"
end_child "$flood"
kill -CONT "$appliance"
ok "it goes on" wait_for 5 in_ns client ping -q -c 1 -w 1 10.0.1.1

# --- programs ----------------------------------------------------------------------------------------

replace_xdp() { # DEVICE
	in_ns host ip -force link set "$1" xdp off
	in_ns host ip -force link set "$1" xdp obj "$top/build/tests/redirect.bpf.o" sec xdp.frags
}
in_ns host ip -force link set eth1 xdp off
sees "the program was taken off the uplink" steering-removed fw0
ok "(somebody else's program)" replace_xdp eth1
sees "the program was replaced on the uplink" steering-replaced fw0
in_ns host ip -force link set eth1 xdp off
ok "(somebody else's program)" replace_xdp fw0
like "the program was replaced on the function" "$(doctor fw0; codes)" socket-program-replaced
in_ns host ip -force link set fw0 xdp off
like "the program was taken off the function" "$(doctor fw0; codes)" socket-program-replaced
in_ns host tc qdisc del dev "$port" clsact
like "a tc program was taken off" "$(doctor fw0; codes)" tc-removed
appliance_stop >/dev/null
uvfd_stop >/dev/null

# --- queues ------------------------------------------------------------------------------------------

if in_ns host ethtool -L vlan0 rx 2 tx 2 2>/dev/null; then
	uvfd_start host
	ns_spawn host "$xsk" hold vlan0 copy >"$tmp/hold" 2>&1
	held() { doctor vlan0; [[ $(codes) == *queue-without-socket* ]]; }
	if [[ $(printf '%s\n' 6.14 "$(uname -r)" | sort -V | head -n 1) != 6.14 ]]; then
		skip "a queue without a socket" "Linux tells of queues of veth from 6.14 on"
	else
		ok "a queue without a socket" wait_for 5 held
	fi
	uvfd_stop >/dev/null
else
	skip "a queue without a socket" "this kernel's veth can't have two queues"
fi

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# runs: vm
# vm: --smp 2 --timeout 300
#
# Functions as ordinary interfaces: no XDP on the uplink, no daemon. The same traffic runs twice:
# without a program on the function, and with one that passes all.
#
#	client: eth0 10.1.0.1 ══ eth1 10.1.0.2 :host
#	        eth0.7 10.7.0.1  ├─ fw0 10.1.0.3 :a
#	                         ├─ fw1 10.1.0.4 :b
#	                         └─ fw7 10.7.0.3 :b   (vlan 7)
#
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../lib/topology.sh"
xsk=$here/../../build/tests/xsk

stat_of() { in_ns "$1" ip -j -s link show "$2" | jq ".[0].stats64.$3"; }
mac_of() { in_ns "$1" ip -j link show "$2" | jq -r '.[0].address'; }
ping_from() { in_ns "$1" ping -q -c "${3:-3}" -i 0.1 -W 2 "$2"; }

function_make() { # namespace, name, address, attribute…
	in_ns host ip link add link eth1 name "$2" netns "uvf-$$-$1" type uvf "${@:4}" ||
		bail_out "no function $2"
	in_ns "$1" ip addr add "$3" dev "$2"
	in_ns "$1" ip link set "$2" up
}

topology_make client host a b
topology_wire client eth0 10.1.0.1/24 host eth1 10.1.0.2/24
in_ns client ip link add link eth0 name eth0.7 type vlan id 7
in_ns client ip addr add 10.7.0.1/24 dev eth0.7
in_ns client ip link set eth0.7 up
module_load
function_make a fw0 10.1.0.3/24
function_make b fw1 10.1.0.4/24
function_make b fw7 10.7.0.3/24 vlan 7

# tcp DESC NAMESPACE ADDRESS PEER-ADDRESS: 4 MB each way, whole
mkdir "$tmp/www"
dd if=/dev/urandom of="$tmp/www/data" bs=64k count=64 2>/dev/null
for n in client a b; do ns_spawn $n busybox httpd -f -p 5000 -h "$tmp/www"; done
transfer() { # to, address
	in_ns "$1" timeout 20 busybox wget -q -O "$tmp/got" "http://$2:5000/data" &&
		cmp "$tmp/www/data" "$tmp/got"
}
tcp() {
	ok "$1: from the function" transfer client "$3"
	ok "$1: to the function" transfer "$2" "$4"
}

# The uplink's own traffic, all the while.
ns_spawn client ping -q -i 0.2 10.1.0.2 >"$tmp/uplink"
uplink_ping=$spawned

traffic() {
	local way=$1 rx tx dropped
	in_ns client ip neigh flush to 10.1.0.3
	in_ns a ip neigh flush all
	ok "$way: ping to fw0" ping_from client 10.1.0.3
	ok "$way: ping from fw0" ping_from a 10.1.0.1
	ok "$way: ping to fw1" ping_from client 10.1.0.4
	ok "$way: ping to fw7, tagged" ping_from client 10.7.0.3
	ok "$way: ping from fw7, tagged" ping_from b 10.7.0.1
	rx=$(stat_of a fw0 rx.packets) tx=$(stat_of a fw0 tx.packets)
	dropped=$(stat_of a fw0 rx.dropped)
	ok "$way: 50 pings" ping_from client 10.1.0.3 50
	rx=$(($(stat_of a fw0 rx.packets) - rx)) tx=$(($(stat_of a fw0 tx.packets) - tx))
	# an ARP probe or two may come with them
	ok "$way: 50 pings: counted in ($rx)" test "$rx" -ge 50 -a "$rx" -le 54
	ok "$way: 50 pings: counted out ($tx)" test "$tx" -ge 50 -a "$tx" -le 54
	ok "$way: 1472 bytes of payload, no fragment" in_ns client ping -q -c 2 -s 1472 -M do 10.1.0.3
	tcp "$way: TCP" a 10.1.0.3 10.1.0.1
	is "$way: nothing dropped" $(($(stat_of a fw0 rx.dropped) - dropped)) 0
}

traffic "no program"
in_ns client ethtool -K eth0 tx on gso on tso on >/dev/null
in_ns host ethtool -K eth1 tx on gso on tso on >/dev/null
tcp "offloads on the wire" a 10.1.0.3 10.1.0.1
tcp "offloads on the wire, tagged" b 10.7.0.3 10.7.0.1

for i in a:fw0 b:fw1 b:fw7; do
	ok "a program on ${i#*:}" in_ns "${i%:*}" "$xsk" attach "${i#*:}" to_socket
done
traffic "a program that passes, and offloads on the wire"
for i in a:fw0 b:fw1 b:fw7; do in_ns "${i%:*}" "$xsk" detach "${i#*:}"; done

# --- groups: each function that wants it, and the host
in_ns client ethtool -K eth0 tx off >/dev/null
for n in host a b; do
	in_ns $n busybox sysctl -q -w net.ipv4.icmp_echo_ignore_broadcasts=0
done
answers() { # DESTINATION [OPTION…]: which stations answer
	in_ns client ping -b -w 2 -i 0.5 "${@:2}" "$1" 2>/dev/null |
		sed -n 's/.* from \([0-9.]*\):.*/\1/p' | sort -u | xargs
}
is "broadcast: host, fw0 and fw1 answer" "$(answers 10.1.0.255)" "10.1.0.2 10.1.0.3 10.1.0.4"
is "broadcast in the vlan: fw7 alone answers" "$(answers 10.7.0.255)" "10.7.0.3"
is "multicast to all hosts: the same three" "$(answers 224.0.0.1 -I eth0)" \
	"10.1.0.2 10.1.0.3 10.1.0.4"
joined=$(stat_of a fw0 rx.multicast)
ok "multicast: counted" test "$joined" -ge 2
before=$(stat_of a fw0 rx.packets)
in_ns client ping -q -c 5 -i 0.1 -W 1 -I eth0 239.1.2.3 >/dev/null
is "multicast that nobody joined does not come" "$(stat_of a fw0 rx.packets)" "$before"
in_ns a ip link set fw0 allmulticast on
in_ns client ping -q -c 5 -i 0.1 -W 1 -I eth0 239.1.2.3 >/dev/null
ok "with allmulticast it does" test "$(stat_of a fw0 rx.packets)" -ge $((before + 5))
in_ns a ip link set fw0 allmulticast off

# --- tags, where the function has no vlan
in_ns a ip link add link fw0 name fw0.9 type vlan id 9
in_ns a ip addr add 10.9.0.3/24 dev fw0.9
in_ns a ip link set fw0.9 up
in_ns client ip link add link eth0 name eth0.9 type vlan id 9
in_ns client ip addr add 10.9.0.1/24 dev eth0.9
in_ns client ip link set eth0.9 up
ok "any tag, kept: an 802.1Q interface on the function" ping_from client 10.9.0.3

# --- a function that is down gets nothing, and nobody gets its frames
in_ns b ip link set fw1 down
not_ok "a function that is down" ping_from client 10.1.0.4 1
in_ns b ip link set fw1 up
ok "and up again" ping_from client 10.1.0.4

kill -INT "$uplink_ping"
wait "$uplink_ping"
like "the uplink's own ping lost nothing" "$(cat "$tmp/uplink")" ' 0% packet loss'

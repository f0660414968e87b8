#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# runs: vm
# vm: --smp 2 --timeout 400
#
# The generic netlink family: what it tells, to whom, and what it refuses.
#
#	client: eth0 ══ eth1 :host              the initial namespace sees all of it,
#	                ├─ fw0                  `other` nothing, until a function comes
#	                └─ fw7 (vlan 7)
#
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../lib/topology.sh"
nl=$here/../../build/tests/nl_uvf
fuzz=$here/../../build/tests/nl_fuzz
xsk=$here/../../build/tests/xsk

field() { in_ns "$1" ip -j -d link show "$2" | jq -r ".[0].$3"; }
pci_of() { field host "$1" linkinfo.info_data.pci; }
unprivileged=(setpriv --reuid=65534 --regid=65534 --clear-groups)

# listen NAME [NAMESPACE]: events go to $tmp/NAME
listen() {
	if [[ $# -eq 2 ]]; then
		ns_spawn "$2" "$nl" events >>"$tmp/$1"
	else
		"$nl" events >>"$tmp/$1" &
		at_exit end_child $!
	fi
	wait_for 10 grep -q listening "$tmp/$1" || fail "$1 listens"
	: >"$tmp/$1"
}

# event NAME DESC REGEX: it comes; what came is forgotten
event() {
	wait_for 5 grep -qE -- "$3" "$tmp/$1"
	like "event: $2" "$(cat "$tmp/$1")" "$3"
	: >"$tmp/$1"
}

module_load
topology_make client host other
topology_wire client eth0 10.1.0.1/24 host eth1 10.1.0.2/24
ok "a function" in_ns host ip link add link eth1 name fw0 address 02:00:00:00:00:01 type uvf \
	appliance firewall
ok "a function with a vlan" in_ns host ip link add link eth1 name fw7 mtu 1400 type uvf vlan 7
wait_for 5 eval '[[ $(grep -l 0xff0000 /sys/bus/pci/devices/1000?:*/class | wc -l) -eq 16 ]]'

# --- get
fw0=$(pci_of fw0) fw7=$(pci_of fw7)
whole="pci=$fw0 state=used ifindex=$(field host fw0 ifindex) ifname=fw0 \
uplink=$(field host eth1 ifindex) appliance=firewall mac=02:00:00:00:00:01 mtu=1500 link=down \
vectors=2 mode=private queue0=none"
is "by name" "$(in_ns host "$nl" get ifname fw0)" "function $whole"
is "by PCI address" "$(in_ns host "$nl" get pci "$fw0")" "function $whole"
like "vlan, no appliance" "$(in_ns host "$nl" get ifname fw7)" \
	"ifname=fw7 uplink=[0-9]+ vlan=7 mac=[0-9a-f:]+ mtu=1400 link=down vectors=2 mode=private queue0=none$"
is "in two queries, one story" "$(in_ns host "$nl" get ifname fw7)" \
	"$(in_ns host "$nl" get pci "$fw7")"
in_ns host ip link set fw0 up
wait_for 5 eval 'in_ns host "$nl" get ifname fw0 | grep link=up'
like "up" "$(in_ns host "$nl" get ifname fw0)" 'link=up'
in_ns client ip link set eth0 down
wait_for 5 eval 'in_ns host "$nl" get ifname fw0 | grep link=no-carrier'
like "no carrier" "$(in_ns host "$nl" get ifname fw0)" 'link=no-carrier'
in_ns client ip link set eth0 up

# --- dump: to everybody his own
is "dump: the namespace's functions" "$(in_ns host "$nl" dump | grep -o 'ifname=[^ ]*' | xargs)" \
	"ifname=fw0 ifname=fw7"
is "dump: no spare ones" "$(in_ns host "$nl" dump | grep -c spare)" 0
is "dump: elsewhere" "$(in_ns other "$nl" dump)" ""
is "dump: by nobody" "$(in_ns host "${unprivileged[@]}" "$nl" dump | wc -l)" 2
in_order=$("$nl" dump | grep -o 'pci=[^ ]*')
is "initial namespace: used" "$("$nl" dump | grep -c state=used)" 2
is "initial namespace: spare" "$("$nl" dump | grep -c state=spare)" 16
is "initial namespace: all that lspci shows" "${in_order//pci=/}" \
	"$(lspci -D -d 1af4:10f0 | cut -d' ' -f1)"
like "initial namespace: a spare one" "$("$nl" get pci "${fw0%.0}.7")" \
	"^function pci=${fw0%.0}.7 state=spare$"
like "initial namespace: whole, and where" "$("$nl" get pci "$fw0")" \
	"netns=[0-9]+ ifindex=[0-9]+ ifname=fw0 uplink=[0-9]+ uplink-netns=[0-9]+ appliance=firewall"
expect_fail 'No such device: uvf: no function here has this PCI' in_ns other "$nl" get pci "$fw0"
expect_fail 'No such device: uvf: no function here' in_ns host "$nl" get pci "${fw0%.0}.7"
for who in "${unprivileged[*]}" 'unshare --user --map-root-user'; do
	is "initial namespace, ${who%% *}: spare" "$($who "$nl" dump | grep -c spare)" 16
	is "initial namespace, ${who%% *}: used" "$($who "$nl" dump | grep -c used)" 0
	# shellcheck disable=SC2086 # words
	expect_fail 'No such device: uvf: no function here' $who "$nl" get pci "$fw0"
done

# --- a user namespace with a network of its own
ns_spawn other unshare --user --map-root-user --net sleep 600
inner=$spawned
wait_for 5 eval '[[ $(readlink /proc/$inner/ns/net) != $(readlink /run/netns/uvf-$$-other) &&
	$(cat /proc/$inner/comm) == sleep ]]'
inside() { nsenter --target "$inner" --user --net --preserve-credentials "$@"; }
is "user namespace: nothing" "$(inside "$nl" dump)" ""
expect_fail 'No such device' inside "$nl" get pci "${fw0%.0}.7"
ok "user namespace: a function comes" in_ns host ip link set fw7 netns "$inner"
like "user namespace: seen" "$(inside "$nl" dump)" "^function pci=$fw7 state=used .*ifname=fw7"
like "user namespace: its uplink is elsewhere" "$(inside "$nl" dump)" 'uplink-netns=[0-9]+'
expect_fail 'No such device' in_ns host "$nl" get pci "$fw7"
ok "user namespace: it ends" kill "$inner"
wait_for 10 eval '[[ $("$nl" dump | grep -c state=used) -eq 1 ]]'
is "user namespace: spare again" "$("$nl" get pci "$fw7")" "function pci=$fw7 state=spare"

# --- a dump that does not fit together
is "dump: consistent" "$("$nl" torn true | cut -d, -f1)" consistent
is "dump: torn by a new function" "$("$nl" torn "nsenter --net=/run/netns/uvf-$$-host \
	ip link add link eth1 name x0 type uvf" | cut -d, -f1)" inconsistent
is "dump: torn by one that moves" "$("$nl" torn "nsenter --net=/run/netns/uvf-$$-host \
	ip link set x0 netns uvf-$$-other" | cut -d, -f1)" inconsistent
is "dump: torn by one that goes" "$("$nl" torn "nsenter --net=/run/netns/uvf-$$-other \
	ip link del x0" | cut -d, -f1)" inconsistent

# --- events
listen host host
listen other other
listen initial
ns_spawn host uvf monitor >>"$tmp/monitor" 2>&1
ns_spawn host uvf monitor --json >>"$tmp/json"
# they say nothing before the first event: until both have joined a group of generic netlink
wait_for 5 eval '[[ $(in_ns host awk '"'"'$2 == 16 && $4 != "00000000"'"'"' /proc/net/netlink | wc -l) -ge 3 ]]'
in_ns host ip link add link eth1 name ev0 address 02:00:00:00:00:05 type uvf appliance one vlan 9
ev0=$(pci_of ev0)
event host "made" "^add pci=$ev0 state=used ifindex=[0-9]+ ifname=ev0 .*appliance=one vlan=9 .*link=down"
event initial "made, as told elsewhere" "^add pci=$ev0 state=used netns=[0-9]+$"
in_ns host ip link set ev0 up
event host "up" "^change pci=$ev0 .*ifname=ev0 .*link=up"
in_ns host ip link set ev0 address 02:00:00:00:00:06
event host "another address" "^change pci=$ev0 .*mac=02:00:00:00:00:06"
in_ns host ip link set ev0 mtu 1300
event host "another MTU" "^change pci=$ev0 .*mtu=1300"
in_ns client ip link set eth0 down
event host "the uplink loses its carrier" "^change pci=$ev0 .*link=no-carrier"
in_ns client ip link set eth0 up
event host "the uplink has it again" "^change pci=$ev0 .*link=up"
in_ns host ip link set ev0 down
event host "down" "^change pci=$ev0 .*link=down"
in_ns host ip link set ev0 type uvf appliance two
event host "another appliance" "^change pci=$ev0 .*appliance=two"
in_ns host ip link set ev0 type uvf mode bridge
event host "another mode" "^change pci=$ev0 .*mode=bridge"
in_ns host ethtool -L ev0 combined 3
event host "more queues" "^change pci=$ev0 .*vectors=4 .*queue0=none queue1=none queue2=none"
in_ns host ip link set ev0 name ev1
event host "another name" "^change pci=$ev0 .*ifname=ev1"
: >"$tmp/initial"
in_ns host ip link set ev1 netns "uvf-$$-other"
event host "leaves" "^del pci=$ev0 .*ifname=ev1"
event other "comes" "^add pci=$ev0 .*ifname=ev1 .*uplink-netns="
event initial "leaves, as told elsewhere" "^del pci=$ev0 state=used netns="
in_ns other ip link del ev1
event other "goes" "^del pci=$ev0 .*ifname=ev1"
is "event: nothing more is heard elsewhere" "$(grep ev1 "$tmp/host")" ""

like "uvf monitor" "$(cat "$tmp/monitor")" \
	"^event add  function ev0  pci $ev0  uplink eth1  appliance one  vlan 9  mode private  mac "
like "uvf monitor: the end" "$(cat "$tmp/monitor")" "^event del  function ev1  pci $ev0  "
is "uvf monitor --json" "$(head -n 1 "$tmp/json" | jq -r '"\(.event) \(.pci) \(.queues[0])"')" \
	"add $ev0 none"

# --- leases
in_ns host ip link set fw0 up
ns_spawn host "$xsk" echo fw0 zerocopy >"$tmp/echo" 2>&1
socket=$spawned
event host "a socket binds" "^change pci=$fw0 .*queue0=zero-copy"
like "lease: zero-copy" "$(in_ns host "$nl" get ifname fw0)" 'queue0=zero-copy'
kill "$socket"
event host "the socket goes" "^change pci=$fw0 .*queue0=none"
like "lease: none" "$(in_ns host "$nl" get ifname fw0)" 'queue0=none'
ns_spawn host "$xsk" echo fw0 copy >"$tmp/echo" 2>&1
wait_for 10 grep -q ^ready "$tmp/echo" || diag "$(cat "$tmp/echo")"
like "lease: copy" "$(in_ns host "$nl" get ifname fw0)" 'queue0=copy'
kill "$spawned"
wait "$spawned"

# --- refused
raw() { expect_fail "$1" in_ns host "$nl" raw "${@:2}"; }
get=1 dump=0x300
raw "Invalid argument: uvf: name the function, by either" $get 0
raw "Invalid argument: uvf: name the function, by either" $get 0 1 05000000 2 6100
raw "Numerical result out of range: integer out of range" $get 0 1 00000000
raw "Invalid argument: invalid attribute length" $get 0 1 0500
raw "Invalid argument: invalid attribute length" $get 0 1 0500000000
raw "No such device: uvf: no network device here" $get 0 1 ffffff7f
raw "No such device: uvf: the network device is not a uvf" $get 0 1 01000000
raw "Invalid argument: Attribute failed policy validation" $get 0 2 61
raw "Invalid argument: Attribute failed policy" $get 0 2 "$(printf '61%.0s' {1..24})00"
raw "No such device: uvf: no function here" $get 0 2 00
for name in x 10000:00:00 10000:00:00.00 10000:0:0.0 ffff:00:00.0 10000:ff:1f.7 '10000:00:00.0 '; do
	expect_fail "No such device: uvf: no function here" in_ns host "$nl" get pci "$name"
done
raw "Invalid argument: Unknown attribute type" $get 0 3 01000000
raw "Invalid argument: Unknown attribute type" $get 0 13
raw "Invalid argument: Unknown attribute type" $get 0 15
raw "Invalid argument: Unknown attribute type" $get 0 0 00
raw "Invalid argument: NLA_F_NESTED not expected" $get 0 0x8001 05000000
# up to 6.1 without a text: the core lets a dump have none
raw "Invalid argument: (uvf: a dump takes no attributes|\(no text\))" $get $dump 1 05000000
raw "Invalid argument: ambiguous or reserved bits" $get 0x400 1 05000000
for cmd in 0 2 3 4 8 200; do raw "Operation not supported: " $cmd 0; done

# --- anything: a longer run is  mod_netlink.sh SECONDS [SEED]
topology_make fuzz
# Else the kernel runs modprobe for each name that it does not know. The uplink is a dummy.
modprobe dummy
modprobe=$(cat /proc/sys/kernel/modprobe)
echo >/proc/sys/kernel/modprobe
ok "random messages" in_ns fuzz "$fuzz" u0 "${1:-10}" ${2:-}
sed 's/^/# /' "$tap_out"
ok "and all is well" in_ns host "$nl" get ifname fw0
echo "$modprobe" >/proc/sys/kernel/modprobe
ip netns del "uvf-$$-fuzz"

# --- the module goes while somebody listens
in_ns host ip link set fw0 up
ok "rmmod" rmmod uvf
event host "goes with the module" "^del pci=$fw0 .*ifname=fw0"
expect_fail 'no family uvf' "$nl" dump
ok "insmod" insmod "$(module_path)"
is "the family is there again" "$("$nl" dump | grep -c state=spare)" 16

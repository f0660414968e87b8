#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# runs: vm
# vm: --smp 2 --timeout 300
#
# Interrupts routed from and to eventfds: counted, owned, and gone with their owner.
#
#	client: eth0 ══ eth1 :host
#	                └─ fw0
#
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../lib/topology.sh"
nl=$here/../../build/tests/nl_uvf
route() { in_ns host "$here/../../build/tests/nl_route" "$@"; }
route_spawn() { ns_spawn host "$here/../../build/tests/nl_route" "$@" >"$tmp/route" 2>&1; }

# Of one processor, or of all: interrupts VECTOR [CPU]
interrupts() {
	awk -v name="$1" -v cpu="${2:-}" '$NF == name {
		print cpu == "" ? $2 + $3 : $(2 + cpu)
	}' /proc/interrupts
}

vector() { in_ns host "$nl" vector ifname fw0 "$1"; }
free() { wait_for 5 eval "! vector $1 | grep -E ' (in|out)'"; }

# holds VECTOR DIRECTION: by a process, $spawned
holds() {
	route_spawn hold fw0 "$1" "$2"
	wait_for 10 grep -q holding "$tmp/route" || fail "it holds" "$(cat "$tmp/route")"
}

module_load
topology_make client host
topology_wire client eth0 10.1.0.1/24 host eth1 10.1.0.2/24
ok "a function" function_add host fw0 eth1 test
in_ns host ip link set fw0 up
in_ns host ip addr add 10.1.0.3/24 dev fw0
wait_for 5 eval 'in_ns host "$nl" get ifname fw0 | grep link=up'
pci=$(in_ns host ip -j -d link show fw0 | jq -r '.[0].linkinfo.info_data.pci')

# --- what there is
is "vectors" "$(in_ns host "$nl" vectors | wc -l)" 2
is "vectors, as told of the function" "$(in_ns host "$nl" get ifname fw0 | grep -o 'vectors=[0-9]*')" \
	vectors=2
irq=$(awk '$NF == "fw0-0" { print $1 + 0 }' /proc/interrupts)
like "queue 0's, as in /proc/interrupts" "$(vector 1)" \
	"^vector ifindex=[0-9]+ pci=$pci id=1 irq=$irq$"

# --- counted
sleep 1 # for news of the carrier
for vector in 0 1; do
	name=fw0-ctl
	[[ $vector -eq 0 ]] || name=fw0-0
	before=$(interrupts $name)
	is "$name: each is told" "$(route loop fw0 $vector 500)" "raised 500 told 500"
	is "$name: each is an interrupt" $(($(interrupts $name) - before)) 500
	before=$(interrupts $name)
	told=$(route burst fw0 $vector 500)
	like "$name: in a burst, some are one" "$told" '^told [0-9]+$'
	is "$name: as many as told" "told $(($(interrupts $name) - before))" "$told"
done
ok "written before it was routed" route once fw0 0
for cpu in 1 0; do
	echo $((1 << cpu)) >"/proc/irq/$irq/smp_affinity"
	before=$(interrupts fw0-0 $cpu)
	is "on processor $cpu" "$(route loop fw0 1 100)" "raised 100 told 100"
	is "on processor $cpu: there" $(($(interrupts fw0-0 $cpu) - before)) 100
done
before=$(interrupts fw0-0)
route_spawn count fw0 1
wait_for 10 grep -q counting "$tmp/route"
like "out: a vector with one" "$(vector 1)" ' out$'
ok "frames pass" in_ns client ping -q -c 20 -i 0.01 10.1.0.3
in_ns client ip neigh flush all
kill "$spawned"
wait "$spawned"
told=$(grep -o '[0-9]*$' "$tmp/route")
ok "out: frames are told of ($told)" test "$told" -gt 0
ok "out: all of them" test $(($(interrupts fw0-0) - before)) -ge "$told"

# --- owned
holds 0 in
like "in: a vector with one" "$(vector 0)" ' in$'
expect_fail 'Device or resource busy: uvf: the vector has a route' route try fw0 0 0 eventfd
ok "the other direction is free" route try fw0 0 1 eventfd
ok "another vector is free" route try fw0 1 0 eventfd
before=$(interrupts fw0-ctl)
kill -USR2 "$spawned"
wait_for 5 eval '[[ $(interrupts fw0-ctl) -gt $before ]]'
is "its owner raises it" $(($(interrupts fw0-ctl) - before)) 1
kill -9 "$spawned"
wait "$spawned"
free 0
is "killed: the route is gone" "$(vector 0 | grep -oE ' (in|out)')" ""
ok "killed: free for the next" route try fw0 0 0 eventfd
for direction in in out; do
	holds 1 $direction
	kill -USR1 "$spawned"
	free 1
	is "$direction: the eventfd is closed" "$(vector 1 | grep -oE ' (in|out)')" ""
	is "$direction: its owner lives" "$(kill -0 "$spawned" && echo yes)" yes
	holds 1 $direction
	kill "$spawned"
done
ok "what may share an eventfd" route shared fw0
ok "ended by its owner alone" route end fw0 0

# --- refused
expect_fail 'Bad file descriptor: uvf: the descriptor is not open' route try fw0 0 0 closed
for kind in file pipe netlink; do
	expect_fail "Invalid argument: uvf: the descriptor is not an eventfd" route try fw0 0 0 $kind
done
for vector in 2 16 17 31 4294967295; do
	expect_fail 'Numerical result out of range: uvf: the function has no such vector' \
		route try fw0 $vector 0 eventfd
	expect_fail 'Numerical result out of range: uvf: the function has no such vector' \
		in_ns host "$nl" vector ifname fw0 $vector
done
expect_fail 'Numerical result out of range: integer out of range' route try fw0 0 2 eventfd
expect_fail 'No such device: uvf: the network device is not' route try eth1 0 0 eventfd
expect_fail 'No such device: uvf: the function is spare' "$nl" raw 6 0 \
	2 "$(printf '%s\0' "${pci%.0}.7" | od -An -v -tx1 | tr -d ' \n')" 3 00000000 4 00000000 5 00000000
index=$(printf '%02x000000' "$(in_ns host ip -j link show fw0 | jq ".[0].ifindex")")
raw() { expect_fail "$1" in_ns host "$nl" raw "${@:2}"; }
raw 'Invalid argument: uvf: which vector is meant' 5 0 1 "$index"
raw 'Invalid argument: uvf: which vector is meant' 6 0 1 "$index"
raw 'Invalid argument: uvf: into the vector, or out' 6 0 1 "$index" 3 00000000
raw 'Invalid argument: uvf: the descriptor of an eventfd is missing' 6 0 1 "$index" 3 00000000 4 00000000
raw 'Invalid argument: uvf: name the function' 6 0 3 00000000 4 00000000 5 00000000
raw 'Invalid argument: Unknown attribute type' 7 0 1 "$index" 3 00000000 4 00000000 5 00000000
raw 'Bad file descriptor: uvf' 6 0 1 "$index" 3 00000000 4 00000000 5 ffffffff
raw 'No such file or directory: uvf: the vector has no route' 7 0 1 "$index" 3 00000000 4 00000000
nobody=(setpriv --reuid=65534 --regid=65534 --clear-groups)
for who in "${nobody[*]}" 'unshare --user --map-root-user'; do
	# shellcheck disable=SC2086 # words
	expect_fail 'Operation not permitted: uvf: this takes CAP_NET_ADMIN' in_ns host $who \
		"$here/../../build/tests/nl_route" try fw0 0 0 eventfd
done

# --- under way
ok "routes come and go under writes" route churn fw0 1 3
holds 0 in
echo "$pci" >/sys/bus/pci/drivers/uvf/unbind
is "unbound: no interrupt" "$(vector 1 | grep -o irq=)" ""
like "unbound: the route stays" "$(vector 0)" ' in$'
kill -USR2 "$spawned"
echo "$pci" >/sys/bus/pci/drivers/uvf/bind
before=$(interrupts fw0-ctl)
kill -USR2 "$spawned"
wait_for 5 eval '[[ $(interrupts fw0-ctl) -gt $before ]]'
is "bound again: it raises again" $(($(interrupts fw0-ctl) - before)) 1

kill "$spawned"
free 0
ok "three queues" in_ns host ethtool -L fw0 combined 3
holds 3 out
first=$spawned
holds 1 out
ok "three queues: each works" eval 'for v in 0 2; do route loop fw0 $v 20; done'
ok "two queues" in_ns host ethtool -L fw0 combined 2
is "two queues: the third one's route is gone" "$(in_ns host "$nl" vectors | grep -c out)" 1
like "two queues: the first one's is not" "$(vector 1)" ' out$'
ok "three queues again" in_ns host ethtool -L fw0 combined 3
is "three queues again: the route is not" "$(vector 3 | grep -oE ' (in|out)')" ""
kill "$spawned" "$first"
in_ns host ethtool -L fw0 combined 1

# --- the ends of the function
for way in 'in_ns host ip link del fw0' 'echo 1 >/sys/bus/pci/devices/$pci/remove' 'rmmod uvf'; do
	route_spawn hold fw0 1 in
	other=$spawned
	wait_for 10 grep -q holding "$tmp/route"
	ok "with routes: ${way##*/}" eval "$way"
	kill -USR2 "$other"
	ok "the owner lives" kill -0 "$other"
	[[ $way != *remove ]] || echo 1 >/sys/bus/pci/rescan
	[[ -d /sys/module/uvf ]] || ok "insmod" insmod "$(module_path)"
	wait_for 5 function_add host fw0 eth1 test
	is "the next has none" "$(in_ns host "$nl" vectors | grep -cE ' (in|out)')" 0
	kill "$other"
done

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# runs: vm
# vm: --smp 2 --timeout 400
#
# Frames of one function that another receives: by each way that they come, for groups, to siblings,
# and without one that is lost or doubled while the redirect comes and goes.
#
#	client: eth0 10.1.0.1 ══ eth1 10.1.0.2 :host
#	                         ├─ fa :host            whose frames are
#	                         ├─ fb :host            this one's
#	                         ├─ fc 10.1.0.13 :c     their sibling
#	                         └─ f7, g7 (vlan 7) :host
#	other:  eth0 10.2.0.1 ══ eth2 10.2.0.2 :host
#	                         └─ fx :host
#
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../lib/topology.sh"
. "$here/../lib/xsk.sh"
nl=$here/../../build/tests/nl_uvf
seq=$here/../../build/tests/seq
need ip nsenter ethtool jq

field() { in_ns "$1" ip -j -d link show "$2" | jq -r ".[0].$3"; }
pci_of() { field "$1" "$2" linkinfo.info_data.pci; }
# counts FUNCTION…: what each has received, and eth1 has sent, into $count. Without a process: a VM
# is slow, and there is much to be counted.
counts() {
	local name n
	local -A rx=()
	while read -r name n; do
		read -r -a n <<<"$n"
		rx[${name%:}]=${n[1]}
		[[ $name != eth1: ]] || rx[eth1]=${n[9]}
	done <"/proc/$witness/net/dev"
	count=()
	for name; do
		count+=("${rx[$name]-0}")
	done
}
redirect() { ip -n "uvf-$$-host" link set "$1" type uvf redirect "$2"; }
said() { ip -n "uvf-$$-host" -d link show "$1" | sed -n 's/.* redirect \([^ ]*\) .*/\1/p'; }

# place NAME HOST UPLINK WORD…
place() {
	local name=$1 host=$2 uplink=$3
	shift 3
	ok "$name: $*" in_ns host ip link add link "$uplink" name "$name" netns "uvf-$$-$host" type uvf "$@"
	in_ns "$host" ip link set "$name" up
}

# got DESC FA FB UPLINK COMMAND…: so many frames more are received by fa and fb, and sent by the uplink
got() {
	local desc=$1 want="$2 $3 $4" before
	shift 4
	differ() {
		counts fa fb eth1
		[[ "$((count[0] - before[0])) $((count[1] - before[1])) $((count[2] - before[2]))" == "$want" ]]
	}
	counts fa fb eth1
	before=("${count[@]}")
	"$@" >/dev/null || fail "$desc: is sent"
	if wait_for 1 differ; then
		pass "$desc"
	else
		fail "$desc" "wanted $want more than ${before[*]}, got ${count[*]}"
	fi
}
numbered() { in_ns "$1" "$seq" send "$2" to="$3" count=50 rate=1000; }
poured() { in_ns "$1" "$xsk" pour "$2" "$3" 50 zerocopy; }

topology_make client other host b c
topology_wire client eth0 10.1.0.1/24 host eth1 10.1.0.2/24
topology_wire other eth0 10.2.0.1/24 host eth2 10.2.0.2/24
ns_spawn host sleep infinity
witness=$spawned
wait_for 5 grep -q eth1 "/proc/$witness/net/dev"
bpffs_ready
module_load
place fa host eth1 mode bridge
place fb host eth1 mode bridge
place fc c eth1 mode bridge
place f7 host eth1 vlan 7
place g7 host eth1 vlan 7
place fx host eth2
in_ns c ip addr add 10.1.0.13/24 dev fc
everyone=ff:ff:ff:ff:ff:ff
a=$(field host fa address) b=$(field host fb address) c=$(field c fc address)
fa=$(pci_of host fa) fb=$(pci_of host fb) fc=$(pci_of c fc)

# --- told, and refused
listen_to() { # NAME COMMAND…
	ns_spawn host "${@:2}" >>"$tmp/$1"
	sleep 0.5
}
listen_to events "$nl" events
listen_to links ip -d monitor link
is "none at first" "$(said fa)" ""
ok "one, by its name" redirect fa fb
is "ip tells" "$(said fa)" "$fb"
is "in JSON, too" "$(field host fa linkinfo.info_data.redirect)" "$fb"
like "generic netlink tells" "$(in_ns host "$nl" get ifname fa)" " redirect=$fb "
ok "an event" wait_for 5 grep -q "^change pci=$fa .* redirect=$fb " "$tmp/events"
ok "and RTM_NEWLINK" wait_for 5 grep -q " redirect $fb " "$tmp/links"
expect_fail "can't be the redirect of itself" redirect f7 f7
expect_fail 'a function of another uplink' redirect fx fb
expect_fail 'a function of another VLAN' redirect f7 fb
expect_fail 'a function of another VLAN' redirect fa f7
expect_fail 'frames are not redirected twice' redirect fb "$fc"
expect_fail 'frames are not redirected twice' redirect fb fa
expect_fail 'frames are not redirected twice' in_ns c ip link set fc type uvf redirect "$fa"
expect_fail 'no function in use has the PCI address' redirect fa "${fa%:*}:1f.7"
is "nothing has changed" "$(said fa)$(said fb)$(said f7)$(said fx)" "$fb"
ok "with a limit in one message" in_ns host ip link set fa type uvf tx_pps 1000 redirect "$fc"
is "both are told" "$(said fa) $(field host fa linkinfo.info_data.tx_pps)" "$fc 1000"
expect_fail 'frames are not redirected twice' in_ns host ip link set fb type uvf tx_pps 7 redirect fa
is "with a refusal, neither" "$(field host fb linkinfo.info_data.tx_pps)" null
ok "of a function that is made" in_ns host ip link add link eth1 name fd type uvf redirect fb
is "told" "$(said fd)" "$fb"
expect_fail 'a function of another uplink' \
	in_ns host ip link add link eth2 name fe type uvf redirect fb
ns_spawn c unshare --user --map-root-user --net sleep 60
inner=$spawned
wait_for 5 eval '[[ $(cat /proc/$inner/comm) == sleep ]]'
in_ns host ip link set fd netns "$inner"
inside() { nsenter --target "$inner" --user --net --preserve-credentials "$@"; }
expect_fail 'CAP_NET_ADMIN in the initial user namespace' inside ip link set fd type uvf redirect none
inside ip link del fd
kill "$inner"
ok "another one in its place" in_ns host ip link set fa type uvf tx_pps 0 redirect fb

# --- from the uplink's receive handler, and from siblings
got "the uplink" 0 50 0 numbered client eth0 "$a"
got "of its own, the other gets what it did" 0 50 0 numbered client eth0 "$b"
got "a sibling's stack" 0 50 0 numbered c fc "$a"
got "a sibling's AF_XDP" 0 50 0 poured c fc "$a"
echo_start host fb zerocopy
ok "the uplink, to AF_XDP" in_ns client "$xsk" ask eth0 "$a" 300
ok "a sibling's stack, to AF_XDP" in_ns c "$xsk" ask fc "$a" 300
got "from UMEM to UMEM" 0 500 0 in_ns c "$xsk" query fc "$a" 500 zerocopy
echo_stop
like "to AF_XDP: whole" "$(cat "$tmp/echo")" "^questions 1100 answers 1100 broken 0 end asked"
in_ns host ip link set fb type uvf mode private
got "a sibling, to a private one for a bridge" 0 50 0 numbered c fc "$a"
got "and its broadcast" 0 50 50 numbered c fc $everyone
in_ns host ip link set fb type uvf mode bridge
in_ns host ip link set fa type uvf mode private
got "a sibling, to a bridge for a private one" 0 0 50 numbered c fc "$a"
in_ns host ip link set fa type uvf mode bridge

# --- what both of them send, and copies for a mirror
got "fa sends as ever" 0 0 50 numbered host fa "$(field client eth0 address)"
got "fa to its own address" 0 0 50 numbered host fa "$a"
got "fb to the one that it has" 0 0 50 numbered host fb "$a"
got "fb to its own" 0 0 50 numbered host fb "$b"
got "fa to its own address, by AF_XDP" 0 0 50 poured host fa "$a"
got "fb to the one that it has, by AF_XDP" 0 0 50 poured host fb "$a"
got "fa to fb" 0 50 0 numbered host fa "$b"
in_ns c ip link set fc type uvf tx_mirror "$fa"
got "copies for fa" 0 50 50 numbered c fc 02:00:00:00:00:77
in_ns host ip link set fb type uvf tx_mirror fx
got "not where they would be copied again" 50 0 50 numbered c fc 02:00:00:00:00:77
in_ns host ip link set fb type uvf tx_mirror none
in_ns c ip link set fc type uvf tx_mirror none

# --- groups
got "broadcast, once" 0 50 0 numbered client eth0 $everyone
got "a sibling's" 0 50 50 numbered c fc $everyone
got "a sibling's, by AF_XDP" 0 50 50 poured c fc $everyone
got "fa's, of which fb is a sibling" 0 50 50 numbered host fa $everyone
got "fb's, which is not fa's" 0 0 50 numbered host fb $everyone
group=01:00:5e:01:02:03
got "a group of nobody" 0 0 0 numbered client eth0 $group
in_ns host ip maddr add $group dev fa
got "a group of fa alone is fb's" 0 50 0 numbered client eth0 $group
got "from a sibling" 0 50 50 numbered c fc $group
in_ns host ip maddr add $group dev fb
got "a group of both, once" 0 50 0 numbered client eth0 $group
in_ns host ip maddr del $group dev fa
in_ns host ip maddr del $group dev fb

# --- tags
ok "in a VLAN" redirect f7 g7
in_ns client "$seq" send eth0 to="$(field host f7 address)" count=50 rate=1000 vlan=7 >/dev/null
counts f7 g7
is "its frames, which come with the tag" "${count[*]}" "0 50"

# --- one of them down
in_ns host ip link set fb down
got "the other one is down" 50 0 0 numbered client eth0 "$a"
got "broadcast" 50 0 0 numbered client eth0 $everyone
got "from a sibling" 50 0 0 numbered c fc "$a"
in_ns host ip link set fb up
got "it is up" 0 50 0 numbered client eth0 "$a"
in_ns host ip link set fa down
got "the function is down" 0 0 0 numbered client eth0 "$a"
in_ns host ip link set fa up

# --- no frame is lost, none doubled

# flows DESC FROM LINK COMMAND…: while numbered frames are sent to fa; each second of them 1000
flows() {
	local desc=$1 from=$2 link=$3 listener sender
	shift 3
	ns_spawn host "$seq" receive fa,fb idle=500 >"$tmp/in"
	listener=$spawned
	wait_for 10 grep -q ready "$tmp/in"
	ns_spawn "$from" "$seq" send "$link" to="$a" count=1000000 rate=1000 >/dev/null
	sender=$spawned
	sleep 0.3
	ok "$desc" "$@"
	sleep 0.3
	kill "$sender" || fail "$desc: frames were sent all the time"
	wait "$sender" 2>/dev/null
	wait "$listener"
	diag "$(tail -n 1 "$tmp/in")"
	like "$desc: none lost, none doubled" "$(tail -n 1 "$tmp/in")" \
		'^\{ "received": [0-9]{3,}, "doubled": 0, "missing": 0 \}$'
}
times() { # COUNT VALUE VALUE: on and off in one process
	for ((i = 0; i < $1; i++)); do
		printf 'link set fa type uvf redirect %s\n' "$2" "$3"
	done | in_ns host ip -batch -
}
counts fa fb
before=("${count[@]}")
flows "200 times, from the uplink" client eth0 times 200 none "$fb"
counts fa fb
ok "both had some of them" test "${count[0]}" -gt "${before[0]}" -a "${count[1]}" -gt "${before[1]}"
flows "50 times, from a sibling" c fc times 50 none "$fb"
ns_spawn host "$xsk" echo fa zerocopy >"$tmp/echo.fa"
answering=$spawned
wait_for 10 grep -q ^ready "$tmp/echo.fa"
echo_start host fb zerocopy
ns_spawn c "$xsk" query fc "$a" 20000 zerocopy >"$tmp/query"
asking=$spawned
times 100 none "$fb"
ok "from UMEM to UMEM, of both" wait "$asking"
kill "$answering"
wait "$answering"
echo_stop
is "each was answered by one of them" \
	"$(cat "$tmp/echo.fa" "$tmp/echo" | awk '/^questions/ { n += $2 } END { print n }')" 20000
redirect fa "$fb"

# A packet socket is deaf for a moment when its link comes up, so this is counted.
counts fa fb
before=("${count[@]}")
ns_spawn c "$seq" send fc to="$a" count=2000 rate=1000 >/dev/null
sender=$spawned
for ((turns = 0; turns < 2 || $(jobs -rp | grep -cx "$sender"); turns++)); do
	ip -n "uvf-$$-host" link set fb down
	ip -n "uvf-$$-host" link set fb up
done
wait "$sender"
all_came() {
	counts fa fb
	came=("$((count[0] - before[0]))" "$((count[1] - before[1]))")
	[[ $((came[0] + came[1])) -eq 2000 && ${came[0]} -gt 0 && ${came[1]} -gt 0 ]]
}
ok "the other one goes down and comes up: none lost" wait_for 2 all_came
diag "$turns times, of both: ${came[*]}"

# --- from a program on the uplink
uvfd_start host
like "XDP steers" "$(cat "$tmp/uvfd.log")" 'eth1: steering with XDP$'
steered() { in_ns host uvf stats --json fa | jq .steering.rx_frames; }
steered=$(steered)
got "XDP of the uplink" 0 50 0 numbered client eth0 "$a"
is "by XDP" "$(($(steered) - steered))" 50
echo_start host fb zerocopy
ok "to AF_XDP" in_ns client "$xsk" ask eth0 "$a" 300
echo_stop
got "broadcast, once" 0 50 0 numbered client eth0 $everyone
flows "50 times, by XDP" client eth0 times 50 none "$fb"
uvfd_stop

# --- the ends of things, under traffic
: >"$tmp/links"
flood() {
	ns_spawn client "$seq" send eth0 to="$a" count=1000000 >/dev/null 2>&1
	traffic=("$spawned")
	ns_spawn c "$xsk" pour fc "$a" 100000000 zerocopy >/dev/null 2>&1
	traffic+=("$spawned")
	sleep 0.3
}
end_flood() {
	kill -KILL "${traffic[@]}" 2>/dev/null # the one that pours would wait for an end
	wait "${traffic[@]}" 2>/dev/null
}
redirect fa "$fb"
in_ns host ip link set fb netns "uvf-$$-b"
in_ns b ip addr add 10.1.0.12/24 dev fb
in_ns b ip link set fb up
is "the other one in another namespace" "$(said fa)" "$fb"
in_ns client ip neigh replace 10.1.0.12 lladdr "$a" dev eth0 nud permanent
ok "its stack answers, to the address of fa" in_ns client ping -q -c 2 -i 0.2 -W 4 10.1.0.12
in_ns c ip neigh replace 10.1.0.12 lladdr "$a" dev fc nud permanent
ok "a sibling as well" in_ns c ping -q -c 2 -i 0.2 -W 4 10.1.0.12
in_ns b "$xsk" attach fb bounce
ok "behind a program" in_ns client ping -q -c 2 -i 0.2 -W 4 10.1.0.12
in_ns b "$xsk" detach fb
flood
: >"$tmp/events"
ok "the other one is deleted" in_ns b ip link del fb
end_flood
is "there is no redirect" "$(said fa)" ""
like "an event" "$(grep "pci=$fa" "$tmp/events")" "^change .*ifname=fa"
not_ok "of one without" grep -q "pci=$fa.*redirect" "$tmp/events"
got "its frames are its own" 50 0 0 numbered client eth0 "$a"

place fb host eth1 mode bridge
fb=$(pci_of host fb)
redirect fa "$fb"
in_ns host ip link set fa down
: >"$tmp/links"
in_ns host ip link del fb
ok "RTM_NEWLINK, of one that is down" wait_for 5 grep -q ' fa@eth1' "$tmp/links"
in_ns host ip link set fa up
place fb host eth1 mode bridge
fb=$(pci_of host fb)
flood
for i in 1 2; do
	redirect fa "$fb"
	ok "the function is deleted, $i" in_ns host ip link del fa
	in_ns host ip link add link eth1 name fa address "$a" type uvf mode bridge
	in_ns host ip link set fa up
done
ok "the other one may have one again" redirect fb fa
ok "none" redirect fb none
redirect fa "$fb"
ok "the uplink is deleted" in_ns host ip link del eth1
end_flood
place fa host eth2
place fb host eth2
redirect fa fb
ok "rmmod" rmmod uvf

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Rules: what they take, by XDP and by tc; in which order; that `uvf rule test` says what happens;
# that they are exchanged at once under traffic, and outlive uvfd.
#
#	client eth0 ══ eth1 host
#	                ├ fw0, ids0
#	                └ vlan0       VLAN 7: what XDP leaves to tc
set -u
. "$(dirname "$0")/../lib/topology.sh"
export BACKEND=veth
need ip nsenter ethtool jq xxd bpftool
seq=$top/build/tests/seq

topology_make client host
topology_wire client eth0 10.0.1.2/24 host eth1 10.0.1.9/24
bpffs_ready
function_add host fw0 eth1 firewall
function_add host ids0 eth1 ids
function_add host vlan0 eth1 firewall 7
for name in fw0 ids0 vlan0; do in_ns host ip link set "$name" up; done
mac() { in_ns "$1" ip -j link show "$2" | jq -r ".[0].address"; }
uplink=$(mac host eth1)
rx() { in_ns host uvf stats --json "$1" | jq ".steering.rx_frames"; }
hits() { in_ns host uvf rule list --json | jq "[.[] | select(.id == $1)][0].frames"; }
rule() { in_ns host uvf rule "$@"; }
asked() { rule test --json eth1 "$@" | jq -r '[.why, .action, .function, .rule] | map(. // "-") | join(" ")'; }
# Bytes of what the verifier has left of the program.
program() { bpftool -j prog show id "$(in_ns host ip -j -d link show eth1 | jq '.[0].xdp.prog.id')" | jq .bytes_xlated; }
# settle: what was sent has come
send() { in_ns client "$seq" send eth0 "$@" >"$tmp/sent"; }

# takes DESC FUNCTION COUNT WORDS…: of 10 frames to the uplink's own address, by such a function
takes() {
	local desc=$1 function=$2 count=$3 before
	shift 3
	before=$(rx "$function")
	send to="$uplink" count=10 "$@"
	is "$desc" "$(($(rx "$function") - before))" "$count"
}

uvfd_start host
pruned=$(program)

# --- what they take -----------------------------------------------------------------------------

takes "without a rule nothing of the host's is taken" fw0 0 dst=10.0.1.9
id=$(rule add fw0 dst 198.51.100.0/24 proto udp dport 5000-5999)
not_ok "with the first rule another program is loaded" test "$(program)" == "$pruned"
takes "prefix, protocol and ports: taken" fw0 10 dst=198.51.100.7 dport=5555
takes "another address: not" fw0 0 dst=198.51.101.7 dport=5555
takes "another protocol: not" fw0 0 dst=198.51.100.7 dport=5555 proto=6
takes "a port below the range: not" fw0 0 dst=198.51.100.7 dport=4999
takes "the first of the range" fw0 10 dst=198.51.100.7 dport=5000
takes "the last of the range" fw0 10 dst=198.51.100.7 dport=5999
takes "a port above the range: not" fw0 0 dst=198.51.100.7 dport=6000
takes "with a tag, as no VLAN is said" fw0 10 dst=198.51.100.7 dport=5555 vlan=9
is "the rule counts what it took" "$(hits "$id")" 40
six=$(rule add ids0 src 2001:db8::/32 dst 2001:db8:1::1 proto tcp sport 1024-65535 dport 443)
takes "IPv6" ids0 10 src=2001:db8::2 dst=2001:db8:1::1 proto=6 sport=4000 dport=443
takes "another source port: not" ids0 0 src=2001:db8::2 dst=2001:db8:1::1 proto=6 sport=80 dport=443
takes "IPv4 is not IPv6" ids0 0 src=32.1.13.184 dst=32.1.13.184 proto=6 sport=4000 dport=443
tag=$(rule add ids0 vlan 12)
takes "a VLAN" ids0 10 vlan=12
takes "not the next one" ids0 0 vlan=13
rule add vlan0 dst 198.51.100.0/24 dport 80 >/dev/null
takes "a function of one VLAN: its frames, by tc" vlan0 10 vlan=7 dst=198.51.100.1 dport=80
takes "and no others" vlan0 0 vlan=8 dst=198.51.100.1 dport=80
takes "nor untagged ones" vlan0 0 dst=198.51.100.1 dport=80
before=$(rx ids0)
send to="$(mac host ids0)" count=10 dst=198.51.100.7 dport=5555
is "whatever the address: fw0's rule before that of ids0" "$(($(rx ids0) - before))" 0
before=$(rx fw0)
send to=ff:ff:ff:ff:ff:ff count=10 dst=198.51.100.7 dport=5555
is "broadcasts are nobody's" "$(($(rx fw0) - before))" 0

# --- in which order ------------------------------------------------------------------------------

is "the first wins" "$(rule add ids0 dst 198.51.100.0/24 proto udp dport 5000-5999 >/dev/null &&
	asked dst 198.51.100.1 proto udp dport 5100)" "rule accept fw0 $id"
high=$(rule add ids0 prio 200 dst 198.51.100.0/25)
is "the highest wins" "$(asked dst 198.51.100.1 proto udp dport 5100)" "rule accept ids0 $high"
takes "by a frame as well" ids0 10 dst=198.51.100.1 dport=5100
is "elsewhere it does not hold" "$(asked dst 198.51.100.129 proto udp dport 5100)" \
	"rule accept fw0 $id"
pass=$(rule add fw0 prio 300 src 203.0.113.0/24 action pass)
is "pass is an exception" "$(asked src 203.0.113.1 dst 198.51.100.1)" "host pass - $pass"
takes "for the host" ids0 0 src=203.0.113.1 dst=198.51.100.1 dport=5100
is "and for who is addressed" "$(asked --to "$(mac host fw0)" src 203.0.113.1)" \
	"address accept fw0 $pass"
drop=$(rule add fw0 prio 400 src 203.0.113.66 action drop)
is "drop" "$(asked src 203.0.113.66)" "rule drop fw0 $drop"
before=$(in_ns host uvf stats --json fw0 | jq .steering.dropped_rule)
send to="$uplink" count=10 src=203.0.113.66
is "is counted as the function's" \
	"$(($(in_ns host uvf stats --json fw0 | jq .steering.dropped_rule) - before))" 10

# --- what test says ------------------------------------------------------------------------------

is "an address" "$(asked --to "$(mac host ids0)" dst 10.9.9.9)" "address accept ids0 -"
is "nobody's" "$(asked dst 10.9.9.9)" "host pass - -"
is "a broadcast" "$(asked --to ff:ff:ff:ff:ff:ff)" "all pass - -"
is "IPv6" "$(asked src 2001:db8::2 dst 2001:db8:1::1 proto tcp sport 4000 dport 443)" \
	"rule accept ids0 $six"
# A later fragment of UDP has no ports (offset 185 * 8), and the first one has.
ip4="02000000000102000000000208004500002400010000401100000a000001c6336407"
later="020000000001020000000002080045000024000100b940110000"
is "by bytes" "$(asked --hex "${ip4%07}c8 1388 1388 0010 0000")" "rule accept fw0 $id"
is "a later fragment has no ports" \
	"$(asked --hex "$later 0a000001 c63364c8 1388 1388 0010 0000")" "host pass - -"
is "and is taken by what does not ask for them" \
	"$(asked --hex "$later 0a000001 c6336407 1388 1388 0010 0000")" "rule accept ids0 $high"
# IPv6, hop-by-hop options, then TCP to port 443.
is "behind an extension header" "$(asked --hex "020000000001020000000002 86dd 60000000 0010 00 40
	20010db8000000000000000000000002 20010db8000100000000000000000001
	0600010400000000 0fa0 01bb 00000000")" "rule accept ids0 $six"
is "a header that is cut off" "$(asked --hex "020000000001020000000002 0800 4500")" "host pass - -"
frames=$(hits "$id")
asked dst 198.51.100.129 proto udp dport 5100 >/dev/null
is "nothing is counted" "$(hits "$id")" "$frames"
like "in words" "$(rule test eth1 dst 198.51.100.1)" \
	"^rule $high \(prio 200 dst 198.51.100.0/25\): ids0$"
{
	printf '\xd4\xc3\xb2\xa1\2\0\4\0\0\0\0\0\0\0\0\0\0\0\4\0\1\0\0\0'
	for _ in 1 2; do
		printf '\0\0\0\0\0\0\0\0\x22\0\0\0\x22\0\0\0'
		xxd -r -p <<<"$ip4"
	done
} >"$tmp/two.pcap"
is "each frame of a file" "$(rule test --pcap "$tmp/two.pcap" --json eth1 | jq -c '[.[].function]')" \
	'["ids0","ids0"]'

# --- bad input -------------------------------------------------------------------------------------

listed() { rule list --json | jq -S 'map(del(.frames))'; }
all=$(listed)
expect_fail "cut the host off" rule add fw0 prio 7
expect_fail "'dest' is not a word of a rule" rule add fw0 dest 10.0.0.1
expect_fail "not an IPv4 or IPv6 prefix" rule add fw0 dst 10.0.0.0/33
expect_fail "bits beyond its prefix" rule add fw0 dst 10.0.0.1/8
expect_fail "ends before it begins" rule add fw0 dport 90-80
expect_fail "said twice" rule add fw0 dport 90 dport 80
expect_fail "has no ports" rule add fw0 proto icmp dport 80
expect_fail "not a priority" rule add fw0 prio 65536 dport 80
expect_fail "of VLAN 7 and sees no frame" rule add vlan0 vlan 8
expect_fail "no function fw7" rule add fw7 dport 80
expect_fail "has this rule already, with the id $id" \
	rule add fw0 dport 5000-5999 proto udp dst 198.51.100.0/24
expect_fail "no such rule" rule del fw0 99999
expect_fail "no such rule" rule del fw0 dport 1
printf 'dport 1\n# and\ndport 65536\n' >"$tmp/bad.rules"
expect_fail "line 3: '65536' is not a port" rule add fw0 --from "$tmp/bad.rules"
expect_fail "not steered|no link" rule test eth9 dst 10.0.0.1
expect_fail "hexadecimal digits" rule test eth1 --hex 0g
expect_fail "bytes at least" rule test eth1 --hex 0011
expect_fail "no PCAP|unknown file format|bad dump" rule test eth1 --pcap "$tmp/bad.rules"
is "nothing has changed" "$(listed)" "$all"

# --- many, exchanged under traffic -----------------------------------------------------------------

for ((i = 0; i < 10000; i++)); do
	echo "prio $((i % 50)) dst 10.$((i / 250)).$((i % 250)).0/24 proto udp dport $((i % 100 + 1))"
done >"$tmp/many.rules"
start=$(date +%s%N)
is "10,000 rules at once" "$(rule add ids0 --from "$tmp/many.rules")" 10000
diag "in $((($(date +%s%N) - start) / 1000000)) ms"
is "the last of them holds" "$(asked dst 10.39.249.9 proto udp dport 100 | cut -d' ' -f1-3)" \
	"rule accept ids0"
for ((i = 0; i < 40; i++)); do
	echo "dst 198.18.$i.0/24 sport 1-65534 dport 1-65534"
done >"$tmp/wide.rules"
expect_fail "more than 32768 prefixes" rule add fw0 --from "$tmp/wide.rules"
is "which leaves the others as they were" "$(asked dst 10.39.249.9 proto udp dport 100 | cut -d' ' -f1-3)" \
	"rule accept ids0"
ok "a range that is sent all the time" test "$(rule add fw0 prio 500 dst 192.0.2.0/24)" -gt 0
ns_spawn host "$seq" receive fw0 idle=1500 >"$tmp/fw0.in"
listening=$spawned
wait_for 5 grep -q ready "$tmp/fw0.in"
ns_spawn client "$seq" send eth0 to="$uplink" dst=192.0.2.9 count=2400 rate=800 >"$tmp/fw0.out"
talking=$spawned
for ((i = 0; i < 8; i++)); do
	more=$(rule add fw0 prio 600 dst 192.0.2.0/24 dport "$i")
	rule del fw0 "$more"
	[[ $i -ne 4 ]] || { kill -KILL "$uvfd"; wait "$uvfd"; uvfd_start host; } 2>/dev/null
done
wait "$talking" "$listening"
is "no frame is lost while rules and uvfd come and go" "$(tail -n 1 "$tmp/fw0.in")" \
	'{ "received": 2400, "doubled": 0, "missing": 0 }'

# --- they outlive uvfd, and go with their function ---------------------------------------------------

frames=$(hits "$high")
uvfd_stop >/dev/null
uvfd_start host
is "uvfd stopped and started: the rules are there" "$(rule list --json | jq length)" 10009
is "in their order" "$(asked dst 198.51.100.1 proto udp dport 5100)" "rule accept ids0 $high"
takes "and hold" ids0 10 dst=198.51.100.1 dport=5100
in_ns host uvf del ids0
is "gone with their function" "$(rule list --json | jq length)" 5
is "others hold" "$(asked dst 198.51.100.1 proto udp dport 5100)" "rule accept fw0 $id"
ok "removed by its words" rule del fw0 dst 198.51.100.0/24 proto udp dport 5000-5999
is "removed" "$(asked dst 198.51.100.1 proto udp dport 5100)" "host pass - -"
ok "all of one" rule del fw0 all
ok "and of the other" rule del vlan0 all
is "with the last rule goes the branch" "$(program)" "$pruned"
uvfd_stop
is "uvfd ends well" "$uvfd_status" 0

# --- without XDP, tc does the same -------------------------------------------------------------------

in_ns host ip link set eth1 xdp obj "$top/build/bpf/socket.bpf.o" sec xdp.frags
uvfd_start host
like "a program of somebody else's has the uplink" "$(cat "$tmp/uvfd.log")" 'eth1: no steering with XDP .it has an XDP program of somebody'
slow=$(rule add fw0 prio 200 dst 198.51.100.0/24 proto udp dport 5000-5999)
pass=$(rule add fw0 prio 300 src 203.0.113.0/24 action pass)
drop=$(rule add fw0 prio 400 src 203.0.113.66 action drop)
takes "by a rule" fw0 10 dst=198.51.100.7 dport=5555
takes "not what it does not say" fw0 0 dst=198.51.100.7 dport=6000
takes "nor an exception" fw0 0 src=203.0.113.1 dst=198.51.100.7 dport=5555
is "each is counted once" "$(hits "$slow") $(hits "$pass")" "10 10"
before=$(in_ns host uvf stats --json fw0 | jq .steering.dropped_rule)
send to="$uplink" count=10 src=203.0.113.66
is "drop" "$(($(in_ns host uvf stats --json fw0 | jq .steering.dropped_rule) - before))" 10
ns_spawn host "$seq" receive fw0 idle=1500 >"$tmp/fw0.in"
listening=$spawned
wait_for 5 grep -q ready "$tmp/fw0.in"
ns_spawn client "$seq" send eth0 to="$uplink" dst=198.51.100.7 dport=5555 count=1600 rate=800 >"$tmp/fw0.out"
talking=$spawned
sleep 0.5
kill -KILL "$uvfd"
wait "$uvfd" 2>/dev/null
uvfd_start host
ok "frames were still sent" kill -0 "$talking"
wait "$talking" "$listening"
is "uvfd killed and started: none lost" "$(tail -n 1 "$tmp/fw0.in")" \
	'{ "received": 1600, "doubled": 0, "missing": 0 }'
is "and the rule's counter went on" "$(hits "$slow")" 1610
is "the other program is still there" "$(in_ns host ip -j -d link show eth1 | jq -r '.[0].xdp.prog.name')" \
	uvf_socket
in_ns host ip link set eth1 xdp off
ok "taken off: ours comes" wait_for 3 grep -q 'eth1: steering with XDP' "$tmp/uvfd.log"
takes "with the rule" fw0 10 dst=198.51.100.7 dport=5555
takes "and the exception" fw0 0 src=203.0.113.1 dst=198.51.100.7 dport=5555
is "which is counted once" "$(hits "$pass")" 20
uvfd_stop
is "no tc program is left" "$(in_ns host tc qdisc show | grep clsact)" ""

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# uvf capture: frames at each point, as tcpdump reads them from the pipe, while traffic goes on.
#
#	client 10.0.1.2 ══ eth1 10.0.1.9     host
#	                    ├ fw0 10.0.1.1   the firewall, which is pinged
#	                    └ vlan0          VLAN 7
set -u
. "$(dirname "$0")/../lib/topology.sh"
export BACKEND=${BACKEND:-veth}
need ip nsenter ethtool ping jq tcpdump bpftool busybox

topology_make client host
topology_wire client eth0 10.0.1.2/24 host eth1 10.0.1.9/24
bpffs_ready
[[ $BACKEND == veth ]] || module_load
capture() { in_ns host uvf capture "$@"; }
ok "fw0" function_add host fw0 eth1 firewall
ok "vlan0" function_add host vlan0 eth1 ids 7
in_ns host ip link set fw0 up
in_ns host ip link set vlan0 up
mac_of() { in_ns host ip -j link show "$1" | jq -r '.[0].address'; }

# --- what is refused ---------------------------------------------------------------------------------

expect_fail "of which function" capture
expect_fail "no function fw7" capture fw7
expect_fail "no point 'nic'" capture --at nic fw0
expect_fail "'0' is not a number" capture -c 0 fw0
expect_fail "'70000' is not a number" capture -s 70000 fw0
expect_fail "'icmp and' is not a filter" capture fw0 icmp and
expect_fail "needs root" setpriv --reuid=65534 --clear-groups uvf capture fw0
expect_fail "no XDP program takes the frames of fw0" capture --at rx fw0
expect_fail "no program of uvfd's is on eth1" in_ns host uvf latency fw0
expect_fail "of which function" uvf latency
expect_fail "/nowhere/file" capture --at uplink -w /nowhere/file fw0

# --- what is seen ------------------------------------------------------------------------------------

printf 'port fw0 10.0.1.1/24\npass all\n' >"$tmp/rules.conf"
uvfd_start host
appliance_start host fw0 "$bin/firewall" "$tmp/rules.conf"
ok "the firewall answers" in_ns client ping -q -c 2 -i 0.2 -w 8 10.0.1.1
programs() { bpftool -j prog show | jq '[.[] | select(.name | startswith("capture_"))] | length'; }
is "no program of ours before" "$(programs)" 0
ns_spawn client ping -i 0.05 -s 1200 10.0.1.1 >"$tmp/ping"
ping=$spawned

# The kernel tells of a carrier up to a second late.
fine() { [[ $(in_ns host uvf doctor --seconds 0.2 fw0) == "nothing wrong" ]]; }
ok "nothing is wrong with it" wait_for 5 fine
like "its rate is seen" "$(in_ns host uvf top -n 1 -i 1 fw0)" '^fw0 +eth1 +firewall +[1-9][0-9]* '

# sees DESC WANTED-LINE-OF-TCPDUMP ARGUMENTS…: ten frames through the pipe
sees() {
	local desc=$1 want=$2
	shift 2
	timeout 20 nsenter --net="/run/netns/uvf-$$-host" uvf capture -c 10 -w - "$@" \
		2>"$tmp/capture.err" | tcpdump -Z root -enr - >"$tmp/tcpdump" 2>"$tmp/tcpdump.err"
	is "$desc: ten frames" "$(grep -c . "$tmp/tcpdump")" 10
	is "  and all are such" "$(grep -cE "$want" "$tmp/tcpdump")" 10
	like "  and it says so" "$(cat "$tmp/capture.err")" '10 frames captured, 0 lost'
	diag "$(head -n 1 "$tmp/tcpdump")"
}
fw0=$(mac_of fw0)
request="> $fw0, .* length 1242: 10.0.1.2 > 10.0.1.1: ICMP echo request"
reply="$fw0 > .* length 1242: 10.0.1.1 > 10.0.1.2: ICMP echo reply"

# Some kernels let no program follow another; they say so, and the other points remain.
if capture --at rx -c 1 -w /dev/null fw0 2>"$tmp/rx.err"; then
	follows=1
else
	follows=0
	like "why not" "$(cat "$tmp/rx.err")" 'does not let the program uvf_socket .* on fw0 be followed'
fi
if [[ $follows -eq 1 ]]; then
	sees "uplink" "$request" --at uplink fw0 icmp
	sees "rx" "$request" --at rx fw0 icmp
	sees "a short snapshot" "length 1242" --at rx -s 60 fw0 icmp
	in_ns host uvf latency --json --seconds 2 fw0 >"$tmp/latency.json"
	ok "latency of frames" jq -e '.frames >= 20 and .median_ns > 100 and
		.median_ns <= .p99_ns and .p99_ns <= .p999_ns and .mean_ns > 100 and
		([.buckets[].frames] | add) == .frames' "$tmp/latency.json"
	diag "$(jq -c 'del(.buckets)' "$tmp/latency.json")"
	in_ns host uvf latency --seconds 2 fw0 >"$tmp/latency"
	like "  as a histogram" "$(cat "$tmp/latency")" '^ +[0-9.]+ us \|#{50}\| [0-9]+$'
	sed 's/^/# /' "$tmp/latency"
	is "  and nothing is left" "$(bpftool -j prog show |
		jq '[.[] | select(.name | startswith("latency_"))] | length')" 0
	ns_spawn host uvf capture --at uplink --at rx fw0 -w "$tmp/long.pcap" 2>"$tmp/long.err"
	long=$spawned
	attached() { [[ $(programs) -eq 2 ]]; }
	ok "two programs while it runs" wait_for 5 attached
	kill -INT "$long"
	wait "$long"
	is "SIGINT ends it well" $? 0
	is "and nothing is left" "$(programs)" 0
else
	expect_fail 'does not let the programs of fw0 be followed' in_ns host uvf latency fw0
	skip "uplink and rx" "this kernel lets no program follow another"
fi
# The debug kernel has no BPF events: it says so.
if [[ $BACKEND == veth ]] || grep -qw bpf_get_raw_tracepoint /proc/kallsyms; then
	sees "tx" "$reply" --at tx fw0 icmp
	sees "tx, a short snapshot" "length 1242" --at tx -s 60 fw0 icmp
else
	expect_fail 'BPF_EVENTS' capture --at tx -c 1 -w /dev/null fw0
	skip "tx" "this kernel lets no program look at tracepoints"
fi
if [[ $follows -eq 1 ]]; then
	sees "both ways, without being asked" "10.0.1.[12] > 10.0.1.[12]: ICMP echo re" fw0 icmp
	like "  requests" "$(cat "$tmp/tcpdump")" request
	like "  and replies" "$(cat "$tmp/tcpdump")" reply
	sees "a filter" "echo reply" fw0 'icmp[0] == 0'
fi

# An uplink without XDP is seen as a link.
in_ns host ip -force link set eth1 xdp off
sees "uplink without XDP" "$request" --at uplink fw0 icmp
sees "a short snapshot" "length 1242" --at uplink -s 60 fw0 icmp
uplink() { capture --at uplink "$@"; }
uplink -c 3 -w "$tmp/file.pcap" fw0 icmp 2>/dev/null
is "into a file" "$(tcpdump -Z root -r "$tmp/file.pcap" 2>/dev/null | wc -l)" 3
is "the time is now" "$(tcpdump -Z root -tt -c 1 -r "$tmp/file.pcap" 2>/dev/null |
	awk -v now="$(date +%s)" '{ print ($1 > now - 100 && $1 < now + 2) }')" 1
uplink -c 1 fw0 icmp 2>/dev/null >"$tmp/piped"
like "without -w, into a pipe: pcap" "$(tcpdump -Z root -nr "$tmp/piped" 2>/dev/null)" 'ICMP echo request'
is "a frame's length is told, its bytes are few" "$(uplink -c 1 -s 60 -w - fw0 icmp 2>/dev/null | wc -c)" 100
if type -P script >/dev/null; then
	like "on a terminal: a line each" "$(in_ns host script -qefc \
		"$bin/uvf capture -c 1 --at uplink fw0 icmp" /dev/null </dev/null)" \
		"uplink .* > $fw0 type 0x0800 length 1242"
fi
ok "a reader that goes ends it" timeout 10 bash -c \
	"nsenter --net=/run/netns/uvf-$$-host uvf capture --at uplink fw0 -w - 2>/dev/null | head -c 3000 >/dev/null"

# --- the frames of a VLAN, and of nobody else --------------------------------------------------------

vlan0=$(mac_of vlan0)
in_ns client ip neigh replace 10.0.1.77 lladdr "$vlan0" dev eth0
in_ns host timeout 2 uvf capture --at uplink -w "$tmp/vlan.pcap" vlan0 2>"$tmp/vlan.err" &
waiting=$!
wait_for 5 grep -q capturing "$tmp/vlan.err"
in_ns client ping -q -c 3 -i 0.1 -w 1 10.0.1.77 >/dev/null
wait "$waiting"
is "frames of another VLAN are not for it" \
	"$(tcpdump -Z root -enr "$tmp/vlan.pcap" 2>/dev/null | grep -c "> $vlan0")" 0

# --- a sibling's frames, and the traffic -------------------------------------------------------------

in_ns host timeout 1 uvf capture --at uplink -w "$tmp/other.pcap" vlan0 icmp 2>/dev/null
is "those of a sibling are not seen" "$(tcpdump -Z root -nr "$tmp/other.pcap" 2>/dev/null | wc -l)" 0
kill -INT "$ping"
wait "$ping"
like "and no ping was lost all the time" "$(grep transmitted "$tmp/ping")" ', 0% packet loss'
appliance_stop >/dev/null
uvfd_stop >/dev/null

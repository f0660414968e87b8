#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The example appliances do what they say.
#
#	client 10.0.5.1 eth0 ══ eth1 (fw0)  host  (fw1) eth2 ══ eth0 10.0.5.2 sink
#
# The ends have the address of the far function, so that forward, which changes no frame, joins
# client and sink. generator and capture are joined by a cable of the host's own: eth3 (fw2) ══
# eth4 (fw3).
set -u
. "$(dirname "$0")/../lib/topology.sh"

need ip nsenter ethtool jq ping python3

# --- refused --------------------------------------------------------------------------------------

expect_fail "give two functions to join" "$bin/forward" fw0
expect_fail "give two functions to join" "$bin/forward" fw0 fw1 fw2
expect_fail "give a function and --address IPV4" "$bin/responder" fw0
expect_fail "'10.0.5' is not an IPv4 address" "$bin/responder" fw0 --address 10.0.5
expect_fail "'65536' is not a port: 1 to 65535" "$bin/responder" fw0 --address 10.0.5.7 --port 65536
expect_fail "give a function and --to MAC" "$bin/generator" fw0
expect_fail "'59' is not a number from 60 to 1514" "$bin/generator" fw0 --size 59
expect_fail "'-1' is not a number" "$bin/generator" fw0 --count=-1
expect_fail "'02:00' is not a MAC address" "$bin/generator" fw0 --to 02:00
expect_fail "give a function" "$bin/capture"
expect_fail "'0' is not a number of frames" "$bin/capture" fw0 --count 0
expect_fail "is not a filter" "$bin/capture" fw0 not a filter
expect_fail "can't write there" "$bin/capture" fw0 -w /nosuch/file
for example in "forward fw0 fw1" "responder fw0 --address 10.0.5.7" \
	"generator fw0 --to 02:00:00:00:00:01" "capture fw0 -w /dev/null"; do
	# shellcheck disable=SC2086 # words
	expect_fail "uvfd is not running" env UVF_SOCKET="$tmp/nosuch" "$bin"/$example
done

# --- functions ------------------------------------------------------------------------------------

topology_make client host sink
topology_wire client eth0 10.0.5.1/24 host eth1 192.0.2.2/24
topology_wire host eth2 198.51.100.2/24 sink eth0 10.0.5.2/24
topology_wire host eth3 192.0.2.9/32 host eth4 198.51.100.9/32
bpffs_ready
for i in 0 1 2 3; do
	ok "fw$i" in_ns host uvf add fw$i --backend veth --link eth$((i + 1))
	in_ns host ip link set fw$i up
done
uvfd_start host
mac_of() { in_ns host ip -j link show "$1" | jq -r '.[0].address'; }

example_start() { # FUNCTIONS COMMAND…: its output is in $tmp/out
	local function on=() name=$2
	for function in ${1//,/ }; do on+=(--on "$function"); done
	shift 2
	ns_spawn host uvf run "${on[@]}" -- "$bin/$name" "$@" >"$tmp/out" 2>"$tmp/log"
	example=$spawned
	ok "$name $*" wait_for 10 grep -q ready "$tmp/log"
}

example_stop() {
	local status=0
	kill "$example" 2>/dev/null
	wait "$example" || status=$?
	is "it ends well" "$status" 0
	grep -v ready "$tmp/log" | sed 's/^/# /'
}

# --- responder ------------------------------------------------------------------------------------

# Each datagram must come back as it was, and no other.
udp_echo() { # ADDRESS PORT
	in_ns client python3 - "$1" "$2" <<-'END'
		import socket, sys
		sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
		sock.settimeout(3)
		sock.connect((sys.argv[1], int(sys.argv[2])))
		for i in range(200):
		    said = b"%d " % i * (1 + i)
		    sock.send(said[:1472])
		    if sock.recv(2048) != said[:1472]:
		        sys.exit("answer %d is another" % i)
	END
}

example_start fw0 responder fw0 --address 10.0.5.7 --port 2007
in_ns client ping -q -c 100 -i 0.005 -w 20 10.0.5.7 >"$tmp/ping"
like "it answers ARP, and 100 pings" "$(cat "$tmp/ping")" '^100 packets transmitted, 100 received, 0%'
ok "of 1472 bytes too" in_ns client ping -q -c 5 -i 0.1 -s 1472 -M "do" -w 10 10.0.5.7
ok "200 UDP datagrams come back" udp_echo 10.0.5.7 2007
not_ok "another port is silent" udp_echo 10.0.5.7 2008
not_ok "another address too" in_ns client ping -q -c 2 -i 0.2 -W 1 10.0.5.8
like "its address is the function's" "$(in_ns client ip neigh show 10.0.5.7)" "$(mac_of fw0)"
not_ok "fragments have no answer" in_ns client ping -q -c 2 -i 0.2 -s 4000 -W 1 10.0.5.7
ok "and it goes on" in_ns client ping -q -c 2 -i 0.2 -w 8 10.0.5.7
example_stop

# --- forward --------------------------------------------------------------------------------------

in_ns client ip link set eth0 address "$(mac_of fw1)"
in_ns sink ip link set eth0 address "$(mac_of fw0)"
in_ns client ip neigh flush dev eth0
example_start fw0,fw1 forward fw0 fw1
in_ns client ping -q -c 500 -i 0.004 -w 30 10.0.5.2 >"$tmp/ping"
like "500 echoes, there and back, none twice" "$(cat "$tmp/ping")" \
	'^500 packets transmitted, 500 received, 0%'
example_stop
like "it counts what came in and went out" "$(cat "$tmp/out")" '^fw0: received 5[0-9][0-9], sent 5[0-9][0-9],'

# --- generator and capture ------------------------------------------------------------------------

# Length and number of each frame of a pcap file, one a line.
frames_of() {
	python3 - "$1" <<-'END'
		import struct, sys
		data = open(sys.argv[1], "rb").read()
		at = 24
		while at < len(data):
		    n = struct.unpack_from("<I", data, at + 8)[0]
		    print(n, struct.unpack_from(">Q", data, at + 16 + 42)[0])
		    at += 16 + n
	END
}

generate() { # OPTION…
	in_ns host uvf run --on fw2 -- "$bin/generator" fw2 --to "$(mac_of fw3)" "$@"
}

wanted() { # SIZE COUNT
	seq -f "$1 %.0f" 0 $(($2 - 1)) | cksum
}

example_start fw3 capture fw3 udp port 9
began=$EPOCHREALTIME
is "generator says what it sent" "$(generate --size 100 --rate 2000 --count 1000 2>/dev/null)" 1000
took=$(awk "BEGIN { print $EPOCHREALTIME - $began }")
ok "at the rate: 1000 at 2000 a second take half a second ($took)" awk "BEGIN { exit !($took > 0.5) }"
sleep 0.3
example_stop
is "capture has all of them, in order" "$(frames_of "$tmp/out" | cksum)" "$(wanted 100 1000)"

example_start fw3 capture fw3 udp port 53
generate --count 100 --rate 5000 >/dev/null 2>&1
example_stop
is "the filter leaves out others" "$(frames_of "$tmp/out")" ""
like "and they are counted" "$(cat "$tmp/log")" '100 frames received, 0 written'

example_start fw3 capture fw3 --count 50
generate --size 1514 --count 100 --rate 5000 >/dev/null 2>&1
ok "capture --count ends by itself" wait_for 5 grep -q '50 written' "$tmp/log"
wait "$example"
is "well" "$?" 0
is "with the first 50" "$(frames_of "$tmp/out" | cksum)" "$(wanted 1514 50)"

ns_spawn host uvf run --on fw2 -- "$bin/generator" fw2 --to "$(mac_of fw3)" >"$tmp/out" 2>"$tmp/log"
example=$spawned
ok "without a rate" wait_for 10 grep -q ready "$tmp/log"
sleep 0.5
example_stop
ok "it sends many: $(cat "$tmp/out")" test "$(cat "$tmp/out")" -gt 1000
in_ns host ip link set fw2 down
expect_fail "is down|steered" in_ns host uvf run --on fw2 -- "$bin/generator" fw2 --to "$(mac_of fw3)"
uvfd_stop
is "uvfd ended well" "$uvfd_status" 0

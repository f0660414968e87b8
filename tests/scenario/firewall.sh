#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The main job, on real traffic: a firewall on two functions between a client and a server.
#
#	  client                         host                         server
#	┌──────────┐      ┌───────────────────────────────┐      ┌──────────┐
#	│   eth0 ══╪══════╪══ eth1 ┐             ┌ eth2 ══╪══════╪══ eth0   │
#	│ 10.0.1.2 │      │ 10.0.1.9             10.0.2.9 │      │ 10.0.2.2 │
#	└──────────┘      │       fw0 ─ firewall ─ fw1    │      └──────────┘
#	                  │ 10.0.1.1             10.0.2.1 │
#	                  └───────────────────────────────┘
#
# BACKEND=uvf (default) needs the module and loads it; BACKEND=veth needs none. MEGABYTES: size
# of the large file. Everything happens in network namespaces that the script makes and removes.
set -u
. "$(dirname "$0")/../lib/topology.sh"

export BACKEND=${BACKEND:-uvf}
backend=$BACKEND
megabytes=${MEGABYTES:-$((32 / ${TIMEOUT_SCALE:-1}))}

need ip nsenter ethtool iperf3 busybox curl ping jq

# --- 1. a host with two uplinks -------------------------------------------------------------

topology_make client host server
topology_wire client eth0 10.0.1.2/24 host eth1 10.0.1.9/24
topology_wire server eth0 10.0.2.2/24 host eth2 10.0.2.9/24
in_ns client ip route add 10.0.2.0/24 via 10.0.1.1
in_ns server ip route add 10.0.1.0/24 via 10.0.2.1
bpffs_ready

# Each uplink's own address is pinged from start to end; not one may be lost.
ns_spawn client ping -i 0.25 10.0.1.9 >"$tmp/ping.eth1" 2>&1
ping1=$spawned
ns_spawn server ping -i 0.25 10.0.2.9 >"$tmp/ping.eth2" 2>&1
ping2=$spawned

functions_add() {
	if [[ $backend != veth ]]; then
		module_load
		ns_spawn host busybox uevent env >"$tmp/uevents" 2>&1
		sleep 0.5
	fi
	ok "a function fw0 on eth1" function_add host fw0 eth1 firewall
	ok "a function fw1 on eth2" function_add host fw1 eth2 firewall
}

# One address in every tool.
functions_look() {
	local pci0 pci1 shown

	pci0=$(in_ns host uvf show --json fw0 | jq -r .pci)
	pci1=$(in_ns host uvf show --json fw1 | jq -r .pci)
	shown=$(lspci -D -nn -d 1af4:10f0:0200)
	diag "$shown"
	is "lspci shows two functions in use" "$(grep -c . <<<"$shown")" 2
	like "lspci shows the one of fw0" "$shown" "^$pci0 .*\[0200\].*\[1af4:10f0\]"
	like "lspci shows the one of fw1" "$shown" "^$pci1 "
	shown=$(in_ns host ip -d link show fw0)
	diag "$shown"
	like "ip -d link shows kind and appliance" "$shown" 'uvf .*appliance firewall'
	like "ip -d link shows the PCI address" "$shown" "$pci0"
	like "ethtool -i shows the PCI address" "$(in_ns host ethtool -i fw0)" "bus-info: $pci0"
	ok "the PCI function announced itself to udev" \
		wait_for 5 grep -q 'UVF_FUNCTION=fw0' "$tmp/uevents"
	ok "the network device announced itself to udev" \
		wait_for 5 grep -q 'INTERFACE=fw1' "$tmp/uevents"
}

functions_add
ok "ip link set fw0 up" in_ns host ip link set fw0 up
ok "ip link set fw1 up" in_ns host ip link set fw1 up
[[ $backend == veth ]] || functions_look

# --- 2. uvfd, and the firewall as an unprivileged user ---------------------------------------

uvfd_start host
cat >"$tmp/rules.conf" <<-RULES
	port fw0 10.0.1.1/24
	port fw1 10.0.2.1/24
	pass icmp
	block tcp dst port 8081
	pass tcp port 80 or tcp port 8081 or port 5201
	block all
RULES
appliance_start host fw0,fw1 "$bin/firewall" --stats "$tmp/firewall.json" "$tmp/rules.conf"
is "the firewall runs without root" "$(stat -c %U "/proc/$appliance")" nobody
is "and without any capability" "$(grep CapEff "/proc/$appliance/status" | tr -d '\t')" \
	CapEff:0000000000000000
diag "$(in_ns host uvf list)"
like "uvf list shows who holds fw0" "$(in_ns host uvf list)" '^fw0 +eth1 +firewall .* firewall$'
like "frames are steered by XDP" "$(in_ns host uvf show fw0)" '^path +xdp'

# --- 3. traffic -------------------------------------------------------------------------------

ok "the firewall answers ARP and echo outside" in_ns client ping -q -c 3 -i 0.2 -w 10 10.0.1.1
ok "and inside" in_ns server ping -q -c 3 -i 0.2 -w 10 10.0.2.1
ok "the client reaches the server through it" in_ns client ping -q -c 3 -i 0.2 -w 10 10.0.2.2
like "the hop is seen: TTL 63" "$(in_ns client ping -c 1 -w 5 10.0.2.2)" 'ttl=63'
like "time exceeded comes from the firewall" "$(in_ns client ping -c 1 -t 1 -w 3 10.0.2.2)" \
	'10\.0\.1\.1.*Time to live exceeded'
like "an absent host is unreachable" "$(in_ns client ping -c 1 -w 8 10.0.2.77)" \
	'10\.0\.1\.1.*Destination Host Unreachable'

mkdir "$tmp/www"
echo "hello from the other side" >"$tmp/www/hello.txt"
head -c "${megabytes}M" /dev/urandom >"$tmp/www/large.bin"
ns_spawn server busybox httpd -f -p 10.0.2.2:80 -h "$tmp/www"
ns_spawn server busybox httpd -f -p 10.0.2.2:8081 -h "$tmp/www"
ok "the server listens" wait_for 5 listens server 80
ok "and on another port" wait_for 5 listens server 8081

fetch() { in_ns client curl -sS --max-time 120 -o "$2" "http://10.0.2.2$1"; }
ok "HTTP: a small file" fetch /hello.txt "$tmp/hello.txt"
is "its contents" "$(cat "$tmp/hello.txt")" "hello from the other side"
began=$EPOCHREALTIME
ok "HTTP: a large file, $megabytes MiB" fetch /large.bin "$tmp/large.bin"
took=$(awk "BEGIN { print $EPOCHREALTIME - $began }")
diag "$(awk "BEGIN { printf \"%.1f s, %.1f MB/s\", $took, $megabytes * 1.048576 / $took }")"
is "its checksum" "$(sha256sum <"$tmp/large.bin")" "$(sha256sum <"$tmp/www/large.bin")"
# curl: 7 is "could not connect", 28 would be a time-out.
in_ns client curl -s --max-time 5 -o /dev/null http://10.0.2.2:8081/hello.txt
is "port 8081 is refused, and at once" $? 7
ok "though the server does serve it" in_ns server curl -sS -o /dev/null \
	http://10.0.2.2:8081/hello.txt

ns_spawn server iperf3 -s -1 -B 10.0.2.2 >/dev/null 2>&1
ok "iperf3's server listens" wait_for 5 listens server 5201
ok "iperf3 through the firewall" in_ns client iperf3 -c 10.0.2.2 -t 3 -J --logfile "$tmp/iperf.json"
diag "iperf3: $(jq -r '.end.sum_received.bits_per_second / 1e6 | floor' "$tmp/iperf.json") Mbit/s"

# --- 4. what the tools tell --------------------------------------------------------------------

counter() { in_ns host uvf stats --json fw0 | jq ".$1"; }
echoes=20
in_ns client ip neigh replace 10.0.1.1 lladdr "$(in_ns host uvf show --json fw0 | jq -r .mac)" \
	dev eth0 nud permanent
sleep 1
steered=$(counter steering.rx_frames) bytes=$(counter steering.rx_bytes)
[[ $backend == veth ]] && sent_at=steering.tx_frames || sent_at=netdev.tx_frames
sent=$(counter $sent_at)
ok "$echoes echo requests of 1000 bytes" \
	in_ns client ping -q -c $echoes -i 0.05 -s 1000 -w 20 10.0.1.1
# The firewall may have asked for the client's address in between, and was answered in 42 bytes.
answers=$(($(counter steering.rx_frames) - steered - echoes))
ok "uvf stats counts each of them" between $answers 0 2
is "and their bytes" $(($(counter steering.rx_bytes) - bytes)) \
	$((echoes * (14 + 20 + 8 + 1000) + answers * 42))
ok "uvf stats counts the answers" between $(($(counter $sent_at) - sent)) $echoes $((echoes + 2))
if [[ $backend != veth ]]; then
	# An appliance that falls behind loses frames, which are counted as well.
	is "the netdev's counts of received and dropped frames hold the steered ones" \
		"$(in_ns host uvf stats --json fw0 | jq '.netdev |= .rx_frames + .rx_dropped |
			.netdev >= .steering.rx_frames')" true
fi
# TCP is as fast as it goes, beside other tests: an appliance that had to wait for a processor lost some.
is "no more than one frame in a thousand was dropped for want of room" "$(in_ns host uvf stats --json fw0 |
	jq '(.socket | .rx_ring_full + .rx_dropped) * 1000 <= .steering.rx_frames')" true
diag "$(in_ns host uvf stats fw0)"
[[ $backend == veth ]] || diag "$(in_ns host ethtool -S fw0 | grep -v ': 0$')"
ok "uvf list --json is JSON" jq -e 'length == 2' <<<"$(in_ns host uvf list --json)"

kill -INT $ping1 $ping2
wait $ping1 $ping2
for uplink in eth1 eth2; do
	summary=$(grep 'packets transmitted' "$tmp/ping.$uplink")
	like "the uplink $uplink lost no ping of its own" "$summary" ', 0% packet loss'
	diag "$summary"
done

# --- 5. taken down, and nothing left ------------------------------------------------------------

appliance_stop
is "the firewall ended well" "$appliance_status" 0
ok "its own counters are JSON" jq -e . "$tmp/firewall.json"
if [[ $backend == veth ]]; then
	ok "uvf del fw0 fw1" in_ns host uvf del fw0 fw1
else
	ok "ip link del fw0" in_ns host ip link del fw0
	ok "ip link del fw1" in_ns host ip link del fw1
fi
uvfd_stop
is "uvfd ended well" "$uvfd_status" 0
is "no function is left" "$(in_ns host uvf list --json | jq length)" 0
is "no XDP program is left" "$(in_ns host ip -d link show | grep xdp)" ""
is "no tc program is left" "$(in_ns host tc qdisc show | grep clsact)" ""
is "no pinned map or program is left" "$(find /sys/fs/bpf -type f ! -name '*.debug')" ""
not_ok "no socket is left" test -e "$UVF_SOCKET"
if [[ $backend != veth ]]; then
	ok "rmmod uvf" rmmod uvf
	is "lspci shows no function" "$(lspci -D -d 1af4:10f0)" ""
fi
topology_remove
not_ok "no namespace is left" grep -q "uvf-$$-" <<<"$(ls /run/netns)"

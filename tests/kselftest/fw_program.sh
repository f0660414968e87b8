#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The firewall as a program: its rules file, its sandbox, its statistics, and what only real
# hosts show: fragments put together again, traceroute, a path MTU, a spoofed source.
#
#	client 10.0.1.2 ══ eth1 fw0 [firewall] fw1 eth2 ══ 10.0.2.2 server, MTU 1000 on this side
#
set -u
. "$(dirname "$0")/../lib/topology.sh"

need ip nsenter ethtool jq ping busybox curl
fw=$bin/firewall
sample=$top/userspace/appliances/firewall/firewall.conf

# --- bad input: status 2 and one sentence --------------------------------------------------------

refused() { # pattern, arguments of the firewall
	local pattern=$1 said status
	shift
	said=$("$fw" "$@" 2>&1 >/dev/null)
	status=$?
	is "firewall ${*##*/}: status 2" $status 2
	like "firewall ${*##*/}: says so" "$(head -n 1 <<<"$said")" "$pattern"
}

printf 'port fw0 10.0.1.1/24\n\n\npass icmp\n\npass udp\npass tcp prot 80\n' >"$tmp/bad.conf"
refused "^firewall: name the rules file"
refused "unrecognized option '--dry-run'" --dry-run
refused "'b.conf' is a second one" a.conf b.conf
refused "^/nonexistent: cannot read it: No such file or directory" /nonexistent
refused "^$tmp/bad.conf:7: bad expression 'tcp prot 80': .*syntax error" "$tmp/bad.conf"
refused "^$tmp/bad.conf:7: bad expression" --check "$tmp/bad.conf"
ok "the sample file is correct" "$fw" --check "$sample"
like "--version" "$("$fw" --version)" '^firewall \(uvf\) [0-9]'

# --- a firewall by the sample file ---------------------------------------------------------------

topology_make client host server
topology_wire client eth0 10.0.1.2/24 host eth1 10.0.1.9/24
topology_wire server eth0 10.0.2.2/24 host eth2 10.0.2.9/24
in_ns client ip route add 10.0.2.0/24 via 10.0.1.1
in_ns client ip route add 10.0.9.0/24 via 10.0.1.1
in_ns server ip route add 10.0.1.0/24 via 10.0.2.1
in_ns server ip link set eth0 mtu 1000
in_ns host ip link set eth2 mtu 1000
bpffs_ready
uvfd_start host
ok "fw0" in_ns host uvf add fw0 --link eth1 --appliance firewall --backend veth
ok "fw1" in_ns host uvf add fw1 --link eth2 --appliance firewall --backend veth
in_ns host ip link set fw0 up
in_ns host ip link set fw1 up
cp "$sample" "$tmp/rules.conf"
run() { in_ns host uvf run --on fw0 --on fw1 -- "$fw" "$@"; }
expect_fail "^firewall: /nonexistent/a: cannot write statistics there: No such" \
	run --stats /nonexistent/a "$tmp/rules.conf"
appliance_start host fw0,fw1 "$fw" --stats "$tmp/firewall.json" "$tmp/rules.conf"

is "a filter of system calls" "$(awk '/^Seccomp:/ { print $2 }' "/proc/$appliance/status")" 2
is "no new privileges" "$(awk '/^NoNewPrivs:/ { print $2 }' "/proc/$appliance/status")" 1

report() { # JSON path; the newest line
	local lines
	lines=$(wc -l <"$tmp/firewall.json")
	kill -USR1 "$appliance"
	wait_for 5 eval "[[ \$(wc -l <'$tmp/firewall.json') -gt $lines ]]"
	tail -n 1 "$tmp/firewall.json" | jq "$1"
}
ticks() { awk '{ print $14 + $15 }' "/proc/$appliance/stat"; }
idle() { # less than a tenth of two seconds, in hundredths
	local before
	before=$(ticks)
	sleep 2
	[[ $(($(ticks) - before)) -lt 20 ]]
}

ok "nothing to do: it sleeps" idle
ok "ping through it" in_ns client ping -q -c 2 -i 0.2 -w 5 10.0.2.2
before=$(report '.ports[0].forwarded')
ok "ten times more" in_ns client ping -q -c 10 -i 0.05 -w 5 10.0.2.2
is "SIGUSR1 reports these ten" $(($(report '.ports[0].forwarded') - before)) 10
is "and no frame is unaccounted for" "$(report '[.ports[]
	| .rx_frames - .forwarded - .local - ([.dropped[]] | add)] | add')" "$(report .held)"

# --- what only hosts show --------------------------------------------------------------------------

# 1400 bytes go in whole and come out in pieces; the answer's pieces pass as they are.
ok "fragments that the server can put together" \
	in_ns client ping -q -c 3 -i 0.2 -w 5 -M dont -s 1400 10.0.2.2
like "the path's MTU is told" "$(in_ns client ping -c 2 -i 0.2 -w 5 -M "do" -s 1400 10.0.2.2)" \
	'mtu ?= ?1000'
in_ns client ip route flush cache

route=$(in_ns client busybox traceroute -n -w 2 -q 1 10.0.2.2)
diag "$route"
like "traceroute sees the firewall" "$route" '^ *1 +10\.0\.1\.1 '
like "and the server" "$route" '^ *2 +10\.0\.2\.2 '
like "no route: network unreachable" "$(in_ns client ping -c 1 -w 3 10.0.9.9)" \
	'10\.0\.1\.1.*Net Unreachable'

mkdir "$tmp/www"
echo hello >"$tmp/www/hello"
ns_spawn server busybox httpd -f -p 10.0.2.2:80 -h "$tmp/www"
ns_spawn server busybox httpd -f -p 10.0.2.2:8081 -h "$tmp/www"
ns_spawn client busybox httpd -f -p 10.0.1.2:80 -h "$tmp/www"
wait_for 5 listens server 80
wait_for 5 listens client 80
ok "the servers listen" wait_for 5 listens server 8081
ok "HTTP passes" in_ns client curl -sS --max-time 5 -o /dev/null http://10.0.2.2/hello
in_ns client curl -s --max-time 5 -o /dev/null http://10.0.2.2:8081/hello
is "a blocked port is refused at once" $? 7
in_ns server curl -s --max-time 5 -o /dev/null http://10.0.1.2/hello
is "and so are connections from inside" $? 7
in_ns server curl -s --max-time 5 -o /dev/null --local-port 5201 --interface 10.0.2.2 \
	http://10.0.1.2/hello
is "even from the port of an answer" $? 7
like "blocked UDP is prohibited" "$(in_ns client busybox traceroute -n -w 2 -q 1 -m 2 -p 2000 \
	10.0.2.2)" '^ *1 +10\.0\.1\.1 .*!(A|X|13)'

before=$(report '.ports[0].dropped.spoofed')
in_ns client ip addr add 10.0.2.77/32 dev lo
in_ns client ping -q -c 3 -i 0.2 -W 1 -I 10.0.2.77 10.0.2.2 >/dev/null
is "an inside source from outside is spoofed" \
	$(($(report '.ports[0].dropped.spoofed') - before)) 3

# --- its end -----------------------------------------------------------------------------------------

kill -KILL "$uvfd"
ok "uvfd is killed, and packets pass" in_ns client ping -q -c 3 -i 0.2 -w 5 10.0.2.2
ok "nor does the firewall spin without it" idle
appliance_stop
is "SIGTERM: it ends well" "$appliance_status" 0
is "each line of statistics is an object" \
	"$(jq -s 'map(type == "object") | all' "$tmp/firewall.json")" true

again() {
	uvfd_start host
	appliance_start host fw0,fw1 "$fw" --stats "$tmp/firewall.json" "$tmp/rules.conf"
}
ended() { # description, pattern of its last words
	wait_for 5 eval "! kill -0 $appliance" || kill "$appliance"
	appliance_stop
	is "$1: status 1" "$appliance_status" 1
	like "$1: a sentence" "$(tail -n 1 "$tmp/appliance.log")" "$2"
	like "$1: and the statistics" "$(jq .held "$tmp/firewall.json")" '^[0-9]+$'
}
again
uvfd_stop
ended "uvfd is stopped" '^firewall: uvfd was stopped'
again
in_ns host uvf del fw1
ended "a function is taken away" '^firewall: .*fw1'
uvfd_stop

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# runs: guest
#
# A virtual machine with Debian's kernel, whose two cards are functions, one without a copy (shim)
# and one with (copy). Whatever is done is done to both at once: addresses by DHCP, files by HTTP,
# iperf3, a ping flood, interface processes that are killed under TCP connections, cards that are
# unplugged and plugged in again as libvirt does, and a guest that boots again, by itself and by its
# reset button. The latter three under traffic.
#
#	wire 10.0.6.1 eth0 ══ eth1 (fw0)  host  uvf vm ── QEMU ── guest, namespace shim  10.0.6.50
#	udhcpd, httpd, iperf3       (fw1)       uvf front ─┘             namespace copy  10.0.6.51
set -u
. "$(dirname "$0")/../lib/topology.sh"
. "$top/tests/lib/vhost.sh"
. "$top/tests/lib/machine.sh"
need ip nsenter ethtool jq busybox cpio ping iperf3 curl
machine_need

# --- the wire -------------------------------------------------------------------------------------

vhost_topology
ok "fw1" in_ns host uvf add fw1 --backend veth --link eth1
in_ns host ip link set fw1 up
fw1_mac=$(mac_of host fw1)
mkdir "$tmp/www"
head -c 6000000 /dev/urandom >"$tmp/www/file"
wanted=$(sha256sum <"$tmp/www/file" | cut -d' ' -f1)
cat >"$tmp/udhcpd.conf" <<END_OF_CONF
start 10.0.6.50
end 10.0.6.51
interface eth0
lease_file $tmp/leases
pidfile $tmp/udhcpd.pid
option subnet 255.255.255.0
static_lease $fw0_mac 10.0.6.50
static_lease $fw1_mac 10.0.6.51
END_OF_CONF
: >"$tmp/leases"
ns_spawn wire busybox udhcpd -f "$tmp/udhcpd.conf" >"$tmp/udhcpd" 2>&1
ns_spawn wire busybox httpd -f -p 80 -h "$tmp/www" >"$tmp/httpd" 2>&1
ns_spawn wire iperf3 -s -p 5201 >"$tmp/iperf3-1" 2>&1
ns_spawn wire iperf3 -s -p 5202 >"$tmp/iperf3-2" 2>&1

# --- the guest ------------------------------------------------------------------------------------

# What uvf-front@.service does: another one at once.
front_always() {
	local pid
	trap 'kill "$pid"; exit' TERM
	while :; do
		in_ns host uvf front vhost-user fw1 --shim off --socket "$tmp/fw1.sock" &
		pid=$!
		wait "$pid"
		sleep 0.1
	done
}

front_is() { # FUNCTION PATH
	[[ $(in_ns host uvf front show --json "$1" | jq -r '[.rings[].path] | unique | join(" ")') == "$2" ]]
}
front_pid() { in_ns host uvf front show --json "$1" | jq -r .pid; }

machine_initrd iperf3
front_always >"$tmp/fw1.front" 2>&1 &
at_exit end_child $!
wait_for 10 test -S "$tmp/fw1.sock"
# The memory of both is that which uvf vm adds.
second=(-chardev "socket,id=fw1,path=$tmp/fw1.sock,reconnect=1"
	-netdev "vhost-user,id=fw1-net,chardev=fw1"
	-device "virtio-net-pci,id=fw1-card,netdev=fw1-net,mac=$fw1_mac,host_mtu=1500")
ns_spawn host uvf vm fw0 --shim require --socket "$tmp/fw0.sock" -- "$machine_qemu" \
	"${machine_args[@]}" "${second[@]}" >"$tmp/vm" 2>&1 </dev/null
vm=$spawned

# For both cards at once: NS is the namespace, PORT a port of the wire's. ${said[shim]}, ${said[copy]}
declare -A said
in_both() { # COMMAND…
	local what=$* all
	machine_tell "{ ${what//NS/shim}; } >/tmp/shim 2>&1 & { ${what//NS/copy}; } >/tmp/copy 2>&1 &" \
		"wait; sed 's/^/shim /' /tmp/shim; sed 's/^/copy /' /tmp/copy"
	[[ -z ${meanwhile:-} ]] || "$meanwhile"
	all=$(machine_answer)
	said[shim]=$(sed -n "s/^shim //p" <<<"$all")
	said[copy]=$(sed -n "s/^copy //p" <<<"$all")
}

both() { # DESC WANTED COMMAND…
	in_both "${@:3}"
	is "shim: $1" "${said[shim]}" "$2"
	is "copy: $1" "${said[copy]}" "$2"
}

addresses() {
	is "shim: its address is by DHCP" "$(machine card_up shim "$fw0_mac")" 10.0.6.50/24
	is "copy: and its other one's" "$(machine card_up copy "$fw1_mac")" 10.0.6.51/24
	ok "on the way without a copy" front_is fw0 shim
	ok "and on the other" front_is fw1 copy
	[[ $tap_failed -eq 0 ]] || diag "$(tail -n 20 "$tmp/vm" "$tmp/fw1.front")"
}

# Frames for both, from now on, whatever happens to them.
traffic() {
	senders=()
	for mac in "$fw0_mac" "$fw1_mac"; do
		ns_spawn wire "$seq" send eth0 "to=$mac" count=1000000 rate=100 size=1000 >/dev/null
		senders+=("$spawned")
	done
}
traffic_end() {
	machine rm -f /tmp/fetching
	kill "${senders[@]}"
	wait "${senders[@]}" 2>/dev/null
}
machine_boots 90 || bail_out "no guest: $(tail -n 8 "$tmp/vm" "$tmp/console")"
pass "the guest boots"
addresses
both "a file comes as it was" "$wanted" sum NS file

# --- a ping flood, iperf3 -------------------------------------------------------------------------

for last in 50 51; do
	in_ns wire ping -q -f -c 2000 -w 30 "10.0.6.$last" >"$tmp/ping"
	like "10.0.6.$last: a ping flood" "$(cat "$tmp/ping")" '^2000 packets transmitted, 2000 received, 0%'
done

# Not how fast: that all of it arrives, and that little had to be sent again.
sane() { # JSON
	jq -e '.error == null and .received > 6000000 and .again * 1448 < 0.03 * .sent' <<<"$1"
}
streams() { # DESC WORD…
	local ns
	in_both "stream NS \$(port NS) ${*:2}"
	for ns in shim copy; do
		ok "$ns: $1: ${said[$ns]}" sane "${said[$ns]}"
	done
}
streams "iperf3 to the wire" -n 8M
streams "iperf3 from the wire" -n 8M -R

# --- interface processes killed under TCP connections ---------------------------------------------

# As long as a connection is there; the second time the other way round.
# A server that has no more to say (fin-wait-1) may have said most of it to its socket alone.
connected_from() {
	in_ns wire ss -Htn state established state fin-wait-1 dst "10.0.6.$1" | grep -q .
}
both_connected() { connected_from 50 && connected_from 51; }
front_another() { [[ $(front_pid "$1") != "$2" ]] && kill -0 "$(front_pid "$1")"; }
kills() {
	local function
	killed=0
	wait_for 10 both_connected
	for function in fw0 fw1 fw1 fw0; do
		sleep 0.5
		both_connected || break
		front=$(front_pid "$function")
		kill -KILL "$front"
		ok "$function: an interface process is killed, and another one goes on" \
			wait_for 10 front_another "$function" "$front"
		killed=$((killed + 1))
	done
}
kills_under() { # DESC COMMAND…
	meanwhile=kills in_both "${@:2}"
	ok "$1: one of each was killed at least" test $killed -ge 2
}

before=$(machine "tcp shim; tcp copy")
kills_under "a download" sum NS file --limit-rate 800k
for ns in shim copy; do
	is "$ns: the file comes in spite of that, as it was" "${said[$ns]}" "$wanted"
done
is "each by one connection, of which none failed" "$(machine "tcp shim; tcp copy")" \
	"$(awk '{ print $1 + 1, $2, $3 }' <<<"$before")"
kills_under "iperf3" "stream NS \$(port NS) -b 10M -n 6M"
for ns in shim copy; do
	ok "$ns: its connection lives: ${said[$ns]}" \
		jq -e '.error == null and .received > 5000000' <<<"${said[$ns]}"
done

# --- unplugged and plugged in, under traffic ------------------------------------------------------

# chardev, netdev and device, as uvf vm names them, and as the second ones are named above
names() { [[ $1 == fw0 ]] && echo "uvf-fw0 uvf-fw0-net uvf-fw0-card" || echo "fw1 fw1-net fw1-card"; }
is_connected() { [[ $(in_ns host uvf front show --json "$1" | jq .connected) == "$2" ]]; }
fronts() { echo "$(front_pid fw0) $(front_pid fw1)"; }

unplug() { # FUNCTION NAMESPACE
	local chardev netdev device
	read -r chardev netdev device < <(names "$1")
	ok "$1: device_del" qmp device_del "{ \"id\": \"$device\" }"
	ok "  the guest lets go of it" qmp_event DEVICE_DELETED "$device"
	ok "  and has no card" machine "patiently 5 card_gone $2"
	ok "  netdev_del" qmp netdev_del "{ \"id\": \"$netdev\" }"
	qmp chardev-remove "{ \"id\": \"$chardev\" }" >/dev/null # which QEMU 10 has done already
	is "  the chardev is no more" "$(qmp query-chardev |
		jq --arg c "$chardev" '[.return[] | select(.label == $c)] | length')" 0
	ok "  the interface process has no guest" wait_for 5 is_connected "$1" false
}

plug() { # FUNCTION MAC
	local chardev netdev device
	read -r chardev netdev device < <(names "$1")
	ok "$1: chardev-add" qmp chardev-add "{ \"id\": \"$chardev\", \"backend\": { \"type\": \"socket\",
		\"data\": { \"addr\": { \"type\": \"unix\", \"data\": { \"path\": \"$tmp/$1.sock\" } },
		\"server\": false, \"reconnect\": 1 } } }"
	ok "  netdev_add" qmp netdev_add \
		"{ \"type\": \"vhost-user\", \"id\": \"$netdev\", \"chardev\": \"$chardev\" }"
	ok "  device_add" qmp device_add "{ \"driver\": \"virtio-net-pci\", \"id\": \"$device\",
		\"netdev\": \"$netdev\", \"mac\": \"$2\", \"host_mtu\": 1500 }"
}

busy() {
	traffic
	machine "fetches shim; fetches copy"
	sleep 0.3
}
afterwards() { # DESC
	addresses
	both "$1: a file comes as it was" "$wanted" sum NS file
	traffic_end
	for function in fw0 fw1; do
		is "  $function: no rule was broken" "$(in_ns host uvf front show --json $function | jq .broken)" 0
	done
	is "  no interface process was lost" "$(fronts)" "$pids"
}

pids=$(fronts)
busy
unplug fw0 shim
unplug fw1 copy
plug fw0 "$fw0_mac"
plug fw1 "$fw1_mac"
afterwards "plugged in again"

# --- booted again, under traffic ------------------------------------------------------------------

busy
machine_tell reboot -f
ok "the guest boots again by itself" machine_boots 90
afterwards "booted again"
busy
ok "system_reset" qmp system_reset
ok "the guest boots again" machine_boots 90
afterwards "reset"

is "it was booted three times" "$(grep '^hello' "$tmp/shell.log" | sort -u | wc -l)" 3
ok "QEMU lives" kill -0 "$vm"
kill "$vm"
wait "$vm"
is "nobody has fw0" "$(in_ns host uvf show --json fw0 | jq .lease)" null
diag "$(grep -v 'ready\|connect' "$tmp/vm" "$tmp/fw1.front" | sed 's/^.*://' | sort | uniq -c)"
uvfd_stop

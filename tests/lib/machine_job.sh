#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# In the guest of machine.sh: what the test says, line by line. "N COMMAND": each line that it says
# goes back behind "N: ", its status behind "done N ".
#
#   card_up NAME MAC    the card with that address, in a network namespace NAME, by DHCP
#   on NAME COMMAND…    there

on() { ip netns exec "$@"; }

card_named() { grep -lx "$1" /sys/class/net/*/address | cut -d / -f 5 | head -n 1; }
card_there() { [ -n "$(card_named "$1")" ]; }

patiently() { # SECONDS COMMAND…
	local n=$(($1 * 10))
	shift
	until "$@"; do
		n=$((n - 1))
		[ $n -gt 0 ] || return 1
		sleep 0.1
	done
}

card_up() {
	[ -e "/run/netns/$1" ] || ip netns add "$1"
	patiently 20 card_there "$2" || { echo "no card $2"; return 1; }
	ip link set "$(card_named "$2")" netns "$1" name card || return
	# Who reads slowly is sent slowly: a large buffer would take all of a file at once.
	on "$1" sysctl -qw net.ipv4.tcp_rmem='4096 65536 131072'
	ip -n "$1" link set lo up
	ip -n "$1" link set card up
	on "$1" udhcpc -i card -s /tmp/bound -n -q -t 20 -T 1 >/dev/null 2>&1
	ip -n "$1" -4 -o addr show card | awk '{ print $4 }'
}

card_gone() { ! ip -n "$1" link show card >/dev/null 2>&1; }

sum() { on "$1" curl -s "${@:3}" "http://10.0.6.1/$2" | sha256sum | cut -d' ' -f1; }
# iperf3 to a server at the wire, of which each card has one.
stream() { # NAME PORT WORD…
	on "$1" iperf3 -c 10.0.6.1 -p "$2" -J "${@:3}" >"/tmp/$1.iperf3"
	jq -c '{ sent: .end.sum_sent.bytes, received: .end.sum_received.bytes,
		again: .end.sum_sent.retransmits, seconds: .end.sum_received.seconds, error }' "/tmp/$1.iperf3"
}
port() { case $1 in shim) echo 5201 ;; *) echo 5202 ;; esac; }
# What it sends and receives meanwhile is of no interest.
fetches() { # NAME; while there is /tmp/fetching
	touch /tmp/fetching
	while [ -e /tmp/fetching ]; do
		on "$1" curl -s -m 2 --limit-rate 300k -o /dev/null http://10.0.6.1/file
		sleep 0.1
	done >/dev/null 2>&1 3<&- &
}
# Connections that were opened, that failed, and that were reset.
tcp() { on "$1" awk '/^Tcp:/ { if (++n == 2) print $6, $8, $9 }' /proc/net/snmp; }

modprobe -a virtio_pci virtio_net
printf '#!/bin/sh\n[ -z "$ip" ] || ip addr replace "$ip/24" dev "$interface"\n' >/tmp/bound
chmod +x /tmp/bound
exec 3</dev/ttyS1
echo "hello $(cat /proc/sys/kernel/random/boot_id)"
while read -r number line <&3; do
	(eval "$line") 2>&1 3<&- | sed -u "s/^/$number: /"
	echo "done $number ${PIPESTATUS[0]}"
done

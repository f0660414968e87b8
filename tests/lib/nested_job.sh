#!/bin/busybox sh
# shellcheck shell=dash
# SPDX-License-Identifier: GPL-2.0-only
#
# The first process of a virtual machine in a virtual machine (tests/vm/nested.sh): loads the driver of
# each card that it finds, and then does what the test says by a serial line, as machine.sh has it.
#
#   card            the network card's name
#   dhcp            an address for it; prints it
#   fetch FILE      by HTTP from 10.0.6.1: the file's checksum
#   registers       ethtool -d, of a card that has it
#   rate FILE       how many bytes of it came in a second
#   bond            bond0 of the cards that there are, and of those that come: enslave
#   leave DRIVER    send by the other card
#   active          the driver of the card that bond0 sends by
#   carriers        drivers, and whether their cards have a link
export PATH=/usr/bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mount -t tmpfs tmp /tmp

card() { for card in /sys/class/net/*/device; do [ ! -e "$card" ] || echo "$card" | cut -d / -f 5; done; }
driver() { basename "$(readlink "/sys/class/net/$(card)/device/driver")"; }
slot() { basename "$(readlink "/sys/class/net/$(card)/device")" | sed 's/^virtio.*/00:03.0/'; }

dhcp() { # [LINK]
	link=${1:-$(card)}
	ip link set "$link" up
	udhcpc -i "$link" -s /tmp/bound -n -q -t 30 -T 2 >/dev/null 2>&1
	ip -4 -o addr show "$link" | sed -n 's/.* inet \([^ ]*\) .*/\1/p'
}

# Not busybox's wget, which is static and dies of looking for libraries to resolve names with.
fetch() { curl -s -m 300 "http://10.0.6.1/$1" | sha256sum | cut -d ' ' -f 1; }

# A timer runs.
registers() { ethtool -d "$(card)" 2>&1 | sed 's/^\(0x48: Timer count *\)0x.*/\1…/; s/ *$//' | grep .; }

rate() { curl -s -m 300 -o /dev/null -w '%{speed_download}' "http://10.0.6.1/$1"; }

# One card or the other, as they have a link; what comes by either is taken. The direct one is best.
bond() {
	modprobe bonding max_bonds=0
	echo +bond0 >/sys/class/net/bonding_masters
	cd /sys/class/net/bond0/bonding || return
	echo active-backup >mode
	echo 10 >miimon
	echo 1 >all_slaves_active
	cd / && enslave
}

enslave() {
	for link in $(card); do
		[ ! -e "/sys/class/net/$link/master" ] || continue
		ip link set "$link" down
		echo "+$link" >/sys/class/net/bond0/bonding/slaves
		[ "$(driver_of "$link")" != virtio_net ] || echo "$link" >/sys/class/net/bond0/bonding/primary
	done
	ip link set bond0 up
}

leave() { # DRIVER: bond0 sends by the other
	for link in $(card); do
		[ "$(driver_of "$link")" = "$1" ] || echo "$link" >/sys/class/net/bond0/bonding/active_slave
	done
}

cards() { card | wc -l; }
carriers() { for link in $(card); do echo "$(driver_of "$link") $(cat "/sys/class/net/$link/carrier")"; done; }
driver_of() { basename "$(readlink "/sys/class/net/$1/device/driver")"; }
active() { driver_of "$(cat /sys/class/net/bond0/bonding/active_slave)"; }

# Of PCI devices, and then of what one of them is a bus for.
drivers() {
	cat /sys/bus/pci/devices/*/modalias | xargs modprobe -a -b -q
	cat /sys/bus/virtio/devices/*/modalias 2>/dev/null | xargs -r modprobe -a -b -q
}

# shellcheck disable=SC2016 # of udhcpc's
printf '#!/bin/sh\n[ -z "$ip" ] || ip addr replace "$ip/24" dev "$interface"\n' >/tmp/bound
chmod +x /tmp/bound
modprobe af_packet
drivers
ip link set lo up
stty -F /dev/ttyS1 raw -echo
exec 3<>/dev/ttyS1
echo "hello $(cat /proc/sys/kernel/random/boot_id)" >&3
while read -r number line <&3; do
	said=$(eval "$line" 2>&1)
	status=$?
	[ -z "$said" ] || echo "$said" | sed "s/^/$number: /" >&3
	echo "done $number $status" >&3
done

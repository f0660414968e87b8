#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# runs: vm
# vm: --smp 2 --mem 1500 --timeout 1500 --with guest
#
# From emulated to direct: a stock guest in a VM in the VM begins on an emulated e1000, goes over to a
# virtio-net card on another function while traffic runs, and back. It has both in a bond, which goes by
# the links that it is shown, and knows of nothing else.
#
#	                  ┌ fw0 ── uvf-vfio, e1000 ── uvf-vfio.ko ─┐
#	client, 10.0.6.1 ══  │ redirect                            QEMU ══ guest
#	                  └ fw1 ── uvf-vhost-user ── memory ───────┘
#
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../lib/topology.sh"
. "$here/../lib/vhost.sh"
. "$here/../lib/nested.sh"
shim=${SHIM:-auto}

vfio_need
module_load
vfio_load
topology_make client host
topology_wire client eth0 10.0.6.1/24 host eth1 192.0.2.2/24
for name in fw0 fw1; do
	ok "$name" function_add host "$name" eth1 test
	in_ns host ip link set "$name" up
done
pci=$(vfio_pci host fw0)
fw0_mac=$(mac_of host fw0)
bpffs_ready
uvfd_start host
vfio_front fw0 --personality e1000
front_start fw1 --socket "$tmp/fw1.sock" --shim "$shim" --standby-of fw0
nested_prepare
nested_serve 300000

redirect() { in_ns host uvf redirect fw0; }
turned() { [[ $(redirect) == "$1" ]]; }
direct() { in_ns host uvf front show --json fw1 | jq -r ".$1"; }
active_is() { [[ $(machine active) == "$1" ]]; }

# Echoes to the guest, twenty a second, meanwhile: one that is lost shows, by which card ever it went.
echoes_start() {
	ns_spawn client ping -n -i 0.05 -w 600 "${address%/*}" >"$tmp/ping"
	echoes=$spawned
	sleep 1
}
echoes_end() {
	local sent came
	sleep 2
	kill -INT "$echoes"
	wait "$echoes"
	read -r sent came < <(sed -n 's/^\([0-9]*\) packets transmitted, \([0-9]*\) received.*/\1 \2/p' \
		"$tmp/ping")
	diag "$1: $(sed -n 's/ packets transmitted/ echoes/p' "$tmp/ping"), doubled: $(grep -c DUP "$tmp/ping")"
	ok "$1: no more than $2 of $sent echoes are lost" test $((sent - came)) -le "$2"
	ok "  and there were some" test "$came" -gt 20
}

share=memory-backend-memfd,id=memory,share=on,size=${nested_memory}M
nested_start "$pci" -object "$share" -machine memory-backend=memory \
	-chardev "socket,id=direct,path=$tmp/fw1.sock,reconnect=1" \
	-netdev "vhost-user,id=direct-net,chardev=direct,queues=1"
machine_boots 60 || bail_out "no guest: $(tail -n 5 "$tmp/console" "$tmp/qemu" "$tmp"/*.front)"
is "with one card" "$(machine driver)" e1000
machine bond >/dev/null
address=$(machine dhcp bond0)
like "in a bond: DHCP" "$address" '^10\.0\.6\.5[0-9]/24$'
is "a file by HTTP" "$(machine fetch file)" "$file_sum"
before=$(machine rate file)
is "fw1 may take the frames" "$(redirect)" "standby fw1"

echoes_start
ok "a card is plugged in" qmp device_add "{ \"driver\": \"virtio-net-pci\", \"addr\": \"5\",
	\"netdev\": \"direct-net\", \"id\": \"direct-card\", \"mac\": \"$fw0_mac\", \"romfile\": \"\" }"
ok "another card comes" wait_for 10 eval '[[ $(machine "lspci -n | grep -c 1af4:1") -eq 1 ]]'
is "its frames are the first one's still" "$(redirect)" "standby fw1"
during=$(machine 'rate file >/tmp/during & sleep 1; drivers; enslave; wait; cat /tmp/during')
ok "it is driven, in the bond, among a download: fw1 gets the frames" wait_for 10 turned "to fw1"
ok "the first card has no link" wait_for 5 eval '[[ $(machine carriers) == *"e1000 0"* ]]'
ok "the guest sends by the other" wait_for 5 active_is virtio_net
echoes_end "over to the direct card" 5
is "a file by HTTP" "$(machine fetch file)" "$file_sum"
after=$(machine rate file)
like "it came to the guest by fw1" "$(direct 'rings[0].frames')" '^[0-9]{3,}$'
diag "path: $(direct 'rings[0].path'), copied: $(direct 'rings[0].copied')"

echoes_start
machine_tell rate file
sleep 1
ok "back, among a download" in_ns host uvf redirect fw0 off
back=$(machine_answer)
ok "the first card has its link again" wait_for 5 eval '[[ $(machine carriers) == *"e1000 1"* ]]'
machine leave virtio_net >/dev/null
ok "the guest sends by it" wait_for 5 active_is e1000
echoes_end "back to the emulated card" 5
is "a file by HTTP" "$(machine fetch file)" "$file_sum"
last=$(machine rate file)

ok "the driver of the direct card goes, and comes" machine "rmmod virtio_net && modprobe virtio_net"
ok "it may have the frames again" in_ns host uvf redirect fw0 standby fw1
ok "and is in the bond again" machine enslave
ok "it has them" wait_for 10 turned "to fw1"
echoes_start
ok "its driver goes without a word" machine rmmod virtio_net
ok "the first card has the frames" wait_for 10 turned "standby fw1"
echoes_end "back without a word" 40
is "a file by HTTP" "$(machine fetch file)" "$file_sum"
diag "bytes a second: emulated $before, while it goes over $during, direct $after, back $back, then $last"

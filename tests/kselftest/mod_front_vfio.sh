#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# runs: vm
# vm: --smp 2 --timeout 400 --with nics
#
# A function as a VFIO device with a personality: a card that exists in XML and Lua alone, and a driver
# for it in user space; other personalities while the process runs.
#
#	wire ══ fw0 ── uvf-vfio, tiny.xml ── uvf-vfio.ko ── /dev/vfio/N ══ vfio_tiny
#
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../lib/topology.sh"
. "$here/../lib/vfio.sh"

seq=$top/build/tests/seq
tiny=$top/tests/nic/tiny.xml

# In the background, told by files: user WORD…; $user, its lines in $tmp/user
user() {
	rm -f "$tmp"/go.*
	vfio_tiny "$pci" "$@" >"$tmp/user" 2>&1 &
	user=$!
	at_exit end_child "$user"
}
go() { touch "$tmp/go.$1"; }
# Before Linux 6.4 the rings of a dead appliance's socket can't be had again, nor what is in them.
keeps_rings() { printf '%s\n' 6.4 "$(uname -r)" | sort -VC; }
user_says() {
	wait "$user"
	is "$1" "$(cat "$tmp/user")" "$2"
}

vfio_function
in_ns host ip link set fw0 up
mac=$(in_ns host ip -j link show fw0 | jq -r '.[0].address')
bpffs_ready

# --- refusals
expect_fail 'uvfd' in_ns host uvf front vfio fw0 --personality tiny
uvfd_start host
expect_fail 'no function fw9' in_ns host uvf front vfio fw9 --personality "$tiny"
expect_fail 'give --personality' in_ns host uvf front vfio fw0
expect_fail 'no personality nonesuch' in_ns host uvf front vfio fw0 --personality nonesuch
expect_fail "tests/nic/none.xml can't be read" in_ns host uvf front vfio fw0 \
	--personality "$top/tests/nic/none.xml"
expect_fail 'needs root' setpriv --reuid=65534 --regid=65534 --clear-groups \
	"$bin/uvf" front vfio fw0 --personality "$tiny"
expect_fail 'no interface process' in_ns host uvf front swap fw0 e1000
is "it has bound the function by itself" \
	"$(basename "$(readlink "/sys/bus/pci/devices/$pci/driver")")" uvf-vfio

# --- a card of a test's own
vfio_front fw0 --personality "$tiny"
is "the process has no rights" "$(awk '/^CapEff/ { print $2 + 0 }' "/proc/$front/status")" 0
is "and a filter of system calls" "$(awk '/^Seccomp:/ { print $2 }' "/proc/$front/status")" 2
expect_fail 'another process serves fw0' in_ns host uvf front vfio fw0 --personality "$tiny"
like "it is listed" "$(in_ns host uvf front list)" "^fw0 +$front +waits +vfio .* $pci, tiny$"
is "config space is the card's" "$(vfio_tiny "$pci" ids)" "00011234 03"
is "regions are, too" "$(vfio_user "$pci" 'region 0' 'region 1' 'region 2' 'irq 0' 'irq 1' 'irq 2')" \
	"size 4096 read write
size 0
size 64 read write
count 1 eventfd maskable automasked
count 2 eventfd
count 0"
is "registers, and what Lua does with them" "$(vfio_tiny "$pci" 'set 0x30 0x70006' 'get 0x34' \
	'get 0x38')" "0x2a
0x$(awk -F: '{ printf "%s%s%s%s", $4, $3, $2, $1 }' <<<"$mac" | sed 's/^0*//')"

wire_hears() {
	: >"$tmp/heard"
	ns_spawn client "$seq" receive eth0 idle=$((8000 * TIMEOUT_SCALE)) count="$1" >"$tmp/heard"
	receiver=$spawned
	wait_for 10 grep -q ready "$tmp/heard"
}
wire_heard() {
	wait "$receiver"
	is "$1" "$(tail -n 1 "$tmp/heard")" "{ \"received\": $2, \"doubled\": 0, \"missing\": 0 }"
}
wire=$(in_ns client ip -j link show eth0 | jq -r '.[0].address')
wire_hears 300
is "the driver sends" "$(vfio_tiny "$pci" begin "send 300 $wire")" "begun
sent 300"
wire_heard "they arrive, of all sizes" 300
user begin "touch $tmp/go.begun" 'receive 1000 3000'
wait_for 10 test -e "$tmp/go.begun"
in_ns client "$seq" send eth0 to="$mac" count=1000 rate=500 size=600 >/dev/null
user_says "the driver receives" "begun
received 1000, doubled 0, missing 0, damaged 0, interrupts some"
is "as was counted" "$(in_ns host uvf front show --json fw0 | jq -c '[.front, .personality, .open,
	.rx_frames, .tx_frames, .dma_errors, .ring_errors, .memory_gone]')" \
	'["vfio","tiny",false,1000,300,0,0,0]'
like "for people, too" "$(in_ns host uvf front show fw0)" '^tx_frames +300$'

# --- a driver that breaks the rules, and takes its memory away
is "addresses that are nowhere" "$(vfio_tiny "$pci" begin nowhere begin "send 3 $wire")" "begun
0xf
begun
sent 3"
ok "they are counted" [ "$(vfio_counted fw0 dma_errors)" -gt 3 ]
like "and told" "$(cat "$tmp/fw0.front")" 'the guest gave the address 0x[0-9a-f]+ for'
is "memory that goes while it is used" "$(vfio_tiny "$pci" begin 'away 50' "send 3 $wire" | tail -n 1)" \
	"sent 3"
ok "it was touched when it was gone" [ "$(vfio_counted fw0 memory_gone)" -gt 0 ]
ok "the process lives" kill -0 "$front"

# --- the link
user 'touch '"$tmp"'/go.link' link link
wait_for 10 test -e "$tmp/go.link"
in_ns client ip link set eth0 down
wait_for 10 grep -q 0 "$tmp/user"
in_ns client ip link set eth0 up
user_says "the link goes and comes" "0
1"
ok "a second function" function_add host fw1 eth1 test
in_ns host ip link set fw1 up
ok "whose are the frames of the first now" in_ns host uvf redirect fw0 to fw1
ok "a card whose frames are another's has no link" \
	wait_for 5 eval '[[ $(vfio_counted fw0 link) == false ]]'
ok "until they are its own" in_ns host uvf redirect fw0 off
ok "  then it has" wait_for 5 eval '[[ $(vfio_counted fw0 link) == true ]]'
in_ns host ip link del fw1

# --- another personality, while the process runs
is "e1000, at once" "$(in_ns host uvf front swap fw0 e1000)" "fw0 is e1000"
is "so it is" "$(vfio_user "$pci" 'read 7 0 4' 'region 0' 'irq 0')" "0x100e8086
size 131072 read write
count 1 eventfd maskable automasked"
is "e1000's MAC is the function's" "$(vfio_user "$pci" 'write 7 4 2 6' 'read 0 0x5400 4')" "done
0x$(awk -F: '{ printf "%s%s%s%s", $4, $3, $2, $1 }' <<<"$mac" | sed 's/^0*//')"
expect_fail 'no personality nonesuch' in_ns host uvf front swap fw0 nonesuch
expect_fail "can't be read" in_ns host uvf front swap fw0 ./nonesuch.xml
vfio_user "$pci" "touch $tmp/go.open" "await $tmp/go.end" 'read 7 0 4' >"$tmp/user" 2>&1 &
user=$!
wait_for 10 test -e "$tmp/go.open"
is "virtio-net, when it can be" "$(in_ns host uvf front swap fw0 virtio-net)" \
	"fw0 will be virtio-net when its user lets go of it"
is "it is waited for" "$(vfio_counted fw0 next)" virtio-net
go end
user_says "its user has an e1000 until then" "done
done
0x100e8086"
ok "then it is the other one" wait_for 10 eval '[[ $(vfio_counted fw0 personality) == virtio-net ]]'
is "for the next user" "$(vfio_user "$pci" 'read 7 0 4' 'irq 2')" "0x10411af4
count 3 eventfd"
is "rtl8139, and tiny again" "$(in_ns host uvf front swap fw0 rtl8139
	vfio_user "$pci" 'read 7 0 4'
	cd "$top/tests/nic" && in_ns host uvf front swap fw0 ./tiny.xml)" "fw0 is rtl8139
0x813910ec
fw0 is ./tiny.xml"
wire_hears 50
is "which sends as before" "$(vfio_tiny "$pci" begin "send 50 $wire" | tail -n 1)" "sent 50"
wire_heard "and is heard" 50
is "swapped four times" "$(vfio_counted fw0 swapped)" 4

# --- killed under frames: the next one goes on, and the driver does not notice
again() {
	vfio_front fw0 --personality "$tiny"
	like "it goes on" "$(cat "$tmp/fw0.front")" 'goes on where its predecessor ended'
}
killed_thrice() {
	for _ in 1 2 3; do
		sleep 0.5
		kill -KILL "$front"
		wait "$front" 2>/dev/null
		again
	done
}
wire_hears 600
user begin "touch $tmp/go.begun" "send 600 $wire 5000"
wait_for 10 test -e "$tmp/go.begun"
killed_thrice
user_says "killed three times while the driver sends" "begun
sent 600"
wait "$receiver"
heard=$(tail -n 1 "$tmp/heard")
# What was in its hands, or, before Linux 6.4, in its ring.
ok "at most one for each death is missing, or came twice" \
	jq -e '.received >= 597 and .missing <= 3 and .doubled <= 3' <<<"$heard"
diag "$heard"
user begin "touch $tmp/go.begun" "receive 850 $((20000 * TIMEOUT_SCALE))"
wait_for 10 test -e "$tmp/go.begun"
ns_spawn client "$seq" send eth0 to="$mac" count=800 rate=200 size=600 >/dev/null
sender=$spawned
killed_thrice
wait "$sender"
in_ns client "$seq" send eth0 to="$mac" first=800 count=50 rate=500 size=600 >/dev/null
wait "$user"
told=$(tail -n 1 "$tmp/user")
diag "$told"
if keeps_rings; then
	like "killed three times while it receives: none is missing" "$told" 'missing 0, damaged 0'
else
	like "killed three times while it receives: no frame is damaged" "$told" 'damaged 0'
	read -r _ came _ twice _ gone _ <<<"${told//,/}"
	is "and it goes on to the last one" $((came - twice + gone)) 850
fi
user begin "touch $tmp/go.begun" "await $tmp/go.next" "send 20 $wire"
wait_for 10 test -e "$tmp/go.begun"
kill "$front"
wait "$front"
is "ended in order while a user has it" $? 0
like "it leaves it" "$(cat "$tmp/fw0.front")" 'to a successor'
again
go next
user_says "the next one goes on" "begun
sent 20"

# --- who comes next, and the end
first=$front
vfio_front fw0 --personality "$tiny" --take-over
wait "$first"
is "taken over, the first one ends" $? 1
like "and says why" "$(vfio_tiny "$pci" begin "send 5 $wire")" 'sent 5'
kill "$front"
wait "$front"
is "it ends well" $? 0
is "nobody serves any more" "$(vfio_user "$pci" info)" "device: ! ENXIO"

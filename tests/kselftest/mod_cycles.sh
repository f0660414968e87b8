#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# runs: vm
# vm: --smp 2 --timeout 900
#
# The whole life again and again: insmod, add 8 functions, traffic, delete, rmmod. Afterwards the
# kernel has not grown, by its own books. Then removal of PCI devices against creation of links,
# which take the same two locks from opposite ends.
#
#	mod_cycles.sh [CYCLES]		24 by default; a release is tested with 200
#
#	client: eth0 10.1.0.1 ══ eth1 :host
#	                         ├─ f1 10.1.0.3 :a
#	                         └─ f2 … f8
#
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../lib/topology.sh"
xsk=$here/../../build/tests/xsk
cycles=${1:-24}
window=$((cycles / 4))
ko=$(module_path)

# --- the kernel's books: objects in each slab cache, memory in kB, open files
settle() {
	local cache
	sync
	echo 3 >/proc/sys/vm/drop_caches
	sleep 1
	for cache in /sys/kernel/slab/*/shrink; do echo 1 >"$cache"; done 2>/dev/null
}
objects() { awk 'NR > 2 { print $1, $2 }' /proc/slabinfo | sort; }
memory() { awk -v key="$1:" '$1 == key { print $2 }' /proc/meminfo; }
files() { cut -f1 /proc/sys/fs/file-nr; }

add='' del=''
for i in 1 2 3 4 5 6 7 8; do
	add+="link add link eth1 name f$i type uvf appliance a$i$([[ $i -lt 6 ]] || echo " vlan $i")"$'\n'
	[[ $i -eq 1 ]] || add+="link set f$i up"$'\n' del+="link del f$i"$'\n'
done

cycle() {
	insmod "$ko" spare=8 &&
		in_ns host ip -batch - <<<"$add" &&
		in_ns host ip link set f1 netns "uvf-$$-a" &&
		in_ns a ip addr add 10.1.0.3/24 dev f1 &&
		in_ns a ip link set f1 up &&
		# the ARP request is a broadcast, and for all of them
		in_ns client ip neigh flush to 10.1.0.3 &&
		in_ns client ping -q -c 2 -i 0.02 -W 2 10.1.0.3 &&
		in_ns host ip -batch - <<<"$del" &&
		in_ns a ip link del f1 &&
		rmmod uvf
}

# A socket and a program as well, and the module is taken from under them.
cycle_with_socket() {
	insmod "$ko" spare=8 && in_ns host ip -batch - <<<"$add" && in_ns host ip link set f1 up || return
	ns_spawn host "$xsk" echo f1 >"$tmp/echo" 2>&1
	wait_for 10 grep -q '^ready zerocopy' "$tmp/echo" &&
		in_ns client "$xsk" ask eth0 "$(in_ns host ip -j link show f1 | jq -r '.[0].address')" 100 &&
		rmmod uvf || return
	kill "$spawned"
	wait "$spawned"
}

run_cycles() { # from, to
	local i
	for ((i = $1; i <= $2; i++)); do
		if ((i % 20 == 0)); then cycle_with_socket; else cycle; fi >"$tmp/log" 2>&1 || {
			fail "cycle $i" "$(cat "$tmp/log")"
			return 1
		}
	done
	pass "cycles $1 to $2"
}

topology_make client host a
topology_wire client eth0 10.1.0.1/24 host eth1 10.1.0.2/24
[[ -e $ko ]] || bail_out "there is no uvf.ko for $(uname -r)"

# A quarter to warm up, then three windows of which each is looked at.
run_cycles 1 $window || exit 1
for w in 0 1 2 3; do
	settle
	objects >"$tmp/objects$w"
	[[ $w -gt 0 ]] || slab=$(memory Slab) percpu=$(memory Percpu) vmalloc=$(memory VmallocUsed) \
		files=$(files)
	[[ $w -eq 3 ]] || run_cycles $(((w + 1) * window + 1)) $(((w + 2) * window)) || exit 1
done

# What grows by an object a cycle in each of the windows is a leak. The caches' own reserves come
# and go by whole pages, but not three times in a row.
compared=$(paste "$tmp"/objects[0-3] | awk -v n=$window '
	$1 == $3 && $3 == $5 && $5 == $7 { compared++ }
	$4 - $2 >= n && $6 - $4 >= n && $8 - $6 >= n { print $1, $2, $4, $6, $8 }
	END { print compared > "/dev/stderr" }' 2>&1 >"$tmp/grown")
ok "$compared slab caches are compared" test "$compared" -gt 50
is "no slab cache grows and grows" "$(cat "$tmp/grown")" ""
diag "Slab: $slab -> $(memory Slab) kB, Percpu: $percpu -> $(memory Percpu) kB," \
	"VmallocUsed: $vmalloc -> $(memory VmallocUsed) kB, files: $files -> $(files)"
ok "Slab has not grown" test $(($(memory Slab) - slab)) -lt 1024
ok "Percpu has not grown" test $(($(memory Percpu) - percpu)) -lt 256
ok "VmallocUsed has not grown" test $(($(memory VmallocUsed) - vmalloc)) -lt 1024
# counted by processor, and told in batches
ok "open files have not grown" test $(($(files) - files)) -lt $((64 + cycles / 4))
is "the module is gone" "$(lsmod | grep -c '^uvf ')" 0
is "no PCI function is left" "$(lspci -D -d 1af4:10f0 | wc -l)" 0

# --- opposite ends of the locks
insmod "$ko" spare=4 || bail_out "insmod"
stop=$((SECONDS + 8))
while [[ $SECONDS -lt $stop ]]; do
	for device in /sys/bus/pci/drivers/uvf/1000*; do
		echo 1 >"$device/remove"
	done 2>/dev/null
	echo 1 >/sys/bus/pci/rescan
	removals=$((${removals:-0} + 1))
	echo $removals >"$tmp/removals"
done &
made=0 refused=0
while [[ $SECONDS -lt $stop ]]; do
	if in_ns host ip link add link eth1 name x0 up type uvf 2>"$tmp/log"; then
		made=$((made + 1))
		# the remover may have been faster
		in_ns host ip link del x0 2>/dev/null
	elif grep -q 'no spare function is ready' "$tmp/log"; then
		refused=$((refused + 1))
	else
		fail "a refusal that is not documented" "$(cat "$tmp/log")"
	fi
done
wait $!
diag "$(cat "$tmp/removals") rounds of remove and rescan; links: $made made, $refused refused"
ok "links are made while PCI devices are removed" test $made -gt 0
ok "rmmod" rmmod uvf

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# runs: vm
# vm: --smp 2 --timeout 900
#
# Again and again. The module's whole life: insmod, add 8 functions, traffic, delete, rmmod. Then
# functions alone, made and deleted on two processors at once, under traffic; afterwards the kernel
# has not grown, by its own books. Then what takes the same two locks from opposite ends: rmmod, and
# removal of PCI devices, against creation of links.
#
#	mod_cycles.sh [CYCLES]		functions made and deleted, 320 by default; a release is
#					tested with 10000, and TIMEOUT_SCALE=4
#
#	client: eth0 10.1.0.1 ══ eth1 :host
#	                         ├─ f1 10.1.0.3 :a
#	                         ├─ f2 … f8
#	                         └─ p0n0 … p1n3: by processor
#
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../lib/topology.sh"
xsk=$here/../../build/tests/xsk
cycles=${1:-320}
lives=24
ko=$(module_path)

# --- the kernel's books: objects in each slab cache, memory in kB, open files
settle() {
	local cache
	sync
	echo 3 >/proc/sys/vm/drop_caches
	sleep 1
	for cache in /sys/kernel/slab/*/shrink; do echo 1 >"$cache"; done 2>/dev/null
}
# kmemleak has an object for each of all others', which are compared themselves; on a busy machine
# it is behind with them. What is lost it tells itself.
objects() { awk 'NR > 2 && $1 != "kmemleak_object" { print $1, $2 }' /proc/slabinfo | sort; }
memory() { awk -v key="$1:" '$1 == key { print $2 }' /proc/meminfo; }
files() { cut -f1 /proc/sys/fs/file-nr; }

# Caches that have grown by $1 objects or more in each of $2 windows; how many were looked at, to
# stderr.
grown() {
	local w files=()
	for ((w = 0; w <= $2; w++)); do files+=("$tmp/objects$w"); done
	paste "${files[@]}" | awk -v n="$1" '
		{
			for (i = 3; i < NF; i += 2)
				if ($i != $1)
					next
			compared++
			for (i = 4; i <= NF; i += 2)
				if ($i - $(i - 2) < n)
					next
			print
		}
		END { print compared > "/dev/stderr" }'
}

# in_windows WHAT WINDOW COMMAND: a quarter to warm up, then three windows of which each is looked
# at. COMMAND does from one number to another.
#
# What grows by an object a cycle, again and again, is a leak. The caches' own reserves come and go
# by whole pages, and what RCU has yet to free; on a busy machine three times in a row. Then three
# more windows decide: a leak goes on.
in_windows() {
	local what=$1 window=$2 w=0 last=3 slab percpu vmalloc files compared
	"$3" 1 "$window" || exit 1
	settle
	objects >"$tmp/objects0"
	slab=$(memory Slab) percpu=$(memory Percpu) vmalloc=$(memory VmallocUsed) files=$(files)
	while [[ $w -lt $last ]]; do
		w=$((w + 1))
		"$3" $((w * window + 1)) $(((w + 1) * window)) || exit 1
		settle
		objects >"$tmp/objects$w"
		[[ $w -eq 3 ]] || continue
		grown "$window" 3 >"$tmp/grown" 2>/dev/null
		[[ ! -s $tmp/grown ]] || last=6
	done
	compared=$(grown "$window" "$last" 2>&1 >"$tmp/grown")
	ok "$what: $compared slab caches are compared" test "$compared" -gt 50
	is "$what: no slab cache grows and grows" "$(cat "$tmp/grown")" ""
	diag "Slab: $slab -> $(memory Slab) kB, Percpu: $percpu -> $(memory Percpu) kB," \
		"VmallocUsed: $vmalloc -> $(memory VmallocUsed) kB, files: $files -> $(files)"
	ok "$what: Slab has not grown" test $(($(memory Slab) - slab)) -lt 1024
	ok "$what: Percpu has not grown" test $(($(memory Percpu) - percpu)) -lt 256
	ok "$what: VmallocUsed has not grown" test $(($(memory VmallocUsed) - vmalloc)) -lt 1024
	# counted by processor, and told in batches
	ok "$what: open files have not grown" test $(($(files) - files)) -lt $((64 + window))
}

# --- whole lives
add='' del=''
for i in 1 2 3 4 5 6 7 8; do
	add+="link add link eth1 name f$i type uvf appliance a$i$([[ $i -lt 6 ]] || echo " vlan $i")"$'\n'
	[[ $i -eq 1 ]] || add+="link set f$i up"$'\n' del+="link del f$i"$'\n'
done

f1_up() {
	in_ns host ip link set f1 netns "uvf-$$-a" &&
		in_ns a ip addr add 10.1.0.3/24 dev f1 &&
		in_ns a ip link set f1 up &&
		# the ARP request is a broadcast, and for all of them
		in_ns client ip neigh flush to 10.1.0.3 &&
		in_ns client ping -q -c 2 -i 0.02 -W 2 10.1.0.3
}

cycle() {
	insmod "$ko" spare=8 && in_ns host ip -batch - <<<"$add" && f1_up &&
		in_ns host ip -batch - <<<"$del" && in_ns a ip link del f1 && rmmod uvf
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

run_lives() { # from, to
	local i
	for ((i = $1; i <= $2; i++)); do
		if ((i % 20 == 0)); then cycle_with_socket; else cycle; fi >"$tmp/log" 2>&1 || {
			fail "life $i" "$(cat "$tmp/log")"
			return 1
		}
	done
	pass "lives $1 to $2"
}

# --- functions alone, by two processors
# What is sent to the address of a function that comes and goes, what all of them hear, and what
# one that stays answers as fast as it can.
traffic_start() {
	local to
	traffic=()
	for to in "-f 10.1.0.3" "-f 10.1.0.10" "-f 10.1.0.11" "-i 0.01 -b 10.1.0.255"; do
		# shellcheck disable=SC2086 # options
		ns_spawn client ping -q $to >/dev/null 2>&1
		traffic+=("$spawned")
	done
}

stop_all() {
	kill "$@" 2>/dev/null
	wait "$@" 2>/dev/null
}

# Four at a time on each processor: made and up, the last one with a vlan, then deleted.
batch() { # processor, cycles
	local i n
	for ((i = 0; i < $2; i += 4)); do
		for n in 0 1 2 3; do
			echo "link add link eth1 name p$1n$n address 02:00:00:00:0$1:0$n type uvf" \
				"appliance churn$([[ $n -lt 3 ]] || echo " vlan 10$1")"
			echo "link set p$1n$n up"
		done
		for n in 0 1 2 3; do echo "link del p$1n$n"; done
	done
}

# batches CYCLES OPTION…: in the background, half on each processor; their pids in $batches
batches_start() {
	local cpu half=$(($1 / 2))
	shift
	batches=()
	for cpu in 0 1; do
		batch $cpu $half >"$tmp/batch$cpu"
		ns_spawn host taskset -c $cpu ip "$@" -batch "$tmp/batch$cpu" >"$tmp/batch$cpu.log" 2>&1
		batches+=("$spawned")
	done
}

run_batches() { # from, to
	local start=$SECONDS pid status=0
	traffic_start
	batches_start $(($2 - $1 + 1))
	for pid in "${batches[@]}"; do wait "$pid" || status=$?; done
	stop_all "${traffic[@]}"
	is "functions $1 to $2, on two processors, under traffic" \
		"$status$(cat "$tmp"/batch?.log)" 0
	diag "$((SECONDS - start)) s"
	[[ $status -eq 0 ]]
}

topology_make client host a
topology_wire client eth0 10.1.0.1/24 host eth1 10.1.0.2/24
in_ns client ip neigh add 10.1.0.10 lladdr 02:00:00:00:00:00 nud permanent dev eth0
in_ns client ip neigh add 10.1.0.11 lladdr 02:00:00:00:01:01 nud permanent dev eth0
[[ -e $ko ]] || bail_out "there is no uvf.ko for $(uname -r)"

in_windows lives $((lives / 4)) run_lives
is "the module is gone" "$(lsmod | grep -c '^uvf ')" 0
is "no PCI function is left" "$(lspci -D -d 1af4:10f0 | wc -l)" 0

insmod "$ko" spare=8 || bail_out "insmod"
in_ns host ip link add link eth1 name f1 type uvf
f1_up >/dev/null
in_windows functions $((cycles / 32 * 8)) run_batches
is "no function but one is left" "$(in_ns host ip -br link show type uvf; in_ns a ip -br link show type uvf | wc -l)" 1
ok "it answers" in_ns client ping -q -c 2 -i 0.2 -W 5 10.1.0.3

# --- rmmod meanwhile: refused, or clean. `ip link add` brings the module back, if it finds it. The
# batches are short, because rmmod waits until no netdev of any kind is being unregistered.
traffic_start
clean=0 refused=0
for i in 1 2 3 4 5 6; do
	batches_start 48 -force
	sleep 0.$((i * 3 % 10))
	if rmmod uvf 2>"$tmp/log"; then
		clean=$((clean + 1))
	elif grep -q 'in use' "$tmp/log"; then
		refused=$((refused + 1))
	else
		fail "rmmod $i" "$(cat "$tmp/log")"
	fi
	stop_all "${batches[@]}"
	[[ -d /sys/module/uvf ]] || insmod "$ko" spare=8 2>/dev/null
done
stop_all "${traffic[@]}"
diag "rmmod while links are made on two processors: $clean clean, $refused refused"
diag "$(cat "$tmp"/batch?.log | grep -v '^Command failed' | sort | uniq -c | sort -rn)"
is "rmmod: nothing but that was said" "$((clean + refused))" 6
[[ ! -d /sys/module/uvf ]] || ok "rmmod" rmmod uvf
is "no function is left" "$(in_ns host ip -br link | grep -c '^p[01]n')" 0
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

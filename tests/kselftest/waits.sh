#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# How an appliance waits, and what its memory lies in: sleeping, busy for a while or always; huge
# pages when there are any, and ordinary ones when not.
#
#	client 10.0.6.1 eth0 ══ eth1 (fw0)  host
set -u
. "$(dirname "$0")/../lib/topology.sh"
PATH=$top/build/bench:$PATH

need ip nsenter ethtool jq ping python3 burst generate

topology_make client host
topology_wire client eth0 10.0.6.1/24 host eth1 10.0.6.9/24
# NAPI on the generator's end: without, it would not take frames from XDP on the other.
in_ns client ethtool -K eth0 gro on
bpffs_ready
ok "uvf add fw0" in_ns host uvf add fw0 --backend veth --link eth1
in_ns host ip link set fw0 up
uvfd_start host
mac=$(in_ns host uvf show --json fw0 | jq -r .mac)

burst_start() { # OPTION…
	ns_spawn host uvf run --on fw0 -- "$top/build/bench/burst" drop fw0 "$@" \
		>"$tmp/burst.json" 2>"$tmp/burst.log"
	wait_for 10 grep -q ready "$tmp/burst.log" || bail_out "burst: $(cat "$tmp/burst.log")"
}

# A veth queue holds 256 frames: what is sent at once is less, and nothing is lost on the way.
generate_600() {
	local i
	for i in 1 2 3; do
		in_ns client generate eth0 --to "$mac" --count 200 >/dev/null
		sleep 0.05
	done
}

burst_ends() {
	local status=0
	kill "$spawned"
	wait "$spawned" || status=$?
	is "  it ends well" "$status" 0
	is "  each of 600 frames was received" "$(jq '.functions[0].rx_frames' "$tmp/burst.json")" 600
}

# --- waiting --------------------------------------------------------------------------------------

# Of a process, in hundredths of a second.
ticks() { awk '{ print $14 + $15 }' "/proc/$spawned/stat"; }
ticks_in() { # SECONDS
	local before
	before=$(ticks)
	sleep "$1"
	echo $(($(ticks) - before))
}

# Of the AF_XDP socket of a process: SO_PREFER_BUSY_POLL, SO_BUSY_POLL (asm-generic/socket.h).
busy_polling() { # PID
	python3 - "$1" <<-'END'
		import ctypes, os, sys
		libc = ctypes.CDLL(None)
		pid = int(sys.argv[1])
		process = os.pidfd_open(pid)

		def option(sock, number):  # of SOL_SOCKET
		    value, size = ctypes.c_int(0), ctypes.c_uint(4)
		    libc.getsockopt(sock, 1, number, ctypes.byref(value), ctypes.byref(size))
		    return value.value

		for fd in os.listdir("/proc/%d/fd" % pid):
		    if os.readlink("/proc/%d/fd/%s" % (pid, fd)).startswith("socket:"):
		        sock = libc.syscall(438, process, int(fd), 0)  # pidfd_getfd
		        if option(sock, 39) == 44:  # SO_DOMAIN, AF_XDP
		            print(option(sock, 69), option(sock, 46))
	END
}

burst_start --sleep
used=$(ticks_in 1)
ok "asleep it takes no time: $used of 100" between "$used" 0 2
generate_600
burst_ends

burst_start --busy 500000
used=$(ticks_in 1)
ok "busy for half a second, it takes some: $used of 100" between "$used" 3 80
used=$(ticks_in 1)
ok "then it sleeps: $used of 100" between "$used" 0 2
generate_600
used=$(ticks_in 1)
ok "frames make it busy again: $used" between "$used" 3 80
burst_ends

burst_start --busy 4294967295
is "without a budget, the kernel does not" "$(busy_polling "$spawned")" "0 0"
sleep 1
used=$(ticks_in 1)
ok "busy always: $used of 100" between "$used" 10 110
generate_600
burst_ends

# uvfd sets it; an appliance could not.
burst_start --busy 4294967295 --budget 32
is "with a budget, the kernel polls busily" "$(busy_polling "$spawned")" "1 20"
generate_600
burst_ends
burst_start --busy 100000 --budget 64
generate_600
sleep 0.5
used=$(ticks_in 1)
ok "with a budget too, it sleeps when idle: $used of 100" between "$used" 0 2
burst_ends

# --- huge pages -----------------------------------------------------------------------------------

# The UMEM of 16 MiB and a page for the places of its frames.
pages=9
knob=/proc/sys/vm/nr_hugepages
meminfo() { awk -v what="HugePages_$1:" '$1 == what { print $2 }' /proc/meminfo; }
unused() { echo $(($(meminfo Free) - $(meminfo Rsvd))); }
page_kb() { # PID
	awk '/memfd:uvf-umem/ { at = 1 } at && /^KernelPageSize/ { print $2; exit }' "/proc/$1/smaps"
}

ordinary() { # DESC
	burst_start --sleep
	is "$1: ordinary pages" "$(page_kb "$spawned")" 4
	generate_600
	burst_ends
}

# A successor finds them again.
huge_again() {
	local n
	for n in first second; do
		ns_spawn host uvf run --on fw0 -- "$bin/responder" fw0 --address 10.0.6.7 2>"$tmp/log"
		wait_for 10 grep -q ready "$tmp/log"
		is "the $n responder's memory" "$(page_kb "$spawned")" 2048
		ok "  it answers" in_ns client ping -q -c 20 -i 0.01 -w 8 10.0.6.7
		kill -KILL "$spawned"
		wait "$spawned" 2>/dev/null
	done
	in_ns host uvf release fw0
}

huge() {
	local before
	before=$(unused)
	burst_start --sleep
	is "with huge pages: the memory lies in them" "$(page_kb "$spawned")" 2048
	ok "they are taken" test "$(unused)" -le $((before - pages))
	generate_600
	burst_ends
	ok "and given back" wait_for 5 eval '[[ $(unused) -ge $before ]]'
	UVF_HUGE_PAGES=0 ordinary "UVF_HUGE_PAGES=0"
}

if [[ $(unused) -eq 0 ]]; then
	ordinary "without huge pages"
fi
was=$(cat $knob)
at_exit eval "echo $was >$knob"
{ echo $((was + 3 * pages)) >$knob; } 2>/dev/null
if [[ $(unused) -lt $pages ]]; then
	skip "huge pages" "the kernel has none to reserve"
else
	huge
	huge_again
	echo $((was + 2)) >$knob
	[[ $(unused) -ge $pages ]] || ordinary "with too few huge pages"
fi
uvfd_stop
is "uvfd ended well" "$uvfd_status" 0

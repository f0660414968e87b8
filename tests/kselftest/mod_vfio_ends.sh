#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# runs: vm
# vm: --smp 2 --timeout 400
#
# The VFIO face of a function: who dies, who is slow, who takes over, who lies, and what goes away under
# whom.
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../lib/topology.sh"
. "$here/../lib/vfio.sh"

# In the background, told by files: user WORD…; $user, its lines in $tmp/user
user() {
	rm -f "$tmp"/go.*
	"$top/build/tests/vfio_user" "$pci" "touch $tmp/go.open" "$@" >"$tmp/user" 2>&1 &
	user=$!
	at_exit end_child "$user"
	wait_for 10 test -e "$tmp/go.open" || fail "it is open" "$(cat "$tmp/user")"
}
go() { touch "$tmp/go.$1"; }
user_says() { # DESC, lines without the first one
	wait "$user"
	is "$1" "$(tail -n +2 "$tmp/user")" "$2"
}
end_process() { kill -9 "$process"; wait "$process" 2>/dev/null; }

vfio_function
vfio_bind "$pci"
like "it is told who has it" "$(lspci -D -k -s "$pci")" 'in use: uvf-vfio'

# --- who lies
is "lies on the channel" "$("$top/build/tests/vfio_hostile" "$pci")" "looked at"
expect_fail 'Operation not permitted' setpriv --bounding-set=-net_admin --inh-caps=-net_admin \
	"$top/build/tests/vfio_process" "$pci"
expect_fail 'Permission denied' setpriv --reuid=65534 --regid=65534 --clear-groups \
	"$top/build/tests/vfio_process" "$pci"
vfio_serve "$pci" state "$tmp/state" timeout 300
is "lies of a user" "$(vfio_user "$pci" hostile)" "looked at"

# --- who dies, and who takes over
user 'write 0 4 4 0x1234' "touch $tmp/go.written" "await $tmp/go.dead" 'read 0 4 4' 'read 7 0 4' \
	'write 0 4 4 1' reset "touch $tmp/go.ones" "await $tmp/go.next" 'read 0 4 4' 'read 7 0 4'
wait_for 10 test -e "$tmp/go.written"
end_process
go dead
wait_for 10 test -e "$tmp/go.ones"
expect_fail 'serve: Device or resource busy' vfio_process "$pci" msix 3
vfio_serve "$pci" state "$tmp/state" timeout 300
go next
user_says "dead: all ones, and nothing is written; then the next goes on" "done
done
done
0xffffffff
0xffffffff
done
! ETIMEDOUT
done
done
0x1234
0x56781234"
user 'write 0 4 4 7' "await $tmp/go.next" 'read 0 4 4' 'listen 2 0 4' 'write 0 8 4 1' 'told 2 1'
first=$process
expect_fail 'select: Device or resource busy' vfio_process "$pci"
vfio_serve "$pci" state "$tmp/state" timeout 20000 linger 20000 take-over
wait "$first"
is "taken over: the predecessor knows it, and ends" $? 0
go next
user_says "taken over alive" "done
done
0x7
done
done
1"
user "await $tmp/go.dead" 'read 0 0 4'
end_process
go dead
sleep 0.5
is "lingering: it waits" "$(tail -n 1 "$tmp/user")" "done"
vfio_serve "$pci" state "$tmp/state" timeout 20000 linger 20000
user_says "lingering: the next answers" "done
0xcafe0001"
user 'write 0 0x38 4 5000' 'read 0 0x30 4'
sleep 0.5
end_process
vfio_serve "$pci" state "$tmp/state" timeout 300
user_says "killed in the middle: the next is told that it may have been done" "done
0x1"

# --- who is slow
user "await $tmp/go.stopped" 'time read 0 0 4' 'time bulk 7 0 256' "touch $tmp/go.ones" \
	"await $tmp/go.goes" 'read 0 0 4'
kill -STOP "$process"
go stopped
wait_for 20 test -e "$tmp/go.ones"
kill -CONT "$process"
sleep 0.5
go goes
user_says_slow() {
	wait "$user"
	is "stopped: all ones, and then at once" \
		"$(tail -n +2 "$tmp/user" | awk '/ ms$/ { $0 = $1 < 200 ? "soon" : $1 < 3000 * '"$TIMEOUT_SCALE"' ? "late" : $0 } 1')" \
		"$1"
}
user_says_slow "done
0xffffffff
late
256 bytes, sum $((256 * 255))
soon
done
done
0xcafe0001"
is "no reply: all ones, and it goes on" "$(vfio_user "$pci" 'write 0 0x48 4 1' 'read 0 0 4')" "done
0xffffffff"
end_process
vfio_serve "$pci" quiet timeout 300
is "who never answers opens nothing" "$(vfio_user "$pci" info)" "device: ! ETIMEDOUT"
end_process

# --- a user that is killed
vfio_serve "$pci" state "$tmp/state" timeout 20000
user 'map 0x100000 0x10000' 'churn 0x200000 100000'
sleep 1
kill -9 "$user"
wait "$user" 2>/dev/null
is "a user was killed under DMA: the next finds it well" "$(vfio_user "$pci" 'map 0x100000 0x10000' \
	'read 0 0 4' 'churn 0x200000 20')" "done
0xcafe0001
20 times"
user 'write 0 0x38 4 30000'
sleep 0.5
kill -9 "$user"
ok "a user that waits can be killed" eval 'wait_for 5 eval "! kill -0 $user"'
end_process

# --- writes that nobody waits for
posted() { vfio_serve "$pci" state "$tmp/state" timeout 60000 linger 20000 posted; }
posted
is "posted: what reads finds it done, in any region" "$(vfio_user "$pci" 'write 0 0x20 4 1' \
	'write 0 0x20 4 2' 'read 0 0x20 4' 'write 0 4 4 3' 'read 7 0 4' 'write 0 0x3c 4 28' \
	'read 0 4 4' | grep -v done)" "0x2
0x56781234
0x3"
mapfile -t words < <(echo 'write 0 0x38 4 1000'; printf 'write 0 0x20 4 %d\n' {1..40})
is "posted: more than there is room for wait" \
	"$(vfio_user "$pci" "${words[@]}" 'read 0 0x20 4' | tail -n 1)" 0x28
ok "posted: no write waits for who sleeps, nor does closing" timeout $((10 * TIMEOUT_SCALE)) \
	"$top/build/tests/vfio_user" "$pci" "write 0 0x38 4 $((15000 * TIMEOUT_SCALE))" 'sleep 500' \
	"${words[@]:10:20}"
end_process
posted
is "posted: dropped when the user closes" "$(vfio_user "$pci" 'read 0 0x20 4')" 0x28
user 'read 0 0x30 4' 'write 0 0x38 4 3000' 'sleep 500' 'write 0 0x20 4 9' "touch $tmp/go.posted" \
	"await $tmp/go.next" 'read 0 0x20 4' 'read 0 0x30 4'
wait_for 10 test -e "$tmp/go.posted"
end_process
posted
go next
user_says "posted: the next one has them, and is told which may have been done" "0x1
done
done
done
done
done
0x9
0x2"
end_process

# --- another layout
vfio_serve "$pci" msix 3 direct 0 timeout 2000
is "another layout, once nobody has it open" "$(vfio_user "$pci" 'irq 2' 'region 0')" \
	"count 3 eventfd
size 16384 read write"

# --- the netdev goes
user 'listen 4 0 1' "await $tmp/go.gone" 'read 0 0 4' 'told 4 0' "touch $tmp/go.ones" "await $tmp/go.end"
ok "the function is deleted under its user" in_ns host ip link del fw0
ok "the process ends" wait_for 10 eval '! kill -0 $process'
is "and knows it" "$(tail -n 1 "$tmp/process")" ended
go gone
wait_for 10 test -e "$tmp/go.ones"
expect_fail 'select: No such device or address' vfio_process "$pci"
ok "a function takes its place" eval 'wait_for 10 function_add host fw1 eth1 other &&
	[[ $(vfio_pci host fw1) == "$pci" ]]'
expect_fail 'select: Device or resource busy' vfio_process "$pci"
go end
user_says "its user reads ones, and is asked to go" "done
done
0xffffffff
1
done
done"
vfio_serve "$pci"
is "the next owner serves the next user" "$(vfio_user "$pci" 'read 0 0 4')" 0xcafe0001

# --- the driver, the device and the modules go
user 'listen 4 0 1' 'told 4 0 20000' 'read 0 0 4' "await $tmp/go.end"
(vfio_unbind "$pci"; touch "$tmp/go.unbound") &
wait_for 20 grep -q 0xcafe "$tmp/user"
expect_fail 'No such device' vfio_process "$pci" take-over
not_ok "unbinding waits for the user" test -e "$tmp/go.unbound"
expect_fail 'in use' rmmod uvf-vfio
expect_fail 'in use' rmmod uvf
go end
user_says "unbinding: it is asked to go, and served until it does" "done
1
0xcafe0001
done"
ok "unbound" wait_for 10 test -e "$tmp/go.unbound"
ok "the process ends, too" wait_for 10 eval '! kill -0 $process'
echo "$pci" >/sys/bus/pci/drivers_probe
vfio_serve "$pci"
ok "the device is removed" eval 'echo 1 >/sys/bus/pci/devices/$pci/remove'
ok "the process ends with it" wait_for 10 eval '! kill -0 $process'
echo 1 >/sys/bus/pci/rescan
ok "found again, it is bound again" eval 'function_add host fw2 eth1 test &&
	pci=$(vfio_pci host fw2) && vfio_bind "$pci"'
vfio_serve "$pci"
for _ in 1 2 3 4 5; do
	vfio_user "$pci" 'churn 0x200000 5' >/dev/null &
	vfio_user "$pci" 'churn 0x200000 5' >/dev/null 2>&1
	wait $!
done
is "users that jostle" "$(vfio_user "$pci" 'read 0 0 4')" 0xcafe0001

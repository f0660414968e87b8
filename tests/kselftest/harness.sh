#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The judge judged: vm.sh must tell a pass, a failure, a complaint of the kernel,
# a panic and a hang from each other, and tap.sh a refusal from a crash.
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../lib/tap.sh"
vm=$here/../vm/vm.sh

type -P qemu-system-x86_64 >/dev/null || skip_all "qemu-system-x86_64 is not installed"
dir=$(mktemp -d)
at_exit rm -rf "$dir"

# verdict DESC WANT-STATUS WANT-OUTPUT SCRIPT-TEXT [OPTION…]
verdict() {
	local desc=$1 want=$2 text=$3 status=0
	printf '#!/bin/bash\n%s\n' "$4" >"$dir/guest.sh"
	chmod +x "$dir/guest.sh"
	"$vm" --timeout 60 --log "$dir/console" "${@:5}" -- "$dir/guest.sh" a 'b c' \
		>"$dir/out" 2>&1 || status=$?
	is "$desc: status" "$status" "$want"
	[[ $status -eq $want ]] || diag "$(cat "$dir/out"; tail -n 20 "$dir/console")"
	like "$desc: what it says" "$(cat "$dir/out")" "$text"
}

verdict "a pass, arguments and working directory" 0 '^2 \[b c\] /uvf [0-9]+ appliance$' \
	'echo "$# [$2] $PWD $(id -u appliance | wc -l) $(id -un appliance)"'
verdict "a script that ends with 3" 3 'test failed: guest.sh ended with 3' 'exit 3'
verdict "a skip stays a skip" 4 'SKIP' 'echo "1..0 # SKIP no reason"; exit 4'
verdict "a warning in the console" 70 'kernel complained \(the script itself ended with 0\)' \
	'echo "WARNING: CPU: 0 PID: 1 at lib/x.c:1 f+0x1/0x2" >/dev/kmsg'
verdict "a panic" 70 'sysrq_handle_crash|Kernel panic' 'echo c >/proc/sysrq-trigger; sleep 20'
verdict "a hang" 71 "hang: no verdict within $((20 * ${TIMEOUT_SCALE:-1})) s" 'echo started; sleep 1000' --timeout 20
verdict "a guest that goes down by itself" 72 'died without a verdict' 'poweroff -f; sleep 20'
# A clock that was measured wrongly is 5 times too fast: one second of the RTC's.
verdict "a second is a second" 0 '^[4-9] s' \
	'rtc() { cat /sys/class/rtc/rtc0/since_epoch; }
	 start=$(rtc); sleep 4; echo "$(($(rtc) - start)) s"'
verdict "a cable between two cards" 0 '^3 cards up' \
	'ip link set eth1 up; ip link set eth0 up; sleep 3
	 echo "$(ip -br link | grep -c "UP") cards up"' --wire e1000

# The exit status of uvf's refusals is looked at through this.
refuses() { echo "${1-}" >&2; return "${2-1}"; }
like "expect_fail takes a refusal" \
	"$(expect_fail 'no such' refuses 'there is no such function')" '^ok '
like "expect_fail does not take two lines" \
	"$(expect_fail 'no such' refuses $'no such function\nusage: …')" '^not ok '
like "expect_fail does not take a crash" "$(expect_fail 'no such' refuses 'no such' 139)" '^not ok '
like "expect_fail does not take a success" "$(expect_fail . true)" '^not ok '

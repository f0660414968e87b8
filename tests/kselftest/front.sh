#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# `uvf front` and `uvf vm`: what they refuse, what they show, and a virtual machine without a disk,
# whose firmware drives the card.
#
#	client eth0 ══ eth1 (fw0)  host  uvf-vhost-user ── QEMU: iPXE asks for an address
#
set -u
. "$(dirname "$0")/../lib/topology.sh"
export BACKEND=veth

need ip nsenter ethtool jq
topology_make client host
topology_wire client eth0 10.0.6.1/24 host eth1 10.0.6.9/24
bpffs_ready
sock=$tmp/fw0.sock
front() { in_ns host uvf front "$@"; }
show() { front show --json fw0 | jq -r "$1"; }

# --- refused --------------------------------------------------------------------------------------

expect_fail "vhost-user, vfio, swap, list or show" uvf front
expect_fail "vhost-user, vfio, swap, list or show" uvf front vhost
expect_fail "which function" uvf front vhost-user
expect_fail "give --socket PATH" uvf front vhost-user fw0
expect_fail "one function at a time" uvf front vhost-user fw0 fw1 --socket "$sock"
expect_fail "'17' is not a number of queue pairs" uvf front vhost-user fw0 --pairs 17
expect_fail "auto, off and require" uvf front vhost-user fw0 --shim maybe
expect_fail "list takes no names" uvf front list fw0
expect_fail "of which function" uvf front show
expect_fail "fw0 has no interface process" uvf front show fw0
expect_fail "give a function" uvf vm
expect_fail "give a function" uvf vm fw0
expect_fail "uvfd is not running" front vhost-user fw0 --socket "$sock"
expect_fail "give the name of one function" uvf-vhost-user --socket "$sock" --client
expect_fail "give --client or --listen" uvf-vhost-user fw0 --socket "$sock"

ok "fw0" function_add host fw0 eth1 guest
in_ns host ip link set fw0 up
uvfd_start host
expect_fail "there is no function fw9" front vhost-user fw9 --socket "$sock"
expect_fail "is too long for a socket" front vhost-user fw0 --socket "$tmp/$(printf 'x%.0s' {1..120})"
expect_fail "there is no user nosuch" front vhost-user fw0 --socket "$sock" --owner nosuch
not_ok "no socket is left of it" test -e "$sock"
echo mine >"$tmp/file"
expect_fail "is no socket" front vhost-user fw0 --socket "$tmp/file"
is "what is no socket is left alone" "$(cat "$tmp/file")" mine
expect_fail "belongs to the appliance guest" \
	front vhost-user fw0 --socket "$sock" --appliance other

# --- one that runs --------------------------------------------------------------------------------

front_start() {
	ns_spawn host uvf front vhost-user fw0 --socket "$sock" 2>"$tmp/front.log"
	front=$spawned
	ok "an interface process" wait_for 10 grep -q ready "$tmp/front.log"
}

front_start
is "it is told of" "$(show '[.function, .role, .alive, .connected, .pairs] | join(" ")')" \
	"fw0 server true false 1"
is "and listed" "$(front list --json | jq -r '.[].function')" fw0
is "it is nobody" "$(awk '/^Uid:/ { print $3 }' "/proc/$front/status")" "$(id -u nobody)"
is "and can do nothing" "$(awk '/^CapEff:/ { print $2 }' "/proc/$front/status")" 0000000000000000
is "it is confined" "$(awk '/^Seccomp:/ { print $2 }' "/proc/$front/status")" 2
expect_fail "listens on .* already" front vhost-user fw0 --socket "$sock"
link_is() { [[ $(show .link) == "$1" ]]; }
ok "its link is up" wait_for 5 link_is true
port=$(in_ns host ip -j link show type veth | jq -r '.[] | select(.ifname | startswith("uvfport")).ifname')
in_ns host ip link set "$port" down
ok "and down, when the function's is" wait_for 5 link_is false
in_ns host ip link set "$port" up
ok "and up again" wait_for 5 link_is true
kill -KILL "$front"
wait "$front" 2>/dev/null
is "dead, it is not listed" "$(front list --json | jq length)" 0
is "but what it counted is there" "$(show .alive)" false
front_start
kill "$front"
front_status=0
wait "$front" || front_status=$?
is "SIGTERM ends it well" "$front_status" 0
is "the function is free" "$(in_ns host uvf show --json fw0 | jq .lease)" null

# With what uvf-front@.service leaves it, the socket is another's, and is found there again.
caps=$(sed -n 's/^CapabilityBoundingSet=//p' "$(dirname "$0")/../../systemd/uvf-front@.service")
caps=$(tr '[:upper:]' '[:lower:]' <<<" $caps" | sed 's/ cap_/,+/g')
for how in KILL TERM KILL; do
	ns_spawn host setpriv --no-new-privs "--bounding-set=-all$caps" uvf front vhost-user fw0 \
		--socket "$sock" --owner nobody 2>"$tmp/front.log"
	front=$spawned
	ok "confined as the unit is: an interface process" wait_for 10 grep -q ready "$tmp/front.log"
	is "  its socket is the owner's" "$(stat -c '%U %a' "$sock")" "nobody 660"
	kill -$how "$front"
	wait "$front" 2>/dev/null
done

# --- a virtual machine ----------------------------------------------------------------------------

vm_pid() { show .pid; }
vm_runs() { [[ $(show .connected) == true && $(show '.rings[1].size') -gt 0 ]]; }
vm_sends() { [[ $(show '.rings[1].frames') -gt 0 ]]; }
vm_is_back() { [[ $(vm_pid) != "$1" ]] && vm_runs; }

virtual_machine() {
	local first
	if ! type -P qemu-system-x86_64 >/dev/null; then
		skip "a virtual machine" "there is no qemu-system-x86_64"
		return
	fi
	ns_spawn host uvf vm fw0 -- qemu-system-x86_64 -accel tcg -display none -nodefaults -m 64 \
		-boot n >"$tmp/vm.log" 2>&1
	vm=$spawned
	ok "the guest drives its card" wait_for 20 vm_runs
	ok "and sends" wait_for 20 vm_sends
	is "its address is the function's" "$(tr '\0' '\n' <"/proc/$(pgrep -P "$vm" -f qemu)/cmdline" |
		sed -n 's/.*,mac=\([0-9a-f:]*\),.*/\1/p')" \
		"$(in_ns host ip -j link show fw0 | jq -r '.[0].address')"
	first=$(vm_pid)
	kill -KILL "$first"
	ok "a killed interface process is started again" wait_for 20 vm_is_back "$first"
	kill "$vm"
	wait "$vm"
	is "all end together" "$(show .alive) $(pgrep -P "$vm" | wc -l)" "false 0"
	not_ok "nothing is left" test -e "$tmp/front/fw0.sock"
	sed 's/^/# /' "$tmp/vm.log"
}
virtual_machine
uvfd_stop

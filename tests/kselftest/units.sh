#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What is installed beside the programs: systemd takes the units, udev the rule, and the shell
# completes commands, options, functions and uplinks.
set -u
. "$(dirname "$0")/../lib/topology.sh"
need ip nsenter ethtool make awk python3

# --- units ---------------------------------------------------------------------------------------------

checkout=$(cd "$(dirname "$0")/../.." && pwd)
ok "make install" make -s --no-print-directory -C "$checkout" install DESTDIR="$tmp/root" PREFIX=/usr
units=$tmp/root/usr/lib/systemd/system
is "all units are installed" "$(cd "$units" && echo *.service)" \
	"$(cd "$checkout/systemd" && echo *.service)"
not_ok "and none with another prefix" grep -r /usr/local "$tmp/root/usr/lib"
ok "the rule of udev" test -s "$tmp/root/usr/lib/udev/rules.d/81-uvf.rules"
if type -P systemd-analyze >/dev/null; then
	# The programs that they start must be there to be found.
	sed -i "s|=/usr/sbin/uvf|=$bin/uvf|; s|=/usr/bin/uvf|=$bin/uvf|" "$units"/*.service
	for unit in appliance front vfio; do
		mv "$units/uvf-$unit@.service" "$units/uvf-$unit@x.service"
	done
	for unit in "$units"/*.service; do
		said=$(systemd-analyze verify --man=no --recursive-errors=no "$unit" 2>&1)
		is "systemd takes ${unit##*/}" "$? $(grep -F "${unit##*/}" <<<"$said")" "0 "
	done
else
	skip "systemd takes the units" "there is no systemd-analyze"
fi

# --- ready ---------------------------------------------------------------------------------------------

topology_make client host
bpffs_ready
# One datagram, as sd_notify(3) has it, to a path, or to an abstract address of the namespace.
hear='import socket, sys
sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
sock.bind(sys.argv[1].replace("@", "\0", 1))
print("hears", flush=True)
sock.settimeout(40)
print(sock.recv(100).decode(), flush=True)'
for address in "$tmp/notify" "@uvf-test-$$"; do
	: >"$tmp/heard" # or what the one before said is taken for this one's
	in_ns host python3 -c "$hear" "$address" >"$tmp/heard" &
	wait_for 10 grep -q hears "$tmp/heard"
	NOTIFY_SOCKET=$address uvfd_start host
	ok "and says so to ${address:0:1}…" wait_for 5 grep -qx READY=1 "$tmp/heard"
	uvfd_stop >/dev/null
done
NOTIFY_SOCKET=$tmp/nowhere uvfd_start host
like "nobody hears it" "$(cat "$tmp/uvfd.log")" "can't tell .*nowhere that it is ready"
uvfd_stop >/dev/null

# --- completion ----------------------------------------------------------------------------------------

topology_wire client eth0 10.0.1.2/24 host eth1 10.0.1.9/24
BACKEND=veth
ok "fw0" function_add host fw0 eth1 firewall
ok "ids0" function_add host ids0 eth1 ids
completed() { # WORD…, the last one to be completed
	in_ns host bash -c '. "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _uvf
		printf "%s\n" "${COMPREPLY[@]}"' "$tmp/root/usr/share/bash-completion/completions/uvf" \
		"$@" | sort | paste -s -d ' '
}
is "a command" "$(completed uvf do)" doctor
is "two commands" "$(completed uvf st)" stats
is "no such command" "$(completed uvf xyz)" ""
for command in $(uvf --help | sed -n 's/^  \([a-z]*\) .*/\1/p'); do
	is "the command $command" "$(completed uvf "$command" | tr ' ' '\n' | grep -x "$command")" "$command"
done
is "functions" "$(completed uvf show '')" "fw0 ids0"
is "a function" "$(completed uvf doctor f)" fw0
is "behind an option without a value" "$(completed uvf show --json i)" ids0
is "options" "$(completed uvf add fw1 --li)" --link
is "all options of a command" "$(completed uvf doctor --)" "--help --json --seconds --usage"
is "uplinks" "$(completed uvf add fw1 --link eth)" eth1
is "modes" "$(completed uvf add fw1 --mode b)" bridge
is "points" "$(completed uvf capture --at '')" "rx tx uplink"
is "functions to run on" "$(completed uvf run --on '')" "fw0 ids0"
is "users" "$(completed uvf run --user nobod)" nobody
is "second words" "$(completed uvf config '')" "apply check show"
is "personalities" "$(completed uvf personality show e1)" e1000
is "functions behind them" "$(completed uvf rule add f)" fw0

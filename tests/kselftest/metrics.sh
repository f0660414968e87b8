#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# uvf metrics: OpenMetrics as a strict parser takes it, printed and served, with what the traffic was.
#
#	client 10.0.1.2 ══ eth1 10.0.1.9     host
#	                    ├ fw0 10.0.1.1   the firewall
#	                    └ a"b\c          a name that a label must quote
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../lib/topology.sh"
export BACKEND=veth
need ip nsenter ethtool ping jq curl setpriv
python=/usr/bin/python3 # Debian's, which has Debian's modules
$python -c 'import prometheus_client.openmetrics.parser' 2>/dev/null ||
	skip_all "python3 has no module 'prometheus_client'"

topology_make client host
topology_wire client eth0 10.0.1.2/24 host eth1 10.0.1.9/24
bpffs_ready
ok "fw0" function_add host fw0 eth1 firewall
ok "a function with an odd name" function_add host 'a"b\c' eth1 ids
in_ns host ip link set fw0 up
in_ns host ip link set 'a"b\c' up

parse() { $python "$here/metrics.py" <"$1" >"$tmp/parsed"; }
value() { sed -n "s/^$1{[^}]*function=$2,[^}]*} //p" "$tmp/parsed"; }
printed() { in_ns host uvf metrics >"$tmp/text" && parse "$tmp/text"; }
ok "valid without uvfd" printed
is "which is told" "$(sed -n 's/^uvf_daemon_up{} //p' "$tmp/parsed")" 0
is "and nothing is made up" "$(grep -c steered "$tmp/parsed")" 0

printf 'port fw0 10.0.1.1/24\npass all\n' >"$tmp/rules.conf"
uvfd_start host
appliance_start host fw0 "$bin/firewall" "$tmp/rules.conf"
ok "the firewall answers" in_ns client ping -q -c 1 -w 8 10.0.1.1
ok "valid with uvfd" printed
is "uvfd is there" "$(sed -n 's/^uvf_daemon_up{} //p' "$tmp/parsed")" 1
before=$(value uvf_receive_frames_total fw0)
in_ns client ping -q -c 20 -i 0.01 -w 8 10.0.1.1 >/dev/null
printed
after=$(value uvf_receive_frames_total fw0)
ok "twenty frames more: $before, $after" between $((after - before)) 20 25
is "it is leased" "$(value uvf_function_leased fw0)" 1
is "its sibling is not" "$(value uvf_function_leased 'a"b\\c')" 0
is "its MTU" "$(value uvf_function_mtu_bytes fw0)" 1500
like "labels" "$(cat "$tmp/parsed")" \
	'^uvf_function_info\{pci_addr=,function=fw0,uplink=eth1,appliance=firewall,backend=veth,mac='
is "it ends as it must" "$(tail -n 1 "$tmp/text")" "# EOF"
like "a counter has its unit" "$(cat "$tmp/text")" '^# UNIT uvf_receive_bytes bytes$'

# --- served ------------------------------------------------------------------------------------------

refused() { expect_fail "$1" in_ns host timeout 5 uvf metrics "${@:2}"; }
refused "not \[ADDRESS:\]PORT or unix:PATH" --listen nonsense
refused "not \[ADDRESS:\]PORT or unix:PATH" --listen 70000
refused "not \[ADDRESS:\]PORT or unix:PATH" --listen example.org:80
refused "can't listen on 10.9.9.9:9100" --listen 10.9.9.9:9100
refused "can't listen on /nowhere" --listen unix:/nowhere/socket
refused "no user nosuchuser" --listen 9100 --user nosuchuser
serve() {
	ns_spawn host uvf metrics --listen "$1" 2>"$tmp/serve.err"
	server=$spawned
	ok "serves on $1" wait_for 5 grep -q serving "$tmp/serve.err"
}
scrape() { in_ns host curl -sS -m 10 -o "$tmp/text" -D "$tmp/head" "$@"; }
serve 9100
ok "over TCP" scrape http://127.0.0.1:9100/metrics
ok "it is valid" parse "$tmp/text"
like "with its type" "$(cat "$tmp/head")" '^Content-Type: application/openmetrics-text; version=1\.0\.0'
is "and with what uvfd knows" "$(value uvf_function_leased fw0)" 1
not_ok "nothing else is there" scrape -f http://127.0.0.1:9100/etc/passwd
not_ok "nothing can be posted" scrape -f -d x http://127.0.0.1:9100/metrics
expect_fail "can't listen on 9100" in_ns host timeout 5 uvf metrics --listen 9100

child=$(pgrep -P "$server")
is "the server is nobody" "$(stat -c %U "/proc/$child")" nobody
is "without a capability" "$(sed -n 's/^CapEff:\t//p' "/proc/$child/status")" 0000000000000000
ns_spawn host busybox nc 127.0.0.1 9100 >/dev/null < <(sleep 20)
ok "who is slow keeps nobody waiting" scrape http://127.0.0.1:9100/metrics

# uvfd ends, and another one comes: the server reaches it, though it has no right to.
appliance_stop >/dev/null
uvfd_stop >/dev/null
scrape http://127.0.0.1:9100/metrics && parse "$tmp/text"
is "uvfd is gone" "$(sed -n 's/^uvf_daemon_up{} //p' "$tmp/parsed")" 0
uvfd_start host
scrape http://127.0.0.1:9100/metrics && parse "$tmp/text"
is "uvfd is back" "$(sed -n 's/^uvf_daemon_up{} //p' "$tmp/parsed")" 1
# One that does not answer is given up.
kill -STOP "$uvfd"
ok "uvfd hangs" scrape http://127.0.0.1:9100/metrics
kill -CONT "$uvfd"
kill "$server"
wait "$server" 2>/dev/null
gone() { [[ ! -d /proc/$child ]]; }
ok "with its broker the server ends" wait_for 5 gone

serve "unix:$tmp/metrics.sock"
ok "over a Unix socket" scrape --unix-socket "$tmp/metrics.sock" http://uvf/metrics
ok "it is valid" parse "$tmp/text"
kill "$server"
wait "$server" 2>/dev/null
serve "unix:$tmp/metrics.sock"
kill "$server"
echo precious >"$tmp/file"
refused "can't listen on" --listen "unix:$tmp/file"
is "a file is not taken for a socket" "$(cat "$tmp/file")" precious
uvfd_stop >/dev/null

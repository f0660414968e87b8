#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# uvfd with no more capabilities than its systemd unit leaves it: it steers and leases, and takes
# over what a killed one left.
# runs: vm
# vm: --add systemd/uvfd.service:/uvf/systemd/uvfd.service
set -u
. "$(dirname "$0")/../lib/topology.sh"
BACKEND=${BACKEND:-uvf}
unit=$(dirname "$0")/../../systemd/uvfd.service
need setpriv busybox

# cap_net_admin and its like, as setpriv wants them: "+net_admin,…"
bounds=$(sed -n 's/^CapabilityBoundingSet=//p' "$unit" | tr '[:upper:] ' '[:lower:]\n' |
	sed 's/^cap_/+/' | paste -s -d ,)
mkdir "$tmp/bin"
printf '#!/bin/sh\nexec setpriv --no-new-privs --bounding-set -all,%s %s "$@"\n' \
	"$bounds" "$top/build/bin/uvfd" >"$tmp/bin/uvfd"
chmod +x "$tmp/bin/uvfd"
PATH=$tmp/bin:$PATH

topology_make client host
topology_wire client eth0 10.0.1.2/24 host eth1 10.0.1.9/24
bpffs_ready
[[ $BACKEND == veth ]] || module_load
ok "a function" function_add host fw0 eth1 firewall
ok "the function is up" in_ns host ip link set fw0 up
printf 'port fw0 10.0.1.1/24\npass icmp\nblock all\n' >"$tmp/rules.conf"
# as many as there are bits
capabilities() {
	local mask n=0
	mask=0x$(sed -n 's/^CapEff:\t//p' "/proc/$uvfd/status")
	for ((; mask; mask >>= 1)); do n=$((n + (mask & 1))); done
	echo "$n"
}
steered() { wait_for 5 grep -q 'eth1: steering with XDP' "$tmp/uvfd.log"; }
pings() { in_ns client busybox ping -c 3 -W 5 10.0.1.1; }

uvfd_start host
is "it has what the unit names, and no more" "$(capabilities)" "$(wc -w <<<"${bounds//,/ }")"
ok "it steers" steered
appliance_start host fw0 "$top/build/bin/firewall" "$tmp/rules.conf"
ok "its appliance answers" pings
kill -KILL "$uvfd"
wait "$uvfd" 2>/dev/null
uvfd_start host
ok "one that follows it steers" steered
appliance_stop
appliance_start host fw0 "$top/build/bin/firewall" "$tmp/rules.conf"
ok "the appliance answers again" pings
appliance_stop
uvfd_stop
is "uvfd ended well" "$uvfd_status" 0

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Users that uvf.conf(5) names start their own appliance, without root; they reach nothing else, and
# nobody else reaches anything.
#
#	client 10.0.1.2 ══ eth1 10.0.1.9     host
#	                    ├ fw0 10.0.1.1   the firewall of the user 4242
#	                    ├ ids0           another appliance's
#	                    └ any0           nobody's
set -u
. "$(dirname "$0")/../lib/topology.sh"
export BACKEND=veth UVF_CONFIG=$tmp/uvf.conf
need ip nsenter ethtool ping jq setpriv

topology_make client host
topology_wire client eth0 10.0.1.2/24 host eth1 10.0.1.9/24
bpffs_ready
ok "fw0" function_add host fw0 eth1 firewall
ok "ids0" function_add host ids0 eth1 ids
ok "any0" in_ns host uvf add any0 --link eth1 --backend veth
for function in fw0 ids0 any0; do in_ns host ip link set $function up; done
for function in fw0 ids0 any0; do
	printf 'port %s 10.0.1.1/24\npass all\n' $function >"$tmp/$function.conf"
done
as() { # USER COMMAND…
	in_ns host setpriv --reuid="$1" --regid="$1" --clear-groups "${@:2}"
}
start() { as "$1" timeout 10 uvf run --on "$2" --appliance "$3" -- "$bin/firewall" "$tmp/$2.conf"; }
mode() { stat -c %a "$UVF_SOCKET"; }

uvfd_start host
is "without a configuration the socket is root's" "$(mode)" 600
expect_fail "only root may reach uvfd" start 4242 fw0 firewall
echo 'appliance firewall { users = { "4242" } }' >"$UVF_CONFIG"
in_ns host uvf list >/dev/null # who is heard, and finds the file
is "with one it is for all who are named" "$(mode)" 666

ns_spawn host setpriv --reuid=4242 --regid=4242 --clear-groups uvf run --on fw0 \
	--appliance firewall -- "$bin/firewall" "$tmp/fw0.conf" >/dev/null 2>"$tmp/appliance.log"
appliance=$spawned
ok "the user's appliance runs" wait_for 10 grep -q ready "$tmp/appliance.log"
is "as that user" "$(stat -c %u "/proc/$appliance")" 4242
is "without a capability" "$(sed -n 's/^CapEff:\t//p' "/proc/$appliance/status")" 0000000000000000
ok "and answers" in_ns client ping -q -c 2 -i 0.2 -w 8 10.0.1.1

expect_fail "the user 4243 may not be the appliance firewall" start 4243 fw0 firewall
expect_fail "the user 4242 may not be the appliance ids" start 4242 ids0 ids
expect_fail "ids0 belongs to the appliance ids, not to firewall" start 4242 ids0 firewall
expect_fail "any0 was made for no appliance" start 4242 any0 firewall
expect_fail "only root can run it as another user" \
	as 4242 uvf run --on fw0 --user nobody -- "$bin/firewall" "$tmp/fw0.conf"
expect_fail "says first which appliance it is" as 4242 uvf rule add fw0 proto tcp
expect_fail "says first which appliance it is" as 4242 uvf release fw0
is "nor is it told of functions" "$(as 4242 uvf show --json fw0 | jq .lease)" null
is "the holder holds" "$(in_ns host uvf show --json fw0 | jq -r .lease.appliance)" firewall

# A crowd of one user's keeps no other user out, nor root.
ns_spawn host setpriv --reuid=4243 --regid=4243 --clear-groups \
	"$top/build/tests/hostile_client" crowd 100 >/dev/null 2>&1
crowd=$spawned
sleep 1
ok "root is heard beside a crowd" in_ns host timeout 5 uvf show fw0
end_child "$crowd"

end_child "$appliance"
wait "$appliance"
in_ns host uvf release fw0 2>/dev/null
echo 'appliance firewall { users = { "4242" }' >"$UVF_CONFIG"
expect_fail "only root may reach uvfd|can't send to uvfd|uvfd closed the connection" start 4242 fw0 firewall
in_ns host uvf list >/dev/null
is "a configuration that is wrong allows nobody anything" "$(mode)" 600
like "and uvfd says why" "$(cat "$tmp/uvfd.log")" 'only root may be an appliance: .*uvf.conf:1'
uvfd_stop >/dev/null

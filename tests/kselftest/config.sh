#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# uvf config: errors have their file and line and change nothing; what is applied is there, and a
# second time changes nothing.
#
#	host: eth1 (10.0.1.9) ══ eth0 :client
set -u
. "$(dirname "$0")/../lib/topology.sh"
need ip nsenter ethtool jq

topology_make client host
topology_wire client eth0 10.0.1.2/24 host eth1 10.0.1.9/24
bpffs_ready
state() { in_ns host ip -o link show 2>/dev/null | sed 's/state [A-Z]*//; s/NO-CARRIER,//' | sort; }
before=$(state)

# --- what is refused ---------------------------------------------------------------------------------

wrong() { # SENTENCE LINES…
	printf '%s\n' "${@:2}" >"$tmp/wrong.conf"
	expect_fail "$1" in_ns host uvf config check "$tmp/wrong.conf"
}
expect_fail "can't read /nowhere" in_ns host uvf config check /nowhere
expect_fail "check, apply or show" uvf config
wrong 'wrong.conf:2: no such option' 'function fw0 {' 'upling = eth1' '}'
wrong 'wrong.conf:1: ' 'function fw0 uplink'
wrong 'wrong.conf:2: what begins here has no closing brace' 'function fw0 { uplink = eth1 }' \
	'function fw1 { # }' 'uplink = "}"'
wrong 'wrong.conf:3: function fw0 has no uplink' 'function fw0 {' 'mtu = 1500' '}'
wrong "wrong.conf:2: 'a/b' can't name a link" 'function fw0 {' 'uplink = "a/b"' '}'
wrong "can't name a function" 'function a-name-that-is-too-long { uplink = eth1 }'
wrong "wrong.conf:3: 'fire wall' can't name an appliance" 'function fw0 {' 'uplink = eth1' \
	'appliance = "fire wall"' '}'
wrong 'wrong.conf:2: 4095 is no vlan: 1 to 4094' 'function fw0 { uplink = eth1' 'vlan = 4095 }'
wrong 'wrong.conf:2: 17 is no queues' 'function fw0 { uplink = eth1' 'queues = 17 }'
wrong 'wrong.conf:2: 40 is no mtu' 'function fw0 { uplink = eth1' 'mtu = 40 }'
wrong "'01:00:00:00:00:01' is not the address of one device" \
	'function fw0 { uplink = eth1' 'mac = "01:00:00:00:00:01" }'
wrong "wrong.conf:2: 65 is no lease: 1 to 64" 'function fw0 { uplink = eth1' 'lease = 65 }'
wrong "wrong.conf:2: 'bridged' is not a mode" 'function fw0 { uplink = eth1' 'mode = bridged }'
wrong "wrong.conf:2: 'dpdk' is not a backend" 'function fw0 { uplink = eth1' 'backend = dpdk }'
wrong "wrong.conf:3: 'src 10.0.0.0/33'" 'function fw0 { uplink = eth1' 'rules = { "proto tcp",' \
	'"src 10.0.0.0/33" } }'
wrong 'wrong.conf:2: .*fw0' 'function fw0 { uplink = eth1 }' 'function fw0 { uplink = eth1 }'
wrong "wrong.conf:2: there is no user 'nosuchuser'" 'appliance firewall {' 'users = { nosuchuser } }'

wrong "wrong.conf:2: 'rate 1': '1' is out of range: 8000 to" 'function fw0 { uplink = eth1' \
	'rx_limit = "rate 1" }'
wrong "wrong.conf:2: 'rate 1tbit': 'tbit' is not a unit" 'function fw0 { uplink = eth1' \
	'tx_limit = "rate 1tbit" }'
wrong "'burst 9000': a limit is a rate" 'function fw0 { uplink = eth1' 'rx_limit = "burst 9000" }'
wrong "'pps': 'pps' is said, and not how much" 'function fw0 { uplink = eth1' 'rx_limit = pps }'
wrong "'ids0': say where to" 'function fw0 { uplink = eth1' 'mirror = ids0 }'
wrong "'to ids0 up': 'up' is not a direction" 'function fw0 { uplink = eth1' \
	'mirror = "to ids0 up" }'
wrong 'fw0 can.t be a mirror of itself' 'function fw0 { uplink = eth1 mirror = "to fw0" }'
wrong 'fw0 leases queues, by which it sends past its tx_limit' \
	'function fw0 { uplink = eth1 lease = 1 tx_limit = "pps 5k" }'
wrong 'fw0 leases queues, by which it sends past its mirror' \
	'function fw0 { uplink = eth1 lease = 1 mirror = "to ids0 tx" }'
for memory in 0 4k5 -1 2T 1.5x 4095 1025G nan inf 0x1000; do
	wrong "wrong.conf:2: memory: '.*' is (out of range: 4096 to 1099511627776|not a (number|unit))" \
		'appliance vm0 {' "memory = \"$memory\" }"
done
wrong "wrong.conf:2: 3601 is no linger: 0 to 3600" 'appliance vm0 {' 'linger = 3601 }'

# What is wrong in the last line keeps the first from being applied.
refused() { # SENTENCE LINES…
	printf '%s\n' "${@:2}" >"$tmp/wrong.conf"
	expect_fail "$1" in_ns host uvf config apply "$tmp/wrong.conf"
}
good='function ok0 { uplink = eth1 backend = veth }'
refused "no uplink eth7" "$good" 'function fw0 { uplink = eth7 }'
refused "there is a link eth1, and it is not a function" "$good" 'function eth1 { uplink = eth1 }'
refused "an MTU of 9000 is more than the 1500" "$good" 'function fw0 { uplink = eth1 mtu = 9000 }'
refused "uvfd, which keeps them, is not running" "$good" \
	'function fw0 { uplink = eth1 rules = { "proto tcp" } }'
refused "leases queues from uvfd, which is not running" "$good" \
	'function fw0 { uplink = eth1 lease = 1 }'
refused "fw0 has a limit, and uvfd, which keeps them, is not running" "$good" \
	'function fw0 { uplink = eth1 rx_limit = "pps 1k" }'
refused "fw0 has a mirror, and uvfd, which keeps them, is not running" "$good" \
	'function fw0 { uplink = eth1 mirror = "to ok0" }'
is "nothing has changed" "$(state)" "$before"

# --- what is applied ---------------------------------------------------------------------------------

cat >"$tmp/uvf.conf" <<-END
	# two functions of a firewall
	function fw0 {
		uplink = eth1
		appliance = firewall
		backend = veth
		mac = "02:00:00:00:00:01"
		mtu = 1400
		lease = 1
		rx_limit = "rate 10mbit pps 5k burst 64k"
		mirror = "to fw1 rx"
		rules = { "src 10.9.0.0/16 proto tcp dport 80", "prio 5 proto icmp action drop" }
	}
	function fw1 { uplink = eth1 backend = veth vlan = 7 up = no tx_limit = "rate 1.5mbit" mirror = off }
	appliance firewall { users = { nobody, "4242" } }
END
is "it is right" "$(in_ns host uvf config check "$tmp/uvf.conf")" "2 functions, 1 appliances"
uvfd_start host
apply() { in_ns host uvf config apply "$@" "$tmp/uvf.conf"; }
dry=$(apply --dry-run)
like "a dry run tells" "$dry" '^fw0: made on eth1$'
is "and changes nothing" "$(state)" "$before"
said=$(apply)
is "it is applied" $? 0
diag "$said"
is "as the dry run told" "$dry" "$said"
show() { in_ns host uvf show --json "$1" | jq -r ".$2"; }
is "address" "$(show fw0 mac)" 02:00:00:00:00:01
is "MTU" "$(show fw0 mtu)" 1400
is "appliance" "$(show fw0 appliance)" firewall
is "up" "$(in_ns host ip -j link show fw0 | jq -r '.[0].flags | index("UP") != null')" true
is "VLAN" "$(show fw1 vlan)" 7
is "down" "$(show fw1 state)" down
leased() { in_ns host uvf lease --json fw0 | jq -c '.[0].queues | length'; }
is "a queue of eth1" "$(leased)" 1
limits() { in_ns host uvf limit "$1" | paste -s -d ';'; }
is "a limit" "$(limits fw0)" "rx rate 10000000 pps 5000 burst 65536;tx off"
is "of what is sent" "$(limits fw1)" "rx off;tx rate 1500000"
is "a mirror, to one that comes later" "$(in_ns host uvf mirror fw0)" "to fw1 rx"
rules() { in_ns host uvf rule list --json fw0 | jq -r '.[].rule' | sort | paste -s -d ';'; }
is "rules" "$(in_ns host uvf rule list --json fw0 | jq length)" 2
there=$(rules)
settled=$(state)
is "a second time changes nothing" "$(apply)" "nothing to change"
is "nor the rules" "$(rules)" "$there"
is "nor the links" "$(state)" "$settled"

in_ns host ip link set fw0 mtu 1300
in_ns host uvf rule add fw0 proto sctp >/dev/null
in_ns host uvf rule del fw0 proto icmp prio 5 action drop
said=$(apply)
is "only what is other is changed" "$(sort <<<"$said" | cut -c1-9 | paste -s -d ';')" \
	"fw0: MTU ;fw0: not:;fw0: rule"
is "rules are as they were" "$(rules)" "$there"
in_ns host uvf lease fw0 off
is "so with a lease" "$(apply)" "fw0: 1 queues of eth1 leased"
is "which is there again" "$(leased)" 1
in_ns host uvf limit fw0 rx pps 7k
in_ns host uvf mirror fw0 off
in_ns host uvf mirror fw1 to fw0
is "so with limits and mirrors" "$(apply | paste -s -d ';')" \
	"fw0: mirror: to fw1 rx;fw0: rx limit: rate 10000000 pps 5000 burst 65536;fw1: mirror: off"
is "the limit" "$(limits fw0)" "rx rate 10000000 pps 5000 burst 65536;tx off"
is "the mirror" "$(in_ns host uvf mirror fw0)" "to fw1 rx"
is "and the other's" "$(in_ns host uvf mirror fw1)" off
in_ns host uvf config show >"$tmp/shown.conf"
is "what is shown is a configuration" "$(in_ns host uvf config check "$tmp/shown.conf")" "2 functions, 0 appliances"
is "of what there is" "$(in_ns host uvf config apply "$tmp/shown.conf")" "nothing to change"
like "with limits" "$(cat "$tmp/shown.conf")" 'rx_limit = "rate 10000000 pps 5000 burst 65536"'
like "and mirrors" "$(cat "$tmp/shown.conf")" 'mirror = "to fw1 rx"'
in_ns host uvf del fw0 fw1
is "from which it can be made again" "$(in_ns host uvf config apply "$tmp/shown.conf" | grep -c made)" 2
is "the same" "$(in_ns host uvf config show)" "$(cat "$tmp/shown.conf")"
sed -i 's/burst 64k/burst 1k/' "$tmp/uvf.conf"
expect_fail "fw0: a burst of 1024 bytes lets no frame of its MTU through: 1422 at least" apply
sed -i 's/burst 1k/burst 64k/; s/to fw1 rx/to ids7 rx/' "$tmp/uvf.conf"
expect_fail "fw0 is mirrored to ids7, and there is no function of that name" apply
sed -i 's/to ids7 rx/to fw1 rx/' "$tmp/uvf.conf"
# What hinders the lease and is not to be, is taken off before it is asked for.
in_ns host uvf lease fw0 off
in_ns host uvf limit fw0 tx pps 7k
in_ns host uvf mirror fw0 to fw1 tx
sed -i 's/lease = 1$/lease = 1 tx_limit = off/' "$tmp/uvf.conf"
like "a lease that a limit and a mirror hindered" "$(apply)" "^fw0: 1 queues of eth1 leased"
is "is there" "$(leased)" 1
sed -i 's/lease = 1/lease = 64/' "$tmp/uvf.conf"
expect_fail "fw0: 64 queues to lease, and eth1 has" apply
sed -i 's/lease = 64/lease = 1/' "$tmp/uvf.conf"
sed -i 's/vlan = 7/vlan = 8/' "$tmp/uvf.conf"
expect_fail "fw1 is there already, with another VLAN \(7\)" apply
sed -i 's/vlan = 8/vlan = 7/; s/mtu = 1400/mtu = 1450/' "$tmp/uvf.conf"
in_ns host uvf del fw1
like "what is gone is made again" "$(apply)" '^fw1: made on eth1$'
is "and the MTU set" "$(show fw0 mtu)" 1450
uvfd_stop >/dev/null

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# In the VM of systemd.sh: the units do what they are for, within what their sandboxes leave them.
#
#	client eth0 10.0.1.2 ══ eth1    this system
#	                         ├ fw0 10.0.1.1   the firewall, of uvf.ko
#	                         └ fw1            a veth pair
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/lib/tap.sh
export HOME=/root LC_ALL=C.UTF-8

wait_for() { # SECONDS COMMAND…; emulated machines take their time
	local end=$((SECONDS + 5 * $1))
	shift
	until "$@" >/dev/null 2>&1; do
		[[ $SECONDS -lt $end ]] || return 1
		sleep 0.2
	done
}
state() { systemctl is-active "$1"; }
is_active() { [[ $(state "$1") == active ]]; }
pid() { systemctl show -P MainPID "$1"; }
client() { ip netns exec client "$@"; }
answers() { client ping -q -c 1 -W 2 10.0.1.1; }
journal() { journalctl -q -o cat -u "$1"; }
daemon=uvfd.service
appliance=uvf-appliance@firewall.service

# --- what is there before --------------------------------------------------------------------------

booted() { [[ $(systemctl is-system-running) =~ running|degraded ]]; }
ok "the system is up" wait_for 60 booted
is "no unit has failed" "$(systemctl list-units --failed --plain --no-legend)" ""
is "uvfd does not run unless somebody says so" "$(state $daemon)" inactive
ip netns add client
ip link add eth1 type veth peer name eth0 netns client
ip link set eth1 up
client ip addr add 10.0.1.2/24 dev eth0
client ip link set eth0 up
mkdir -p /etc/uvf/appliances
cat >/etc/uvf/uvf.conf <<-'CONF'
	function fw0 { uplink = eth1 appliance = firewall rules = { "dst 198.51.100.0/24" } rx_limit = "pps 50k" }
	function fw1 { uplink = eth1 appliance = ids backend = veth mirror = "to fw1b rx" }
	function fw1b { uplink = eth1 backend = veth }
	appliance firewall { linger = 60 }
CONF
printf 'port fw0 10.0.1.1/24\npass all\n' >/etc/uvf/firewall.conf
printf 'OPTIONS=--on fw0\nCOMMAND=/usr/libexec/uvf/firewall /etc/uvf/firewall.conf\n' \
	>/etc/uvf/appliances/firewall

# --- configuration ---------------------------------------------------------------------------------

# On a machine that is starved uvfd may not answer in time; the unit then tries again.
config_starts() { systemctl start uvf-config || wait_for 60 is_active uvf-config; }
ok "uvf-config starts" config_starts
diag "$(journal uvf-config)"
is "uvfd runs with it" "$(state $daemon)" active
is "the functions are there" "$(uvf list --json | jq -r '.[].function' | sort | paste -s -d ' ')" "fw0 fw1 fw1b"
is "of uvf.ko, which was loaded for it" "$(uvf show --json fw0 | jq -r .backend)" uvf
is "with a rule" "$(uvf rule list --json fw0 | jq length)" 1
is "a limit" "$(uvf limit fw0 | head -n 1)" "rx pps 50000"
is "a mirror" "$(uvf mirror fw1)" "to fw1b rx"
like "XDP steers" "$(journal $daemon)" 'eth1: steering with XDP'
ok "an error in the file is told" sh -c '
	sed -i "s/pps 50k/pps 50x/" /etc/uvf/uvf.conf
	! systemctl reload uvf-config && sed -i "s/pps 50x/pps 50k/" /etc/uvf/uvf.conf'
like "with its line" "$(journal uvf-config)" "uvf.conf:1: .*'x' is not a unit"
is "and changes nothing" "$(uvf limit fw0 | head -n 1)" "rx pps 50000"

# --- udev ------------------------------------------------------------------------------------------

udevadm settle
property() { udevadm info -q property "/sys/class/net/$1" | sed -n "s/^$2=//p"; }
is "udev names a function" "$(property fw0 UVF_FUNCTION)" 1
is "with its PCI address" "$(property fw0 UVF_PCI)" "$(uvf show --json fw0 | jq -r .pci)"
is "and nothing else" "$(property eth1 UVF_FUNCTION)$(property fw1 UVF_FUNCTION)" ""
is "systemd has a unit of it" "$(state sys-subsystem-uvf-devices-fw0.device)" active
ip link add link eth1 name late0 type uvf
ok "and of one that comes later" wait_for 10 is_active sys-subsystem-uvf-devices-late0.device
ip link del late0
not_ok "until it goes" wait_for 2 is_active sys-subsystem-uvf-devices-late0.device

# --- an appliance ----------------------------------------------------------------------------------

ok "the appliance starts" systemctl enable --now $appliance
ok "and answers" wait_for 20 answers
is "without a capability" "$(sed -n 's/^CapEff:\t//p' "/proc/$(pid $appliance)/status")" 0000000000000000
not_ok "and not as root" test "$(stat -c %u "/proc/$(pid $appliance)")" == 0

# Something is done to uvfd under traffic: all echoes come back, and the appliance notices nothing.
unnoticed() { # DESC COMMAND…
	local before daemon_before ping
	before=$(pid $appliance)
	daemon_before=$(pid $daemon)
	client ping -q -i 0.05 -c 200 -W 5 10.0.1.1 >/tmp/ping 2>&1 &
	ping=$!
	sleep 2
	"${@:2}"
	another() { is_active $daemon && [[ $(pid $daemon) != "$daemon_before" ]]; }
	ok "$1: another uvfd" wait_for 20 another
	wait "$ping"
	like "  no echo was lost" "$(cat /tmp/ping)" '200 packets transmitted, 200 received'
	is "  the appliance is the same" "$(pid $appliance)" "$before"
	is "  and has fw0" "$(uvf show --json fw0 | jq .lease.pid)" "$before"
}
kill_it() { systemctl kill --kill-whom=main -s KILL $daemon; }
kill_often() {
	local n last
	for n in 1 2 3 4 5 6 7; do
		last=$(pid $daemon)
		kill_it
		again() { [[ $(pid $daemon) != "$last" && $(pid $daemon) != 0 ]]; }
		wait_for 10 again || return
	done
}
unnoticed "reload" systemctl reload $daemon
like "which went on with what there was" "$(journal $daemon)" 'fw0: taken over, leased to firewall'
unnoticed "killed" kill_it
unnoticed "killed seven times in a row" kill_often
is "limits are there" "$(uvf limit fw0 | head -n 1)" "rx pps 50000"

before=$(pid $appliance)
systemctl kill --kill-whom=main -s KILL $appliance
another() { is_active $appliance && [[ $(pid $appliance) != "$before" ]]; }
ok "the appliance is killed: another one comes" wait_for 20 another
ok "and answers" wait_for 20 answers

# --- orderly ends ----------------------------------------------------------------------------------

ok "uvfd is restarted" systemctl restart $daemon
ok "the appliance comes back by itself" wait_for 30 answers
is "the rule is there" "$(uvf rule list --json fw0 | jq length)" 1
is "the limit" "$(uvf limit fw0 | head -n 1)" "rx pps 50000"
is "the mirror" "$(uvf mirror fw1)" "to fw1b rx"
ok "uvfd is stopped" systemctl stop $daemon
sleep 2
is "and stays so" "$(state $daemon)" inactive
is "the appliance with it" "$(state $appliance)" inactive
systemctl start $appliance
is "which does not come without" "$(state $appliance)" inactive
is "no program is left on the uplink" "$(ip -d link show eth1 | grep -w prog/xdp)" ""
is "nor a keeper" "$(pgrep -f 'uvf-keeper|uvfd')" ""
is "the functions are" "$(ip -o link show type uvf | wc -l)" 1
ok "uvfd is started" systemctl start $daemon
ok "the appliance comes with it" wait_for 30 answers

# --- what the sandboxes refused ----------------------------------------------------------------------

is "uvfd could do all it wanted" "$(journal $daemon | grep -iE "not permitted|denied|read-only|can't" | sort -u)" ""
is "it runs confined" "$(sed -n 's/^Seccomp:\t//p' "/proc/$(pid $daemon)/status")" 2
is "with four capabilities" "$(sed -n 's/^CapBnd:\t//p' "/proc/$(pid $daemon)/status")" 0000000000207000
diag "$(systemd-analyze security --no-pager uvfd.service 2>/dev/null | tail -n 1)"
[[ $tap_failed -eq 0 ]] || diag "$(journalctl -q --no-pager -n 80)"

# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Hosts made of network namespaces, wired with veth pairs, and what runs in them. To be sourced
# by the test itself, first of all: it brings tap.sh, and starts the test again in a mount
# namespace of its own, with which a bpffs mounted here goes. Everything is undone at exit.
#
#   topology_make client host           namespaces; then `in_ns client COMMAND…`, and
#                                       `ns_spawn client COMMAND…` in the background: $spawned
#   topology_wire A IF ADDR B IF ADDR   a cable between two of them
#   topology_jumbo                      client eth0 ══ eth1 host eth2 ══ eth0 sink, of MTU 9000
#   bpffs_ready                         bpffs at /sys/fs/bpf (in a mount namespace of one's own)
#   module_load                         uvf.ko for this kernel
#   function_add NS fw0 eth1 APPLIANCE [VLAN]     by the backend in $BACKEND (uvf or veth)
#   uvfd_start NS; uvfd_stop            $uvfd, $uvfd_status, log in $tmp/uvfd.log
#   appliance_start NS fw0,fw1 COMMAND…; appliance_stop     $appliance, $appliance_status
#   $bin                                the programs: build/bin, or with UVF_BUILD=build/san those
#                                       of `make SAN=1`
#   wait_for SECONDS COMMAND…           until it succeeds; a slow kernel has $TIMEOUT_SCALE more

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
if [[ -z ${UVF_TOPOLOGY:-} && $EUID -eq 0 ]]; then
	UVF_TOPOLOGY=1 exec unshare --mount --propagation private "$0" "$@"
fi
. "$top/tests/lib/tap.sh"
[[ $EUID -eq 0 ]] || skip_all "needs root, for network namespaces"

tmp=$(mktemp -d /tmp/uvf-test.XXXXXX)
chmod 755 "$tmp"
at_exit rm -rf "$tmp"
export UVF_SOCKET=$tmp/uvfd.sock

built=${UVF_BUILD:-build}

# Appliances run without root: below a home of mode 0700 they would not find their programs.
topology_reachable() {
	local part
	[[ $EUID -eq 0 ]] || return
	if setpriv --reuid=65534 --regid=65534 --clear-groups test -x "$top/$built/bin/uvf"; then
		return
	fi
	mkdir "$tmp/checkout"
	for part in build/bin build/lib "$built/bin" "$built/lib" build/bpf build/bench build/tests \
		"build/kmod-$(uname -r)" userspace/appliances; do
		[[ ! -d $top/$part ]] || (cd "$top" && cp -a --parents "$part" "$tmp/checkout/")
	done
	top=$tmp/checkout
}
topology_reachable
bin=$top/$built/bin
[[ -z ${UVF_BUILD:-} || -x $bin/uvf ]] || bail_out "no programs in $built: make SAN=1 first"
PATH=$bin:$PATH:/usr/sbin:/sbin
# iproute2 finds link_uvf.so in the build tree, installed or not.
export IP_LIB_DIR=$top/build/lib

topology_hosts=()

# `ip netns exec` would hide /sys/fs/bpf behind a fresh sysfs.
in_ns() {
	local host=$1
	shift
	nsenter --net="/run/netns/uvf-$$-$host" "$@"
}

# The command itself is the child, not a shell around it: its pid is good for signals.
ns_spawn() {
	local host=$1
	shift
	nsenter --net="/run/netns/uvf-$$-$host" "$@" &
	spawned=$!
	at_exit end_child "$spawned"
}

# Only while it is ours: the number of one that has ended may be another's by now.
end_child() {
	! jobs -rp | grep -qx "$1" || kill "$1"
}

topology_make() {
	local host
	for host; do
		ip netns add "uvf-$$-$host" || bail_out "can't make the namespace $host"
		topology_hosts+=("$host")
		at_exit ip netns del "uvf-$$-$host"
		in_ns "$host" busybox sysctl -q -w net.ipv6.conf.all.disable_ipv6=1 \
			net.ipv6.conf.default.disable_ipv6=1
		in_ns "$host" ip link set lo up
	done
}

topology_remove() {
	local host
	for host in "${topology_hosts[@]}"; do
		ip netns del "uvf-$$-$host"
	done
	topology_hosts=()
}

# A wire carries whole checksums; veth would leave them to a receiver that XDP never shows them.
topology_wire() {
	local a=$1 a_if=$2 a_addr=$3 b=$4 b_if=$5 b_addr=$6
	ip link add "$a_if" netns "uvf-$$-$a" type veth peer name "$b_if" netns "uvf-$$-$b" ||
		bail_out "can't wire $a to $b"
	in_ns "$a" ethtool -K "$a_if" tx off >/dev/null
	in_ns "$b" ethtool -K "$b_if" tx off >/dev/null
	in_ns "$a" ip addr add "$a_addr" dev "$a_if"
	in_ns "$b" ip addr add "$b_addr" dev "$b_if"
	in_ns "$a" ip link set "$a_if" up
	in_ns "$b" ip link set "$b_if" up
}

topology_jumbo() {
	local end
	topology_make client host sink
	topology_wire client eth0 10.0.1.2/24 host eth1 10.0.1.9/24
	topology_wire host eth2 10.0.2.9/24 sink eth0 10.0.2.2/24
	for end in client:eth0 host:eth1 host:eth2 sink:eth0; do
		in_ns "${end%:*}" ip link set "${end#*:}" mtu 9000
	done
}

bpffs_ready() {
	[[ $(stat -f -c %T /sys/fs/bpf 2>/dev/null) == bpf_fs ]] && return
	mount -t bpf bpf /sys/fs/bpf || bail_out "can't mount bpffs: does this kernel have BPF?"
	at_exit umount /sys/fs/bpf
}

module_load() {
	local ko
	ko=$(module_path)
	[[ -e $ko ]] || bail_out "there is no uvf.ko for $(uname -r): make kmod KERNEL=host"
	[[ ! -d /sys/module/uvf ]] || bail_out "uvf.ko is loaded already, and may be in use"
	ok "insmod uvf.ko" insmod "$ko"
	at_exit rmmod uvf
}

# The debugging of the DMA API takes a buffer that crosses a page, as an unaligned chunk may, for
# one that was never mapped: xp_alloc() syncs it as a whole, whatever the driver.
watches_dma() { [[ $(uname -r) == *-uvf-debug ]]; }

module_path() {
	local ko=$top/build/kmod-$(uname -r)/uvf.ko
	[[ -e $ko ]] || ko=/lib/modules/$(uname -r)/extra/uvf.ko
	echo "$ko"
}

# What an operator types: ip link with the module, uvf add without.
function_add() {
	local host=$1 name=$2 uplink=$3 appliance=$4 vlan=${5:-}
	if [[ ${BACKEND:-uvf} == veth ]]; then
		in_ns "$host" uvf add "$name" --link "$uplink" --appliance "$appliance" \
			--backend veth ${vlan:+--vlan "$vlan"}
	else
		in_ns "$host" ip link add link "$uplink" name "$name" type uvf \
			appliance "$appliance" ${vlan:+vlan "$vlan"}
	fi
}

uvfd_start() {
	local host=$1
	shift
	ns_spawn "$host" uvfd "$@" 2>"$tmp/uvfd.log"
	uvfd=$spawned
	at_exit keeper_end "$host"
	if wait_for 10 grep -q 'ready on' "$tmp/uvfd.log"; then
		pass "uvfd runs"
	else
		fail "uvfd runs" "$(cat "$tmp/uvfd.log")"
	fi
}

# What a killed uvfd left with its keeper is taken back by one that ends in order.
keeper_end() {
	[[ ! -S $UVF_SOCKET.keep ]] || in_ns "$1" timeout -s TERM 2 uvfd 2>/dev/null
}

uvfd_stop() {
	kill "$uvfd" 2>/dev/null
	uvfd_status=0
	wait "$uvfd" || uvfd_status=$?
	sed 's/^/# /' "$tmp/uvfd.log"
}

appliance_start() {
	local host=$1 on=() function
	for function in ${2//,/ }; do
		on+=(--on "$function")
	done
	shift 2
	touch "$tmp/firewall.json"
	chmod 666 "$tmp/firewall.json"
	ns_spawn "$host" uvf run "${on[@]}" -- "$@" >"$tmp/appliance.out" 2>"$tmp/appliance.log"
	appliance=$spawned
	if wait_for 15 grep -q ready "$tmp/appliance.log"; then
		pass "uvf run starts ${1##*/}"
		diag "$(tail -n 1 "$tmp/appliance.log")"
	else
		fail "uvf run starts ${1##*/}" "$(cat "$tmp/appliance.log")"
	fi
}

appliance_stop() {
	kill "$appliance" 2>/dev/null
	appliance_status=0
	wait "$appliance" || appliance_status=$?
	sed 's/^/# /' "$tmp/appliance.log"
}

# The seconds are those of an idle machine; a guest under TCG on a busy one is given more.
wait_for() {
	local end=$((SECONDS + 4 * $1 * ${TIMEOUT_SCALE:-1}))
	shift
	until "$@" >/dev/null 2>&1; do
		[[ $SECONDS -lt $end ]] || return 1
		sleep 0.1
	done
}

listens() { in_ns "$1" ss -ltn "sport = :$2" | grep -q LISTEN; }
between() { [[ $1 -ge $2 && $1 -le $3 ]]; }

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# uvf cni: a container that may load no XDP program takes the map of a function by the handshake of
# DPDK's `use_cni`, binds its own AF_XDP socket, and receives and sends.
#
#	client eth0 ══ eth1   host
#	                ├ fw0 ─▶ container: a user of its own, CAP_NET_RAW alone
#	                └ fw1
#
# DPDK knows `use_cni` since 23.07; Debian 12 has 22.11. So the client here is build/tests/xsk, which
# says what DPDK 24.11 says, in its order.
set -u
. "$(dirname "$0")/../lib/topology.sh"
. "$(dirname "$0")/../lib/xsk.sh"
say=$(dirname "$0")/cni_say.py

need ip nsenter ethtool jq python3 setpriv unshare

topology_make client host container
topology_wire client eth0 10.0.4.1/24 host eth1 10.0.4.9/24
bpffs_ready
for function in fw0 fw1; do
	ok "uvf add $function" in_ns host uvf add $function --backend veth --link eth1
	ok "$function is up" in_ns host ip link set $function up
done
uvfd_start host
mac=$(in_ns host uvf show --json fw0 | jq -r .mac)
sock=$tmp/afxdp.sock
uid=4242

cni_start() { # OPTION…
	ns_spawn host uvf cni "$@" --socket "$sock" 2>"$tmp/cni.log"
	cni=$spawned
	wait_for 10 grep -q "ready on" "$tmp/cni.log" || bail_out "uvf cni: $(cat "$tmp/cni.log")"
	pass "uvf cni $*"
}

cni_stop() {
	kill "$cni"
	cni_status=0
	wait "$cni" || cni_status=$?
	is "uvf cni ended well" "$cni_status" 0
	[[ ! -e $sock ]]
	is "  its socket is gone" "$?" 0
	is "  no program is left on fw1" "$(in_ns host ip -d link show fw1 | grep prog/xdp)" ""
	tail -n 5 "$tmp/cni.log" | sed 's/^/# /'
}

# A container's user: no right but CAP_NET_RAW, which Docker gives too, and a host's name.
in_container='hostname pod-1; ulimit -l 65536 2>/dev/null; exec "$@"'
contained() { # NS COMMAND…, in a subshell
	local ns=$1
	shift
	exec nsenter --net="/run/netns/uvf-$$-$ns" unshare --uts sh -c "$in_container" sh \
		setpriv --reuid $uid --regid $uid --clear-groups \
		--inh-caps=-all,+net_raw --ambient-caps=-all,+net_raw --bounding-set=-all,+net_raw \
		--no-new-privs "$@"
}

contained_start() { # NS FUNCTION WORD…
	local ns=$1
	shift
	: >"$tmp/echo" # at once: that of the one before says "ready"
	contained "$ns" "$xsk" echo "$@" "cni=$sock" >"$tmp/echo" 2>&1 &
	echoing=$!
	at_exit end_child "$echoing"
	wait_for 10 grep -q '^ready' "$tmp/echo" || bail_out "$(tail -n 5 "$tmp/echo" "$tmp/cni.log")"
	pass "a client takes $*"
}

asks() { in_ns client "$xsk" ask eth0 "$mac" "$1"; }
echo_ends() { # HOW
	kill "-$1" "$echoing"
	wait "$echoing" 2>/dev/null
}

# --- refused --------------------------------------------------------------------------------------

expect_fail "where to listen\? give --socket PATH" uvf cni fw0
expect_fail "of which function\?" uvf cni --socket "$sock"
expect_fail "'' is no host's name" uvf cni fw0 --hostname "" --socket "$sock"
expect_fail "there is no user nosuch" in_ns host uvf cni fw0 --user nosuch --socket "$sock"
expect_fail "there is no function fw9" in_ns host uvf cni fw9 --socket "$sock"
expect_fail "eth1 is not a function" in_ns host uvf cni eth1 --socket "$sock"
touch "$tmp/file"
expect_fail "exists, and is not a socket" in_ns host uvf cni fw0 --socket "$tmp/file"
expect_fail "can't listen on" in_ns host uvf cni fw0 --socket "$tmp/nosuch/sock"
expect_fail "'' can't be a socket" in_ns host uvf cni fw0 --socket ""
is "nothing is left on fw0" "$(in_ns host ip -d link show fw0 | grep prog/xdp)" ""

# --- the handshake, word by word ------------------------------------------------------------------

says() { # DESC WANTED MESSAGE…
	local desc=$1 wanted=$2
	shift 2
	is "$desc" "$("$say" "$sock" "$@" 2>&1 | paste -sd ' ')" "$wanted"
}

cni_start fw0 fw1 --hostname pod-1 --user $uid
is "the socket is the user's alone" "$(stat -c '%u %a' "$sock")" "$uid 600"
expect_fail "somebody listens on .* already" in_ns host uvf cni fw1 --socket "$sock"
expect_fail "fw0 is leased, or has an XDP program of somebody else" \
	in_ns host uvf cni fw0 --socket "$tmp/other.sock"
says "all of it" "/host_ok 0.1 /fd_ack+fd /fd_ack+fd /fin_ack " \
	/connect,pod-1 /version /xsk_map_fd,fw0 /xsk_map_fd,fw1 /fin /version
says "another host" "/host_nak " /connect,pod-2 /version
says "no host" "/host_nak" /connect
says "nothing before the host" "/host_nak " /xsk_map_fd,fw0 /connect,pod-1
says "another device" "/host_ok /fd_nak /fd_nak" /connect,pod-1 /xsk_map_fd,eth1 /xsk_map_fd,fw00
head -c 65 /dev/zero | tr '\0' a >"$tmp/long"
head -c 8 /dev/zero >"$tmp/zeros"
says "what is no request" "/host_ok /nak /nak /nak /nak /nak 0.1" /connect,pod-1 /xsk_map_fd \
	/xsk_map_fd,fw0,fw1 "@$tmp/long" "@$tmp/zeros" "/version " /version
says "busy polling of nothing" "/host_ok /config_busy_poll_nak" /connect,pod-1 /config_busy_poll,20,64
is "busy polling of what is no AF_XDP socket" \
	"$("$say" "$sock" /connect,pod-1 "&/config_busy_poll,20,64" </dev/null | paste -sd ' ')" \
	"/host_ok /config_busy_poll_nak"
says "busy polling without end" "/host_ok /nak" /connect,pod-1 /config_busy_poll,20,65536
chmod 666 "$sock"
is "another user has no answer" \
	"$(setpriv --reuid 4343 --clear-groups "$say" "$sock" /connect,pod-1 2>&1 | tail -n 1)" ""
like "and is told of" "$(cat "$tmp/cni.log")" "user 4343 is not served"
descriptors() { find "/proc/$cni/fd" -mindepth 1 | wc -l; }
before=$(descriptors)
for ((i = 0; i < 20; i++)); do
	"$say" "$sock" /connect,pod-1 /xsk_map_fd,fw0 "&/version" </dev/null
done >/dev/null
ok "20 clients later it holds no descriptor more" wait_for 5 eval '[[ $(descriptors) -le $before ]]'
is "of capabilities it has CAP_NET_ADMIN" \
	"$(awk '/^Cap(Eff|Prm)/ { print $2 }' "/proc/$cni/status" | sort -u)" 0000000000001000
like "and a filter of system calls" "$(cat "/proc/$cni/status")" '^Seccomp:.2$'

# --- a container ----------------------------------------------------------------------------------

ok "fw0 moves to the container" in_ns host ip link set fw0 netns "uvf-$$-container"
in_ns container ip link set fw0 up
wait_for 5 in_ns client ip neigh
contained_start container fw0 copy
ok "and receives and answers 1000 frames" asks 1000
echo_ends KILL
contained_start container fw0 copy
ok "again, after a kill" asks 1000
echo_ends KILL
contained_start container fw0 copy busy
ok "and with busy polling" asks 200
expect_fail "is not a function|there is no function" in_ns host uvf run --on fw0 -- true
kill "$uvfd"
wait "$uvfd"
uvfd_start host
ok "uvfd started anew: it goes on" wait_for 10 asks 100
echo_ends TERM
like "its own count" "$(cat "$tmp/echo")" '^questions ([0-9]+) answers \1 broken 0 '
in_ns container ip link del fw0
says "a function that has gone" "/host_ok /fd_nak /fd_ack+fd" \
	/connect,pod-1 /xsk_map_fd,fw0 /xsk_map_fd,fw1
ok "uvf cni is well" kill -0 "$cni"
cni_stop

# --- once -----------------------------------------------------------------------------------------

mac=$(in_ns host uvf show --json fw1 | jq -r .mac)
cni_start fw1 --once --user $uid
says "a client that takes nothing" "/host_ok 0.1 /fin_ack" /connect,any /version /fin
"$say" "$sock" /xsk_map_fd,fw1 >/dev/null
kill -KILL "$cni"
wait "$cni" 2>/dev/null
is "killed: no program is left" "$(in_ns host ip -d link show fw1 | grep prog/xdp)" ""
cni_start fw1 --once --user $uid
pass "the socket of the one that was killed is no hindrance"
contained_start host fw1 copy
ok "it receives and answers" asks 200
echo_ends KILL
ended() { ! kill -0 "$cni" 2>/dev/null; }
ok "uvf cni ends with its client" wait_for 5 ended
wait "$cni"
is "well" "$?" 0
uvfd_stop
is "uvfd ended well" "$uvfd_status" 0

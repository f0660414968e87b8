#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Build the kernel's AF_XDP conformance program from its own sources:  build.sh VERSION
#
# build/conformance/xskxceiver-VERSION, linked statically, with the libbpf of the same sources.
# Little of theirs is changed, and in a copy: see adapt().
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
PATH=$PATH:/usr/sbin

die() { echo "build.sh: $*" >&2; exit 1; }

[[ $# -eq 1 ]] || { sed -n '4s/^# //p' "${BASH_SOURCE[0]}" >&2; exit 2; }
version=$1
linux=build/kernels/$version/source
tests=$linux/tools/testing/selftests/bpf
obj=$PWD/build/obj/conformance-$version
program=build/conformance/xskxceiver-$version

# What a program of the kernel's selftests finds in its include path.
includes=(-I"$obj" -I"$obj/usr/include" -I"$tests" -I"$linux/tools/include"
	-I"$linux/tools/include/uapi")

# change FILE EXPRESSION COUNT: a copy with as many lines changed, or the sources are not as known.
change() {
	sed "$2" "$tests/$1" >"$obj/$1"
	[[ $(diff "$tests/$1" "$obj/$1" | grep -c '^>') -eq $3 ]] ||
		die "$1 of $(cat "$linux/version") is not as it was; is what adapt() does still right?"
}

# Patience: within 3 s for 4,096 frames, 100 ms until the kernel has let go of a queue, 1 ms until
# what is on its way has been counted, an emulated guest on a busy machine may not get to run.
#
# STAT_RX_DROPPED asks for a headroom that leaves a frame 180 bytes. Stable kernels of 2026 refuse
# that ("xsk: tighten UMEM headroom validation to account for tailroom and min frame"), 448 being
# the least, and the program of the same sources ends there without another test. It is given what
# is left, and frames that do not fit into it.
#
# Where a batch ends in the middle of a frame the program takes up the next frame instead of the
# same again; and of an odd number of invalid descriptors it takes the last for the first of a
# frame of two, so that the valid frame behind it has no header. Both are mended as in Linux 7.0:
# 42e41b2a0afa ("selftests/xsk: properly handle batch ending in the middle of a packet") and
# 88af9fefed41 ("selftests/xsk: fix number of Tx frags in invalid packet").
adapt() {
	local multi_buffer=0
	! grep -q pkt_stream_cancel "$tests/xskxceiver.c" || multi_buffer=3
	change xskxceiver.h '
		s/^#define THREAD_TMOUT 3$/#define THREAD_TMOUT 30/
		s/^#define SOCK_RECONF_CTR 10$/#define SOCK_RECONF_CTR 1000/' 2
	change xskxceiver.c '
		s/usleep(1000);/usleep(200000);/
		/^static .*testapp_stats_rx_dropped(/,/^}/ {
			s/MIN_PKT_SIZE \* 4/MIN_PKT_SIZE * 8/
			s/XDP_PACKET_HEADROOM - MIN_PKT_SIZE \* 3/XDP_PACKET_HEADROOM - 448/
		}
		s/^\t\tfrags_processed -= nb_frags;$/&\n\t\tpkt_stream_cancel(pkt_stream);\n\t\tpkts_sent--;/
		s/^\tif (!pkt_continues(pkt->options))$/\tif (!pkt_continues(pkt->options) || !pkt->valid)/
		' $((4 + multi_buffer))
}

libbpf() {
	make -s -j2 -C "$linux/tools/lib/bpf" OUTPUT="$obj/libbpf/" DESTDIR="$obj" prefix=/usr \
		"$obj/libbpf/libbpf.a" install_headers
}

# From 6.3 on, the XDP programs are in BPF C.
skeleton() {
	clang -g -O2 -target bpf -mcpu=v3 "${includes[@]}" -I/usr/include/x86_64-linux-gnu \
		-Wno-compare-distinct-pointer-types \
		-c "$tests/progs/xsk_xdp_progs.c" -o "$obj/xsk_xdp_progs.bpf.o"
	bpftool gen skeleton "$obj/xsk_xdp_progs.bpf.o" name xsk_xdp_progs \
		>"$obj/xsk_xdp_progs.skel.h"
}

tests/vm/kernel.sh source "$version"
[[ ! -e $program || $program -ot $linux/version || $program -ot ${BASH_SOURCE[0]} ]] || exit 0
mkdir -p "$obj/libbpf" build/conformance
sources=("$obj/xskxceiver.c" "$tests/xsk.c")
adapt
libbpf
if [[ -e $tests/progs/xsk_xdp_progs.c ]]; then
	skeleton
	sources+=("$tests/network_helpers.c" "$linux/tools/lib/find_bit.c")
fi
# At an address of the kernel's choice: where its thread has not come to map a UMEM yet, the program
# of 6.12 unmaps what is at address 0 and eight megabytes on.
gcc -g -O0 -static-pie -fPIE "${includes[@]}" "${sources[@]}" "$obj/libbpf/libbpf.a" \
	-lelf -lz -lpthread -o "$program.new"
strip "$program.new"
mv "$program.new" "$program"

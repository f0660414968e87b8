#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Install what is missing, with apt:  deps.sh PURPOSE…
#
#   build  compile the user space and the steering programs
#   kmod   compile the module against fetched headers
#   host   compile the module for the running kernel, and load it
#   run    the scenario in network namespaces of this machine
#   vm     the scenario and the tests in a VM
#   check  unit tests, fuzzers, lint
#   bench  the measurements and the peer to compare with
#   others programs of others that functions are tested with
#   man    man pages
#   debugkernel  compile the debug kernel
#   conformance  compile the kernel's AF_XDP conformance program
#   deb    Debian packages
#   intree a kernel tree to put the module in, and to build it there
#   chroot a clean Debian to install the packages in
#
# apt is called only when a package is missing.
set -euo pipefail

die() { echo "deps.sh: $*" >&2; exit 1; }

packages_of() {
	case $1 in
	build) echo gcc libc6-dev make pkg-config clang bpftool libbpf-dev libxdp-dev libelf-dev \
		zlib1g-dev libnl-3-dev libnl-genl-3-dev libevent-dev uthash-dev \
		libjson-c-dev libpcap-dev libseccomp-dev libncurses-dev libconfuse-dev libxml2-dev \
		liblua5.4-dev ;;
	kmod) echo gcc gcc-12 libc6-dev make kmod xz-utils libelf1 ;;
	host) echo gcc libc6-dev make kmod "linux-headers-$(uname -r)" ;;
	run) echo iproute2 iputils-ping iperf3 busybox-static ethtool pciutils curl jq procps \
		util-linux tcpdump ;;
	vm) packages_of run && echo qemu-system-x86 cpio kmod xz-utils mawk bash bpftool ;;
	check) echo libcmocka-dev perl clang libclang-rt-dev sparse clang-tidy shellcheck \
		python3-docutils python3-yaml python3-prometheus-client strace ;;
	bench) echo dpdk-dev iperf3 ;;
	others) echo dpdk-dev xdp-tools tcpdump libvirt-clients libvirt-daemon \
		libvirt-daemon-driver-qemu ;;
	man) echo python3-docutils ;;
	debugkernel) echo gcc libc6-dev make flex bison bc libelf-dev lz4 xz-utils kmod ;;
	conformance) echo gcc libc6-dev make clang bpftool libelf-dev zlib1g-dev python3 xz-utils ;;
	deb) echo dpkg-dev debhelper dh-dkms libcmocka-dev lintian ;;
	intree) echo gcc make bc bison flex libelf-dev libssl-dev xz-utils linux-source-6.1 ;;
	chroot) echo debootstrap dpkg-dev perl ;;
	*) die "the purpose '$1' is not known; see the head of this script." ;;
	esac
}

missing() {
	local p
	for p; do
		[[ $(dpkg-query -W -f '${db:Status-Status}' "$p" 2>/dev/null) == installed ]] || echo "$p"
	done
}

apt() {
	DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 "$@"
}

[[ $# -gt 0 ]] || { sed -n '4,21s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2; exit 2; }
command -v dpkg-query >/dev/null && command -v apt-get >/dev/null ||
	die "this is not a Debian system (no apt); install the packages named in this script by hand."
wanted=()
for purpose; do
	list=$(packages_of "$purpose")
	read -r -a words <<<"${list//$'\n'/ }"
	wanted+=("${words[@]}")
done
mapfile -t todo < <(missing "${wanted[@]}" | sort -u)
[[ ${#todo[@]} -gt 0 ]] || exit 0
[[ $(id -u) -eq 0 ]] ||
	die "these packages are missing: ${todo[*]}; install them, or run this as root."
apt update || die "apt could not fetch its package lists; look at the messages above."
apt install -y --no-install-recommends "${todo[@]}" ||
	die "apt could not install: ${todo[*]}."

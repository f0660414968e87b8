#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The module in a kernel tree, put there by `make intree`: Kconfig offers it to whom it is for, and
# it is compiled as a module and built in, without a warning.
# Needs the package linux-source-6.1. `make check-packages` runs it; it takes minutes.
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/lib/tap.sh
source=/usr/src/linux-source-6.1.tar.xz
[[ -e $source ]] || skip_all "the package linux-source-6.1 is not installed"

dir=$PWD/build/intree
linux=$dir/linux-source-6.1
out=$dir/out
at_exit rm -rf "$dir"
rm -rf "$dir"
mkdir -p "$out"

kernel() { make -s -C "$linux" O="$out" "$@"; }

# The smallest kernel that has what the module depends on, and a choice for the module.
configure() { # y, m or n; words of Kconfig to leave out
	local word
	for word in 64BIT MODULES PCI PCI_MSI NET INET BPF_SYSCALL XDP_SOCKETS VLAN_8021Q NETDEVICES; do
		[[ " ${*:2} " == *" $word "* ]] || echo "CONFIG_$word=y"
	done >"$dir/fragment"
	echo "CONFIG_UVF=$1" >>"$dir/fragment"
	cat "$linux/arch/x86/configs/tiny.config" "$linux/kernel/configs/tiny.config" >>"$dir/fragment"
	kernel allnoconfig KCONFIG_ALLCONFIG="$dir/fragment" >/dev/null 2>&1
	sed -n 's/^CONFIG_UVF=//p' "$out/.config"
}

quietly() { # nothing on the way but modpost's complaint that there is no vmlinux
	kernel -j2 W=1 "$@" >"$dir/log" 2>&1 || { cat "$dir/log"; return 1; }
	! grep -E 'drivers/net/uvf/.*(warning|error):' "$dir/log"
}

ok "a kernel tree" tar -xf "$source" -C "$dir"
ok "make intree" make -s intree LINUX="$linux"
is "Kconfig: not without AF_XDP" "$(configure y XDP_SOCKETS)" ""
is "Kconfig: not without PCI" "$(configure y PCI)" ""
is "Kconfig: not without MSI" "$(configure y PCI_MSI)" ""
is "Kconfig: built in" "$(configure y)" y
ok "the tree is prepared" kernel -j2 prepare
ok "compiled to be built in" quietly drivers/net/uvf/
ok "it is there" test -s "$out/drivers/net/uvf/built-in.a"
is "Kconfig: a module" "$(configure m)" m
ok "compiled as a module" quietly drivers/net/uvf/uvf.ko
like "the module is there" "$(modinfo -F alias "$out/drivers/net/uvf/uvf.ko")" '^rtnl-link-uvf$'
like "it is the tree's own" "$(modinfo -F intree "$out/drivers/net/uvf/uvf.ko")" '^Y$'

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What packages are made of agrees with the tree: versions, symbols, the range of kernels, the ways
# in. That they install and build takes minutes, and is for `make check-packages`.
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/lib/tap.sh
need nm make
dir=$(mktemp -d)
at_exit rm -rf "$dir"

# --- one version -----------------------------------------------------------------------------

version=$(sed -n 's/^UVF_VERSION := //p' userspace/build.mk)
like "userspace/build.mk has the version" "$version" '^[0-9]+\.[0-9]+\.[0-9]+$'
is "debian/changelog" "$(sed -n '1s/^uvf (\(.*\)) .*/\1/p' debian/changelog)" "$version"
is "MODULE_VERSION" "$(sed -n 's/^#define UVF_VERSION "\(.*\)"/\1/p' kmod/netdev.h)" "$version"

# --- symbols: a new one needs its line, with the version that brings it ------------------------

symbols() { sed -n 's/^ \([^ ]*\)@.*/\1/p' debian/libuvf1.symbols; }
library() { nm -D --defined-only --format=just-symbols build/lib/libuvf.so | sed 's/@.*//'; }
is "debian/libuvf1.symbols names what libuvf.so has" \
	"$(symbols | sort | paste -s -d ' ')" "$(library | sort | paste -s -d ' ')"

# --- the range of kernels, as DKMS reads it ------------------------------------------------------

# dkms.conf is read in a function within the one whose `kernelver` hides that of DKMS itself: in
# Debian 12 it is empty, or another kernel that has the module already.
autoinstalls() { # kernel, the kernel that hides it
	local kernelver=$1
	dkms_conf "$2"
	[[ -n ${AUTOINSTALL:-} ]]
}
dkms_conf() {
	local kernelver=$1 kernel_source_dir=/nowhere dkms_tree=/nowhere
	unset AUTOINSTALL
	dkms_source
}
dkms_source() { . kmod/dkms.conf; }

for kernel in 6.1.0-50-amd64 6.6.30 6.9.7+bpo-rt-amd64 6.10.11 6.12.95+deb12-amd64 \
	7.2.13+deb14-amd64; do
	ok "$kernel is built for" autoinstalls "$kernel" ""
	like "$kernel matches" "$kernel" "$BUILD_EXCLUSIVE_KERNEL"
	not_ok "…which does not hang on another kernel" autoinstalls 5.10.0-32-amd64 "$kernel"
done
for kernel in 5.10.0-32-amd64 6.0.12 6.13.1 6.19.0 6.100.0 7.1.4 7.3.1 7.20.0 17.2.0 16.1.0; do
	not_ok "$kernel is left alone" autoinstalls "$kernel" ""
	not_ok "$kernel does not match" grep -qE "$BUILD_EXCLUSIVE_KERNEL" <<<"$kernel"
	ok "…which does not hang on another kernel" autoinstalls 6.1.0-50-amd64 "$kernel"
done
like "the package says the range" "$(cat debian/control)" 'from 6\.1 to 6\.12, and for 7\.2'

# --- make dkms-install, install and uninstall ------------------------------------------------------

make="make --no-print-directory -s"
ok "make dkms-install" $make dkms-install DESTDIR="$dir/dkms"
is "dkms.conf has the version" \
	"$(sed -n 's/^PACKAGE_VERSION=//p' "$dir/dkms/usr/src/uvf-$version/dkms.conf")" "\"$version\""
is "the module's sources are all there" \
	"$(cd "$dir/dkms/usr/src/uvf-$version" && find kmod -name '*.[ch]' | sort)" \
	"$(find kmod -name '*.[ch]' | sort)"
ok "make install" $make install DESTDIR="$dir/all" PREFIX=/usr
ok "the plug-in of ip is where ip looks" test -e "$dir"/all/usr/lib/*/ip/link_uvf.so
ok "make uninstall" $make uninstall DESTDIR="$dir/all" PREFIX=/usr
is "nothing is left" "$(find "$dir/all" ! -type d)" ""

# --- make intree -----------------------------------------------------------------------------------

linux=$dir/linux
mkdir -p "$linux"/{drivers/net,include/uapi/linux}
expect_fail "LINUX=" tests/lib/intree.sh ""
expect_fail "not the top of a kernel" tests/lib/intree.sh "$dir"
printf 'config NET\n' >"$linux/drivers/net/Kconfig"
printf 'obj-y += a.o\n' >"$linux/drivers/net/Makefile"
expect_fail "no place that is known" tests/lib/intree.sh "$linux" kmod/main.c
is "nothing changed" "$(find "$linux" -type f | wc -l)" 2
echo 'source "drivers/net/usb/Kconfig"' >>"$linux/drivers/net/Kconfig"
echo 'obj-$(CONFIG_VETH) += veth.o' >>"$linux/drivers/net/Makefile"
ok "make intree" $make intree LINUX="$linux"
ok "make intree, once more" $make intree LINUX="$linux"
is "Kconfig leads there, once" "$(grep -cxF 'source "drivers/net/uvf/Kconfig"' "$linux/drivers/net/Kconfig")" 1
is "Makefile leads there, once" "$(grep -cxF 'obj-$(CONFIG_UVF) += uvf/' "$linux/drivers/net/Makefile")" 1
ok "the sources are there" diff -r --exclude=dkms.conf --exclude=build.mk --exclude=Kconfig \
	kmod "$linux/drivers/net/uvf"
ok "Kconfig is there" cmp Kconfig "$linux/drivers/net/uvf/Kconfig"
ok "the interface's header is there" cmp include/uapi/linux/uvf.h "$linux/include/uapi/linux/uvf.h"

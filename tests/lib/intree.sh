#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# `make intree LINUX=DIRECTORY`: put the module into a kernel tree, where Kconfig offers it.
#
#   drivers/net/uvf/           the sources, Kbuild and Kconfig
#   include/uapi/linux/uvf.h   the interface
#   drivers/net/{Kconfig,Makefile}   a line each that leads there
#
# Once more brings the tree up to date. Nothing is built here.
#
#   intree.sh DIRECTORY SOURCE…      SOURCE: kmod/… or include/…
set -euo pipefail

die() { echo "make intree: $*" >&2; exit 1; }

# lead FILE ANCHOR LINE: LINE behind the line that begins with ANCHOR, unless it is there.
lead() {
	grep -qxF -- "$3" "$1" || sed -i "\|^$2|a $3" "$1"
}

tree=$1
shift
net=$tree/drivers/net
[[ -n $tree ]] || die "into which kernel tree? Say LINUX=DIRECTORY."
[[ -f $net/Kconfig && -f $net/Makefile && -d $tree/include/uapi/linux ]] ||
	die "'$tree' is not the top of a kernel's source tree."
usb='source "drivers/net/usb/Kconfig"'
veth='obj-$(CONFIG_VETH)'
grep -q "^$usb" "$net/Kconfig" && grep -q "^$veth" "$net/Makefile" ||
	die "drivers/net of '$tree' has no place that is known here; add uvf/ to its Kconfig and Makefile."

for f; do
	case $f in
	include/*) install -D -m 644 "$f" "$tree/$f" ;;
	kmod/*) install -D -m 644 "$f" "$net/uvf/${f#kmod/}" ;;
	esac
done
install -m 644 Kconfig "$net/uvf/Kconfig"
lead "$net/Kconfig" "$usb" 'source "drivers/net/uvf/Kconfig"'
lead "$net/Makefile" "$veth" 'obj-$(CONFIG_UVF) += uvf/'
echo "uvf is in $tree: choose CONFIG_UVF (Device Drivers, Network device support)."

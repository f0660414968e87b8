#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Put into the root of a VM what it takes to boot a virtual machine there:
#
#   nested.sh VERSION ROOT
#
# QEMU with its firmware, and in ROOT/uvf/build/guest a stock kernel and a small root in memory, with
# busybox, lspci, ethtool, and drivers of network cards as the kernel's package has them. What runs
# there is tests/lib/nested_job.sh. A VM in a VM is slow: all of it is as small as it can be. But QEMU
# translates the instructions by which an AMD processor runs guests (SVM), too: with KVM there, the inner
# one is not translated twice.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
top=$(cd "$here/../.." && pwd)
PATH=$PATH:/usr/sbin:/sbin
drivers=(e1000 8139too 8139cp virtio_net virtio_pci af_packet bonding)

die() { echo "nested.sh: $*" >&2; exit 1; }

kernel() { "$here/kernel.sh" path "$ver" "$1"; }

put_program() { # ROOT PROGRAM…
	local root=$1 program lib
	shift
	for program; do
		program=$(readlink -f "$(command -v "$program")") || die "there is no program $program"
		install -D "$program" "$root/usr/bin/${program##*/}"
		ldd "$program" 2>/dev/null | grep -oE '/[^ :]+\.so[^ :]*' | while read -r lib; do
			[[ -e $root/${lib/#\/lib/usr/lib} ]] ||
				install -D "$(readlink -f "$lib")" "$root/${lib/#\/lib/usr/lib}"
		done || true # a static one has none
	done
}

put_qemu() {
	local root=$1 file
	put_program "$root" qemu-system-x86_64
	for file in /usr/share/seabios/bios-256k.bin \
		/usr/share/qemu/{kvmvapic,linuxboot_dma,linuxboot,multiboot_dma}.bin; do
		[[ ! -e $file ]] || install -D -m 644 "$file" "$root/usr/share/qemu/${file##*/}"
	done
	for file in /usr/lib/*/qemu/accel-tcg-x86_64.so; do
		[[ ! -e $file ]] || install -D -m 644 "$file" "$root$file"
	done
}

put_modules() { # ROOT MODULE…
	local root=$1 rel src m file
	shift
	rel=$(kernel release)
	src=$(kernel modules)
	mkdir -p "$root/lib/modules/$rel"
	for m; do
		{ modprobe -d "${src%/lib/modules/*}" -S "$rel" --show-depends "$m" 2>/dev/null || true; } |
			sed -n 's/^insmod \([^ ]*\).*/\1/p'
	done | sort -u | while read -r file; do
		install -D "$file" "$root/lib/modules/$rel/${file#*"/modules/$rel/"}"
	done
	find "$root/lib/modules" -name '*.ko.xz' -exec xz -d {} +
}

put_drivers() {
	local root=$1 rel src
	rel=$(kernel release)
	src=$(kernel modules)
	put_modules "$root" "${drivers[@]}"
	cp "$src"/modules.{order,builtin,builtin.modinfo} "$root/lib/modules/$rel/"
	depmod -b "$root" "$rel"
}

guest_root() {
	local root=$1 d
	mkdir -p "$root"/usr/{bin,lib,lib64} "$root"/{dev,proc,sys,tmp,etc,run}
	for d in bin lib lib64; do ln -s "usr/$d" "$root/$d"; done
	ln -s usr/bin "$root/sbin"
	put_program "$root" busybox lspci ethtool curl
	[[ ! -e $top/build/bench/nic_guest ]] || put_program "$root" "$top/build/bench/nic_guest"
	for d in $(busybox --list); do
		[[ -e $root/usr/bin/$d ]] || ln -s busybox "$root/usr/bin/$d"
	done
	mkdir -p "$root/usr/share/misc"
	[[ ! -e /usr/share/misc/pci.ids ]] || put_ids >"$root/usr/share/misc/pci.ids"
	put_drivers "$root"
	install "$top/tests/lib/nested_job.sh" "$root/init"
}

# Of vendors that there are, and classes: a megabyte less to unpack.
put_ids() { awk '/^[^#\t]/ { keep = /^(1af4|8086|10ec|C )/ } keep' /usr/share/misc/pci.ids; }

[[ $# -eq 2 ]] || { sed -n '4,12s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2; exit 2; }
ver=$1 to=$2/uvf/build/guest
mkdir -p "$to"
put_qemu "$2"
put_modules "$2/usr" kvm_amd
cp "$(kernel vmlinuz)" "$to/vmlinuz"
guest_root "$to/root"
(cd "$to/root" && find . -print0 | LC_ALL=C sort -z | cpio --quiet -0 -o -H newc -R 0:0) >"$to/initrd"
rm -r "$to/root"

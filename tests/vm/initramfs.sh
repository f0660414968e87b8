#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Make the guest's root in two archives, which the kernel unpacks one after the
# other:
#
#   initramfs.sh base VERSION FILE    tools and kernel modules; made again only
#                                     when a tool, the kernel or this file changed
#   initramfs.sh tree VERSION FILE [WITH]    the built tree at /uvf, made for each run; WITH: what
#                                     vm.sh has --with for
#
# Neither is compressed: unpacking costs more under TCG than copying.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
top=$(cd "$here/../.." && pwd)
PATH=$PATH:/usr/sbin:/sbin

# Without these no test runs; deps.sh installs them ("vm").
required=(busybox bash ip ss tc bridge lspci setpci ethtool iperf3 ping kmod nsenter unshare
	  setpriv prlimit ps pgrep sysctl grep sed mawk find jq curl)
# Welcome where they are there.
optional=(tcpdump bpftool strace udevadm irqbalance)
# busybox's own are too different from these for scripts that also run on a host.
coreutils=(basename cat chgrp chmod chown cksum cmp comm cp cut date dd df diff dirname du env
	   expr false head hostname id install kill ln ls md5sum mkdir mkfifo mknod mktemp mv
	   nice nl nproc od paste printf pwd readlink realpath rm rmdir seq sha256sum sleep sort
	   split stat stdbuf stty tac tail tee test timeout touch tr true truncate tty uname uniq wc xargs
	   yes setsid taskset)
modules=(veth dummy macvlan macvtap ipvlan bridge tun 8021q bonding virtio_net virtio_pci
	 e1000 e1000e igb vmxnet3 sch_ingress cls_bpf cls_u32 cls_matchall act_mirred
	 act_gact act_bpf sch_netem xsk_diag vfio vfio_pci vfio_iommu_type1
	 af_packet configs fuse netdevsim virtio_console nf_tables pci-stub)

die() { echo "initramfs.sh: $*" >&2; exit 1; }

kernel() { "$here/kernel.sh" path "$ver" "$1"; }

# Put a program or library where the guest's loader looks for it.
put() {
	local file=$1 to=$2
	[[ -e $to ]] || install -D "$file" "$to"
}

# put_closure ROOT FILE…: the shared libraries these need, loader included. What
# comes from build/lib is found by its own path in the tree.
put_closure() {
	local root=$1 lib
	shift
	{ LD_LIBRARY_PATH=$top/build/lib ldd "$@" 2>/dev/null || true; } |
		grep -oE '/[^ :]+\.so[^ :]*' | sort -u | while read -r lib; do
		[[ $lib != "$top"/* && $lib != *: ]] || continue
		put "$lib" "$root/${lib/#\/lib/usr/lib}"
	done
}

put_tools() {
	local root=$1 t p files=()
	for t in "${required[@]}" "${coreutils[@]}" "${optional[@]}"; do
		if ! p=$(command -v "$t"); then
			[[ " ${optional[*]} ${coreutils[*]} " == *" $t "* ]] && continue
			die "the program '$t' is needed in the VM; install the packages of: tests/lib/deps.sh vm"
		fi
		[[ $p == /* ]] || p=$(type -P "$t") || continue
		put "$(readlink -f "$p")" "$root/usr/bin/$t"
		files+=("$p")
	done
	put_closure "$root" "${files[@]}"
	for t in modprobe insmod rmmod lsmod modinfo depmod; do ln -s kmod "$root/usr/bin/$t"; done
	ln -s mawk "$root/usr/bin/awk"
	ln -s pgrep "$root/usr/bin/pkill"
	ln -s bash "$root/usr/bin/sh"
	for t in $(busybox --list); do
		[[ -e $root/usr/bin/$t ]] || ln -s busybox "$root/usr/bin/$t"
	done
	# libxdp's dispatcher, which lets XDP programs stand beside each other
	for p in /usr/lib/*/bpf/*.o; do
		[[ ! -e $p ]] || put "$p" "$root$p"
	done
	[[ ! -e /usr/share/misc/pci.ids ]] ||
		put /usr/share/misc/pci.ids "$root/usr/share/misc/pci.ids"
}

put_modules() {
	local root=$1 rel src m f
	rel=$(kernel release)
	src=$(kernel modules)
	mkdir -p "$root/lib/modules/$rel" # a kernel may have all of them built in
	# modprobe of a module that this kernel lacks or has built in is no loss
	for m in "${modules[@]}"; do
		{ modprobe -d "${src%/lib/modules/*}" -S "$rel" --show-depends "$m" 2>/dev/null || true; } |
			sed -n 's/^insmod \([^ ]*\).*/\1/p'
	done | sort -u | while read -r f; do
		put "$f" "$root/lib/modules/$rel/${f#*"/modules/$rel/"}"
	done
	find "$root/lib/modules" -name '*.ko.xz' -exec xz -d {} +
	cp "$src"/modules.{order,builtin,builtin.modinfo} "$root/lib/modules/$rel/"
	depmod -b "$root" "$rel"
}

put_etc() {
	local root=$1
	mkdir -p "$root"/{dev,proc,sys,run,tmp,root,etc,var/tmp,usr/lib64}
	ln -s ../run "$root/var/run"
	printf '%s\n' 'root:x:0:0:root:/root:/bin/bash' \
		'nobody:x:65534:65534:nobody:/:/bin/false' \
		'appliance:x:990:990:uvf appliance:/:/bin/false' >"$root/etc/passwd"
	printf '%s\n' 'root:x:0:' 'nogroup:x:65534:' 'appliance:x:990:' >"$root/etc/group"
	printf '%s\n' '127.0.0.1 localhost' '::1 localhost' >"$root/etc/hosts"
	printf 'passwd: files\ngroup: files\nhosts: files\n' >"$root/etc/nsswitch.conf"
	for f in protocols services ethertypes; do
		[[ ! -e /etc/$f ]] || cp "/etc/$f" "$root/etc/"
	done
	[[ ! -d /etc/iproute2 ]] || cp -r /etc/iproute2 "$root/etc/"
	mkdir -p "$root/etc/iproute2"
}

pack() {
	(cd "$1" && find . -print0 | LC_ALL=C sort -z | cpio --quiet -0 -o -H newc -R 0:0) >"$2.new"
	mv "$2.new" "$2"
}

# What the base depends on, as text: a changed tool has another size or date.
base_key() {
	local t
	kernel modules
	cat "${BASH_SOURCE[0]}" "$here/init"
	for t in "${required[@]}" "${optional[@]}" "${coreutils[@]}"; do type -P "$t" || true; done |
		xargs stat -L -c '%n %s %Y'
}

base() {
	local file=$1 root=$1.root
	local key
	key=$(base_key)
	if [[ -e $file && $key == "$(cat "$file.key" 2>/dev/null)" ]]; then
		return
	fi
	rm -rf "$root"
	mkdir -p "$root"/usr/{bin,lib,lib64}
	local d
	for d in bin lib lib64; do ln -s usr/$d "$root/$d"; done
	ln -s bin "$root/usr/sbin"
	ln -s usr/bin "$root/sbin"
	put_etc "$root"
	put_tools "$root"
	put_modules "$root"
	install "$here/init" "$root/init"
	pack "$root" "$file"
	echo "$key" >"$file.key"
	rm -rf "$root"
}

# The tree keeps its layout, so that a script finds ../../build/bin/uvf in the
# guest as it does in the checkout.
tree() {
	local file=$1 root=$1.root rel ko d
	rel=$(kernel release)
	rm -rf "$root"
	mkdir -p "$root/uvf/build" "$root/usr/lib/x86_64-linux-gnu/ip"
	cp -a "$top/tests" "$root/uvf/"
	for d in bin lib bpf tests bench; do
		[[ ! -d $top/build/$d ]] || cp -a "$top/build/$d" "$root/uvf/build/"
	done
	# these run on the host, and would bring their libraries along
	rm -rf "$root"/uvf/build/{tests/unit,tests/personalities,bench/nics,bin/uvf-personality}
	if [[ -n $with ]]; then
		cp -a "$top/build/personalities" "$root/uvf/build/"
	else
		rm -f "$root/uvf/build/bin/uvf-vfio"
	fi
	if [[ -d $top/userspace/appliances ]]; then
		(cd "$top" && find userspace/appliances -name '*.conf' -exec cp --parents {} "$root/uvf/" \;)
	fi
	for ko in "build/kmod-$rel"/uvf{,-vfio}.ko; do
		[[ -e $top/$ko ]] || continue
		install -D "$top/$ko" "$root/uvf/$ko"
		strip --strip-debug "$root/uvf/$ko" # 4 MB that each insmod would read
		install -D "$root/uvf/$ko" "$root/usr/lib/modules/$rel/extra/${ko##*/}"
	done
	if [[ -e $top/build/lib/link_uvf.so ]]; then
		cp "$top/build/lib/link_uvf.so" "$root/usr/lib/x86_64-linux-gnu/ip/"
	fi
	find "$root/uvf/build" -type f -perm -u+x -exec sh -c '
		for f; do LC_ALL=C head -c4 "$f" | grep -q ELF && echo "$f"; done; :' sh {} + |
		{ mapfile -t bins; [[ ${#bins[@]} -eq 0 ]] || put_closure "$root" "${bins[@]}"; }
	[[ $with != guest ]] || "$here/nested.sh" "$ver" "$root"
	pack "$root" "$file"
	rm -rf "$root"
}

[[ $# -eq 3 || $# -eq 4 ]] || { sed -n '4,12s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2; exit 2; }
ver=$2
with=${4:-}
"$1" "$3"

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Stock Debian kernels to build against and to boot, without installing any.
#
#   kernel.sh fetch VERSION                             VERSION: 6.1, 6.12, 7.2 or debug
#   kernel.sh path VERSION vmlinuz|modules|kdir|release|chroot
#   kernel.sh source VERSION                            6.1 or 6.12: the kernel's own user space
#
# The packages are downloaded with apt (its signature checks included) under a
# state directory of our own, so that the system's package lists stay as they
# are, and are unpacked in build/kernels/VERSION/root. The debug kernel is built
# from Debian's sources: see debug-kernel.sh. For 7.2 there is more to unpack, a
# compiler among it: see newer-kernel.sh. `path VERSION chroot` is where to build
# for such a kernel, and nothing for others.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
out=$(cd "$here/../.." && pwd)/build

die() { echo "kernel.sh: $*" >&2; exit 1; }

usage() { sed -n '4,8s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2; exit 2; }

# Debian suites that carry each kernel; a backports suite also needs the suite
# it is built on.
suite_of() {
	case $1 in
	6.1) echo bookworm ;;
	6.12 | debug) echo bookworm-backports ;;
	7.2) echo sid ;;
	*) die "no kernel '$1' is known here; choose 6.1, 6.12, 7.2 or debug." ;;
	esac
}

# --- the private apt ------------------------------------------------------

# The machine's own mirror, as its sources configure it: "URI signing-key".
mirror_of() {
	local base=$1
	apt-get indextargets --format '$(RELEASE) $(COMPONENT) $(REPO_URI) $(SIGNED_BY)' \
		'Created-By: Packages' |
		awk -v base="$base" '$1 == base && $2 == "main" { print $3, $4; exit }'
}

# An index target names no key file where the Release file is not there yet, so
# every key that apt trusts or that Debian's keyring package brings is allowed.
write_sources() {
	local suite=$1 base uri
	base=${suite%-backports}
	# what has suites of Debian at all has those that move
	[[ $base != sid ]] || base=bookworm
	read -r uri _ < <(mirror_of "$base") || true
	[[ -n ${uri:-} ]] || die "the apt sources of this machine have no suite '$base' (main)," \
		"which carries the kernel $ver; add it to /etc/apt/sources.list and try again."
	local opt=""
	[[ -e /usr/share/keyrings/debian-archive-keyring.gpg ]] &&
		opt="[signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] "
	echo "deb ${opt}$uri $suite main" >"$apt/sources.list"
}

apt_opts() {
	apt=$dir/apt
	mkdir -p "$apt"/{lists/partial,cache/archives/partial}
	opts=(-q -o "Dir::State::lists=$apt/lists" -o "Dir::Cache=$apt/cache"
	      -o "Dir::Etc::sourcelist=$apt/sources.list" -o "Dir::Etc::sourceparts=/dev/null"
	      -o APT::Sandbox::User=root -o Acquire::Languages=none -o Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled=false
	      -o Acquire::Retries=3)
}

depends_of() {
	apt-cache "${opts[@]}" show --no-all-versions "$1" | sed -n 's/^Depends: //p' |
		tr ',' '\n' | sed 's/^ *//; s/ .*//'
}

# The package list of the suite that has our kernel.
apt_ready() {
	command -v apt-get dpkg-deb >/dev/null ||
		die "apt and dpkg are needed to fetch a Debian kernel; this system has none."
	apt_opts
	write_sources "$suite"
	apt-get "${opts[@]}" update >"$dir/fetch.log" 2>&1 ||
		die "the package list of $suite could not be fetched: $(grep -m1 '^[EW]:' "$dir/fetch.log")."
}

# --- unpacking ------------------------------------------------------------

# The headers refer to each other by absolute paths: point them into our root.
relocate_headers() {
	local kdir=$1 f link to
	for f in "$kdir/Makefile" "$root"/usr/src/linux-headers-*-common/Makefile; do
		[[ -f $f ]] || continue
		sed -i -E "s@(^|[ =])(/usr/(src|lib)/linux-)@\1$root\2@g" "$f"
	done
	while read -r link; do
		to=$(readlink "$link")
		case $to in
		/usr/*) ln -sfn "$root$to" "$link" ;;
		../lib/* | ../../lib/*) [[ -e $link ]] || ln -sfn "$root/usr/lib/${to##*lib/}" "$link" ;;
		esac
	done < <(find "$root/usr/src" -type l)
}

unpack() {
	local deb
	for deb in "$dir"/debs/*.deb; do
		# --keep-directory-symlink: older packages ship /lib, newer ones /usr/lib
		dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$root" --keep-directory-symlink
	done
}

fetch() {
	local image headers pkgs start=$SECONDS
	if [[ -e $dir/stamp ]] && [[ $(cat "$dir/stamp") == "$root" ]]; then
		return
	fi
	mkdir -p "$dir"
	echo "kernel.sh: fetching the kernel $ver of Debian $suite"
	apt_ready
	image=$(depends_of linux-image-amd64 | grep -m1 '^linux-image-') || true
	headers=$(depends_of linux-headers-amd64 | grep -m1 '^linux-headers-') || true
	[[ $image == linux-image-"$ver".* && -n $headers ]] ||
		die "the suite $suite has ${image:-no kernel} now, not $ver."
	mapfile -t pkgs < <(depends_of "$headers" | grep -E '^linux-(headers|kbuild)-')
	rm -rf "$dir/debs"
	mkdir -p "$dir/debs"
	(cd "$dir/debs" && apt-get "${opts[@]}" download "$image" "$headers" "${pkgs[@]}") \
		>>"$dir/fetch.log" 2>&1 ||
		die "the packages of the kernel $ver could not be fetched: see $dir/fetch.log."
	rm -rf "$root"
	mkdir -p "$root/usr/lib"
	ln -s usr/lib "$root/lib"
	unpack
	release=${image#linux-image-}
	relocate_headers "$root/usr/src/linux-headers-$release"
	depmod -b "$root" "$release" || die "depmod failed for $release: install the package kmod."
	echo "$release" >"$dir/release"
	rm -rf "$dir/debs" "$apt"
	echo "$root" >"$dir/stamp"
	echo "kernel.sh: $release is unpacked in build/kernels/$ver ($((SECONDS - start)) s)"
}

# Of the sources in Debian's package, what the kernel's own tools and tests are made of:
# build/kernels/VERSION/source, with the package's version in the file `version`.
fetch_source() {
	local pkg=linux-source-$ver src=$dir/source
	[[ ! -e $src/version ]] || return 0
	mkdir -p "$dir"
	echo "kernel.sh: fetching $pkg of Debian $suite"
	apt_ready
	rm -rf "$dir/debs" "$src"
	mkdir -p "$dir/debs" "$src"
	(cd "$dir/debs" && apt-get "${opts[@]}" download "$pkg") >>"$dir/fetch.log" 2>&1 ||
		die "the package $pkg could not be fetched: see $dir/fetch.log."
	dpkg-deb --fsys-tarfile "$dir"/debs/*.deb | tar -xO "./usr/src/$pkg.tar.xz" |
		tar -xJ --strip-components=1 -C "$src" "$pkg"/{tools,scripts,include} ||
		die "the sources in $pkg are not laid out as they were."
	dpkg-deb -f "$dir"/debs/*.deb Version >"$src/version"
	rm -rf "$dir/debs" "$apt"
}

path() {
	[[ -e $dir/stamp ]] || die "the kernel $ver is not here; run: tests/vm/kernel.sh fetch $ver"
	release=$(cat "$dir/release")
	case $1 in
	vmlinuz) ls "$root/boot/vmlinuz-$release" 2>/dev/null || ls "$root/usr/lib/modules/$release/vmlinuz" ;;
	modules) echo "$root/lib/modules/$release" ;;
	kdir) echo "${kdir:-$root/usr/src/linux-headers-$release}" ;;
	release) echo "$release" ;;
	chroot) [[ $suite != sid ]] || echo "$root" ;;
	*) usage ;;
	esac
}

[[ $# -ge 2 ]] || usage
ver=$2
suite=$(suite_of "$ver")
# Where it really is: checkouts may share one directory of kernels by a link.
dir=$(realpath -m "$out/kernels/$ver")
root=$dir/root
kdir=
case $suite:$ver in
*:debug) . "$here/debug-kernel.sh" ;;
sid:*) . "$here/newer-kernel.sh" ;;
esac
case $1 in
fetch) fetch ;;
source) fetch_source ;;
path) [[ $# -eq 3 ]] || usage; path "$3" ;;
*) usage ;;
esac

# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# A kernel of a suite newer than this system, whose headers need that suite's own compiler. To be
# sourced by kernel.sh, whose fetch() it replaces: build/kernels/VERSION/root then is a directory to
# chroot to, with kernel, modules, headers, compiler and make. The packages are unpacked and no
# script of theirs is run, so nothing has to be mounted there, and nothing ever is.
#
# The suite moves on: where it has gone beyond VERSION, a kernel of the same major version is taken
# in its place, and kernel.sh says so.
newer_tools=(make sparse base-files dash coreutils findutils diffutils sed grep mawk kmod)

newer_key() {
	echo "$root"
	echo "${newer_tools[@]}"
}

# apt resolves what these need as on a system that has nothing yet.
newer_download() {
	: >"$apt/status"
	apt-get "${opts[@]}" -o Dir::State::status="$apt/status" -o Debug::NoLocking=1 \
		install -y --download-only --no-install-recommends linux-headers-amd64 "${newer_tools[@]}" &&
		(cd "$dir/debs" && apt-get "${opts[@]}" download "$@") &&
		mv "$apt"/cache/archives/*.deb "$dir/debs/"
}

# An image may be a package of packages: kernel and modules.
image_parts() {
	depends_of "$1" | grep -E '^linux-(binary|modules)-' || echo "$1"
}

# Names that a package's script would have made.
newer_links() {
	local d
	for d in bin sbin lib lib64; do
		mkdir -p "$root/usr/$d"
		[[ -e $root/$d ]] || ln -s "usr/$d" "$root/$d"
	done
	ln -sf mawk "$root/usr/bin/awk"
	[[ -e $root/usr/bin/sh ]] || ln -s dash "$root/usr/bin/sh"
	mkdir -p "$root"/{dev,proc/self,tmp}
	# objtool asks where its stack ends, only to tell an overflow of it from other faults
	grep -F '[stack]' /proc/self/maps >"$root/proc/self/maps"
	[[ -c $root/dev/null ]] || mknod -m 666 "$root/dev/null" c 1 3 ||
		die "/dev/null can't be made in $root; the file system there must allow device files."
}

newer_works() {
	env -i PATH=/usr/sbin:/usr/bin chroot "$root" sh -c 'make --version && sparse --version' \
		>>"$dir/fetch.log" 2>&1
}

fetch() {
	local image start=$SECONDS parts
	if [[ -e $dir/stamp ]] && [[ $(cat "$dir/stamp") == "$(newer_key)" ]]; then
		return
	fi
	[[ $EUID -eq 0 ]] || die "the kernel $ver is built for in a chroot, which takes root."
	mkdir -p "$dir"
	exec 9>"$dir/lock"
	flock 9
	echo "kernel.sh: fetching the kernel $ver of Debian $suite, and its compiler"
	apt_ready
	image=$(depends_of linux-image-amd64 | grep -m1 '^linux-image-') || true
	[[ $image == linux-image-"${ver%%.*}".* ]] ||
		die "the suite $suite has ${image:-no kernel} now, which $ver can't stand for."
	mapfile -t parts < <(image_parts "$image")
	rm -rf "$dir/debs"
	mkdir -p "$dir/debs"
	newer_download "${parts[@]}" >>"$dir/fetch.log" 2>&1 ||
		die "the packages of the kernel $ver could not be fetched: see $dir/fetch.log."
	rm -rf "$root"
	newer_links
	unpack
	newer_links
	newer_works || die "make and sparse do not run in $root: see $dir/fetch.log."
	release=${image#linux-image-}
	depmod -b "$root" "$release" || die "depmod failed for $release: install the package kmod."
	echo "$release" >"$dir/release"
	rm -rf "$dir/debs" "$apt"
	newer_key >"$dir/stamp"
	[[ $release == "$ver".* ]] ||
		echo "kernel.sh: Debian $suite has gone beyond $ver: $release is what stands for it."
	echo "kernel.sh: $release is unpacked in build/kernels/$ver ($((SECONDS - start)) s)"
}

# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# A Debian 12 of its own in the directory $root, which the script names, for scripts in the checkout's
# top directory. Brings tap.sh.
#
#   $version             of the packages
#   clean_debian         debootstrap has just made it, or its archive in build/cache; ours are in /debs
#   in_root COMMAND…     with processes and mounts of its own, which go when the command has ended
#   apt_install PACKAGE…

. tests/lib/tap.sh
PATH=$PATH:/usr/sbin:/sbin
need debootstrap unshare
[[ $EUID -eq 0 ]] || skip_all "needs root, for a root directory of its own"

version=$(sed -n 's/^UVF_VERSION := //p' userspace/build.mk)
base=$PWD/build/cache/bookworm.tar

mirror=$(apt-get indextargets --format '$(RELEASE) $(REPO_URI)' 'Created-By: Packages' |
	sed -n 's/^bookworm //p' | head -n 1)
mirror=${mirror:-http://deb.debian.org/debian}

in_root() {
	unshare --mount --pid --fork --kill-child --mount-proc="$root/proc" \
		chroot "$root" env DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 "$@"
}

apt_install() { in_root apt-get -q install -y --no-install-recommends "$@"; }

clean_debian() {
	if [[ ! -e $base ]]; then
		mkdir -p "$(dirname "$base")"
		# it mounts /proc there, which must not be there any more should it fail
		unshare --mount --propagation private \
			debootstrap --variant=minbase bookworm "$root" "$mirror" &&
			tar -c -C "$root" -f "$base.new" . && mv "$base.new" "$base" || return
	else
		tar -x -C "$root" -f "$base" || return
	fi
	printf "deb $mirror %s main\n" bookworm bookworm-backports bullseye \
		>"$root/etc/apt/sources.list"
	echo force-unsafe-io >"$root/etc/dpkg/dpkg.cfg.d/unsafe"
	mkdir -p "$root/debs"
	cp build/deb/*.deb "$root/debs/"
	in_root apt-get -q update
}

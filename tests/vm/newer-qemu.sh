#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A QEMU of Debian 13, for the network cards that this system's own does not have (igb came with
# QEMU 8.0):
#
#   newer-qemu.sh fetch     fetch and unpack it, and all that it needs, in build/qemu
#   newer-qemu.sh path      the program; QEMU= tells vm.sh to use it
#
# Nothing of it is installed and no script of its packages is run: it is started by the loader that
# came with it, with its own libraries, firmware and modules.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
dir=$(realpath -m "$here/../../build/qemu")
root=$dir/root
suite=trixie
packages=(qemu-system-x86)

die() { echo "newer-qemu.sh: $*" >&2; exit 1; }

# The machine's own mirror has this suite too; `apt` checks its signature.
apt_ready() {
	local apt=$dir/apt uri key=/usr/share/keyrings/debian-archive-keyring.gpg opt=
	mkdir -p "$apt"/{lists/partial,cache/archives/partial}
	uri=$(apt-get indextargets --format '$(RELEASE) $(COMPONENT) $(REPO_URI)' \
		'Created-By: Packages' | awk '$1 == "bookworm" && $2 == "main" { print $3; exit }')
	[[ -n $uri ]] || die "the apt sources of this machine have no suite 'bookworm' (main)," \
		"whose mirror has QEMU 10 too; add it to /etc/apt/sources.list and try again."
	[[ ! -e $key ]] || opt="[signed-by=$key] "
	echo "deb ${opt}$uri $suite main" >"$apt/sources.list"
	: >"$apt/status"
	opts=(-q -o "Dir::State::lists=$apt/lists" -o "Dir::Cache=$apt/cache"
	      -o "Dir::State::status=$apt/status" -o Debug::NoLocking=1
	      -o "Dir::Etc::sourcelist=$apt/sources.list" -o "Dir::Etc::sourceparts=/dev/null"
	      -o APT::Sandbox::User=root -o Acquire::Languages=none -o Acquire::Retries=3)
	apt-get "${opts[@]}" update
}

unpack() {
	local deb d
	rm -rf "$root"
	for d in bin sbin lib lib64; do
		mkdir -p "$root/usr/$d"
		ln -s "usr/$d" "$root/$d"
	done
	for deb in "$dir"/apt/cache/archives/*.deb; do
		dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$root" --keep-directory-symlink
	done
}

# As its own system would start it: with what this machine has of libraries kept away from it.
write_starter() {
	local libs=$root/usr/lib/x86_64-linux-gnu
	cat >"$dir/qemu-system-x86_64" <<-END
		#!/bin/sh
		export QEMU_MODULE_DIR="$libs/qemu"
		exec "$root/lib64/ld-linux-x86-64.so.2" --library-path "$libs" \\
			"$root/usr/bin/qemu-system-x86_64" -L "$root/usr/share/qemu" \\
			-L "$root/usr/share/seabios" -L "$root/usr/lib/ipxe/qemu" "\$@"
	END
	chmod +x "$dir/qemu-system-x86_64"
}

fetch() {
	local start=$SECONDS
	if [[ -e $dir/stamp ]] && [[ $(cat "$dir/stamp") == "$root ${packages[*]}" ]]; then
		return
	fi
	command -v apt-get dpkg-deb >/dev/null ||
		die "apt and dpkg are needed to fetch Debian's QEMU; this system has none."
	mkdir -p "$dir"
	exec 9>"$dir/lock"
	flock 9
	echo "newer-qemu.sh: fetching QEMU of Debian $suite"
	apt_ready >"$dir/fetch.log" 2>&1 ||
		die "the package list of $suite could not be fetched: see $dir/fetch.log."
	apt-get "${opts[@]}" install -y --download-only --no-install-recommends \
		"${packages[@]}" >>"$dir/fetch.log" 2>&1 ||
		die "QEMU could not be fetched: see $dir/fetch.log."
	unpack
	write_starter
	"$dir/qemu-system-x86_64" -device igb,help >>"$dir/fetch.log" 2>&1 ||
		die "the QEMU fetched does not run, or has no igb: see $dir/fetch.log."
	rm -rf "$dir/apt"
	echo "$root ${packages[*]}" >"$dir/stamp"
	echo "newer-qemu.sh: $("$dir/qemu-system-x86_64" --version | head -n 1) is in build/qemu" \
		"($((SECONDS - start)) s)"
}

case ${1:-} in
fetch) fetch ;;
path) echo "$dir/qemu-system-x86_64" ;;
*) sed -n '4,12s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2; exit 2 ;;
esac

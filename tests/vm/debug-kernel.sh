# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# The debug kernel: Debian's sources of 6.12, a tiny configuration and debug.config. To be sourced
# by kernel.sh, whose fetch() it replaces. In build/kernels/debug:
#
#   src/     the sources, unpacked once
#   obj/     where they are built; what is built against it, module and all, needs both
#   root/    image and modules, as installed
#   stamp    what they were made of: built again only when that changes, and then only in part
kdir=$dir/obj
debug_source=linux-source-6.12
debug_log=$dir/build.log

# Kbuild remembers absolute paths, so the place matters too.
debug_key() {
	{
		echo "$root"
		cat "$dir/version"
		gcc --version | head -n 1
		grep '^CONFIG_' "$here/debug.config"
	} | sha256sum | cut -d' ' -f1
}

# stage TITLE COMMAND…
debug_stage() {
	echo "kernel.sh: debug: $1"
	"${@:2}" >>"$debug_log" 2>&1 || {
		grep -E '(error|Error)[: ]|No such file' "$debug_log" | tail -n 5 >&2
		die "$1: failed; the whole log is $debug_log."
	}
}

debug_make() { make -C "$dir/src" O="$kdir" "$@"; }

debug_download() {
	rm -rf "$dir/debs" && mkdir -p "$dir/debs" &&
		(cd "$dir/debs" && apt-get "${opts[@]}" download "$debug_source")
}

debug_unpack() {
	rm -rf "$dir/src" && mkdir "$dir/src" &&
		dpkg-deb --fsys-tarfile "$dir"/debs/*.deb |
		tar -xO "./usr/src/$debug_source.tar.xz" |
			tar -xJ --strip-components=1 -C "$dir/src" &&
		dpkg-deb -f "$dir"/debs/*.deb Version >"$dir/version" &&
		rm -rf "$dir/debs" "$apt"
}

debug_configure() {
	mkdir -p "$kdir" && debug_make tinyconfig &&
		grep '^CONFIG_' "$here/debug.config" >>"$kdir/.config" && debug_make olddefconfig
}

# What olddefconfig did not take: an option that has another name now, or needs another one.
debug_check_config() {
	local line refused=()
	while read -r line; do
		case $line in
		*=n) ! grep -q "^${line%=n}=" "$kdir/.config" ;;
		*) grep -qxF -- "$line" "$kdir/.config" ;;
		esac || refused+=("$line")
	done < <(grep '^CONFIG_' "$here/debug.config")
	[[ ${#refused[@]} -eq 0 ]] ||
		die "these lines of tests/vm/debug.config do not hold with Debian's $(cat "$dir/version");" \
			"look at what they depend on: ${refused[*]}."
}

debug_compile() { nice -n 10 make -C "$dir/src" O="$kdir" -j"$(nproc)" bzImage modules; }

debug_install() {
	release=$(cat "$kdir/include/config/kernel.release") && rm -rf "$root" &&
		debug_make INSTALL_MOD_PATH="$root" modules_install &&
		install -D -m 644 "$kdir/arch/x86/boot/bzImage" "$root/boot/vmlinuz-$release" &&
		echo "$release" >"$dir/release"
}

fetch() {
	local start=$SECONDS
	if [[ -e $dir/stamp ]] && [[ $(cat "$dir/stamp") == "$(debug_key)" ]]; then
		return
	fi
	mkdir -p "$dir"
	exec 9>"$dir/lock"
	flock 9
	: >"$debug_log"
	debug_stage "installing what it takes to build a kernel" "$here/../lib/deps.sh" debugkernel
	if [[ ! -e $dir/version ]]; then
		echo "kernel.sh: debug: fetching $debug_source of Debian $suite"
		apt_ready
		debug_stage "downloading the sources" debug_download
		debug_stage "unpacking them" debug_unpack
	fi
	debug_stage "configuring" debug_configure
	debug_check_config
	debug_stage "compiling: a quarter of an hour or more, the first time" debug_compile
	debug_stage "installing in build/kernels/debug/root" debug_install
	debug_key >"$dir/stamp"
	echo "kernel.sh: $release is in build/kernels/debug ($((SECONDS - start)) s)"
}

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The packages on a clean Debian 12, in a directory of its own: what is built, for which kernels,
# what happens when a kernel comes later that the module is not for, and what is left behind.
# Needs the packages in build/deb, and root. `make check-packages` runs it; it takes minutes.
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/platform/debian.sh
root=$PWD/build/packages/root
old=5.10 # Debian 11's, which the module is not for
declare -A release

traces() { (cd "$root" && find etc usr var/lib/dkms lib/modules boot -name '*uvf*' ! -path '*/kernel/*'); }
status_of() { in_root dkms status -m uvf -k "$1" 2>/dev/null | sed 's/.*: //'; }
module_of() { find "$root/lib/modules/$1/updates/dkms" -name 'uvf.ko*' 2>/dev/null; }
old_kernel() { in_root apt-cache depends linux-headers-amd64/bullseye | sed -n 's/.*Depends: linux-headers-//p'; }

has_module() { # kernel
	is "dkms: installed for $1" "$(status_of "$1")" installed
	is "its version" "$(in_root modinfo -k "$1" -F version uvf)" "$version"
	is "it is for that kernel" "$(in_root modinfo -k "$1" -F vermagic uvf | cut -d ' ' -f 1)" "$1"
}

has_none() { # kernel
	is "dkms: nothing for $1" "$(status_of "$1" | grep -E 'built|installed')" ""
	is "no module for $1" "$(module_of "$1")" ""
}

# A guest boots that kernel, and does the main job with this module.
loads() { # version of kernel.sh
	local ko
	mkdir -p "build/packages/$1"
	ko=build/packages/$1/uvf.ko
	case $(module_of "${release[$1]}") in
	*.xz) xz -dc "$(module_of "${release[$1]}")" >"$ko" ;;
	*) cp "$(module_of "${release[$1]}")" "$ko" ;;
	esac
	tests/vm/vm.sh --kernel "$1" --add "$ko:/root/uvf.ko" \
		--add "$ko:/uvf/build/kmod-${release[$1]}/uvf.ko" -- tests/platform/guest.sh
}

# --- the module ------------------------------------------------------------------------------------

for kernel in 6.1 6.12; do
	release[$kernel]=$(tests/vm/kernel.sh path "$kernel" release) ||
		bail_out "no kernel $kernel: tests/vm/kernel.sh fetch $kernel"
done
[[ -e build/deb/uvf-dkms_${version}_amd64.deb ]] || bail_out "no packages in build/deb: make deb"
rm -rf --one-file-system "$root"
mkdir -p "$root"
at_exit rm -rf --one-file-system "$root"

ok "a clean Debian 12" clean_debian
ok "headers of ${release[6.1]}" apt_install "linux-headers-${release[6.1]}"
ok "uvf-dkms" apt_install "/debs/uvf-dkms_${version}_amd64.deb"
has_module "${release[6.1]}"

release[$old]=$(old_kernel)
ok "then ${release[$old]}, kernel and headers" \
	apt_install "linux-headers-${release[$old]}" "linux-image-${release[$old]}"
has_none "${release[$old]}"
ok "then ${release[6.12]}, kernel and headers" \
	apt_install "linux-headers-${release[6.12]}" "linux-image-${release[6.12]}"
has_module "${release[6.12]}"
has_module "${release[6.1]}"
ok "uvf-dkms once more, with all three there" \
	apt_install --reinstall "/debs/uvf-dkms_${version}_amd64.deb"
has_module "${release[6.12]}"
has_none "${release[$old]}"
for kernel in 6.1 6.12; do
	ok "the main job in a VM, on $kernel with this module" loads "$kernel"
done
ok "the kernel ${release[6.12]} goes" in_root apt-get -q purge -y "linux-image-${release[6.12]}"
is "and its modules" "$(find "$root/lib/modules/${release[6.12]}" -name 'uvf*' 2>/dev/null)" ""

# --- user space --------------------------------------------------------------------------------------

ok "uvf, libuvf1, libuvf-dev" apt_install iproute2 gcc libc6-dev pkg-config \
	"/debs/uvf_${version}_amd64.deb" "/debs/libuvf1_${version}_amd64.deb" \
	"/debs/libuvf-dev_${version}_amd64.deb"
is "uvf" "$(in_root uvf --version)" "uvf $version"
is "uvfd" "$(in_root uvfd --version)" "uvfd $version"
is "the firewall" "$(in_root /usr/libexec/uvf/firewall --version)" "firewall (uvf) $version"
like "ip knows the link type" "$(in_root ip link help uvf 2>&1)" 'appliance'
is "uvfd is not enabled" "$(find "$root/etc/systemd" -name 'uvfd*')" ""
cat >"$root/root/appliance.c" <<-'C'
	#include <stdio.h>
	#include <uvf/libuvf.h>

	int main(void)
	{
		struct uvf *uvf;

		if (!uvf__open(&uvf, NULL))
			return 1;
		puts(uvf__why());
		return 0;
	}
C
ok "an appliance is compiled" in_root sh -c \
	'gcc -Wall -Werror -o /root/appliance /root/appliance.c $(pkg-config --cflags --libs libuvf)'
like "and runs" "$(in_root /root/appliance)" 'uvfd'

# --- nothing left -------------------------------------------------------------------------------------

ok "all of it goes" in_root apt-get -q purge -y uvf-dkms uvf libuvf1 libuvf-dev
is "nothing is left" "$(traces)" ""

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The units and the udev rule of the packages, run by systemd and udev: a Debian 12 with the packages
# installed boots in a VM, and tests/platform/systemd_guest.sh runs there.
# Needs the packages in build/deb, and root. `make check-packages` runs it.
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/platform/debian.sh
root=$PWD/build/packages/systemd
kernel=${KERNEL:-6.1}
release=$(tests/vm/kernel.sh path "$kernel" release) ||
	bail_out "no kernel $kernel: tests/vm/kernel.sh fetch $kernel"
[[ -e build/deb/uvf_${version}_amd64.deb ]] || bail_out "no packages in build/deb: make deb"
[[ -e build/kmod-$release/uvf.ko ]] || bail_out "no module for $release: make kmod KERNEL=$kernel"

# The test is a service as any other, and its end is the machine's.
guest_service() {
	cat >"$root/etc/systemd/system/uvf-test.service" <<-'UNIT'
		[Unit]
		Description=tests/platform/systemd_guest.sh
		[Service]
		ExecStartPre=/bin/stty -F /dev/ttyS1 raw -echo
		ExecStart=/bin/bash -c '/uvf/tests/platform/systemd_guest.sh >/dev/ttyS1 2>&1; \
			status=$$?; stty -F /dev/ttyS1 drain; echo $$status >/dev/ttyS2; \
			sync; poweroff -ff'
		[Install]
		WantedBy=multi-user.target
	UNIT
	in_root systemctl enable uvf-test.service && in_root systemctl mask serial-getty@ttyS0.service
}

# What has to be there before the first boot, and what need not be there at all.
image() {
	echo 0123456789abcdef0123456789abcdef >"$root/etc/machine-id"
	echo uvf-vm >"$root/etc/hostname"
	rm -rf "$root"/debs "$root"/var/lib/apt/lists/* "$root"/var/cache/apt/*
	rm -rf "$root"/usr/share/{doc,man,locale,i18n,zoneinfo}
	tar -c -C "$root" -f "$root.tar" .
}

rm -rf --one-file-system "$root"
mkdir -p "$root"
at_exit rm -rf --one-file-system "$root" "$root.tar"
ok "a clean Debian 12" clean_debian
ok "systemd, udev and the packages" apt_install systemd-sysv udev iproute2 iputils-ping ethtool jq \
	procps kmod "/debs/uvf_${version}_amd64.deb" "/debs/libuvf1_${version}_amd64.deb"
ok "the test as a service" guest_service
ok "an image" image
status=0
tests/vm/vm.sh --kernel "$kernel" --mem 2048 --timeout "${SYSTEMD_TIMEOUT:-600}" \
	--add tests/platform/systemd.init:/init --add "$root.tar:/debian.tar" \
	-- tests/platform/systemd_guest.sh | sed -u 's/^/# guest: /'
status=${PIPESTATUS[0]}
is "the guest's verdict" "$status" 0

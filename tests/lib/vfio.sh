# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Functions as VFIO devices. To be sourced after topology.sh.
#
#   vfio_need                           VFIO; before anything else: a kernel without skips it all
#   vfio_load                           uvf-vfio.ko, after module_load
#   vfio_pci NS fw0                     the PCI address of a function
#   vfio_bind PCI                       from the driver uvf to uvf-vfio; vfio_unbind PCI
#   vfio_process PCI OPTION…            tests/kselftest/vfio_process.c, in the foreground
#   vfio_serve PCI OPTION…              the same in the background, serving: $process
#   vfio_user PCI WORD…                 tests/kselftest/vfio_user.c
#   vfio_tiny PCI WORD…                 tests/kselftest/vfio_tiny.c
#   vfio_front FUNCTION ARG…            uvf front vfio on the host: $front, and what it says in
#                                       $tmp/FUNCTION.front
#   vfio_counted FUNCTION FIELD         what it has counted

vfio_need() {
	modprobe -q vfio
	modprobe -q vfio_iommu_type1
	[[ -e /dev/vfio/vfio ]] || skip_all "this kernel has no VFIO"
}

vfio_load() {
	local ko
	ko=$(module_path)
	ok "insmod uvf-vfio.ko" insmod "${ko%.ko}-vfio.ko"
	at_exit rmmod uvf-vfio
}

vfio_pci() { in_ns "$1" ip -j -d link show "$2" | jq -r '.[0].linkinfo.info_data.pci'; }

vfio_bind() {
	echo uvf-vfio >"/sys/bus/pci/devices/$1/driver_override"
	echo "$1" >/sys/bus/pci/drivers/uvf/unbind
	echo "$1" >/sys/bus/pci/drivers_probe
}

vfio_unbind() { echo "$1" >/sys/bus/pci/drivers/uvf-vfio/unbind; }

vfio_process() { "$top/build/tests/vfio_process" "$@"; }
vfio_user() { "$top/build/tests/vfio_user" "$@"; }

vfio_tiny() { "$top/build/tests/vfio_tiny" "$@"; }

vfio_front() {
	local function=$1
	shift
	: >"$tmp/$function.front"
	ns_spawn host uvf front vfio "$function" "$@" >"$tmp/$function.front" 2>&1
	front=$spawned
	if wait_for 10 grep -q ready "$tmp/$function.front"; then
		pass "uvf front vfio $function $*"
	else
		fail "uvf front vfio $function $*" "$(cat "$tmp/$function.front")"
		bail_out "there is no interface process to test"
	fi
}

vfio_counted() { in_ns host uvf front show --json "$1" | jq -r ".$2"; }

vfio_serve() {
	"$top/build/tests/vfio_process" "$@" >"$tmp/process" 2>&1 &
	process=$!
	at_exit end_child "$process"
	wait_for 10 grep -q serving "$tmp/process" || fail "it serves" "$(cat "$tmp/process")"
}

# client: eth0 ══ eth1 :host, on which there is fw0, whose PCI address is $pci
vfio_function() {
	vfio_need
	module_load
	vfio_load
	topology_make client host
	topology_wire client eth0 10.1.0.1/24 host eth1 10.1.0.2/24
	ok "a function" function_add host fw0 eth1 test
	pci=$(vfio_pci host fw0)
}

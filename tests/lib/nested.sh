# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# A virtual machine in the VM of the tests (vm.sh --with guest), whose network card is a function as a
# VFIO device, or any. To be sourced behind topology.sh. Brings vfio.sh, and machine.sh, whose words do the
# rest: machine, qmp, machine_boots.
#
#   nested_prepare               guest and QEMU are there; pipes to them
#   nested_start PCI [ARG…]      QEMU with that function: $vm; then machine_boots
#   nested_boot CARD [ARG…]      … with any card, as for -device
#   nested_end                   it ends
#   nested_serve                 at client: addresses by DHCP, a file by HTTP; $file_sum, $file_size

. "$top/tests/lib/vfio.sh"
. "$top/tests/lib/machine.sh"

# With KVM, which TCG translates; without, each of its instructions is translated twice.
nested_memory=160
nested_prepare() {
	[[ -e $top/build/guest/vmlinuz ]] || bail_out "no guest here: vm.sh --with guest"
	need qemu-system-x86_64
	depmod -a
	# Who waits sleeps: turning round (PAUSE) is slow under TCG, and counts where instructions do.
	modprobe -q kvm halt_poll_ns=0
	modprobe -q kvm_amd
	nested_accel=(-accel kvm -cpu host)
	nested_scale=4
	if [[ ! -w /dev/kvm ]]; then
		nested_accel=(-accel "tcg,thread=single" -cpu qemu64)
		nested_scale=20
	fi
	diag "${nested_accel[*]}"
	TIMEOUT_SCALE=$((${TIMEOUT_SCALE:-1} * nested_scale))
	machine_pipes
}

nested_start() { nested_boot "vfio-pci,sysfsdev=/sys/bus/pci/devices/$1" "${@:2}"; }

nested_boot() {
	local append card=$1
	shift
	append='console=ttyS0 panic=-1 quiet random.trust_cpu=on mitigations=off nokaslr no_timer_check'
	append+=' cryptomgr.notests net.ifnames=0 8250.nr_uarts=2 audit=0 selinux=0 apparmor=0'
	append+=' nowatchdog rcupdate.rcu_cpu_stall_timeout=600 clocksource=tsc tsc=reliable'
	append+=' ipv6.disable=1 initcall_debug=0'
	# A BAR can be mapped while a driver has it (tests/bench/nic_guest.c).
	append+=' iomem=relaxed'
	: >"$tmp/console"
	qemu-system-x86_64 -nodefaults -no-user-config -display none -vga none \
		"${nested_accel[@]}" -machine pc,usb=off -m $nested_memory \
		-kernel "$top/build/guest/vmlinuz" -initrd "$top/build/guest/initrd" -append "$append" \
		-qmp "pipe:$tmp/monitor" \
		-chardev "file,id=console,path=$tmp/console" -device "isa-serial,chardev=console,index=0" \
		-chardev "pipe,id=shell,path=$tmp/shell" -device "isa-serial,chardev=shell,index=1" \
		-device "$card,id=card,addr=3" "$@" \
		>"$tmp/qemu" 2>&1 &
	vm=$!
	at_exit end_child "$vm"
	qmp_tell qmp_capabilities
}

nested_end() {
	kill "$vm" 2>/dev/null
	wait "$vm" 2>/dev/null
	# What it said of its last breath is not the next one's.
	qmp_flush
}

# Lines that nobody has taken out of the pipes to it.
qmp_flush() {
	timeout 0.2 cat <&"$machine_qmp" >/dev/null
	timeout 0.2 cat <&"$machine_to" >/dev/null
}

nested_serve() {
	mkdir -p "$tmp/www"
	head -c "$1" /dev/urandom >"$tmp/www/file"
	file_size=$1
	file_sum=$(sha256sum <"$tmp/www/file" | cut -d ' ' -f 1)
	cat >"$tmp/udhcpd.conf" <<-END
		start 10.0.6.50
		end 10.0.6.59
		interface eth0
		pidfile $tmp/udhcpd.pid
		lease_file $tmp/udhcpd.leases
		option subnet 255.255.255.0
	END
	: >"$tmp/udhcpd.leases"
	ns_spawn client busybox udhcpd -f "$tmp/udhcpd.conf" >/dev/null 2>&1
	ns_spawn client busybox httpd -f -p 80 -h "$tmp/www" >/dev/null 2>&1
}

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A virtual machine with Debian's kernel, whose card is a function: an address by DHCP, a file by
# HTTP, a ping flood; and the interface process is killed in the middle of a download, which goes
# on over the same TCP connection.
#
#	wire 10.0.6.1 eth0 ══ eth1 (fw0)  host  uvf vm ── QEMU
#	udhcpd, httpd                                     guest 10.0.6.50
set -u
. "$(dirname "$0")/../lib/topology.sh"
. "$top/tests/lib/vhost.sh"
need ip nsenter ethtool jq busybox cpio ping
"$top/tests/vm/kernel.sh" path 6.1 vmlinuz >/dev/null 2>&1 ||
	skip_all "the kernel 6.1 is not here: tests/vm/kernel.sh fetch 6.1"
# QEMU 7.2 dies of a segmentation fault when Linux drives a vhost-user card under TCG, whatever the
# other side is: DPDK's net_vhost as well.
qemu=$("$top/tests/vm/newer-qemu.sh" path) && [[ -x $qemu ]] ||
	skip_all "QEMU 10 is not here: tests/vm/newer-qemu.sh fetch"

# --- the wire -------------------------------------------------------------------------------------

vhost_topology
mkdir "$tmp/www"
head -c 20000000 /dev/urandom >"$tmp/www/file"
wanted=$(sha256sum <"$tmp/www/file" | cut -d' ' -f1)
cat >"$tmp/udhcpd.conf" <<END_OF_CONF
start 10.0.6.50
end 10.0.6.50
interface eth0
lease_file $tmp/leases
pidfile $tmp/udhcpd.pid
option subnet 255.255.255.0
END_OF_CONF
: >"$tmp/leases"
ns_spawn wire busybox udhcpd -f "$tmp/udhcpd.conf" >"$tmp/udhcpd" 2>&1
ns_spawn wire busybox httpd -f -p 80 -h "$tmp/www" >"$tmp/httpd" 2>&1

# --- the guest ------------------------------------------------------------------------------------

job() {
	mkdir -p "$1/uvf-vm"
	echo "job_timeout=300 job_cards=1 job_scale=1" >"$1/uvf-vm/job"
	cat >"$1/uvf-vm/run" <<'END_OF_JOB'
modprobe -a virtio_pci virtio_net
ip link set eth0 up
printf '#!/bin/sh\n[ -z "$ip" ] || ip addr replace "$ip/24" dev eth0\n' >/tmp/bound
chmod +x /tmp/bound
udhcpc -i eth0 -s /tmp/bound -n -q -t 10 >/dev/null 2>&1
echo "address $(ip -4 -o addr show eth0 | mawk '{ print $4 }')"
echo "first $(curl -s http://10.0.6.1/file | sha256sum | cut -d' ' -f1)"
echo "second $(curl -s --limit-rate 2M http://10.0.6.1/file | sha256sum | cut -d' ' -f1)"
echo "tcp $(mawk '/^Tcp:/ { if (++n == 2) print $6 }' /proc/net/snmp)"
sleep 60
END_OF_JOB
}

initrd() {
	(
		mkdir -p "$top/build/vm"
		flock 9
		"$top/tests/vm/initramfs.sh" base 6.1 "$top/build/vm/base-6.1.cpio"
	) 9>"$top/build/vm/lock" || bail_out "no initramfs"
	job "$tmp/job"
	(cd "$tmp/job" && find . | cpio --quiet -o -H newc -R 0:0) >"$tmp/job.cpio"
	cat "$top/build/vm/base-6.1.cpio" "$tmp/job.cpio" >"$tmp/initrd"
	chmod 644 "$tmp/initrd"
}

initrd
append='console=ttyS0 panic=-1 loglevel=7 random.trust_cpu=on mitigations=off cryptomgr.notests'
append+=' nokaslr tsc=reliable no_timer_check net.ifnames=0 8250.nr_uarts=4'
: >"$tmp/said"
ns_spawn host uvf vm fw0 -- "$qemu" -nodefaults -no-user-config -display none -vga none \
	-no-reboot -accel tcg,thread=single -machine q35 -cpu max,la57=off -m 512 \
	-kernel "$("$top/tests/vm/kernel.sh" path 6.1 vmlinuz)" -initrd "$tmp/initrd" -append "$append" \
	-chardev "file,id=console,path=$tmp/console" -device isa-serial,chardev=console,index=0 \
	-chardev "file,id=out,path=$tmp/said" -device isa-serial,chardev=out,index=1 \
	-chardev "file,id=verdict,path=$tmp/verdict" -device isa-serial,chardev=verdict,index=2 \
	>"$tmp/vm" 2>&1 </dev/null
vm=$spawned

said() { tr -d '\r' <"$tmp/said" | sed -n "s/^$1 //p"; }
has_said() { [[ -n $(said "$1") ]]; }
front_pid() { in_ns host uvf front show --json fw0 | jq -r .pid; }

# A KVM within a virtual machine is not always one that works: TCG does everywhere.
boots() { has_said address || ! kill -0 "$vm"; }
wait_for 90 boots
has_said address || bail_out "no guest: $(tail -n 8 "$tmp/vm" "$tmp/console")"
pass "the guest boots"
is "its address is by DHCP" "$(said address)" 10.0.6.50/24
ok "it has fetched a file" wait_for 60 has_said first
is "which came as it was" "$(said first)" "$wanted"
sleep 3
first=$(front_pid)
ok "the interface process is killed in the middle of the next" kill -KILL "$first"
other_pid() { [[ $(front_pid) != "$first" ]] && kill -0 "$(front_pid)"; }
ok "another one goes on" wait_for 5 other_pid
not_ok "the file was not there before" has_said second
sleep 1
ok "and is killed" kill -KILL "$(front_pid)"
ok "the file comes" wait_for 60 has_said second
is "by the same connection, as it was" "$(said second)" "$wanted"
wait_for 10 has_said tcp
is "of two connections in all, none failed" "$(said tcp)" 2
in_ns wire ping -q -f -c 2000 -w 30 10.0.6.50 >"$tmp/ping"
like "a ping flood" "$(cat "$tmp/ping")" '^2000 packets transmitted, 2000 received, 0%'
ok "QEMU lives" kill -0 "$vm"
kill "$vm"
wait "$vm"
is "nobody has fw0" "$(in_ns host uvf show --json fw0 | jq .lease)" null
uvfd_stop

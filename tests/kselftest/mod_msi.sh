#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Where MSI-X can't be had there is MSI: with a module that has the PCI core forget MSI-X, made here
# for the kernel in KERNEL, and a function in a VM that works with the one, then with the other.
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../lib/tap.sh"
vm=$here/../vm
kernel=${KERNEL:-6.1}

type -P qemu-system-x86_64 >/dev/null || skip_all "qemu-system-x86_64 is not installed"
"$vm/kernel.sh" fetch "$kernel" >&2
[[ -z $("$vm/kernel.sh" path "$kernel" chroot) ]] || skip_all "modules for $kernel are built in a chroot"
dir=$(mktemp -d)
at_exit rm -rf "$dir"

"$vm/nomsix/build.sh" "$kernel" "$dir" >"$dir/make.log" 2>&1 ||
	bail_out "the module does not build: $(tail -n 3 "$dir/make.log")"

cat >"$dir/guest.sh" <<'GUEST'
#!/bin/bash
vectors() { grep -oE "fw0-(ctl|[0-9]+)$" /proc/interrupts | xargs; }
count() { awk '$NF == "fw0-0" { print $2 + $3 }' /proc/interrupts; }
kind() { (cd $device/msi_irqs && cat -- *) | sort -u | xargs; }
driver=/sys/bus/pci/drivers/uvf
set -e
ip link add eth0 type veth peer name eth1
ip link set eth0 up
ip link set eth1 up
insmod "/uvf/build/kmod-$(uname -r)/uvf.ko"
device=$(echo /sys/bus/pci/devices/1000?:00:00.0) pci=${device##*/}
ip link add link eth1 name fw0 type uvf queues 4
ip link set fw0 up
echo "first: $(kind) $(vectors)"
echo "$pci" >$driver/unbind
insmod /root/uvf_nomsix.ko
echo "$pci" >$driver/bind
echo "without MSI-X: $(kind) $(vectors)"
lspci -vv -s "$pci" | grep -E 'MSI|Masking'
irq=$(awk '$NF == "fw0-0" { sub(":", "", $1); print $1 }' /proc/interrupts)
echo 2 >/proc/irq/$irq/smp_affinity
before=$(count)
/uvf/build/tests/xsk kick fw0 100
echo "counted: $(($(count) - before))"
ethtool -L fw0 combined 16
echo "with 16 queues: $(kind) $(vectors | wc -w)"
echo "$pci" >$driver/unbind
rmmod uvf_nomsix
echo "$pci" >$driver/bind
echo "at last: $(kind) $(vectors | wc -w)"
rmmod uvf
GUEST
chmod +x "$dir/guest.sh"

ok "the guest" "$vm/vm.sh" --kernel "$kernel" --timeout 90 --add "$dir/uvf_nomsix.ko" -- "$dir/guest.sh"
said=$(cat "$tap_out")
like "MSI-X at first" "$said" '^first: msix fw0-ctl fw0-0 fw0-1 fw0-2 fw0-3$'
like "else MSI" "$said" '^without MSI-X: msi fw0-ctl fw0-0 fw0-1 fw0-2 fw0-3$'
like "five of 32 messages take eight" "$said" 'MSI: Enable\+ Count=8/32 Maskable\+ 64bit\+'
like "the others are masked" "$said" 'Masking: ffffffe0  Pending: 00000000'
like "MSI-X is off" "$said" 'MSI-X: Enable- Count=32 Masked-'
# by another processor than the one that kicks: what comes while one is pending is that one
like "a vector works" "$said" '^counted: [1-9][0-9]*$'
like "with all queues" "$said" '^with 16 queues: msi 17$'
like "MSI-X again" "$said" '^at last: msix 17$'

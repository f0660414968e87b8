#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# runs: vm
# vm: --smp 2 --timeout 400
#
# The VFIO face of a function: a user of the VFIO device, an interface process that plays a small
# device, and what passes between the two.
#
#	vfio_user ══ /dev/vfio/N ── uvf-vfio.ko ── /dev/uvf-vfio ══ vfio_process
#
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../lib/topology.sh"
. "$here/../lib/vfio.sh"

vfio_function
in_ns host ip link set fw0 up
expect_fail 'No such device' vfio_process "$pci"
vfio_bind "$pci"
is "lspci names the driver" "$(lspci -D -k -s "$pci" | sed -n 's/.*in use: //p')" uvf-vfio
ok "the netdev goes on without vectors" in_ns host ip link show fw0
is "nobody serves: it can't be opened" "$(vfio_user "$pci" info)" "device: ! ENXIO"

# --- what is declared, and what a user sees of it
vfio_serve "$pci" nobody
is "the process has no rights" "$(awk '/^CapEff/ { print $2 + 0 }' "/proc/$process/status")" 0
is "info" "$(vfio_user "$pci" info)" "regions 9 irqs 5 pci reset"
is "regions" "$(vfio_user "$pci" 'region 0' 'region 1' 'region 2' 'region 6' 'region 7' 'region 8')" \
	"size 16384 read write mmap 0x2000+0x1000
size 0
size 256 read write
size 2048 read
size 256 read write
size 0"
is "interrupts" "$(vfio_user "$pci" 'irq 0' 'irq 1' 'irq 2' 'irq 3' 'irq 4')" \
	"count 1 eventfd maskable automasked
count 4 eventfd
count 4 eventfd
count 0
count 1 eventfd"

# --- accesses
is "configuration space" "$(vfio_user "$pci" 'read 7 0 4' 'read 7 0 2' 'read 7 1 1' \
	'write 7 64 4 0x11223344' 'write 7 66 1 0x55' 'read 7 64 4' 'bulk 7 0 256')" \
	"0x56781234
0x1234
0x12
done
done
0x11553344
256 bytes, sum $((0x34 + 0x12 + 0x78 + 0x56 + 0x11 + 0x55 + 0x33 + 0x44))"
is "a BAR" "$(vfio_user "$pci" 'read 0 0 4' 'read 0 2 2' 'write 0 4 4 0xabcd' 'read 0 4 4' \
	'read 0 5 1')" "0xcafe0001
0xcafe
done
0xabcd
0xab"
is "eight bytes, where they are wanted" "$(vfio_user "$pci" 'write 2 0 8 0x1122334455667788' \
	'read 2 16 8' 'read 2 4 4' 'read 2 16 8' 'read 0 0 8')" "done
0x8
0x11223344
0x4
0xcafe0001"
is "the ROM" "$(vfio_user "$pci" 'read 6 0 2')" 0xaa55
is "an error of the process" "$(vfio_user "$pci" 'write 0 0x3c 4 28' 'read 0 0 4')" "! ENOSPC
0xcafe0001"
is "several at a time" "$(vfio_user "$pci" 'threads 8 0 0 200')" "all the same"
is "a reset" "$(vfio_user "$pci" 'write 0 4 4 1' reset 'read 0 4 4' | tail -n 1)" 0
like "opened and closed are told" "$(vfio_user "$pci" 'read 0 0x58 4' again 'read 0 0x58 4')" \
	'^0x[0-9a-f]+010[0-9a-f]$'

# --- direct pages
is "direct pages" "$(vfio_user "$pci" 'mmap 0 0x2000 4096' 'poke 8 0x1234' 'read 0 0x2008 4' \
	'write 0 0x54 4 0x77' 'peek 0' 'write 0 0x200c 4 0x99' 'peek 12')" "done
done
0x1234
done
0x77
done
0x99"

# --- doorbells
is "doorbells" "$(vfio_user "$pci" 'write 0 0x40 4 1' 'write 0 0x40 4 2' 'write 0 0x44 4 7' \
	'write 0 0x44 4 6' 'read 0 0x34 4' | tail -n 1)" 0x3

# --- interrupts
is "a vector" "$(vfio_user "$pci" 'listen 2 0 4' 'write 0 8 4 2' 'told 2 2' 'told 2 1 50' \
	'loop 2 1' 'told 2 1')" "done
done
1
0
done
1"
is "raised before anybody listened" "$(vfio_user "$pci" 'write 0 8 4 3' 'listen 2 0 4' 'told 2 3')" \
	"done
done
1"
is "no more after it is off" "$(vfio_user "$pci" 'listen 2 0 4' 'off 2' 'write 0 8 4 1' 'off 2' \
	'listen 2 0 4' 'told 2 1 50' | tail -n 1)" 0
is "through an eventfd" "$(vfio_user "$pci" 'listen 2 0 4' 'write 0 0x4c 4 1' 'told 2 1' \
	'write 0 0x50 4 0' 'told 2 1' | tail -n 3)" "1
done
1"
is "INTx is a level" "$(vfio_user "$pci" 'listen 0 0 1' 'write 0 0xc 4 1' 'told 0 0' \
	'told 0 0 50' unmask 'told 0 0' 'write 0 0xc 4 0' unmask 'told 0 0 50' | tail -n +3)" "1
0
done
1
done
done
0"
is "INTx: masked, and unmasked by an eventfd" "$(vfio_user "$pci" 'listen 0 0 1' mask \
	'write 0 0xc 4 1' 'told 0 0 50' unmaskfd 'told 0 0' 'write 0 0xc 4 0' | tail -n +4)" "0
done
1
done"

# --- memory
copy() { # command, from, to, length
	printf '%s\n' "write 0 0x10 4 $(($2 & 0xffffffff))" "write 0 0x14 4 $(($2 >> 32))" \
		"write 0 0x18 4 $(($3 & 0xffffffff))" "write 0 0x1c 4 $(($3 >> 32))" \
		"write 0 0x20 4 $4" "write 0 0x24 4 $1" 'read 0 0x28 4'
}
for way in 1 2; do
	mapfile -t words < <(
		echo 'map 0x100000000 0x10000'
		echo 'fill 0x100000000 20000 0x5a'
		copy $way $((0x100000004)) $((0x100008010)) 20000
		echo 'check 0x100008010 19990 0x5a'
		echo 'check 0x100000000 4 0x5a'
	)
	is "DMA, way $way" "$(vfio_user "$pci" "${words[@]}" | tail -n 3)" "0
as expected
as expected"
	mapfile -t words < <(
		echo 'map 0x10000 0x4000'
		copy $way 0x10000 0x13000 4096
		echo 'unmap 0x10000 0x4000'
		copy $way 0x10000 0x13000 4096
		echo 'map 0x10000 0x2000'
		copy $way 0x10000 0x11000 4096
		copy $way 0x11000 0x11800 4096
		echo 'map 0x20000 0x1000 ro'
		copy $way 0x20000 0x10000 4096
		copy $way 0x10000 0x20000 4096
	)
	is "DMA, way $way: not mapped, mapped anew, to be read only" \
		"$(vfio_user "$pci" "${words[@]}" | grep -xE '0x[0-9a-f]+|0' | tr '\n' ' ')" \
		"0 0xe 0 0xe 0 0xe "
done
mapfile -t words < <(
	echo 'map 0x10000 0x3000'
	echo 'map 0x13000 0x1000 ro'
	for command in 3 4; do copy $command 0x10010 0 0x8000; echo 'read 0 0x20 4'; done
)
is "how much is mapped" "$(vfio_user "$pci" "${words[@]}" | grep '^0x' | tr '\n' ' ')" "0x3ff0 0x2ff0 "
is "what comes and goes under DMA" "$(vfio_user "$pci" 'churn 0x200000 200')" "200 times"

# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# A virtual machine with Debian's kernel, which does what the test says: lines go to a shell in it by
# a serial port (machine_job.sh), and to QEMU's monitor by QMP. To be sourced behind topology.sh.
#
#   machine_need                  skips the test where kernel or QEMU is not here
#   machine_initrd PROGRAM…       what it boots from, with these programs of the host
#   ${machine_args[@]}            QEMU's command line: $machine_qemu "${machine_args[@]}"
#   machine_pipes                 for who starts QEMU by himself: $tmp/shell and $tmp/monitor
#   machine_boots [SECONDS]       waits for the next `hello` of a shell in the guest
#   machine COMMAND…              runs it there; prints what it says, has its status
#   machine_tell COMMAND…         without waiting for its end; then
#   machine_answer                …
#   qmp COMMAND [JSON]            prints the answer; fails when it is an error
#   qmp_event NAME DEVICE         waits until QEMU has told of it

machine_memory=512

machine_need() {
	"$top/tests/vm/kernel.sh" path 6.1 vmlinuz >/dev/null 2>&1 ||
		skip_all "the kernel 6.1 is not here: tests/vm/kernel.sh fetch 6.1"
	# QEMU 7.2 dies of a segmentation fault when Linux drives a vhost-user card under TCG, whatever
	# the other side is: DPDK's net_vhost as well.
	machine_qemu=$("$top/tests/vm/newer-qemu.sh" path) && [[ -x $machine_qemu ]] ||
		skip_all "QEMU 10 is not here: tests/vm/newer-qemu.sh fetch"
}

# --- what it boots from ---------------------------------------------------------------------------

machine_programs() { # ROOT PROGRAM…
	local root=$1 program lib
	shift
	for program; do
		program=$(type -P "$program")
		install -D "$program" "$root/usr/bin/${program##*/}"
		ldd "$program" | grep -oE '/[^ :]+\.so[^ :]*' | while read -r lib; do
			install -D "$lib" "$root/${lib/#\/lib/usr/lib}"
		done
	done
}

machine_initrd() {
	local job=$tmp/job
	mkdir -p "$top/build/vm"
	(
		flock 9
		"$top/tests/vm/initramfs.sh" base 6.1 "$top/build/vm/base-6.1.cpio"
	) 9>"$top/build/vm/lock" || bail_out "no initramfs"
	mkdir -p "$job/uvf-vm"
	echo "job_timeout=600 job_cards=1 job_scale=1" >"$job/uvf-vm/job"
	cp "$top/tests/lib/machine_job.sh" "$job/uvf-vm/run"
	machine_programs "$job" "$@"
	(cd "$job" && find . | cpio --quiet -o -H newc -R 0:0) >"$tmp/job.cpio"
	cat "$top/build/vm/base-6.1.cpio" "$tmp/job.cpio" >"$tmp/initrd"
	rm -r "$job" "$tmp/job.cpio"
	chmod 644 "$tmp/initrd"
	machine_describe
}

# The guest's own measure is at the mercy of what else this machine does; tsc_khz.c tells more.
machine_clock() {
	local khz
	cc -O2 "$top/tests/vm/tsc_khz.c" -o "$tmp/tsc_khz" && khz=$("$tmp/tsc_khz") &&
		echo " tsc_early_khz=$khz"
}

# Whoever writes to them need not wait for QEMU, which opens them later.
machine_pipes() {
	local pipe
	for pipe in shell monitor; do
		mkfifo -m 666 "$tmp/$pipe.in" "$tmp/$pipe.out"
		: >"$tmp/$pipe.log"
		cat <>"$tmp/$pipe.out" >>"$tmp/$pipe.log" &
		at_exit end_child $!
	done
	exec {machine_to}<>"$tmp/shell.in" {machine_qmp}<>"$tmp/monitor.in"
	machine_hellos=0
}

# Not q35, on whose root bus nothing can be plugged in.
machine_describe() {
	local append
	append='console=ttyS0 panic=-1 loglevel=7 random.trust_cpu=on mitigations=off'
	append+=' cryptomgr.notests nokaslr tsc=reliable no_timer_check net.ifnames=0'
	append+=" 8250.nr_uarts=4$(machine_clock)"
	machine_pipes
	machine_args=(-nodefaults -no-user-config -display none -vga none
		-accel "tcg,thread=single" -machine pc -cpu "max,la57=off" -m $machine_memory
		-kernel "$("$top/tests/vm/kernel.sh" path 6.1 vmlinuz)" -initrd "$tmp/initrd"
		-append "$append" -qmp "pipe:$tmp/monitor"
		-chardev "file,id=console,path=$tmp/console" -device "isa-serial,chardev=console,index=0"
		-chardev "pipe,id=shell,path=$tmp/shell" -device "isa-serial,chardev=shell,index=1"
		-chardev "file,id=verdict,path=$tmp/verdict" -device "isa-serial,chardev=verdict,index=2")
	qmp_tell qmp_capabilities
}

# --- its shell ------------------------------------------------------------------------------------

machine_hello() {
	[[ $(grep -c '^hello' "$tmp/shell.log") -gt $machine_hellos ]] || ! kill -0 "$vm"
}

machine_boots() {
	local before=$machine_hellos
	wait_for "${1:-60}" machine_hello
	machine_hellos=$(grep -c '^hello' "$tmp/shell.log")
	[[ $machine_hellos -gt $before ]]
}

machine_tell() {
	machine_asked=${EPOCHREALTIME/[.,]/}
	echo "$machine_asked $*" >&"$machine_to"
}

machine_answer() {
	local n=$machine_asked
	wait_for 90 grep -q "^done $n " "$tmp/shell.log" || { echo "no answer"; return 1; }
	tr -d '\r' <"$tmp/shell.log" | sed -n "s/^$n: //p"
	return "$(tr -d '\r' <"$tmp/shell.log" | sed -n "s/^done $n //p")"
}

machine() {
	machine_tell "$@"
	machine_answer
}

# --- QEMU's monitor -------------------------------------------------------------------------------

qmp_tell() { # COMMAND [JSON]
	qmp_asked=${EPOCHREALTIME/[.,]/}
	jq -cn --arg c "$1" --argjson a "${2:-{\}}" --argjson id $qmp_asked \
		'{ execute: $c, arguments: $a, id: $id }' >&"$machine_qmp"
}

qmp_said() { tr -d '\r' <"$tmp/monitor.log" | jq -ce "select($1)"; }

qmp() {
	local answer
	qmp_tell "$@"
	wait_for 10 qmp_said ".id == $qmp_asked"
	answer=$(qmp_said ".id == $qmp_asked")
	echo "$answer"
	jq -e 'has("return")' <<<"$answer" >/dev/null
}

qmp_event() { wait_for 15 qmp_said ".event == \"$1\" and .data.device == \"$2\""; }

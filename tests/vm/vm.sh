#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Run a script in a virtual machine with a stock Debian kernel and the built tree.
#
#   vm.sh [OPTION]… -- SCRIPT [ARGUMENT]…
#
#   --kernel VERSION      6.1 (default), 6.12, 7.2 or debug
#   --qemu host|newer     newer: one that is fetched (newer-qemu.sh), for cards that this lacks
#   --smp N               processors, 2 by default
#   --mem MIB             memory, 1024 by default, the double for the debug kernel
#   --timeout SECONDS     from power-on to verdict, 300 by default, times TIMEOUT_SCALE
#   --accel auto|kvm|tcg  auto: KVM if a guest really boots under it, else TCG
#   --icount              guest time counts instructions; one processor
#   --wire MODEL[+MODEL]  two network cards joined by a cable; may be repeated
#   --env NAME=VALUE      set in the script's environment; may be repeated
#   --add HOST[:GUEST]    copy a file or directory into the guest; may be repeated
#   --log FILE            where the kernel's console goes
#   --with nics|guest     nics: with what presents network cards (uvf-vfio, personalities);
#                         guest: with these, and QEMU and a guest to boot there
#   --keep                leave the initramfs in build/vm for a look
#
# The script runs as root with /uvf, laid out as the checkout, as its directory;
# what it prints is printed here. The exit status is the script's, or 70 when the
# kernel complained, 71 for a hang, 72 for a guest that died without a verdict.
# TIMEOUT_SCALE, from the environment, is 1, or 5 for the debug kernel, which is slow.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
top=$(cd "$here/../.." && pwd)
vmdir=$top/build/vm

EXIT_COMPLAINT=70
EXIT_HANG=71
EXIT_DIED=72

# What a healthy kernel never says.
complaints='WARNING: (CPU|possible|bad|suspicious|inconsistent|lock|kernel stack|at )'
complaints+='|BUG: |BUG at |Oops: |[Gg]eneral protection fault|Kernel panic|KASAN|KFENCE|UBSAN|KCSAN'
complaints+='|possible circular|possible recursive|suspicious RCU|unregister_netdevice: waiting'
complaints+='|refcount_t: |soft lockup|hard LOCKUP|blocked for more than|self-detected stall'
complaints+='|detected stalls|scheduling while atomic|sleeping function called|unreferenced object'
complaints+='|kobject.*tried to|slab .*Objects remaining|page allocation failure|Call Trace:|list_(add|del) corruption'
# A watcher that closes its eyes.
complaints+='|ODEBUG disabled|debugging out of memory|dma-debug disabled|leak detector disabled|correctness validator'

die() { echo "vm.sh: $*" >&2; exit 2; }
usage() { sed -n '4,28s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2; exit 2; }

kernel=6.1 smp=2 mem='' timeout=300 accel=auto icount='' log='' keep='' with=''
wires=() adds=() envs=() qemu_of=host

parse() {
	while [[ $# -gt 0 ]]; do
		case $1 in
		--icount) icount=1; shift; continue ;;
		--keep) keep=1; shift; continue ;;
		--help | -h) usage ;;
		--) shift; break ;;
		-*) [[ $# -ge 2 ]] || die "the option $1 needs a value." ;;
		*) break ;;
		esac
		case $1 in
		--kernel) kernel=$2 ;;
		--qemu) qemu_of=$2 ;;
		--smp) smp=$2 ;;
		--mem) mem=$2 ;;
		--timeout) timeout=$2 ;;
		--accel) accel=$2 ;;
		--wire) wires+=("$2") ;;
		--env) envs+=("$2") ;;
		--add) adds+=("$2") ;;
		--log) log=$2 ;;
		--with) with=$2 ;;
		*) die "the option $1 is not known; see vm.sh --help." ;;
		esac
		shift 2
	done
	[[ $# -ge 1 ]] || usage
	if [[ $kernel == debug ]]; then : "${mem:=2048}" "${TIMEOUT_SCALE:=5}"; fi
	: "${mem:=1024}" "${TIMEOUT_SCALE:=1}"
	[[ $smp$mem$timeout =~ ^[0-9]+$ ]] || die "--smp, --mem and --timeout take whole numbers."
	[[ $TIMEOUT_SCALE =~ ^[1-9][0-9]*$ ]] ||
		die "TIMEOUT_SCALE is a whole number from 1 up, not '$TIMEOUT_SCALE'."
	timeout=$((timeout * TIMEOUT_SCALE))
	envs+=("TIMEOUT_SCALE=$TIMEOUT_SCALE")
	[[ $accel =~ ^(auto|kvm|tcg)$ ]] || die "--accel takes auto, kvm or tcg, not '$accel'."
	[[ -z $with || $with =~ ^(nics|guest)$ ]] || die "--with takes nics or guest, not '$with'."
	[[ $qemu_of =~ ^(host|newer)$ ]] || die "--qemu takes host or newer, not '$qemu_of'."
	[[ -f $1 ]] || die "there is no script '$1'."
	script=$(realpath "$1")
	shift
	args=("$@")
	local a
	for a in ${adds[@]+"${adds[@]}"}; do
		[[ -e ${a%%:*} ]] || die "there is no '${a%%:*}' to add."
	done
	[[ -z $icount ]] || { smp=1; accel=tcg; }
}

# --- acceleration ---------------------------------------------------------

# A guest whose init only powers off: proof that KVM boots this kernel here.
kvm_boots() {
	local probe=$vmdir/probe
	mkdir -p "$probe/root"
	cp "$(command -v busybox)" "$probe/root/busybox"
	printf '#!/busybox sh\n/busybox poweroff -f\n' >"$probe/root/init"
	chmod +x "$probe/root/init"
	(cd "$probe/root" && find . | cpio --quiet -o -H newc) >"$probe/initrd"
	# in a subshell: bash would report the killed job
	(timeout -s KILL 10 qemu-system-x86_64 -nodefaults -display none -no-reboot -accel kvm \
		-m 256 -kernel "$("$here/kernel.sh" path "$kernel" vmlinuz)" \
		-initrd "$probe/initrd" -append 'panic=-1 quiet' </dev/null; exit) >/dev/null 2>&1
}

# The answer is kept: the probe's limit would be paid by each run.
choose_accel() {
	local known=$vmdir/accel-$(uname -r)-$kernel
	[[ $accel == auto ]] || return 0
	mkdir -p "$vmdir"
	if [[ ! -e $known ]]; then
		if [[ -w /dev/kvm ]] && kvm_boots; then echo kvm; else echo tcg; fi >"$known"
	fi
	accel=$(cat "$known")
}

accel_args() {
	if [[ $accel == kvm ]]; then
		echo -accel kvm -cpu host
	elif [[ -n $icount ]]; then
		# each byte of a `rep movsb` would count as an instruction
		echo -accel tcg -cpu max,la57=off,erms=off,fsrm=off -icount shift=0
	elif [[ $kernel == 6.1 ]]; then
		echo -accel tcg,thread=multi -cpu max,la57=off
	else
		# several TCG threads once crashed a 6.12 guest
		echo -accel tcg,thread=single -cpu max,la57=off
	fi
}

# The guest's own measure is at the mercy of what else this machine does; tsc_khz.c tells more.
tell_clock() {
	local khz
	[[ $accel == tcg && -z $icount ]] || return 0
	(
		flock 9
		[[ $vmdir/tsc_khz -nt $here/tsc_khz.c ]] || "${CC:-cc}" -O2 "$here/tsc_khz.c" -o "$vmdir/tsc_khz"
	) 9>"$vmdir/lock"
	! khz=$("$vmdir/tsc_khz") || append+=" tsc_early_khz=$khz"
}

# --- the guest's files ----------------------------------------------------

guest_path() {
	case $1 in
	"$top"/*) echo "/uvf/${1#"$top"/}" ;;
	*) echo "/root/$(basename "$1")" ;;
	esac
}

write_job() {
	local root=$1 a from to
	mkdir -p "$root/uvf-vm"
	echo "job_timeout=$((timeout - timeout / 5)) job_cards=${#wires[@]} job_scale=$TIMEOUT_SCALE" \
		>"$root/uvf-vm/job"
	{
		for a in ${envs[@]+"${envs[@]}"}; do printf 'export %q\n' "$a"; done
		printf 'exec'
		printf ' %q' "$(guest_path "$script")" ${args[@]+"${args[@]}"}
		echo
	} >"$root/uvf-vm/run"
	[[ $script == "$top/tests/"* ]] || adds+=("$script:$(guest_path "$script")")
	for a in ${adds[@]+"${adds[@]}"}; do
		from=$(realpath "${a%%:*}")
		to=$(guest_path "$from")
		[[ $a != *:* ]] || to=${a#*:}
		mkdir -p "$root$(dirname "$to")"
		cp -a "$from" "$root$to"
	done
}

make_initrd() {
	local base=$vmdir/base-$kernel.cpio
	(
		flock 9
		"$here/initramfs.sh" base "$kernel" "$base"
	) 9>"$vmdir/lock"
	"$here/initramfs.sh" tree "$kernel" "$work/tree.cpio" "$with"
	write_job "$work/job"
	(cd "$work/job" && find . | cpio --quiet -o -H newc -R 0:0) >"$work/job.cpio"
	cat "$base" "$work/tree.cpio" "$work/job.cpio" >"$work/initrd"
	rm -r "$work/tree.cpio" "$work/job.cpio" "$work/job"
}

# --- run and judge --------------------------------------------------------

wire_args() {
	local i=0 m
	for m in ${wires[@]+"${wires[@]}"}; do
		printf '%s\n' -netdev "hubport,id=w${i}a,hubid=$i" -device "${m%+*},netdev=w${i}a" \
			-netdev "hubport,id=w${i}b,hubid=$i" -device "${m#*+},netdev=w${i}b"
		i=$((i + 1))
	done
}

# console: everything on the log, and no timer calibration or self-test that
# only costs time under TCG
append='console=ttyS0 panic=-1 oops=panic loglevel=7 random.trust_cpu=on mitigations=off nokaslr'
append+=' cryptomgr.notests tsc=reliable no_timer_check rcupdate.rcu_cpu_stall_timeout=120'
append+=' net.ifnames=0 selinux=0 apparmor=0 audit=0 nosoftlockup=0 8250.nr_uarts=4'

run_qemu() {
	local nics
	mapfile -t nics < <(wire_args)
	# shellcheck disable=SC2046 # a list of words
	timeout -k 3 "$timeout" "$qemu_program" -nodefaults -no-user-config -display none \
		-vga none -no-reboot $(accel_args) -smp "$smp" -m "$mem" \
		-kernel "$("$here/kernel.sh" path "$kernel" vmlinuz)" -initrd "$work/initrd" \
		-append "$append" ${nics[@]+"${nics[@]}"} \
		-chardev "file,id=console,path=$log" -device isa-serial,chardev=console,index=0 \
		-chardev stdio,id=out,signal=off -device isa-serial,chardev=out,index=1 \
		-chardev "file,id=verdict,path=$work/verdict" -device isa-serial,chardev=verdict,index=2 \
		</dev/null 2>"$work/qemu.err" &
	qemu=$!
	wait "$qemu" && qemu_status=0 || qemu_status=$?
	qemu=
}

# What the kernel said by itself, before init asked it who hangs.
console() { sed 's/\r$//; /uvf-vm: nearly out of time/q' "$log"; }

# grep(1) does not read to the end: what console() dies of then is no verdict.
excerpt() { { console || true; } | grep -E -B2 -A25 -m1 "$complaints" | sed 's/^/    /' >&2; }

tell() { echo "vm.sh: $*" >&2; echo "vm.sh: the kernel's log is ${log#"$top"/}" >&2; }

# From its serial line. On a busy machine it was once not there, though the output was; why is not
# known. The console tells it as well, by another way.
verdict() {
	local status
	status=$(tr -d '\r\n' <"$work/verdict" 2>/dev/null) || true
	[[ -n $status ]] || status=$(console | sed -n 's/.*uvf-vm: job ended with \([0-9]*\) .*/\1/p')
	echo "$status"
}

judge() {
	local status
	status=$(verdict)
	if console | grep -E "$complaints" >/dev/null; then
		tell "kernel complained${status:+ (the script itself ended with $status)}:"
		excerpt
		return $EXIT_COMPLAINT
	elif [[ $qemu_status -eq 124 || $qemu_status -eq 137 ]]; then
		tell "hang: no verdict within $timeout s; the last lines of the console:"
		tail -n 15 "$log" | sed 's/\r$//; s/^/    /' >&2
		return $EXIT_HANG
	elif [[ ! $status =~ ^[0-9]+$ ]]; then
		tell "the guest died without a verdict${qemu_status:+ (QEMU ended with $qemu_status)}."
		tail -n 5 "$work/qemu.err" "$log" | sed 's/\r$//; s/^/    /' >&2
		return $EXIT_DIED
	elif [[ $status -ne 0 && $status -ne 4 ]]; then
		tell "test failed: $(basename "$script") ended with $status."
	fi
	return "$status"
}

cleanup() {
	[[ -z ${qemu:-} ]] || kill "$qemu" 2>/dev/null || true
	[[ -z ${work:-} || -n $keep ]] || rm -rf "$work"
}

parse "$@"
for tool in qemu-system-x86_64 cpio busybox; do
	command -v $tool >/dev/null || die "the program '$tool' is missing; install it with: tests/lib/deps.sh vm"
done
"$here/kernel.sh" fetch "$kernel" >&2
qemu_program='qemu-system-x86_64'
if [[ $qemu_of == newer ]]; then
	"$here/newer-qemu.sh" fetch >&2
	qemu_program=$("$here/newer-qemu.sh" path)
fi
mkdir -p "$vmdir/logs"
work=$(mktemp -d "$vmdir/run.XXXXXX")
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
log=${log:-$vmdir/logs/$(basename "$script" .sh)-$kernel-$(date +%m%d-%H%M%S)-$$.log}
: >"$log"
choose_accel
tell_clock
make_initrd
run_qemu
judge

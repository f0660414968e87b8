#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The part of guest.sh that runs in the guest. Prints one JSON object a line.
#
#	eth0 ══ eth1				growth: f0 … f1023 (mode bridge)
#	         └─ fw0, fa, fb (mode bridge)
#	va ══ vb
#
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
measure=$here/../../build/bench/instructions
module=$here/../../build/kmod-$(uname -r)/uvf.ko
sizes=(64 1500)

instructions() { "$measure" "$@"; }
mac_of() { ip -j link show "$1" | jq -r '.[0].address'; }

# A job's object, with words of ours: add '{ contestant: "veth" }' COMMAND… jq starts when the job
# is over: there is one processor.
add() {
	local words=$1
	shift
	"$@" >/tmp/result
	jq -cM ". + $words" /tmp/result
}

quiet() { instructions settle >/dev/null; }

receive() { # CONTESTANT ENTRY DEVICE MODE [WORDS]
	local size
	for size in "${sizes[@]}"; do
		add "{ contestant: \"$1\" } + ${5:-{\}}" instructions receive "$2" "$3" "$4" "$size"
	done
}

relay() { # CONTESTANT FROM TO MODE [WORDS]
	local size
	for size in "${sizes[@]}"; do
		add "{ contestant: \"$1\" } + ${5:-{\}}" \
			instructions relay "$2" "$3" "$(mac_of "$3")" "$4" "$size"
	done
}

# --- memory and work, of all that runs ---------------------------------------------------------

# By builtins alone: a process would cost more than a function does.
look() { # the name of an associative array
	local key value rest list=(/sys/bus/pci/devices/1????:*)
	local -n at=$1
	at=([pci]=${#list[@]})
	[[ -e ${list[0]} ]] || at[pci]=0
	while read -r key value rest; do
		case $key in
		MemAvailable: | Slab: | Percpu:) at[${key%:}]=$value ;;
		esac
	done </proc/meminfo
	# Of all tasks and kernel threads, without the time that the processor was idle.
	while read -r key rest; do
		# shellcheck disable=SC2086 # fields
		[[ $key != cpu0 ]] || { set -- $rest; at[ran]=$7; }
	done </proc/schedstat
}

# As many functions as are wanted are spare, or there can be no more.
wait_for_pool() {
	local want=$((functions + 256)) i list
	[[ $want -lt 1024 ]] || want=1024
	for ((i = 0; i < 600; i++)); do
		list=(/sys/bus/pci/devices/1????:*)
		[[ ${#list[@]} -lt $want ]] || return 0
		sleep 0.1
	done
	echo "instructions.sh: the pool has ${#list[@]} functions, and should have $want." >&2
	return 1
}

# cost COMMAND…: what it took, and what it left behind, with $functions in use then
cost() {
	local -A before after
	quiet
	look before
	"$@"
	wait_for_pool
	sleep 0.1
	look after
	jq -cMn --argjson functions "$functions" --argjson made "$made" \
		--argjson pci $((after[pci] - before[pci])) \
		--argjson instructions $((after[ran] - before[ran])) \
		--argjson available_kib $((before[MemAvailable] - after[MemAvailable])) \
		--argjson slab_kib $((after[Slab] - before[Slab])) \
		--argjson percpu_kib $((after[Percpu] - before[Percpu])) \
		'{ job: "create", $functions, $made, $pci, $instructions, $available_kib, $slab_kib,
		   $percpu_kib }'
}

# --- the jobs ----------------------------------------------------------------------------------

wires() {
	busybox sysctl -q -w net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
	modprobe veth
	ip link add eth0 type veth peer name eth1
	ip link add va type veth peer name vb
	for link in eth0 eth1 va vb; do ip link set "$link" up; done
}

three_functions() {
	for link in fw0 fa fb; do
		ip link add link eth1 name $link type uvf mode bridge
		ip link set $link up
	done
	quiet
}

packets() {
	for size in "${sizes[@]}"; do
		add '{}' instructions inject "$size"
	done
	receive function fw0 fw0 zerocopy
	receive veth va vb copy
	relay function fa fb zerocopy
	relay veth va vb copy
}

make_functions() {
	local i
	for ((i = functions - made; i < functions; i++)); do
		echo "link add link eth1 name f$i type uvf mode bridge"
		echo "link set f$i up"
	done >/tmp/batch
	ip -batch /tmp/batch
}

# Where the instructions go: the functions of the kernel, for each job with small frames.
profiles() {
	local words
	export ROUNDS=100
	while read -r words; do
		echo "--- $words"
		# shellcheck disable=SC2086 # words
		"$here/../../build/bench/profile" "$measure" $words
	done <<-END
		receive fw0 fw0 zerocopy 64
		receive va vb copy 64
		relay fa fb $(mac_of fb) zerocopy 64
		relay va vb $(mac_of vb) copy 64
	END
}

growth() {
	local last=0 words
	functions=0 made=0
	cost insmod "$module" spare=256
	for functions in 1 16 64 256 1024; do
		made=$((functions - last))
		last=$functions
		cost make_functions
		words="{ functions: $functions }"
		receive function f0 f0 zerocopy "$words"
		[[ $functions -eq 1 ]] || relay function f0 f$((functions - 1)) zerocopy "$words"
	done
}

wires
case $1 in
packets)
	insmod "$module"
	three_functions
	packets ;;
profiles)
	insmod "$module"
	three_functions
	profiles ;;
growth)
	growth ;;
esac

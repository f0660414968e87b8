# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Turns and rounds: each contestant of $contestant_all has a turn in each round, odd rounds in their
# order and even ones in the reverse, so that drift of the machine hits all alike. To be sourced
# behind options.sh.
#
#   rounds_of ARG…      for each turn calls `$turns WHO ROUND ARG…` ($turns: turn, by default), which
#                       prints a line of JSON; they are gathered in the file $tmp/${turns}s
#   turn_line JSON BEFORE AFTER    what a turn prints
#   in_gen COMMAND…     on processor 0, in the namespace `gen`
#   machine             what this is measured on, as JSON

in_gen() { # COMMAND…, on processor 0
	local priority=()
	[[ $realtime == no ]] || priority=(chrt -f 1)
	in_ns gen "${priority[@]}" taskset -c 0 "$@"
}

mac_of() { # FUNCTION
	in_ns host ip -j link show "$1" | jq -r '.[0].address'
}

round() { # ROUND ARG…
	local i n=${#contestant_all[@]} turns=${turns:-turn}
	for ((i = 0; i < n; i++)); do
		"$turns" "${contestant_all[$(($1 % 2 ? i : n - 1 - i))]}" "$@" >>"$tmp/${turns}s"
	done
}

# Round 0 warms up.
rounds_of() { # ARG…
	local i
	for ((i = 0; i <= rounds; i++)); do
		[[ ! -t 2 ]] || printf '\r%s: round %d of %d \e[K' "$*" "$i" "$rounds" >&2
		round "$i" "$@"
	done
	[[ ! -t 2 ]] || printf '\r\e[K' >&2
}

# The process's time is added: what process_cpu() said before and after.
turn_line() { # JSON BEFORE AFTER
	local before after
	read -r -a before <<<"$2"
	read -r -a after <<<"$3"
	jq -c --argjson run $((after[0] - before[0])) --argjson wait $((after[1] - before[1])) \
		--argjson user $((after[2] - before[2])) --argjson system $((after[3] - before[3])) \
		'. + { run_ns: $run, wait_ns: $wait, $user, $system }' <<<"$1"
}

machine() {
	jq -n --arg kernel "$(uname -r)" --argjson rounds "$rounds" --argjson ms "$ms" \
		--arg processor "$(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -n 1)" \
		--argjson processors "$(nproc)" --arg load "$(cut -d ' ' -f 1 /proc/loadavg)" \
		--arg dpdk "$(dpkg-query -W -f '${Version}' dpdk-dev)" \
		--arg realtime "$realtime" \
		'{ kernel: $kernel, processor: $processor, processors: $processors, dpdk: $dpdk,
		   load: ($load | tonumber), rounds: $rounds, turn_ms: $ms,
		   realtime: ($realtime != "no") }'
}

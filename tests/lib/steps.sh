# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Show work as steps instead of a wall of output. To be sourced:
#
#   step "Building the module" make kmod     put a step on the list
#   steps_run                                do them all; stop at the first failure
#
#     [ 3/9] Building the module … ok (12 s)
#
# What a step prints goes to build/logs/NAME.log; its end is shown when it fails.

steps_top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
steps_logs=$steps_top/build/logs
steps_titles=()
steps_commands=()

step() {
	steps_titles+=("$1")
	shift
	steps_commands+=("$(printf '%q ' "$@")")
}

steps_log_of() {
	local name
	name=$(tr '[:upper:] ' '[:lower:]-' <<<"$1" | tr -cd '[:alnum:].\n-')
	echo "$steps_logs/$name.log"
}

# On a terminal the seconds count while a step runs.
steps_wait() {
	local pid=$1 head=$2 start=$SECONDS
	while [[ -t 1 ]] && kill -0 "$pid" 2>/dev/null; do
		printf '\r%s … %d s' "$head" $((SECONDS - start))
		sleep 0.5
	done
	[[ ! -t 1 ]] || printf '\r%s … \e[K' "$head"
	wait "$pid"
}

steps_do() { # number, title, command
	local head log status=0 start=$SECONDS
	head=$(printf '[%2d/%d] %s' "$1" "${#steps_titles[@]}" "$2")
	log=$(steps_log_of "$2")
	mkdir -p "$steps_logs"
	[[ -t 1 ]] || printf '%s … ' "$head"
	(eval "$3") </dev/null >"$log" 2>&1 &
	steps_pid=$!
	steps_wait "$steps_pid" "$head" || status=$?
	steps_pid=
	if [[ $status -eq 0 ]]; then
		printf 'ok (%d s)\n' $((SECONDS - start))
		return 0
	fi
	printf 'FAILED (%d s)\n' $((SECONDS - start))
	tail -n 30 "$log" | sed 's/^/        /'
	echo "        the whole log: ${log#"$steps_top"/}"
	return "$status"
}

steps_run() {
	local i
	trap '[[ -z ${steps_pid:-} ]] || kill "$steps_pid" 2>/dev/null; exit 130' INT TERM
	for i in "${!steps_titles[@]}"; do
		steps_do $((i + 1)) "${steps_titles[i]}" "${steps_commands[i]}" || return
	done
}

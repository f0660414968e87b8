# SPDX-License-Identifier: GPL-2.0-only
# From the turns of veth.sh, one object each, to what it prints. Round 0 warms up and is left out.

include "figures";

# It can't have worked for longer than it ran: the rest it waited for the processor.
def busy: [.busy_ns / ([.counted, 1] | max), cpu] | min;

# Of all rounds: the kernel tells user and system time in hundredths of a second.
def user_share: (map(.user) | add) / ([map(.user + .system) | add, 1] | max);

def result: {
	job: .[0].job, size: .[0].size, who: .[0].who,
	frames_per_second: map(rate) | spread,
	taken_share: (if .[0].job == "transmit" then null
		else map(.frames / .sent.frames) | spread end),
	busy_ns_per_frame: map(busy) | spread,
	cpu_ns_per_frame: map(cpu) | spread,
	user_ns_per_frame: ((map(busy) | spread | .median) * user_share),
	waited_share: map(.wait_ns / 1e9 / .sent.seconds) | spread
};

def ratio($turns; $who; $to): {
	who: $who, to: $to,
	of_medians: {
		frames_per_second: of_medians($turns; $who; $to; middle(rate)),
		busy_ns_per_frame: of_medians($turns; $who; $to; middle(busy)),
		cpu_ns_per_frame: of_medians($turns; $who; $to; middle(cpu)),
		user_ns_per_frame: of_medians($turns; $who; $to; middle(busy) * user_share) },
	frames_per_second: ratios_of_rounds($turns; $who; $to; rate)
};

def ratios: . as $turns |
	(("testpmd", "testpmd-busypoll") as $to | ratio($turns; "uvf"; $to)),
	ratio($turns; "uvf-sleep"; "testpmd") |
	{ job: $turns[0].job, size: $turns[0].size } + .;

def latency: {
	load: .[0].load, who: .[0].who,
	frames_per_second: map(.sent / .seconds) | sort | median,
	median_us: map(.median_ns / 1000) | spread,
	p999_us: map(.p999_ns / 1000) | spread,
	lost_share: (1 - (map(.received) | add) / (map(.sent) | add))
};

{ machine: $machine,
  results: [$turns | map(select(.round > 0)) | group_by(.job, .size)[] | group_by(.who)[] | result],
  ratios: [$turns | map(select(.round > 0)) | group_by(.job, .size)[] | ratios],
  latencies: [$probes | map(select(.round > 0)) | group_by(.load)[] | group_by(.who)[] | latency] }

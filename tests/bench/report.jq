# SPDX-License-Identifier: GPL-2.0-only
# From the turns of veth.sh, one object each, to what it prints. Round 0 warms up and is left out.

def median: (.[(length - 1) / 2 | floor] + .[length / 2 | floor]) / 2;
def spread: sort | { min: .[0], median: median, max: .[-1] };
def rate: .frames / .sent.seconds;
def busy: .busy_ns / .frames;

def result: {
	job: .[0].job, size: .[0].size, who: .[0].who,
	frames_per_second: map(rate) | spread,
	taken_share: map(.frames / .sent.frames) | spread,
	busy_ns_per_frame: map(busy) | spread,
	# A program that spins takes a whole processor, whatever there is to do.
	cpu_ns_per_frame: (if .[0].who == "uvf-sleep" then map(.run_ns / .frames) | spread else null end),
	waited_share: map(.wait_ns / 1e9 / .sent.seconds) | spread
};

# Of the same round, so that what disturbs the machine for longer than a round cancels out.
def ratio($turns; $who; $to):
	[.[] as $round | $turns | map(select(.round == $round)) |
		{ us: .[] | select(.who == $who), them: .[] | select(.who == $to) }] |
	{ who: $who, to: $to, frames_per_second: map((.us | rate) / (.them | rate)) | spread,
	  busy_ns_per_frame: map((.us | busy) / (.them | busy)) | spread };

def ratios: . as $turns | (map(.round) | unique) as $rounds |
	(("testpmd", "testpmd-busypoll") as $to | $rounds | ratio($turns; "uvf"; $to)),
	($rounds | ratio($turns; "uvf-sleep"; "testpmd")) |
	{ job: $turns[0].job, size: $turns[0].size } + .;

map(select(.round > 0)) |
{ machine: $machine,
  results: [group_by(.job, .size)[] | group_by(.who)[] | result],
  ratios: [group_by(.job, .size)[] | ratios] }

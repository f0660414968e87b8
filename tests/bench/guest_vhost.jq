# SPDX-License-Identifier: GPL-2.0-only
# From the turns of guest_vhost.sh, one object each, to what it prints. Round 0 warms up and is left out.

include "figures";

def processor: .sent.watched_ns / ([.frames, 1] | max);

# Of its own count: the frames of the whole turn, not of the time that was watched.
def of_moved(field): map(.itself | field as $what | if $what then $what / ([.moved, 1] | max)
	else null end) | spread | if . then .median else null end;

def result: {
	job: .[0].job, load: .[0].load, size: .[0].size, who: .[0].who,
	frames_per_second: map(rate) | spread,
	taken_share: (if .[0].sent.frames == 0 then null
		else map(.frames / .sent.frames) | spread end),
	cpu_ns_per_frame: map(processor) | spread,
	busy_ns_per_frame: of_moved(.busy_ns),
	copied_per_frame: of_moved(.copied),
	system_share: ((map(.system) | add) / ([map(.user + .system) | add, 1] | max)),
	waited_share: map(.wait_ns / 1e9 / .sent.seconds) | spread
};

def ratio($turns; $who; $to): {
	job: $turns[0].job, load: $turns[0].load, size: $turns[0].size, who: $who, to: $to,
	of_medians: {
		frames_per_second: of_medians($turns; $who; $to; middle(rate)),
		cpu_ns_per_frame: of_medians($turns; $who; $to; middle(processor)) },
	frames_per_second: ratios_of_rounds($turns; $who; $to; rate),
	cpu_ns_per_frame: ratios_of_rounds($turns; $who; $to; processor)
};

def ratios: . as $turns | (map(.who) | unique) as $all |
	("testpmd", "testpmd-busypoll") as $to | ("shim", "copy") as $who |
	select([$who, $to] - $all == []) | ratio($turns; $who; $to);

def groups: map(select(.round > 0)) | group_by(.job, .load, .size)[];

{ machine: $machine,
  results: [$turns | groups | group_by(.who)[] | result],
  ratios: [$turns | groups | ratios] }

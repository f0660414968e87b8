# SPDX-License-Identifier: GPL-2.0-only
# What figures are made of: of turns, one object each, of several contestants (who) in several rounds.

def median: (.[(length - 1) / 2 | floor] + .[length / 2 | floor]) / 2;
def spread: map(values) | sort |
	if . == [] then null else { min: .[0], median: median, max: .[-1] } end;
def rate: .frames / .sent.seconds;
def cpu: .run_ns / ([.counted, 1] | max);

def of_medians($turns; $who; $to; figure):
	def of($name): $turns | map(select(.who == $name)) | figure;
	of($to) as $them | if $them > 0 then of($who) / $them else null end;
def middle(figure): map(figure) | sort | median;

# Of the same round, so that what disturbs the machine for longer than a round cancels out.
def ratios_of_rounds($turns; $who; $to; figure):
	[$turns | map(.round) | unique[] as $round | $turns | map(select(.round == $round)) |
		{ us: .[] | select(.who == $who), them: .[] | select(.who == $to) }] |
	map((.them | figure) as $them | if $them > 0 then (.us | figure) / $them else null end) |
	spread;

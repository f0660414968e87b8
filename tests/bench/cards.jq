# SPDX-License-Identifier: GPL-2.0-only
# From what cards_vm.sh printed to the table of cards.sh, with tabs.

# What got lost was waited for: that is no rate.
def of($who; $card; $job; $size; $field):
	first(.[] | select(.who == $who and .card == $card and .job == $job and .size == $size and
		(.lost // 0) == 0) | .[$field]) // null;

def shown: if . == null then "-" else . end;
def thousands: if . then . / 100 | round / 10 else null end;
def rate: if . then 1e9 / . | round else null end;
# Of rates: above 1, ours is faster.
def ratio($ours; $theirs): if $ours and $theirs then $theirs / $ours * 100 | round / 100 else null end;

def row($card; $what; $job; $size; $field):
	of("uvf"; $card; $job; $size; $field) as $ours | of("qemu"; $card; $job; $size; $field) as $theirs |
	["\($card), \($what)", ($ours | thousands), ($theirs | thousands), ($ours | rate), ($theirs | rate),
	 ratio($ours; $theirs)];

def rows($card):
	row($card; "register read"; "registers"; 0; "read"),
	row($card; "register write"; "registers"; 0; "write"),
	(("transmit", "receive", "echo") as $job | (60, 1514) as $size |
	 row($card; "\($job) \($size)"; $job; $size; "each"));

def driver($who; $card): of($who; $card; "driver"; 0; "driver") | shown;

def lost: map(select((.lost // 0) > 0)) |
	if . == [] then empty
	else [""], (.[] | ["\(.card), \(.who), \(.job) \(.size): \(.lost) lost, so no figure"]) end;

.kernel as $kernel | .qemu as $qemu | .results | (map(.card) | unique) as $cards |
["", "ours", "QEMU's", "ours/s", "QEMU's/s", "ratio"],
(rows($cards[])),
[""],
["Linux \($kernel), QEMU \($qemu); thousand instructions each, and so many a second of 10^9"],
($cards[] as $card | ["\($card): driven by \(driver("uvf"; $card)), QEMU's by \(driver("qemu"; $card))"]),
lost |
map(shown | tostring) | join("\t")

# SPDX-License-Identifier: GPL-2.0-only
# From what instructions.sh printed to a table of guest.sh, `packets` or `growth`, with tabs.

def round1: . * 10 | round / 10;
def of($job; $contestant; $size):
	first(.[] | select(.job == $job and .size == $size and .functions == null and
			   (.contestant // "") == $contestant) | .median);
def verdict($ratio; $bound): if $ratio <= $bound then "met" else "not met" end;

def row($name; $size; $function; $veth; $bound):
	($function / $veth) as $ratio |
	[$name, $size, ($function | round), ($veth | round), ($ratio * 1000 | round / 1000),
	 if $bound then $bound, verdict($ratio; $bound) else "", "" end];

def packets:
	. as $r |
	["instructions a packet", "bytes", "function", "veth", "ratio", "bound", ""],
	((64, 1500) as $size | ($r | of("inject"; ""; $size)) as $inject |
	 ($r | of("receive"; "function"; $size)) as $function |
	 ($r | of("receive"; "veth"; $size)) as $veth |
	 row("receive"; $size; $function - $inject; $veth - $inject; 0.80),
	 row("  with making the frame"; $size; $function; $veth; null)),
	((64, 1500) as $size |
	 row("appliance to appliance"; $size; $r | of("relay"; "function"; $size);
	     $r | of("relay"; "veth"; $size); 0.20));

def each($made): if $made > 0 then . / $made | round1 else "" end;

def growth:
	. as $r |
	["functions", "made", "PCI made", "k instr. each", "KiB each", "slab", "percpu", "receive 64",
	 "receive 1500", "relay 64", "relay 1500"],
	($r[] | select(.job == "create") | . as $c |
	 ([.made, .pci] | max) as $each |
	 def cost($job; $size): first(($r[] | select(.job == $job and .functions == $c.functions and
		.size == $size) | .median | round), "");
	 [.functions, .made, .pci, (.instructions / 1000 | each($each)),
	  (.available_kib | each($each)), (.slab_kib | each($each)), (.percpu_kib | each($each)),
	  cost("receive"; 64), cost("receive"; 1500), cost("relay"; 64), cost("relay"; 1500)]);

.results |
if $table == "packets" then select(any(.job == "inject")) | packets
else select(any(.job == "create")) | growth end |
map(tostring) | join("\t")

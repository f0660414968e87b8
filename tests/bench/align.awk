# SPDX-License-Identifier: GPL-2.0-only
# Columns apart by tabs, beneath each other: the first to the left, numbers to the right. A line without
# a tab is no table's.
BEGIN { FS = "\t" }
{
	for (i = 1; i <= NF; i++) {
		cell[NR, i] = $i
		if (NF > 1 && length($i) > width[i])
			width[i] = length($i)
	}
	cells[NR] = NF
}
END {
	for (row = 1; row <= NR; row++) {
		printf "%-*s", (cells[row] > 1 ? width[1] : 0), cell[row, 1]
		for (i = 2; i <= cells[row]; i++)
			printf "  %*s", width[i], cell[row, i]
		print ""
	}
}

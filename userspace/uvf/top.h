/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UVF_TOP_H
#define UVF_TOP_H

#include "rates.h"

struct top {
	struct facts facts;
	struct rates rates;
	unsigned int milliseconds; /* between two looks */
	unsigned int count; /* of looks; 0: until interrupted */
	char **names;
	int nr_names;
};

/* "1.2M"; @text has room for 16. */
const char *top_number(double value, char *text);

/* "37%", or "-": not known. */
const char *top_share(double share, char *text);

/* Sorts by @key, 0: by name, else one of RATE_*; RATE_DROPS: by all drops. */
enum top_key { TOP_BY_NAME, TOP_BY_RX, TOP_BY_TX, TOP_BY_BITS, TOP_BY_DROPS, TOP_KEYS };
void top_sort(struct top *top, enum top_key key);

/* The full-screen display; the exit status. */
int top_screen(struct top *top);

#endif /* UVF_TOP_H */

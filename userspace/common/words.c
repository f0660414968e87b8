// SPDX-License-Identifier: GPL-2.0-only
#include "words.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "why.h"

const struct uvf_unit uvf_units_bits[] = {
	{ "", 1 }, { "bit", 1 }, { "k", 1000 }, { "kbit", 1000 }, { "m", 1000000 },
	{ "mbit", 1000000 }, { "g", 1000000000 }, { "gbit", 1000000000 }, { NULL, 0 },
};
const struct uvf_unit uvf_units_bytes[] = {
	{ "", 1 }, { "b", 1 }, { "k", 1 << 10 }, { "kb", 1 << 10 }, { "m", 1 << 20 },
	{ "mb", 1 << 20 }, { "g", 1 << 30 }, { "gb", 1 << 30 }, { NULL, 0 },
};
const struct uvf_unit uvf_units_frames[] = {
	{ "", 1 }, { "k", 1000 }, { "m", 1000000 }, { NULL, 0 },
};

int uvf_number(const char *text, const struct uvf_unit *units, uint64_t least, uint64_t most,
	       uint64_t *value)
{
	char *end;
	double amount = strtod(text, &end);

	if (end == text || strspn(text, "0123456789.") != (size_t)(end - text))
		return uvf_fail(EINVAL, "'%.40s' is not a number", text);
	for (; units->name; units++) {
		if (strcasecmp(units->name, end))
			continue;
		amount *= units->factor;
		if (amount < least || amount > most)
			return uvf_fail(EINVAL, "'%.40s' is out of range: %llu to %llu", text,
					(unsigned long long)least, (unsigned long long)most);
		*value = amount;
		return 0;
	}
	return uvf_fail(EINVAL, "'%.40s' is not a unit", end);
}

int uvf_words(char *text, char **words, int most)
{
	char *rest = text, *word;
	int count = 0;

	while (count < most && (word = strtok_r(rest, " \t", &rest)))
		words[count++] = word;
	return count;
}

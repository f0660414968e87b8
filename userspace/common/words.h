/* SPDX-License-Identifier: GPL-2.0-only */
/* What people write: words between blanks, and numbers with a unit. */
#ifndef UVF_WORDS_H
#define UVF_WORDS_H

#include <stdint.h>

struct uvf_unit {
	const char *name; /* NULL ends the list; case does not matter */
	uint64_t factor;
};

/* As tc(8) has them: thousands of bits and of frames, 1024s of bytes. */
extern const struct uvf_unit uvf_units_bits[], uvf_units_bytes[], uvf_units_frames[];

/* 0, or -EINVAL with a sentence. */
int uvf_number(const char *text, const struct uvf_unit *units, uint64_t least, uint64_t most,
	       uint64_t *value);

/* Splits @text, which is changed; the number of words, at most @most. */
int uvf_words(char *text, char **words, int most);

#endif /* UVF_WORDS_H */

// SPDX-License-Identifier: GPL-2.0-only
#include "limit.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <uvf/steer.h>

#include "why.h"
#include "words.h"

#define WORDS_MAX 8 /* one more than any text has that is right */

const char *const uvf_direction_words[] = { "rx", "tx" };

static const char *const mirror_words[] = { "off", "rx", "tx", "both" };

_Static_assert(sizeof(uvf_direction_words) / sizeof(uvf_direction_words[0]) == UVF_DIRECTIONS,
	       "a word for each");
_Static_assert(sizeof(mirror_words) / sizeof(mirror_words[0]) ==
	       (UVF_MIRROR_RX | UVF_MIRROR_TX) + 1, "a word for each");

/* --- limits -------------------------------------------------------------------------------- */

static int parse_word(const char *word, const char *text, struct uvf_limit_words *limit)
{
	uint64_t value = 0;
	int err;

	if (!strcmp(word, "rate"))
		return uvf_number(text, uvf_units_bits, UVF_RATE_MIN, UVF_RATE_MAX, &limit->rate);
	if (!strcmp(word, "pps"))
		return uvf_number(text, uvf_units_frames, 1, UVF_PPS_MAX, &limit->pps);
	if (strcmp(word, "burst"))
		return uvf_fail(EINVAL, "'%.40s' is not a word of a limit: rate, pps, burst", word);
	err = uvf_number(text, uvf_units_bytes, 64, UVF_BURST_MAX, &value);
	limit->burst = value;
	return err;
}

int uvf_limit_parse_words(int count, char **words, struct uvf_limit_words *limit)
{
	int err = 0;

	memset(limit, 0, sizeof(*limit));
	if (count == 1 && !strcmp(words[0], "off"))
		return 0;
	for (int i = 0; !err && i < count; i += 2)
		err = i + 1 < count ? parse_word(words[i], words[i + 1], limit) :
			uvf_fail(EINVAL, "'%.40s' is said, and not how much", words[i]);
	if (!err && !limit->rate && !limit->pps)
		return uvf_fail(EINVAL, "a limit is a rate, a number of frames a second (pps), or "
					"both; or off");
	if (!err && limit->burst && !limit->rate)
		return uvf_fail(EINVAL, "a burst is one of bytes, and needs a rate");
	return err;
}

/* Words, at most WORDS_MAX, of a copy of @text; or -EINVAL with a sentence. */
static int split(const char *text, char *copy, char **words)
{
	if (strlen(text) >= UVF_LIMIT_TEXT)
		return uvf_fail(EINVAL, "'%.40s…' is too long", text);
	strcpy(copy, text);
	return uvf_words(copy, words, WORDS_MAX);
}

int uvf_limit_parse(const char *text, struct uvf_limit_words *limit)
{
	char copy[UVF_LIMIT_TEXT], *words[WORDS_MAX];
	int count = split(text, copy, words);

	return count < 0 ? count : uvf_limit_parse_words(count, words, limit);
}

const char *uvf_limit_text(const struct uvf_limit_words *limit, char *text)
{
	char burst[24] = "", rate[32] = "", pps[32] = "";

	if (limit->rate)
		snprintf(rate, sizeof(rate), "rate %" PRIu64 " ", limit->rate);
	if (limit->pps)
		snprintf(pps, sizeof(pps), "pps %" PRIu64 " ", limit->pps);
	if (limit->burst)
		snprintf(burst, sizeof(burst), "burst %u ", limit->burst);
	snprintf(text, UVF_LIMIT_TEXT, "%s%s%s", rate, pps, burst);
	if (!*text)
		strcpy(text, "off ");
	text[strlen(text) - 1] = '\0';
	return text;
}

/* --- mirrors ------------------------------------------------------------------------------- */

static int parse_direction(const char *word, uint32_t *flags)
{
	for (uint32_t i = 1; i < sizeof(mirror_words) / sizeof(mirror_words[0]); i++) {
		if (strcmp(word, mirror_words[i]))
			continue;
		*flags = i;
		return 0;
	}
	return uvf_fail(EINVAL, "'%.40s' is not a direction: rx, tx or both", word);
}

int uvf_mirror_parse_words(int count, char **words, struct uvf_mirror_words *mirror)
{
	memset(mirror, 0, sizeof(*mirror));
	if (count == 1 && !strcmp(words[0], "off"))
		return 0;
	if (count < 2 || count > 3 || strcmp(words[0], "to"))
		return uvf_fail(EINVAL, "say where to: `to FUNCTION [rx|tx|both]`, or off");
	if (strlen(words[1]) >= sizeof(mirror->to))
		return uvf_fail(EINVAL, "'%.40s' can't name a function: %d characters at most",
				words[1], IFNAMSIZ - 1);
	strcpy(mirror->to, words[1]);
	return parse_direction(count == 3 ? words[2] : "both", &mirror->flags);
}

int uvf_mirror_parse(const char *text, struct uvf_mirror_words *mirror)
{
	char copy[UVF_LIMIT_TEXT], *words[WORDS_MAX];
	int count = split(text, copy, words);

	return count < 0 ? count : uvf_mirror_parse_words(count, words, mirror);
}

const char *uvf_mirror_direction(uint32_t flags)
{
	return mirror_words[flags & (UVF_MIRROR_RX | UVF_MIRROR_TX)];
}

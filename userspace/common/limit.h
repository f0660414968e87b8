/* SPDX-License-Identifier: GPL-2.0-only */
/* A rate limit and a mirror as people write them: to `uvf limit`, `uvf mirror` and uvf.conf(5). */
#ifndef UVF_LIMIT_H
#define UVF_LIMIT_H

#include <net/if.h>

#include "proto.h"

#define UVF_LIMIT_TEXT 96 /* bytes that any has */

extern const char *const uvf_direction_words[]; /* of enum uvf_direction */

/* "rate 10mbit pps 5k burst 64k", some of these, or "off", which is zeroes. */
int uvf_limit_parse(const char *text, struct uvf_limit_words *limit);
int uvf_limit_parse_words(int count, char **words, struct uvf_limit_words *limit);
const char *uvf_limit_text(const struct uvf_limit_words *limit, char *text);

/* "to ids0 rx", "to ids0 both", "to ids0", which is both; or "off", which is no flag. */
struct uvf_mirror_words {
	char to[IFNAMSIZ];
	uint32_t flags; /* UVF_MIRROR_RX, UVF_MIRROR_TX */
};

int uvf_mirror_parse(const char *text, struct uvf_mirror_words *mirror);
int uvf_mirror_parse_words(int count, char **words, struct uvf_mirror_words *mirror);
const char *uvf_mirror_direction(uint32_t flags);

#endif /* UVF_LIMIT_H */

/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UVF_CONFIG_APPLY_H
#define UVF_CONFIG_APPLY_H

#include "config.h"
#include "uvf.h"

struct apply {
	struct facts facts;
	bool dry; /* only tell */
	unsigned int changes; /* told */
};

/* Whether all of it can be; touches nothing. 0 or -errno, with a sentence. */
int apply_check(struct apply *apply, const struct config *config);
/* What is other than it is to be, a line for each change. */
int apply_all(struct apply *apply, const struct config *config);

#endif /* UVF_CONFIG_APPLY_H */

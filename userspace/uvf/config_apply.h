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

/* Tells a change, and counts it. */
__attribute__((format(printf, 3, 4))) void apply_tell(struct apply *apply, const char *name,
						      const char *format, ...);
/* Whether there is such a function. */
bool apply_find(struct apply *apply, const char *name, struct fact *fact);

/* --- config_settings.c: what uvfd keeps ------------------------------------------------------- */

int settings_check(struct apply *apply, const struct config *config,
		   const struct config_function *wanted);
/* When all functions are there: a mirror is between two. */
int settings_set(struct apply *apply, const struct config_function *wanted);

/* --- config_show.c ---------------------------------------------------------------------------- */

/* Prints what there is, in the syntax of the file. */
int config_show(void);

#endif /* UVF_CONFIG_APPLY_H */

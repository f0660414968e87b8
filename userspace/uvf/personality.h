/* SPDX-License-Identifier: GPL-2.0-only */
/* uvf personality: what its parts share. */
#ifndef UVF_PERSONALITY_CMD_H
#define UVF_PERSONALITY_CMD_H

#include "uvf.h"

struct complaints;

/* The personality named, and whether as JSON. */
struct personality_query {
	bool json;
	int count;
	char **names;
};

void personality_parse(struct personality_query *query, int argc, char **argv, const char *args,
		       const char *doc, int least, int most);
/* Prints what is wrong with a file, a line each, on standard error. */
void personality_complain(const struct complaints *complaints);

int personality_show(int argc, char **argv);
int personality_test(int argc, char **argv);

#endif /* UVF_PERSONALITY_CMD_H */

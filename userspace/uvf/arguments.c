// SPDX-License-Identifier: GPL-2.0-only
/* What each command begins with, and how it ends when it can't. */
#include "uvf.h"

#include <stdio.h>

#include "why.h"

int fail(void)
{
	fprintf(stderr, "uvf: %s\n", uvf_why());
	return 1;
}

void parse(const struct argp *argp, int argc, char **argv, void *input)
{
	/* In order: what follows the first word of `uvf run` belongs to the appliance. */
	if (argp_parse(argp, argc, argv, ARGP_IN_ORDER, NULL, input))
		argp_help(argp, stderr, ARGP_HELP_STD_ERR, argv[0]);
}

// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include "why.h"

#include <stdarg.h>
#include <stdio.h>

static __thread char why[UVF_WHY_SIZE];

int uvf_fail(int err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(why, sizeof(why), format, args);
	va_end(args);
	return -err;
}

const char *uvf_why(void)
{
	return why;
}

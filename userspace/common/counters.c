// SPDX-License-Identifier: GPL-2.0-only
#include "counters.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <uvf/libuvf.h>

void counters_path(char *path, const char *function)
{
	const char *socket = getenv("UVF_SOCKET") ?: UVF_SOCKET;
	const char *slash = strrchr(socket, '/');

	snprintf(path, PATH_MAX, "%.*sfront%s%s", slash ? (int)(slash - socket) + 1 : 0, socket,
		 *function ? "/" : "", function);
}

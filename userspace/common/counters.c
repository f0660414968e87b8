// SPDX-License-Identifier: GPL-2.0-only
#include "counters.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <unistd.h>

#include <uvf/libuvf.h>

#include "why.h"

void counters_path(char *path, const char *function)
{
	const char *socket = getenv("UVF_SOCKET") ?: UVF_SOCKET;
	const char *slash = strrchr(socket, '/');

	snprintf(path, PATH_MAX, "%.*sfront%s%s", slash ? (int)(slash - socket) + 1 : 0, socket,
		 *function ? "/" : "", function);
}

void *counters_map(int fd, size_t size, const char *function)
{
	int flags = fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED;
	void *counters;

	size = (size + 4095) & ~4095UL;
	/* For as long as it lives: who looks can tell. */
	if (fd >= 0 && (flock(fd, LOCK_EX | LOCK_NB) || ftruncate(fd, size)))
		goto fail;
	counters = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, fd, 0);
	if (counters == MAP_FAILED)
		goto fail;
	memset(counters, 0, size);
	return counters;
fail:
	uvf_fail(errno, "can't count for %s: %s", function,
		 errno == EWOULDBLOCK ? "another process does" : strerror(errno));
	return NULL;
}

// SPDX-License-Identifier: GPL-2.0-only
/* uvf personality: executes uvf-personality, which lies beside us in a build tree. */
#include "uvf.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "why.h"

#define PROGRAM "uvf-personality"

int cmd_personality(int argc, char **argv)
{
	char self[PATH_MAX] = "", path[PATH_MAX];
	char *slash;

	if (readlink("/proc/self/exe", self, sizeof(self) - 1) < 0)
		self[0] = '\0';
	slash = strrchr(self, '/');
	if (slash)
		slash[1] = '\0';
	snprintf(path, sizeof(path), "%.*s" PROGRAM, PATH_MAX - 64, self);
	if (access(path, X_OK))
		snprintf(path, sizeof(path), "%.*s../libexec/uvf/" PROGRAM, PATH_MAX - 64, self);
	execv(path, argv);
	uvf_fail(errno, "can't execute %s: %s", path, strerror(errno));
	return fail();
}

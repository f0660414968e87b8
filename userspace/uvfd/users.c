// SPDX-License-Identifier: GPL-2.0-only
/* Who but root may be an appliance: uvf.conf(5), read again whenever it is another file. */
#include "uvfd.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "config.h"
#include "why.h"

static struct {
	struct config config;
	struct timespec changed; /* of the file that was read */
	ino_t inode;
} users;

static bool is_other(const struct stat *file)
{
	return file->st_ino != users.inode || file->st_mtim.tv_sec != users.changed.tv_sec ||
	       file->st_mtim.tv_nsec != users.changed.tv_nsec;
}

/* One that is wrong allows nobody anything; what was allowed before may be what is wrong now. */
static void refresh(void)
{
	const char *path = getenv("UVF_CONFIG") ?: UVF_CONFIG;
	struct stat file = { 0 };
	bool there = !stat(path, &file);

	if (!is_other(&file))
		return;
	users.inode = file.st_ino;
	users.changed = file.st_mtim;
	config_free(&users.config);
	if (there && config_read(&users.config, path)) {
		say("only root may be an appliance: %s", uvf_why());
		config_free(&users.config);
	}
}

bool users_any(void)
{
	refresh();
	for (unsigned int i = 0; i < users.config.nr_appliances; i++)
		if (users.config.appliances[i].nr_users)
			return true;
	return false;
}

int users_check(uid_t uid, const char *appliance)
{
	refresh();
	if (config_allows(&users.config, uid, appliance))
		return 0;
	return uvf_fail(EPERM, "the user %u may not be the appliance %s: `users` in %s says who may",
			(unsigned int)uid, appliance, UVF_CONFIG);
}

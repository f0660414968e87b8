// SPDX-License-Identifier: GPL-2.0-only
/*
 * What uvf.conf(5) says of appliances: who but root may be one, how much memory it may have, how
 * long its leases wait for a successor. The file is read again whenever it is another one.
 */
#include "uvfd.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "config.h"
#include "why.h"

static struct {
	struct config config;
	struct timespec changed; /* of the file that was read */
	ino_t inode;
} known;

static bool is_other(const struct stat *file)
{
	return file->st_ino != known.inode || file->st_mtim.tv_sec != known.changed.tv_sec ||
	       file->st_mtim.tv_nsec != known.changed.tv_nsec;
}

/* One that is wrong allows nobody anything; what was allowed before may be what is wrong now. */
static void refresh(void)
{
	const char *path = getenv("UVF_CONFIG") ?: UVF_CONFIG;
	struct stat file = { 0 };
	bool there = !stat(path, &file);

	if (!is_other(&file))
		return;
	known.inode = file.st_ino;
	known.changed = file.st_mtim;
	config_free(&known.config);
	if (there && config_read(&known.config, path)) {
		say("only root may be an appliance: %s", uvf_why());
		config_free(&known.config);
	}
}

bool appliances_have_users(void)
{
	refresh();
	for (unsigned int i = 0; i < known.config.nr_appliances; i++)
		if (known.config.appliances[i].nr_users)
			return true;
	return false;
}

int appliance_check_user(uid_t uid, const char *appliance)
{
	refresh();
	if (config_allows(&known.config, uid, appliance))
		return 0;
	return uvf_fail(EPERM, "the user %u may not be the appliance %s: `users` in %s says who may",
			(unsigned int)uid, appliance, UVF_CONFIG);
}

static const struct config_appliance *find(const char *name)
{
	refresh();
	for (unsigned int i = 0; i < known.config.nr_appliances; i++)
		if (!strcmp(known.config.appliances[i].name, name))
			return &known.config.appliances[i];
	return NULL;
}

int appliance_check_memory(const char *appliance, uint64_t size)
{
	const struct config_appliance *said = find(appliance);
	uint64_t most = said && said->memory ? said->memory : CONFIG_MEMORY;

	if (size <= most)
		return 0;
	return uvf_fail(E2BIG, "the appliance %s may have a UMEM of %llu bytes, and asks for %llu: "
			       "`memory` in %s says how much", appliance, (unsigned long long)most,
			(unsigned long long)size, UVF_CONFIG);
}

uint32_t appliance_linger(const char *appliance, uint32_t asked)
{
	const struct config_appliance *said = find(appliance);

	return said && said->has_linger ? said->linger : asked;
}

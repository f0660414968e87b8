// SPDX-License-Identifier: GPL-2.0-only
/*
 * What clients set on functions, kept so that the next uvfd knows it: one file for each function,
 * in the words of `uvf`, beside uvfd's socket. It goes with the function, and with the machine's
 * uptime. The directory is named for the network namespace, where the numbers of links are
 * unique.
 */
#include "uvfd.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "why.h"

#define PATH_SIZE 192

static char directory[PATH_SIZE - 32];

static unsigned long long namespace_number(void)
{
	int sock = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	unsigned long long cookie = 0;
	socklen_t len = sizeof(cookie);

	getsockopt(sock, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &len);
	close(sock);
	return cookie;
}

static void path_of(int key, const char *suffix, char *path)
{
	snprintf(path, PATH_SIZE, "%s/%d%s", directory, key, suffix);
}

int settings_open(const char *socket_path)
{
	const char *slash = strrchr(socket_path, '/');
	int length = slash ? slash - socket_path : 1;

	snprintf(directory, sizeof(directory), "%.*s/functions-%llx", length,
		 slash ? socket_path : ".", namespace_number());
	if (mkdir(directory, 0700) && errno != EEXIST)
		return uvf_fail(errno, "can't make the directory %s: %s", directory,
				strerror(errno));
	return 0;
}

/* --- writing ------------------------------------------------------------------------------ */

static bool nothing_set(const struct function *function)
{
	return TAILQ_EMPTY(&function->rules) && !limits_any(function) && !function->mirror_to &&
	       !function->redirect_to && !function->standby;
}

static void write_rules(const struct function *function, FILE *to)
{
	char text[UVF_RULE_TEXT];
	struct rule *rule;

	TAILQ_FOREACH(rule, &function->rules, entry)
		fprintf(to, "rule %u %s\n", rule->id, uvf_rule_text(&rule->rule, text));
}

/* The kernel itself keeps those of what functions of uvf.ko send. */
static void write_limits(const struct function *function, FILE *to)
{
	for (int i = 0; i < (function->is_port ? UVF_DIRECTIONS : UVF_TX); i++) {
		const struct uvf_limit_words *limit = &function->limits[i];

		if (limit->rate || limit->pps)
			fprintf(to, "limit %d %" PRIu64 " %" PRIu64 " %u\n", i, limit->rate,
				limit->pps, limit->burst);
	}
}

static int write_file(const struct function *function, const char *path)
{
	FILE *to = fopen(path, "we");
	int err;

	if (!to)
		return -errno;
	fprintf(to, "# %s\n", function->name);
	write_limits(function, to);
	if (function->mirror_to)
		fprintf(to, "mirror %d %u\n", function->mirror_to, function->mirror_flags);
	if (function->redirect_to)
		fprintf(to, "redirect %d %d\n", function->redirect_to, function->redirect_leased);
	if (function->standby)
		fprintf(to, "standby %d\n", function->standby);
	write_rules(function, to);
	err = fflush(to) || ferror(to) ? -errno : 0;
	fclose(to);
	return err;
}

void settings_save(const struct function *function)
{
	char path[PATH_SIZE], new[PATH_SIZE];
	int err;

	path_of(function->key, "", path);
	path_of(function->key, ".new", new);
	if (nothing_set(function)) {
		unlink(path);
		return;
	}
	err = write_file(function, new);
	if (!err && rename(new, path))
		err = -errno;
	if (err)
		say("%s: what was set will not survive uvfd: %s: %s", function->name, path,
		    strerror(-err));
}

void settings_drop(const struct function *function)
{
	char path[PATH_SIZE];

	path_of(function->key, "", path);
	unlink(path);
}

/* --- reading ------------------------------------------------------------------------------ */

static int read_rule(struct function *function, char *words)
{
	char *text;
	unsigned long id = strtoul(words, &text, 10);

	if (text == words || !id || id > UINT32_MAX)
		return uvf_fail(EINVAL, "a rule without an id");
	return rules_put(function, text, id);
}

static int read_limit(struct function *function, const char *words)
{
	struct uvf_limit_words limit = { 0 };
	unsigned int direction;

	if (sscanf(words, "%u %" SCNu64 " %" SCNu64 " %u", &direction, &limit.rate, &limit.pps,
		   &limit.burst) != 4 || direction >= UVF_DIRECTIONS)
		return uvf_fail(EINVAL, "'%.40s' is no limit", words);
	function->limits[direction] = limit;
	return 0;
}

static int read_mirror(struct function *function, const char *words)
{
	if (sscanf(words, "%d %u", &function->mirror_to, &function->mirror_flags) != 2)
		return uvf_fail(EINVAL, "'%.40s' is no mirror", words);
	return 0;
}

static int read_redirect(struct function *function, const char *words)
{
	int leased;

	if (sscanf(words, "%d %d", &function->redirect_to, &leased) != 2)
		return uvf_fail(EINVAL, "'%.40s' is no redirect", words);
	function->redirect_leased = leased;
	return 0;
}

static int read_standby(struct function *function, const char *words)
{
	if (sscanf(words, "%d", &function->standby) != 1)
		return uvf_fail(EINVAL, "'%.40s' is no standby", words);
	return 0;
}

static int read_line(struct function *function, char *line)
{
	line[strcspn(line, "\n")] = '\0';
	if (!*line || *line == '#')
		return 0;
	if (!strncmp(line, "rule ", 5))
		return read_rule(function, line + 5);
	if (!strncmp(line, "limit ", 6))
		return read_limit(function, line + 6);
	if (!strncmp(line, "mirror ", 7))
		return read_mirror(function, line + 7);
	if (!strncmp(line, "redirect ", 9))
		return read_redirect(function, line + 9);
	if (!strncmp(line, "standby ", 8))
		return read_standby(function, line + 8);
	return uvf_fail(EINVAL, "'%.40s' is not known", line);
}

void settings_load(struct function *function)
{
	char path[PATH_SIZE], line[512];
	FILE *from;

	path_of(function->key, "", path);
	from = fopen(path, "re");
	if (!from)
		return;
	while (fgets(line, sizeof(line), from))
		if (read_line(function, line))
			say("%s: %s: left out: %s", function->name, path, uvf_why());
	fclose(from);
}

/* What belongs to functions that ended while no uvfd ran. */
void settings_sweep(void)
{
	DIR *dir = opendir(directory);
	const struct dirent *file;
	char path[PATH_SIZE];

	while (dir && (file = readdir(dir))) {
		int key = atoi(file->d_name);

		if (*file->d_name == '.' || model_function(key))
			continue;
		path_of(key, strchr(file->d_name, '.') ?: "", path);
		unlink(path);
	}
	if (dir)
		closedir(dir);
}

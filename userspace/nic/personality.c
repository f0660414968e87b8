// SPDX-License-Identifier: GPL-2.0-only
/* Where personalities are, and how one is put together: description, script, object. */
#include "personality.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "module.h"
#include "script.h"
#include "why.h"

#define INSTALLED "uvf/personalities"

/* --- places ----------------------------------------------------------------------------------- */

static unsigned int place_add(char places[PERSONALITY_PLACES][4096], unsigned int n,
			      const char *directory, const char *below)
{
	if (n == PERSONALITY_PLACES)
		return n;
	snprintf(places[n], sizeof(places[n]), "%.3000s%s", directory, below);
	return access(places[n], X_OK) ? n : n + 1;
}

/* What UVF_PERSONALITIES says; /etc; beside this program, in a build tree or installed. */
unsigned int personality_places(char places[PERSONALITY_PLACES][4096])
{
	const char *said = secure_getenv("UVF_PERSONALITIES");
	char self[4096] = "", one[3000];
	unsigned int n = 0;

	while (said && *said) {
		size_t len = strcspn(said, ":");

		snprintf(one, sizeof(one), "%.*s", (int)len, said);
		n = place_add(places, n, one, "");
		said += len + (said[len] == ':');
	}
	n = place_add(places, n, "/etc/", INSTALLED);
	if (readlink("/proc/self/exe", self, sizeof(self) - 1) < 0)
		self[0] = '\0';
	if (strrchr(self, '/'))
		strrchr(self, '/')[1] = '\0';
	n = place_add(places, n, self, "../personalities");
	n = place_add(places, n, self, "../lib/" INSTALLED);
	return place_add(places, n, self, "../../lib/" INSTALLED);
}

static bool has_suffix(const char *text, const char *suffix)
{
	size_t len = strlen(text), n = strlen(suffix);

	return len > n && !strcmp(text + len - n, suffix);
}

/* A description is before an object: it may name that one. */
static bool place_find(const char *place, const char *name, char *path, size_t size)
{
	static const char *const suffixes[] = { ".xml", ".so" };

	for (unsigned int i = 0; i < 2; i++) {
		snprintf(path, size, "%s/%s%s", place, name, suffixes[i]);
		if (!access(path, F_OK))
			return true;
	}
	return false;
}

int personality_find(const char *name, char *path, size_t size)
{
	static char places[PERSONALITY_PLACES][4096];
	unsigned int n;

	if (strchr(name, '/')) {
		snprintf(path, size, "%s", name);
		return access(path, F_OK) ? uvf_fail(errno, "%s can't be read: %s", path,
						     strerror(errno)) : 0;
	}
	n = personality_places(places);
	for (unsigned int i = 0; i < n; i++)
		if (place_find(places[i], name, path, size))
			return 0;
	return uvf_fail(ENOENT, "there is no personality %.64s: `uvf personality list` shows those "
			"there are (a path has a '/')", name);
}

struct seen {
	unsigned int n;
	char name[64][MODEL_NAME];
};

static bool seen_before(struct seen *seen, const char *name)
{
	for (unsigned int i = 0; i < seen->n; i++)
		if (!strcmp(seen->name[i], name))
			return true;
	if (seen->n < 64)
		snprintf(seen->name[seen->n++], MODEL_NAME, "%s", name);
	return false;
}

/* 1 when a description, 2 when an object, of @name. */
static int entry_is(const struct dirent *entry, char name[MODEL_NAME])
{
	const char *suffix = strrchr(entry->d_name, '.');

	if (!suffix || suffix == entry->d_name || suffix - entry->d_name >= MODEL_NAME)
		return 0;
	snprintf(name, MODEL_NAME, "%.*s", (int)(suffix - entry->d_name), entry->d_name);
	return has_suffix(entry->d_name, ".xml") ? 1 : has_suffix(entry->d_name, ".so") ? 2 : 0;
}

static void place_walk(const char *place, struct seen *seen,
		       void (*each)(const char *name, const char *path, void *arg), void *arg)
{
	char name[MODEL_NAME], path[4096];
	struct dirent **entries;
	int n = scandir(place, &entries, NULL, alphasort);

	for (int i = 0; i < n; i++) {
		if (entry_is(entries[i], name) && place_find(place, name, path, sizeof(path)) &&
		    !seen_before(seen, name))
			each(name, path, arg);
		free(entries[i]);
	}
	if (n >= 0)
		free(entries);
}

void personality_walk(void (*each)(const char *name, const char *path, void *arg), void *arg)
{
	static char places[PERSONALITY_PLACES][4096];
	static struct seen seen;
	unsigned int n = personality_places(places);

	seen.n = 0;
	for (unsigned int i = 0; i < n; i++)
		place_walk(places[i], &seen, each, arg);
}

/* --- putting together ------------------------------------------------------------------------- */

/* A file that a description names is beside it. */
static void beside(const char *path, const char *file, char *to, size_t size)
{
	const char *slash = strrchr(path, '/');

	snprintf(to, size, "%.*s%s", slash ? (int)(slash - path + 1) : 0, path, file);
}

/* Of an object that brings its description along. */
static void load_object(struct personality *personality, struct complaints *complaints)
{
	const char *xml;

	personality->module = module_open(personality->path, complaints, 0);
	if (!personality->module)
		return;
	xml = personality->module->is->xml;
	if (xml)
		personality->model = model_read(personality->path, xml, strlen(xml), complaints);
	else
		complain(complaints, 0, "has no description of its own: load the XML file that names "
			 "it");
}

static void load_description(struct personality *personality, struct complaints *complaints)
{
	personality->model = model_read(personality->path, NULL, 0, complaints);
}

static void load_programs(struct personality *personality, struct complaints *complaints)
{
	const struct model *model = personality->model;
	char path[4096];

	if (*model->module && !personality->module) {
		beside(personality->path, model->module, path, sizeof(path));
		personality->module = module_open(path, complaints, model->module_line);
	}
	if (*model->script && !complaints->n) {
		beside(personality->path, model->script, path, sizeof(path));
		personality->script = script_open(path, model, complaints);
	}
}

struct personality *personality_load(const char *name, struct complaints *complaints)
{
	struct personality *personality = calloc(1, sizeof(*personality));

	complaints->path = name;
	if (!personality) {
		complain(complaints, 0, "no memory");
		return NULL;
	}
	if (personality_find(name, personality->path, sizeof(personality->path))) {
		complain(complaints, 0, "%s", uvf_why());
		free(personality);
		return NULL;
	}
	if (has_suffix(personality->path, ".so"))
		load_object(personality, complaints);
	else
		load_description(personality, complaints);
	complaints->path = name;
	if (personality->model && !complaints->n)
		load_programs(personality, complaints);
	if (personality->model)
		snprintf(personality->name, sizeof(personality->name), "%s",
			 personality->model->name);
	if (!complaints->n)
		return personality;
	personality_free(personality);
	return NULL;
}

void personality_free(struct personality *personality)
{
	if (!personality)
		return;
	script_close(personality->script);
	if (personality->module)
		module_close(personality->module);
	model_free(personality->model);
	free(personality);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Personalities. To read a description takes twenty milliseconds under the sanitizers, which is a
 * hundred inputs: one that a NIC has given back is the next one's that asks for it. A script's own
 * variables are those of the NIC before, as in fuzz_nic.
 */
#include "played_vfio.h"

#include <assert.h>
#include <string.h>

#include <sanitizer/allocator_interface.h>

#include "module.h"
#include "nic.h"
#include "script.h"

#define POOL 16

struct personality *__real_personality_load(const char *name, struct complaints *complaints);
struct personality *__wrap_personality_load(const char *name, struct complaints *complaints);
void __real_personality_free(struct personality *personality);
void __wrap_personality_free(struct personality *personality);

static struct personality *pool[POOL];
static unsigned int out;
static bool changed;

void played_nics_check(void)
{
	assert(!out);
}

bool played_heap(size_t *bytes)
{
	bool same = !changed;

	*bytes = __sanitizer_get_current_allocated_bytes();
	for (unsigned int i = 0; i < POOL; i++)
		if (pool[i] && pool[i]->script)
			*bytes -= pool[i]->script->used;
	changed = false;
	return same;
}

struct personality *__wrap_personality_load(const char *name, struct complaints *complaints)
{
	struct personality *personality = NULL;

	complaints->path = name;
	for (unsigned int i = 0; i < POOL && !personality; i++) {
		if (!pool[i] || strcmp(pool[i]->name, name) != 0)
			continue;
		personality = pool[i];
		pool[i] = NULL;
	}
	if (!personality) {
		personality = __real_personality_load(name, complaints);
		changed = true;
	}
	out += !!personality;
	return personality;
}

/* One whose script was ended is none that could be asked for. */
static bool is_whole(const struct personality *personality)
{
	return !*personality->model->script || personality->script;
}

void __wrap_personality_free(struct personality *personality)
{
	unsigned int i = 0;

	if (!personality)
		return;
	assert(out);
	out--;
	if (personality->module)
		module_stop(personality->module);
	while (i < POOL && pool[i])
		i++;
	if (i == POOL || !is_whole(personality)) {
		__real_personality_free(personality);
		changed = true;
		return;
	}
	if (personality->script)
		personality->script->nic = NULL;
	pool[i] = personality;
}

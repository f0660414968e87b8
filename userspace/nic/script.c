// SPDX-License-Identifier: GPL-2.0-only
/*
 * The interpreter, and its limits. A call may take so many instructions, which a hook counts; so
 * much memory, which the allocator counts, alive or churned; and so much processor time, for what
 * one instruction can make the interpreter do.
 *
 * What could pass the hook is not there: patterns (which backtrack without an instruction),
 * coroutines (whose hooks count anew), metatables (whose finalizers run without a hook), bytecode.
 */
#include "script.h"

#include <errno.h>
#include <lauxlib.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#include "why.h"

static uint64_t cpu_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return now.tv_sec * 1000000000ull + now.tv_nsec;
}

static void *allocate(void *data, void *at, size_t before, size_t size)
{
	struct script *script = data;
	size_t had = at ? before : 0;
	void *now;

	if (!size) {
		script->used -= had;
		free(at);
		return NULL;
	}
	if (size > had) {
		script->churn += size - had;
		if (script->used + (size - had) > script->memory ||
		    script->churn > (uint64_t)script->memory * SCRIPT_CHURN)
			return NULL;
	}
	now = realloc(at, size);
	if (now)
		script->used += size - had;
	return now;
}

/* Once over, each further instruction is too: no pcall() of the script's gets away. */
static void hook(lua_State *lua, lua_Debug *debug)
{
	struct script *script = script_of(lua);
	bool late = cpu_now() - script->began > SCRIPT_CPU_MAX;

	script->left -= script->left < SCRIPT_STEP ? script->left : SCRIPT_STEP;
	if (script->left && !late && !script->over)
		return;
	script->over = true;
	lua_sethook(lua, hook, LUA_MASKCOUNT, 1);
	luaL_where(lua, 0);
	if (late)
		lua_pushfstring(lua, "it takes longer than %d ms for a call",
				(int)(SCRIPT_CPU_MAX / 1000000));
	else
		lua_pushfstring(lua, "it runs for more than %d instructions in a call",
				(int)script->instructions);
	lua_concat(lua, 2);
	lua_error(lua);
}

int script_protected(struct script *script, int (*function)(lua_State *lua), void *argument)
{
	lua_State *lua = script->lua;
	const char *why;
	int err;

	script->left = script->instructions;
	script->churn = 0;
	script->over = false;
	script->began = cpu_now();
	lua_settop(lua, 0);
	lua_sethook(lua, hook, LUA_MASKCOUNT,
		    script->instructions < SCRIPT_STEP ? (int)script->instructions : SCRIPT_STEP);
	lua_pushcfunction(lua, function);
	lua_pushlightuserdata(lua, argument);
	err = lua_pcall(lua, 1, 0, 0);
	if (!err)
		return 0;
	why = lua_type(lua, -1) == LUA_TSTRING ? lua_tostring(lua, -1) : "an error without a text";
	if (err == LUA_ERRMEM)
		snprintf(script->why, sizeof(script->why), "it takes more than %zu bytes of memory "
			 "(or %d times as many in a call)", script->memory, SCRIPT_CHURN);
	else
		snprintf(script->why, sizeof(script->why), "%s", why);
	lua_settop(lua, 0);
	return -1;
}

/* --- loading ---------------------------------------------------------------------------------- */

struct text {
	char *bytes;
	size_t size;
	const char *name;
};

static int load(lua_State *lua)
{
	const struct text *text = lua_touserdata(lua, 1);

	script_sandbox(lua);
	if (luaL_loadbufferx(lua, text->bytes, text->size, text->name, "t"))
		return lua_error(lua);
	lua_call(lua, 0, 0);
	return 0;
}

/* Functions of a table, by register; an unknown name is a mistake. */
static void functions_find(lua_State *lua, const char *table, int *references)
{
	struct script *script = script_of(lua);

	lua_getglobal(lua, table);
	if (lua_type(lua, -1) != LUA_TTABLE)
		luaL_error(lua, "%s is no table any more", table);
	for (lua_pushnil(lua); lua_next(lua, -2); ) {
		int reg = -1;

		if (lua_type(lua, -2) == LUA_TSTRING)
			reg = model_find_register(script->model, lua_tostring(lua, -2));
		if (reg < 0)
			luaL_error(lua, "%s.%s: there is no such register", table,
				   lua_type(lua, -2) == LUA_TSTRING ? lua_tostring(lua, -2) : "?");
		if (!lua_isfunction(lua, -1))
			luaL_error(lua, "%s.%s is no function", table, lua_tostring(lua, -2));
		references[reg] = luaL_ref(lua, LUA_REGISTRYINDEX);
	}
	lua_pop(lua, 1);
}

static int entries_find(lua_State *lua)
{
	static const char *const names[ENTRIES] = {
		[ENTRY_FRAME_IN] = "frame_in", [ENTRY_FRAME_OUT] = "frame_out",
		[ENTRY_RESET] = "reset", [ENTRY_LINK] = "link", [ENTRY_TIMER] = "timer",
	};
	struct script *script = lua_touserdata(lua, 1);

	for (unsigned int i = 0; i < ENTRIES; i++) {
		lua_getglobal(lua, names[i]);
		if (lua_isfunction(lua, -1))
			script->entry[i] = luaL_ref(lua, LUA_REGISTRYINDEX);
		else if (!lua_isnil(lua, -1))
			return luaL_error(lua, "%s is no function", names[i]);
	}
	functions_find(lua, "read", script->read);
	functions_find(lua, "write", script->write);
	return 0;
}

static bool text_read(const char *path, size_t most, struct text *text)
{
	FILE *file = fopen(path, "re");
	struct stat st;

	*text = (struct text){ .bytes = malloc(most + 1) };
	if (file && text->bytes && !fstat(fileno(file), &st) && S_ISREG(st.st_mode))
		text->size = fread(text->bytes, 1, most + 1, file);
	else if (file)
		errno = EINVAL;
	if (file)
		fclose(file);
	return text->size && text->size <= most;
}

static bool script_make(struct script *script, const struct model *model)
{
	script->model = model;
	script->memory = model->script_memory;
	script->instructions = model->script_instructions ? model->script_instructions : 1;
	script->read = malloc(model->registers * sizeof(int) + 1);
	script->write = malloc(model->registers * sizeof(int) + 1);
	if (!script->read || !script->write)
		return false;
	for (unsigned int i = 0; i < ENTRIES; i++)
		script->entry[i] = LUA_NOREF;
	for (unsigned int i = 0; i < model->registers; i++) {
		script->read[i] = LUA_NOREF;
		script->write[i] = LUA_NOREF;
	}
	script->lua = lua_newstate(allocate, script);
	if (!script->lua)
		return false;
	*(struct script **)lua_getextraspace(script->lua) = script;
	return true;
}

static void script_load(struct script *script, struct complaints *complaints)
{
	const char *slash = strrchr(script->path, '/');
	struct text text;
	char name[300];

	snprintf(name, sizeof(name), "@%.280s", slash ? slash + 1 : script->path);
	if (!text_read(script->path, script->memory, &text)) {
		complain(complaints, script->model->script_line, "the script %s can't be read: %s",
			 script->path, text.size ? "it is larger than its memory" : strerror(errno));
		free(text.bytes);
		return;
	}
	text.name = name;
	if (script_protected(script, load, &text) ||
	    script_protected(script, entries_find, script))
		complain(complaints, script->model->script_line, "the script %s: %s", name + 1,
			 script->why);
	free(text.bytes);
}

struct script *script_open(const char *path, const struct model *model,
			   struct complaints *complaints)
{
	struct script *script = calloc(1, sizeof(*script));

	if (script && script_make(script, model)) {
		snprintf(script->path, sizeof(script->path), "%s", path);
		script_load(script, complaints);
		if (!complaints->n)
			return script;
	} else {
		complain(complaints, model->script_line, "the script's %u bytes of memory are not "
			 "enough", model->script_memory);
	}
	script_close(script);
	return NULL;
}

void script_close(struct script *script)
{
	if (!script)
		return;
	if (script->lua)
		lua_close(script->lua);
	free(script->read);
	free(script->write);
	free(script);
}

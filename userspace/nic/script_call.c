// SPDX-License-Identifier: GPL-2.0-only
/* When a script is called, and what becomes of what it returns. */
#include "script.h"

#include <lauxlib.h>

struct call {
	int reference;
	struct model_ref ref;
	uint64_t value, before;
	bool writes;
	/* frames */
	uint8_t *frame;
	uint32_t *len;
	uint32_t size;
	bool dropped;
	bool power; /* reset() */
};

static struct script *script_of_nic(const struct nic *nic)
{
	return nic->personality ? nic->personality->script : NULL;
}

/* Ended, and said. It is not called again before the personality is loaded anew. */
static void script_end(struct nic *nic)
{
	struct script *script = nic->personality->script;

	nic->counters.script_errors++;
	nic->says = 0; /* this one is always said: it comes once */
	nic_say(nic, "the script of personality %s is ended, and the NIC goes on without it: %s",
		nic->personality->name, script->why);
	nic->personality->script = NULL;
	memset(nic->script_acts, 0, nic->model->registers);
	script_close(script);
}

static void run(struct nic *nic, int (*function)(lua_State *lua), struct call *call)
{
	if (script_protected(script_of_nic(nic), function, call))
		script_end(nic);
}

/* --- registers -------------------------------------------------------------------------------- */

static int register_call(lua_State *lua)
{
	struct call *call = lua_touserdata(lua, 1);

	lua_rawgeti(lua, LUA_REGISTRYINDEX, call->reference);
	lua_pushinteger(lua, call->value);
	lua_pushinteger(lua, call->ref.index);
	lua_pushinteger(lua, call->before);
	lua_call(lua, 3, 1);
	call->writes = !lua_isnil(lua, -1);
	if (!call->writes)
		return 0;
	if (!lua_isinteger(lua, -1))
		return luaL_error(lua, "the function of register %s returned no integer",
				  script_of(lua)->model->reg[call->ref.reg].name);
	call->value = lua_tointeger(lua, -1);
	return 0;
}

static void register_run(struct nic *nic, int reference, struct model_ref ref, uint64_t value,
			 uint64_t before)
{
	struct call call = { .reference = reference, .ref = ref, .value = value, .before = before };

	run(nic, register_call, &call);
	if (!call.writes)
		return;
	register_set(nic, ref, call.value);
}

void script_read(struct nic *nic, struct model_ref ref)
{
	uint64_t value = register_get(nic, ref);

	register_run(nic, script_of_nic(nic)->read[ref.reg], ref, value, value);
}

void script_write(struct nic *nic, struct model_ref ref, uint64_t value, uint64_t before)
{
	register_run(nic, script_of_nic(nic)->write[ref.reg], ref, value, before);
}

/* --- frames ----------------------------------------------------------------------------------- */

static int frame_call(lua_State *lua)
{
	struct call *call = lua_touserdata(lua, 1);
	const char *frame;
	size_t len;

	lua_rawgeti(lua, LUA_REGISTRYINDEX, call->reference);
	lua_pushlstring(lua, (const char *)call->frame, *call->len);
	lua_call(lua, 1, 1);
	if (lua_isnil(lua, -1))
		return 0;
	if (lua_isboolean(lua, -1)) {
		call->dropped = !lua_toboolean(lua, -1);
		return 0;
	}
	if (lua_type(lua, -1) != LUA_TSTRING)
		return luaL_error(lua, "a frame is a string, nil (as it was) or false (dropped)");
	frame = lua_tolstring(lua, -1, &len);
	if (len > call->size)
		return luaL_error(lua, "a frame of %d bytes has become one of %d, where %d fit",
				  (int)*call->len, (int)len, (int)call->size);
	memcpy(call->frame, frame, len);
	*call->len = len;
	return 0;
}

bool script_frame(struct nic *nic, bool in, uint8_t *frame, uint32_t *len, uint32_t size)
{
	struct script *script = script_of_nic(nic);
	int reference = script ? script->entry[in ? ENTRY_FRAME_IN : ENTRY_FRAME_OUT] : LUA_NOREF;
	struct call call = { .reference = reference, .frame = frame, .len = len, .size = size };

	if (reference == LUA_NOREF)
		return true;
	run(nic, frame_call, &call);
	return !call.dropped;
}

/* --- the rest --------------------------------------------------------------------------------- */

static int entry_call(lua_State *lua)
{
	const struct call *call = lua_touserdata(lua, 1);

	lua_rawgeti(lua, LUA_REGISTRYINDEX, call->reference);
	lua_pushboolean(lua, call->power);
	lua_call(lua, 1, 0);
	return 0;
}

static void entry_run(struct nic *nic, enum script_entry entry, bool power)
{
	const struct script *script = script_of_nic(nic);
	struct call call = { .reference = script ? script->entry[entry] : LUA_NOREF,
			     .power = power };

	if (call.reference != LUA_NOREF)
		run(nic, entry_call, &call);
}

bool script_has(const struct script *script, unsigned int reg)
{
	return script && (script->read[reg] != LUA_NOREF || script->write[reg] != LUA_NOREF);
}

void script_attach(struct nic *nic)
{
	struct script *script = script_of_nic(nic);

	if (!script)
		return;
	script->nic = nic;
	for (unsigned int i = 0; i < nic->model->registers; i++)
		nic->script_acts[i] = (script->read[i] != LUA_NOREF ? SCRIPT_READ : 0) |
				      (script->write[i] != LUA_NOREF ? SCRIPT_WRITE : 0);
}

void script_reset(struct nic *nic, bool power)
{
	if (script_of_nic(nic))
		nic->state->timer = UINT64_MAX;
	entry_run(nic, ENTRY_RESET, power);
}

void script_link(struct nic *nic)
{
	entry_run(nic, ENTRY_LINK, false);
}

uint64_t script_deadline(const struct nic *nic)
{
	const struct script *script = script_of_nic(nic);

	return script ? nic->state->timer : UINT64_MAX;
}

void script_tick(struct nic *nic)
{
	struct script *script = script_of_nic(nic);

	if (!script || nic->ops->now(nic->ctx) < nic->state->timer)
		return;
	nic->state->timer = UINT64_MAX;
	entry_run(nic, ENTRY_TIMER, false);
}

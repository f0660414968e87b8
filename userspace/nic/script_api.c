// SPDX-License-Identifier: GPL-2.0-only
/* What a script can call: a part of Lua's own library, and the NIC. */
#include "script.h"

#include <lauxlib.h>
#include <lualib.h>

struct script *script_of(lua_State *lua)
{
	return *(struct script **)lua_getextraspace(lua);
}

static struct nic *nic_of(lua_State *lua)
{
	struct nic *nic = script_of(lua)->nic;

	if (!nic)
		luaL_error(lua, "there is no NIC yet: call this from a function");
	return nic;
}

/* Names are found in a table, which is the function's upvalue. */
static struct model_ref register_of(lua_State *lua, int name, int index)
{
	const struct model *model = script_of(lua)->model;
	struct model_ref ref;

	luaL_checkstring(lua, name);
	lua_pushvalue(lua, name);
	if (lua_rawget(lua, lua_upvalueindex(1)) != LUA_TNUMBER)
		luaL_error(lua, "there is no register %s", lua_tostring(lua, name));
	ref.reg = lua_tointeger(lua, -1);
	lua_pop(lua, 1);
	ref.index = luaL_optinteger(lua, index, 0);
	if (ref.index >= model->reg[ref.reg].count)
		luaL_error(lua, "register %s has no element %d", lua_tostring(lua, name),
			   (int)ref.index);
	return ref;
}

/* get(register [, element]) */
static int api_get(lua_State *lua)
{
	struct nic *nic = nic_of(lua);

	lua_pushinteger(lua, register_get(nic, register_of(lua, 1, 2)));
	return 1;
}

/* set(register, value [, element]) */
static int api_set(lua_State *lua)
{
	struct nic *nic = nic_of(lua);
	struct model_ref ref = register_of(lua, 1, 3);

	register_set(nic, ref, luaL_checkinteger(lua, 2));
	if (nic->model->reg[ref.reg].acts & ACT_IRQ)
		causes_update(nic);
	return 0;
}

/* raise(cause) */
static int api_raise(lua_State *lua)
{
	struct nic *nic = nic_of(lua);
	const char *name = luaL_checkstring(lua, 1);
	int cause = model_find_cause(nic->model, name);

	if (cause < 0)
		return luaL_error(lua, "there is no interrupt cause %s", name);
	cause_raise(nic, nic->model->irq.each[cause].bits);
	return 0;
}

/* after(nanoseconds): timer() is called then, once. */
static int api_after(lua_State *lua)
{
	struct nic *nic = nic_of(lua);
	lua_Integer nanoseconds = luaL_checkinteger(lua, 1);

	if (nanoseconds < 0)
		return luaL_error(lua, "a time that has passed");
	nic->state->timer = nic->ops->now(nic->ctx) + nanoseconds;
	return 0;
}

static int api_now(lua_State *lua)
{
	struct nic *nic = nic_of(lua);

	lua_pushinteger(lua, nic->ops->now(nic->ctx));
	return 1;
}

static int api_mac(lua_State *lua)
{
	lua_pushlstring(lua, (const char *)nic_of(lua)->mac, NIC_MAC);
	return 1;
}

static int api_up(lua_State *lua)
{
	lua_pushboolean(lua, nic_of(lua)->up);
	return 1;
}

static int api_log(lua_State *lua)
{
	struct nic *nic = nic_of(lua);

	nic_say(nic, "script: %s", luaL_tolstring(lua, 1, NULL));
	return 0;
}

static void names_push(lua_State *lua, const struct model *model)
{
	lua_createtable(lua, 0, model->registers);
	for (unsigned int i = 0; i < model->registers; i++) {
		lua_pushinteger(lua, i);
		lua_setfield(lua, -2, model->reg[i].name);
	}
}

static void fields_keep(lua_State *lua, const char *table, const char *const *names)
{
	lua_newtable(lua);
	lua_getglobal(lua, table);
	for (; *names; names++) {
		lua_getfield(lua, -1, *names);
		lua_setfield(lua, -3, *names);
	}
	lua_pop(lua, 1);
	lua_setglobal(lua, table);
}

static void fields_remove(lua_State *lua, const char *const *names)
{
	for (; *names; names++) {
		lua_pushnil(lua);
		lua_setglobal(lua, *names);
	}
}

/* Strings know their functions ("x":byte()) by the metatable: it gets the short list, too. */
static void strings_limit(lua_State *lua)
{
	lua_pushliteral(lua, "");
	if (lua_getmetatable(lua, -1)) {
		lua_getglobal(lua, LUA_STRLIBNAME);
		lua_setfield(lua, -2, "__index");
		lua_pop(lua, 1);
	}
	lua_pop(lua, 1);
}

static void libraries_open(lua_State *lua)
{
	static const char *const no[] = { "collectgarbage", "dofile", "getmetatable", "load",
					  "loadfile", "print", "require", "setmetatable", "warn",
					  "xpcall", NULL };
	static const char *const strings[] = { "byte", "char", "format", "len", "lower", "pack",
					       "packsize", "rep", "reverse", "sub", "unpack",
					       "upper", NULL };
	static const char *const tables[] = { "concat", "insert", "pack", "remove", "unpack",
					      NULL };

	luaL_requiref(lua, LUA_GNAME, luaopen_base, 1);
	luaL_requiref(lua, LUA_STRLIBNAME, luaopen_string, 1);
	luaL_requiref(lua, LUA_TABLIBNAME, luaopen_table, 1);
	luaL_requiref(lua, LUA_MATHLIBNAME, luaopen_math, 1);
	lua_pop(lua, 4);
	fields_remove(lua, no);
	fields_keep(lua, LUA_STRLIBNAME, strings);
	fields_keep(lua, LUA_TABLIBNAME, tables);
	strings_limit(lua);
	/* the table of loaded libraries has them whole */
	lua_pushnil(lua);
	lua_setfield(lua, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
}

int script_sandbox(lua_State *lua)
{
	static const luaL_Reg api[] = {
		{ "get", api_get }, { "set", api_set }, { "raise", api_raise },
		{ "after", api_after }, { "now", api_now }, { "mac", api_mac },
		{ "up", api_up }, { "log", api_log }, { NULL, NULL },
	};

	libraries_open(lua);
	lua_newtable(lua);
	names_push(lua, script_of(lua)->model);
	luaL_setfuncs(lua, api, 1);
	lua_setglobal(lua, "nic");
	lua_newtable(lua);
	lua_setglobal(lua, "read");
	lua_newtable(lua);
	lua_setglobal(lua, "write");
	return 0;
}

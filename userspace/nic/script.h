/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What of a NIC is not tabular, in Lua: script.c has the interpreter and its limits, script_api.c
 * what a script can call, script_call.c when it is called.
 *
 * A script that breaks (an error, too many instructions, too much memory) is ended. The NIC says
 * so, and goes on without it.
 */
#ifndef UVF_NIC_SCRIPT_H
#define UVF_NIC_SCRIPT_H

#include <lua.h>

#include "nic.h"

#define SCRIPT_STEP 1000 /* instructions between two looks */
#define SCRIPT_CPU_MAX 200000000ull /* nanoseconds of a call, for what counts no instruction */
#define SCRIPT_CHURN 16 /* a call may allocate so many times the script's memory */
#define SCRIPT_WHY 200

enum script_entry {
	ENTRY_FRAME_IN,
	ENTRY_FRAME_OUT,
	ENTRY_RESET,
	ENTRY_LINK,
	ENTRY_TIMER,
	ENTRIES,
};

struct script {
	lua_State *lua;
	const struct model *model;
	struct nic *nic; /* NULL while it is loaded */
	char path[4096];
	size_t used, memory; /* bytes, and how many there may be */
	uint64_t churn; /* bytes allocated in this call */
	uint64_t instructions, left; /* a call's, and what is left of them */
	uint64_t began; /* processor time */
	bool over; /* a limit */
	int entry[ENTRIES]; /* references of functions, or LUA_NOREF */
	int *read, *write; /* likewise, by register */
	char why[SCRIPT_WHY];
};

/* NULL, with complaints: it does not parse, it breaks while it is loaded, or names no register. */
struct script *script_open(const char *path, const struct model *model,
			   struct complaints *complaints);
void script_close(struct script *script);

/* Calls what is pushed within the limits, with @args arguments: 0, or -1 and script->why. */
int script_protected(struct script *script, int (*function)(lua_State *lua), void *argument);

/* --- script_api.c ----------------------------------------------------------------------------- */

/* Called by Lua: makes the sandbox, with the tables nic, read and write. */
int script_sandbox(lua_State *lua);
struct script *script_of(lua_State *lua);

/* --- script_call.c: each may end the script --------------------------------------------------- */

/* The NIC has this personality from now on. */
void script_attach(struct nic *nic);
void script_read(struct nic *nic, struct model_ref ref);
void script_write(struct nic *nic, struct model_ref ref, uint64_t value, uint64_t before);
/* False: the frame is dropped. */
bool script_frame(struct nic *nic, bool in, uint8_t *frame, uint32_t *len, uint32_t size);
void script_reset(struct nic *nic, bool power);
void script_link(struct nic *nic);
void script_tick(struct nic *nic);
uint64_t script_deadline(const struct nic *nic);

#endif /* UVF_NIC_SCRIPT_H */

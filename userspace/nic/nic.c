// SPDX-License-Identifier: GPL-2.0-only
/* A NIC's life: made, given a personality, another one, reset, closed. */
#include "nic.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "module.h"
#include "script.h"
#include "why.h"

#define SAYS_A_SECOND 10
#define SECOND 1000000000ull

/* A guest can bring these about as often as it likes. */
void nic_say(struct nic *nic, const char *format, ...)
{
	uint64_t now = nic->ops->now(nic->ctx);
	char text[256];
	va_list args;

	if (!nic->says || now - nic->said >= SECOND) {
		nic->said = now;
		nic->says = 0;
	}
	if (nic->says++ >= SAYS_A_SECOND)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	nic->ops->say(nic->ctx, text);
}

int nic_open(struct nic **nic, const struct nic_transport *ops, void *ctx,
	     const uint8_t mac[NIC_MAC])
{
	*nic = calloc(1, sizeof(**nic));
	if (!*nic)
		return uvf_fail(ENOMEM, "no memory for a NIC");
	crc_init();
	(*nic)->ops = ops;
	(*nic)->ctx = ctx;
	(*nic)->up = true;
	memcpy((*nic)->mac, mac, NIC_MAC);
	return 0;
}

void nic_close(struct nic *nic)
{
	if (!nic)
		return;
	nic_unload(nic);
	free(nic);
}

const char *nic_personality(const struct nic *nic)
{
	return nic->personality ? nic->personality->name : NULL;
}

const struct nic_counters *nic_counters(const struct nic *nic)
{
	return &nic->counters;
}

/* --- personalities come and go ---------------------------------------------------------------- */

void nic_unload(struct nic *nic)
{
	if (!nic->personality)
		return;
	vectors_reset(nic);
	personality_free(nic->personality);
	nic->personality = NULL;
	nic->model = NULL;
	nic->msi = NULL;
	nic->msix = NULL;
	nic->kicked = false;
	nic->left = false;
	free(nic->script_acts);
	nic->script_acts = NULL;
	/* Whoever comes next does not go on with it. */
	nic->state->magic = 0;
	free(nic->own);
	nic->own = NULL;
	nic->state = NULL;
}

static int install(struct nic *nic, struct personality *personality)
{
	uint8_t *value[MODEL_SPACES] = { 0 }, *acts = calloc(1, personality->model->registers + 1);
	struct nic_state *state;

	if (!acts || state_make(personality->model, &state, value)) {
		free(acts);
		personality_free(personality);
		return uvf_fail(ENOMEM, "no memory for personality %s", personality->name);
	}
	nic_unload(nic);
	nic->personality = personality;
	nic->model = personality->model;
	nic->script_acts = acts;
	nic->own = state;
	nic->state = state;
	memcpy(nic->value, value, sizeof(value));
	script_attach(nic);
	return 0;
}

int nic_load(struct nic *nic, const char *name)
{
	struct complaints complaints = { .path = name };
	struct personality *personality = personality_load(name, &complaints);
	int err;

	if (!personality)
		return complaints_result(&complaints);
	err = install(nic, personality);
	if (err)
		return err;
	nic_reset(nic); /* the object finds registers and config space as they are after power-on */
	if (!personality->module)
		return 0;
	err = module_start(nic, personality->module);
	if (err)
		nic_unload(nic);
	else
		module_reset(nic);
	return err;
}

/* --- resets ----------------------------------------------------------------------------------- */

static void link_show(struct nic *nic)
{
	const struct model_condition *link = &nic->model->link;
	uint64_t bits = nic->up ? link->value : ~link->value & link->mask;

	if (nic->model->has_link)
		register_set(nic, link->ref, (register_get(nic, link->ref) & ~link->mask) | bits);
}

static void reset(struct nic *nic, bool all)
{
	nic->counters.resets++;
	nic->state->deferred = false;
	nic->state->throttled_until = 0;
	registers_reset(nic, all);
	link_show(nic);
	nic->state->asserted = 0;
	vector_line(nic, false);
	rings_reset(nic);
	module_reset(nic);
	script_reset(nic, all);
}

void nic_soft_reset(struct nic *nic)
{
	reset(nic, false);
}

void nic_reset(struct nic *nic)
{
	if (!nic->model)
		return;
	pci_make(nic);
	vectors_reset(nic);
	reset(nic, true);
}

/* --- what else comes from outside ------------------------------------------------------------- */

void nic_link(struct nic *nic, bool up)
{
	if (up == nic->up)
		return;
	nic->up = up;
	if (!nic->model)
		return;
	link_show(nic);
	cause_raise(nic, nic->model->link_cause);
	module_link(nic, up);
	script_link(nic);
}

void nic_memory(struct nic *nic)
{
	if (nic->model)
		module_memory(nic);
}

bool nic_poll(struct nic *nic)
{
	bool more;

	if (!nic->model)
		return false;
	rings_run(nic);
	more = nic->left;
	return module_poll(nic) || more || nic->left;
}

uint64_t nic_deadline(const struct nic *nic)
{
	uint64_t script = script_deadline(nic);

	if (nic->model && nic->state->deferred && nic->state->throttled_until < script)
		return nic->state->throttled_until;
	return script;
}

void nic_tick(struct nic *nic)
{
	if (!nic->model)
		return;
	causes_tick(nic);
	script_tick(nic);
}

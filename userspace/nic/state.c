// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a NIC is at a moment, in one piece of memory: its own, or one of the carrier's that outlives
 * the process. A successor that has the same personality goes on with what it finds there.
 *
 * It is not written to that memory now and then: it is there. So what a guest has seen of the
 * device is what a successor finds, wherever its predecessor was killed, but for the step that was
 * under way. That is a register access, which the user's kernel asks for again, or a frame.
 *
 *	struct nic_state | registers, space by space | what a shared object keeps
 */
#include "nic.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "module.h"
#include "why.h"

#define MAGIC 0x7576662d6e696301ull /* the layout */
#define ALIGN 64
#define SPARE 8 /* behind each space: an element is read by up to eight bytes */

static size_t round_up(size_t size)
{
	return (size + ALIGN - 1) & ~(size_t)(ALIGN - 1);
}

/* --- what is where ---------------------------------------------------------------------------- */

static size_t values_at(const struct model *model, unsigned int space)
{
	size_t at = round_up(sizeof(struct nic_state));

	for (unsigned int i = 0; i < space; i++)
		at += round_up(model->space[i].size + SPARE);
	return at;
}

static size_t state_size(const struct model *model)
{
	return values_at(model, model->spaces);
}

static void values_find(const struct model *model, struct nic_state *state, uint8_t **value)
{
	for (unsigned int i = 0; i < model->spaces; i++)
		value[i] = (uint8_t *)state + values_at(model, i);
}

static uint64_t mix(uint64_t sum, uint64_t value)
{
	return (sum ^ value) * 0x100000001b3ull;
}

/* Of what decides where something is, and what it is for. */
static uint64_t describe(const struct model *model)
{
	uint64_t sum = mix(0xcbf29ce484222325ull, sizeof(struct nic_state));

	sum = mix(sum, (uint64_t)model->pci.vendor << 16 | model->pci.device);
	for (unsigned int i = 0; i < model->spaces; i++)
		sum = mix(sum, model->space[i].size);
	for (unsigned int i = 0; i < model->registers; i++) {
		const struct model_register *reg = &model->reg[i];

		sum = mix(mix(sum, reg->at), (uint64_t)reg->space << 32 | reg->width);
		sum = mix(sum, reg->count);
	}
	for (unsigned int i = 0; i < model->rings; i++)
		sum = mix(sum, model->ring[i].kind << 1 | model->ring[i].in);
	return sum;
}

static void state_begin(const struct model *model, struct nic_state *state)
{
	state->magic = MAGIC;
	state->description = describe(model);
	state->timer = UINT64_MAX;
	snprintf(state->name, sizeof(state->name), "%s", model->name);
}

int state_make(const struct model *model, struct nic_state **state, uint8_t **value)
{
	*state = aligned_alloc(ALIGN, state_size(model));
	if (!*state)
		return -ENOMEM;
	memset(*state, 0, state_size(model));
	state_begin(model, *state);
	values_find(model, *state, value);
	return 0;
}

/* --- keeping it elsewhere --------------------------------------------------------------------- */

static bool is_left(const struct nic *nic, const struct nic_state *state)
{
	return state->magic == MAGIC && state->description == describe(nic->model) &&
	       !strncmp(state->name, nic->model->name, sizeof(state->name));
}

/* Whatever is there, it is one of the two. */
static void bool_sound(bool *at)
{
	uint8_t byte;

	memcpy(&byte, at, 1);
	byte &= 1;
	memcpy(at, &byte, 1);
}

/* Numbers count places in rings, which are looked at when they are used. */
static void state_sound(struct nic *nic)
{
	struct nic_state *state = nic->state;

	bool_sound(&state->deferred);
	bool_sound(&state->vectors.intx);
	for (unsigned int i = 0; i < nic->model->rings; i++) {
		struct ring *ring = &state->ring[i];

		ring->model = &nic->model->ring[i];
		bool_sound(&ring->enabled);
		bool_sound(&ring->broken);
		bool_sound(&ring->skipping);
		bool_sound(&ring->context[0].tcp);
		bool_sound(&ring->context[1].tcp);
	}
}

/*
 * An interrupt may have been the predecessor's last intention, or a cause may have been read, and
 * taken back by that, for a guest that never got the answer. So what a ring could have said it says
 * once more: a driver looks for what there is, and is used to finding nothing.
 */
static void say_again(struct nic *nic)
{
	struct nic_state *state = nic->state;
	uint64_t causes = 0;

	for (unsigned int i = 0; i < nic->model->rings; i++)
		if (conditions_hold(nic, &nic->model->ring[i].enable))
			causes |= nic->model->ring[i].cause[ON_DONE];
	nic->ops->intx(nic->ctx, state->vectors.intx);
	state->asserted = 0;
	cause_raise(nic, causes);
	causes_update(nic);
}

static void go_on(struct nic *nic)
{
	const struct model *model = nic->model;

	state_sound(nic);
	if (model->has_link)
		nic->up = condition_holds(nic, &model->link);
	say_again(nic);
	nic->left = true; /* whatever was under way */
}

int nic_keep(struct nic *nic, void *memory, size_t size, bool left)
{
	const size_t own = nic->model ? state_size(nic->model) : 0;
	bool goes_on;

	if (!own || !nic->own || size < own)
		return uvf_fail(ENOSPC, "the state of %s takes %zu bytes, and there are %zu",
				nic->model ? nic->model->name : "no personality", own, size);
	goes_on = left && is_left(nic, memory);
	if (!goes_on) {
		memset(memory, 0, size);
		nic->own->magic = 0;
		memcpy(memory, nic->own, own);
	}
	free(nic->own);
	nic->own = NULL;
	nic->state = memory;
	values_find(nic->model, nic->state, nic->value);
	if (goes_on)
		go_on(nic);
	/* It is one when all of it is there. */
	__atomic_store_n(&nic->state->magic, MAGIC, __ATOMIC_RELEASE);
	module_keep(nic, (uint8_t *)memory + own, size - own, goes_on);
	return goes_on;
}

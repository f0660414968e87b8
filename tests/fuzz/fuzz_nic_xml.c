// SPDX-License-Identifier: GPL-2.0-only
/*
 * A description may be anything. What is taken for sound makes a device, whose registers are read
 * and written from end to end.
 */
#include <stdlib.h>

#include "nic.h"
#include "world.h"

static void registers_touch(struct world *world, struct model *model)
{
	static const uint8_t mac[NIC_MAC] = { 2, 0, 0, 0, 0, 1 };
	struct personality *personality = calloc(1, sizeof(*personality));
	struct nic *nic;

	nic_open(&nic, &world->ops, world, mac);
	personality->model = model;
	nic->personality = personality;
	nic->model = model;
	nic->script_acts = calloc(1, model->registers + 1);
	if (state_make(model, &nic->own, nic->value))
		abort();
	nic->state = nic->own;
	nic_reset(nic);
	for (unsigned int i = 0; i < model->registers; i++) {
		const struct model_register *reg = &model->reg[i];
		uint64_t value = UINT64_MAX;

		space_access(nic, reg->space, reg->at, reg->width, true, &value);
		space_access(nic, reg->space, reg->at, reg->width, false, &value);
	}
	nic_poll(nic);
	nic_overrun(nic);
	nic_close(nic); /* with personality and model */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct complaints complaints = { 0 };
	static struct world world;
	struct model *model = model_read("input", (const char *)data, size, &complaints);

	if (!model)
		return 0;
	world_open(&world);
	registers_touch(&world, model);
	world_close(&world);
	return 0;
}

// SPDX-License-Identifier: GPL-2.0-only
/* Shared objects: loading, and what either side does for the other. */
#include "module.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "why.h"

/* --- what the NIC does for the object --------------------------------------------------------- */

static struct nic *nic_of(struct uvf_nic *nic)
{
	return (struct nic *)nic;
}

static void *op_dma(struct uvf_nic *nic, uint64_t at, uint64_t len, int write, uint64_t *row)
{
	*row = 0;
	if (!len || at + (len - 1) < at)
		return NULL;
	return nic_of(nic)->ops->dma(nic_of(nic)->ctx, at, len, write, row);
}

static int op_range(struct uvf_nic *nic, unsigned int i, uint64_t *at, uint64_t *size,
		    void **pointer)
{
	const struct nic_transport *ops = nic_of(nic)->ops;

	return ops->range && ops->range(nic_of(nic)->ctx, i, at, size, pointer);
}

static uint8_t *op_room(struct uvf_nic *nic, uint32_t *size)
{
	uint8_t *room = nic_of(nic)->ops->frame_room(nic_of(nic)->ctx, size);

	if (!room)
		nic_of(nic)->waits = true;
	return room;
}

static void op_send(struct uvf_nic *nic, uint8_t *room, uint32_t len)
{
	if (len)
		frame_out(nic_of(nic), room, len, len);
	else
		nic_of(nic)->ops->frame_send(nic_of(nic)->ctx, room, 0);
}

static void op_received(struct uvf_nic *nic, const uint8_t *frame, uint32_t len)
{
	count_frame(nic_of(nic), true, frame, len);
}

static void op_fire(struct uvf_nic *nic, unsigned int vector)
{
	vector_fire(nic_of(nic), vector);
}

static void op_line(struct uvf_nic *nic, int asserted)
{
	nic_of(nic)->state->asserted = asserted;
	vector_line(nic_of(nic), asserted);
}

static int op_has_msix(struct uvf_nic *nic)
{
	return vectors_are_messages(nic_of(nic));
}

static int op_find(struct uvf_nic *nic, const char *name)
{
	return model_find_register(nic_of(nic)->model, name);
}

static bool exists(const struct nic *nic, int reg, unsigned int index)
{
	return reg >= 0 && (unsigned int)reg < nic->model->registers &&
	       index < nic->model->reg[reg].count;
}

static uint64_t op_get(struct uvf_nic *nic, int reg, unsigned int index)
{
	if (!exists(nic_of(nic), reg, index))
		return 0;
	return register_get(nic_of(nic), (struct model_ref){ reg, index });
}

static void op_set(struct uvf_nic *nic, int reg, unsigned int index, uint64_t value)
{
	if (exists(nic_of(nic), reg, index))
		register_set(nic_of(nic), (struct model_ref){ reg, index }, value);
}

static void op_bar(struct uvf_nic *nic, unsigned int bar, uint64_t offset, unsigned int width,
		   int write, uint64_t *value)
{
	nic_bar(nic_of(nic), bar, offset, width, write, value);
}

static uint8_t *op_config(struct uvf_nic *nic)
{
	return nic_of(nic)->state->config;
}

static const uint8_t *op_mac(struct uvf_nic *nic)
{
	return nic_of(nic)->mac;
}

static int op_link(struct uvf_nic *nic)
{
	return nic_of(nic)->up;
}

static uint64_t op_now(struct uvf_nic *nic)
{
	return nic_of(nic)->ops->now(nic_of(nic)->ctx);
}

static void op_again(struct uvf_nic *nic)
{
	nic_of(nic)->left = true;
}

static void op_say(struct uvf_nic *nic, const char *sentence)
{
	nic_say(nic_of(nic), "%s", sentence);
}

static void op_fault(struct uvf_nic *nic, int ring)
{
	*(ring ? &nic_of(nic)->counters.ring_errors : &nic_of(nic)->counters.dma_errors) += 1;
}

static const struct uvf_nic_ops nic_ops = {
	.size = sizeof(nic_ops),
	.dma = op_dma,
	.range = op_range,
	.room = op_room,
	.send = op_send,
	.received = op_received,
	.fire = op_fire,
	.line = op_line,
	.has_msix = op_has_msix,
	.find = op_find,
	.get = op_get,
	.set = op_set,
	.bar = op_bar,
	.config = op_config,
	.mac = op_mac,
	.link = op_link,
	.now = op_now,
	.again = op_again,
	.say = op_say,
	.fault = op_fault,
};

/* --- loading ---------------------------------------------------------------------------------- */

static const char *module_refusal(const struct uvf_personality *is, char *text, size_t size)
{
	if (!is)
		return "has no symbol uvf_personality";
	if (is->version != UVF_PERSONALITY_VERSION) {
		snprintf(text, size, "is for version %u of <uvf/personality.h>, and this is version "
			 "%u: compile it anew", is->version, UVF_PERSONALITY_VERSION);
		return text;
	}
	if (is->size != sizeof(*is)) {
		snprintf(text, size, "has a uvf_personality of %u bytes instead of %zu", is->size,
			 sizeof(*is));
		return text;
	}
	return is->start && is->stop && is->name ? NULL : "has no name, start or stop";
}

static bool file_is_sound(const char *path, struct complaints *complaints, int line)
{
	struct stat st;

	if (stat(path, &st))
		complain(complaints, line, "the shared object %s can't be read: %s", path,
			 strerror(errno));
	else if (!S_ISREG(st.st_mode) || st.st_mode & S_IWOTH)
		complain(complaints, line, "the shared object %s is %s", path,
			 S_ISREG(st.st_mode) ? "everybody's to write (chmod o-w)" : "no file");
	else
		return true;
	return false;
}

struct module *module_open(const char *path, struct complaints *complaints, int line)
{
	struct module *module;
	const char *refusal;
	char text[160];

	if (!file_is_sound(path, complaints, line))
		return NULL;
	module = calloc(1, sizeof(*module));
	if (!module) {
		complain(complaints, line, "no memory");
		return NULL;
	}
	module->handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!module->handle) {
		complain(complaints, line, "the shared object can't be loaded: %s", dlerror());
		module_close(module);
		return NULL;
	}
	module->is = dlsym(module->handle, "uvf_personality");
	refusal = module_refusal(module->is, text, sizeof(text));
	if (!refusal)
		return module;
	complain(complaints, line, "the shared object %s %s", path, refusal);
	module_close(module);
	return NULL;
}

void module_close(struct module *module)
{
	if (!module)
		return;
	module_stop(module);
	if (module->handle)
		dlclose(module->handle);
	free(module);
}

int module_start(struct nic *nic, struct module *module)
{
	module->state = module->is->start((struct uvf_nic *)nic, &nic_ops);
	return module->state ? 0 : uvf_fail(ENODEV, "the shared object of personality %s does not "
					    "start", module->is->name);
}

void module_stop(struct module *module)
{
	if (module->state)
		module->is->stop(module->state);
	module->state = NULL;
}

/* --- calling ---------------------------------------------------------------------------------- */

static struct module *module_of(const struct nic *nic)
{
	struct module *module = nic->personality ? nic->personality->module : NULL;

	return module && module->state ? module : NULL;
}

void module_reset(struct nic *nic)
{
	const struct module *module = module_of(nic);

	if (module && module->is->reset)
		module->is->reset(module->state);
}

bool module_access(struct nic *nic, unsigned int space, uint32_t offset, unsigned int width,
		   bool write, uint64_t *value)
{
	const struct module *module = module_of(nic);

	return module && module->is->access &&
	       module->is->access(module->state, space, offset, width, write, value);
}

bool module_config(struct nic *nic, uint32_t offset, unsigned int width, bool write,
		   uint64_t *value)
{
	const struct module *module = module_of(nic);

	return module && module->is->config &&
	       module->is->config(module->state, offset, width, write, value);
}

bool module_receive(struct nic *nic, uint8_t *frame, uint32_t len, enum nic_taken *taken)
{
	const struct module *module = module_of(nic);

	if (!module || !module->is->receive)
		return false;
	switch (module->is->receive(module->state, frame, len)) {
	case UVF_NIC_TAKEN:
		*taken = NIC_TAKEN;
		break;
	case UVF_NIC_FULL:
		*taken = NIC_FULL;
		break;
	case UVF_NIC_OFF:
		*taken = NIC_OFF;
		break;
	default:
		nic->counters.rx_filtered++;
		*taken = NIC_DROPPED;
	}
	return true;
}

bool module_frame_in(struct nic *nic, uint8_t *frame, uint32_t *len, uint32_t size)
{
	const struct module *module = module_of(nic);

	return !module || !module->is->frame_in ||
	       module->is->frame_in(module->state, frame, len, size);
}

bool module_frame_out(struct nic *nic, uint8_t *frame, uint32_t *len, uint32_t size)
{
	const struct module *module = module_of(nic);

	return !module || !module->is->frame_out ||
	       module->is->frame_out(module->state, frame, len, size);
}

bool module_poll(struct nic *nic)
{
	const struct module *module = module_of(nic);

	return module && module->is->poll && module->is->poll(module->state);
}

void module_link(struct nic *nic, bool up)
{
	const struct module *module = module_of(nic);

	if (module && module->is->link)
		module->is->link(module->state, up);
}

void module_memory(struct nic *nic)
{
	const struct module *module = module_of(nic);

	if (module && module->is->memory)
		module->is->memory(module->state);
}

void module_keep(struct nic *nic, void *memory, size_t size, bool left)
{
	const struct module *module = module_of(nic);

	if (module && module->is->keep)
		module->is->keep(module->state, memory, size, left);
}

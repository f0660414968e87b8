/* SPDX-License-Identifier: GPL-2.0-only */
/* Personalities that are compiled: shared objects by the rules of <uvf/personality.h>. */
#ifndef UVF_NIC_MODULE_H
#define UVF_NIC_MODULE_H

#include <uvf/personality.h>

#include "nic.h"

struct module {
	void *handle;
	const struct uvf_personality *is;
	void *state; /* of the NIC that has it; NULL: not started */
};

/* NULL, with complaints. */
struct module *module_open(const char *path, struct complaints *complaints, int line);
void module_close(struct module *module);

/* For a NIC: 0, or an errno with a sentence. */
int module_start(struct nic *nic, struct module *module);
void module_stop(struct module *module);
void module_reset(struct nic *nic);

/* Each: true, the object has done it. */
bool module_access(struct nic *nic, unsigned int space, uint32_t offset, unsigned int width,
		   bool write, uint64_t *value);
bool module_config(struct nic *nic, uint32_t offset, unsigned int width, bool write,
		   uint64_t *value);
bool module_receive(struct nic *nic, uint8_t *frame, uint32_t len, enum nic_taken *taken);

/* False: the frame is dropped. */
bool module_frame_in(struct nic *nic, uint8_t *frame, uint32_t *len, uint32_t size);
bool module_frame_out(struct nic *nic, uint8_t *frame, uint32_t *len, uint32_t size);

bool module_poll(struct nic *nic);
void module_link(struct nic *nic, bool up);
void module_memory(struct nic *nic);
void module_keep(struct nic *nic, void *memory, size_t size, bool left);

#endif /* UVF_NIC_MODULE_H */

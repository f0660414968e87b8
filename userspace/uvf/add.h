/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UVF_ADD_H
#define UVF_ADD_H

#include "uvf.h"

enum backend { BACKEND_ANY, BACKEND_UVF, BACKEND_VETH };

struct add_plan {
	const char *name;
	const char *uplink;
	const char *appliance; /* NULL: any */
	unsigned int vlan; /* 0: none */
	int mode; /* enum uvf_mode, or -1: not given */
	unsigned int queues; /* 0: not given */
	enum backend backend;
};

/* Makes it; 0 or -errno, with a sentence. @facts->links may be other than before. */
int add_function(struct facts *facts, const struct add_plan *plan);

#endif /* UVF_ADD_H */

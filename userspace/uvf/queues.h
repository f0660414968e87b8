/* SPDX-License-Identifier: GPL-2.0-only */
/* Which of a function's receive queues have an AF_XDP socket. */
#ifndef UVF_QUEUES_H
#define UVF_QUEUES_H

#include <stdint.h>

#include "link.h"

#define QUEUES_MAX 64

struct queues {
	unsigned int count; /* receive queues in use; 0: the kernel does not say */
	uint64_t sockets; /* bit N: queue N has one */
};

void queues_ask(const struct uvf_function *function, struct queues *queues);

#endif /* UVF_QUEUES_H */

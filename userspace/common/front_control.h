/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What an operator says to an interface process that runs: `uvf front swap`, on a socket beside its
 * counters (front/fw0.ctl) that root's alone. A message each way, and the connection is over.
 */
#ifndef UVF_FRONT_CONTROL_H
#define UVF_FRONT_CONTROL_H

#include <stdint.h>

#define FRONT_CONTROL_SUFFIX ".ctl"
#define FRONT_CONTROL_MAGIC 0x75766377
#define FRONT_CONTROL_PATH 1024
#define FRONT_CONTROL_TEXT 256

struct front_control_request {
	uint32_t magic;
	uint32_t reserved; /* 0 */
	char personality[FRONT_CONTROL_PATH]; /* a name or a whole path */
};

struct front_control_reply {
	uint32_t magic;
	int32_t error; /* 0; or -errno, and nothing has changed */
	uint32_t later; /* 1: when the user lets go of the device */
	char text[FRONT_CONTROL_TEXT]; /* what was wrong */
};

#endif /* UVF_FRONT_CONTROL_H */

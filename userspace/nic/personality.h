/* SPDX-License-Identifier: GPL-2.0-only */
/* Personalities as files: where they are, which there are. */
#ifndef UVF_NIC_PERSONALITY_H
#define UVF_NIC_PERSONALITY_H

#include "nic.h"

#define PERSONALITY_PLACES 8

/* Directories, the first first; how many. */
unsigned int personality_places(char places[PERSONALITY_PLACES][4096]);

/* Calls @each for each file there, once for each name. */
void personality_walk(void (*each)(const char *name, const char *path, void *arg), void *arg);

/* The path of a name, or of a path (with a '/') that is there; or -ENOENT, with a sentence. */
int personality_find(const char *name, char *path, size_t size);

#endif /* UVF_NIC_PERSONALITY_H */

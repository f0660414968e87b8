/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An appliance, in a process of its own, is stepped through some thousand instructions and killed
 * there; another session then opens what it left.
 */
#ifndef DEATHS_H
#define DEATHS_H

#include "played.h"

/* A child that calls @turn again and again. It shares rings and memory, and nothing else. */
void die_somewhere(void (*turn)(void), unsigned int steps);

/* What uvfd answers, with the descriptor @fd, which is closed. */
void reply(uint16_t type, const char *function, bool resumed, int fd);
/* What this process has of the session is closed; uvfd's copies of the descriptors stay. */
void session_forget(int *memory, int *sockets);
/* A successor with @opts does not go on with the memory that it finds. */
void session_begin_anew(const struct uvf_opts *opts);
/* Opens all of it again, with other sockets if not the @same; @last_first: fw1 before fw0. */
void session_succeed(bool same_sockets, bool last_first);

#endif /* DEATHS_H */

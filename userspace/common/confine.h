/* SPDX-License-Identifier: GPL-2.0-only */
/* What a process gives up once it has what it needs. Each returns 0 or -errno with a sentence. */
#ifndef UVF_CONFINE_H
#define UVF_CONFINE_H

#include <stddef.h>
#include <stdint.h>

/* Keeps the capabilities of @mask (1 << CAP_…) and no other, and takes no new ones. */
int confine_capabilities(uint64_t mask);

/* A system call that stays, with any arguments, or with one of them as given. */
struct confine_call {
	int number;
	int argument; /* 1 for the first; 0: none is looked at */
	uint64_t value;
};

enum confine_else {
	CONFINE_KILL, /* any other call ends the process */
	CONFINE_REFUSE, /* any other call is refused (EPERM): for a service that must go on */
};

/*
 * Of system calls, @calls stay, and those that memory, time, signals, stdio and the end take.
 * Nothing that is mapped can be executed. Not under the sanitizers, which make calls of many kinds
 * when they have something to report.
 */
int confine_calls(const struct confine_call *calls, size_t n, enum confine_else otherwise);

/*
 * The same for who loads files and shared objects when it runs already: they can be opened to be
 * read, and mapped to be executed, but nothing both to be written and executed; none is created.
 */
int confine_loading(const struct confine_call *calls, size_t n, enum confine_else otherwise);

#endif /* UVF_CONFINE_H */

/* SPDX-License-Identifier: GPL-2.0-only */
/* BPF programs on links: which are there, and what they are called. */
#ifndef UVF_PROGS_H
#define UVF_PROGS_H

#include <stdbool.h>
#include <stdint.h>

#include "link.h"

#define PROGS_MAX 16
#define PROG_NAME_SIZE 128

struct prog {
	uint32_t id;
	bool native; /* XDP in the driver, not in the kernel's generic code */
	char name[PROG_NAME_SIZE];
};

struct progs {
	unsigned int count;
	struct prog prog[PROGS_MAX];
};

/*
 * The XDP programs of a link as it was last heard of; behind libxdp's dispatcher, its components in
 * their order.
 */
void progs_xdp(const struct uvf_link *link, struct progs *progs);
const struct prog *progs_find(const struct progs *progs, const char *name);

/* uvfd's tc program at the ingress of a link; id 0: there is none. */
struct prog prog_tc(int ifindex);

/* The whole name of a program, from its BTF; false: it has none. */
bool prog_function(int fd, char *name);

/* @tracer is to follow it: its descriptor, until that is loaded, or -errno with a sentence. */
struct bpf_program;
int prog_set_target(struct bpf_program *tracer, const struct prog *prog);

#endif /* UVF_PROGS_H */

/* SPDX-License-Identifier: GPL-2.0-only */
/* The programs of redirect.bpf.c, for those who load them; and how such a program gives up. */
#ifndef REDIRECT_H
#define REDIRECT_H

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

void __attribute__((noreturn, format(printf, 1, 2))) die(const char *format, ...);
int index_of(const char *name);

/* All die where something fails. */
struct bpf_object *redirect_load(void);
int redirect_program(struct bpf_object *object, const char *name);
void redirect_put(struct bpf_object *object, const char *map, int key, const void *value);
void redirect_attach(int device, struct bpf_object *object, const char *name);

#endif /* REDIRECT_H */

/* SPDX-License-Identifier: GPL-2.0-only */
/* One of our tc programs at the ingress of a link, beside those of others. */
#ifndef UVFD_TC_H
#define UVFD_TC_H

#include <stdbool.h>

struct tc_hook {
	int ifindex;
	bool made; /* the clsact qdisc is ours: it goes when nobody else has a filter in it */
};

int tc_attach(struct tc_hook *hook, int ifindex, int program);
void tc_detach(const struct tc_hook *hook);
/* The program that is at our place there: a descriptor, or -1. */
int tc_find(int ifindex);

#endif /* UVFD_TC_H */

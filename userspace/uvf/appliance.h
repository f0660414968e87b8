/* SPDX-License-Identifier: GPL-2.0-only */
/* To become an appliance: `uvf run`, and what starts interface processes. */
#ifndef UVF_APPLIANCE_H
#define UVF_APPLIANCE_H

#include "uvf.h"

struct appliance {
	const char *name;
	const char *user; /* NULL: the user of this name, else nobody */
	unsigned int count;
	const char *functions[UVF_PROTO_FUNCTIONS];
};

/*
 * For good: without privileges, and with a connection to uvfd in the environment, for the program
 * that is executed next. 0 or -errno, with a sentence.
 */
int appliance_become(const struct appliance *appliance);

/* --- front.c ---------------------------------------------------------------------------------- */

/* What `uvf front vhost-user` is to start. */
struct front_plan {
	struct appliance appliance; /* of one function */
	const char *socket;
	const char *owner; /* who may connect, too; NULL: nobody else */
	const char *pairs;
	const char *shim; /* when frames are not to be copied; NULL: auto */
	bool client;
	int listener; /* -1: not open yet */
};

extern const struct argp front_argp;

/* The appliance's name, if none was given, is what the function was made for. */
int front_check(struct front_plan *plan);
/* The socket that front-ends connect to; what a dead one left there is removed. */
int front_listen(struct front_plan *plan);
/* Becomes the interface process. Returns only with -errno and a sentence. */
int front_execute(struct front_plan *plan);

int front_list(int argc, char **argv);
int front_show(int argc, char **argv);

#endif /* UVF_APPLIANCE_H */

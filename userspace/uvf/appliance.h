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

#define FRONT_VHOST_USER "uvf-vhost-user"
#define FRONT_VFIO "uvf-vfio"

/* What `uvf front vhost-user` is to start, or `uvf front vfio`, which has no socket. */
struct front_plan {
	const char *program; /* FRONT_VHOST_USER or FRONT_VFIO */
	struct appliance appliance; /* of one function */
	char pci[UVF_APPLIANCE_SIZE]; /* where it is; "": it is no PCI function */
	const char *socket;
	const char *owner; /* who may connect, too; NULL: nobody else */
	const char *pairs;
	const char *shim; /* when frames are not to be copied; NULL: auto */
	const char *standby_of; /* whose frames it takes while it is driven; NULL */
	char mac[18]; /* of that one, which is the guest's, too */
	bool client;
	int listener; /* -1: not open yet */
};

extern const struct argp front_argp;

/* An option of both: the appliance's name, the user. */
error_t front_option(int key, char *arg, struct front_plan *plan);
/* An argument of both: the function. */
void front_function(struct front_plan *plan, char *arg, struct argp_state *state);
/* The appliance's name, if none was given, is what the function was made for. */
int front_check(struct front_plan *plan);
/* The directory of counters and sockets. */
void front_directory(void);
/* Where the plan's program counts: a descriptor, or -1. */
int front_count(const struct front_plan *plan);
/* A descriptor that the program is to have, too; negative ones are left alone. */
void front_inherit(int fd);
/* Executes the plan's program. Returns only with -errno and a sentence. */
int front_program(const struct front_plan *plan, const char **argv);
/* The socket that front-ends connect to; what a dead one left there is removed. */
int front_listen(struct front_plan *plan);
/* Becomes the interface process. Returns only with -errno and a sentence. */
int front_execute(struct front_plan *plan);

/* Where the interface process of @function listens to the operator. 0, or with a sentence. */
struct sockaddr_un;
int front_control_address(const char *function, struct sockaddr_un *addr);

int front_vfio(int argc, char **argv);
int front_swap(int argc, char **argv);
int front_list(int argc, char **argv);
int front_show(int argc, char **argv);

#endif /* UVF_APPLIANCE_H */

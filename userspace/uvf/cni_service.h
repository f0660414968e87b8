/* SPDX-License-Identifier: GPL-2.0-only */
/* uvf cni: the functions that it serves, and the clients that take them. */
#ifndef UVF_CNI_SERVICE_H
#define UVF_CNI_SERVICE_H

#include <event2/event.h>
#include <net/if.h>
#include <stdbool.h>
#include <sys/queue.h>
#include <sys/types.h>

#define CNI_FUNCTIONS 32

struct cni_function {
	char name[IFNAMSIZ];
	int link; /* the XDP program on it, for as long as this is open */
	int map; /* its XSKMAP */
};

struct cni_service {
	const char *path;
	const char *host; /* that clients must name, or NULL */
	uid_t uid; /* whom it serves, besides root */
	bool once; /* it ends with the last client that took a map */
	unsigned int count;
	struct cni_function functions[CNI_FUNCTIONS];
	struct event_base *base;
	int sock;
	unsigned int clients;
	unsigned int takers; /* processes that have a map */
	bool taken; /* once, at least */
};

/* "uvf cni: …" on standard error. */
__attribute__((format(printf, 1, 2))) void cni_say(const char *format, ...);

/* --- cni_client.c ------------------------------------------------------------------------- */

/* Takes the next connection of @service->sock. */
void client_accept(struct cni_service *service);

#endif /* UVF_CNI_SERVICE_H */

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The keeper: a process that holds descriptors, and does nothing else.
 *
 *	uvfd ──put, drop──▶ keeper        while uvfd lives
 *	uvfd ◀──records──── keeper        when another one starts
 *
 * AF_XDP sockets, memories and connections live as long as somebody has a descriptor of them.
 * uvfd gives the keeper one of each, together with what it will need to know of them. When uvfd
 * is killed, or exits to be upgraded, nothing is closed, and its successor gets all of it back.
 * Only when uvfd stops in order does the keeper end as well.
 *
 * A record that was sent is kept: it lies in the socket's queue, which the keeper holds, even
 * when uvfd is killed right behind it. Only the end of one is answered, because a socket that is
 * given back must be closed at both ends before its frames are used for something else.
 */
#ifndef UVFD_KEEP_H
#define UVFD_KEEP_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "proto.h"

/* Of the records below. Another release that changes them takes over nothing but traffic. */
#define KEEP_VERSION 2

#define KEEP_FDS (2 + UVF_PROTO_SOURCES)

enum keep_op {
	KEEP_PUT, /* a record; one of the same id is replaced */
	KEEP_DROP, /* answered by KEEP_END */
	KEEP_STOP, /* close all, and end */
	KEEP_END, /* from the keeper: these were all the records, or it is dropped */
	KEEP_OPS,
};

enum keep_kind {
	KEEP_SESSION, /* descriptors: its socket while the client lives, its memory, its maps */
	KEEP_LEASE, /* descriptors: program, map, and the socket of each source */
	KEEP_KINDS,
};

struct keep_map {
	uint64_t at;
	uint64_t size;
};

struct keep_session {
	int32_t pid;
	uint32_t functions;
	uint32_t frame_size;
	uint32_t linger; /* seconds */
	uint32_t memory_request;
	uint32_t busy_budget;
	uint64_t memory_size; /* 0: none yet */
	uint32_t maps;
	uint32_t maps_expected;
	uint32_t frame_max;
	uint32_t memory_flags; /* UVF_MEMORY_* */
	struct keep_map map[UVF_PROTO_MAPS];
	uint8_t has_sock; /* 0: its client is dead, and a successor is waited for */
	uint8_t inherited;
	char appliance[UVF_PROTO_APPLIANCE];
	char function[UVF_PROTO_FUNCTIONS][UVF_PROTO_NAME];
};

struct keep_source {
	int32_t netdev;
	uint32_t queue;
	uint8_t zerocopy;
	uint8_t direct;
};

struct keep_lease {
	uint32_t session; /* its record's id */
	int32_t netdev;
	uint32_t ring_size;
	uint32_t sources;
	uint32_t request;
	uint8_t inherited;
	char name[IFNAMSIZ];
	struct keep_source source[UVF_PROTO_SOURCES];
};

struct keep_record {
	uint32_t version;
	uint32_t op;
	uint32_t id;
	uint32_t kind;
	union {
		struct keep_session session;
		struct keep_lease lease;
	};
};

struct keep_item {
	struct keep_record record;
	unsigned int fds;
	int fd[KEEP_FDS];
};

/* Bytes, 0 at the end, or -errno. Descriptors of a message that is none are closed. */
int keep_send(int sock, const struct keep_item *item);
int keep_receive(int sock, struct keep_item *item);
/* Whether a record can be used: counts within their arrays, names that end, enough descriptors. */
bool keep_valid(const struct keep_item *item);

/* keeper.c: the process. Forks it, and returns a connection to it or to the one that is there. */
int keeper_connect(const char *path);

#endif /* UVFD_KEEP_H */

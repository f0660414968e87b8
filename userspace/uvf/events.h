/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * uvf events: who tells of what.
 *
 *	uvf.ko (generic netlink)	its functions: add, change, del
 *	rtnetlink			functions backed by veth: the same
 *	uvfd				leases and steering
 *
 * Each source has a descriptor to poll, or -1 while it is not there; it is looked for again each
 * second.
 */
#ifndef UVF_EVENTS_H
#define UVF_EVENTS_H

#include <json-c/json.h>

#include "uvf.h"

struct events {
	bool json;
	bool started; /* what was there before is no event */
	struct facts facts;
};

/* An event object of this kind, and its printing, which frees it. */
struct json_object *told_new(const char *kind);
void told_text(struct json_object *event, const char *key, const char *value);
void told_number(struct json_object *event, const char *key, int64_t value);
void told_print(const struct events *events, struct json_object *event);

struct events_source {
	int (*open)(struct events *events); /* a descriptor to poll, or -1 */
	int (*read)(struct events *events); /* it can be read; -1: it has ended, and is closed */
};

extern const struct events_source events_module, events_link, events_uvfd;

#endif /* UVF_EVENTS_H */

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The in-flight region (vhost-user, "Inflight I/O tracking"): memory of the front-end's keeping in
 * which each ring writes down what it has popped. We make it (VHOST_USER_GET_INFLIGHT_FD), the
 * front-end keeps it, and gives it to our successor (VHOST_USER_SET_INFLIGHT_FD).
 */
#ifndef FRONT_INFLIGHT_H
#define FRONT_INFLIGHT_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct inflight {
	void *map; /* NULL: there is none */
	size_t map_size;
	uint8_t *at; /* of the first ring's part */
	uint64_t size;
	uint64_t offset; /* in the file */
	int fd;
	uint16_t queues;
	uint16_t queue_size;
	bool packed;
	volatile sig_atomic_t lost; /* was cut short (fault.h): the session is to end */
};

/* Bytes of one ring's part. */
size_t inflight_size(bool packed, uint16_t queue_size);

/* 0, or a negative errno and a sentence. @map is closed first, if it has one. */
int inflight_make(struct inflight *map, bool packed, uint16_t queues, uint16_t queue_size);

/* What the front-end has kept. Takes the descriptor over. */
int inflight_take(struct inflight *map, bool packed, int fd, uint64_t size, uint64_t offset,
		  uint16_t queues, uint16_t queue_size);

void inflight_close(struct inflight *map); /* rings must have let go of it before */

/* The part of ring @number, and its @size, for vring_set_inflight(); NULL when there is none. */
void *inflight_part(const struct inflight *map, unsigned int number, size_t *size);

#endif /* FRONT_INFLIGHT_H */

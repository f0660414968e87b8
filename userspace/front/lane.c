// SPDX-License-Identifier: GPL-2.0-only
/*
 * A lane: a virtqueue, the queue of the function that belongs to it, and the way between them.
 *
 *	stopped		the ring is the driver's alone
 *	running		ring started, on a way
 *	running, at rest	and it has asked for notice, for the process sleeps
 *
 *	stopped -> running	lane_start(): memory, addresses, SET_VRING_KICK and _ENABLE were
 *				said, the device is not broken
 *	running -> stopped	lane_stop(): GET_VRING_BASE, reset, end; and while memory or
 *				features change, between lane_stop() and lane_start()
 */
#include "shim.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "why.h"

#define WAYS 2

/* The first that works */
static const struct datapath *const receive_ways[WAYS] = { &shim_receive, &copy_receive };
static const struct datapath *const send_ways[WAYS] = { &shim_send, &copy_send };

static int way_choose(struct lane *lane)
{
	const struct datapath *const *ways = lane_receives(lane) ? receive_ways : send_ways;

	lane->count->why[0] = '\0';
	for (unsigned int i = 0; i < WAYS; i++) {
		if (!ways[i]->start(lane)) {
			lane->way = ways[i];
			strcpy(lane->count->path, ways[i]->name);
			return 0;
		}
		snprintf(lane->count->why, sizeof(lane->count->why), "%s", uvf_why());
	}
	return uvf_fail(ENOTSUP, "%s", lane->count->why);
}

/* In a session on guest memory nothing is copied but by the shim. */
static int way_settle(struct lane *lane)
{
	struct front *front = lane->front;
	int err = way_choose(lane);

	if (err || !front->mapped || lane->way == &shim_receive || lane->way == &shim_send)
		return err;
	lanes_stop(front);
	function_give_up(front);
	return lanes_start(front);
}

/*
 * vhost-user, "Ring states". Started without waiting for a kick, for a guest whose interface process
 * is another one now need not kick anew; but not before it was enabled, for the same guest's frames
 * would be discarded while the front-end is still at saying so.
 */
int lane_start(struct lane *lane)
{
	struct front *front = lane->front;
	int err;

	if (lane->way || !lane->kicked || !lane->opened || front->broken || !front->guest.regions)
		return 0;
	err = function_prepare(front) ?: shim_track(lane);
	if (!err)
		err = vring_start(&lane->ring);
	if (!err) {
		lane->count->resumed += vring_agains(&lane->ring);
		err = way_settle(lane);
	}
	if (!err && lane->way)
		err = loop_watch_kick(lane);
	if (err) {
		lane_stop(lane);
		return err;
	}
	lane->count->size = lane->ring.num;
	lane->count->packed = lane->ring.is_packed;
	return 0;
}

void lane_stop(struct lane *lane)
{
	loop_forget_kick(lane);
	if (lane->way)
		lane->way->stop(lane);
	lane->way = NULL;
	lane->count->size = 0;
	if (!lane->ring.started)
		return;
	vring_set_base(&lane->ring, vring_stop(&lane->ring));
	shim_untrack(lane);
}

void lane_unpop(struct lane *lane, const struct taken *taken)
{
	static struct vring_chain chain;

	chain.id = taken->id;
	chain.descs = taken->descs;
	chain.again = taken->again;
	vring_unpop(&lane->ring, &chain);
}

void lanes_stop(struct front *front)
{
	for (unsigned int i = 0; i < front->lanes; i++)
		lane_stop(&front->lane[i]);
}

int lanes_start(struct front *front)
{
	int err = 0;

	for (unsigned int i = 0; i < front->lanes && !err; i++)
		err = lane_start(&front->lane[i]);
	return err;
}

/* Sockets that were closed for a ring to stop, while others go on. */
static bool reopen(struct front *front)
{
	bool any = false;

	for (unsigned int i = 0; i < front->lanes; i++)
		any |= front->lane[i].way != NULL;
	if (!any)
		return false;
	front->failed = function_reopen(front);
	front->stop |= front->failed;
	return !front->failed;
}

unsigned int lanes_run(struct front *front)
{
	unsigned int moved = 0;

	if (__builtin_expect(!front->dev, 0) && !reopen(front))
		return 0;

	for (unsigned int i = 0; i < front->lanes; i++) {
		struct lane *lane = &front->lane[i];
		int got = lane->way ? lane->way->run(lane) : 0;

		if (got < 0)
			device_break(front, lane->ring.why);
		else
			moved += got;
	}
	return moved;
}

bool lanes_rest(struct front *front)
{
	bool again = false;

	/* It could not be opened again: the loop is about to end. */
	if (!front->dev)
		return front->stop;

	for (unsigned int i = 0; i < front->lanes; i++) {
		struct lane *lane = &front->lane[i];

		/* "polling should be used instead of waiting for the kick" (SET_VRING_KICK) */
		if (lane->way && lane->ring.kick < 0)
			loop_hurry(front);
		again |= lane->way && lane->way->rest(lane);
	}
	return again;
}

void lanes_wake(struct front *front)
{
	for (unsigned int i = 0; i < front->lanes; i++)
		if (front->lane[i].way)
			front->lane[i].way->wake(&front->lane[i]);
}

// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * Before it sleeps, uvf__wait() may look at the rings for a while: to be woken takes longer than a
 * frame takes to come.
 *
 * A signal can't be seen from here, and who has set a flag in its handler must not be kept: so a
 * call looks for a slice only, and returns 0. When the session has been idle for all its time, the
 * next call sleeps.
 */
#include "session.h"

#include <sys/socket.h>
#include <time.h>

#define SLICE_NS 100000
#define LOOKS 64 /* for one look at the clock */

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ULL + t.tv_nsec;
}

/* Frames that came without waiting for them end idleness too. */
static bool was_long_enough(struct uvf *uvf, uint64_t time)
{
	if (!uvf->idle_since || uvf->idle_arrivals != uvf->arrivals) {
		uvf->idle_since = time;
		uvf->idle_arrivals = uvf->arrivals;
	}
	return uvf->busy_us != UVF_BUSY_ALWAYS &&
	       time - uvf->idle_since >= uvf->busy_us * 1000ULL;
}

/* One round of the driver's NAPI, for each of the function's sockets. */
static void poll_kernel(const struct uvf_dev *dev)
{
	for (unsigned int i = 0; i < dev->sources; i++)
		recvfrom(dev->source[i].fd, NULL, 0, MSG_DONTWAIT, NULL, NULL);
}

static bool look(struct uvf *uvf)
{
	for (unsigned int i = 0; i < UVF_DEVS; i++) {
		struct uvf_dev *dev = uvf->devs[i];

		if (!dev || dev->gone)
			continue;
		dev_reap(dev);
		dev_refill(dev);
		if (uvf->busy_poll)
			poll_kernel(dev);
		if (dev_ready(dev))
			return true;
	}
	return false;
}

int busy_wait(struct uvf *uvf)
{
	uint64_t begin = now();

	if (was_long_enough(uvf, begin))
		return -1;
	do {
		for (unsigned int i = 0; i < LOOKS; i++)
			if (look(uvf))
				return 1;
	} while (now() - begin < SLICE_NS);
	return 0;
}

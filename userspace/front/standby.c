// SPDX-License-Identifier: GPL-2.0-only
/*
 * A card beside another one in the same guest, whose function's frames this one takes while the
 * guest drives it: from the moment in which its driver has given buffers to receive into, until it
 * stops the rings. Until then, and after that, the other card has them. So a guest that began on an
 * emulated card goes over to this one, and back, and no frame is without a place to go.
 *
 * What is true is what uvfd does; we say what we want until it has been done.
 */
#include "front.h"

#include <stdio.h>

#include "why.h"

#define GRACE 5 /* seconds: a front-end connects again within one */

static bool is_driven(const struct front *front)
{
	for (unsigned int i = 0; front->dev && i < front->lanes; i++)
		if (lane_receives(&front->lane[i]) && front->lane[i].way &&
		    vring_is_fed(&front->lane[i].ring))
			return true;
	return false;
}

static void say(struct front *front, int err)
{
	const char *of = front->standby_of;

	if (err && !*front->counters->standby_why)
		front_say(front, "can't %s the frames of %s: %s", front->took ? "give back" : "take",
			  of, uvf__why());
	if (!err)
		front_say(front, front->took ? "gets the frames of %s" : "%s has its frames back", of);
}

static void ask(struct front *front, bool take)
{
	int err = uvf__redirect(front->uvf, front->standby_of,
				take ? front->counters->function : NULL);

	if (!err)
		front->took = take;
	say(front, err);
	snprintf(front->counters->standby_why, sizeof(front->counters->standby_why), "%s",
		 err ? uvf__why() : "");
	front->counters->took = front->took;
	front->standby_again = !err;
}

void standby_settle(struct front *front)
{
	bool driven;

	if (!front->standby_of || !front->standby_again)
		return;
	driven = is_driven(front);
	if (driven)
		front->standby_grace = 0;
	if (driven != front->took && !front->standby_grace)
		ask(front, driven);
}

void standby_tick(struct front *front)
{
	front->standby_again = true;
	if (front->standby_grace)
		front->standby_grace--;
}

void standby_lost(struct front *front)
{
	front->took = false;
	front->counters->took = false;
}

void standby_open(struct front *front, bool resumed)
{
	front->took = front->standby_of && resumed;
	front->standby_grace = resumed ? GRACE : 0;
	front->standby_again = true;
	front->counters->took = front->took;
	if (front->standby_of)
		snprintf(front->counters->standby_of, sizeof(front->counters->standby_of), "%s",
			 front->standby_of);
}

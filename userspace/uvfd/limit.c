// SPDX-License-Identifier: GPL-2.0-only
/* Rate limits: what may be set on which function, and what that is in the steering maps. */
#include "uvfd.h"

#include <errno.h>
#include <string.h>

#include "steer.h"
#include "why.h"

#define NS 1000000000ULL
#define BURST_PART 50 /* without a word on it, a burst is what comes in a fiftieth of a second */
#define BURST_LEAST 65536 /* bytes */
#define FRAMES_LEAST 16
#define FRAME_MORE 22 /* Ethernet header, two tags */

static uint64_t burst_of(const struct uvf_limit_words *limit)
{
	uint64_t bytes = limit->burst ?: limit->rate / 8 / BURST_PART;

	return limit->burst || bytes > BURST_LEAST ? bytes : BURST_LEAST;
}

static uint64_t frames_of(const struct uvf_limit_words *limit)
{
	uint64_t frames = limit->pps / BURST_PART;

	return frames > FRAMES_LEAST ? frames : FRAMES_LEAST;
}

static void bucket_of(const struct uvf_limit_words *limit, struct uvf_limit *bucket)
{
	memset(bucket, 0, sizeof(*bucket));
	if (limit->rate) {
		bucket->byte_cost = ((8 * NS) << UVF_LIMIT_SHIFT) / limit->rate;
		bucket->bytes_burst = burst_of(limit) * bucket->byte_cost >> UVF_LIMIT_SHIFT;
	}
	if (limit->pps) {
		bucket->frame_cost = NS / limit->pps;
		bucket->frames_burst = frames_of(limit) * bucket->frame_cost;
	}
}

/* What functions of uvf.ko send no program sees: see sending.c. */
static bool limits(const struct function *function, int direction)
{
	const struct uvf_limit_words *limit = &function->limits[direction];

	return (function->is_port || direction == UVF_RX) && (limit->rate || limit->pps);
}

bool limits_any(const struct function *function)
{
	return limits(function, UVF_RX) || limits(function, UVF_TX);
}

/* Into the maps of its uplink. */
int limits_write(const struct function *function)
{
	const struct bpf_map *map = function->uplink->steer->bpf->maps.limits;
	struct uvf_limit bucket;
	uint32_t key;
	int err = 0;

	for (int i = 0; !err && i < UVF_DIRECTIONS; i++) {
		key = UVF_LIMIT_KEY(function->entry.slot, i);
		bucket_of(&function->limits[i], &bucket);
		if (limits(function, i))
			err = steer_put(map, &key, sizeof(key), &bucket, sizeof(bucket));
		else
			bpf_map__delete_elem(map, &key, sizeof(key), 0);
	}
	return err;
}

static int check(const struct function *function, int direction,
		 const struct uvf_limit_words *limit, const struct uvf_function *links)
{
	if (!limit->rate && !limit->pps)
		return 0;
	if (direction == UVF_TX && direct_is_leased(function))
		return uvf_fail(EBUSY, "%s has queues of its uplink, and sends by them past every "
				       "program that could limit it: `uvf lease %s off` first",
				function->name, function->name);
	if (limit->burst && limit->burst < links->netdev->mtu + FRAME_MORE)
		return uvf_fail(EINVAL, "a burst of %u bytes lets no frame of %s's MTU through: %u "
					"at least", limit->burst, function->name,
				links->netdev->mtu + FRAME_MORE);
	return 0;
}

static int set_in_program(struct function *function, int direction,
			  const struct uvf_limit_words *limit)
{
	int err = limit->rate || limit->pps ? function_check_seen(function) : 0;

	if (err)
		return err;
	function->limits[direction] = *limit;
	if (function->uplink) {
		err = limits_write(function);
		if (err)
			return uvf_fail(-err, "the kernel does not take the limit: %s",
					strerror(-err));
		uplink_settle(function->uplink);
	}
	settings_save(function);
	return 0;
}

int limits_set(struct function *function, int direction, const struct uvf_limit_words *limit,
	       const struct uvf_function *links)
{
	int err = check(function, direction, limit, links);

	if (err)
		return err;
	if (!function->is_port && direction == UVF_TX)
		return sending_limit(function, limit);
	return set_in_program(function, direction, limit);
}

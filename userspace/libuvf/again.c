// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * What a dead predecessor held is received again, before all else, in the order in which it came.
 *
 * Of a frame of several buffers either all are, or none. Some may be SENDING, by a function that is
 * not open yet: its predecessor had begun to give the frame away, and has not, or it has. So the
 * frame waits for that function to be opened.
 */
#include "session.h"

#include <errno.h>
#include <stdlib.h>

#include "why.h"

/* A frame that is whole: @count numbers from @first on. */
struct whole {
	uint32_t *first;
	uint32_t count;
	uint32_t arrival;
	uint32_t from;
};

enum verdict { WHOLE, WAITS, BROKEN };

static const struct uvf *sorted;

static int in_order(uint32_t a, uint32_t b)
{
	int32_t diff = a - b;

	return diff > 0 ? 1 : diff < 0 ? -1 : 0;
}

static int by_place(const void *a, const void *b)
{
	const struct uvf_place *one = &sorted->place[*(const uint32_t *)a];
	const struct uvf_place *other = &sorted->place[*(const uint32_t *)b];

	return one->from != other->from ? one->from - other->from :
					  in_order(one->arrival, other->arrival);
}

static int later_first(const void *a, const void *b)
{
	const struct whole *one = a, *other = b;

	return in_order(other->arrival, one->arrival) ?: (int)other->from - (int)one->from;
}

bool dev_has_source(const struct uvf_dev *dev, uint8_t number)
{
	for (unsigned int i = 0; i < dev->sources; i++)
		if (number && dev->source[i].number == number)
			return true;
	return false;
}

/* Whose rings have told what they know. */
static bool is_open(const struct uvf *uvf, uint8_t source)
{
	for (unsigned int i = 0; i < UVF_DEVS; i++)
		if (uvf->devs[i] && dev_has_source(uvf->devs[i], source))
			return true;
	return false;
}

static bool is_left(const struct uvf *uvf, uint32_t number)
{
	return uvf->left[number] && uvf->place[number].state == PLACE_HELD;
}

/* Frames that came by the function's sockets, and were held, or perhaps held. */
static uint32_t collect(const struct uvf_dev *dev, uint32_t *numbers)
{
	const struct uvf *uvf = dev->uvf;
	uint32_t n = 0;

	for (uint32_t i = 0; i < uvf->frames; i++)
		if ((is_left(uvf, i) || uvf->place[i].state == PLACE_SENDING) &&
		    dev_has_source(dev, uvf->place[i].from))
			numbers[n++] = i;
	sorted = uvf;
	qsort(numbers, n, sizeof(*numbers), by_place);
	return n;
}

static uint8_t flags_of(const struct uvf *uvf, const struct uvf_place *place)
{
	return uvf->jumbo ? place->flags : 0;
}

static bool goes_on(const struct uvf *uvf, const struct uvf_place *place,
		    const struct uvf_place *next)
{
	return flags_of(uvf, place) & PLACE_MORE && flags_of(uvf, next) & PLACE_REST &&
	       next->from == place->from && next->arrival == place->arrival + 1;
}

static bool is_sound(const struct uvf *uvf, const struct uvf_place *place)
{
	return place->offset + place->len <= frame_mask(uvf) + 1;
}

/* Of what begins with @numbers: how many belong together, and what they are. */
static uint32_t look(const struct uvf *uvf, const uint32_t *numbers, uint32_t n, enum verdict *is)
{
	const struct uvf_place *place = &uvf->place[numbers[0]];
	uint32_t size = 0;

	*is = flags_of(uvf, place) & PLACE_REST ? BROKEN : WHOLE;
	for (;;) {
		if (!is_sound(uvf, place) || size == UVF_BUFFERS)
			*is = BROKEN;
		else if (place->state == PLACE_SENDING && *is == WHOLE)
			*is = is_open(uvf, place->source) ? BROKEN : WAITS;
		if (++size == n || !goes_on(uvf, place, &uvf->place[numbers[size]]))
			break;
		place = &uvf->place[numbers[size]];
	}
	if (flags_of(uvf, place) & PLACE_MORE)
		*is = BROKEN;
	return size;
}

/* Of a damaged frame, or one that was being done away with. */
static void discard(struct uvf *uvf, const uint32_t *numbers, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		if (!is_left(uvf, numbers[i]))
			continue;
		uvf->left[numbers[i]] = 0;
		frame_put(uvf, numbers[i]);
	}
}

static uint32_t sort_out(struct uvf *uvf, uint32_t *numbers, uint32_t n, struct whole *wholes)
{
	uint32_t count = 0, size;
	enum verdict is;

	for (uint32_t i = 0; i < n; i += size) {
		size = look(uvf, numbers + i, n - i, &is);
		if (is == WHOLE)
			wholes[count++] = (struct whole){
				.first = numbers + i,
				.count = size,
				.arrival = uvf->place[numbers[i]].arrival,
				.from = uvf->place[numbers[i]].from,
			};
		else if (is == BROKEN)
			discard(uvf, numbers + i, size);
	}
	qsort(wholes, count, sizeof(*wholes), later_first);
	return count;
}

int again_gather(struct uvf_dev *dev)
{
	struct uvf *uvf = dev->uvf;
	uint32_t *numbers = calloc(uvf->frames, sizeof(*numbers)), n;
	struct whole *wholes = calloc(uvf->frames, sizeof(*wholes));

	if (!dev->again)
		dev->again = calloc(uvf->frames, sizeof(*dev->again));
	if (!numbers || !wholes || !dev->again) {
		free(numbers);
		free(wholes);
		return uvf_fail(ENOMEM, "no memory to resume %s", dev->info.name);
	}
	n = sort_out(uvf, numbers, collect(dev, numbers), wholes);
	dev->agains = 0;
	for (uint32_t i = 0; i < n; i++)
		for (uint32_t j = wholes[i].count; j--;)
			dev->again[dev->agains++] = wholes[i].first[j];
	free(numbers);
	free(wholes);
	return 0;
}

/* The last one first: see struct uvf_dev. */
static uint32_t number_at(const struct uvf_dev *dev, unsigned int i)
{
	return dev->again[dev->agains - 1 - i];
}

unsigned int again_look(const struct uvf_dev *dev, struct uvf_frame *frames, unsigned int n)
{
	const struct uvf *uvf = dev->uvf;
	unsigned int whole = 0;

	for (unsigned int i = 0; i < n && i < dev->agains; i++) {
		const struct uvf_place *place = &uvf->place[number_at(dev, i)];
		bool more = flags_of(uvf, place) & PLACE_MORE;

		frames[i] = (struct uvf_frame){
			.addr = frame_addr(uvf, number_at(dev, i)) + place->offset,
			.len = place->len,
			.options = more ? UVF_MORE : 0,
		};
		if (!more)
			whole = i + 1;
	}
	return whole;
}

void again_take(struct uvf_dev *dev, unsigned int n)
{
	for (; n && dev->agains; n--)
		dev->uvf->left[dev->again[--dev->agains]] = 0;
}

void again_drop(struct uvf_dev *dev)
{
	struct uvf *uvf = dev->uvf;
	bool more = true;

	while (more && dev->agains) {
		uint32_t number = dev->again[--dev->agains];

		more = flags_of(uvf, &uvf->place[number]) & PLACE_MORE;
		discard(uvf, &number, 1);
	}
	dev->stats.rx_dropped++;
}

void again_free(struct uvf_dev *dev)
{
	struct uvf *uvf = dev->uvf;

	for (uint32_t i = 0; uvf->left && i < uvf->frames; i++)
		if (is_left(uvf, i) && dev_has_source(dev, uvf->place[i].from))
			discard(uvf, &i, 1);
	free(dev->again);
	dev->again = NULL;
	dev->agains = 0;
}

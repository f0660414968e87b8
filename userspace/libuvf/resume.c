// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * A successor goes on where its predecessor died. See place.h for what each frame was, and what
 * it is now. Nothing that is read here is believed: the predecessor may have died of writing to it.
 */
#include "session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "why.h"

#define NONE UINT32_MAX

/* More entries than a ring has: an index was overwritten, and the kernel can't use it either. */
static bool is_damaged(const struct uvf_source *source)
{
	const struct uvf_ring *rings[] = { &source->rx, &source->tx, &source->fill, &source->done };

	for (unsigned int i = 0; i < sizeof(rings) / sizeof(rings[0]); i++)
		if (ring_theirs(rings[i]->producer) - ring_theirs(rings[i]->consumer) >
		    rings[i]->size)
			return true;
	return false;
}

static struct uvf_place *place_at(struct uvf *uvf, uint64_t addr)
{
	uint64_t number = frame_number(uvf, addr);

	return number < uvf->frames ? &uvf->place[number] : NULL;
}

/* What lies in a ring is in the state that the ring says. */
static void ring_claims(struct uvf *uvf, const struct uvf_source *source,
			const struct uvf_ring *ring, bool descs, enum place_state state)
{
	const struct uvf_ring *into = state == PLACE_FILLING ? &source->fill : &source->tx;
	uint32_t at = ring_ours(ring->consumer), n = ring_theirs(ring->producer) - at;

	for (uint32_t i = 0; i < n; i++) {
		uint64_t addr = descs ? frame_of(ring_desc(ring, at + i)).addr :
					*ring_addr(ring, at + i);
		struct uvf_place *place = place_at(uvf, addr);

		if (!place)
			continue;
		place->state = state;
		uvf->left[place - uvf->place] = 0;
		place->source = source->number;
		place->from = 0;
		place->order = ring_ours(into->producer) - 1; /* published, surely */
	}
}

/* Behind the producer, within a ring's length: written to the table, but not published. */
static bool unpublished(const struct uvf_ring *ring, uint32_t order)
{
	return order - ring_ours(ring->producer) < ring->size;
}

static bool is_whole(const struct uvf *uvf, const struct uvf_place *place)
{
	return place->offset + place->len <= frame_mask(uvf) + 1;
}

static bool is_sent_more(const struct uvf *uvf, const struct uvf_place *place)
{
	return uvf->jumbo && place->flags & PLACE_SENT_MORE;
}

/*
 * Frames that uvf_dev__tx() had taken and not yet published: @at[i] is the frame for entry i behind
 * the producer. They were given away: they are sent, if they are whole.
 */
static void tx_publish(struct uvf *uvf, struct uvf_source *source, const uint32_t *at)
{
	bool asks = source_asks(uvf, source); /* else it was done before the place was written */
	struct uvf_ring *tx = &source->tx;
	uint32_t producer = ring_ours(tx->producer), n = 0, whole = 0;

	while (n < ring_room(tx) && n < tx->size && at[n] != NONE) {
		const struct uvf_place *place = &uvf->place[at[n]];
		bool more = is_sent_more(uvf, place);
		struct uvf_frame frame = {
			.addr = frame_addr(uvf, at[n]) + place->offset,
			.len = place->len,
			.options = more ? XDP_PKT_CONTD : 0,
		};

		if (asks && place->flags & PLACE_ASKED)
			frame.options |= ask_apply(uvf, source, &frame, 1);
		memcpy(ring_desc(tx, producer + n), &frame, sizeof(frame));
		n++;
		if (!more)
			whole = n;
	}
	ring_publish(tx->producer, producer + whole);
}

/*
 * What no entry led to. Of a frame of several buffers that was begun, it is held still, if it was
 * received; all else can't be told from a damaged table.
 */
static void tx_give_back(struct uvf *uvf, uint32_t number)
{
	struct uvf_place *place = &uvf->place[number];

	if (uvf->jumbo && place->from && is_whole(uvf, place)) {
		place_set(place, PLACE_HELD);
		uvf->left[number] = 1;
	} else {
		frame_put(uvf, number);
	}
}

static void tx_complete(struct uvf *uvf, struct uvf_source *source, uint32_t *at)
{
	struct uvf_ring *tx = &source->tx;

	memset(at, 0xff, tx->size * sizeof(*at));
	for (uint32_t i = 0; i < uvf->frames; i++) {
		const struct uvf_place *place = &uvf->place[i];

		if (place->state == PLACE_SENDING && place->source == source->number &&
		    unpublished(tx, place->order) && is_whole(uvf, place))
			at[place->order - ring_ours(tx->producer)] = i;
	}
	tx_publish(uvf, source, at);
	for (uint32_t i = 0; i < uvf->frames; i++)
		if (uvf->place[i].state == PLACE_SENDING &&
		    uvf->place[i].source == source->number &&
		    unpublished(tx, uvf->place[i].order))
			tx_give_back(uvf, i);
}

static void fill_complete(struct uvf *uvf, struct uvf_source *source)
{
	for (uint32_t i = 0; i < uvf->frames; i++)
		if (uvf->place[i].state == PLACE_FILLING &&
		    uvf->place[i].source == source->number &&
		    unpublished(&source->fill, uvf->place[i].order))
			frame_put(uvf, i);
}

/* Free frames that could have been in a ring of the source, and were not. */
static void held_back_free(struct uvf *uvf, const struct uvf_source *source)
{
	if (!uvf->held_back[source->number])
		return;
	for (uint32_t i = uvf->frames; i--;)
		if (uvf->place[i].state == PLACE_FREE &&
		    uvf->place[i].source == source->number)
			uvf->free[uvf->free_count++] = i;
	uvf->held_back[source->number] = false;
}

static void source_resume(struct uvf *uvf, struct uvf_source *source, uint32_t *scratch)
{
	ring_claims(uvf, source, &source->fill, false, PLACE_FILLING);
	ring_claims(uvf, source, &source->rx, true, PLACE_FILLING);
	ring_claims(uvf, source, &source->tx, true, PLACE_SENDING);
	ring_claims(uvf, source, &source->done, false, PLACE_SENDING);
	held_back_free(uvf, source);
	fill_complete(uvf, source);
	tx_complete(uvf, source, scratch);
}

/* Sockets that are not the predecessor's: what was in its rings is lost with them. */
static void source_renew(struct uvf *uvf, const struct uvf_source *source)
{
	held_back_free(uvf, source);
	for (uint32_t i = 0; i < uvf->frames; i++) {
		const struct uvf_place *place = &uvf->place[i];

		if (place->source == source->number &&
		    (place->state == PLACE_FILLING || place->state == PLACE_SENDING))
			frame_put(uvf, i);
	}
}

/* The frames that came from its sockets, and were held, are not to be had again. */
static int give_up(struct uvf_dev *dev)
{
	struct uvf *uvf = dev->uvf;

	for (unsigned int i = 0; i < dev->sources; i++)
		held_back_free(uvf, &dev->source[i]);
	again_free(dev);
	return uvf_fail(EUCLEAN, "the rings of %s were left damaged", dev->info.name);
}

/* With what this function's rings told, a frame that came by another one may be whole. */
static int held_again(struct uvf *uvf)
{
	int err = 0;

	for (unsigned int i = 0; !err && i < UVF_DEVS; i++)
		if (uvf->devs[i])
			err = again_gather(uvf->devs[i]);
	return err;
}

int dev_resume(struct uvf_dev *dev, bool same_sockets)
{
	uint32_t *scratch;

	for (unsigned int i = 0; same_sockets && i < dev->sources; i++)
		if (is_damaged(&dev->source[i]))
			return give_up(dev);
	scratch = calloc(dev->info.ring_size, sizeof(*scratch));
	if (!scratch)
		return uvf_fail(ENOMEM, "no memory to resume %s", dev->info.name);
	for (unsigned int i = 0; i < dev->sources; i++) {
		if (same_sockets)
			source_resume(dev->uvf, &dev->source[i], scratch);
		else
			source_renew(dev->uvf, &dev->source[i]);
	}
	free(scratch);
	return held_again(dev->uvf);
}

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Frames with numbers, so that each that is lost, doubled or damaged is known: seq.c sends and
 * receives them on a link, vhost_client.c on rings. Behind the headers come bytes that follow from
 * the number and from how far the end is (a VLAN tag may be taken out on the way), and at the end a
 * mark and the number itself.
 */
#ifndef NUMBERED_H
#define NUMBERED_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define NUMBERED_MARK 0x75766673 /* "uvfs" */
#define NUMBERED_MAX (1 << 20)
#define NUMBERED_HEADERS 70 /* more than Ethernet, a VLAN tag, IPv6 and ports take */
#define NUMBERED_LEAST (NUMBERED_HEADERS + 10)

struct numbered_trailer {
	uint32_t mark;
	uint32_t number;
};

struct numbered_tally {
	unsigned int came, doubled, damaged;
	uint32_t first, last;
	uint8_t times[NUMBERED_MAX];
};

static inline void numbered_put(uint8_t *frame, size_t size, uint32_t number)
{
	struct numbered_trailer trailer = { NUMBERED_MARK, number };
	size_t i, end = size - sizeof(trailer);

	for (i = NUMBERED_HEADERS; i < end; i++)
		frame[i] = number * 7 + end - i;
	memcpy(frame + end, &trailer, sizeof(trailer));
}

/* False: it is none of ours. */
static inline bool numbered_get(const uint8_t *frame, size_t size, uint32_t *number, bool *intact)
{
	struct numbered_trailer trailer;
	size_t i, end = size - sizeof(trailer);

	if (size < NUMBERED_LEAST)
		return false;
	memcpy(&trailer, frame + end, sizeof(trailer));
	*number = trailer.number;
	*intact = true;
	for (i = NUMBERED_HEADERS; i < end; i++)
		*intact &= frame[i] == (uint8_t)(trailer.number * 7 + end - i);
	return trailer.mark == NUMBERED_MARK && trailer.number < NUMBERED_MAX;
}

static inline void numbered_begin(struct numbered_tally *tally)
{
	memset(tally, 0, sizeof(*tally));
	tally->first = NUMBERED_MAX;
}

/* A damaged frame has not come. */
static inline bool numbered_count(struct numbered_tally *tally, const uint8_t *frame, size_t size)
{
	uint32_t number;
	bool intact;

	if (!numbered_get(frame, size, &number, &intact))
		return false;
	if (!intact) {
		tally->damaged++;
		return true;
	}
	tally->came++;
	tally->doubled += tally->times[number] > 0;
	tally->times[number] = 1;
	tally->first = number < tally->first ? number : tally->first;
	tally->last = number > tally->last ? number : tally->last;
	return true;
}

/* Between the first that came and the last. */
static inline unsigned int numbered_missing(const struct numbered_tally *tally)
{
	unsigned int missing = 0;

	for (uint32_t number = tally->first; number < tally->last; number++)
		missing += !tally->times[number];
	return missing;
}

#endif

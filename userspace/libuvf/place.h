/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Where each frame of the UMEM is: a table behind the UMEM, in the same memfd, so that it outlives
 * the process.
 *
 *	FREE		in the list of a session
 *	HELD		in the appliance's hands; received from source `from`, or allocated (0)
 *	FILLING		lent to source `source`: in its fill ring, in the kernel, in its rx ring
 *	SENDING		given to source `source`: in its tx ring, the kernel, its completion ring
 *
 *	FREE -> FILLING -> HELD -> SENDING -> FREE
 *	FREE -> HELD (alloc)       HELD -> FREE (free)
 *
 * A process may be killed between any two instructions. The rings are the truth, and the table is
 * always written before the index of the ring that makes it true. So, of what a dead process left:
 *
 *	in an rx ring		is there to be received, even if the table says HELD already
 *	in a completion ring	is there to be reaped, even if the table says FREE already
 *	FILLING, its `order` not yet below the fill ring's producer: never lent; FREE
 *	SENDING, its `order` not yet below the tx ring's producer: given away by the appliance, but
 *				not yet by the library; it is published now
 *	FILLING, SENDING, and in no ring: in the kernel, which will return it
 *	HELD, from a source	was not done with: the successor receives it again, first
 *	HELD, from none		was not sent: FREE
 *
 * Of a frame of several buffers (uvf_opts.jumbo) each has its place. `arrival` says which belong
 * together, and stays while they are sent. They are written from the last to the first: SENDING
 * and not published, but with one missing before it, is a frame that the library had begun with;
 * all of it is HELD still. A frame that was HELD, and of which a buffer is FREE or was sent, was
 * being done away with: the rest is FREE.
 *
 * So a frame that is forwarded leaves once, whenever the process is killed. (Forbidden: anything
 * else. A frame in a state that its ring contradicts is what the ring says.)
 */
#ifndef UVF_PLACE_H
#define UVF_PLACE_H

#include <stdint.h>

#include <uvf/libuvf.h>

#define PLACES_MAGIC 0x75766632 /* "uvf2": the layout */
#define PLACE_SOURCES 256

enum place_state { PLACE_FREE, PLACE_HELD, PLACE_FILLING, PLACE_SENDING };

struct uvf_place {
	uint8_t state;
	uint8_t source; /* number of the source that has it, FILLING and SENDING */
	uint8_t from; /* HELD and SENDING: number of the source that it came from, or 0 */
	uint8_t flags; /* PLACE_*; but for PLACE_ASKED, with uvf_opts.jumbo only */
	uint16_t offset; /* of the first byte in the frame, HELD and SENDING */
	uint16_t len;
	uint32_t order; /* FILLING, SENDING: index in the ring, running freely */
	uint32_t arrival; /* HELD and SENDING, from a source: one after another */
};

#define PLACE_MORE (1u << 0) /* as it was received: another buffer follows */
#define PLACE_REST (1u << 1) /* and another one comes before */
#define PLACE_SENT_MORE (1u << 2) /* as it was sent: another one follows */
#define PLACE_ASKED (1u << 3) /* as it was sent: with UVF_ASKED */

/* Which source has which number: the function's name, and the source's index in its lease. */
struct place_source {
	char name[UVF_NAME_SIZE]; /* "": the number is unused */
	uint32_t index;
};

struct uvf_places {
	uint32_t magic;
	uint32_t frames;
	uint32_t frame_size;
	uint32_t pad;
	struct place_source source[PLACE_SOURCES]; /* [0] is no source */
	struct uvf_place frame[]; /* and one more, for all addresses that are no frame's */
};

/* Behind it lies what the appliance keeps, which is aligned. */
static inline uint64_t places_size(uint32_t frames)
{
	uint64_t size = sizeof(struct uvf_places) + (frames + 1ULL) * sizeof(struct uvf_place);

	return (size + 63) & ~63ULL;
}

#endif /* UVF_PLACE_H */

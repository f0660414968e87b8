// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * Frames of several buffers, in and out. The kernel moves an rx ring's producer behind whole frames
 * only (xsk_flush(), net/xdp/xsk.c), and the library a tx ring's; so a ring has no half frame,
 * unless a predecessor wrote into it what it liked.
 */
#include "session.h"

/* Entries of the frame that begins at @at, of which @n were received. */
static uint32_t frame_in_ring(const struct uvf_ring *rx, uint32_t at, uint32_t n)
{
	uint32_t i = 0;

	while (i < n && ring_desc(rx, at + i)->options & XDP_PKT_CONTD)
		i++;
	return i < n ? i + 1 : i;
}

static bool ends(const struct uvf_ring *rx, uint32_t at, uint32_t size)
{
	return !(ring_desc(rx, at + size - 1)->options & XDP_PKT_CONTD);
}

static void take(struct uvf *uvf, const struct uvf_source *source, uint32_t at, uint32_t size,
		 struct uvf_frame *frames)
{
	for (uint32_t i = 0; i < size; i++) {
		bool more = i + 1 < size;

		frames[i] = frame_of(ring_desc(&source->rx, at + i));
		frames[i].options = more ? UVF_MORE : 0;
		frame_place(uvf, frames[i].addr)->flags = (more ? PLACE_MORE : 0) |
							  (i ? PLACE_REST : 0);
		place_receive(uvf, source, &frames[i]);
	}
}

static void drop(struct uvf_dev *dev, const struct uvf_ring *rx, uint32_t at, uint32_t size)
{
	for (uint32_t i = 0; i < size; i++)
		frame_put(dev->uvf, frame_number(dev->uvf, frame_of(ring_desc(rx, at + i)).addr));
	dev->stats.rx_dropped++;
}

static uint64_t bytes_of(const struct uvf_frame *frames, uint32_t n)
{
	uint64_t bytes = 0;

	for (uint32_t i = 0; i < n; i++)
		bytes += frames[i].len;
	return bytes;
}

unsigned int jumbo_rx(struct uvf_dev *dev, const struct uvf_source *source,
		      struct uvf_frame *frames, unsigned int n, bool alone)
{
	const struct uvf_ring *rx = &source->rx;
	uint32_t at = ring_ours(rx->consumer), end = at + ring_filled(rx), size;
	unsigned int got = 0;

	for (; at != end; at += size) {
		size = frame_in_ring(rx, at, end - at);
		if (size > UVF_BUFFERS || (size > n && alone && !got)) {
			drop(dev, rx, at, size);
			continue;
		}
		if (size > n - got || !ends(rx, at, size))
			break;
		take(dev->uvf, source, at, size, frames + got);
		got += size;
		dev->stats.rx_frames++;
	}
	dev->stats.rx_bytes += bytes_of(frames, got);
	ring_publish(rx->consumer, at);
	return got;
}

/*
 * The last buffer first: until the first one's place is written, none of the frame counts as given
 * away. See place.h.
 */
static void give(struct uvf *uvf, const struct uvf_source *source, const struct uvf_frame *frames,
		 uint32_t at, uint32_t size)
{
	bool asked = frames[0].options & uvf->asked;
	uint32_t options = asked ? ask_apply(uvf, source, frames, size) : 0;

	for (uint32_t i = size; i--;) {
		struct uvf_place *place = frame_place(uvf, frames[i].addr);
		bool more = i + 1 < size;

		*ring_desc(&source->tx, at + i) = (struct xdp_desc){
			.addr = frames[i].addr,
			.len = frames[i].len,
			.options = (more ? XDP_PKT_CONTD : 0) | (i ? 0 : options),
		};
		place->offset = frames[i].addr & frame_mask(uvf);
		place->len = frames[i].len;
		place->order = at + i;
		place->source = source->number;
		place->flags = (place->flags & (PLACE_MORE | PLACE_REST)) |
			       (more ? PLACE_SENT_MORE : 0) | (asked && !i ? PLACE_ASKED : 0);
		place_set(place, PLACE_SENDING);
	}
}

static void refuse(struct uvf_dev *dev, const struct uvf_frame *frames, unsigned int n)
{
	unsigned int size;

	dev->wants_room = uvf_frame__buffers(frames, n);
	for (; (size = uvf_frame__buffers(frames, n)); frames += size, n -= size)
		dev->stats.tx_full++;
}

unsigned int jumbo_tx(struct uvf_dev *dev, const struct uvf_source *source,
		      const struct uvf_frame *frames, unsigned int n)
{
	uint32_t at = ring_ours(source->tx.producer), room = ring_room(&source->tx);
	unsigned int taken = 0, size;

	dev->wants_room = 0;
	for (; (size = uvf_frame__buffers(frames + taken, n - taken)); taken += size) {
		if (size > room - taken) {
			refuse(dev, frames + taken, n - taken);
			break;
		}
		give(dev->uvf, source, frames + taken, at + taken, size);
		dev->stats.tx_frames++;
	}
	dev->stats.tx_bytes += bytes_of(frames, taken);
	return taken;
}

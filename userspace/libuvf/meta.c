// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * What is known of a received frame, and what is asked for with one that is sent. Both lie in front
 * of it:
 *
 *	received	… ├──────── block (uvf/meta.h) ────────┤ frame …
 *	sent		… ├ cookie ├ struct xsk_tx_metadata ───┤ frame …
 *	                  32       24                          0
 *
 * The kernel reads and writes the latter, of a descriptor with XDP_TX_METADATA alone: so what a
 * frame's memory had in front of it before is nobody's request.
 */
#include "session.h"

#include <endian.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "why.h"

#define ASK_ROOM 32
#define SECOND 1000000000ULL

/* struct xsk_tx_metadata (linux/if_xdp.h, Linux 6.8; the launch time 6.15), and what is ours. */
struct request {
	uint64_t cookie;
	uint64_t flags;
	union {
		struct {
			uint16_t checksum_start;
			uint16_t checksum_offset;
			uint32_t pad;
			uint64_t launch;
		};
		uint64_t time; /* of a frame that has left */
	};
};

#define TXMD_TIMESTAMP (1 << 0) /* XDP_TXMD_FLAGS_TIMESTAMP */
#define TXMD_CHECKSUM (1 << 1) /* XDP_TXMD_FLAGS_CHECKSUM */

_Static_assert(sizeof(struct request) == ASK_ROOM, "it ends where the frame begins");
_Static_assert(sizeof(struct request) - offsetof(struct request, flags) == UVF_TX_META_LEN,
	       "the kernel's part");
_Static_assert(offsetof(struct uvf_meta_block, known) >=
	       sizeof(struct uvf_meta_block) - sizeof(uint64_t),
	       "a request, which ends with zeros, leaves no block");
_Static_assert(UVF_KNOWN_TIME == UVF_BLOCK_TIME && UVF_KNOWN_HASH == UVF_BLOCK_HASH &&
	       UVF_KNOWN_HARDWARE_TIME == UVF_BLOCK_HARDWARE_TIME &&
	       UVF_KNOWN_VLAN == UVF_BLOCK_VLAN, "uvf/meta.h");
_Static_assert(UVF_ASKED == XDP_TX_METADATA, "an option is a descriptor's");

#define KNOWN_ALL (UVF_KNOWN_TIME | UVF_KNOWN_HARDWARE_TIME | UVF_KNOWN_HASH | UVF_KNOWN_VLAN)
#define ASK_ALL (UVF_ASK_CHECKSUM | UVF_ASK_TIME)

uint32_t meta_flags(const struct uvf *uvf)
{
	return (uvf->meta_rx ? UVF_MEMORY_META_RX : 0) | (uvf->asked ? UVF_MEMORY_META_TX : 0);
}

/* --- received ------------------------------------------------------------------------------- */

uint32_t uvf__meta(const struct uvf *uvf, const struct uvf_frame *frame, struct uvf_meta *meta)
{
	struct uvf_meta_block block;
	uint64_t chunk = frame->addr & ~(uint64_t)frame_mask(uvf);

	*meta = (struct uvf_meta){ 0 };
	if (!uvf->meta_rx || chunk >= uvf->size)
		return 0;
	memcpy(&block, uvf->area + chunk + HEADROOM - sizeof(block), sizeof(block));
	if ((block.known & UVF_BLOCK_MAGIC_MASK) != UVF_BLOCK_MAGIC)
		return 0;
	*meta = (struct uvf_meta){
		.known = block.known & KNOWN_ALL,
		.time = block.time,
		.hardware_time = block.hardware_time,
		.hash = block.hash,
		.hash_type = block.hash_type,
		.vlan_proto = block.vlan_proto,
		.vlan_tci = block.vlan_tci,
	};
	return meta->known;
}

/* --- sent ----------------------------------------------------------------------------------- */

/*
 * Only a function's own netdev in copy mode is known to do it, whatever it is. A driver that sends
 * from the UMEM itself would have to know of requests, which few do, and of skbs that are made of
 * the UMEM's pages (virtio_net) kernels forgot them for long.
 */
uint32_t source_asks(const struct uvf *uvf, const struct uvf_source *source)
{
	return uvf->asked && !source->zerocopy && !source->direct ? ASK_ALL : 0;
}

static bool has_room(const struct uvf *uvf, uint64_t addr)
{
	return addr < uvf->size && (addr & frame_mask(uvf)) >= ASK_ROOM;
}

static bool is_in_frame(uint32_t start, uint32_t offset, uint32_t len)
{
	return start + offset + sizeof(uint16_t) <= len;
}

int uvf__ask(const struct uvf *uvf, struct uvf_frame *frame, const struct uvf_ask *ask)
{
	bool sums = ask->what & UVF_ASK_CHECKSUM;
	struct request request = {
		.cookie = ask->cookie,
		.flags = (sums ? TXMD_CHECKSUM : 0) |
			 (ask->what & UVF_ASK_TIME ? TXMD_TIMESTAMP : 0),
		.checksum_start = sums ? ask->checksum_start : 0,
		.checksum_offset = sums ? ask->checksum_offset : 0,
	};

	frame->options &= ~UVF_ASKED;
	if (!uvf->asked)
		return uvf_fail(EOPNOTSUPP, "nothing can be asked for with a frame in a session that "
					    "was opened without UVF_META_TX");
	if (ask->what & ~ASK_ALL)
		return uvf_fail(EINVAL, "%#x is asked for with a frame: use UVF_ASK_*", ask->what);
	if (!has_room(uvf, frame->addr))
		return uvf_fail(EINVAL, "a frame begins %u bytes into its memory: to ask for "
					"something takes %d in front of it",
				(unsigned int)(frame->addr & frame_mask(uvf)), ASK_ROOM);
	if (sums && !is_in_frame(ask->checksum_start, ask->checksum_offset, frame->len))
		return uvf_fail(EINVAL, "a checksum at byte %u of a frame of %u",
				ask->checksum_start + ask->checksum_offset, frame->len);
	memcpy(uvf->area + frame->addr - sizeof(request), &request, sizeof(request));
	if (ask->what)
		frame->options |= UVF_ASKED;
	return 0;
}

/* RFC 1071, of what follows @skip bytes; @odd: whether an odd number of bytes came before. */
static uint64_t sum_up(const uint8_t *data, uint32_t len, bool *odd)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < len; i++) {
		sum += *odd ? data[i] : data[i] << 8;
		*odd = !*odd;
	}
	return sum;
}

static void sum_write(const struct uvf *uvf, const struct uvf_frame *frames, unsigned int n,
		      const struct request *request)
{
	uint8_t *first = uvf->area + frames[0].addr;
	uint8_t *at = first + request->checksum_start + request->checksum_offset;
	bool odd = false;
	uint64_t sum = sum_up(first + request->checksum_start,
			      frames[0].len - request->checksum_start, &odd);

	for (unsigned int i = 1; i < n; i++)
		sum += sum_up(uvf->area + frames[i].addr, frames[i].len, &odd);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	sum = htobe16((uint16_t)~sum ?: 0xffff);
	memcpy(at, &sum, sizeof(uint16_t));
}

static bool are_in_memory(const struct uvf *uvf, const struct uvf_frame *frames, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		if (frames[i].addr >= uvf->size || frames[i].len > uvf->size - frames[i].addr)
			return false;
	return true;
}

/*
 * A sum outside of the frame would be refused by the kernel for ever, and hold up what follows
 * (xsk_skb_metadata(), net/xdp/xsk.c): such a request is forgotten.
 */
uint32_t ask_apply(const struct uvf *uvf, const struct uvf_source *source,
		   const struct uvf_frame *frames, unsigned int n)
{
	uint8_t *at = uvf->area + frames[0].addr - sizeof(struct request);
	struct request request;

	if (!has_room(uvf, frames[0].addr))
		return 0;
	memcpy(&request, at, sizeof(request));
	request.flags &= TXMD_CHECKSUM | TXMD_TIMESTAMP;
	if (!is_in_frame(request.checksum_start, request.checksum_offset, frames[0].len))
		request.flags &= ~TXMD_CHECKSUM;
	if (!source_asks(uvf, source)) {
		if (request.flags & TXMD_CHECKSUM && are_in_memory(uvf, frames, n))
			sum_write(uvf, frames, n, &request);
		request.time = 0;
	}
	memcpy(at, &request, sizeof(request));
	return source_asks(uvf, source) && request.flags ? XDP_TX_METADATA : 0;
}

/* --- what has left -------------------------------------------------------------------------- */

int sent_make(struct uvf_dev *dev)
{
	if (!dev->uvf->asked)
		return 0;
	dev->sent = calloc(UVF_SENT_KEPT, sizeof(*dev->sent));
	return dev->sent ? 0 : uvf_fail(ENOMEM, "no memory for times of %s", dev->info.name);
}

/* A time that nobody wrote is a request yet, and no more than a few seconds of 1970. */
static void sent_put(struct uvf_dev *dev, const struct request *request)
{
	dev->sent[dev->sent_end++ % UVF_SENT_KEPT] = (struct uvf_sent){
		.cookie = request->cookie,
		.time = request->time > 10 * SECOND ? request->time : 0,
	};
	if (dev->sent_end - dev->sent_first > UVF_SENT_KEPT)
		dev->sent_first++;
}

void sent_collect(struct uvf_dev *dev, const struct uvf_source *source, uint32_t at, uint32_t n)
{
	const struct uvf *uvf = dev->uvf;
	struct request request;

	for (uint32_t i = 0; i < n; i++) {
		uint64_t number = frame_number(uvf, *ring_addr(&source->done, at + i));
		const struct uvf_place *place = &uvf->place[number < uvf->frames ? number : 0];
		uint64_t addr = frame_addr(uvf, number) + place->offset;

		if (number >= uvf->frames || !(place->flags & PLACE_ASKED) ||
		    place->state != PLACE_SENDING || !has_room(uvf, addr))
			continue;
		memcpy(&request, uvf->area + addr - sizeof(request), sizeof(request));
		if (request.flags & TXMD_TIMESTAMP)
			sent_put(dev, &request);
	}
}

unsigned int uvf_dev__sent(struct uvf_dev *dev, struct uvf_sent *sent, unsigned int n)
{
	unsigned int got = 0;

	if (!dev->sent)
		return 0;
	dev_reap(dev);
	while (got < n && dev->sent_first != dev->sent_end)
		sent[got++] = dev->sent[dev->sent_first++ % UVF_SENT_KEPT];
	return got;
}

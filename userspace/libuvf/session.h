/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* A session and its functions, as the library sees them. */
#ifndef UVF_SESSION_H
#define UVF_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include <uvf/libuvf.h>
#include <uvf/meta.h>

#include "place.h"
#include "proto.h"
#include "ring.h"

#define UVF_DEVS UVF_PROTO_FUNCTIONS
#define UVF_PARTS 64

/* The kernel keeps these bytes in front of each received frame (XDP_PACKET_HEADROOM). */
#define HEADROOM 256

/* One AF_XDP socket. */
struct uvf_source {
	/* packet path */
	struct uvf_ring rx, tx, fill, done;
	int fd;
	uint8_t number; /* in the table of places */

	/* slow path */
	bool direct; /* on a queue of the uplink */
	bool zerocopy;
};

struct uvf_dev {
	/* packet path */
	struct uvf *uvf;
	struct uvf_source *source;
	unsigned int sources;
	unsigned int next; /* source to look at first */
	unsigned int next_done; /* the same, for what was sent: uvf_dev__done() */
	unsigned int tx; /* source that sends */
	uint32_t share; /* frames that each source is lent at a time */
	uint32_t wants_room; /* uvf_dev__tx() refused frames: uvf__wait() looks for so much room */
	bool gone;
	uint32_t *again; /* frames that a predecessor held, the last one first */
	uint32_t agains;
	struct uvf_sent *sent; /* with UVF_META_TX: UVF_SENT_KEPT times, as a ring */
	uint32_t sent_first, sent_end;
	struct uvf_dev_stats stats;

	/* slow path */
	struct uvf_dev *of; /* in a part: whose queues these are */
	bool leased;
	bool unbound; /* uvfd is to be told that the rings are filled */
	int epoll; /* over several sources, or -1 */
	struct uvf_dev_info info;
};

struct uvf {
	/* packet path */
	uint8_t *area;
	struct uvf_place *place; /* of each frame, and one for all that are none */
	uint32_t frame_shift;
	uint32_t frames;
	uint32_t free_count;
	uint32_t arrivals; /* order of the next received frame */
	uint32_t frame_max; /* uvf__map(): what is received and sent is the caller's to say; or 0 */
	uint32_t *free; /* stack of frame numbers */
	bool jumbo; /* frames may have several buffers */
	bool meta_rx; /* what is known of them lies in front */
	uint32_t asked; /* UVF_ASKED where frames may have that option, else 0 */
	struct uvf_dev *devs[UVF_DEVS];
	uint32_t busy_us; /* to look before sleeping */
	bool busy_poll; /* and have the kernel receive meanwhile */
	uint32_t idle_arrivals; /* arrivals when it began to be idle… */
	uint64_t idle_since; /* …at this time; 0: it was not yet */

	/* slow path */
	struct uvf *parent; /* of a part */
	struct uvf *parts[UVF_PARTS];
	struct uvf_places *places;
	uint64_t size; /* of the UMEM */
	uint64_t map_size; /* with the places behind it, and what is kept */
	uint64_t reach; /* of the UMEM, with memory of others behind the frames */
	uint32_t keep; /* bytes that the appliance keeps there */
	int sock;
	int memfd;
	unsigned int functions; /* that share the frames, as far as is known */
	bool resumed; /* the memory is a predecessor's */
	uint8_t *left; /* then, of each frame: it was held, and was not received again yet */
	bool map_left; /* and so are files behind it, of which nothing was said yet */
	bool held_back[PLACE_SOURCES]; /* free frames of these sources are not in the list yet */
	bool orphan; /* uvfd has ended */
	bool mute; /* uvfd did not answer the last time */
	bool recheck; /* a function may be gone */
};

/* 64 bits: the upper ones of a wrong address must not be lost, and make it a frame's. */
static inline uint64_t frame_number(const struct uvf *uvf, uint64_t addr)
{
	return addr >> uvf->frame_shift;
}

static inline uint64_t frame_addr(const struct uvf *uvf, uint32_t number)
{
	return (uint64_t)number << uvf->frame_shift;
}

static inline uint32_t frame_mask(const struct uvf *uvf)
{
	return (1u << uvf->frame_shift) - 1;
}

/* Addresses from a broken caller must not reach outside the table; nor must frames given twice. */
static inline struct uvf_place *frame_place(struct uvf *uvf, uint64_t addr)
{
	uint64_t number = frame_number(uvf, addr);

	return &uvf->place[number < uvf->frames ? number : uvf->frames];
}

/* The state is written last: with it, what was written before becomes true. */
static inline void place_set(struct uvf_place *place, enum place_state state)
{
	__atomic_store_n(&place->state, state, __ATOMIC_RELEASE);
}

/* Of unaligned chunks the upper bits say where in it the frame begins (linux/if_xdp.h). */
static inline struct uvf_frame frame_of(const struct xdp_desc *desc)
{
	uint64_t addr = desc->addr;

	return (struct uvf_frame){
		.addr = (addr & XSK_UNALIGNED_BUF_ADDR_MASK) +
			(addr >> XSK_UNALIGNED_BUF_OFFSET_SHIFT),
		.len = desc->len,
	};
}

/* The appliance has it now. */
static inline void place_receive(struct uvf *uvf, const struct uvf_source *source,
				 const struct uvf_frame *frame)
{
	struct uvf_place *place = frame_place(uvf, frame->addr);

	place->offset = frame->addr & frame_mask(uvf);
	place->len = frame->len;
	place->arrival = uvf->arrivals++;
	place->from = source->number;
	place_set(place, PLACE_HELD);
}

/* Nothing is known of a frame that is yet to be received, or made. */
static inline void meta_wipe(struct uvf *uvf, uint64_t number)
{
	uint8_t *end = uvf->area + frame_addr(uvf, number) + HEADROOM;

	((struct uvf_meta_block *)end)[-1].known = 0;
}

static inline void frame_put(struct uvf *uvf, uint64_t number)
{
	if (number >= uvf->frames || uvf->place[number].state == PLACE_FREE ||
	    uvf->free_count == uvf->frames)
		return;
	place_set(&uvf->place[number], PLACE_FREE);
	uvf->free[uvf->free_count++] = number;
}

/* --- memory.c: the UMEM and its places ------------------------------------------------------- */

/* A new one. */
int memory_make(struct uvf *uvf);
/* What a predecessor left: 1 when it is ours now, 0 when it does not fit. */
int memory_resume(struct uvf *uvf);
void memory_close(struct uvf *uvf);

/* --- source.c: one AF_XDP socket ------------------------------------------------------------- */

/* Maps the rings of @fd, which the source owns from now on, even after an error. */
int source_open(struct uvf_dev *dev, unsigned int index, int fd);
/* Its frames are the session's again; to be called when nobody has the socket any more. */
void source_reclaim(struct uvf *uvf, struct uvf_source *source);
void source_close(struct uvf_source *source);

/* --- resume.c: what a dead predecessor left -------------------------------------------------- */

/*
 * Gives each frame of the function's sources its place; those that were held are to be received
 * again. @same_sockets: else what was in their rings is lost. -EUCLEAN: their rings can't be used.
 */
int dev_resume(struct uvf_dev *dev, bool same_sockets);

/* --- again.c: what it held ------------------------------------------------------------------- */

/* All that is whole, and was not received again yet, is in the function's list. */
int again_gather(struct uvf_dev *dev);
/* Up to @n of it, which stay in the list; whole frames. */
unsigned int again_look(const struct uvf_dev *dev, struct uvf_frame *frames, unsigned int n);
/* The first @n of these are the appliance's. */
void again_take(struct uvf_dev *dev, unsigned int n);
/* The first one, for which the caller has no room, is free. */
void again_drop(struct uvf_dev *dev);
/* What was not taken is free. */
void again_free(struct uvf_dev *dev);
bool dev_has_source(const struct uvf_dev *dev, uint8_t number);

/* --- split.c: parts of a session ------------------------------------------------------------- */

void part_close(struct uvf *part);
void piece_close(struct uvf_dev *piece);
void pieces_close(struct uvf_dev *dev);

/* --- dev.c, burst.c ------------------------------------------------------------------------- */

/* One function must not be lent all frames before the last one has any. */
void frames_share(struct uvf *uvf, unsigned int functions);

/* Give the kernel frames to receive into, and take back those it has sent. */
void dev_refill(struct uvf_dev *dev);
void dev_reap(struct uvf_dev *dev);
void dev_kick(struct uvf_dev *dev);

/* The source that sends: a queue of the uplink, if there is one, is the shortest way out. */
void tx_choose(struct uvf_dev *dev);
/* One descriptor for a program that polls by itself: an epoll instance, where there are several. */
int epoll_renew(struct uvf_dev *dev);
void epoll_close(struct uvf_dev *dev);
/* There is something to do without waiting. */
bool dev_ready(const struct uvf_dev *dev);

/* --- jumbo.c: frames of several buffers ------------------------------------------------------ */

/*
 * As uvf_dev__rx() and uvf_dev__tx() do for all others. @alone: nothing was received yet, so that a
 * frame for which there is no room never has any.
 */
unsigned int jumbo_rx(struct uvf_dev *dev, const struct uvf_source *source,
		      struct uvf_frame *frames, unsigned int n, bool alone);
/* Writes the entries behind the producer, and returns how many. */
unsigned int jumbo_tx(struct uvf_dev *dev, const struct uvf_source *source,
		      const struct uvf_frame *frames, unsigned int n);

/* --- meta.c: what is known of frames, and asked for with them -------------------------------- */

/* UVF_META_* as uvfd is told, and as it tells. */
uint32_t meta_flags(const struct uvf *uvf);
/* 0, or -ENOMEM: room for the times of what @dev sends. */
int sent_make(struct uvf_dev *dev);
/* What the kernel does with what is sent by a source. */
uint32_t source_asks(const struct uvf *uvf, const struct uvf_source *source);
/*
 * @frames has UVF_ASKED, and @n buffers, and is about to be sent. Returns the options of its
 * descriptor: 0 where the kernel has nothing to do with it (any more).
 */
uint32_t ask_apply(const struct uvf *uvf, const struct uvf_source *source,
		   const struct uvf_frame *frames, unsigned int n);
/* The times of @n entries from @at on of the completion ring, whose frames are SENDING yet. */
void sent_collect(struct uvf_dev *dev, const struct uvf_source *source, uint32_t at, uint32_t n);

/* --- busy.c: looking instead of sleeping ---------------------------------------------------- */

/* 1: there is something to do; 0: look again; -1: it was idle for so long that it may sleep. */
int busy_wait(struct uvf *uvf);

#endif /* UVF_SESSION_H */

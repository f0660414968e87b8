/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A virtqueue, the device's side: split (Virtio 1.2, 2.7) and packed (2.8).
 *
 * What the driver makes available is popped as a chain of parts in our memory, is used, and is
 * pushed back; what was pushed becomes visible to the driver by a flush, all at once:
 *
 *	n = burst;
 *	while (n-- && vring_pop(ring, &chain) > 0) {
 *		… read chain.part[0 … outs - 1], write the next `ins` parts, guest_log() these …
 *		vring_push(ring, chain.id, chain.descs, written);
 *	}
 *	vring_flush(ring);
 *	vring_call(ring);
 *
 * A chain is where exactly one of these is true:
 *
 *	available	the driver gave it, and nobody has looked yet
 *	popped		the device has it, and may use its parts
 *	pushed		the device has done with it; its parts are not to be touched any more
 *	used		flushed: the driver's again
 *
 *	available -> popped		vring_pop()
 *	popped -> available		vring_unpop(), the last popped first
 *	popped -> pushed		vring_push(), in any order
 *	pushed -> used			vring_flush(), all of them
 *
 * Not allowed, and not checked on the packet path: to push what is not popped, or to unpop another
 * than the last that was popped. It harms the guest, not us.
 *
 * The driver is not trusted. Each value in its memory is read once, checked, then used. A ring
 * whose driver breaks the rules (an index that jumps, a chain that is a loop, that leaves guest
 * memory or has its parts in the wrong order) is broken: vring_pop() fails from then on,
 * vring->why says it in one sentence, the err eventfd is written, and the device needs a reset.
 *
 * In-flight region (vhost-user, "Inflight I/O tracking"): with one, popped chains are written down
 * in memory that outlives this process. vring_start() finds what a dead predecessor had popped and
 * had not made used, and vring_pop() gives these again, first, in the order they were taken in. (A
 * region that does not fit the ring is begun anew: the driver was reset meanwhile.) Without one, a
 * successor begins behind the last that was used, whatever the base says (packed: at the base). So
 * what is pushed out of order does not survive a crash, and what is pushed in order does.
 *
 * To lose nothing by a crash, flush the ring before the frame that was received into it is freed,
 * and send a frame before its chain is pushed. What was under way may then come twice.
 *
 * States of a ring (vhost-user, "Ring states"): stopped, or started; a started one is enabled or
 * disabled. In the latter, received frames are dropped, and what the driver sends is pushed back
 * and dropped. That is the caller's business: `enabled` only says it.
 */
#ifndef FRONT_VRING_H
#define FRONT_VRING_H

#include <stdbool.h>
#include <stdint.h>

#include "guest.h"

/* Bits of the features (Virtio 1.2, 6); linux/virtio_ring.h has other structs of our names. */
#define VRING_F_INDIRECT_DESC 28
#define VRING_F_EVENT_IDX 29
#define VRING_F_PACKED 34

#define VRING_SIZE_MAX 32768 /* Virtio 1.2, 2.7 and 2.8 */
#define VRING_PARTS 256
#define VRING_WHY 160

struct vring_part {
	uint8_t *at;
	uint32_t len;
};

/*
 * Not to be zeroed: vring_pop() fills what it says. Of a chain with more than VRING_PARTS parts,
 * those beyond are left out (a device need not use all of a buffer); when any of these was to be
 * read, `outs` is 0, as half a frame is none.
 */
struct vring_chain {
	uint16_t id; /* for vring_push(): split: head; packed: buffer id */
	uint16_t descs; /* for vring_push(): slots that it takes in the ring (split: 1) */
	uint16_t outs; /* parts that the device reads */
	uint16_t ins; /* parts that it writes, behind those in part[] */
	bool again; /* a dead predecessor had popped it already */
	bool cut; /* there are more */
	uint64_t out_len; /* bytes of all outs */
	uint64_t in_len; /* bytes of all ins */
	struct vring_part part[VRING_PARTS];
};

/* What VHOST_USER_SET_VRING_ADDR says. User addresses, but for the log's, a guest address. */
struct vring_addr {
	uint64_t desc;
	uint64_t used; /* packed: device event suppression */
	uint64_t avail; /* packed: driver event suppression */
	uint64_t log;
	bool logs; /* VHOST_VRING_F_LOG */
};

struct vring_stats {
	uint64_t popped; /* chains */
	uint64_t pushed;
	uint64_t calls; /* interrupts that were asked for and given */
	uint64_t quiet; /* flushes that the driver wanted no interrupt for */
	uint64_t cut; /* chains with more than VRING_PARTS parts */
};

struct split_desc;
struct split_avail;
struct split_used;
struct packed_desc;
struct packed_event;
struct inflight_split;
struct inflight_packed;
struct vring_pushed;
struct vring_again;

struct vring {
	/* fast path */
	struct guest *guest;
	const struct guest_region *region; /* where the last address was found */
	uint16_t num;
	uint16_t avail; /* next to be popped: split: running index; packed: slot */
	uint16_t used; /* next to be made used; likewise, without what is not flushed yet */
	uint16_t seen; /* split: the driver's index as it was read last */
	uint16_t ahead; /* packed: slots behind `avail` that were unpopped */
	uint16_t fresh; /* pushed since the last flush */
	uint32_t uncalled; /* entries (packed: slots) used since the last vring_wants_call() */
	bool avail_wrap; /* packed: wrap counters (Virtio 1.2, 2.8.1) */
	bool used_wrap;
	bool is_packed;
	bool event_idx;
	bool indirect;
	bool started; /* read by the caller */
	bool enabled; /* read and written by the caller, by vring_enable() */
	bool broken;
	bool logs;
	int8_t kicks; /* asked for; -1: not known */
	struct vring_pushed *pushed; /* packed: those since the last flush */
	union {
		struct split_desc *desc;
		struct packed_desc *slots;
	};
	union {
		struct split_avail *split_avail;
		struct packed_event *driver; /* asks us for calls */
	};
	union {
		struct split_used *split_used;
		struct packed_event *device; /* asks the driver for kicks */
	};
	uint64_t log;
	struct vring_stats stats;
	uint64_t popped_before; /* it was started */

	/* in-flight tracking */
	union {
		struct inflight_split *in_split;
		struct inflight_packed *in_packed;
	};
	void *inflight; /* the region; NULL: none */
	size_t inflight_room;
	uint64_t counter; /* order of popping */
	uint16_t *entry_of; /* packed: entry of the region that a buffer id has */
	struct vring_again *again; /* what the predecessor had, in order */
	uint16_t agains;
	uint16_t again_next;

	/* slow path */
	unsigned int number; /* for sentences */
	uint64_t features;
	uint32_t base; /* where to begin, as the message says it */
	struct vring_addr addr;
	bool addr_known;
	int kick; /* eventfds; -1: none */
	int call;
	int err;
	char why[VRING_WHY];
};

/* --- set-up: what the messages say. 0, or a negative errno and a sentence (uvf_why()) --- */

void vring_init(struct vring *ring, struct guest *guest, unsigned int number);
void vring_destroy(struct vring *ring); /* stops it and closes its descriptors; twice is fine */

int vring_set_features(struct vring *ring, uint64_t features); /* while stopped */
int vring_set_num(struct vring *ring, uint32_t num); /* while stopped */
int vring_set_base(struct vring *ring, uint32_t base); /* while stopped */

/* Of a started ring, the same addresses with another log, or moved memory. */
int vring_set_addr(struct vring *ring, const struct vring_addr *addr);

/*
 * Descriptors are taken over and made non-blocking; -1: none (poll; no interrupt). A ring
 * interrupts as it is started, and by each descriptor that it gets later: a dead predecessor may
 * owe that.
 */
void vring_set_kick(struct vring *ring, int fd);
void vring_set_call(struct vring *ring, int fd);
void vring_set_err(struct vring *ring, int fd);
void vring_enable(struct vring *ring, bool on);

/*
 * The ring's own part of the in-flight region, and how many bytes that has: a ring that needs more
 * (inflight_size(), inflight.h) does not start. NULL: none.
 */
int vring_set_inflight(struct vring *ring, void *at, size_t size);

/*
 * vring_start - translate the addresses, check them, and find what a predecessor left.
 * Return: 0, also for a ring that is started already; -EINVAL, and a sentence, when something is
 * missing, or where rings are not whole in guest memory.
 */
int vring_start(struct vring *ring);

/*
 * vring_stop - flushes, and returns what VHOST_USER_GET_VRING_BASE answers. Chains that are popped
 * still are the next start's to find, when there is an in-flight region; without, unpop or push
 * them all before.
 */
uint32_t vring_stop(struct vring *ring);

/*
 * The device is reset: the ring is stopped and disabled, and nothing is flushed, in flight, or to
 * be found by the next start.
 */
void vring_reset(struct vring *ring);

/* After the memory table has changed. A ring whose memory is gone is broken. */
int vring_remap(struct vring *ring);

/* --- the packet path --- */

/* 1; 0: there is none; -EPROTO: the ring is broken, see ring->why. */
int vring_pop(struct vring *ring, struct vring_chain *chain);

/* Gives back the last one popped, then the one before, and so on. The next pop finds it again. */
void vring_unpop(struct vring *ring, const struct vring_chain *chain);

/* @written: bytes written into the chain's ins, from their beginning. */
void vring_push(struct vring *ring, uint16_t id, uint16_t descs, uint32_t written);

/* Makes what was pushed visible. */
void vring_flush(struct vring *ring);

/* Does the driver want an interrupt for what was flushed since this was asked last? */
bool vring_wants_call(struct vring *ring);

/* Interrupts, if it does. */
void vring_call(struct vring *ring);

/*
 * Asks for kicks, or none, when the driver makes more available than was seen by vring_pop().
 * True, when asked for: there is more already, pop again.
 */
bool vring_kicks(struct vring *ring, bool want);

/* Whether the driver has given any buffer since the ring was started. */
bool vring_is_fed(const struct vring *ring);

/* How many chains of a predecessor's are still to be popped. */
static inline unsigned int vring_agains(const struct vring *ring)
{
	return ring->agains - ring->again_next;
}

#endif /* FRONT_VRING_H */

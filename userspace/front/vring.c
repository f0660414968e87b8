// SPDX-License-Identifier: GPL-2.0-only
/* What split and packed rings share: set-up, beginning and end, and chains of parts. */
#include "vring.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "desc.h"
#include "inflight.h"
#include "inflight_ring.h"
#include "why.h"

void vring_init(struct vring *ring, struct guest *guest, unsigned int number)
{
	*ring = (struct vring){
		.guest = guest, .number = number, .kick = -1, .call = -1, .err = -1,
	};
}

/* --- set-up --- */

static bool has(uint64_t features, unsigned int bit)
{
	return features >> bit & 1;
}

static int refuse_started(const struct vring *ring, const char *what)
{
	return uvf_fail(EBUSY, "ring %u is started: it can't have another %s", ring->number, what);
}

int vring_set_features(struct vring *ring, uint64_t features)
{
	const uint64_t ours = 1ULL << VRING_F_PACKED | 1ULL << VRING_F_EVENT_IDX |
			      1ULL << VRING_F_INDIRECT_DESC;

	if (ring->started && (features ^ ring->features) & ours)
		return refuse_started(ring, "layout");
	ring->features = features;
	ring->is_packed = has(features, VRING_F_PACKED);
	ring->event_idx = has(features, VRING_F_EVENT_IDX);
	ring->indirect = has(features, VRING_F_INDIRECT_DESC);
	return 0;
}

int vring_set_num(struct vring *ring, uint32_t num)
{
	if (ring->started)
		return refuse_started(ring, "size");
	if (!num || num > VRING_SIZE_MAX)
		return uvf_fail(EINVAL, "ring %u can't have %u descriptors: 1 to %d", ring->number,
				num, VRING_SIZE_MAX);
	ring->num = num;
	return 0;
}

int vring_set_base(struct vring *ring, uint32_t base)
{
	if (ring->started)
		return refuse_started(ring, "base");
	ring->base = base;
	return 0;
}

int vring_set_addr(struct vring *ring, const struct vring_addr *addr)
{
	ring->addr = *addr;
	ring->addr_known = true;
	return ring->started ? vring_remap(ring) : 0;
}

static void fd_set_to(int *to, int fd)
{
	if (*to >= 0)
		close(*to);
	*to = fd;
	/* What can't take a notification now has enough of them to be awake. */
	if (fd >= 0)
		fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

static void event_write(int fd)
{
	const uint64_t one = 1;

	if (fd >= 0 && write(fd, &one, sizeof(one)) < 0)
		return;
}

/*
 * A dead predecessor may owe an interrupt, whatever the driver's event index says now. Each
 * descriptor gets it: QEMU gives two to a ring that is enabled already, and throws away what the
 * first one got; one too many does no harm.
 */
static void owed_call(struct vring *ring)
{
	if (ring->started)
		event_write(ring->call);
}

void vring_set_kick(struct vring *ring, int fd)
{
	fd_set_to(&ring->kick, fd);
}

void vring_set_call(struct vring *ring, int fd)
{
	fd_set_to(&ring->call, fd);
	owed_call(ring);
}

void vring_set_err(struct vring *ring, int fd)
{
	fd_set_to(&ring->err, fd);
}

void vring_enable(struct vring *ring, bool on)
{
	ring->enabled = on;
}

int vring_set_inflight(struct vring *ring, void *at, size_t size)
{
	if (ring->started && at != ring->inflight)
		return refuse_started(ring, "in-flight region");
	ring->inflight = at;
	ring->inflight_room = size;
	ring->in_split = at;
	return 0;
}

/* --- beginning and end --- */

void *ring_find(const struct vring *ring, const char *what, uint64_t uva, uint64_t len,
		unsigned int align)
{
	void *at = guest_at_user(ring->guest, uva, len);

	if (!at || (uintptr_t)at % align) {
		uvf_fail(EINVAL, "ring %u: its %s at user address %#" PRIx64 " is not %s",
			 ring->number, what, uva, at ? "aligned" : "in guest memory");
		return NULL;
	}
	return at;
}

static int ring_map(struct vring *ring)
{
	int err = ring->is_packed ? packed_map(ring) : split_map(ring);

	ring->region = NULL;
	ring->log = ring->addr.log;
	ring->logs = ring->addr.logs;
	return err;
}

static void arrays_free(struct vring *ring)
{
	free(ring->again);
	free(ring->entry_of);
	free(ring->pushed);
	ring->again = NULL;
	ring->entry_of = NULL;
	ring->pushed = NULL;
	ring->agains = 0;
	ring->again_next = 0;
}

static int arrays_make(struct vring *ring)
{
	bool sound;

	arrays_free(ring);
	if (ring->is_packed)
		ring->pushed = calloc(ring->num, sizeof(*ring->pushed));
	if (ring->inflight)
		ring->again = calloc(ring->num, sizeof(*ring->again));
	if (ring->inflight && ring->is_packed) /* an id may be any number of 16 bits */
		ring->entry_of = calloc(UINT16_MAX + 1, sizeof(*ring->entry_of));
	sound = (ring->pushed || !ring->is_packed) && (ring->again || !ring->inflight) &&
		(ring->entry_of || !ring->inflight || !ring->is_packed);
	return sound ? 0 : uvf_fail(ENOMEM, "no memory for ring %u", ring->number);
}

/* Its size and layout may have been told after the region was given. */
static int inflight_check(const struct vring *ring)
{
	if (!ring->inflight ||
	    inflight_size(ring->is_packed, ring->num) <= ring->inflight_room)
		return 0;
	return uvf_fail(EINVAL, "ring %u of %u descriptors does not fit its part of the in-flight "
			"region, which has %zu bytes", ring->number, ring->num, ring->inflight_room);
}

static int ring_start(struct vring *ring)
{
	int err = inflight_check(ring);

	if (!err)
		err = ring_map(ring);
	if (!err)
		err = arrays_make(ring);
	if (!err)
		err = ring->is_packed ? packed_start(ring) : split_start(ring);
	if (err)
		arrays_free(ring);
	return err;
}

int vring_start(struct vring *ring)
{
	int err;

	if (ring->started)
		return 0;
	if (!ring->num || !ring->addr_known)
		return uvf_fail(EINVAL, "ring %u can't be started: it has no %s yet", ring->number,
				ring->num ? "addresses" : "size");
	ring->broken = false;
	ring->why[0] = '\0';
	ring->avail_wrap = false;
	ring->used_wrap = false;
	ring->ahead = 0;
	ring->fresh = 0;
	ring->kicks = -1;
	ring->uncalled = 0;
	ring->popped_before = ring->stats.popped;
	err = ring_start(ring);
	if (err)
		return err;
	ring->started = true;
	owed_call(ring);
	return 0;
}

/* Nothing is in flight: base and used index tell all. */
static bool all_given_back(const struct vring *ring)
{
	return ring->avail == ring->used && ring->avail_wrap == ring->used_wrap &&
	       !vring_agains(ring);
}

uint32_t vring_stop(struct vring *ring)
{
	if (!ring->started)
		return ring->base;
	vring_flush(ring);
	ring->base = ring->is_packed ? packed_stop(ring) : split_stop(ring);
	if (ring->inflight && all_given_back(ring))
		inflight_forget(ring);
	ring->started = false;
	arrays_free(ring);
	return ring->base;
}

void vring_reset(struct vring *ring)
{
	if (ring->inflight)
		inflight_forget(ring);
	ring->base = ring->is_packed ? 1u << 15 | 1u << 31 : 0;
	ring->addr_known = false;
	ring->enabled = false;
	ring->started = false;
	ring->broken = false;
	arrays_free(ring);
}

int vring_remap(struct vring *ring)
{
	if (!ring->started || !ring_map(ring))
		return 0;
	ring->started = false;
	arrays_free(ring);
	return vring_break(ring, "its memory is gone: %.100s", uvf_why());
}

void vring_destroy(struct vring *ring)
{
	vring_stop(ring);
	vring_set_kick(ring, -1);
	vring_set_call(ring, -1);
	vring_set_err(ring, -1);
}

/* --- what breaks a ring --- */

int vring_break(struct vring *ring, const char *format, ...)
{
	char what[VRING_WHY - 16];
	va_list args;

	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	snprintf(ring->why, sizeof(ring->why), "ring %u: %s", ring->number, what);
	ring->broken = true;
	event_write(ring->err);
	return uvf_fail(EPROTO, "%s", ring->why);
}

int chain_break(struct vring *ring, const struct desc *desc, const char *why)
{
	return vring_break(ring, "a descriptor of %u bytes at guest address %#" PRIx64 " %s",
			   desc->len, desc->addr, why);
}

/* Half of what is to be read is dropped; half of what is to be written is as good. */
int chain_cut(struct vring *ring, struct vring_chain *chain, bool in)
{
	ring->stats.cut += !chain->cut;
	chain->cut = true;
	if (!in) {
		chain->outs = 0;
		chain->out_len = 0;
	}
	return 0;
}

/* --- indirect tables (Virtio 1.2, 2.7.5.3 and 2.8.7) --- */

/*
 * Drivers of small rings make tables longer than the ring, which they ought not to; what has more
 * entries than a chain could have parts, though, is no table.
 */
int table_open(struct vring *ring, struct table *table, const struct desc *desc)
{
	unsigned int most = ring->num > VRING_PARTS ? ring->num : VRING_PARTS;
	uint64_t n = 0;
	uint8_t *at;

	if (!ring->indirect)
		return chain_break(ring, desc, "is indirect, which was not negotiated");
	if (desc->flags & DESC_NEXT)
		return chain_break(ring, desc, "is indirect, and has a next");
	if (!desc->len || desc->len % 16 || desc->len / 16 > most)
		return chain_break(ring, desc, "is indirect, and no table has so many bytes");
	at = guest_at(ring->guest, desc->addr, desc->len, &n);
	if (!at)
		return chain_break(ring, desc, "is indirect, and is not in guest memory");
	*table = (struct table){ .guest = ring->guest, .gpa = desc->addr,
				 .entries = desc->len / 16 };
	if (n == desc->len && (uintptr_t)at % sizeof(uint64_t) == 0)
		table->at = (const uint64_t *)at;
	return 0;
}

bool table_read(const struct table *table, unsigned int i, uint64_t *addr, uint64_t *rest)
{
	uint64_t copy[2];

	if (table->at) {
		*addr = once64(&table->at[2 * i]);
		*rest = once64(&table->at[2 * i + 1]);
		return true;
	}
	if (!guest_read(table->guest, table->gpa + 16ULL * i, copy, sizeof(copy)))
		return false;
	*addr = le64toh(copy[0]);
	*rest = le64toh(copy[1]);
	return true;
}

/* --- the packet path --- */

int vring_pop(struct vring *ring, struct vring_chain *chain)
{
	int got;

	if (__builtin_expect(!ring->started || ring->broken, 0))
		return ring->broken ? -EPROTO : 0;
	got = ring->is_packed ? packed_pop(ring, chain) : split_pop(ring, chain);
	ring->stats.popped += got > 0;
	return got;
}

void vring_unpop(struct vring *ring, const struct vring_chain *chain)
{
	if (!ring->started)
		return;
	ring->stats.popped--;
	if (ring->is_packed)
		packed_unpop(ring, chain);
	else
		split_unpop(ring, chain);
}

void vring_push(struct vring *ring, uint16_t id, uint16_t descs, uint32_t written)
{
	if (!ring->started)
		return;
	ring->stats.pushed++;
	if (ring->is_packed)
		packed_push(ring, id, descs, written);
	else
		split_push(ring, id, written);
}

void vring_flush(struct vring *ring)
{
	if (!ring->fresh || !ring->started)
		return;
	if (ring->is_packed)
		packed_flush(ring);
	else
		split_flush(ring);
}

bool vring_wants_call(struct vring *ring)
{
	if (!ring->uncalled || !ring->started)
		return false;
	return ring->is_packed ? packed_wants_call(ring) : split_wants_call(ring);
}

void vring_call(struct vring *ring)
{
	if (!ring->uncalled || !ring->started)
		return;
	if (vring_wants_call(ring)) {
		ring->stats.calls++;
		event_write(ring->call);
	} else {
		ring->stats.quiet++;
	}
}

bool vring_kicks(struct vring *ring, bool want)
{
	if (!ring->started || ring->broken)
		return false;
	return ring->is_packed ? packed_kicks(ring, want) : split_kicks(ring, want);
}

bool vring_is_fed(const struct vring *ring)
{
	if (!ring->started || ring->broken)
		return false;
	return ring->stats.popped != ring->popped_before ||
	       (ring->is_packed ? packed_waits(ring) : split_waits(ring));
}

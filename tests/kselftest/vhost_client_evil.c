// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a driver must not do, each by name, on one ring. Afterwards the ring is of no more use, and
 * neither this side nor the device knows what is in it: reset.
 *
 * A chain is written as it stands here, with none of the care of vhost_client_split.c and
 * vhost_client_packed.c, and always kicked for.
 */
#include "vhost_client.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define NEXT VRING_DESC_F_NEXT
#define WRITE VRING_DESC_F_WRITE
#define INDIRECT VRING_DESC_F_INDIRECT
#define AVAIL (1 << VRING_PACKED_DESC_F_AVAIL)
#define USED (1 << VRING_PACKED_DESC_F_USED)
#define HEADER 12
#define SECOND_NS 1000000000LL

struct raw {
	uint64_t addr;
	uint32_t len;
	uint16_t flags, next; /* next: of a packed ring the buffer's id */
};

struct evil {
	struct client *client;
	struct ring *ring;
	uint64_t good; /* the guest's address of a buffer that is fine */
	uint16_t way; /* of a buffer that is fine: WRITE on a receive ring */
};

/* --- writing ------------------------------------------------------------------------------ */

static void put(struct ring *ring, unsigned int at, const struct raw *raw)
{
	struct vring_desc split = { raw->addr, raw->len, raw->flags, raw->next };
	struct vring_packed_desc packed = { raw->addr, raw->len, raw->next, raw->flags };

	packed.flags |= ring->avail_wrap ? AVAIL : USED;
	memcpy((struct vring_desc *)ring->desc + at, ring->packed ? (void *)&packed : &split,
	       sizeof(split));
}

static void offer(struct ring *ring, uint16_t head, uint16_t by)
{
	struct vring_avail *avail = ring->driver;

	if (!ring->packed) {
		avail->ring[ring->next_avail % ring->num] = head;
		ring->next_avail += by;
		__atomic_store_n(&avail->idx, ring->next_avail, __ATOMIC_RELEASE);
	}
	ring_kick(ring);
}

/* The first of a packed ring's is written last. */
static void chain(struct evil *evil, const struct raw *raw, unsigned int n)
{
	struct ring *ring = evil->ring;
	unsigned int base = ring->packed ? ring->next_avail : 0;

	for (unsigned int i = n; i--;)
		put(ring, (base + i) % ring->num, raw + i);
	offer(ring, 0, 1);
}

static void single(struct evil *evil, uint64_t addr, uint32_t len, uint16_t flags)
{
	struct raw raw = { addr, len, flags, 0 };

	chain(evil, &raw, 1);
}

static uint64_t memory_end(const struct evil *evil)
{
	const struct memory *memory = &evil->client->memory;

	return GUEST_BASE + memory->regions * memory->region_size;
}

/* --- addresses and lengths ---------------------------------------------------------------- */

static void address_outside(struct evil *evil) { single(evil, 0x1000, 100, evil->way); }
static void address_of_host(struct evil *evil) { single(evil, USER_BASE, 100, evil->way); }
static void address_wraps(struct evil *evil) { single(evil, ~0ULL - 4, 100, evil->way); }
static void end_outside(struct evil *evil) { single(evil, memory_end(evil) - 1, 1500, evil->way); }
static void length_huge(struct evil *evil) { single(evil, evil->good, ~0U, evil->way); }
static void length_zero(struct evil *evil) { single(evil, evil->good, 0, evil->way); }
static void short_header(struct evil *evil) { single(evil, evil->good, HEADER - 1, evil->way); }
static void no_frame(struct evil *evil) { single(evil, evil->good, HEADER, evil->way); }
static void tiny_frame(struct evil *evil) { single(evil, evil->good, HEADER + 3, evil->way); }

/* As many as the ring has, all of memory each: their sum has more than 32 bits. */
static void sum_overflows(struct evil *evil)
{
	struct raw raw[RING_MAX];
	unsigned int n = evil->ring->num;

	for (unsigned int i = 0; i < n; i++)
		raw[i] = (struct raw){ GUEST_BASE, memory_end(evil) - GUEST_BASE,
				       evil->way | (i + 1 < n ? NEXT : 0), i + 1 };
	chain(evil, raw, n);
}

static void long_frame(struct evil *evil)
{
	struct raw raw[40];

	for (unsigned int i = 0; i < 40; i++)
		raw[i] = (struct raw){ evil->good, 2048, evil->way | (i < 39 ? NEXT : 0), i + 1 };
	chain(evil, raw, 40);
}

/* What the device writes or reads is the ring itself. */
static void overlap(struct evil *evil)
{
	single(evil, memory_guest(evil->ring->memory, evil->ring->desc), 2048, evil->way);
}

/* --- chains ------------------------------------------------------------------------------- */

/* A packed ring's has no end anywhere. */
static void loop(struct evil *evil)
{
	unsigned int n = evil->ring->packed ? evil->ring->num : 3;
	struct raw raw[RING_MAX];

	for (unsigned int i = 0; i < n; i++)
		raw[i] = (struct raw){ evil->good, 64, evil->way | NEXT, (i + 1) % n };
	chain(evil, raw, n);
}

/* Of a packed ring: what follows is not there. */
static void next_outside(struct evil *evil)
{
	struct raw raw = { evil->good, 100, evil->way | NEXT, evil->ring->num + 5 };

	chain(evil, &raw, 1);
}

static void wrong_way(struct evil *evil) { single(evil, evil->good, 100, evil->way ^ WRITE); }

/* Virtio 1.2, 2.7.4.2: what is written stands behind what is read. */
static void read_after_write(struct evil *evil)
{
	struct raw raw[2] = { { evil->good, 100, WRITE | NEXT, 1 }, { evil->good, 100, 0, 0 } };

	chain(evil, raw, 2);
}

static void head_outside(struct evil *evil)
{
	struct raw raw = { evil->good, 100, evil->way, 0xffff };

	chain(evil, &raw, 1);
	if (!evil->ring->packed)
		offer(evil->ring, evil->ring->num, 1);
}

/* One descriptor, or one id, for two buffers at a time. */
static void twice(struct evil *evil)
{
	struct raw raw[2] = { { evil->good, 100, evil->way, 7 },
			      { evil->good, 100, evil->way, 7 } };

	chain(evil, raw, 2);
	offer(evil->ring, 0, 1);
}

/* A packed ring has no index: all of it is available at once, with both wrap counters in turn. */
static void index_jumps(struct evil *evil)
{
	struct raw raw = { evil->good, 100, evil->way, 0 };
	struct ring *ring = evil->ring;

	for (unsigned int i = 0; i < ring->num; i++) {
		ring->avail_wrap = i % 2;
		put(ring, i, &raw);
	}
	offer(ring, 0, ring->num + 1);
}

static void index_goes_back(struct evil *evil)
{
	struct raw raw = { evil->good, 100, evil->way, 0 };

	evil->ring->avail_wrap = !evil->ring->avail_wrap;
	put(evil->ring, 0, &raw);
	offer(evil->ring, 0, -2);
}

/* --- tables of indirect descriptors ------------------------------------------------------- */

static void table(struct evil *evil, const struct raw *raw, unsigned int n, uint32_t len,
		  uint16_t flags)
{
	uint8_t *at = evil->ring->buffers.tables;

	for (unsigned int i = 0; i < n; i++) {
		struct vring_desc split = { raw[i].addr, raw[i].len, raw[i].flags, raw[i].next };
		struct vring_packed_desc packed = { raw[i].addr, raw[i].len, 0, raw[i].flags };

		memcpy(at + i * sizeof(split), evil->ring->packed ? (void *)&packed : &split,
		       sizeof(split));
	}
	single(evil, memory_guest(evil->ring->memory, at), len, flags);
}

static void table_good(struct evil *evil, uint32_t len, uint16_t flags)
{
	struct raw raw[2] = { { evil->good, HEADER, evil->way | NEXT, 1 },
			      { evil->good, 200, evil->way, 0 } };

	table(evil, raw, 2, len, flags);
}

static void table_nested(struct evil *evil)
{
	struct raw raw = { memory_guest(evil->ring->memory, evil->ring->buffers.tables), 16,
			   INDIRECT, 0 };

	table(evil, &raw, 1, 16, INDIRECT);
}

static void table_loops(struct evil *evil)
{
	struct raw raw[2] = { { evil->good, 100, evil->way | NEXT, 1 },
			      { evil->good, 100, evil->way | NEXT, 0 } };

	table(evil, raw, 2, 32, INDIRECT);
}

static void table_next_outside(struct evil *evil)
{
	struct raw raw = { evil->good, 100, evil->way | NEXT, 500 };

	table(evil, &raw, 1, 16, INDIRECT);
}

static void table_address_outside(struct evil *evil)
{
	struct raw raw = { 0x2000, 100, evil->way, 0 };

	table(evil, &raw, 1, 16, INDIRECT);
}

static void table_and_next(struct evil *evil) { table_good(evil, 32, INDIRECT | NEXT); }
static void table_odd(struct evil *evil) { table_good(evil, 31, INDIRECT); }
static void table_empty(struct evil *evil) { table_good(evil, 0, INDIRECT); }
static void table_huge(struct evil *evil) { table_good(evil, 0xfffffff0, INDIRECT); }
static void table_outside(struct evil *evil) { single(evil, 0x1000, 64, INDIRECT); }

/* Longer than the ring: Virtio 1.2, 2.7.5.3.1. */
static void table_long(struct evil *evil)
{
	const struct memory *memory = &evil->client->memory;
	struct vring_desc desc = { evil->good, 16, evil->way | NEXT, 0 };
	unsigned int n = 2 * evil->ring->num;
	uint8_t *at = buffer_at(evil->ring, 0);

	for (unsigned int i = 0; i < n; i++) {
		desc.next = i + 1;
		memcpy(at + i * sizeof(desc), &desc, sizeof(desc));
	}
	single(evil, memory_guest(memory, at), n * sizeof(desc), INDIRECT);
}

/* --- under the device's eyes -------------------------------------------------------------- */

static uint32_t random_next(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	return *state ^= *state << 5;
}

static long long ns_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * SECOND_NS + t.tv_nsec;
}

/* Kicks all the while; the threads are those that write. */
static void meanwhile(struct evil *evil, void *(*write)(void *))
{
	pthread_t writer;

	if (pthread_create(&writer, NULL, write, evil))
		abort();
	for (long long until = ns_now() + SECOND_NS; ns_now() < until; usleep(50))
		ring_kick(evil->ring);
	pthread_join(writer, NULL);
}

/* One descriptor that is good and bad in turn, and available again and again. */
static void *flip(void *arg)
{
	struct evil *evil = arg;
	struct ring *ring = evil->ring;
	volatile struct vring_desc *desc = ring->desc;
	const struct raw good = { evil->good, 200, evil->way, 0 };
	struct vring_avail *avail = ring->driver;

	for (long long until = ns_now() + SECOND_NS; ns_now() < until;) {
		put(ring, ring->packed ? ring->next_avail : 0, &good);
		avail->idx += !ring->packed;
		for (unsigned int i = 0; i < 100; i++) {
			desc->len = i % 2 ? 200 : ~0U;
			desc->addr = i % 3 ? evil->good : 0x1000;
			desc->flags ^= i % 5 ? 0 : NEXT;
		}
		ring->next_avail = (ring->next_avail + 1) % ring->num;
	}
	return NULL;
}

/* Nothing but noise in all that belongs to the ring, what the device writes among it. */
static void *scribble(void *arg)
{
	struct evil *evil = arg;
	struct ring *ring = evil->ring;
	uint32_t state = 0x5eed;
	uint16_t *const area[] = { ring->desc, ring->driver, ring->device };
	const unsigned int words[] = { ring->num * 8, ring->num + 3, ring->num * 4 + 3 };

	for (long long until = ns_now() + SECOND_NS; ns_now() < until;) {
		uint32_t noise = random_next(&state), which = noise % 3;

		area[which][(noise >> 2) % (noise & 0x400 ? words[which] : 8)] =
			random_next(&state) & (noise & 0x800 ? 0xffff : 0x00ff);
	}
	return NULL;
}

static void changing(struct evil *evil) { meanwhile(evil, flip); }
static void noise(struct evil *evil) { meanwhile(evil, scribble); }

static void kick_flood(struct evil *evil)
{
	for (unsigned int i = 0; i < 100000; i++)
		ring_kick(evil->ring);
}

/* --- names -------------------------------------------------------------------------------- */

#define EVIL(name) { #name, name }

static const struct {
	const char *name;
	void (*act)(struct evil *evil);
} evils[] = {
	EVIL(address_outside), EVIL(address_of_host), EVIL(address_wraps), EVIL(end_outside),
	EVIL(length_huge), EVIL(length_zero), EVIL(short_header), EVIL(no_frame), EVIL(tiny_frame),
	EVIL(sum_overflows), EVIL(long_frame), EVIL(overlap), EVIL(loop), EVIL(next_outside),
	EVIL(wrong_way), EVIL(read_after_write), EVIL(head_outside), EVIL(twice), EVIL(index_jumps),
	EVIL(index_goes_back), EVIL(table_nested), EVIL(table_loops), EVIL(table_next_outside),
	EVIL(table_address_outside), EVIL(table_and_next), EVIL(table_odd), EVIL(table_empty),
	EVIL(table_huge), EVIL(table_outside), EVIL(table_long), EVIL(changing), EVIL(noise),
	EVIL(kick_flood),
};

const char *evil_name(unsigned int i)
{
	return i < sizeof(evils) / sizeof(evils[0]) ? evils[i].name : NULL;
}

int evil_do(struct client *client, struct ring *ring, const char *name)
{
	struct evil evil = { .client = client, .ring = ring,
			     .good = memory_guest(&client->memory, buffer_at(ring, 1)),
			     .way = ring->index % 2 ? 0 : WRITE };

	for (unsigned int i = 0; evil_name(i); i++)
		if (!strcmp(name, evil_name(i))) {
			evils[i].act(&evil);
			return 0;
		}
	return fail(client, "'%s' is no evil", name);
}

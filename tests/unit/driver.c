// SPDX-License-Identifier: GPL-2.0-only
#include "driver.h"

#include <string.h>

static uint16_t *half(uint8_t *mem, unsigned int at)
{
	return (uint16_t *)(mem + at);
}

static void half_store(uint16_t *at, uint16_t value)
{
	__atomic_store_n(at, value, __ATOMIC_SEQ_CST);
}

static uint16_t half_load(const uint16_t *at)
{
	return __atomic_load_n(at, __ATOMIC_SEQ_CST);
}

/* As if the ring had come this far: all slots were used, in this lap or the one before. */
static void past_make(uint8_t *mem, const struct driver *driver)
{
	for (uint16_t i = 0; i < driver->num; i++)
		if (driver->next_wrap == (i < driver->next))
			driver_desc(mem, i)->b = DESC_F_AVAIL | DESC_F_USED;
}

void driver_init(uint8_t *mem, bool packed, bool event_idx, uint16_t num, uint16_t start)
{
	struct driver *driver = driver_of(mem);

	memset(mem, 0, AT_END);
	driver->packed = packed;
	driver->event_idx = event_idx;
	driver->num = driver->room = driver->ids = num;
	driver->next = packed ? start & 0x7fff : start;
	driver->used = driver->next;
	driver->next_wrap = driver->used_wrap = start >> 15;
	driver->told = packed ? 0 : start;
	for (uint16_t i = 0; i < num; i++)
		driver->id[i] = num - 1 - i;
	if (packed) {
		past_make(mem, driver);
		return;
	}
	*half(mem, AT_AVAIL + 2) = start;
	*half(mem, AT_USED + 2) = start;
}

unsigned int driver_bufs(uint8_t *mem, struct driver_buf *bufs, unsigned int outs,
			 unsigned int ins)
{
	const struct driver *driver = driver_of(mem);
	unsigned int n = outs + ins, each = DRIVER_BUFFER / n;
	uint64_t at = DRIVER_GPA + AT_BUFFERS;

	if (driver->ids)
		at += (uint64_t)driver->id[driver->ids - 1] * DRIVER_BUFFER;
	for (unsigned int i = 0; i < n; i++)
		bufs[i] = (struct driver_buf){ at + i * each, each, i >= outs };
	return n;
}

static uint16_t buf_flags(const struct driver_buf *buf, bool next)
{
	return (next ? DESC_F_NEXT : 0) | (buf->in ? DESC_F_WRITE : 0);
}

/* In a table of its own. */
static struct driver_buf table_make(uint8_t *mem, const struct driver_buf *bufs, unsigned int n,
				    uint16_t id)
{
	uint64_t at = AT_TABLES + id * DRIVER_CHAIN * sizeof(struct driver_desc);
	struct driver_desc *table = (struct driver_desc *)(mem + at);
	bool packed = driver_of(mem)->packed;

	for (unsigned int i = 0; i < n; i++) {
		uint16_t flags = buf_flags(&bufs[i], !packed && i + 1 < n);

		table[i] = (struct driver_desc){ bufs[i].gpa, bufs[i].len, packed ? 0 : flags,
						 packed ? flags : i + 1 };
	}
	return (struct driver_buf){ DRIVER_GPA + at, n * sizeof(*table), false };
}

/* Descriptors are found by their number: id, id + 1 … would collide, so they are looked for. */
static uint16_t split_free(uint8_t *mem, uint16_t from)
{
	while (driver_desc(mem, from)->len)
		from = (from + 1) % driver_of(mem)->num;
	return from;
}

static void split_give(uint8_t *mem, const struct driver_buf *bufs, unsigned int n, bool indirect,
		       uint16_t id)
{
	struct driver *driver = driver_of(mem);
	uint16_t at = split_free(mem, id), head = at;

	for (unsigned int i = 0; i < n; i++) {
		struct driver_desc *desc = driver_desc(mem, at);
		uint16_t flags = indirect ? DESC_F_INDIRECT : buf_flags(&bufs[i], i + 1 < n);

		*desc = (struct driver_desc){ bufs[i].gpa, bufs[i].len, flags, 0 };
		if (i + 1 < n)
			desc->b = at = split_free(mem, (at + 7) % driver->num);
	}
	/* Chains are told apart by their heads. */
	driver->given[id].head = head;
	*half(mem, AT_AVAIL + 4 + 2 * (driver->next % driver->num)) = head;
	half_store(half(mem, AT_AVAIL + 2), ++driver->next);
}

static uint16_t packed_flags(const struct driver *driver, uint16_t flags)
{
	return flags | (driver->next_wrap ? DESC_F_AVAIL : DESC_F_USED);
}

static void packed_give(uint8_t *mem, const struct driver_buf *bufs, unsigned int n, bool indirect,
			uint16_t id)
{
	struct driver *driver = driver_of(mem);
	struct driver_desc *first = driver_desc(mem, driver->next);
	uint16_t first_flags = 0;

	for (unsigned int i = 0; i < n; i++) {
		struct driver_desc *desc = driver_desc(mem, driver->next);
		uint16_t flags = packed_flags(driver, indirect ? DESC_F_INDIRECT :
						      buf_flags(&bufs[i], i + 1 < n));

		desc->addr = bufs[i].gpa;
		desc->len = bufs[i].len;
		desc->a = i + 1 < n ? 0xeeee : id; /* the last one's counts */
		if (i)
			desc->b = flags;
		else
			first_flags = flags;
		if (++driver->next == driver->num) {
			driver->next = 0;
			driver->next_wrap = !driver->next_wrap;
		}
	}
	driver->told += n;
	half_store(&first->b, first_flags);
}

uint32_t driver_add(uint8_t *mem, const struct driver_buf *bufs, unsigned int n, bool indirect)
{
	struct driver *driver = driver_of(mem);
	uint16_t descs = indirect ? 1 : n, id;
	struct driver_buf table;

	if (!driver->ids || driver->room < descs)
		return 0;
	id = driver->id[--driver->ids];
	driver->room -= descs;
	driver->given[id] = (struct driver_given){ ++driver->tokens, descs, 0 };
	if (bufs[0].gpa - DRIVER_GPA < DRIVER_SIZE)
		memcpy(mem + (bufs[0].gpa - DRIVER_GPA), &driver->tokens, sizeof(uint32_t));
	if (indirect) {
		table = table_make(mem, bufs, n, id);
		bufs = &table;
	}
	if (driver->packed)
		packed_give(mem, bufs, descs, indirect, id);
	else
		split_give(mem, bufs, descs, indirect, id);
	return driver->tokens;
}

/* --- what comes back --- */

static uint32_t given_back(uint8_t *mem, uint16_t id)
{
	struct driver *driver = driver_of(mem);
	struct driver_given given = driver->given[id];

	if (id >= driver->num || !given.token)
		return UINT32_MAX;
	driver->given[id].token = 0;
	driver->id[driver->ids++] = id;
	driver->room += given.descs;
	driver->reaped++;
	if (given.token < DRIVER_TOKENS)
		driver->back[given.token]++;
	return given.token;
}

static void split_release(uint8_t *mem, uint16_t head)
{
	struct driver_desc *desc = driver_desc(mem, head);

	for (; desc->a & DESC_F_NEXT; desc = driver_desc(mem, desc->b))
		desc->len = 0;
	desc->len = 0;
}

static uint32_t split_reap(uint8_t *mem, uint32_t *len)
{
	struct driver *driver = driver_of(mem);
	const uint32_t *elem = (uint32_t *)(mem + AT_USED + 4) + 2 * (driver->used % driver->num);

	if (half_load(half(mem, AT_USED + 2)) == driver->used)
		return 0;
	*len = elem[1];
	driver->used++;
	for (uint16_t id = 0; id < driver->num; id++)
		if (driver->given[id].token && driver->given[id].head == elem[0]) {
			split_release(mem, elem[0]);
			return given_back(mem, id);
		}
	return UINT32_MAX;
}

static uint32_t packed_reap(uint8_t *mem, uint32_t *len)
{
	struct driver *driver = driver_of(mem);
	const struct driver_desc *desc = driver_desc(mem, driver->used);
	uint16_t flags = half_load(&desc->b);
	unsigned int next;

	if (!!(flags & DESC_F_AVAIL) != driver->used_wrap ||
	    !!(flags & DESC_F_USED) != driver->used_wrap)
		return 0;
	if (desc->a >= driver->num)
		return UINT32_MAX;
	*len = flags & DESC_F_WRITE ? desc->len : 0;
	next = driver->used + driver->given[desc->a].descs;
	driver->used_wrap ^= next >= driver->num;
	driver->used = next >= driver->num ? next - driver->num : next;
	return given_back(mem, desc->a);
}

uint32_t driver_reap(uint8_t *mem, uint32_t *len)
{
	return driver_of(mem)->packed ? packed_reap(mem, len) : split_reap(mem, len);
}

/* --- notifications --- */

static bool passed(uint16_t event, uint16_t new, uint16_t old)
{
	return (uint16_t)(new - event - 1) < (uint16_t)(new - old);
}

static bool split_kicks_wanted(uint8_t *mem)
{
	struct driver *driver = driver_of(mem);
	uint16_t old = driver->told;

	driver->told = driver->next;
	if (!driver->event_idx)
		return old != driver->next && !(half_load(half(mem, AT_USED)) & 1);
	return passed(half_load(half(mem, AT_USED + 4 + 8 * driver->num)), driver->next, old);
}

static bool packed_kicks_wanted(uint8_t *mem)
{
	struct driver *driver = driver_of(mem);
	uint16_t off = half_load(half(mem, AT_USED)), flags = half_load(half(mem, AT_USED + 2));
	uint16_t event = off & 0x7fff, n = driver->told;

	driver->told = 0;
	if (flags != 2)
		return n && flags == 0;
	if (off >> 15 != driver->next_wrap)
		event -= driver->num;
	return n && passed(event, driver->next, driver->next - n);
}

bool driver_kicks(uint8_t *mem)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return driver_of(mem)->packed ? packed_kicks_wanted(mem) : split_kicks_wanted(mem);
}

static void packed_calls(uint8_t *mem, enum driver_calls calls, uint16_t after)
{
	const struct driver *driver = driver_of(mem);
	unsigned int at = driver->used + after;
	bool wrap = driver->used_wrap ^ (at >= driver->num);

	at = at >= driver->num ? at - driver->num : at;
	*half(mem, AT_AVAIL) = at | wrap << 15;
	half_store(half(mem, AT_AVAIL + 2), calls == CALLS_NONE	  ? 1 :
					    calls == CALLS_ALWAYS ? 0 : 2);
}

void driver_calls(uint8_t *mem, enum driver_calls calls, uint16_t after)
{
	const struct driver *driver = driver_of(mem);

	if (driver->packed) {
		packed_calls(mem, calls, after);
		return;
	}
	half_store(half(mem, AT_AVAIL), calls == CALLS_NONE);
	half_store(half(mem, AT_AVAIL + 4 + 2 * driver->num), driver->used + after);
}

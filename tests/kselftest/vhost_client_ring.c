// SPDX-License-Identifier: GPL-2.0-only
/* Guest memory, buffers in it, and what split and packed rings share. */
#include "vhost_client.h"

#include <linux/memfd.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

/* --- memory ------------------------------------------------------------------------------- */

#define GUARD_BYTE 0xa5

/* One range of addresses, so that what crosses from one region to the next needs no care here. */
int memory_make(struct memory *memory, unsigned int regions, size_t size)
{
	memory->regions = regions;
	memory->region_size = (size / regions + 0xfff) & ~0xfffUL;
	size = regions * memory->region_size;
	memory->base = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory->base == MAP_FAILED)
		return -1;
	for (unsigned int i = 0; i < regions; i++) {
		uint8_t *at = memory->base + i * memory->region_size;

		memory->fd[i] = memfd_create("guest", MFD_CLOEXEC);
		if (memory->fd[i] < 0 || ftruncate(memory->fd[i], memory->region_size) ||
		    mmap(at, memory->region_size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
			 memory->fd[i], 0) != at)
			return -1;
	}
	memory->next = memory->base;
	return 0;
}

void memory_free(struct memory *memory)
{
	if (!memory->base)
		return;
	for (unsigned int i = 0; i < memory->regions; i++)
		close(memory->fd[i]);
	munmap(memory->base, memory->regions * memory->region_size);
	memory->base = NULL;
}

void *memory_take(struct memory *memory, size_t size, size_t align)
{
	size_t at = ((size_t)(memory->next - memory->base) + align - 1) / align * align;

	if (at + size > memory->regions * memory->region_size)
		return NULL;
	memory->next = memory->base + at + size;
	return memory->base + at;
}

uint64_t memory_guest(const struct memory *memory, const void *at)
{
	return GUEST_BASE + ((const uint8_t *)at - memory->base);
}

uint64_t memory_user(const struct memory *memory, const void *at)
{
	return USER_BASE + ((const uint8_t *)at - memory->base);
}

/* --- buffers, with a guard on both sides that nobody may write to ------------------------- */

static void buffers_clean(struct ring *ring)
{
	struct buffers *buffers = &ring->buffers;
	unsigned int guard = buffers->stride - buffers->size;

	memset(buffers->at - guard, GUARD_BYTE, buffers->count * buffers->stride + guard);
}

static int buffers_make(struct ring *ring, unsigned int size, unsigned int guard)
{
	struct buffers *buffers = &ring->buffers;

	buffers->size = size;
	buffers->stride = size + guard;
	buffers->count = buffers->free = ring->num;
	buffers->at = memory_take(ring->memory, buffers->count * buffers->stride + guard, 1);
	buffers->tables = memory_take(ring->memory, buffers->count * TABLE_SIZE, 16);
	if (!buffers->at || !buffers->tables)
		return -1;
	buffers->at += guard;
	for (unsigned int i = 0; i < buffers->count; i++)
		buffers->stack[i] = buffers->count - 1 - i;
	return 0;
}

int buffer_take(struct ring *ring)
{
	return ring->buffers.free ? ring->buffers.stack[--ring->buffers.free] : -1;
}

void buffer_give(struct ring *ring, uint16_t buffer)
{
	ring->buffers.stack[ring->buffers.free++] = buffer;
}

uint8_t *buffer_at(const struct ring *ring, uint16_t buffer)
{
	return ring->buffers.at + (size_t)buffer * ring->buffers.stride;
}

bool buffer_guarded(const struct ring *ring, uint16_t buffer)
{
	const struct buffers *buffers = &ring->buffers;
	unsigned int guard = buffers->stride - buffers->size;
	const uint8_t *at = buffer_at(ring, buffer);

	for (unsigned int i = 0; i < guard; i++)
		if (at[buffers->size + i] != GUARD_BYTE || at[(int)i - (int)guard] != GUARD_BYTE)
			return false;
	return true;
}

/* --- rings --------------------------------------------------------------------------------- */

static const struct ring_ops *ops(const struct ring *ring)
{
	return ring->packed ? &packed_ring : &split_ring;
}

/* Each part on pages of its own: the log of dirty pages can tell them apart. */
int ring_make(struct ring *ring, struct memory *memory, unsigned int size, unsigned int guard)
{
	ring->memory = memory;
	ring->desc = memory_take(memory, ring->num * sizeof(struct vring_desc), 4096);
	ring->driver = memory_take(memory, 6 + ring->num * 2, 4096);
	ring->device = memory_take(memory, 6 + ring->num * sizeof(struct vring_used_elem), 4096);
	memory_take(memory, 0, 4096);
	ring->kick = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	ring->call = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	ring->err = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (!ring->device || ring->err < 0 || buffers_make(ring, size, guard))
		return -1;
	ring_reset(ring);
	return 0;
}

/* As a driver that begins; buffers that the device had are ours again. */
void ring_reset(struct ring *ring)
{
	for (unsigned int i = 0; i < ring->num; i++) {
		if (ring->slot[i].busy)
			buffer_give(ring, ring->slot[i].buffer);
		ring->slot[i].busy = false;
		ring->next[i] = i + 1;
	}
	buffers_clean(ring);
	ring->free_head = 0;
	ring->free = ring->num;
	ring->next_avail = ring->next_used = ring->added = 0;
	ring->avail_wrap = ring->used_wrap = true;
	memset(ring->desc, 0, ring->num * sizeof(struct vring_desc));
	memset(ring->driver, 0, 6 + ring->num * 2);
	memset(ring->device, 0, 6 + ring->num * sizeof(struct vring_used_elem));
}

void ring_complain(struct ring *ring, const char *why)
{
	ring->wrong++;
	ring->why = why;
}

/* Virtio 1.2, 2.7.5.3 and 2.8.7: one descriptor that names a table. */
static int add_indirect(struct ring *ring, const struct part *part, unsigned int outs,
			unsigned int ins, uint16_t buffer)
{
	struct vring_desc *table = (void *)(ring->buffers.tables + buffer * TABLE_SIZE);
	struct part whole = { table, (outs + ins) * sizeof(*table) };

	for (unsigned int i = 0; i < outs + ins; i++) {
		struct vring_packed_desc packed = { .addr = memory_guest(ring->memory, part[i].at),
						    .len = part[i].len,
						    .flags = i < outs ? 0 : VRING_DESC_F_WRITE };
		struct vring_desc split = { .addr = packed.addr, .len = packed.len,
					    .flags = packed.flags, .next = i + 1 };

		if (i + 1 < outs + ins)
			split.flags |= VRING_DESC_F_NEXT;
		memcpy(table + i, ring->packed ? (void *)&packed : &split, sizeof(*table));
	}
	return ops(ring)->add(ring, &whole, 0, 0);
}

int ring_add(struct ring *ring, const struct part *part, unsigned int outs, unsigned int ins,
	     uint16_t buffer)
{
	bool indirect = ring->indirect && outs + ins > 1;
	uint32_t room = 0;
	int id;

	if (ring->free < (indirect ? 1 : outs + ins))
		return -1;
	for (unsigned int i = outs; i < outs + ins; i++)
		room += part[i].len;
	id = indirect ? add_indirect(ring, part, outs, ins, buffer) :
			ops(ring)->add(ring, part, outs, ins);
	ring->slot[id].busy = true;
	ring->slot[id].buffer = buffer;
	ring->slot[id].descs = indirect ? 1 : outs + ins;
	ring->slot[id].room = room;
	ring->free -= ring->slot[id].descs;
	ring->chains++;
	return 0;
}

void ring_kick(struct ring *ring)
{
	uint64_t one = 1;

	ring->kicks++;
	if (write(ring->kick, &one, sizeof(one)) < 0)
		ring_complain(ring, "the kick was not taken");
}

void ring_publish(struct ring *ring)
{
	if (ops(ring)->publish)
		ops(ring)->publish(ring);
	/* What was published before what the device wants is read: Virtio 1.2, 2.7.13.4.1. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (ring->added && ops(ring)->wants_kick(ring))
		ring_kick(ring);
	ring->added = 0;
}

bool ring_take(struct ring *ring, uint16_t *buffer, uint32_t *len)
{
	struct slot *slot;
	uint32_t id;

	if (!ops(ring)->take(ring, &id, len))
		return false;
	if (id >= ring->num || !ring->slot[id].busy) {
		ring_complain(ring, "the device used what it was not given");
		return false;
	}
	slot = &ring->slot[id];
	if (*len > slot->room)
		ring_complain(ring, "the device wrote more than there is room");
	slot->busy = false;
	ring->free += slot->descs;
	ops(ring)->release(ring, id);
	*buffer = slot->buffer;
	return true;
}

void ring_want_calls(struct ring *ring, bool want, unsigned int after)
{
	ops(ring)->want_calls(ring, want, after);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

unsigned int ring_in_flight(const struct ring *ring)
{
	unsigned int chains = 0;

	for (unsigned int i = 0; i < ring->num; i++)
		chains += ring->slot[i].busy;
	return chains;
}

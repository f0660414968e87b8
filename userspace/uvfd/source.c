// SPDX-License-Identifier: GPL-2.0-only
/*
 * A source of frames: one AF_XDP socket on one queue, over the session's memory.
 *
 * The queues of one netdev share a UMEM registration (XDP_SHARED_UMEM), so that its device maps
 * each page once. Another netdev has another one over the same memfd: addresses are the same in
 * all of them, so that a frame moves between functions by its descriptor alone, and a zero-copy
 * function and one that copies go together. The kernel counts who uses a registration: no socket
 * depends on the life of another.
 */
#include "uvfd.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "why.h"

/* The kernel releases a queue a little after its socket was closed by all: the keeper, too. */
#define BIND_TRIES 200
#define BIND_PAUSE_NS 5000000

/* linux/if_xdp.h, as of Linux 6.6. */
#ifndef XDP_USE_SG
#define XDP_USE_SG (1 << 4)
#endif

/* Not 0 is what counts: AF_XDP polls once for each call (xsk_recvmsg(), net/xdp/xsk.c). */
#define BUSY_POLL_US 20

static int rings_make(int xsk, uint32_t size)
{
	static const int rings[] = {
		XDP_UMEM_FILL_RING, XDP_UMEM_COMPLETION_RING, XDP_RX_RING, XDP_TX_RING,
	};

	for (unsigned int i = 0; i < sizeof(rings) / sizeof(rings[0]); i++)
		if (setsockopt(xsk, SOL_XDP, rings[i], &size, sizeof(size)))
			return uvf_fail(errno, "can't make AF_XDP rings of %u entries: %s", size,
					strerror(errno));
	return 0;
}

/*
 * The appliance's calls then run the driver's NAPI (Linux 5.11). It takes CAP_NET_ADMIN, so it is
 * ours to set.
 */
static int busy_poll(int xsk, int budget)
{
	const int prefer = 1, usecs = BUSY_POLL_US;

	if (setsockopt(xsk, SOL_SOCKET, SO_PREFER_BUSY_POLL, &prefer, sizeof(prefer)) ||
	    setsockopt(xsk, SOL_SOCKET, SO_BUSY_POLL, &usecs, sizeof(usecs)) ||
	    setsockopt(xsk, SOL_SOCKET, SO_BUSY_POLL_BUDGET, &budget, sizeof(budget)))
		return uvf_fail(errno, "the kernel refuses busy polling: %s", strerror(errno));
	return 0;
}

/* Before Linux 6.6 the flag is unknown (xsk_bind(), net/xdp/xsk.c), and that is looked at first. */
static bool has_jumbo(void)
{
	static enum { UNKNOWN, YES, NO } known;
	struct sockaddr_xdp nowhere = {
		.sxdp_family = AF_XDP,
		.sxdp_flags = XDP_USE_SG,
		.sxdp_ifindex = INT_MAX,
	};
	int xsk;

	if (known != UNKNOWN)
		return known == YES;
	xsk = socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (xsk < 0)
		return true; /* the next one will say why */
	known = bind(xsk, (struct sockaddr *)&nowhere, sizeof(nowhere)) && errno == EINVAL ? NO :
											     YES;
	close(xsk);
	return known == YES;
}

/* Some socket, on a netdev that is there always, and in use by nobody. */
static int probe_bind(int xsk)
{
	const struct sockaddr_xdp lo = {
		.sxdp_family = AF_XDP,
		.sxdp_flags = XDP_COPY,
		.sxdp_ifindex = 1, /* LOOPBACK_IFINDEX, net/loopback.h */
	};
	const size_t page = sysconf(_SC_PAGESIZE);
	struct xdp_umem_reg reg = { .len = page, .chunk_size = page };
	void *area = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int err;

	if (area == MAP_FAILED)
		return -errno;
	reg.addr = (uintptr_t)area;
	err = setsockopt(xsk, SOL_XDP, XDP_UMEM_REG, &reg, sizeof(reg)) ? -errno : 0;
	if (!err)
		err = rings_make(xsk, 1);
	if (!err && bind(xsk, (const struct sockaddr *)&lo, sizeof(lo)))
		err = -errno;
	munmap(area, page);
	return err;
}

/* Not before Linux 6.4 (xsk_mmap(), net/xdp/xsk.c). */
bool source_maps_bound(void)
{
	static enum { UNKNOWN, YES, NO } known;
	const size_t page = sysconf(_SC_PAGESIZE);
	void *ring;
	int xsk;

	if (known != UNKNOWN)
		return known == YES;
	xsk = socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (xsk < 0)
		return false; /* what works with any kernel, until this is known */
	if (!probe_bind(xsk)) {
		ring = mmap(NULL, page, PROT_READ, MAP_SHARED, xsk, XDP_PGOFF_RX_RING);
		known = ring == MAP_FAILED ? NO : YES;
		if (ring != MAP_FAILED)
			munmap(ring, page);
	}
	close(xsk);
	return known == YES;
}

int source_check(uint32_t memory_flags)
{
	if (memory_flags & UVF_MEMORY_JUMBO && !has_jumbo())
		return uvf_fail(EOPNOTSUPP, "this kernel has no jumbo frames for AF_XDP (Linux 6.6 "
					    "has): start the appliance without UVF_JUMBO=1, what is "
					    "longer than a frame of its memory is then dropped");
	if (memory_flags & UVF_MEMORY_META_TX && !memory_has_tx_meta())
		return uvf_fail(EOPNOTSUPP, "this kernel takes no metadata with frames that are sent "
					    "by AF_XDP (Linux 6.8 does): the appliance has to make "
					    "checksums itself");
	return 0;
}

int source_make(struct source *source, const struct session *session, uint32_t ring_size)
{
	int err;

	source->xsk = socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (source->xsk < 0)
		return uvf_fail(errno, "can't make an AF_XDP socket: %s", strerror(errno));
	source->jumbo = session->memory_flags & UVF_MEMORY_JUMBO;
	err = rings_make(source->xsk, ring_size);
	if (!err && session->busy_budget)
		err = busy_poll(source->xsk, session->busy_budget);
	return err;
}

static int bind_to(const struct source *source, uint16_t flags, int shared_umem)
{
	const struct timespec pause = { .tv_nsec = BIND_PAUSE_NS };
	struct sockaddr_xdp addr = {
		.sxdp_family = AF_XDP,
		.sxdp_flags = flags,
		.sxdp_ifindex = source->netdev,
		.sxdp_queue_id = source->queue,
		.sxdp_shared_umem_fd = shared_umem,
	};

	for (int i = 0; bind(source->xsk, (struct sockaddr *)&addr, sizeof(addr)); i++) {
		if (errno != EBUSY || i == BIND_TRIES)
			return -errno;
		nanosleep(&pause, NULL);
	}
	return 0;
}

/* With a registration of its own. */
static int bind_alone(struct source *source)
{
	uint16_t flags = XDP_USE_NEED_WAKEUP | (source->jumbo ? XDP_USE_SG : 0);
	int err = source->copy ? -EOPNOTSUPP : bind_to(source, flags | XDP_ZEROCOPY, 0);

	source->zerocopy = !err;
	return err && err != -EBUSY ? bind_to(source, flags | XDP_COPY, 0) : err;
}

/* With that of @other, and its mode: the kernel knows the flags. */
static int bind_shared(struct source *source, const struct source *other)
{
	source->zerocopy = other->zerocopy;
	return bind_to(source, XDP_SHARED_UMEM, other->xsk);
}

int source_bind(struct source *source, const struct session *session, const struct source *other)
{
	int err = other ? bind_shared(source, other) : -EOPNOTSUPP;
	char name[IFNAMSIZ] = "?";

	if (err && err != -EBUSY) {
		err = memory_register(session, source->xsk);
		if (err)
			return err;
		/* Guests' buffers cross pages that no card takes for contiguous. */
		source->copy |= session->maps;
		err = bind_alone(source);
	}
	if_indextoname(source->netdev, name);
	if (err == -EBUSY)
		return uvf_fail(EBUSY, "another program has an AF_XDP socket on %s, queue %u: "
				       "end it first", name, source->queue);
	if (err)
		return uvf_fail(-err, "can't bind an AF_XDP socket to %s, queue %u: %s", name,
				source->queue, strerror(-err));
	source->bound = true;
	return 0;
}

/* An appliance can write what it likes there: no more than the ring has is believed. */
static bool ring_look(int xsk, off_t which, const struct xdp_ring_offset *at, uint32_t ring_size,
		      uint32_t *used)
{
	size_t page = sysconf(_SC_PAGESIZE);
	const uint8_t *ring;

	if (at->producer + sizeof(uint32_t) > page || at->consumer + sizeof(uint32_t) > page)
		return false;
	ring = mmap(NULL, page, PROT_READ, MAP_SHARED, xsk, which);
	if (ring == MAP_FAILED)
		return false;
	*used = __atomic_load_n((const uint32_t *)(ring + at->producer), __ATOMIC_RELAXED) -
		__atomic_load_n((const uint32_t *)(ring + at->consumer), __ATOMIC_RELAXED);
	if (*used > ring_size)
		*used = ring_size;
	munmap((void *)ring, page);
	return true;
}

bool source_look(const struct source *source, uint32_t ring_size, uint32_t *rx, uint32_t *fill)
{
	struct xdp_mmap_offsets at;
	socklen_t len = sizeof(at);

	return !getsockopt(source->xsk, SOL_XDP, XDP_MMAP_OFFSETS, &at, &len) &&
	       len == sizeof(at) &&
	       ring_look(source->xsk, XDP_PGOFF_RX_RING, &at.rx, ring_size, rx) &&
	       ring_look(source->xsk, XDP_UMEM_PGOFF_FILL_RING, &at.fr, ring_size, fill);
}

void source_close(struct source *source)
{
	if (source->xsk >= 0)
		close(source->xsk);
	*source = (struct source){ .xsk = -1 };
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * libuvf against a kernel and a uvfd that are played here. The AF_XDP socket is a sparse memfd
 * whose rings lie where those of a real one do; the test takes frames out of the fill ring, puts
 * received ones into the rx ring, and completes what was sent. uvfd's answers are written into
 * the connection before the library asks.
 *
 * After each step of the long runs every frame is in exactly one place, and the library knows it.
 * SEED=N repeats a run.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "session.h"
#include "why.h"

#define RING	 64 /* entries of each ring */
#define FRAMES	 256
#define HEADROOM 256
#define DEVS	 2

#define OFFSET_PRODUCER 0
#define OFFSET_CONSUMER 64
#define OFFSET_FLAGS	128
#define OFFSET_ENTRIES	192

/* What the kernel holds of a function's frames, outside of all rings. */
struct kernel {
	struct xdp_desc sending[RING];
	unsigned int sendings;
	uint32_t filled[FRAMES];
	unsigned int filleds;
};

static struct uvf *uvf;
static struct uvf_dev *devs[DEVS];
static struct kernel kernels[DEVS];
static struct uvf_frame held[FRAMES];
static unsigned int helds;
static int uvfd = -1; /* our end of the connection */

static unsigned int kicks, wakes; /* calls into the kernel, to send and to receive */
static unsigned int checks; /* looks at a function's socket for an error */
static unsigned int busy; /* so many kicks answer EAGAIN */
static unsigned int seed;
static unsigned int descriptors_before;

/* --- the kernel's side: system calls ---------------------------------------------------------- */

int __real_getsockopt(int fd, int level, int name, void *value, socklen_t *len);
int __wrap_getsockopt(int fd, int level, int name, void *value, socklen_t *len)
{
	const struct xdp_ring_offset at = { OFFSET_PRODUCER, OFFSET_CONSUMER, OFFSET_ENTRIES,
					    OFFSET_FLAGS };
	struct stat stat;

	checks += name == SO_ERROR && level == SOL_SOCKET;
	if (level != SOL_XDP)
		return __real_getsockopt(fd, level, name, value, len);
	if (fstat(fd, &stat) || !S_ISREG(stat.st_mode)) {
		errno = ENOPROTOOPT;
		return -1;
	}
	if (name == XDP_MMAP_OFFSETS)
		*(struct xdp_mmap_offsets *)value = (struct xdp_mmap_offsets){ at, at, at, at };
	else
		*(struct xdp_statistics *)value = (struct xdp_statistics){ 1, 2, 3, 40, 5, 6 };
	return 0;
}

ssize_t __wrap_sendto(int fd, const void *data, size_t size, int flags, const struct sockaddr *to,
		      socklen_t len)
{
	assert_int_equal(size, 0);
	assert_true(flags & MSG_DONTWAIT);
	kicks++;
	if (busy) {
		busy--;
		errno = EAGAIN;
		return -1;
	}
	return 0;
}

ssize_t __wrap_recvfrom(int fd, void *data, size_t size, int flags, struct sockaddr *from,
			socklen_t *len)
{
	assert_int_equal(size, 0);
	wakes++;
	return 0;
}

static const uint64_t ring_pages[] = { XDP_PGOFF_RX_RING, XDP_PGOFF_TX_RING,
				       XDP_UMEM_PGOFF_FILL_RING, XDP_UMEM_PGOFF_COMPLETION_RING };

/* Its indexes begin at @start, so that they wrap when the test wants it. */
static int xsk_make(uint32_t start)
{
	int fd = memfd_create("xsk", MFD_CLOEXEC);

	assert_int_equal(ftruncate(fd, XDP_UMEM_PGOFF_COMPLETION_RING + (1 << 20)), 0);
	for (unsigned int i = 0; i < 4; i++) {
		pwrite(fd, &start, sizeof(start), ring_pages[i] + OFFSET_PRODUCER);
		pwrite(fd, &start, sizeof(start), ring_pages[i] + OFFSET_CONSUMER);
	}
	return fd;
}

/* --- uvfd's side ------------------------------------------------------------------------------ */

static void answer(uint16_t type, int status, int fd)
{
	struct uvf_reply reply = {
		.version = UVF_PROTO_VERSION,
		.type = type,
		.status = status,
		.why = "uvfd says no",
		.uplink = "eth1",
		.function = "fw0",
		.mac = { 2, 0, 0, 0, 0, 1 },
		.ring_size = RING,
		.mtu = 1500,
		.ifindex = 5,
	};

	assert_int_equal(uvf_proto_answer(uvfd, &reply, fd), 0);
}

static struct uvf_request asked(uint16_t type)
{
	struct uvf_incoming in;

	assert_int_equal(uvf_proto_receive(uvfd, &in), 1);
	assert_int_equal(in.request.type, type);
	if (in.fd >= 0)
		close(in.fd);
	return in.request;
}

static void asked_nothing(void)
{
	struct uvf_incoming in;

	assert_int_equal(uvf_proto_receive(uvfd, &in), 0);
}

/* As `uvf run` hands it down. Returns the library's end, for those who want to spoil it. */
static int connection_make(void)
{
	char number[16];
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	uvfd = pair[0];
	snprintf(number, sizeof(number), "%d", pair[1]);
	setenv("UVF_FD", number, 1);
	return pair[1];
}

static void session_make(uint32_t frames, uint32_t frame_size)
{
	struct uvf_opts opts = { .size = sizeof(opts), .frames = frames, .frame_size = frame_size };

	connection_make();
	answer(UVF_MSG_MEMORY, 0, -1);
	assert_int_equal(uvf__open(&uvf, &opts), 0);
	assert_int_equal(asked(UVF_MSG_MEMORY).memory.size, frames * (uint64_t)frame_size);
}

static int dev_try(unsigned int i, int lease_status, int fd)
{
	char name[UVF_NAME_SIZE];

	snprintf(name, sizeof(name), "fw%u", i);
	answer(UVF_MSG_LEASE, lease_status, fd);
	if (fd >= 0)
		close(fd);
	return uvf_dev__open(&devs[i], uvf, name);
}

static void dev_make(unsigned int i, uint32_t start)
{
	kernels[i] = (struct kernel){ 0 };
	assert_int_equal(dev_try(i, 0, xsk_make(start)), 0);
	asked(UVF_MSG_LEASE);
}

static void dev_end(unsigned int i)
{
	answer(UVF_MSG_RELEASE, 0, -1);
	uvf_dev__close(devs[i]);
	asked(UVF_MSG_RELEASE);
	devs[i] = NULL;
}

static unsigned int descriptors(void)
{
	unsigned int n = 0;

	for (int fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

/* Of UMEMs and rings. */
static unsigned int mappings(void)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	unsigned int n = 0;
	char line[512];

	assert_non_null(maps);
	while (fgets(line, sizeof(line), maps))
		n += !!strstr(line, "/memfd:");
	fclose(maps);
	return n;
}

static int session_end(void **state)
{
	if (uvfd >= 0)
		close(uvfd); /* nobody answers any more, and nothing waits for it */
	uvfd = -1;
	uvf__close(uvf);
	uvf = NULL;
	memset(devs, 0, sizeof(devs));
	assert_int_equal(mappings(), 0);
	assert_int_equal(descriptors(), descriptors_before);
	helds = kicks = wakes = checks = busy = 0;
	unsetenv("UVF_FUNCTIONS");
	return 0;
}

static int session_and_devs(void **state)
{
	session_make(FRAMES, 2048);
	dev_make(0, 0);
	dev_make(1, 0);
	return 0;
}

static int nothing(void **state)
{
	return 0;
}

/* --- the kernel's side: rings ----------------------------------------------------------------- */

static unsigned int most(unsigned int a, unsigned int b)
{
	return a < b ? a : b;
}

static void kernel_take_fill(unsigned int i, unsigned int n)
{
	struct uvf_ring *fill = &devs[i]->fill;
	struct kernel *kernel = &kernels[i];

	n = most(n, *fill->producer - *fill->consumer);
	while (n--) {
		uint64_t addr = *ring_addr(fill, (*fill->consumer)++);

		assert_true(addr % 2048 == 0 && addr < uvf->size);
		kernel->filled[kernel->filleds++] = addr / 2048;
	}
}

/* Frames received, as far as there are filled ones and room. */
static unsigned int kernel_receive(unsigned int i, unsigned int n)
{
	struct uvf_ring *rx = &devs[i]->rx;
	struct kernel *kernel = &kernels[i];

	kernel_take_fill(i, n);
	n = most(n, most(kernel->filleds, RING - (*rx->producer - *rx->consumer)));
	for (unsigned int j = 0; j < n; j++)
		*ring_desc(rx, (*rx->producer)++) = (struct xdp_desc){
			.addr = kernel->filled[--kernel->filleds] * 2048 + HEADROOM,
			.len = 60 + j,
		};
	return n;
}

/* The kernel has room for as many completions as it takes frames to send. */
static unsigned int kernel_take_tx(unsigned int i, unsigned int n)
{
	struct uvf_ring *tx = &devs[i]->tx, *done = &devs[i]->done;
	struct kernel *kernel = &kernels[i];

	n = most(n, *tx->producer - *tx->consumer);
	n = most(n, RING - kernel->sendings - (*done->producer - *done->consumer));
	for (unsigned int j = 0; j < n; j++)
		kernel->sending[kernel->sendings++] = *ring_desc(tx, (*tx->consumer)++);
	return n;
}

static void kernel_complete(unsigned int i, unsigned int n)
{
	struct uvf_ring *done = &devs[i]->done;
	struct kernel *kernel = &kernels[i];

	n = most(n, kernel->sendings);
	while (n--) {
		unsigned int which = random() % kernel->sendings; /* they overtake each other */

		*ring_addr(done, (*done->producer)++) = kernel->sending[which].addr;
		kernel->sending[which] = kernel->sending[--kernel->sendings];
	}
}

/* --- accounting ------------------------------------------------------------------------------- */

static uint8_t places[FRAMES];

static void found(uint64_t number, uint8_t owner)
{
	assert_in_range(number, 0, FRAMES - 1);
	assert_int_equal(uvf->owner[number], owner);
	places[number]++;
}

static void account_dev(unsigned int i)
{
	const struct kernel *kernel = &kernels[i];
	struct uvf_dev *dev = devs[i];
	uint8_t owner = OWNER_DEV + i;

	assert_int_equal(dev->owner, owner);
	for (uint32_t at = *dev->fill.consumer; at != *dev->fill.producer; at++)
		found(*ring_addr(&dev->fill, at) / 2048, owner);
	for (uint32_t at = *dev->rx.consumer; at != *dev->rx.producer; at++)
		found(ring_desc(&dev->rx, at)->addr / 2048, owner);
	for (uint32_t at = *dev->tx.consumer; at != *dev->tx.producer; at++)
		found(ring_desc(&dev->tx, at)->addr / 2048, owner);
	for (uint32_t at = *dev->done.consumer; at != *dev->done.producer; at++)
		found(*ring_addr(&dev->done, at) / 2048, owner);
	for (unsigned int j = 0; j < kernel->filleds; j++)
		found(kernel->filled[j], owner);
	for (unsigned int j = 0; j < kernel->sendings; j++)
		found(kernel->sending[j].addr / 2048, owner);
}

/* Every frame is in exactly one place. */
static void account(void)
{
	memset(places, 0, sizeof(places));
	for (uint32_t i = 0; i < uvf->free_count; i++)
		found(uvf->free[i], OWNER_FREE);
	for (unsigned int i = 0; i < helds; i++)
		found(held[i].addr / 2048, OWNER_HELD);
	for (unsigned int i = 0; i < DEVS; i++)
		if (devs[i])
			account_dev(i);
	for (unsigned int i = 0; i < FRAMES; i++)
		assert_int_equal(places[i], 1);
}

/* --- what an appliance does ------------------------------------------------------------------- */

static void rx(unsigned int i, unsigned int n)
{
	struct uvf_ring *ring = &devs[i]->rx;
	unsigned int there = *ring->producer - *ring->consumer;
	uint32_t at = *ring->consumer;
	unsigned int got = uvf_dev__rx(devs[i], held + helds, n);

	assert_int_equal(got, most(n, there));
	for (unsigned int j = 0; j < got; j++)
		assert_memory_equal(&held[helds + j], ring_desc(ring, at + j),
				    sizeof(struct uvf_frame));
	helds += got;
}

/* The last @n held frames; what was refused is still held. */
static unsigned int tx(unsigned int i, unsigned int n)
{
	struct uvf_ring *ring = &devs[i]->tx;
	uint32_t at = *ring->producer, room = RING - (at - *ring->consumer);
	struct uvf_frame *first;
	unsigned int sent;

	n = most(n, helds);
	first = held + helds - n;
	for (unsigned int j = 0; j < n; j++)
		first[j].len = 60 + j;
	sent = uvf_dev__tx(devs[i], first, n);
	assert_int_equal(sent, most(n, room));
	for (unsigned int j = 0; j < sent; j++)
		assert_memory_equal(&first[j], ring_desc(ring, at + j), sizeof(*first));
	memmove(first, first + sent, (n - sent) * sizeof(*first));
	helds -= sent;
	return sent;
}

static unsigned int alloc(unsigned int n)
{
	unsigned int got = uvf__alloc(uvf, held + helds, n);

	helds += got;
	return got;
}

static void release(unsigned int n)
{
	n = most(n, helds);
	helds -= n;
	uvf__free(uvf, held + helds, n);
}

/* --- long runs -------------------------------------------------------------------------------- */

static void one_step(unsigned int i, unsigned int n)
{
	switch (random() % 12) {
	case 0:
	case 1:
		kernel_receive(i, n);
		break;
	case 2:
	case 3:
		rx(i, n);
		break;
	case 4:
	case 5:
		tx(i, n);
		break;
	case 6:
		kernel_take_tx(i, n);
		break;
	case 7:
		kernel_complete(i, n);
		break;
	case 8:
		alloc(n);
		break;
	case 9:
		release(n);
		break;
	case 10:
		kernel_take_fill(i, n);
		break;
	case 11:
		uvf__wait(uvf, 0);
		break;
	}
}

static void every_frame_has_its_place(void **state)
{
	uint64_t wrapped = 0;

	srandom(seed);
	session_make(FRAMES, 2048);
	for (unsigned int round = 0; round < 20; round++) {
		for (unsigned int i = 0; i < DEVS; i++)
			if (!devs[i])
				dev_make(i, -(random() % 512));
		account();
		for (unsigned int step = 0; step < 3000; step++) {
			one_step(random() % DEVS, random() % 40);
			account();
		}
		for (unsigned int i = 0; i < DEVS; i++)
			wrapped += *devs[i]->tx.producer < 1u << 31;
		dev_end(random() % DEVS);
		account();
	}
	assert_true(wrapped > 20); /* most began below 2^32 and ended above it */
}

/* What was received is forwarded for ever: nothing may trickle away. */
static void forwarding_loses_nothing(void **state)
{
	for (unsigned int i = 0; i < 20000; i++) {
		unsigned int from = i % 2;

		assert_int_equal(kernel_receive(from, 32), 32);
		rx(from, 32);
		assert_int_equal(helds, 32);
		assert_int_equal(tx(!from, 32), 32);
		assert_int_equal(kernel_take_tx(!from, 32), 32);
		kernel_complete(!from, 32);
		account();
	}
}

/* --- misuse: it may harm the appliance's frames, never its memory ----------------------------- */

static void freed_twice(void **state)
{
	struct uvf_frame frames[2];

	assert_int_equal(alloc(10), 10);
	uvf__free(uvf, held, 10);
	uvf__free(uvf, held, 10);
	frames[0] = frames[1] = held[3];
	uvf__free(uvf, frames, 2);
	helds = 0;
	account();
	alloc(1);
	frames[0] = frames[1] = held[0];
	frames[1].addr += 700; /* elsewhere in the same frame */
	uvf__free(uvf, frames, 2);
	helds = 0;
	account();
}

static const uint64_t foreign[] = { FRAMES * 2048, FRAMES * 2048 + 1, 1ULL << 31, 1ULL << 32,
				    1ULL << 43, 1ULL << 48, 1ULL << 63, ~0ULL };

/* Bits above the 32 of a frame's number must not fold into one. */
static void foreign_addresses_freed(void **state)
{
	for (unsigned int i = 0; i < sizeof(foreign) / sizeof(*foreign); i++) {
		struct uvf_frame frame = { .addr = foreign[i] };

		alloc(1);
		uvf__free(uvf, &frame, 1);
		account();
		release(1);
	}
}

/* The kernel refuses them, and never completes them. */
static void foreign_addresses_sent(void **state)
{
	dev_end(1);
	alloc(FRAMES);
	for (unsigned int i = 0; i < sizeof(foreign) / sizeof(*foreign); i++) {
		struct uvf_frame frame = { .addr = foreign[i], .len = 60 };

		release(FRAMES);
		assert_int_equal(uvf_dev__tx(devs[0], &frame, 1), 1);
		(*devs[0]->tx.consumer)++;
		account();
		alloc(FRAMES);
		assert_int_equal(uvf_dev__tx(devs[0], &frame, 1), 1);
		(*devs[0]->tx.consumer)++;
		account();
	}
	release(FRAMES);
	dev_end(0);
	account();
	assert_int_equal(uvf->free_count, FRAMES);
}

static void foreign_addresses_completed(void **state)
{
	for (unsigned int i = 0; i < sizeof(foreign) / sizeof(*foreign); i++)
		*ring_addr(&devs[0]->done, (*devs[0]->done.producer)++) = foreign[i];
	assert_int_equal(alloc(FRAMES), FRAMES / 2);
	account();
}

/* Sent after it was freed: it is in the list, and the kernel completes it. */
static void sent_after_it_was_freed(void **state)
{
	struct uvf_frame frames[RING];

	dev_end(0);
	dev_end(1);
	dev_make(0, 0);
	kernel_take_fill(0, FRAMES);
	for (unsigned int round = 0; round < 10; round++) {
		alloc(RING);
		memcpy(frames, held, sizeof(frames));
		release(RING);
		uvf_dev__tx(devs[0], frames, RING);
		kernel_take_tx(0, RING);
		kernel_complete(0, RING);
		uvf_dev__rx(devs[0], held, RING);
		assert_true(uvf->free_count <= FRAMES);
	}
	dev_end(0);
	assert_true(uvf->free_count <= FRAMES);
	for (unsigned int n = uvf__alloc(uvf, held, FRAMES), i = 0; i < n; i++)
		memset(uvf__data(uvf, &held[i]), 0xff, uvf__room(uvf, &held[i]));
}

/* --- rings that are full, and frames that run out --------------------------------------------- */

static void tx_ring_full(void **state)
{
	struct uvf_dev_stats stats;

	alloc(100);
	assert_int_equal(tx(0, 100), RING);
	assert_int_equal(helds, 100 - RING);
	assert_true(devs[0]->wants_room);
	assert_int_equal(tx(0, 10), 0);
	account();
	assert_int_equal(uvf_dev__stats(devs[0], &stats), 0);
	assert_int_equal(stats.tx_frames, RING);
	assert_int_equal(stats.tx_full, 100 - RING + 10);
	kernel_take_tx(0, 5);
	assert_int_equal(uvf__wait(uvf, 0), 1); /* there is room: nobody has to wait */
	assert_int_equal(tx(0, 10), 5);
	kernel_take_tx(0, RING);
	assert_int_equal(tx(0, 10), 10);
	assert_false(devs[0]->wants_room);
	kernel_complete(0, RING);
	account();
}

static void statistics(void **state)
{
	struct uvf_dev_stats stats;

	kernel_receive(0, 3);
	rx(0, 64);
	tx(0, 2);
	assert_int_equal(uvf_dev__stats(devs[0], &stats), 0);
	assert_int_equal(stats.rx_frames, 3);
	assert_int_equal(stats.rx_bytes, 60 + 61 + 62);
	assert_int_equal(stats.tx_frames, 2);
	assert_int_equal(stats.tx_bytes, 60 + 61);
	assert_int_equal(stats.tx_full, 0);
	assert_int_equal(stats.rx_dropped, 1 + 40); /* the full ring is one of the reasons */
	assert_int_equal(stats.rx_ring_full, 40);
	assert_int_equal(stats.rx_no_frame, 5);
	assert_int_equal(stats.tx_invalid, 3);
}

/* An appliance that holds everything receives nothing, until it lets go. */
static void starvation(void **state)
{
	struct uvf_frame none;

	for (unsigned int i = 0; i < 1000 && helds < FRAMES; i++) {
		kernel_receive(i % 2, 7);
		rx(i % 2, 7);
		alloc(3);
	}
	assert_int_equal(helds, FRAMES);
	account();
	assert_int_equal(uvf__alloc(uvf, &none, 1), 0);
	assert_int_equal(kernel_receive(0, 1), 0);
	*devs[0]->fill.flags = XDP_RING_NEED_WAKEUP;
	rx(0, 1);
	assert_int_equal(wakes, 1);
	release(1);
	rx(0, 1); /* fills, and wakes the kernel up */
	assert_int_equal(wakes, 2);
	assert_int_equal(kernel_receive(0, 10), 1);
	rx(0, 10);
	assert_int_equal(wakes, 2);
	account();
	tx(1, 20);
	kernel_take_tx(1, 20);
	kernel_complete(1, 20);
	assert_int_equal(alloc(30), 20); /* looks for completed ones itself */
	account();
}

/* One function must not have all frames lent to it before the last one has any. */
static void many_functions_share(void **state)
{
	struct uvf_dev *all[UVF_DEVS];
	char names[300 * 4] = "";

	for (unsigned int i = 0; i < 300; i++) /* more than there can be */
		strcat(names, i ? " fw0" : "fw0");
	setenv("UVF_FUNCTIONS", names, 1);
	session_make(FRAMES, 2048);
	for (unsigned int i = 0; i < UVF_DEVS; i++) {
		int fd = xsk_make(0);

		answer(UVF_MSG_LEASE, 0, fd);
		close(fd);
		assert_int_equal(uvf_dev__open(&all[i], uvf, "fw0"), 0);
		asked(UVF_MSG_LEASE);
		assert_in_range(*all[i]->fill.producer, 1, FRAMES / UVF_DEVS);
	}
	assert_in_range(uvf->free_count, 1, FRAMES); /* and some to send with */
	assert_int_equal(uvf_dev__open(&all[0], uvf, "fw0"), -EMFILE);
	assert_non_null(strstr(uvf__why(), "32 functions at most"));
	asked_nothing();
}

/* Not announced: as each comes, the others' share is smaller, and they do not go on taking. */
static void functions_nobody_announced(void **state)
{
	struct uvf_dev *all[6];
	uint32_t first, left;

	for (unsigned int i = 0; i < 6; i++) {
		int fd = xsk_make(0);

		answer(UVF_MSG_LEASE, 0, fd);
		close(fd);
		assert_int_equal(uvf_dev__open(&all[i], uvf, "fw0"), 0);
		asked(UVF_MSG_LEASE);
	}
	first = *all[0]->fill.producer;
	left = uvf->free_count;
	assert_in_range(first, FRAMES / 12 + 1, RING);
	(*all[0]->fill.consumer)++;
	uvf_dev__rx(all[0], held, 1);
	assert_int_equal(*all[0]->fill.producer, first);
	assert_int_equal(uvf->free_count, left);
}

/* --- calls into the kernel -------------------------------------------------------------------- */

static void kicks_when_the_kernel_sleeps(void **state)
{
	alloc(60);
	tx(0, 1);
	assert_int_equal(kicks, 0); /* it looks by itself */
	*devs[0]->tx.flags = XDP_RING_NEED_WAKEUP;
	tx(0, 1);
	assert_int_equal(kicks, 1);
	busy = 1000; /* it sends 32 and asks to be called again */
	kicks = 0;
	tx(0, 40);
	assert_int_equal(kicks, 42 / 32 + 1);
	busy = 1;
	kicks = 0;
	tx(0, 5);
	assert_int_equal(kicks, 2);
}

static void wakes_when_nothing_comes(void **state)
{
	rx(0, 10);
	assert_int_equal(wakes, 0);
	*devs[0]->fill.flags = XDP_RING_NEED_WAKEUP;
	rx(0, 10);
	assert_int_equal(wakes, 1);
	kernel_receive(0, 1);
	rx(0, 10);
	assert_int_equal(wakes, 1);
}

/* --- the life of a function ------------------------------------------------------------------- */

static void names_that_are_none(void **state)
{
	struct uvf_dev *dev = (void *)1;

	assert_int_equal(uvf_dev__open(&dev, uvf, ""), -EINVAL);
	assert_null(dev);
	assert_int_equal(uvf_dev__open(&dev, uvf, "abcdefghijklmnop"), -EINVAL);
	assert_non_null(strstr(uvf__why(), "1 to 15 characters"));
	asked_nothing();
	assert_int_equal(dev_try(0, -ENODEV, -1), -ENODEV);
	assert_string_equal(uvf__why(), "uvfd says no");
	account();
}

static int session_alone(void **state)
{
	session_make(FRAMES, 2048);
	return 0;
}

static void refused_by_uvfd(void **state)
{
	assert_int_equal(dev_try(0, -EBUSY, -1), -EBUSY);
	assert_null(devs[0]);
	assert_string_equal(uvf__why(), "uvfd says no");
	assert_int_equal(asked(UVF_MSG_LEASE).lease.ring_size, 2048);
	asked_nothing(); /* there is nothing to give back */
	account();
}

/* No descriptor, and one of something else: the lease is given back. */
static void no_socket_comes(void **state)
{
	for (unsigned int i = 0; i < 2; i++) {
		int fd = i ? open("/dev/null", O_RDWR | O_CLOEXEC) : -1;

		answer(UVF_MSG_LEASE, 0, fd);
		if (fd >= 0)
			close(fd);
		answer(UVF_MSG_RELEASE, 0, -1);
		assert_true(uvf_dev__open(&devs[0], uvf, "fw0") < 0);
		assert_null(devs[0]);
		assert_non_null(strstr(uvf__why(), "is not an AF_XDP socket"));
		asked(UVF_MSG_LEASE);
		assert_string_equal(asked(UVF_MSG_RELEASE).function, "fw0");
		account();
	}
}

static void unbound(int status)
{
	struct uvf_reply reply = { .version = UVF_PROTO_VERSION, .type = UVF_MSG_LEASE,
				   .function = "fw0", .ring_size = RING, .unbound = 1 };
	int fd = xsk_make(0);

	assert_int_equal(uvf_proto_answer(uvfd, &reply, fd), 0);
	reply.type = UVF_MSG_BIND;
	reply.status = status;
	reply.zerocopy = 1;
	assert_int_equal(uvf_proto_answer(uvfd, &reply, -1), 0);
	if (status)
		answer(UVF_MSG_RELEASE, 0, -1);
	assert_int_equal(uvf_dev__open(&devs[0], uvf, "fw0"), status);
	close(fd);
	asked(UVF_MSG_LEASE);
	assert_string_equal(asked(UVF_MSG_BIND).function, "fw0");
}

static void bound_after_the_rings_are_mapped(void **state)
{
	unbound(-EBUSY);
	assert_string_equal(asked(UVF_MSG_RELEASE).function, "fw0");
	account();
	unbound(0);
	asked_nothing();
	assert_int_equal(uvf_dev__info(devs[0])->zerocopy, 1);
	account();
}

static void facts_of_a_function(void **state)
{
	const struct uvf_dev_info *info = uvf_dev__info(devs[0]);

	assert_string_equal(info->name, "fw0");
	assert_string_equal(info->uplink, "eth1");
	assert_int_equal(info->mtu, 1500);
	assert_int_equal(info->ifindex, 5);
	assert_int_equal(info->ring_size, RING);
	assert_int_equal(info->zerocopy, 0);
	assert_int_equal(info->mac[5], 1);
	assert_int_equal(uvf_dev__fd(devs[0]), devs[0]->fd);
}

/* Wherever its frames are; those of others and those held stay what they are. */
static void closing_returns_frames(void **state)
{
	unsigned int mine;

	kernel_receive(0, 20);
	kernel_receive(1, 20);
	rx(0, 10);
	rx(1, 10);
	tx(0, 4);
	tx(1, 4);
	kernel_take_tx(0, 2);
	kernel_complete(0, 1);
	kernel_take_fill(0, 3);
	account();
	mine = uvf->free_count;
	for (unsigned int i = 0; i < FRAMES; i++)
		mine += uvf->owner[i] == OWNER_DEV;
	dev_end(0);
	account();
	assert_int_equal(uvf->free_count, mine);
	assert_int_equal(helds, 12);
	release(12);
	dev_end(1);
	account();
	assert_int_equal(uvf->free_count, FRAMES);
	uvf_dev__close(NULL);
	asked_nothing();
}

/* --- the session ------------------------------------------------------------------------------ */

static void options_out_of_range(void **state)
{
	static const struct uvf_opts bad[] = {
		{ .size = 0 },
		{ .size = sizeof(struct uvf_opts) - 1 },
		{ .size = sizeof(struct uvf_opts) + 8 },
		{ .size = sizeof(struct uvf_opts), .frames = 62 },
		{ .size = sizeof(struct uvf_opts), .frames = (1 << 20) + 2 },
		{ .size = sizeof(struct uvf_opts), .frames = ~1u },
		{ .size = sizeof(struct uvf_opts), .frames = 65 },
		{ .size = sizeof(struct uvf_opts), .frame_size = 1024 },
		{ .size = sizeof(struct uvf_opts), .frame_size = 3000 },
		{ .size = sizeof(struct uvf_opts), .frame_size = 8192 },
	};

	connection_make();
	for (unsigned int i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		uvf = (void *)1;
		assert_int_equal(uvf__open(&uvf, &bad[i]), -EINVAL);
		assert_null(uvf);
	}
	asked_nothing();
	assert_non_null(getenv("UVF_FD")); /* and the connection still serves */
	close(atoi(getenv("UVF_FD")));
	unsetenv("UVF_FD");
}

static void connections_that_are_none(void **state)
{
	char number[32], trailing[32];
	int pair[2], fd = connection_make();

	close(uvfd); /* who takes one of these for it does not wait for ever */
	uvfd = -1;
	snprintf(number, sizeof(number), "%lld", (1LL << 32) + fd);
	snprintf(trailing, sizeof(trailing), "%dx", fd);
	const char *const bad[] = { "", " ", "x", "-1", trailing, "99999", number,
				    "99999999999999999999" };

	for (unsigned int i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		setenv("UVF_FD", bad[i], 1);
		assert_int_equal(uvf__open(&uvf, NULL), -EBADF);
		assert_null(uvf);
		assert_non_null(strstr(uvf__why(), "is not a connection to uvfd"));
	}
	close(fd);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	snprintf(number, sizeof(number), "%d", pair[0]);
	setenv("UVF_FD", number, 1);
	assert_int_equal(uvf__open(&uvf, NULL), -EBADF);
	close(pair[0]);
	close(pair[1]);
	setenv("UVF_FD", "0", 1); /* whatever that is, it is none */
	assert_int_equal(uvf__open(&uvf, NULL), -EBADF);
	unsetenv("UVF_FD");
	setenv("UVF_SOCKET", "/nonexistent/uvfd.sock", 1);
	assert_int_equal(uvf__open(&uvf, NULL), -ENOENT);
	assert_non_null(strstr(uvf__why(), "/nonexistent/uvfd.sock"));
	unsetenv("UVF_SOCKET");
	assert_null(uvf);
}

static void memory_refused(void **state)
{
	connection_make();
	answer(UVF_MSG_MEMORY, -EINVAL, -1);
	assert_int_equal(uvf__open(&uvf, NULL), -EINVAL);
	assert_null(uvf);
	assert_string_equal(uvf__why(), "uvfd says no");
}

static void memory_is_sealed(void **state)
{
	struct uvf_incoming in;
	int fd = connection_make();

	answer(UVF_MSG_MEMORY, 0, -1);
	assert_int_equal(uvf__open(&uvf, NULL), 0);
	assert_null(getenv("UVF_FD")); /* it serves once */
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(uvf_proto_receive(uvfd, &in), 1);
	assert_int_equal(in.request.memory.size, 8192 * 2048);
	assert_int_equal(in.request.memory.frame_size, 2048);
	assert_int_equal(fcntl(in.fd, F_GET_SEALS), F_SEAL_SHRINK | F_SEAL_GROW);
	close(in.fd);
}

static void frames_and_their_bytes(void **state)
{
	for (uint32_t size = 2048; size <= 4096; size *= 2) {
		uint8_t *area;

		session_make(64, size);
		area = uvf->area;
		assert_int_equal(uvf__alloc(uvf, held, 1000), 64);
		assert_int_equal(uvf__alloc(uvf, held, 1), 0);
		for (unsigned int i = 0; i < 64; i++) {
			assert_int_equal(held[i].addr, i * size + HEADROOM); /* low ones first */
			assert_int_equal(held[i].len + held[i].options, 0);
			assert_int_equal(uvf__room(uvf, &held[i]), size - HEADROOM);
			assert_ptr_equal(uvf__data(uvf, &held[i]), area + held[i].addr);
			held[i].addr = i * size;
			assert_int_equal(uvf__room(uvf, &held[i]), size);
			memset(uvf__data(uvf, &held[i]), i, size);
			held[i].addr += size - 1;
			assert_int_equal(uvf__room(uvf, &held[i]), 1);
		}
		for (unsigned int i = 0; i < 64 * size; i++)
			assert_int_equal(area[i], i / size);
		uvf__free(uvf, held, 64);
		assert_int_equal(uvf->free_count, 64);
		session_end(state);
	}
}

/* --- waiting ---------------------------------------------------------------------------------- */

/* A memfd is always readable: a socket takes its place where poll() matters. Returns its peer. */
static int dev_socket(unsigned int i)
{
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	assert_int_equal(dup2(pair[0], devs[i]->fd), devs[i]->fd);
	close(pair[0]);
	return pair[1];
}

/* As a deleted function does: an error on the socket (here: its peer ended with bytes unread). */
static void dev_fails(unsigned int i, int peer)
{
	assert_int_equal(write(devs[i]->fd, "", 1), 1);
	close(peer);
}

static void notice(int status)
{
	answer(UVF_MSG_NOTICE, status, -1);
}

static void waits_for_frames_and_room(void **state)
{
	int a = dev_socket(0), b = dev_socket(1);

	assert_int_equal(uvf__wait(uvf, 0), 0);
	checks = 0;
	assert_int_equal(uvf__wait(uvf, 0), 0);
	assert_int_equal(checks, 0); /* looked at once, and not each time */
	kernel_receive(1, 1);
	assert_int_equal(uvf__wait(uvf, -1), 1); /* in the ring: nobody polls */
	rx(1, 1);
	assert_int_equal(uvf__wait(uvf, 0), 0);
	assert_int_equal(write(a, "", 1), 1);
	assert_int_equal(uvf__wait(uvf, -1), 1);
	assert_int_equal(read(devs[0]->fd, &(char){ 0 }, 1), 1);
	assert_int_equal(uvf__wait(uvf, 0), 0); /* the socket is writable, but nobody asked */
	alloc(RING + 1);
	tx(1, RING + 2);
	assert_int_equal(uvf__wait(uvf, -1), 1);
	while (send(devs[1]->fd, held, 100, MSG_DONTWAIT) > 0)
		;
	assert_int_equal(uvf__wait(uvf, 0), 0);
	kernel_take_tx(1, 1);
	assert_int_equal(uvf__wait(uvf, 0), 1); /* room in the ring, whatever the socket says */
	notice(0); /* something changed, not here */
	assert_int_equal(uvf__wait(uvf, -1), 1);
	close(a);
	close(b);
}

static void waiting_refills(void **state)
{
	int a = dev_socket(0), b = dev_socket(1);

	kernel_take_fill(0, RING);
	assert_int_equal(*devs[0]->fill.producer - *devs[0]->fill.consumer, 0);
	uvf__wait(uvf, 0);
	assert_in_range(*devs[0]->fill.producer - *devs[0]->fill.consumer, 1, RING);
	account();
	alloc(4);
	tx(0, 4);
	kernel_take_tx(0, 4);
	kernel_complete(0, 4);
	uvf__wait(uvf, 0);
	assert_int_equal(*devs[0]->done.producer - *devs[0]->done.consumer, 0);
	account();
	close(a);
	close(b);
}

static void uvfd_is_stopped(void **state)
{
	int a = dev_socket(0), b = dev_socket(1);

	notice(-ESHUTDOWN);
	assert_int_equal(uvf__wait(uvf, -1), -ESHUTDOWN);
	assert_int_equal(uvf__wait(uvf, 0), 0); /* said once */
	uvf_dev__close(devs[0]);
	devs[0] = NULL;
	asked_nothing(); /* it has taken everything back */
	account();
	close(a);
	close(b);
}

static void uvfd_dies(void **state)
{
	int a = dev_socket(0), b = dev_socket(1);

	close(uvfd);
	uvfd = -1;
	assert_int_equal(uvf__wait(uvf, -1), -EPIPE);
	assert_int_equal(uvf__wait(uvf, 0), 0); /* said once, and no spinning on the dead socket */
	kernel_receive(0, 5); /* the rings stay usable */
	assert_int_equal(uvf__wait(uvf, -1), 1);
	rx(0, 5);
	tx(1, 5);
	kernel_take_tx(1, 5);
	kernel_complete(1, 5);
	account();
	close(a);
	close(b);
}

/* Both go at once: both are told of, and neither is polled any more. */
static void functions_that_are_gone(void **state)
{
	int a = dev_socket(0), b = dev_socket(1);
	unsigned int ends = 0, woken = 0;

	assert_int_equal(uvf__wait(uvf, 0), 0);
	dev_fails(0, a);
	dev_fails(1, b);
	notice(0);
	for (unsigned int i = 0; i < 5; i++) {
		int got = uvf__wait(uvf, 0);

		assert_true(got == -ENODEV || (got >= 0 && i > 0)); /* the first at once */
		ends += got == -ENODEV;
		woken += got == 1;
	}
	assert_int_equal(ends, DEVS);
	assert_in_range(woken, 0, 1); /* by the notice; a dead socket would wake it each time */
	assert_true(devs[0]->gone && devs[1]->gone);
	assert_non_null(strstr(uvf__why(), "fw0 is gone"));
	checks = 0;
	assert_int_equal(uvf__wait(uvf, 0), 0);
	assert_int_equal(checks, 0); /* no system call for nothing */
	notice(0);
	assert_int_equal(uvf__wait(uvf, 0), 1); /* nothing that was not said */
	dev_end(0);
	account();
}

/* The notice came while the library waited for an answer, which passes over it. */
static void notice_between_request_and_answer(void **state)
{
	int a = dev_socket(0);

	dev_fails(0, a);
	notice(0);
	dev_end(1);
	assert_int_equal(uvf__wait(uvf, 0), -ENODEV);
	assert_true(devs[0]->gone);
}

#define test(name)	 cmocka_unit_test_setup_teardown(name, session_and_devs, session_end)
#define test_alone(name) cmocka_unit_test_setup_teardown(name, session_alone, session_end)
#define test_bare(name)	 cmocka_unit_test_setup_teardown(name, nothing, session_end)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		test_bare(options_out_of_range),
		test_bare(connections_that_are_none),
		test_bare(memory_refused),
		test_alone(names_that_are_none),
		test_alone(refused_by_uvfd),
		test_alone(no_socket_comes),
		test_alone(bound_after_the_rings_are_mapped),
		test(freed_twice),
		test(foreign_addresses_freed),
		test(foreign_addresses_sent),
		test(foreign_addresses_completed),
		test(sent_after_it_was_freed),
		test(tx_ring_full),
		test(starvation),
		test_bare(many_functions_share),
		test_alone(functions_nobody_announced),
		test(functions_that_are_gone),
		test(notice_between_request_and_answer),
		test(uvfd_is_stopped),
		test(uvfd_dies),
		test_bare(memory_is_sealed),
		test_bare(frames_and_their_bytes),
		test(facts_of_a_function),
		test(statistics),
		test(closing_returns_frames),
		test(kicks_when_the_kernel_sleeps),
		test(wakes_when_nothing_comes),
		test(waits_for_frames_and_room),
		test(waiting_refills),
		test(forwarding_loses_nothing),
		test_bare(every_frame_has_its_place),
	};

	seed = getenv("SEED") ? strtoul(getenv("SEED"), NULL, 0) : 20240229;
	descriptors_before = descriptors();
	printf("# SEED=%u\n", seed);
	fflush(stdout);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("libuvf", tests, NULL, NULL);
}

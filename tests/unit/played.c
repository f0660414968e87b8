// SPDX-License-Identifier: GPL-2.0-only
/* See played.h. */
#include "played.h"

struct uvf *uvf;
struct uvf_dev *devs[DEVS];
struct kernel kernels[DEVS];
struct uvf_frame held[FRAMES];
unsigned int helds;
int uvfd = -1;
bool jumbo;
uint32_t meta;
bool zerocopy;

unsigned int kicks, wakes;
unsigned int checks;
unsigned int busy;
unsigned int seed;
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

/* A memfd can't be waited for. */
int __wrap_epoll_ctl(int epoll, int op, int fd, struct epoll_event *event)
{
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
int xsk_make(uint32_t start)
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

static void answer_for(unsigned int i, uint16_t type, int status, int fd)
{
	struct uvf_reply reply = {
		.version = UVF_PROTO_VERSION,
		.type = type,
		.status = status,
		.why = "uvfd says no",
		.uplink = "eth1",
		.mac = { 2, 0, 0, 0, 0, 1 },
		.ring_size = RING,
		.mtu = 1500,
		.ifindex = 5,
		.jumbo = jumbo,
		.meta = meta << 1, /* UVF_MEMORY_META_* */
		.zerocopy = zerocopy,
	};

	snprintf(reply.function, sizeof(reply.function), "fw%u", i);
	assert_int_equal(uvf_proto_answer(uvfd, &reply, fd), 0);
}

void answer(uint16_t type, int status, int fd)
{
	answer_for(0, type, status, fd);
}

struct uvf_request asked(uint16_t type)
{
	struct uvf_incoming in;

	assert_int_equal(uvf_proto_receive(uvfd, &in), 1);
	assert_int_equal(in.request.type, type);
	if (in.fd >= 0)
		close(in.fd);
	return in.request;
}

void asked_nothing(void)
{
	struct uvf_incoming in;

	assert_int_equal(uvf_proto_receive(uvfd, &in), 0);
}

int connection_make(void)
{
	char number[16];
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	uvfd = pair[0];
	snprintf(number, sizeof(number), "%d", pair[1]);
	setenv("UVF_FD", number, 1);
	return pair[1];
}

void session_make(uint32_t frames, uint32_t frame_size)
{
	struct uvf_opts opts = { .size = sizeof(opts), .frames = frames, .frame_size = frame_size,
				 .jumbo = jumbo, .meta = meta };
	struct uvf_request request;

	connection_make();
	answer(UVF_MSG_MEMORY, 0, -1);
	assert_int_equal(uvf__open(&uvf, &opts), 0);
	request = asked(UVF_MSG_MEMORY);
	assert_int_equal(request.memory.size, frames * (uint64_t)frame_size);
	assert_int_equal(request.memory.flags, (jumbo ? UVF_MEMORY_JUMBO : 0) |
			 (meta & UVF_META_RX ? UVF_MEMORY_META_RX : 0) |
			 (meta & UVF_META_TX ? UVF_MEMORY_META_TX : 0));
}

int dev_try(unsigned int i, int lease_status, int fd)
{
	char name[UVF_NAME_SIZE];

	snprintf(name, sizeof(name), "fw%u", i);
	answer_for(i, UVF_MSG_LEASE, lease_status, fd);
	if (fd >= 0)
		close(fd);
	return uvf_dev__open(&devs[i], uvf, name);
}

void dev_make(unsigned int i, uint32_t start)
{
	kernels[i] = (struct kernel){ 0 };
	assert_int_equal(dev_try(i, 0, xsk_make(start)), 0);
	asked(UVF_MSG_LEASE);
}

void dev_end(unsigned int i)
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

int session_end(void **state)
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

int session_and_devs(void **state)
{
	session_make(FRAMES, 2048);
	dev_make(0, 0);
	dev_make(1, 0);
	return 0;
}

int session_alone(void **state)
{
	session_make(FRAMES, 2048);
	return 0;
}

int nothing(void **state)
{
	return 0;
}

void prepare(void)
{
	seed = getenv("SEED") ? strtoul(getenv("SEED"), NULL, 0) : 20240229;
	descriptors_before = descriptors();
	printf("# SEED=%u\n", seed);
	fflush(stdout);
	cmocka_set_message_output(CM_OUTPUT_TAP);
}

/* --- the kernel's side: rings ----------------------------------------------------------------- */

unsigned int most(unsigned int a, unsigned int b)
{
	return a < b ? a : b;
}

void kernel_take_fill(unsigned int i, unsigned int n)
{
	struct uvf_ring *fill = &devs[i]->source[0].fill;
	struct kernel *kernel = &kernels[i];

	n = most(n, *fill->producer - *fill->consumer);
	while (n--) {
		uint64_t addr = *ring_addr(fill, (*fill->consumer)++);

		assert_true(addr % 2048 == 0 && addr < uvf->size);
		kernel->filled[kernel->filleds++] = addr / 2048;
	}
}

/* Frames received, as far as there are filled ones and room. */
unsigned int kernel_receive(unsigned int i, unsigned int n)
{
	struct uvf_ring *rx = &devs[i]->source[0].rx;
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
unsigned int kernel_take_tx(unsigned int i, unsigned int n)
{
	struct uvf_ring *tx = &devs[i]->source[0].tx, *done = &devs[i]->source[0].done;
	struct kernel *kernel = &kernels[i];

	n = most(n, *tx->producer - *tx->consumer);
	n = most(n, RING - kernel->sendings - (*done->producer - *done->consumer));
	for (unsigned int j = 0; j < n; j++)
		kernel->sending[kernel->sendings++] = *ring_desc(tx, (*tx->consumer)++);
	return n;
}

void kernel_complete(unsigned int i, unsigned int n)
{
	struct uvf_ring *done = &devs[i]->source[0].done;
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

static void found(uint64_t number, enum place_state state, uint8_t source)
{
	assert_in_range(number, 0, FRAMES - 1);
	assert_int_equal(uvf->place[number].state, state);
	if (state == PLACE_FILLING || state == PLACE_SENDING)
		assert_int_equal(uvf->place[number].source, source);
	places[number]++;
}

static void account_dev(unsigned int i)
{
	const struct kernel *kernel = &kernels[i];
	struct uvf_source *at = &devs[i]->source[0];
	uint8_t n = at->number;

	assert_int_equal(n, i + 1);
	for (uint32_t j = *at->fill.consumer; j != *at->fill.producer; j++)
		found(*ring_addr(&at->fill, j) / 2048, PLACE_FILLING, n);
	for (uint32_t j = *at->rx.consumer; j != *at->rx.producer; j++)
		found(ring_desc(&at->rx, j)->addr / 2048, PLACE_FILLING, n);
	for (uint32_t j = *at->tx.consumer; j != *at->tx.producer; j++)
		found(ring_desc(&at->tx, j)->addr / 2048, PLACE_SENDING, n);
	for (uint32_t j = *at->done.consumer; j != *at->done.producer; j++)
		found(*ring_addr(&at->done, j) / 2048, PLACE_SENDING, n);
	for (unsigned int j = 0; j < kernel->filleds; j++)
		found(kernel->filled[j], PLACE_FILLING, n);
	for (unsigned int j = 0; j < kernel->sendings; j++)
		found(kernel->sending[j].addr / 2048, PLACE_SENDING, n);
}

void account(void)
{
	memset(places, 0, sizeof(places));
	for (uint32_t i = 0; i < uvf->free_count; i++)
		found(uvf->free[i], PLACE_FREE, 0);
	for (unsigned int i = 0; i < helds; i++)
		found(held[i].addr / 2048, PLACE_HELD, 0);
	for (unsigned int i = 0; i < DEVS; i++)
		if (devs[i])
			account_dev(i);
	for (unsigned int i = 0; i < FRAMES; i++)
		assert_int_equal(places[i], 1);
}

/* --- what an appliance does ------------------------------------------------------------------- */

void rx(unsigned int i, unsigned int n)
{
	struct uvf_ring *ring = &devs[i]->source[0].rx;
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
unsigned int tx(unsigned int i, unsigned int n)
{
	struct uvf_ring *ring = &devs[i]->source[0].tx;
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

unsigned int alloc(unsigned int n)
{
	unsigned int got = uvf__alloc(uvf, held + helds, n);

	helds += got;
	return got;
}

void release(unsigned int n)
{
	n = most(n, helds);
	helds -= n;
	uvf__free(uvf, held + helds, n);
}

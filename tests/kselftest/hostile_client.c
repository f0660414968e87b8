// SPDX-License-Identifier: GPL-2.0-only
/*
 * An appliance that means harm. Under `uvf run --appliance hostile --on FUNCTION`:
 *
 *	hostile_client descriptors FUNCTION	everything that is not a UMEM
 *	hostile_client order FUNCTION SIBLING	out of turn, twice, and for what is another's
 *	hostile_client unread FUNCTION		asks on and on, never reads an answer
 *	hostile_client middle FUNCTION		ends with a lease, requests, half of one
 *	hostile_client rings FUNCTION SECONDS	garbage in each ring and index; SEED=N repeats it
 *	hostile_client requests FUNCTION SECONDS	garbage in front of what it sends
 *	hostile_client flood FUNCTION SECONDS	sends as fast as it can, and takes nothing in
 *	hostile_client heir FUNCTION		takes what its dead predecessor left, damages
 *						it, and dies in its turn
 *	hostile_client renamed FUNCTION		waits for SIGUSR1 with a lease, then gives it
 *						back by the name that it had
 *	hostile_client keep FUNCTION		gives it back, keeps its socket, and sleeps
 *
 * As root, which becomes an appliance by itself and drops its privileges:
 *
 *	hostile_client garbage FUNCTION		messages of each size, and random ones; an
 *						AF_XDP socket as memory
 *	hostile_client crowd COUNT		so many silent connections, until SIGTERM
 *
 * Says what uvfd answered. Exit: 0 when each answer was the right one.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_xdp.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "proto.h"
#include "why.h"

#define UMEM_SIZE (1u << 20)
#define RING_SIZE 64
#define NOBODY	  65534

static const char *function;
static unsigned int wrong;
static struct uvf_reply reply;

static void __attribute__((noreturn, format(printf, 1, 2))) die(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fprintf(stderr, "hostile_client: ");
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
	exit(1);
}

/* --- what an honest appliance says ------------------------------------------------------------ */

static struct uvf_request request_of(uint16_t type, const char *name)
{
	struct uvf_request request = { .version = UVF_PROTO_VERSION, .type = type };

	memcpy(request.function, name, strnlen(name, sizeof(request.function)));
	if (type == UVF_MSG_LEASE)
		request.lease.ring_size = RING_SIZE;
	if (type == UVF_MSG_MEMORY) {
		request.memory.size = UMEM_SIZE;
		request.memory.frame_size = 2048;
	}
	return request;
}

static int connection(void)
{
	const char *text = getenv("UVF_FD");

	if (!text)
		die("start it with `uvf run`");
	return atoi(text);
}

static int memfd(unsigned int flags, off_t size, int seals)
{
	int fd = memfd_create("hostile", MFD_CLOEXEC | flags);

	if (fd < 0 || ftruncate(fd, size) || (seals && fcntl(fd, F_ADD_SEALS, seals)))
		die("can't make a memfd: %s", strerror(errno));
	return fd;
}

static int umem(void)
{
	return memfd(MFD_ALLOW_SEALING, UMEM_SIZE, F_SEAL_SHRINK);
}

/* One request; @want is 0 or -errno. A socket that comes is returned, else -1. */
static int ask(int sock, struct uvf_request request, int fd, int want, const char *what)
{
	int got_fd = -1, got = uvf_proto_call(sock, &request, fd, &reply, &got_fd);

	printf("# %s: %s\n", what, got ? uvf_why() : "granted");
	if (got == want)
		return got_fd;
	printf("# WRONG: %d (%s), not %d\n", got, strerror(-got), want);
	wrong++;
	return got_fd;
}

static int lease_with(int sock, int memory, uint32_t flags)
{
	struct uvf_request request = request_of(UVF_MSG_MEMORY, "");
	int xsk;

	request.memory.flags = flags;
	ask(sock, request, memory, 0, "memory");
	close(memory);
	xsk = ask(sock, request_of(UVF_MSG_LEASE, function), -1, 0, "lease");
	if (xsk < 0)
		die("no socket came with the lease");
	return xsk;
}

static int lease(int sock)
{
	return lease_with(sock, umem(), 0);
}

/* --- descriptors ------------------------------------------------------------------------------ */

static void refuse_memory(int sock, int fd, uint64_t size, const char *what)
{
	struct uvf_request request = request_of(UVF_MSG_MEMORY, "");

	request.memory.size = size;
	ask(sock, request, fd, fd < 0 ? -EPROTO : -EINVAL, what);
	if (fd >= 0)
		close(fd);
}

static void descriptors(void)
{
	int sock = connection(), pipes[2], fd;
	FILE *file = tmpfile();

	if (!file || pipe2(pipes, O_CLOEXEC))
		die("can't make files: %s", strerror(errno));
	if (ftruncate(fileno(file), UMEM_SIZE))
		die("ftruncate: %s", strerror(errno));
	refuse_memory(sock, -1, UMEM_SIZE, "no descriptor");
	refuse_memory(sock, dup(fileno(file)), UMEM_SIZE, "a regular file");
	refuse_memory(sock, open("/dev/null", O_RDWR), UMEM_SIZE, "/dev/null");
	refuse_memory(sock, open("/dev/zero", O_RDWR), UMEM_SIZE, "/dev/zero");
	refuse_memory(sock, open("/", O_RDONLY | O_DIRECTORY), UMEM_SIZE, "a directory");
	refuse_memory(sock, open("/", O_PATH), UMEM_SIZE, "a path");
	refuse_memory(sock, pipes[0], UMEM_SIZE, "a pipe");
	refuse_memory(sock, dup(sock), UMEM_SIZE, "our connection itself");
	refuse_memory(sock, memfd(0, UMEM_SIZE, 0), UMEM_SIZE, "a memfd that can't be sealed");
	refuse_memory(sock, memfd(MFD_ALLOW_SEALING, UMEM_SIZE, 0), UMEM_SIZE, "an unsealed memfd");
	refuse_memory(sock, memfd(MFD_ALLOW_SEALING, UMEM_SIZE, F_SEAL_GROW), UMEM_SIZE,
		      "a memfd sealed against growing alone");
	refuse_memory(sock, umem(), UMEM_SIZE + 4096, "a memfd too small");
	refuse_memory(sock, memfd(MFD_ALLOW_SEALING, 0, F_SEAL_SHRINK), 4096, "an empty memfd");
	refuse_memory(sock, umem(), 4ULL << 30, "a memfd much too small");
	fd = memfd_create("hostile", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_HUGETLB);
	if (fd >= 0 && !ftruncate(fd, 1 << 30) && !fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK))
		refuse_memory(sock, fd, UMEM_SIZE + 4096, "part of a huge page");
	/* Uvfd can't map it, and learns so at the lease. */
	fd = memfd(MFD_ALLOW_SEALING, UMEM_SIZE, F_SEAL_SHRINK | F_SEAL_WRITE);
	ask(sock, request_of(UVF_MSG_MEMORY, ""), fd, 0, "a memfd that nobody may write to");
	ask(sock, request_of(UVF_MSG_LEASE, function), -1, -EPERM, "a lease on it");
	ask(sock, request_of(UVF_MSG_MEMORY, ""), umem(), -EEXIST, "and another try");
	close(pipes[1]);
	fclose(file);
}

/* --- order ------------------------------------------------------------------------------------ */

static void become_again(int sock)
{
	struct uvf_request request = request_of(UVF_MSG_BECOME, "");

	strcpy(request.become.appliance, "firewall");
	ask(sock, request, -1, -EPERM, "be another appliance");
	request.become.count = 1;
	strcpy(request.become.functions[0], function);
	ask(sock, request, -1, -EPERM, "be another one on our function");
}

static void order(const char *sibling)
{
	static const char *const names[] = { "",   " ",	   "%s%n%s%n", "../../etc",   "no-such",
					     "lo", "eth1", "uvfport0", "\xff\xfe\n\t" };
	static const uint16_t types[] = { UVF_MSG_LEASE, UVF_MSG_LIST };
	struct uvf_request further = request_of(UVF_MSG_SOURCE, function);
	int sock = connection(), xsk, odd;

	become_again(sock);
	ask(sock, request_of(UVF_MSG_LEASE, function), -1, -EPROTO, "a lease without memory");
	ask(sock, request_of(UVF_MSG_RELEASE, function), -1, -ENOENT, "back what we don't have");
	ask(sock, request_of(UVF_MSG_BIND, function), -1, -ENOENT, "bind what we don't have");
	ask(sock, request_of(UVF_MSG_SOURCE, function), -1, -ENOENT, "a socket of no lease");
	ask(sock, request_of(UVF_MSG_RESUME, ""), -1, -ENOENT, "what nobody left");
	xsk = lease(sock);
	ask(sock, request_of(UVF_MSG_RESUME, ""), -1, -ENOENT, "our own memory as an inheritance");
	further.source.index = UVF_PROTO_SOURCES - 1;
	ask(sock, further, -1, -ENOENT, "a socket beyond the last");
	ask(sock, request_of(UVF_MSG_LEASE, function), -1, -EBUSY, "the same lease again");
	odd = umem();
	ask(sock, request_of(UVF_MSG_MEMORY, ""), odd, -EEXIST, "memory again");
	ask(sock, request_of(UVF_MSG_LEASE, sibling), odd, -EPERM, "our sibling's function");
	close(odd);
	ask(sock, request_of(UVF_MSG_LIST, sibling), -1, -EPERM, "our sibling's counters");
	ask(sock, request_of(UVF_MSG_RELEASE, sibling), -1, -ENOENT, "our sibling's lease back");
	ask(sock, request_of(UVF_MSG_BIND, sibling), -1, -ENOENT, "our sibling's socket");
	ask(sock, request_of(UVF_MSG_LIST, ""), -1, -EPERM, "everybody's counters");
	ask(sock, request_of(UVF_MSG_DIRECT, function), -1, -EPERM, "queues of the uplink");
	if (!reply.unbound) /* else it is to be bound yet */
		ask(sock, request_of(UVF_MSG_BIND, function), -1, -EALREADY, "bind again");
	for (unsigned int i = 0; i < 2 * sizeof(names) / sizeof(*names); i++)
		if (*names[i / 2] || types[i % 2] != UVF_MSG_LIST)
			ask(sock, request_of(types[i % 2], names[i / 2]), -1, -ENODEV,
			    "a function that is none");
	ask(sock, request_of(UVF_MSG_RELEASE, function), -1, 0, "back");
	ask(sock, request_of(UVF_MSG_RELEASE, function), -1, -ENOENT, "back again");
	close(xsk);
	become_again(sock);
}

/* --- peers that do not read, and peers that end ----------------------------------------------- */

/* Until uvfd has had enough of it. */
static void unread(void)
{
	struct uvf_request take = request_of(UVF_MSG_LEASE, function);
	struct uvf_request give = request_of(UVF_MSG_RELEASE, function);
	int sock = connection(), xsk = lease(sock);
	unsigned int n = 0;

	close(xsk);
	ask(sock, give, -1, 0, "back");
	/* Each answer to a lease that is not read has a socket of that function in it. */
	while (send(sock, n % 2 ? &give : &take, sizeof(take), MSG_NOSIGNAL) == sizeof(take))
		if (++n == 1000000)
			die("uvfd holds a million answers for us");
	printf("# after %u requests: %s\n", n, strerror(errno));
	if (errno != EPIPE && errno != ECONNRESET)
		die("uvfd did not close the connection");
}

static void middle(void)
{
	struct uvf_request list = request_of(UVF_MSG_LIST, function);
	int sock = connection(), xsk = lease(sock);

	for (unsigned int i = 0; i < 50; i++)
		send(sock, &list, sizeof(list), MSG_DONTWAIT | MSG_NOSIGNAL);
	send(sock, &list, sizeof(list) / 2, MSG_DONTWAIT | MSG_NOSIGNAL);
	printf("# ends with the lease of socket %d\n", xsk);
	fflush(stdout);
	_exit(0);
}

/* --- garbage, by root's own connections ------------------------------------------------------- */

static int connect_as_hostile(void)
{
	struct uvf_request request = request_of(UVF_MSG_BECOME, "");
	int sock = uvf_proto_connect(getenv("UVF_SOCKET") ?: "");

	strcpy(request.become.appliance, "hostile");
	strcpy(request.become.functions[0], function);
	request.become.count = 1;
	if (sock < 0 || uvf_proto_call(sock, &request, -1, &reply, NULL))
		die("%s", uvf_why());
	return sock;
}

/* One message; then the refusal, or the answer to what was a request by chance, or the end. */
static void say(int sock, const void *data, size_t size, bool is_request)
{
	struct pollfd fd = { .fd = sock, .events = POLLIN };
	ssize_t got;

	if (send(sock, data, size, MSG_NOSIGNAL) != (ssize_t)size)
		die("can't send %zu bytes: %s", size, strerror(errno));
	if (poll(&fd, 1, 10000) != 1)
		die("no answer to %zu bytes", size);
	memset(&reply, 0, sizeof(reply));
	got = recv(sock, &reply, sizeof(reply), 0);
	if (is_request && got == sizeof(reply))
		return;
	if (got == sizeof(reply) && reply.status == -EPROTO && *reply.why)
		got = recv(sock, &reply, sizeof(reply), 0);
	else if (size)
		got = -1;
	if (got) {
		printf("# WRONG: %zu bytes: answered, or not closed\n", size);
		wrong++;
	}
}

static void privileges_drop(void)
{
	if (setresgid(NOBODY, NOBODY, NOBODY) || setresuid(NOBODY, NOBODY, NOBODY))
		die("can't drop privileges: %s", strerror(errno));
}

#define RANDOM_ONES 200

static void garbage(void)
{
	enum { SIZES = sizeof(struct uvf_request) + 40, ALL = SIZES + RANDOM_ONES };
	static uint8_t bytes[SIZES];
	int sock, xsk, socks[ALL];

	for (unsigned int i = 0; i < ALL; i++)
		socks[i] = connect_as_hostile();
	sock = connect_as_hostile();
	xsk = lease(connect_as_hostile());
	privileges_drop();
	refuse_memory(sock, xsk, UMEM_SIZE, "an AF_XDP socket");
	for (unsigned int i = 0; i < ALL; i++) {
		struct uvf_request *request = (struct uvf_request *)bytes;
		bool right_size = i >= SIZES || i == sizeof(*request);

		for (unsigned int j = 0; j < sizeof(bytes); j++)
			bytes[j] = random() >> 8;
		if (random() % 4)
			request->version = UVF_PROTO_VERSION;
		if (random() % 4)
			request->type %= UVF_MSG_TYPES + 1;
		if (random() % 2)
			memset(request->function, 0, sizeof(request->function));
		say(socks[i], bytes, i < SIZES ? i : sizeof(*request), right_size);
	}
	printf("# %u messages\n", ALL);
}

/* --- rings ------------------------------------------------------------------------------------ */

struct ring {
	uint32_t *index[3];	/* producer, consumer, flags: all of them ours to write to */
	uint64_t *addrs;	/* fill and completion */
	struct xdp_desc *descs; /* rx and tx */
};

struct rings {
	struct ring fill, done, rx, tx;
};

static struct ring ring_map(int xsk, uint64_t page, const struct xdp_ring_offset *at)
{
	uint8_t *map = mmap(NULL, at->desc + RING_SIZE * sizeof(struct xdp_desc),
			    PROT_READ | PROT_WRITE, MAP_SHARED, xsk, page);

	if (map == MAP_FAILED)
		die("can't map a ring: %s", strerror(errno));
	return (struct ring){
		.index = { (uint32_t *)(map + at->producer), (uint32_t *)(map + at->consumer),
			   (uint32_t *)(map + at->flags) },
		.addrs = (uint64_t *)(map + at->desc),
		.descs = (struct xdp_desc *)(map + at->desc),
	};
}

static struct rings rings_map(int sock, int xsk)
{
	struct xdp_mmap_offsets at;
	socklen_t len = sizeof(at);
	struct rings rings;

	if (getsockopt(xsk, SOL_XDP, XDP_MMAP_OFFSETS, &at, &len))
		die("not an AF_XDP socket: %s", strerror(errno));
	rings.fill = ring_map(xsk, XDP_UMEM_PGOFF_FILL_RING, &at.fr);
	rings.done = ring_map(xsk, XDP_UMEM_PGOFF_COMPLETION_RING, &at.cr);
	rings.rx = ring_map(xsk, XDP_PGOFF_RX_RING, &at.rx);
	rings.tx = ring_map(xsk, XDP_PGOFF_TX_RING, &at.tx);
	if (reply.unbound)
		ask(sock, request_of(UVF_MSG_BIND, function), -1, 0, "bind");
	return rings;
}

static void seed_take(void)
{
	unsigned int seed = getenv("SEED") ? strtoul(getenv("SEED"), NULL, 0)
					   : (unsigned)time(NULL);

	printf("# SEED=%u\n", seed);
	fflush(stdout);
	srandom(seed);
}

static uint64_t any_addr(void)
{
	static const uint64_t odd[] = {
		0,	   256,		  2047,	      UMEM_SIZE - 2048, UMEM_SIZE - 1,
		UMEM_SIZE, UMEM_SIZE + 1, 1ULL << 32, 1ULL << 48,	1ULL << 63,
		~0ULL
	};
	unsigned int i = random() % (sizeof(odd) / sizeof(*odd) + 4);

	if (i < sizeof(odd) / sizeof(*odd))
		return odd[i];
	return i % 2 ? (uint64_t)random() << 33 ^ random() : (uint64_t)random() % UMEM_SIZE;
}

static uint32_t any_len(void)
{
	static const uint32_t odd[] = {
		0,    1,    13,	   14,	  60,	      1514,	  2048,
		2049, 4096, 65535, 65536, 0x7fffffff, 0x80000000, 0xffffffff
	};
	unsigned int i = random() % (sizeof(odd) / sizeof(*odd) + 1);

	return i < sizeof(odd) / sizeof(*odd) ? odd[i] : (uint32_t)random() * 2;
}

static uint32_t any_jump(void)
{
	static const uint32_t odd[] = {
		1, RING_SIZE / 2, RING_SIZE, RING_SIZE + 1, 2 * RING_SIZE, 1u << 16, 1u << 31, ~0u
	};
	unsigned int i = random() % (sizeof(odd) / sizeof(*odd) + 1);

	return i < sizeof(odd) / sizeof(*odd) ? odd[i] : (uint32_t)random() * 2;
}

/* Entries first, then an index: ours or the kernel's. */
static void spoil(struct ring *ring, bool addresses)
{
	for (unsigned int i = 0; i < RING_SIZE; i++) {
		if (addresses)
			ring->addrs[i] = any_addr();
		else
			ring->descs[i] = (struct xdp_desc){ any_addr(), any_len(), random() % 4 };
	}
	if (random() % 4)
		*ring->index[0] += random() % 4 ? random() % RING_SIZE : any_jump();
	else
		*ring->index[random() % 3] = any_jump();
}

/* Frames to receive into and to send, as they should be: so that the kernel goes on. */
static void mend(struct ring *fill, struct ring *rx, struct ring *tx, struct ring *done)
{
	for (unsigned int i = 0; i < RING_SIZE; i++) {
		fill->addrs[i] = i * 2048;
		tx->descs[i] = (struct xdp_desc){ (RING_SIZE + i) * 2048, 60, 0 };
	}
	*fill->index[0] = *fill->index[1] + RING_SIZE;
	*tx->index[0] = *tx->index[1] + RING_SIZE / 2;
	*rx->index[1] = *rx->index[0];
	*done->index[1] = *done->index[0];
}

static void kick(int xsk)
{
	struct pollfd fd = { .fd = xsk, .events = POLLIN | POLLOUT };

	sendto(xsk, NULL, 0, MSG_DONTWAIT, NULL, 0);
	recvfrom(xsk, NULL, 0, MSG_DONTWAIT, NULL, NULL);
	poll(&fd, 1, 0);
}

static void rings(unsigned int seconds)
{
	int sock = connection(), xsk = lease(sock);
	struct rings all = rings_map(sock, xsk);
	unsigned int n = 0;
	time_t end;

	seed_take();
	for (end = time(NULL) + seconds; time(NULL) < end; n++) {
		switch (random() % 5) {
		case 0:
			spoil(&all.fill, true);
			break;
		case 1:
			spoil(&all.done, true);
			break;
		case 2:
			spoil(&all.rx, false);
			break;
		case 3:
			spoil(&all.tx, false);
			break;
		case 4:
			mend(&all.fill, &all.rx, &all.tx, &all.done);
			break;
		}
		kick(xsk);
		if (n % 64 == 0)
			usleep(1000); /* the test is of wits, not of the processor */
	}
	printf("# %u times\n", n);
}

/* --- requests --------------------------------------------------------------------------------- */

/* struct xsk_tx_metadata, as of Linux 6.15. */
struct request_front {
	uint64_t flags;
	uint16_t start, offset;
	uint32_t pad;
	uint64_t launch;
};

static struct request_front any_request(void)
{
	static const uint64_t flags[] = { 0, 1, 2, 3, 4, 7, 8, 1ULL << 63, ~0ULL };
	static const uint16_t places[] = { 0, 14, 34, 58, 59, 60, 1514, 0x7fff, 0xffff };

	return (struct request_front){
		.flags = flags[random() % (sizeof(flags) / sizeof(*flags))],
		.start = places[random() % (sizeof(places) / sizeof(*places))],
		.offset = places[random() % (sizeof(places) / sizeof(*places))],
		.launch = random() % 2 ? ~0ULL : 0,
	};
}

/* What the kernel refuses it refuses for ever: now and then something is asked for that is none. */
static void send_requests(const struct rings *all, uint8_t *area, bool mend)
{
	for (unsigned int i = 0; i < RING_SIZE; i++) {
		uint64_t addr = (RING_SIZE + i) * 2048 + (random() % 8 ? 256 : random() % 48);

		all->tx.descs[i] = (struct xdp_desc){ addr, 60, mend ? 0 : random() % 4 & ~1 };
		if (addr % 2048 >= sizeof(struct request_front))
			((struct request_front *)(area + addr))[-1] =
				mend ? (struct request_front){ 0 } : any_request();
	}
	*all->done.index[1] = *all->done.index[0];
	*all->tx.index[0] = *all->tx.index[1] + RING_SIZE / 2;
}

static void requests(unsigned int seconds)
{
	int sock = connection(), memory = umem();
	uint8_t *area = mmap(NULL, UMEM_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
	int xsk = lease_with(sock, memory, UVF_MEMORY_META);
	struct rings all = rings_map(sock, xsk);
	uint32_t sent = *all.tx.index[1];
	unsigned int n = 0;
	time_t end;

	if (area == MAP_FAILED)
		die("can't map the memory: %s", strerror(errno));
	seed_take();
	for (end = time(NULL) + seconds; time(NULL) < end; n++) {
		send_requests(&all, area, n % 3 == 0);
		kick(xsk);
		if (n % 64 == 0)
			usleep(1000);
	}
	printf("# %u times, %u frames were taken\n", n, *all.tx.index[1] - sent);
	wrong += *all.tx.index[1] == sent;
}

/* --- those that stay -------------------------------------------------------------------------- */

static void renamed(void)
{
	int sock = connection(), got;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	close(lease(sock));
	puts("ready");
	fflush(stdout);
	sigwait(&set, &got);
	ask(sock, request_of(UVF_MSG_RELEASE, function), -1, 0, "back by its old name");
	puts(wrong ? "refused" : "done");
	fflush(stdout);
	pause();
}

static void keep(void)
{
	int sock = connection(), xsk = lease(sock), copy = dup(xsk);

	close(xsk);
	ask(sock, request_of(UVF_MSG_RELEASE, function), -1, 0, "back");
	ask(sock, request_of(UVF_MSG_LEASE, function), -1, -EBUSY, "a lease of what we still hold");
	close(sock);
	printf("# keeps socket %d\nready\n", copy);
	fflush(stdout);
	if (wrong)
		exit(1);
	pause();
}

/* --- more than its share, and of the dead ----------------------------------------------------- */

static void flood(unsigned int seconds)
{
	int sock = connection(), xsk = lease(sock);
	struct xdp_mmap_offsets at;
	socklen_t len = sizeof(at);
	struct ring tx, done;
	uint64_t sent = 0;
	time_t end;

	if (getsockopt(xsk, SOL_XDP, XDP_MMAP_OFFSETS, &at, &len))
		die("not an AF_XDP socket: %s", strerror(errno));
	tx = ring_map(xsk, XDP_PGOFF_TX_RING, &at.tx);
	done = ring_map(xsk, XDP_UMEM_PGOFF_COMPLETION_RING, &at.cr);
	if (reply.unbound)
		ask(sock, request_of(UVF_MSG_BIND, function), -1, 0, "bind");
	for (end = time(NULL) + seconds; time(NULL) < end; sent += RING_SIZE) {
		uint32_t producer = *tx.index[0];

		for (unsigned int i = 0; i < RING_SIZE; i++)
			tx.descs[(producer + i) % RING_SIZE] = (struct xdp_desc){ i * 2048, 60, 0 };
		__atomic_store_n(tx.index[0], producer + RING_SIZE, __ATOMIC_RELEASE);
		while (__atomic_load_n(tx.index[1], __ATOMIC_ACQUIRE) != producer + RING_SIZE &&
		       time(NULL) < end) {
			*done.index[1] = *done.index[0];
			sendto(xsk, NULL, 0, MSG_DONTWAIT, NULL, 0);
		}
		*done.index[1] = *done.index[0];
	}
	printf("# %llu frames sent\n", (unsigned long long)sent);
	ask(sock, request_of(UVF_MSG_RELEASE, function), -1, 0, "back");
	if (sent < 1000)
		die("that was no flood");
}

/* Its lease waits two seconds for a successor; the connection that it was started on inherits. */
static void heir(void)
{
	struct uvf_request request = request_of(UVF_MSG_MEMORY, "");
	int sock = connection(), left = -1, memory;
	uint8_t *area;

	if (getenv("UVF_RESUME")) {
		left = ask(sock, request_of(UVF_MSG_RESUME, ""), -1, 0, "what the dead left");
		if (left < 0)
			die("no memory came");
		area = mmap(NULL, UMEM_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, left, 0);
		if (area == MAP_FAILED)
			die("can't map it: %s", strerror(errno));
		for (unsigned int i = 0; i < UMEM_SIZE; i += 7)
			area[i] = random();
	} else {
		request.memory.linger = 2;
		memory = umem();
		ask(sock, request, memory, 0, "memory");
	}
	ask(sock, request_of(UVF_MSG_LEASE, function), -1, 0, "lease");
	printf("# %s\n", left < 0 ? "inherited nothing" : "inherited");
	fflush(stdout);
	kill(getpid(), SIGKILL);
}

static void crowd(unsigned int count)
{
	struct rlimit files;
	unsigned int n = 0;

	if (getrlimit(RLIMIT_NOFILE, &files))
		die("getrlimit: %s", strerror(errno));
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	while (n < count && uvf_proto_connect(getenv("UVF_SOCKET") ?: "") >= 0)
		n++;
	printf("# %u connections%s%s\nready\n", n, n < count ? ": " : "",
	       n < count ? uvf_why() : "");
	fflush(stdout);
	pause();
}

int main(int argc, char **argv)
{
	const char *what = argc > 2 ? argv[1] : "";

	function = argc > 2 ? argv[2] : "";
	if (!strcmp(what, "descriptors"))
		descriptors();
	else if (!strcmp(what, "order") && argc > 3)
		order(argv[3]);
	else if (!strcmp(what, "unread"))
		unread();
	else if (!strcmp(what, "middle"))
		middle();
	else if (!strcmp(what, "garbage"))
		garbage();
	else if (!strcmp(what, "rings") && argc > 3)
		rings(atoi(argv[3]));
	else if (!strcmp(what, "requests") && argc > 3)
		requests(atoi(argv[3]));
	else if (!strcmp(what, "flood") && argc > 3)
		flood(atoi(argv[3]));
	else if (!strcmp(what, "heir"))
		heir();
	else if (!strcmp(what, "renamed"))
		renamed();
	else if (!strcmp(what, "keep"))
		keep();
	else if (!strcmp(what, "crowd"))
		crowd(atoi(argv[2]));
	else
		die("see the head of its source");
	return wrong ? 1 : 0;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a packet costs, in instructions of a guest whose time counts them (vm.sh --icount): one
 * nanosecond is one instruction, of the kernel and of this program. Of no use anywhere else.
 *
 *	instructions settle		waits until nothing else runs
 *	instructions inject SIZE	what it costs to make frames and drop them
 *	instructions receive ENTRY DEVICE MODE SIZE
 *					frames redirected to ENTRY come out of DEVICE
 *	instructions relay FROM TO MAC MODE SIZE
 *					from one AF_XDP socket to the other
 *
 * MODE is zerocopy or copy, ENTRY a device that DEVMAP can send to: the function itself, or the
 * other end of a veth pair. All else is the same for both. Prints one JSON object, in which
 * `median`, `min` and `max` are of rounds, of which there are $ROUNDS, or 15.
 */
#include "redirect.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>
#include <x86intrin.h>
#include <xdp/xsk.h>

#define BATCH 64
#define RING_SIZE 2048
#define NR_CHUNKS 4096
#define CHUNK 2048
#define MAX_ROUNDS 1001

/* --- the clock ---------------------------------------------------------------------------- */

#define SPINS 5000000UL

/* Two instructions a turn. What is counted beyond them is somebody else's. */
static double disturbance(void)
{
	uint64_t n = SPINS, start = __rdtsc();

	__asm__ volatile("1: dec %0; jnz 1b" : "+r"(n) : : "cc");
	return (double)(__rdtsc() - start) / (2 * SPINS) - 1;
}

/* The timer's interrupt is always there: some 0.3 %. */
static int settle(char **args)
{
	int calm = 0, tries;
	double part;

	for (tries = 0; tries < 600 && calm < 10; tries++) {
		part = disturbance();
		if (part < -0.01)
			die("time does not count instructions here; see vm.sh --icount");
		calm = part < 0.01 ? calm + 1 : 0;
		usleep(20000);
	}
	if (calm < 10)
		die("something runs all the time beside this program");
	printf("{ \"job\": \"settle\", \"disturbance\": %.5f }\n", part);
	return 0;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static int nr_rounds = 15;
static double rounds[MAX_ROUNDS];

static void report(void)
{
	qsort(rounds, nr_rounds, sizeof(*rounds), compare);
	printf("\"median\": %.1f, \"min\": %.1f, \"max\": %.1f }\n", rounds[nr_rounds / 2],
	       rounds[0], rounds[nr_rounds - 1]);
}

/* --- frames ------------------------------------------------------------------------------- */

static int size_of(const char *text)
{
	int size = atoi(text);

	if (size < ETH_ZLEN || size > ETH_FRAME_LEN)
		die("frames have 60 to 1514 bytes");
	return size;
}

/* One flow of IPv4 and UDP, whose checksums nobody looks at. */
static void make_frame(uint8_t *frame, const uint8_t *to, int size)
{
	static const uint8_t header[] = { 0x45, 0, 0, 0, 0, 0, 0, 0, 64, 17, 0, 0,
					  192,  0, 2, 1, 198, 51, 100, 1, 0, 9, 0, 9 };
	struct ethhdr *eth = (void *)frame;

	memset(frame, 0, size);
	memcpy(eth->h_dest, to, ETH_ALEN);
	memcpy(eth->h_source, "\x02\0\0\0\0\1", ETH_ALEN);
	eth->h_proto = htons(ETH_P_IP);
	memcpy(frame + ETH_HLEN, header, sizeof(header));
	*(uint16_t *)(frame + ETH_HLEN + 2) = htons(size - ETH_HLEN);
	*(uint16_t *)(frame + ETH_HLEN + 24) = htons(size - ETH_HLEN - 20);
}

/*
 * Has the kernel make frames and run the program on them, in batches as of a network card's NAPI.
 * Returns instructions a frame as the kernel measured them, without its own preparation.
 */
static double inject(int program, int size)
{
	static const uint8_t anybody[ETH_ALEN] = { 2, 0, 0, 0, 0, 2 };
	uint8_t frame[ETH_FRAME_LEN];
	struct xdp_md ctx = { .data_end = size };
	DECLARE_LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = size,
			    .ctx_in = &ctx, .ctx_size_in = sizeof(ctx), .repeat = RING_SIZE,
			    .batch_size = BATCH, .flags = BPF_F_TEST_XDP_LIVE_FRAMES);

	make_frame(frame, anybody, size);
	if (bpf_prog_test_run_opts(program, &opts))
		die("the kernel makes no frames: %s", strerror(errno));
	return opts.duration;
}

static int inject_only(char **args)
{
	static const struct bpf_insn drop[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = XDP_DROP },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	int i, program, size = size_of(args[0]);

	program = bpf_prog_load(BPF_PROG_TYPE_XDP, "drop", "GPL", drop, 2, NULL);
	if (program < 0)
		die("a program does not load: %s", strerror(errno));
	inject(program, size);
	for (i = 0; i < nr_rounds; i++)
		rounds[i] = inject(program, size);
	printf("{ \"job\": \"inject\", \"size\": %d, ", size);
	report();
	return 0;
}

/* --- sockets ------------------------------------------------------------------------------ */

struct socket {
	struct xsk_ring_prod fill, tx;
	struct xsk_ring_cons completion, rx;
	struct xsk_umem *umem;
	struct xsk_socket *xsk;
	uint8_t *memory;
};

static void open_umem(struct socket *s)
{
	const struct xsk_umem_config config = { .fill_size = NR_CHUNKS,
						.comp_size = RING_SIZE,
						.frame_size = CHUNK };
	size_t size = NR_CHUNKS * CHUNK;
	int err;

	s->memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (s->memory == MAP_FAILED)
		die("no memory for the UMEM");
	err = xsk_umem__create(&s->umem, s->memory, size, &s->fill, &s->completion, &config);
	if (err)
		die("the UMEM is refused: %s", strerror(-err));
}

/* A pool just given up is released by a work item of the kernel's: -EBUSY until then. */
static void bind_socket(struct socket *s, const char *device, bool zerocopy)
{
	const struct xsk_socket_config config = {
		.rx_size = RING_SIZE,
		.tx_size = RING_SIZE,
		.libxdp_flags = XSK_LIBXDP_FLAGS__INHIBIT_PROG_LOAD,
		.bind_flags = XDP_USE_NEED_WAKEUP | (zerocopy ? XDP_ZEROCOPY : XDP_COPY),
	};
	int err = -EBUSY, tries;

	for (tries = 0; tries < 100 && err == -EBUSY; tries++) {
		err = xsk_socket__create(&s->xsk, device, 0, s->umem, &s->rx, &s->tx, &config);
		if (err == -EBUSY)
			usleep(20000);
	}
	if (err)
		die("bind to %s: %s", device, strerror(-err));
}

/* With a program in native mode, as a network appliance has on each of its devices. */
static void open_socket(struct socket *s, const char *device, const char *mode)
{
	struct bpf_object *object = redirect_load();
	uint32_t at, i;
	int fd;

	open_umem(s);
	bind_socket(s, device, !strcmp(mode, "zerocopy"));
	fd = xsk_socket__fd(s->xsk);
	redirect_put(object, "sockets", 0, &fd);
	redirect_attach(index_of(device), object, "to_socket");
	if (xsk_ring_prod__reserve(&s->fill, NR_CHUNKS / 2, &at) != NR_CHUNKS / 2)
		die("the fill ring is too small");
	for (i = 0; i < NR_CHUNKS / 2; i++)
		*xsk_ring_prod__fill_addr(&s->fill, at + i) = (uint64_t)i * CHUNK;
	xsk_ring_prod__submit(&s->fill, NR_CHUNKS / 2);
}

static void close_socket(struct socket *s, const char *device)
{
	bpf_xdp_detach(index_of(device), XDP_FLAGS_DRV_MODE, NULL);
	xsk_socket__delete(s->xsk);
	xsk_umem__delete(s->umem);
}

/* Up to a batch of frames: looks at each, and gives its buffer back. */
static uint32_t take(struct socket *s, int size)
{
	uint32_t at, to, i, n = xsk_ring_cons__peek(&s->rx, BATCH, &at);

	if (!n)
		return 0;
	if (xsk_ring_prod__reserve(&s->fill, n, &to) != n)
		die("the fill ring is full, which cannot be");
	for (i = 0; i < n; i++) {
		const struct xdp_desc *desc = xsk_ring_cons__rx_desc(&s->rx, at + i);
		const struct ethhdr *eth = xsk_umem__get_data(s->memory, desc->addr);

		if (desc->len != (uint32_t)size || eth->h_proto != htons(ETH_P_IP))
			die("a frame of %u bytes, which nobody sent", desc->len);
		*xsk_ring_prod__fill_addr(&s->fill, to + i) = xsk_umem__extract_addr(desc->addr);
	}
	xsk_ring_prod__submit(&s->fill, n);
	xsk_ring_cons__release(&s->rx, n);
	if (xsk_ring_prod__needs_wakeup(&s->fill))
		recvfrom(xsk_socket__fd(s->xsk), NULL, 0, MSG_DONTWAIT, NULL, NULL);
	return n;
}

/* --- receive ------------------------------------------------------------------------------ */

/* A ring of frames comes in, batch by batch; then the program has its turn. */
static double receive_round(struct socket *s, int program, int size)
{
	double kernel = inject(program, size);
	uint64_t start = __rdtsc();
	uint32_t n, got = 0, tries = 0;

	while (got < RING_SIZE && tries < 1000) {
		n = take(s, size);
		got += n;
		/* ksoftirqd may have to finish it. */
		if (!n && ++tries)
			sched_yield();
	}
	if (got != RING_SIZE)
		die("%u of %u frames arrived", got, RING_SIZE);
	return kernel + (double)(__rdtsc() - start) / RING_SIZE;
}

static int receive(char **args)
{
	static struct socket s;
	struct bpf_object *object = redirect_load();
	int i, program = redirect_program(object, "all_to_function"), size = size_of(args[3]);
	int entry = index_of(args[0]);

	open_socket(&s, args[1], args[2]);
	redirect_put(object, "function", 0, &entry);
	receive_round(&s, program, size);
	for (i = 0; i < nr_rounds; i++)
		rounds[i] = receive_round(&s, program, size);
	close_socket(&s, args[1]);
	printf("{ \"job\": \"receive\", \"device\": \"%s\", \"size\": %d, ", args[1], size);
	report();
	return 0;
}

/* --- relay -------------------------------------------------------------------------------- */

/* The sender's buffers are the upper half of its chunks, filled once: batch after batch. */
static void prepare(struct socket *s, const char *mac, int size)
{
	uint8_t to[ETH_ALEN];
	int i;

	if (sscanf(mac, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", to, to + 1, to + 2, to + 3, to + 4,
		   to + 5) != ETH_ALEN)
		die("'%s' is no MAC address", mac);
	for (i = NR_CHUNKS / 2; i < NR_CHUNKS; i++)
		make_frame(s->memory + i * CHUNK, to, size);
}

static void send_batch(struct socket *s, uint32_t *next, int size)
{
	uint32_t at, i;

	if (xsk_ring_prod__reserve(&s->tx, BATCH, &at) != BATCH)
		die("the transmit ring is full, which cannot be");
	for (i = 0; i < BATCH; i++) {
		uint64_t chunk = NR_CHUNKS / 2 + (*next)++ % (NR_CHUNKS / 2);

		*xsk_ring_prod__tx_desc(&s->tx, at + i) =
			(struct xdp_desc){ .addr = chunk * CHUNK, .len = size };
	}
	xsk_ring_prod__submit(&s->tx, BATCH);
}

/* A system call sends 32 in copy mode, and then wants another. */
static void kick(struct socket *s)
{
	while (xsk_ring_prod__needs_wakeup(&s->tx) &&
	       sendto(xsk_socket__fd(s->xsk), NULL, 0, MSG_DONTWAIT, NULL, 0) < 0)
		if (errno != EAGAIN && errno != EBUSY)
			die("sendto: %s", strerror(errno));
}

static uint32_t complete(struct socket *s)
{
	uint32_t at, n = xsk_ring_cons__peek(&s->completion, BATCH, &at);

	if (n)
		xsk_ring_cons__release(&s->completion, n);
	return n;
}

static double relay_round(struct socket *from, struct socket *to, uint32_t *next, int size)
{
	uint64_t start = __rdtsc();
	uint32_t sent, done, got, tries;

	for (sent = 0; sent < RING_SIZE; sent += BATCH) {
		send_batch(from, next, size);
		kick(from);
		done = complete(from);
		got = take(to, size);
		for (tries = 0; (done < BATCH || got < BATCH) && tries < 1000; tries++) {
			sched_yield();
			done += complete(from);
			got += take(to, size);
		}
		if (done != BATCH || got != BATCH)
			die("of %u frames %u were sent, and %u arrived", BATCH, done, got);
	}
	return (double)(__rdtsc() - start) / RING_SIZE;
}

static int relay(char **args)
{
	static struct socket from, to;
	int i, size = size_of(args[4]);
	uint32_t next = 0;

	open_socket(&from, args[0], args[3]);
	open_socket(&to, args[1], args[3]);
	prepare(&from, args[2], size);
	relay_round(&from, &to, &next, size);
	for (i = 0; i < nr_rounds; i++)
		rounds[i] = relay_round(&from, &to, &next, size);
	close_socket(&from, args[0]);
	close_socket(&to, args[1]);
	printf("{ \"job\": \"relay\", \"device\": \"%s\", \"size\": %d, ", args[1], size);
	report();
	return 0;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int nr_args;
		int (*run)(char **args);
	} commands[] = {
		{ "settle", 0, settle },
		{ "inject", 1, inject_only },
		{ "receive", 4, receive },
		{ "relay", 5, relay },
	};
	size_t i;

	if (getenv("ROUNDS"))
		nr_rounds = atoi(getenv("ROUNDS"));
	if (nr_rounds < 1 || nr_rounds > MAX_ROUNDS)
		die("rounds are 1 to %d", MAX_ROUNDS);
	libbpf_set_print(NULL);
	for (i = 0; argc > 1 && i < sizeof(commands) / sizeof(*commands); i++)
		if (!strcmp(argv[1], commands[i].name) && argc - 2 == commands[i].nr_args)
			return commands[i].run(argv + 2);
	die("there is settle, inject, receive and relay; see the head of instructions.c");
}

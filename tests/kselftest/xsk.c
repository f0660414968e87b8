// SPDX-License-Identifier: GPL-2.0-only
/*
 * Frames with a known content, through an AF_XDP socket on a function and back.
 *
 *	xsk steer UPLINK FUNCTION MAC	redirect the uplink's frames for MAC, or "all", to the function
 *	xsk attach DEVICE PROGRAM	attach a program of redirect.bpf.o in native mode
 *	xsk detach DEVICE
 *	xsk echo DEVICE [WORD]…		answer frames until SIGTERM, or an error of the socket:
 *		zerocopy | copy		the mode that is asked for; zerocopy by default
 *		wakeup | nowakeup	XDP_USE_NEED_WAKEUP; wakeup by default
 *		chunk=N			size of a UMEM chunk; 2048 by default
 *		busy			busy polling, which runs NAPI in our system calls
 *		queues=N		a socket on each of the first N queues
 *		shared			the sockets share one UMEM (XDP_SHARED_UMEM)
 *		sg			XDP_USE_SG: frames may take several chunks (Linux 6.6)
 *		unaligned		XDP_UMEM_UNALIGNED_CHUNK_FLAG, and odd addresses
 *		cni=PATH		ask `uvf cni` for the map, and load no program; with "busy",
 *					have it set busy polling
 *	xsk query DEVICE MAC COUNT [WORD]…	ask from an AF_XDP socket, queue 0
 *	xsk bind DEVICE [WORD]…		only bind a socket, and let go of it
 *	xsk leave DEVICE MTU [WORD]…	bind, let go of it, and set the MTU at once
 *	xsk pour DEVICE MAC COUNT [WORD]…	send COUNT frames on each queue, and wait for their
 *					completion; prints the seconds that it took
 *	xsk hold DEVICE [WORD]…		bind, and do nothing: not even fill, until SIGTERM
 *	xsk kick DEVICE COUNT [WORD]…	wake each queue up COUNT times, and have nothing to send
 *	xsk ask DEVICE MAC COUNT [SIZE]	send COUNT frames, wait for as many intact answers
 *	xsk flood DEVICE MAC SECONDS	send frames as fast as it goes
 *
 * A question has the EtherType 0x88b5, its answer 0x88b6 (IEEE 802 local experimental), the
 * addresses exchanged and all else as it was. Behind the header come the frame's number and bytes
 * that follow from it. Without SIZE, of up to 9014, sizes run through all from 60 to 1514 bytes.
 *
 * Both sides print what they counted, and check each byte. Exit: 0 when all came back.
 */
#include "cni_map.h"
#include "redirect.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/if_packet.h>
#include <linux/if_xdp.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <xdp/xsk.h>

#define QUESTION 0x88b5
#define ANSWER 0x88b6
#define MIN_SIZE 60
#define MAX_SIZE 1514
#define JUMBO_SIZE 9014
#define NR_CHUNKS 4096
#define RING_SIZE 2048
#define BATCH 64
#define WINDOW 64
#define MAX_QUEUES 16

struct frame {
	struct ethhdr eth;
	__be32 number;
	uint8_t data[JUMBO_SIZE - ETH_HLEN - 4];
} __attribute__((packed));

static volatile sig_atomic_t stopping;

static void on_signal(int signal)
{
	stopping = 1;
}

static void parse_mac(const char *text, uint8_t *mac)
{
	if (sscanf(text, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", mac, mac + 1, mac + 2, mac + 3, mac + 4,
		   mac + 5) != ETH_ALEN)
		die("'%s' is no MAC address", text);
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

/* --- content ------------------------------------------------------------------------------ */

static void fill(struct frame *frame, uint32_t number, int size)
{
	uint8_t byte = number * 7;
	size_t i;

	frame->number = htonl(number);
	for (i = 0; i < size - offsetof(struct frame, data); i++)
		frame->data[i] = byte + i;
}

static bool intact(const struct frame *frame, int size)
{
	uint8_t byte = ntohl(frame->number) * 7;
	size_t i;

	for (i = 0; i < size - offsetof(struct frame, data); i++)
		if (frame->data[i] != (uint8_t)(byte + i))
			return false;
	return true;
}

static int size_of(uint32_t number, int size)
{
	return size ? size : MIN_SIZE + (int)(number * 37 % (MAX_SIZE - MIN_SIZE + 1));
}

/* --- programs ----------------------------------------------------------------------------- */

static int steer(char **args)
{
	int uplink = index_of(args[0]), function = index_of(args[1]);
	struct bpf_object *object = redirect_load();
	bool all = !strcmp(args[2], "all");
	uint8_t mac[ETH_ALEN] = {};

	if (!all)
		parse_mac(args[2], mac);
	redirect_put(object, "address", 0, mac);
	redirect_put(object, "function", 0, &function);
	redirect_attach(uplink, object, all ? "all_to_function" : "to_function");
	return 0;
}

static int attach_named(char **args)
{
	redirect_attach(index_of(args[0]), redirect_load(), args[1]);
	return 0;
}

static int detach(char **args)
{
	return bpf_xdp_detach(index_of(args[0]), 0, NULL) ? 1 : 0;
}

/* --- the AF_XDP side ---------------------------------------------------------------------- */

struct socket {
	struct xsk_ring_prod fill, tx;
	struct xsk_ring_cons completion, rx;
	struct xsk_umem *umem;
	struct xsk_socket *xsk;
	uint8_t *memory;
	uint64_t first; /* its chunks begin here */
	uint64_t questions, answers, broken;
	bool busy, pieces;

	/* an asker's: buffers to send from, a stack */
	uint64_t idle[NR_CHUNKS];
	int nr_idle;
};

struct wish {
	uint16_t bind_flags;
	uint32_t chunk;
	int queues;
	bool busy, shared, unaligned;
	const char *cni;
};

/* Of <linux/if_xdp.h> since 6.6 */
#ifndef XDP_USE_SG
#define XDP_USE_SG (1 << 4)
#define XDP_PKT_CONTD (1 << 0)
#endif

static struct wish parse_wish(char **words)
{
	struct wish wish = { .bind_flags = XDP_ZEROCOPY | XDP_USE_NEED_WAKEUP, .chunk = 2048,
			     .queues = 1 };

	for (; *words; words++) {
		if (!strcmp(*words, "copy"))
			wish.bind_flags = (wish.bind_flags & ~XDP_ZEROCOPY) | XDP_COPY;
		else if (!strcmp(*words, "nowakeup"))
			wish.bind_flags &= ~XDP_USE_NEED_WAKEUP;
		else if (!strncmp(*words, "chunk=", 6))
			wish.chunk = atoi(*words + 6);
		else if (!strncmp(*words, "queues=", 7))
			wish.queues = atoi(*words + 7);
		else if (!strcmp(*words, "busy"))
			wish.busy = true;
		else if (!strcmp(*words, "shared"))
			wish.shared = true;
		else if (!strcmp(*words, "unaligned"))
			wish.unaligned = true;
		else if (!strcmp(*words, "sg"))
			wish.bind_flags |= XDP_USE_SG;
		else if (!strncmp(*words, "cni=", 4))
			wish.cni = *words + 4;
		else if (strcmp(*words, "zerocopy") && strcmp(*words, "wakeup"))
			die("'%s' is not known", *words);
	}
	if (wish.queues < 1 || wish.queues > MAX_QUEUES)
		die("queues are 1 to 16");
	return wish;
}

static void open_umem(struct socket *s, const struct wish *wish)
{
	struct xsk_umem_config config = {
		.fill_size = RING_SIZE * 2,
		.comp_size = RING_SIZE,
		.frame_size = wish->chunk,
		.flags = wish->unaligned ? XDP_UMEM_UNALIGNED_CHUNK_FLAG : 0,
	};
	size_t size = (size_t)NR_CHUNKS * wish->chunk * (wish->shared ? wish->queues : 1);
	int err, tries;

	s->memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (s->memory == MAP_FAILED)
		die("no memory for the UMEM");
	for (tries = 0; tries < 100; tries++) {
		err = xsk_umem__create(&s->umem, s->memory, size, &s->fill, &s->completion,
				       &config);
		if (err != -ENOBUFS)
			break;
		usleep(20000);
	}
	if (err)
		die("the UMEM is refused: %s", strerror(-err));
}

static void prefer_busy_poll(struct socket *s, const struct wish *wish)
{
	int fd = xsk_socket__fd(s->xsk), one = 1, usecs = 20, budget = 64;

	if (wish->cni)
		cni_busy_poll(wish->cni, fd);
	else if (setsockopt(fd, SOL_SOCKET, SO_PREFER_BUSY_POLL, &one, sizeof(one)) ||
	    setsockopt(fd, SOL_SOCKET, SO_BUSY_POLL, &usecs, sizeof(usecs)) ||
	    setsockopt(fd, SOL_SOCKET, SO_BUSY_POLL_BUDGET, &budget, sizeof(budget)))
		die("busy polling is refused: %s", strerror(errno));
	s->busy = true;
}

/* With `first`, in its UMEM, after the chunks of those before. */
static void share_umem(struct socket *s, const struct socket *first, int queue, uint32_t chunk)
{
	s->umem = first->umem;
	s->memory = first->memory;
	s->first = (uint64_t)queue * NR_CHUNKS * chunk;
}

static int create(struct socket *s, const char *device, int queue, bool shares,
		  const struct xsk_socket_config *config)
{
	if (shares)
		return xsk_socket__create_shared(&s->xsk, device, queue, s->umem, &s->rx, &s->tx,
						 &s->fill, &s->completion, config);
	return xsk_socket__create(&s->xsk, device, queue, s->umem, &s->rx, &s->tx, config);
}

static void open_socket(struct socket *s, const char *device, int queue, const struct wish *wish)
{
	struct xsk_socket_config config = {
		.rx_size = RING_SIZE,
		.tx_size = RING_SIZE,
		.libxdp_flags = XSK_LIBXDP_FLAGS__INHIBIT_PROG_LOAD,
		.bind_flags = wish->bind_flags,
	};
	int err, tries;

	/* A pool just given up is released by a work item of the kernel's: -EBUSY until then. */
	for (tries = 0; tries < 100; tries++) {
		err = create(s, device, queue, wish->shared && queue, &config);
		if (err != -EBUSY)
			break;
		usleep(20000);
	}
	if (err)
		die("bind to %s: %s", device, strerror(-err));
	s->pieces = wish->bind_flags & XDP_USE_SG;
	if (wish->busy)
		prefer_busy_poll(s, wish);
}

static bool is_zerocopy(struct socket *s)
{
	struct xdp_options options = {};
	socklen_t len = sizeof(options);

	if (getsockopt(xsk_socket__fd(s->xsk), SOL_XDP, XDP_OPTIONS, &options, &len))
		die("XDP_OPTIONS: %s", strerror(errno));
	return options.flags & XDP_OPTIONS_ZEROCOPY;
}

static void give(struct socket *s, uint64_t addr)
{
	uint32_t at;

	if (xsk_ring_prod__reserve(&s->fill, 1, &at) != 1)
		die("the fill ring is full, which cannot be");
	*xsk_ring_prod__fill_addr(&s->fill, at) = xsk_umem__extract_addr(addr);
	xsk_ring_prod__submit(&s->fill, 1);
}

static void complete(struct socket *s)
{
	uint32_t at, i, n = xsk_ring_cons__peek(&s->completion, RING_SIZE, &at);

	for (i = 0; i < n; i++) {
		uint64_t addr = *xsk_ring_cons__comp_addr(&s->completion, at + i);

		if (s->nr_idle < 0)
			give(s, addr);
		else
			s->idle[s->nr_idle++] = addr;
	}
	xsk_ring_cons__release(&s->completion, n);
}

static void turn(struct frame *frame)
{
	uint8_t mac[ETH_ALEN];

	memcpy(mac, frame->eth.h_dest, ETH_ALEN);
	memcpy(frame->eth.h_dest, frame->eth.h_source, ETH_ALEN);
	memcpy(frame->eth.h_source, mac, ETH_ALEN);
	frame->eth.h_proto = htons(ANSWER);
}

/* Turns a question into its answer, in place. */
static bool answer(struct socket *s, const struct xdp_desc *desc)
{
	struct frame *frame =
		xsk_umem__get_data(s->memory, xsk_umem__add_offset_to_addr(desc->addr));

	if (desc->len < MIN_SIZE || frame->eth.h_proto != htons(QUESTION))
		return false;
	s->questions++;
	if (!intact(frame, desc->len)) {
		s->broken++;
		return false;
	}
	turn(frame);
	return true;
}

/* The same for a frame in several chunks, of which the first has the header. */
static bool answer_pieces(struct socket *s, const struct xdp_desc *desc, int n)
{
	static struct frame frame;
	uint32_t len = 0;
	int i;

	for (i = 0; i < n && len + desc[i].len <= sizeof(frame); len += desc[i++].len)
		memcpy((uint8_t *)&frame + len,
		       xsk_umem__get_data(s->memory, xsk_umem__add_offset_to_addr(desc[i].addr)),
		       desc[i].len);
	if (i < n || frame.eth.h_proto != htons(QUESTION))
		return false;
	s->questions++;
	if (!intact(&frame, len)) {
		s->broken++;
		return false;
	}
	turn(xsk_umem__get_data(s->memory, xsk_umem__add_offset_to_addr(desc[0].addr)));
	return true;
}

static void send_pieces(struct socket *s, const struct xdp_desc *desc, int n)
{
	uint32_t to;
	int i;

	if (!answer_pieces(s, desc, n) || xsk_ring_prod__reserve(&s->tx, n, &to) != (uint32_t)n) {
		for (i = 0; i < n; i++)
			give(s, desc[i].addr);
		return;
	}
	for (i = 0; i < n; i++)
		*xsk_ring_prod__tx_desc(&s->tx, to + i) = (struct xdp_desc){
			.addr = desc[i].addr,
			.len = desc[i].len,
			.options = i + 1 < n ? XDP_PKT_CONTD : 0,
		};
	xsk_ring_prod__submit(&s->tx, n);
	s->answers++;
}

/* With XDP_USE_SG. What is not yet complete stays in the ring. */
static void receive_pieces(struct socket *s)
{
	static struct xdp_desc desc[BATCH];
	uint32_t at, i, first = 0, n = xsk_ring_cons__peek(&s->rx, BATCH, &at);

	for (i = 0; i < n; i++) {
		desc[i] = *xsk_ring_cons__rx_desc(&s->rx, at + i);
		if (desc[i].options & XDP_PKT_CONTD)
			continue;
		send_pieces(s, desc + first, i + 1 - first);
		first = i + 1;
	}
	xsk_ring_cons__cancel(&s->rx, n - first);
	xsk_ring_cons__release(&s->rx, first);
}

static void receive(struct socket *s)
{
	uint32_t at, to, i, n = xsk_ring_cons__peek(&s->rx, BATCH, &at);

	for (i = 0; i < n; i++) {
		const struct xdp_desc *desc = xsk_ring_cons__rx_desc(&s->rx, at + i);

		if (answer(s, desc) && xsk_ring_prod__reserve(&s->tx, 1, &to) == 1) {
			*xsk_ring_prod__tx_desc(&s->tx, to) =
				(struct xdp_desc){ .addr = desc->addr, .len = desc->len };
			xsk_ring_prod__submit(&s->tx, 1);
			s->answers++;
		} else {
			give(s, desc->addr);
		}
	}
	xsk_ring_cons__release(&s->rx, n);
}

/* 0, or ENXIO when the socket has lost its device. One that is down may come up again. */
static int kick(struct socket *s)
{
	if (!xsk_ring_prod__needs_wakeup(&s->tx) && !s->busy)
		return 0;
	if (sendto(xsk_socket__fd(s->xsk), NULL, 0, MSG_DONTWAIT, NULL, 0) < 0 && errno == ENXIO)
		return ENXIO;
	return 0;
}

static int serve(struct socket *s, int n)
{
	struct pollfd fds[MAX_QUEUES];
	int i, err = 0;

	for (i = 0; i < n; i++)
		fds[i] = (struct pollfd){ .fd = xsk_socket__fd(s[i].xsk), .events = POLLIN };
	while (!stopping && !err) {
		for (i = 0; i < n && !err; i++) {
			complete(&s[i]);
			if (s[i].pieces)
				receive_pieces(&s[i]);
			else
				receive(&s[i]);
			err = kick(&s[i]);
		}
		if (!err && poll(fds, n, 100) > 0)
			for (i = 0; i < n; i++)
				if (fds[i].revents & (POLLERR | POLLHUP))
					err = ENXIO;
	}
	return err;
}

/* All of its chunks but `keep`, which are for sending. Unaligned ones begin where they like. */
static void fill_all(struct socket *s, const struct wish *wish, int keep)
{
	int i;

	s->nr_idle = keep ? 0 : -1;
	for (i = 0; i < NR_CHUNKS; i++) {
		uint64_t addr = s->first + (uint64_t)i * wish->chunk;

		if (i < keep)
			s->idle[s->nr_idle++] = addr;
		else
			give(s, addr + (wish->unaligned && i % 2 ? 77 : 0));
	}
}

static void open_all(struct socket *s, const char *device, const struct wish *wish, int keep)
{
	int i;

	for (i = 0; i < wish->queues; i++) {
		if (i && wish->shared)
			share_umem(&s[i], &s[0], i, wish->chunk);
		else
			open_umem(&s[i], wish);
		open_socket(&s[i], device, i, wish);
		fill_all(&s[i], wish, keep);
	}
}

/* All of them have the same wishes. */
static void attach_sockets(const char *device, struct socket *s, int n)
{
	struct bpf_object *object = redirect_load();
	int i, fd;

	for (i = 0; i < n; i++) {
		fd = xsk_socket__fd(s[i].xsk);
		redirect_put(object, "sockets", i, &fd);
	}
	redirect_attach(index_of(device), object, s->pieces ? "to_socket_sg" : "to_socket");
}

/* Of a program that `uvf cni` has loaded. */
static void fill_map(const char *device, struct socket *s, const struct wish *wish)
{
	int i, fd, map;

	for (i = 0; i < wish->queues; i++) {
		map = cni_map(wish->cni, device);
		fd = xsk_socket__fd(s[i].xsk);
		if (bpf_map_update_elem(map, &i, &fd, 0))
			die("the map is not filled: %s", strerror(errno));
		close(map);
	}
}

static int echo(char **args)
{
	static struct socket s[MAX_QUEUES];
	struct wish wish = parse_wish(args + 1);
	int i, err;

	open_all(s, args[0], &wish, 0);
	if (wish.cni)
		fill_map(args[0], s, &wish);
	else
		attach_sockets(args[0], s, wish.queues);
	printf("ready %s\n", is_zerocopy(&s[0]) ? "zerocopy" : "copy");
	fflush(stdout);
	err = serve(s, wish.queues);
	for (i = 1; i < wish.queues; i++) {
		printf("queue %d questions %lu\n", i, s[i].questions);
		s[0].questions += s[i].questions;
		s[0].answers += s[i].answers;
		s[0].broken += s[i].broken;
	}
	printf("questions %lu answers %lu broken %lu end %s\n", s[0].questions, s[0].answers,
	       s[0].broken, err ? strerror(err) : "asked");
	if (!wish.cni && if_nametoindex(args[0]))
		bpf_xdp_detach(index_of(args[0]), 0, NULL);
	return s[0].broken ? 1 : 0;
}

static int bind_only(char **args)
{
	static struct socket s[MAX_QUEUES];
	struct wish wish = parse_wish(args + 1);

	open_all(s, args[0], &wish, 0);
	printf("bound %s\n", is_zerocopy(&s[0]) ? "zerocopy" : "copy");
	return 0;
}

static int leave(char **args)
{
	struct wish wish = parse_wish(args + 2);
	struct ifreq request = { .ifr_mtu = atoi(args[1]) };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	static struct socket s;

	strncpy(request.ifr_name, args[0], IFNAMSIZ - 1);
	open_umem(&s, &wish);
	open_socket(&s, args[0], 0, &wish);
	xsk_socket__delete(s.xsk);
	xsk_umem__delete(s.umem); /* closes it */
	if (ioctl(fd, SIOCSIFMTU, &request))
		die("MTU %s: %s", args[1], strerror(errno));
	return 0;
}

static int hold(char **args)
{
	static struct socket s;
	struct wish wish = parse_wish(args + 1);

	open_umem(&s, &wish);
	open_socket(&s, args[0], 0, &wish);
	attach_sockets(args[0], &s, 1);
	printf("bound %s\n", is_zerocopy(&s) ? "zerocopy" : "copy");
	fflush(stdout);
	while (!stopping)
		pause();
	bpf_xdp_detach(index_of(args[0]), 0, NULL);
	return 0;
}

static int kick_only(char **args)
{
	static struct socket s[MAX_QUEUES];
	struct wish wish = parse_wish(args + 2);
	int i, q, count = atoi(args[1]);

	open_all(s, args[0], &wish, 0);
	for (i = 0; i < count; i++)
		for (q = 0; q < wish.queues; q++)
			if (sendto(xsk_socket__fd(s[q].xsk), NULL, 0, MSG_DONTWAIT, NULL, 0) < 0)
				die("wake-up %d: %s", i, strerror(errno));
	printf("kicked %d\n", count);
	return 0;
}

/* --- the packet socket's side ------------------------------------------------------------- */

struct asker {
	int fd;
	struct frame frame;
	uint32_t answers, broken;
};

/* A window of what drivers account for a frame: a page for a small one, pages for a large one. */
#define RECEIVE_BUFFER (WINDOW * 32768)

static void asker_open(struct asker *asker, const char *device, const char *mac, int protocol)
{
	struct sockaddr_ll addr = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(protocol),
		.sll_ifindex = index_of(device),
	};
	struct ifreq request = {};
	int buffer = RECEIVE_BUFFER;

	asker->fd = socket(AF_PACKET, SOCK_RAW, htons(protocol));
	if (asker->fd < 0 || bind(asker->fd, (struct sockaddr *)&addr, sizeof(addr)))
		die("packet socket: %s", strerror(errno));
	setsockopt(asker->fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof(buffer));
	/* Not from sysfs, which is of the namespace that mounted it. */
	strncpy(request.ifr_name, device, IFNAMSIZ - 1);
	if (ioctl(asker->fd, SIOCGIFHWADDR, &request))
		die("%s has no address: %s", device, strerror(errno));
	memcpy(asker->frame.eth.h_source, request.ifr_hwaddr.sa_data, ETH_ALEN);
	parse_mac(mac, asker->frame.eth.h_dest);
	asker->frame.eth.h_proto = htons(QUESTION);
}

static void asker_send(struct asker *asker, uint32_t number, int size)
{
	fill(&asker->frame, number, size);
	while (send(asker->fd, &asker->frame, size, 0) < 0 && (errno == ENOBUFS || errno == EAGAIN))
		usleep(100);
}

static void asker_receive(struct asker *asker, const uint32_t count, int size, int wait)
{
	struct pollfd fd = { .fd = asker->fd, .events = POLLIN };
	struct frame frame;
	ssize_t len;

	if (poll(&fd, 1, wait) <= 0)
		return;
	while ((len = recv(asker->fd, &frame, sizeof(frame), MSG_DONTWAIT | MSG_TRUNC)) > 0) {
		uint32_t number = ntohl(frame.number);

		if (frame.eth.h_proto != htons(ANSWER))
			continue;
		asker->answers++;
		if (number >= count || len != size_of(number, size) || !intact(&frame, len))
			asker->broken++;
	}
}

static int ask(char **args)
{
	static struct asker asker;
	uint32_t sent = 0, count = atoi(args[2]);
	int size = args[3] ? atoi(args[3]) : 0;
	double last = now();

	asker_open(&asker, args[0], args[1], ANSWER);
	/* Some seconds without an answer, and what is out is lost. */
	while (asker.answers < count && now() - last < 4) {
		uint32_t before = asker.answers;

		for (; sent < count && sent - asker.answers < WINDOW; sent++)
			asker_send(&asker, sent, size_of(sent, size));
		asker_receive(&asker, count, size, 200);
		if (asker.answers != before)
			last = now();
	}
	printf("sent %u answers %u broken %u\n", sent, asker.answers, asker.broken);
	return asker.answers == count && !asker.broken ? 0 : 1;
}

/* --- an asker on AF_XDP ------------------------------------------------------------------- */

static uint32_t query_send(struct socket *s, const struct frame *header, uint32_t number)
{
	int size = size_of(number, 0);
	struct frame *frame;
	uint64_t addr;
	uint32_t at;

	if (!s->nr_idle || xsk_ring_prod__reserve(&s->tx, 1, &at) != 1)
		return 0;
	addr = s->idle[--s->nr_idle];
	frame = xsk_umem__get_data(s->memory, addr);
	frame->eth = header->eth;
	fill(frame, number, size);
	*xsk_ring_prod__tx_desc(&s->tx, at) = (struct xdp_desc){ .addr = addr, .len = size };
	xsk_ring_prod__submit(&s->tx, 1);
	return 1;
}

static void query_receive(struct socket *s, uint32_t count)
{
	uint32_t at, i, n = xsk_ring_cons__peek(&s->rx, BATCH, &at);

	for (i = 0; i < n; i++) {
		const struct xdp_desc *desc = xsk_ring_cons__rx_desc(&s->rx, at + i);
		uint64_t addr = xsk_umem__add_offset_to_addr(desc->addr);
		const struct frame *frame = xsk_umem__get_data(s->memory, addr);
		uint32_t number = ntohl(frame->number);

		if (frame->eth.h_proto == htons(ANSWER)) {
			s->answers++;
			s->broken += number >= count || desc->len != (uint32_t)size_of(number, 0) ||
				     !intact(frame, desc->len);
		}
		give(s, desc->addr);
	}
	xsk_ring_cons__release(&s->rx, n);
}

static int query(char **args)
{
	static struct asker address;
	static struct socket s;
	struct wish wish = parse_wish(args + 3);
	uint32_t sent = 0, count = atoi(args[2]);
	struct pollfd fd = { .events = POLLIN };
	double last;

	asker_open(&address, args[0], args[1], 0);
	open_all(&s, args[0], &wish, NR_CHUNKS / 2);
	attach_sockets(args[0], &s, 1);
	fd.fd = xsk_socket__fd(s.xsk);
	last = now();
	while (s.answers < count && now() - last < 4) {
		uint64_t before = s.answers;

		complete(&s);
		while (sent < count && sent - s.answers < WINDOW &&
		       query_send(&s, &address.frame, sent))
			sent++;
		kick(&s);
		poll(&fd, 1, 100);
		query_receive(&s, count);
		if (s.answers != before)
			last = now();
	}
	printf("mode %s sent %u answers %lu broken %lu\n", is_zerocopy(&s) ? "zerocopy" : "copy",
	       sent, s.answers, s.broken);
	bpf_xdp_detach(index_of(args[0]), 0, NULL);
	return s.answers == count && !s.broken ? 0 : 1;
}

static bool all_completed(const struct socket *s, int n)
{
	int i;

	for (i = 0; i < n && s[i].nr_idle == NR_CHUNKS / 2; i++)
		;
	return i == n;
}

/* As many as the ring of each queue takes. Returns how many there are to be sent yet. */
static uint32_t pour_some(struct socket *s, int n, const struct frame *header, uint32_t *sent,
			  uint32_t count)
{
	uint32_t left = 0;
	int i;

	for (i = 0; i < n; i++) {
		while (sent[i] < count && query_send(&s[i], header, sent[i]))
			sent[i]++;
		kick(&s[i]);
		complete(&s[i]);
		left += count - sent[i];
	}
	return left;
}

/* COUNT on each queue. Sleeps: who empties the uplink's ring may need this processor. */
static int pour(char **args)
{
	static struct asker address;
	static struct socket s[MAX_QUEUES];
	struct wish wish = parse_wish(args + 3);
	uint32_t sent[MAX_QUEUES] = {}, count = atoi(args[2]);
	double start, end = now() + 60;

	asker_open(&address, args[0], args[1], 0);
	open_all(s, args[0], &wish, NR_CHUNKS / 2);
	start = now();
	while ((pour_some(s, wish.queues, &address.frame, sent, count) ||
		!all_completed(s, wish.queues)) && now() < end)
		usleep(1000);
	printf("mode %s seconds %.3f completed %s\n", is_zerocopy(&s[0]) ? "zerocopy" : "copy",
	       now() - start, all_completed(s, wish.queues) ? "all" : "not all");
	return all_completed(s, wish.queues) ? 0 : 1;
}

static int flood(char **args)
{
	static struct asker asker;
	double end = now() + atof(args[2]);
	uint32_t sent = 0;

	/* protocol 0: what comes back is for nobody */
	asker_open(&asker, args[0], args[1], 0);
	while (!stopping && now() < end) {
		asker_send(&asker, sent, size_of(sent, 0));
		sent++;
	}
	printf("sent %u\n", sent);
	return 0;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int nr_args;
		int (*run)(char **args);
	} commands[] = {
		{ "steer", 3, steer }, { "attach", 2, attach_named }, { "detach", 1, detach },
		{ "echo", 1, echo },   { "bind", 1, bind_only },      { "ask", 3, ask },
		{ "flood", 3, flood }, { "query", 3, query }, { "hold", 1, hold },
		{ "kick", 2, kick_only }, { "leave", 2, leave }, { "pour", 3, pour },
	};
	struct sigaction action = { .sa_handler = on_signal };
	size_t i;

	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	libbpf_set_print(NULL);
	for (i = 0; argc > 1 && i < sizeof(commands) / sizeof(*commands); i++)
		if (!strcmp(argv[1], commands[i].name) && argc - 2 >= commands[i].nr_args)
			return commands[i].run(argv + 2);
	die("that is no command, or not all of one; see the head of xsk.c");
}

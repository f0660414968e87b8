// SPDX-License-Identifier: GPL-2.0-only
/*
 * A lease: the AF_XDP socket on a function's queue, over the session's memory.
 *
 * Each function has a UMEM registration of its own over the same memfd, rather than a share of
 * one (XDP_SHARED_UMEM): addresses are the same in all of them, so that a frame moves between
 * functions by its descriptor alone, but no socket depends on the life of another, and a
 * zero-copy function and one that copies go together.
 */
#include "uvfd.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/if_link.h>

#include "socket.skel.h"
#include "why.h"

/* The kernel releases the queue of a socket that was closed a little later. */
#define BIND_TRIES 40
#define BIND_PAUSE_NS 5000000

static int umem_register(int xsk, const struct session *session)
{
	struct xdp_umem_reg reg = {
		.len = session->memory_size,
		.chunk_size = session->frame_size,
	};
	void *area;
	int err = 0;

	area = mmap(NULL, session->memory_size, PROT_READ | PROT_WRITE, MAP_SHARED,
		    session->memory, 0);
	if (area == MAP_FAILED)
		return uvf_fail(errno, "can't map the appliance's memory: %s", strerror(errno));
	reg.addr = (uintptr_t)area;
	if (setsockopt(xsk, SOL_XDP, XDP_UMEM_REG, &reg, sizeof(reg)))
		err = uvf_fail(errno, "the kernel refuses %llu bytes as a UMEM: %s",
			       (unsigned long long)reg.len, strerror(errno));
	/* The kernel holds the pages. */
	munmap(area, session->memory_size);
	return err;
}

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

static int bind_mode(int xsk, int netdev, uint16_t mode)
{
	const struct timespec pause = { .tv_nsec = BIND_PAUSE_NS };
	struct sockaddr_xdp addr = {
		.sxdp_family = AF_XDP,
		.sxdp_flags = mode | XDP_USE_NEED_WAKEUP,
		.sxdp_ifindex = netdev,
	};

	for (int i = 0; bind(xsk, (struct sockaddr *)&addr, sizeof(addr)); i++) {
		if (errno != EBUSY || i == BIND_TRIES)
			return -errno;
		nanosleep(&pause, NULL);
	}
	return 0;
}

static int bind_queue(struct lease *lease, const char *name)
{
	int err = bind_mode(lease->xsk, lease->netdev, XDP_ZEROCOPY);

	lease->zerocopy = !err;
	if (err && err != -EBUSY)
		err = bind_mode(lease->xsk, lease->netdev, XDP_COPY);
	if (err == -EBUSY)
		return uvf_fail(EBUSY, "another program has an AF_XDP socket on %s: end it first",
				name);
	if (err)
		return uvf_fail(-err, "can't bind an AF_XDP socket to %s: %s", name, strerror(-err));
	return 0;
}

/* Ours, left by a uvfd that was killed? Then it may be replaced. */
static bool program_is_stale(int netdev)
{
	struct bpf_prog_info info = { 0 };
	uint32_t id, len = sizeof(info);
	bool stale;
	int fd;

	if (bpf_xdp_query_id(netdev, XDP_FLAGS_DRV_MODE, &id) || !id)
		return false;
	fd = bpf_prog_get_fd_by_id(id);
	if (fd < 0)
		return false;
	stale = !bpf_obj_get_info_by_fd(fd, &info, &len) && !strcmp(info.name, "uvf_socket");
	close(fd);
	return stale;
}

void lease_clean(int netdev)
{
	if (program_is_stale(netdev))
		bpf_xdp_detach(netdev, XDP_FLAGS_DRV_MODE, NULL);
}

static int program_attach(struct lease *lease, const char *name)
{
	uint32_t flags = XDP_FLAGS_DRV_MODE;
	int err;

	lease->program = socket_bpf__open_and_load();
	if (!lease->program)
		return uvf_fail(errno, "can't load the XDP program for %s: %s", name,
				strerror(errno));
	if (!program_is_stale(lease->netdev))
		flags |= XDP_FLAGS_UPDATE_IF_NOEXIST;
	err = bpf_xdp_attach(lease->netdev, bpf_program__fd(lease->program->progs.uvf_socket),
			     flags, NULL);
	if (!err)
		return 0;
	socket_bpf__destroy(lease->program);
	lease->program = NULL;
	if (err == -EBUSY || err == -EEXIST)
		return uvf_fail(EBUSY, "%s has an XDP program of somebody else: take it off with "
				       "`ip link set %s xdp off`", name, name);
	return uvf_fail(-err, "can't attach an XDP program to %s: %s", name, strerror(-err));
}

static void program_detach(struct lease *lease)
{
	DECLARE_LIBBPF_OPTS(bpf_xdp_attach_opts, opts);

	if (!lease->program)
		return;
	opts.old_prog_fd = bpf_program__fd(lease->program->progs.uvf_socket);
	bpf_xdp_detach(lease->netdev, XDP_FLAGS_DRV_MODE, &opts);
	socket_bpf__destroy(lease->program);
	lease->program = NULL;
}

static int socket_make(struct lease *lease)
{
	int err;

	lease->xsk = socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (lease->xsk < 0)
		return uvf_fail(errno, "can't make an AF_XDP socket: %s", strerror(errno));
	err = umem_register(lease->xsk, lease->session);
	if (!err)
		err = rings_make(lease->xsk, lease->ring_size);
	return err;
}

/* First the queue, then the program: somebody else who has the queue keeps both. */
static int bind_all(struct lease *lease)
{
	const char *name = lease->function->name;
	uint32_t queue = 0;
	int err;

	err = bind_queue(lease, name);
	if (!err)
		err = program_attach(lease, name);
	if (!err && bpf_map__update_elem(lease->program->maps.sockets, &queue, sizeof(queue),
					 &lease->xsk, sizeof(lease->xsk), BPF_ANY))
		err = uvf_fail(errno, "can't steer %s into its socket: %s", name, strerror(errno));
	return err;
}

int lease_bind(struct lease *lease)
{
	int err;

	if (lease->bound)
		return uvf_fail(EALREADY, "the socket of %s is bound already",
				lease->function->name);
	err = bind_all(lease);
	if (err)
		return err;
	lease->bound = true;
	say("%s: leased to %s (pid %d), %s", lease->function->name, lease->session->appliance,
	    (int)lease->session->pid, lease->zerocopy ? "zero-copy" : "copy mode");
	return 0;
}

/*
 * Before Linux 6.4 the rings of a bound socket can't be mapped (xsk_mmap(), net/xdp/xsk.c). An
 * appliance then gets the socket unbound, maps the rings, and asks for the rest. It could bind
 * the socket elsewhere in between: on such kernels an appliance is trusted that far, see
 * Documentation/security.rst. The first lease finds out.
 */
static enum { UNKNOWN, YES, NO } maps_when_bound;

static int find_out(struct lease *lease)
{
	void *ring;
	int err = bind_all(lease);

	if (err)
		return err;
	ring = mmap(NULL, sysconf(_SC_PAGESIZE), PROT_READ, MAP_SHARED, lease->xsk,
		    XDP_PGOFF_RX_RING);
	maps_when_bound = ring == MAP_FAILED && errno == EBUSY ? NO : YES;
	if (ring != MAP_FAILED)
		munmap(ring, sysconf(_SC_PAGESIZE));
	program_detach(lease);
	close(lease->xsk);
	return socket_make(lease);
}

static int lease_setup(struct lease *lease)
{
	int err = socket_make(lease);

	if (!err && maps_when_bound == UNKNOWN)
		err = find_out(lease);
	if (!err && maps_when_bound == YES)
		err = lease_bind(lease);
	return err;
}

int lease_open(struct session *session, struct function *function, uint32_t ring_size)
{
	struct lease *lease = calloc(1, sizeof(*lease));
	int err;

	if (!lease)
		return uvf_fail(ENOMEM, "no memory for a lease");
	lease->session = session;
	lease->function = function;
	strcpy(lease->name, function->name);
	lease->netdev = function->netdev;
	lease->ring_size = ring_size;
	function->lease = lease;
	LIST_INSERT_HEAD(&session->leases, lease, entry);
	err = lease_setup(lease);
	if (err)
		lease_close(lease);
	return err;
}

void lease_close(struct lease *lease)
{
	if (lease->bound)
		say("%s: given back", lease->function->name);
	program_detach(lease);
	if (lease->xsk >= 0)
		close(lease->xsk);
	lease->function->lease = NULL;
	LIST_REMOVE(lease, entry);
	free(lease);
}

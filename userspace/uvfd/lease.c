// SPDX-License-Identifier: GPL-2.0-only
/*
 * A lease: a source of frames for each queue of a function, and the XDP program that steers each
 * queue into its socket.
 */
#include "uvfd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/if_link.h>

#include "bound.skel.h"
#include "socket.skel.h"
#include "why.h"

/* Ours, left by a uvfd that was killed? Then it may be replaced. */
static bool program_is_stale(int netdev)
{
	struct bpf_prog_info info = { 0 };
	uint32_t id = model_xdp_id(netdev), len = sizeof(info);
	bool stale;
	int fd;

	if (!id)
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

static void program_take(struct lease *lease, const struct bpf_program *program,
			 const struct bpf_map *sockets)
{
	lease->program = fcntl(bpf_program__fd(program), F_DUPFD_CLOEXEC, 0);
	lease->sockets = fcntl(bpf_map__fd(sockets), F_DUPFD_CLOEXEC, 0);
}

/* linux/bpf.h, as of Linux 6.3. */
#ifndef BPF_F_XDP_DEV_BOUND_ONLY
#define BPF_F_XDP_DEV_BOUND_ONLY (1U << 6)
#endif

/*
 * The one that asks the driver; false: this kernel does not know such programs, or has no BTF. What
 * libbpf has to say of it is nobody's trouble.
 */
static bool bound_load(struct lease *lease)
{
	libbpf_print_fn_t print = libbpf_set_print(NULL);
	struct bound_bpf *bound = bound_bpf__open();
	bool loaded = false;

	if (bound) {
		bpf_program__set_ifindex(bound->progs.uvf_socket, lease->netdev);
		bpf_program__set_flags(bound->progs.uvf_socket, BPF_F_XDP_DEV_BOUND_ONLY);
		loaded = !bound_bpf__load(bound);
	}
	if (loaded)
		program_take(lease, bound->progs.uvf_socket, bound->maps.sockets);
	bound_bpf__destroy(bound);
	libbpf_set_print(print);
	return loaded;
}

static int unbound_load(struct lease *lease, bool meta)
{
	struct socket_bpf *loaded = socket_bpf__open();
	int err;

	if (!loaded)
		return -errno;
	loaded->rodata->meta = meta;
	err = socket_bpf__load(loaded);
	if (!err)
		program_take(lease, loaded->progs.uvf_socket, loaded->maps.sockets);
	socket_bpf__destroy(loaded);
	return err;
}

static int program_load(struct lease *lease, const char *name)
{
	bool meta = lease->session->memory_flags & UVF_MEMORY_META_RX;
	int err = meta && bound_load(lease) ? 0 : unbound_load(lease, meta);

	/* Before Linux 6.1 there is no CLOCK_TAI to tell, and nothing is known. */
	if (err && meta)
		err = unbound_load(lease, false);
	if (err)
		return uvf_fail(-err, "can't load the XDP program for %s: %s", name, strerror(-err));
	if (lease->program < 0 || lease->sockets < 0)
		return uvf_fail(errno, "no descriptor for the XDP program of %s: %s", name,
				strerror(errno));
	return 0;
}

static int program_attach(struct lease *lease, const char *name)
{
	uint32_t flags = XDP_FLAGS_DRV_MODE;
	int err;

	if (!program_is_stale(lease->netdev))
		flags |= XDP_FLAGS_UPDATE_IF_NOEXIST;
	err = bpf_xdp_attach(lease->netdev, lease->program, flags, NULL);
	lease->attached = !err;
	if (err == -EBUSY || err == -EEXIST)
		return uvf_fail(EBUSY, "%s has an XDP program of somebody else: take it off with "
				       "`ip link set %s xdp off`", name, name);
	if (err)
		return uvf_fail(-err, "can't attach an XDP program to %s: %s", name,
				strerror(-err));
	return 0;
}

static void program_close(struct lease *lease)
{
	DECLARE_LIBBPF_OPTS(bpf_xdp_attach_opts, opts, .old_prog_fd = lease->program);

	if (lease->attached)
		bpf_xdp_detach(lease->netdev, XDP_FLAGS_DRV_MODE, &opts);
	if (lease->program >= 0)
		close(lease->program);
	if (lease->sockets >= 0)
		close(lease->sockets);
	lease->program = lease->sockets = -1;
	lease->attached = false;
}

bool lease_has_direct(const struct lease *lease)
{
	return lease->sources > lease->queues;
}

static const struct source *bound_to(const struct lease *lease, const struct source *wanted)
{
	for (unsigned int i = 0; i < lease->sources; i++) {
		const struct source *source = &lease->source[i];

		if (source->bound && source->netdev == wanted->netdev)
			return source;
	}
	return NULL;
}

/* First the queues, then the program: somebody else who has a queue keeps both. */
static int bind_all(struct lease *lease)
{
	const char *name = lease->function->name;
	int err = 0;

	for (unsigned int i = 0; !err && i < lease->sources; i++)
		err = source_bind(&lease->source[i], lease->session,
				  bound_to(lease, &lease->source[i]));
	if (!err)
		err = program_load(lease, name);
	for (uint32_t i = 0; !err && i < lease->queues; i++)
		if (bpf_map_update_elem(lease->sockets, &lease->source[i].queue,
					&lease->source[i].xsk, BPF_ANY))
			err = uvf_fail(errno, "can't steer %s into its sockets: %s", name,
				       strerror(errno));
	if (!err)
		err = program_attach(lease, name);
	return err;
}

static int bind_now(struct lease *lease)
{
	int err = bind_all(lease);

	if (err)
		return err;
	lease->bound = true;
	park_lease(lease);
	serve_tell(lease->function);
	say("%s: leased to %s (pid %d), %s", lease->function->name, lease->session->appliance,
	    (int)lease->session->pid, lease->source[0].zerocopy ? "zero-copy" : "copy mode");
	return 0;
}

int lease_bind(struct lease *lease)
{
	int err = 0;

	if (lease->bound && !lease_has_direct(lease))
		return uvf_fail(EALREADY, "the sockets of %s are bound already",
				lease->function->name);
	if (!lease->bound)
		err = bind_now(lease);
	if (!err)
		direct_start(lease->function);
	return err;
}

static void sources_plan(struct lease *lease)
{
	for (lease->sources = 0; lease->sources < lease->queues; lease->sources++)
		lease->source[lease->sources] = (struct source){
			.netdev = lease->netdev,
			.queue = lease->sources,
		};
	direct_plan(lease);
}

static int sources_make(struct lease *lease)
{
	int err = 0;

	sources_plan(lease);
	for (unsigned int i = 0; !err && i < lease->sources; i++)
		err = source_make(&lease->source[i], lease->session, lease->ring_size);
	return err;
}

static void sources_close(struct lease *lease)
{
	for (unsigned int i = 0; i < lease->sources; i++)
		source_close(&lease->source[i]);
}

/*
 * Before Linux 6.4 an appliance gets the sockets unbound, maps the rings, and asks for the rest. It
 * could bind a socket elsewhere in between: on such kernels an appliance is trusted that far, see
 * Documentation/security.rst.
 */
static int lease_setup(struct lease *lease)
{
	int err = sources_make(lease);

	return err || !source_maps_bound() ? err : bind_now(lease);
}

/* With nothing in it yet. */
struct lease *lease_new(struct session *session, struct function *function)
{
	struct lease *lease = calloc(1, sizeof(*lease));

	if (!lease) {
		uvf_fail(ENOMEM, "no memory for a lease");
		return NULL;
	}
	lease->session = session;
	lease->function = function;
	strcpy(lease->name, function->name);
	lease->netdev = function->netdev;
	lease->program = lease->sockets = -1;
	for (unsigned int i = 0; i < UVF_PROTO_SOURCES; i++)
		lease->source[i].xsk = -1;
	function->lease = lease;
	LIST_INSERT_HEAD(&session->leases, lease, entry);
	return lease;
}

int lease_open(struct session *session, struct function *function, unsigned int queues,
	       uint32_t ring_size, uint32_t request)
{
	struct lease *lease = lease_new(session, function);
	int err;

	if (!lease)
		return -ENOMEM;
	lease->ring_size = ring_size;
	lease->request = request;
	lease->queues = queues;
	err = lease_setup(lease);
	if (err)
		lease_close(lease);
	return err;
}

void lease_close(struct lease *lease)
{
	const struct function *function = lease->function;
	bool held = lease->bound;

	if (lease->bound)
		say("%s: given back", lease->function->name);
	direct_stop(lease->function);
	program_close(lease);
	sources_close(lease);
	park_drop(&lease->kept);
	redirect_given_back(function);
	lease->function->lease = NULL;
	LIST_REMOVE(lease, entry);
	free(lease);
	if (held)
		serve_tell(function);
}

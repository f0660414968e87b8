// SPDX-License-Identifier: GPL-2.0-only
/*
 * The XDP program of an uplink, alone or behind libxdp's dispatcher.
 *
 * It is found by its name, whoever attached it. So the program of a uvfd that was killed is
 * replaced in the same way as our own of a moment ago: alone, the kernel exchanges the two at
 * once; behind the dispatcher the new one comes first and the old one goes then, and a frame
 * between the two meets either, with the same maps.
 */
#include "steer.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include <bpf/bpf.h>
#include <linux/if_link.h>
#include <xdp/libxdp.h>

static struct xdp_program *next_program(struct xdp_multiprog *multi, struct xdp_program *program)
{
	if (!xdp_multiprog__is_legacy(multi))
		return xdp_multiprog__next_prog(program, multi);
	return program ? NULL : xdp_multiprog__main_prog(multi);
}

static struct xdp_program *find(struct xdp_multiprog *multi)
{
	struct xdp_program *program = NULL;

	while ((program = next_program(multi, program)))
		if (!strcmp(xdp_program__name(program), "uvf_steer"))
			return program;
	return NULL;
}

int xdp_find(int ifindex)
{
	struct xdp_multiprog *multi = xdp_multiprog__get_from_ifindex(ifindex);
	struct xdp_program *program;
	int fd = -1;

	if (libxdp_get_error(multi))
		return -1;
	program = find(multi);
	if (program)
		fd = fcntl(xdp_program__fd(program), F_DUPFD_CLOEXEC, 0);
	xdp_multiprog__close(multi);
	return fd;
}

/*
 * Native mode only: a frame that generic XDP redirects leaves by the transmit function of the
 * port, and a function of uvf.ko would send it back to the wire.
 */
static int exchange(int ifindex, struct steer_bpf *bpf, struct xdp_program *old)
{
	DECLARE_LIBBPF_OPTS(bpf_xdp_attach_opts, opts, .old_prog_fd = xdp_program__fd(old));
	int err = steer_bpf__load(bpf);

	if (err)
		return err;
	return bpf_xdp_attach(ifindex, bpf_program__fd(bpf->progs.uvf_steer),
			      XDP_FLAGS_DRV_MODE, &opts);
}

static int add(int ifindex, struct steer_bpf *bpf)
{
	DECLARE_LIBXDP_OPTS(xdp_program_opts, opts, .prog_name = "uvf_steer", .obj = bpf->obj);
	struct xdp_program *program = xdp_program__create(&opts);
	int err = libxdp_get_error(program);

	if (err)
		return err;
	/* The dispatcher knows frames of several buffers when all programs behind it say so. */
	err = xdp_program__set_xdp_frags_support(program, true);
	if (!err)
		err = xdp_program__attach(program, ifindex, XDP_MODE_NATIVE, 0);
	xdp_program__close(program);
	return err;
}

static void take_off(int ifindex, struct xdp_multiprog *multi, struct xdp_program *program)
{
	int err = xdp_program__detach(program, ifindex, xdp_multiprog__attach_mode(multi), 0);
	char text[128];

	if (!err)
		return;
	libxdp_strerror(err, text, sizeof(text));
	say("can't take an old steering program off: %s", text);
}

int xdp_put(int ifindex, struct steer_bpf *bpf)
{
	struct xdp_multiprog *multi = xdp_multiprog__get_from_ifindex(ifindex);
	struct xdp_program *old;
	int err;

	if (libxdp_get_error(multi))
		return add(ifindex, bpf);
	old = find(multi);
	if (old && xdp_multiprog__is_legacy(multi)) {
		err = exchange(ifindex, bpf, old);
	} else {
		err = add(ifindex, bpf);
		if (!err && old)
			take_off(ifindex, multi, old);
	}
	xdp_multiprog__close(multi);
	return err;
}

void xdp_take_off(int ifindex)
{
	struct xdp_multiprog *multi = xdp_multiprog__get_from_ifindex(ifindex);
	struct xdp_program *program;

	if (libxdp_get_error(multi))
		return;
	program = find(multi);
	if (program)
		take_off(ifindex, multi, program);
	xdp_multiprog__close(multi);
}

// SPDX-License-Identifier: GPL-2.0-only
#include "progs.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <xdp/libxdp.h>

#include "tc_place.h"
#include "why.h"

static int silent(enum libbpf_print_level level, const char *format, va_list args)
{
	return 0;
}

static int silent_xdp(enum libxdp_print_level level, const char *format, va_list args)
{
	return 0;
}

/* What they fail at we tell in a sentence of our own. */
__attribute__((constructor)) static void silence(void)
{
	libbpf_set_print(silent);
	libxdp_set_print(silent_xdp);
}

bool prog_function(int fd, char *name)
{
	struct bpf_prog_info info = { 0 };
	struct bpf_func_info function = { 0 };
	uint32_t len = sizeof(info);
	const struct btf_type *type;
	struct btf *btf;

	info.nr_func_info = 1;
	info.func_info_rec_size = sizeof(function);
	info.func_info = (uintptr_t)&function;
	if (bpf_obj_get_info_by_fd(fd, &info, &len) || !info.btf_id || !info.nr_func_info)
		return false;
	btf = btf__load_from_kernel_by_id(info.btf_id);
	if (!btf)
		return false;
	type = btf__type_by_id(btf, function.type_id);
	if (type)
		snprintf(name, PROG_NAME_SIZE, "%s", btf__name_by_offset(btf, type->name_off));
	btf__free(btf);
	return type;
}

/* Of a program without BTF the kernel keeps the first 15 characters. */
static void name_it(struct prog *prog)
{
	struct bpf_prog_info info = { 0 };
	uint32_t len = sizeof(info);
	int fd = bpf_prog_get_fd_by_id(prog->id);

	if (fd < 0)
		return;
	if (!prog_function(fd, prog->name) && !bpf_obj_get_info_by_fd(fd, &info, &len))
		snprintf(prog->name, sizeof(prog->name), "%s", info.name);
	close(fd);
}

static void keep(struct progs *progs, const struct xdp_program *program, bool native)
{
	struct prog *prog = &progs->prog[progs->count];

	if (!program || progs->count == PROGS_MAX)
		return;
	*prog = (struct prog){ .id = xdp_program__id(program), .native = native };
	name_it(prog);
	progs->count++;
}

/* Alone, and no dispatcher: then its id is all that need be known. */
static bool take_single(const struct uvf_link *link, struct progs *progs)
{
	struct prog prog = { .id = link->xdp_id, .native = true };

	if (!prog.id)
		return false;
	name_it(&prog);
	if (!*prog.name || !strcmp(prog.name, "xdp_dispatcher"))
		return false;
	progs->prog[progs->count++] = prog;
	return true;
}

/* libxdp has all links told to find the programs of one: it is asked only where that is needed. */
void progs_xdp(const struct uvf_link *link, struct progs *progs)
{
	struct xdp_program *program = NULL;
	struct xdp_multiprog *multi;
	bool native;

	progs->count = 0;
	if (!link->has_xdp || take_single(link, progs))
		return;
	multi = xdp_multiprog__get_from_ifindex(link->ifindex);
	if (libxdp_get_error(multi))
		return;
	native = xdp_multiprog__attach_mode(multi) == XDP_MODE_NATIVE;
	if (xdp_multiprog__is_legacy(multi))
		keep(progs, xdp_multiprog__main_prog(multi), native);
	else
		while ((program = xdp_multiprog__next_prog(program, multi)))
			keep(progs, program, native);
	xdp_multiprog__close(multi);
}

const struct prog *progs_find(const struct progs *progs, const char *name)
{
	for (unsigned int i = 0; i < progs->count; i++)
		if (!strcmp(progs->prog[i].name, name))
			return &progs->prog[i];
	return NULL;
}

struct prog prog_tc(int ifindex)
{
	DECLARE_LIBBPF_OPTS(bpf_tc_hook, at, .ifindex = ifindex, .attach_point = BPF_TC_INGRESS);
	DECLARE_LIBBPF_OPTS(bpf_tc_opts, opts, .handle = TC_HANDLE, .priority = TC_PRIORITY);
	struct prog prog = { 0 };

	if (bpf_tc_query(&at, &opts))
		return prog;
	prog.id = opts.prog_id;
	name_it(&prog);
	return prog;
}

int prog_set_target(struct bpf_program *tracer, const struct prog *prog)
{
	int err, fd = bpf_prog_get_fd_by_id(prog->id);
	char name[PROG_NAME_SIZE];

	if (fd < 0)
		return uvf_fail(errno, "the program %s (id %u) is gone already: try again",
				prog->name, prog->id);
	if (!prog_function(fd, name))
		err = uvf_fail(EOPNOTSUPP, "the program %s (id %u) has no BTF, without which the "
					   "kernel can't follow it: compile it with -g",
			       prog->name, prog->id);
	else
		err = bpf_program__set_attach_target(tracer, fd, name);
	if (!err)
		return fd;
	close(fd);
	return err;
}

// SPDX-License-Identifier: GPL-2.0-only
/* See redirect.h. */
#include "redirect.h"

#include <errno.h>
#include <libgen.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void die(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fprintf(stderr, "%s: ", program_invocation_short_name);
	vfprintf(stderr, format, args);
	fprintf(stderr, "\n");
	va_end(args);
	exit(1);
}

int index_of(const char *name)
{
	int index = if_nametoindex(name);

	if (!index)
		die("there is no device '%s'", name);
	return index;
}

/* From build/tests, where whoever asks is beside build/tests or in it. */
struct bpf_object *redirect_load(void)
{
	char self[512], path[600];
	struct bpf_object *object;
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (len < 0)
		die("/proc is not mounted");
	self[len] = 0;
	snprintf(path, sizeof(path), "%s/../tests/redirect.bpf.o", dirname(self));
	object = bpf_object__open_file(path, NULL);
	if (!object || bpf_object__load(object))
		die("%s does not load: %s", path, strerror(errno));
	return object;
}

int redirect_program(struct bpf_object *object, const char *name)
{
	struct bpf_program *program = bpf_object__find_program_by_name(object, name);

	if (!program)
		die("there is no program '%s'", name);
	return bpf_program__fd(program);
}

void redirect_put(struct bpf_object *object, const char *map, int key, const void *value)
{
	if (bpf_map_update_elem(bpf_object__find_map_fd_by_name(object, map), &key, value, 0))
		die("the map '%s' is not filled: %s", map, strerror(errno));
}

void redirect_attach(int device, struct bpf_object *object, const char *name)
{
	int err = bpf_xdp_attach(device, redirect_program(object, name), XDP_FLAGS_DRV_MODE, NULL);

	if (err)
		die("the program '%s' does not attach: %s", name, strerror(-err));
}

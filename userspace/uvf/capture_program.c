// SPDX-License-Identifier: GPL-2.0-only
/* Frames that enter an XDP program, by a program of ours on its entry (fentry). */
#include "capture.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "capture.skel.h"
#include "why.h"

/* For each processor; what a reader that is away for a moment falls behind with. */
#define BUFFER_PAGES 512

struct capture_program {
	struct capture_bpf *bpf;
};

static int load(struct capture_bpf *bpf, const struct place *place)
{
	int err = capture_bpf__load(bpf);

	if (!err)
		err = capture_bpf__attach(bpf);
	if (!err)
		return 0;
	return uvf_fail(-err, "this kernel does not let the program %s (id %u) on %s be followed: "
			      "%s (it takes fentry on BPF programs)",
			place->prog.name, place->prog.id, place->link, strerror(-err));
}

static int follow(struct capture_bpf *bpf, const struct place *place,
		  const struct capture_program *first)
{
	int err = 0, fd = prog_set_target(bpf->progs.capture_xdp, &place->prog);

	if (fd < 0)
		return fd;
	if (first)
		err = bpf_map__reuse_fd(bpf->maps.events, bpf_map__fd(first->bpf->maps.events));
	if (!err)
		err = load(bpf, place);
	close(fd);
	return err;
}

struct capture_program *capture_program_open(const struct place *place,
					     const struct capture_filter *filter,
					     const struct capture_program *first)
{
	struct capture_program *program = calloc(1, sizeof(*program));

	if (program)
		program->bpf = capture_bpf__open();
	if (!program || !program->bpf) {
		uvf_fail(ENOMEM, "no memory for a capture");
		free(program);
		return NULL;
	}
	memcpy((void *)&program->bpf->rodata->filter, filter, sizeof(*filter));
	if (!follow(program->bpf, place, first))
		return program;
	capture_program_close(program);
	return NULL;
}

static void on_sample(void *arg, int cpu, void *data, uint32_t size)
{
	struct capture_sink *sink = arg;
	const struct capture_event *event = data;

	if (size >= sizeof(*event) && size - sizeof(*event) >= event->captured)
		sink->frame(sink->arg, event, (const uint8_t *)(event + 1));
}

static void on_lost(void *arg, int cpu, unsigned long long count)
{
	struct capture_sink *sink = arg;

	sink->lost += count;
}

struct perf_buffer *capture_buffer_open(const struct capture_program *first,
					struct capture_sink *sink)
{
	struct perf_buffer *buffer = perf_buffer__new(bpf_map__fd(first->bpf->maps.events),
						      BUFFER_PAGES, on_sample, on_lost, sink, NULL);

	if (!buffer)
		uvf_fail(errno, "can't make buffers for frames: %s", strerror(errno));
	return buffer;
}

int capture_buffer_fd(const struct perf_buffer *buffer)
{
	return perf_buffer__epoll_fd(buffer);
}

void capture_buffer_read(struct perf_buffer *buffer)
{
	perf_buffer__consume(buffer);
}

void capture_buffer_close(struct perf_buffer *buffer)
{
	perf_buffer__free(buffer);
}

void capture_program_close(struct capture_program *program)
{
	capture_bpf__destroy(program->bpf);
	free(program);
}

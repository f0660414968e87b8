// SPDX-License-Identifier: GPL-2.0-only
/*
 * Frames that enter an XDP program, by a program of ours on its entry (fentry); and those that a
 * function of uvf.ko sends, by one on the module's tracepoint.
 */
#include "capture.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "capture.skel.h"
#include "sent.skel.h"
#include "why.h"

/* For each processor; what a reader that is away for a moment falls behind with. */
#define BUFFER_PAGES 512

/* One of both. */
struct capture_program {
	struct capture_bpf *bpf;
	struct sent_bpf *sent;
};

static struct bpf_map *events_of(const struct capture_program *program)
{
	return program->bpf ? program->bpf->maps.events : program->sent->maps.events;
}

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
		err = bpf_map__reuse_fd(bpf->maps.events, bpf_map__fd(events_of(first)));
	if (!err)
		err = load(bpf, place);
	close(fd);
	return err;
}

static int open_xdp(struct capture_program *program, const struct place *place,
		    const struct capture_filter *filter, const struct capture_program *first)
{
	program->bpf = capture_bpf__open();
	if (!program->bpf)
		return uvf_fail(ENOMEM, "no memory for a capture");
	memcpy((void *)&program->bpf->rodata->filter, filter, sizeof(*filter));
	return follow(program->bpf, place, first);
}

static int load_sent(struct sent_bpf *sent, const struct place *place)
{
	int err = bpf_map__set_max_entries(sent->maps.rooms, libbpf_num_possible_cpus());

	if (!err)
		err = sent_bpf__load(sent);
	if (err)
		return uvf_fail(-err, "this kernel takes no program that looks at what %s sends: %s "
				      "(it takes CONFIG_BPF_EVENTS)",
				place->link, strerror(-err));
	err = sent_bpf__attach(sent);
	if (err)
		return uvf_fail(-err, "uvf.ko has no tracepoint uvf_sent, where %s could be seen to "
				      "send: %s (is the module older than uvf?)", place->link,
				strerror(-err));
	return 0;
}

static int open_sent(struct capture_program *program, const struct place *place,
		     const struct capture_filter *filter, const struct capture_program *first)
{
	int err = 0;

	program->sent = sent_bpf__open();
	if (!program->sent)
		return uvf_fail(ENOMEM, "no memory for a capture");
	memcpy((void *)&program->sent->rodata->filter, filter, sizeof(*filter));
	if (first)
		err = bpf_map__reuse_fd(program->sent->maps.events, bpf_map__fd(events_of(first)));
	return err ?: load_sent(program->sent, place);
}

struct capture_program *capture_program_open(const struct place *place,
					     const struct capture_filter *filter,
					     const struct capture_program *first)
{
	struct capture_program *program = calloc(1, sizeof(*program));
	int err;

	if (!program) {
		uvf_fail(ENOMEM, "no memory for a capture");
		return NULL;
	}
	err = (place->sent ? open_sent : open_xdp)(program, place, filter, first);
	if (!err)
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
	struct perf_buffer *buffer = perf_buffer__new(bpf_map__fd(events_of(first)),
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
	sent_bpf__destroy(program->sent);
	free(program);
}

/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UVF_CAPTURE_H
#define UVF_CAPTURE_H

#include "points.h"

#include "../../bpf/capture.h"

typedef void capture_frame(void *arg, const struct capture_event *event, const uint8_t *bytes);

struct capture_sink {
	capture_frame *frame;
	void *arg;
	uint64_t lost;
};

/* --- capture_program.c: frames that enter an XDP program, or that uvf.ko sends ---------------- */

struct capture_program;

/* NULL, with a sentence. @first: whose buffer is shared, or NULL. */
struct capture_program *capture_program_open(const struct place *place,
					     const struct capture_filter *filter,
					     const struct capture_program *first);
void capture_program_close(struct capture_program *program);

/* What all of them write to. libbpf's header and that of libpcap do not go together. */
struct perf_buffer;
struct perf_buffer *capture_buffer_open(const struct capture_program *first,
					struct capture_sink *sink);
int capture_buffer_fd(const struct perf_buffer *buffer);
void capture_buffer_read(struct perf_buffer *buffer);
void capture_buffer_close(struct perf_buffer *buffer);

/* --- capture_link.c: frames that a link receives --------------------------------------------- */

struct pcap;

/* NULL, with a sentence. */
struct pcap *capture_link_open(const struct place *place, const struct capture_filter *filter);
/* What is there now; 0 or -errno, with a sentence. */
int capture_link_read(struct pcap *link, const struct capture_filter *filter,
		      struct capture_sink *sink);

#endif /* UVF_CAPTURE_H */

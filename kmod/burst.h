/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What one run of NAPI gathers on its stack, and publishes at its end. What is needed for each
 * frame is here as well: many a kernel clears a function's variables whenever it is entered.
 */
#ifndef UVF_BURST_H
#define UVF_BURST_H

#include "netdev.h"
#include "trace.h"

#define UVF_RX_BULK 16

struct bpf_prog;

struct uvf_burst {
	struct uvf_queue *queue;
	struct bpf_prog *prog;
	struct uvf_counts counts;
	u32 max_len;	 /* of a frame in one buffer, for the program */
	bool redirected; /* frames wait for xdp_do_flush() */
	bool fill_empty; /* the UMEM's fill ring had no buffer for a frame */
	/* of the UMEM, for frames taken out of the ring: from next_buff up to nr_buffs */
	unsigned int next_buff;
	unsigned int nr_buffs;
	struct xdp_buff *buff[UVF_RX_BULK];
	struct xdp_buff private;    /* the buffer at work, where there is no UMEM */
	struct xdp_frame_bulk done; /* frames that have been copied, to be freed */
};

static inline void uvf_burst_drop(struct uvf_burst *burst, enum uvf_drop reason)
{
	burst->counts.drop[reason]++;
	burst->counts.drops++;
	trace_uvf_drop(burst->queue->un->dev, burst->queue->index, reason);
}

#endif /* UVF_BURST_H */

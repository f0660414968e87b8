/* SPDX-License-Identifier: GPL-2.0-only */
/* What one run of NAPI gathers on its stack, and publishes at its end. */
#ifndef UVF_BURST_H
#define UVF_BURST_H

#include "netdev.h"
#include "trace.h"

#define UVF_TX_BULK 16

struct bpf_prog;

struct uvf_burst {
	struct uvf_queue *queue;
	struct bpf_prog *prog;
	struct uvf_counts counts;
	bool redirected; /* frames wait for xdp_do_flush() */
	bool fill_empty; /* the UMEM's fill ring had no buffer for a frame */
	unsigned int nr_tx;
	struct xdp_frame *tx[UVF_TX_BULK];
};

static inline void uvf_burst_drop(struct uvf_burst *burst, enum uvf_drop reason)
{
	burst->counts.drop[reason]++;
	burst->counts.drops++;
	trace_uvf_drop(burst->queue->un->dev, burst->queue->index, reason);
}

#endif /* UVF_BURST_H */

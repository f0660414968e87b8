/* SPDX-License-Identifier: GPL-2.0-only */
/* What uvf latency and its programs agree on. */
#ifndef UVF_BPF_LATENCY_H
#define UVF_BPF_LATENCY_H

#include <linux/types.h>

/* Four buckets to each doubling: the next is a quarter to a seventh longer. Nanoseconds. */
#define LATENCY_SUB 4
#define LATENCY_BUCKETS 256

struct latency_filter {
	__s32 uplink; /* ifindex */
	__s32 function;
	__u8 mac[6];
	__u16 pad;
};

struct latency_counts {
	__u64 bucket[LATENCY_BUCKETS];
	__u64 seen; /* frames at the function */
	__u64 unmatched; /* of these, not seen at the uplink before */
	__u64 total; /* ns, of the others */
};

#endif /* UVF_BPF_LATENCY_H */

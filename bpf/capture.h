/* SPDX-License-Identifier: GPL-2.0-only */
/* What uvf capture and its programs agree on. */
#ifndef UVF_BPF_CAPTURE_H
#define UVF_BPF_CAPTURE_H

#include <linux/types.h>

/* More would not fit a record of the kernel's perf buffer, whose length has 16 bits. */
#define CAPTURE_SNAPLEN 60000

struct capture_filter {
	__s32 ifindex; /* of the link that the program is on; it may be on several */
	__u32 function; /* of uvf.ko, that sends: bus << 8 | devfn of its PCI address */
	__u32 snaplen;
	__u32 point; /* given back with each frame */
	__u32 by_address; /* only frames for @mac and @vlan, and those for all */
	__u8 mac[6];
	__u16 vlan;
};

/* In front of the frame's bytes. */
struct capture_event {
	__u64 time; /* ns, CLOCK_BOOTTIME */
	__u32 length;
	__u32 captured;
	__u32 point;
	__u32 pad;
};

/* Both, put together. */
struct capture_sent {
	struct capture_event event;
	__u8 bytes[CAPTURE_SNAPLEN];
};

#endif /* UVF_BPF_CAPTURE_H */

/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * What our XDP program on a function leaves in front of a received frame, for an appliance that
 * asked for it (UVF_META_RX, libuvf.h). It ends the 256 bytes that the kernel keeps there:
 *
 *	chunk of the UMEM  ├─────── headroom ───────┤ block ┤ frame …
 *	                   0                       224     256
 *
 * The kernel takes it along, whether it copies the frame into the UMEM or a driver receives there:
 * to AF_XDP, it is a frame's metadata (bpf_xdp_adjust_meta(), which gives 32 bytes on any kernel).
 * A program whose frame has no room for it leaves nothing; so the library wipes @known before it
 * lends a frame to the kernel, and what it finds there was written for this frame.
 */
#ifndef UVF_META_H
#define UVF_META_H

#include <linux/types.h>

struct uvf_meta_block {
	__u64 time; /* ns of CLOCK_TAI, when the program saw it */
	__u64 hardware_time; /* ns, by the card */
	__u32 hash;
	__u16 hash_type; /* the lower bits of enum xdp_rss_hash_type (include/net/xdp.h) */
	__u16 vlan_proto; /* of this machine's byte order, as all fields */
	__u16 vlan_tci;
	__u16 pad;
	__u32 known; /* UVF_BLOCK_* */
};

#define UVF_BLOCK_MAGIC 0x75660000u /* "uf": there is a block */
#define UVF_BLOCK_MAGIC_MASK 0xffff0000u

/* As UVF_KNOWN_* (libuvf.h). */
#define UVF_BLOCK_TIME (1u << 0)
#define UVF_BLOCK_HARDWARE_TIME (1u << 1)
#define UVF_BLOCK_HASH (1u << 2)
#define UVF_BLOCK_VLAN (1u << 3)

#endif /* UVF_META_H */

/* SPDX-License-Identifier: GPL-2.0-only */
/* Traffic between functions of one uplink that are in bridge mode. */
#ifndef UVF_SIBLING_H
#define UVF_SIBLING_H

#include "burst.h"

#include <linux/if_vlan.h>
#include <linux/uvf.h>

/* Whether the others need to be asked at all. */
static inline bool uvf_sibling_bridges(const struct uvf_netdev *un)
{
	return READ_ONCE(un->mode) == UVF_MODE_BRIDGE;
}

/* From the stack, the tag beside the data. Takes the skb over where it answers true. */
bool uvf_sibling_send_skb(struct uvf_netdev *un, struct sk_buff *skb);

/* From NAPI, as it would go on the wire. Takes the frame over where it answers true. */
bool uvf_sibling_send_frame(struct uvf_burst *burst, struct xdp_frame *frame);

/*
 * From an AF_XDP transmit ring, straight into the sibling's UMEM. False: not for a sibling, or
 * not now; send it as any frame. What it took is the sibling's, with uvf_sibling_done() or before.
 * `peer` begins with a queue of NULL.
 */
bool uvf_sibling_copy(struct uvf_burst *burst, struct uvf_burst *peer, const void *data, u32 len);
void uvf_sibling_done(struct uvf_burst *peer);

#endif /* UVF_SIBLING_H */

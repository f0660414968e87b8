/* SPDX-License-Identifier: GPL-2.0-only */
/* Transmit: from the stack, and from a queue's NAPI, to the uplink. */
#ifndef UVF_TX_H
#define UVF_TX_H

#include <linux/netdevice.h>

struct uvf_burst;
struct uvf_queue;
struct xdp_buff;
struct xdp_frame;

netdev_tx_t uvf_tx_skb(struct sk_buff *skb, struct net_device *dev);

/* A buffer for a frame of `len` bytes that is to be sent, with room for a tag. */
bool uvf_tx_alloc(struct xdp_buff *xdp, u32 len);

/* Of a frame in one piece, or NULL. */
struct xdp_frame *uvf_tx_copy(const struct xdp_frame *frame);

/*
 * Sends the frame in an xdp_buff, with the next flush or before it. Takes the buffer over unless
 * it answers an error.
 */
int uvf_tx_buff(struct uvf_burst *burst, struct xdp_buff *xdp);
void uvf_tx_flush(struct uvf_burst *burst);

/* Has NAPI run again when the limit may let something through; `served`: it just has. */
void uvf_tx_wait(struct uvf_queue *queue, u64 ns, bool served);

/* Of a queue: before its first run of NAPI, and after its last. */
void uvf_tx_init(struct uvf_queue *queue);
void uvf_tx_stop(struct uvf_queue *queue);

#endif /* UVF_TX_H */

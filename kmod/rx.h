/* SPDX-License-Identifier: GPL-2.0-only */
/* Receive: from the uplink's handler into the stack or a ring, and from the ring on. */
#ifndef UVF_RX_H
#define UVF_RX_H

#include <linux/netdevice.h>

struct uvf_burst;
struct uvf_netdev;
struct uvf_queue;
struct xdp_frame;

/* From the uplink's handler, under RCU in softirq. */
rx_handler_result_t uvf_rx_unicast(struct uvf_netdev *un, struct sk_buff **pskb);
void uvf_rx_clone(struct uvf_netdev *un, struct sk_buff *skb);

/* From another function's stack, under RCU in softirq: as it was sent. Takes the skb over. */
void uvf_rx_sibling(struct uvf_netdev *un, struct sk_buff *skb);

/* The queue for the flow of a frame. */
struct uvf_queue *uvf_rx_queue(const struct uvf_netdev *un, const void *data, u32 len);

/* Puts a frame into the ring of its queue, or frees it where there is no room. In softirq. */
void uvf_rx_frame(struct uvf_netdev *un, struct xdp_frame *frame);

/* From DEVMAP, to the queues of their flows. Takes all, and frees what finds no room. */
int uvf_rx_spread(struct uvf_netdev *un, struct xdp_frame **frames, int n);

/*
 * What NAPI does, and who has taken it over (sibling.c): under RCU, begin; up to `budget` entries
 * from the ring, of which it returns the number; end, after which nothing waits for a flush.
 */
void uvf_rx_begin(struct uvf_burst *burst, struct uvf_queue *queue);
int uvf_rx_ring(struct uvf_burst *burst, int budget);
void uvf_rx_end(struct uvf_burst *burst);

int uvf_rx_poll(struct napi_struct *napi, int budget);

#endif /* UVF_RX_H */

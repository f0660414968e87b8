/* SPDX-License-Identifier: GPL-2.0-only */
/* Receive: from the uplink's handler into the stack or a ring, and from the ring on. */
#ifndef UVF_RX_H
#define UVF_RX_H

#include <linux/netdevice.h>

struct uvf_netdev;

/* From the uplink's handler, under RCU in softirq. */
rx_handler_result_t uvf_rx_unicast(struct uvf_netdev *un, struct sk_buff **pskb);
void uvf_rx_clone(struct uvf_netdev *un, struct sk_buff *skb);

int uvf_rx_poll(struct napi_struct *napi, int budget);

#endif /* UVF_RX_H */

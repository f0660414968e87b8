/* SPDX-License-Identifier: GPL-2.0-only */
/* AF_XDP in zero-copy mode: the UMEM's pool on a queue, its transmit ring, and wake-ups. */
#ifndef UVF_XSK_H
#define UVF_XSK_H

#include <linux/netdevice.h>

struct uvf_burst;
struct uvf_netdev;
struct xsk_buff_pool;

/* Binds a pool to a queue, or with NULL unbinds it. Under RTNL. */
int uvf_xsk_set_pool(struct net_device *dev, struct xsk_buff_pool *pool, u16 index);

/* The largest MTU whose frames fit into the chunks of all that are bound now. Under RTNL. */
int uvf_xsk_max_mtu(const struct uvf_netdev *un);

int uvf_xsk_wakeup(struct net_device *dev, u32 index, u32 flags);

/* From NAPI: sends from the transmit ring. Returns whether more may be waiting. */
bool uvf_xsk_transmit(struct uvf_burst *burst, int budget);

/* From NAPI: tells the owner whether the fill ring waits for it. */
void uvf_xsk_need_rx(const struct uvf_burst *burst);

#endif /* UVF_XSK_H */

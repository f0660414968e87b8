/* SPDX-License-Identifier: GPL-2.0-only */
/* A queue: the ring that frames for the function wait in, and the NAPI that takes them out. */
#ifndef UVF_QUEUE_H
#define UVF_QUEUE_H

#include "drop.h"
#include "ring.h"

#include <linux/hrtimer.h>
#include <linux/netdevice.h>
#include <linux/u64_stats_sync.h>
#include <net/xdp.h>

struct uvf_netdev;
struct xsk_buff_pool;

/* How many frames may be held back, so that there is room for as many while NAPI comes. */
#define UVF_RX_FRAMES_MAX (UVF_RING_SIZE / 2)

/* Frames for the uplink: what it is handed at once, and how many one run of NAPI may send. */
#define UVF_TX_BULK 16
#define UVF_TX_MAX NAPI_POLL_WEIGHT

/* Frames, and bytes without FCS. What is dropped is not counted as a packet. */
struct uvf_counts {
	u64 rx_packets;
	u64 rx_bytes;
	u64 multicast;
	u64 tx_packets;
	u64 tx_bytes;
	u64 drops; /* the sum of drop[] */
	u64 drop[UVF_NR_DROPS];
};

struct uvf_queue {
	/* fast path, producers: under the ring's lock */
	struct uvf_ring ring;
	bool open;
	u64 full;	   /* frames that found no room */
	unsigned int held; /* frames that wait for the timer */
	struct hrtimer timer;

	/* fast path, NAPI */
	struct napi_struct napi;
	struct uvf_netdev *un;
	struct xsk_buff_pool *pool; /* changes while NAPI is disabled, under RTNL */
	struct xdp_rxq_info rxq;
	struct u64_stats_sync syncp;
	struct uvf_counts counts;
	unsigned int nr_tx;
	struct xdp_frame *tx[UVF_TX_MAX];
	unsigned int tx_looks; /* since it last took one */
	struct hrtimer tx_timer; /* runs while they wait for room, or the owner's for the limit */

	/* slow path */
	u16 index;
	struct rcu_head rcu;
};

/* A queue that is closed; free it when no producer can find it any more. Under RTNL. */
struct uvf_queue *uvf_queue_create(struct uvf_netdev *un, u16 index);
void uvf_queue_free(struct uvf_queue *queue);

/* Under RTNL. */
int uvf_queue_open(struct uvf_queue *queue);
void uvf_queue_close(struct uvf_queue *queue);
int uvf_queue_set_pool(struct uvf_queue *queue, struct xsk_buff_pool *pool);

/*
 * Puts frames in, and wakes NAPI. In softirq. Returns how many were taken; the others stay the
 * caller's.
 */
int uvf_queue_put_frames(struct uvf_queue *queue, struct xdp_frame **frames, int n);
bool uvf_queue_put_skb(struct uvf_queue *queue, struct sk_buff *skb);

/* Has NAPI run. With softirqs off. */
void uvf_queue_kick(struct uvf_queue *queue);

/* Adds the queue's counts to a sum, and a burst's to the queue. */
void uvf_queue_counts(const struct uvf_queue *queue, struct uvf_counts *sum);
void uvf_queue_count(struct uvf_queue *queue, const struct uvf_counts *burst);

#endif /* UVF_QUEUE_H */

// SPDX-License-Identifier: GPL-2.0-only
/*
 * The life of a queue.
 *
 * Producers, the uplink's handler and DEVMAP, run on any processor in softirq. One lock of the
 * ring's, held for a burst, is between them; `open` is read and written under it, so that after
 * close nothing comes in any more and what is in the ring can be freed without waiting for RCU.
 * The only consumer is NAPI, or RTNL while NAPI is disabled.
 */
#include "queue.h"
#include "compat/compat.h"
#include "function.h"
#include "netdev.h"
#include "rx.h"
#include "trace.h"
#include "tx.h"

#include <linux/rtnetlink.h>
#include <net/xdp_sock_drv.h>

static enum hrtimer_restart waited_enough(struct hrtimer *timer);

struct uvf_queue *uvf_queue_create(struct uvf_netdev *un, u16 index)
{
	struct uvf_queue *queue;

	queue = kzalloc(sizeof(*queue), GFP_KERNEL);
	if (!queue)
		return NULL;
	queue->un = un;
	queue->index = index;
	u64_stats_init(&queue->syncp);
	if (uvf_ring_init(&queue->ring)) {
		kfree(queue);
		return NULL;
	}
	uvf_compat_timer_setup(&queue->timer, waited_enough);
	uvf_tx_init(queue);
	netif_napi_add(un->dev, &queue->napi, uvf_rx_poll);
	return queue;
}

/* NAPI is deleted by now, or is here; who looks one up by its id does so under RCU. */
void uvf_queue_free(struct uvf_queue *queue)
{
	__netif_napi_del(&queue->napi);
	uvf_ring_free(&queue->ring);
	kfree_rcu(queue, rcu);
}

static int register_memory(struct uvf_queue *queue)
{
	return xdp_rxq_info_reg_mem_model(
		&queue->rxq, queue->pool ? MEM_TYPE_XSK_BUFF_POOL : MEM_TYPE_PAGE_SHARED, NULL);
}

/* With the ring closed nobody schedules NAPI but an AF_XDP socket, and not before we are up. */
int uvf_queue_open(struct uvf_queue *queue)
{
	int err;

	napi_enable(&queue->napi);
	/* Only now does NAPI have its id, on newer kernels. */
	err = xdp_rxq_info_reg(&queue->rxq, queue->un->dev, queue->index, queue->napi.napi_id);
	if (err)
		goto err_napi;
	err = register_memory(queue);
	if (err)
		goto err_rxq;
	spin_lock_bh(&queue->ring.lock);
	queue->open = true;
	spin_unlock_bh(&queue->ring.lock);
	return 0;

err_rxq:
	xdp_rxq_info_unreg(&queue->rxq);
err_napi:
	napi_disable(&queue->napi);
	return err;
}

static void drain(struct uvf_queue *queue)
{
	void *const *entry;

	for (; uvf_ring_peek(&queue->ring, &entry, 1); uvf_ring_release(&queue->ring, 1)) {
		if (uvf_ring_is_skb(*entry))
			kfree_skb(uvf_ring_to_skb(*entry));
		else
			xdp_return_frame(*entry);
		dev_core_stats_rx_dropped_inc(queue->un->dev);
	}
}

void uvf_queue_close(struct uvf_queue *queue)
{
	spin_lock_bh(&queue->ring.lock);
	queue->open = false;
	queue->held = 0;
	spin_unlock_bh(&queue->ring.lock);
	hrtimer_cancel(&queue->timer);
	napi_disable(&queue->napi);
	uvf_tx_stop(queue);
	drain(queue);
	xdp_rxq_info_unreg(&queue->rxq);
}

/*
 * By the queue's vector: NAPI runs where that is bound to. While it runs already it is made to run
 * again, wherever that is; and here, when there is no vector.
 */
void uvf_queue_kick(struct uvf_queue *queue)
{
	if (test_bit(NAPI_STATE_SCHED, &queue->napi.state) ||
	    !uvf_irq_raise(queue->un->function, 1 + queue->index))
		napi_schedule(&queue->napi);
}

static void wake(struct uvf_queue *queue)
{
	local_bh_disable();
	uvf_queue_kick(queue);
	local_bh_enable();
}

int uvf_queue_set_pool(struct uvf_queue *queue, struct xsk_buff_pool *pool)
{
	bool running = netif_running(queue->un->dev);
	int err = 0;

	ASSERT_RTNL();
	if (pool)
		xsk_pool_set_rxq_info(pool, &queue->rxq);
	if (!running) {
		queue->pool = pool;
		return 0;
	}
	napi_disable(&queue->napi);
	xdp_rxq_info_unreg_mem_model(&queue->rxq);
	queue->pool = pool;
	err = register_memory(queue);
	if (err) {
		/* Registering ordinary memory, as it was before, allocates nothing. */
		queue->pool = NULL;
		register_memory(queue);
	}
	napi_enable(&queue->napi);
	/* Frames came in meanwhile, and their wake-ups were lost. */
	wake(queue);
	return err;
}

/* --- producers ---------------------------------------------------------------------------- */

/* Under the ring's lock. */
static void count_full(struct uvf_queue *queue, int n)
{
	WRITE_ONCE(queue->full, queue->full + n);
	while (n--)
		trace_uvf_drop(queue->un->dev, queue->index, UVF_DROP_RX_RING_FULL);
}

/*
 * Whether NAPI is to run for `n` frames just put into the ring, or they may wait for others. The
 * timer begins with the first. Under the ring's lock.
 */
static bool due(struct uvf_queue *queue, int n)
{
	u32 usecs = READ_ONCE(queue->un->rx_usecs);

	if (likely(!usecs && !queue->held))
		return true;
	if (!usecs || queue->held + n >= READ_ONCE(queue->un->rx_frames)) {
		queue->held = 0;
		return true;
	}
	if (!queue->held)
		hrtimer_start(&queue->timer, ns_to_ktime((u64)usecs * NSEC_PER_USEC),
			      HRTIMER_MODE_REL_SOFT);
	queue->held += n;
	return false;
}

static enum hrtimer_restart waited_enough(struct hrtimer *timer)
{
	struct uvf_queue *queue = container_of(timer, struct uvf_queue, timer);

	spin_lock(&queue->ring.lock);
	queue->held = 0;
	spin_unlock(&queue->ring.lock);
	uvf_queue_kick(queue);
	return HRTIMER_NORESTART;
}

int uvf_queue_put_frames(struct uvf_queue *queue, struct xdp_frame **frames, int n)
{
	bool now = false;
	int taken = 0;

	spin_lock(&queue->ring.lock);
	if (likely(queue->open))
		taken = uvf_ring_put(&queue->ring, (void **)frames, n);
	if (unlikely(taken < n))
		count_full(queue, n - taken);
	if (likely(taken))
		now = due(queue, taken);
	spin_unlock(&queue->ring.lock);
	/* While NAPI runs this makes it run again: no entry is left behind. */
	if (likely(now))
		uvf_queue_kick(queue);
	return taken;
}

bool uvf_queue_put_skb(struct uvf_queue *queue, struct sk_buff *skb)
{
	void *entry = uvf_ring_skb(skb);
	bool taken, now;

	spin_lock(&queue->ring.lock);
	taken = queue->open && uvf_ring_put(&queue->ring, &entry, 1);
	if (unlikely(!taken))
		count_full(queue, 1);
	now = taken && due(queue, 1);
	spin_unlock(&queue->ring.lock);
	if (likely(now))
		uvf_queue_kick(queue);
	return taken;
}

/* --- counts ------------------------------------------------------------------------------- */

static void add_counts(struct uvf_counts *to, const struct uvf_counts *from)
{
	int i;

	to->rx_packets += from->rx_packets;
	to->rx_bytes += from->rx_bytes;
	to->multicast += from->multicast;
	to->tx_packets += from->tx_packets;
	to->tx_bytes += from->tx_bytes;
	if (from->drops)
		for (i = 0; i < UVF_NR_DROPS; i++)
			to->drop[i] += from->drop[i];
	to->drops += from->drops;
}

void uvf_queue_counts(const struct uvf_queue *queue, struct uvf_counts *sum)
{
	struct uvf_counts counts;
	unsigned int start;

	do {
		start = u64_stats_fetch_begin(&queue->syncp);
		counts = queue->counts;
	} while (u64_stats_fetch_retry(&queue->syncp, start));
	counts.drop[UVF_DROP_RX_RING_FULL] = READ_ONCE(queue->full);
	counts.drops += counts.drop[UVF_DROP_RX_RING_FULL];
	add_counts(sum, &counts);
}

/* The writer is NAPI alone. */
void uvf_queue_count(struct uvf_queue *queue, const struct uvf_counts *burst)
{
	u64_stats_update_begin(&queue->syncp);
	add_counts(&queue->counts, burst);
	u64_stats_update_end(&queue->syncp);
}

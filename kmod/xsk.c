// SPDX-License-Identifier: GPL-2.0-only
/*
 * AF_XDP in zero-copy mode.
 *
 * "Zero" is the socket's word. A received frame is copied into the UMEM once, because it lies in
 * the uplink's memory and the UMEM belongs to one appliance. A sent frame is copied out of it
 * once, because the uplink completes it in its own time while the owner may write to its UMEM at
 * any time. So completion is immediate, and no buffer of the UMEM is held from one NAPI run to
 * the next.
 */
#include "xsk.h"
#include "burst.h"
#include "compat/multibuf.h"
#include "limit.h"
#include "multibuf.h"
#include "netdev.h"
#include "netlink.h"
#include "sibling.h"
#include "tx.h"
#include "xdp.h"

#include <linux/dma-mapping.h>
#include <linux/if_vlan.h>
#include <linux/rtnetlink.h>
#include <net/xdp_sock_drv.h>

/* --- binding ------------------------------------------------------------------------------ */

static int max_mtu(struct xsk_buff_pool *pool)
{
	u32 size = min_t(u32, uvf_multibuf_max(pool), UVF_XDP_MAX_LEN);

	/* The owner chooses its headroom, up to all of a chunk. */
	return size > VLAN_ETH_HLEN ? size - VLAN_ETH_HLEN : 0;
}

/* A pool that has no user any more stays until a work item of the core's finds time. */
static bool in_use(const struct xsk_buff_pool *pool)
{
	return pool && refcount_read(&pool->users);
}

int uvf_xsk_max_mtu(const struct uvf_netdev *un)
{
	int i, max = INT_MAX;

	ASSERT_RTNL();
	for (i = 0; i < un->nr_queues; i++)
		if (in_use(un->queue[i]->pool))
			max = min(max, max_mtu(un->queue[i]->pool));
	return max;
}

/*
 * For the netdev itself. Its PCI device's mappings have to be gone when a driver lets go of that,
 * and sockets live on. Of no bus, it was given no mask; there is no hardware to do with less, nor
 * to synchronize with: we copy.
 */
static int map(struct device *dev, struct xsk_buff_pool *pool)
{
	int err = dma_coerce_mask_and_coherent(dev, DMA_BIT_MASK(64));

	return err ?: xsk_pool_dma_map(pool, dev, DMA_ATTR_SKIP_CPU_SYNC);
}

static int enable(struct uvf_netdev *un, struct uvf_queue *queue, struct xsk_buff_pool *pool)
{
	int err;

	if (queue->pool)
		return -EBUSY;
	if (un->dev->mtu > max_mtu(pool))
		return -EMSGSIZE;
	err = map(&un->dev->dev, pool);
	if (err)
		return err;
	err = uvf_queue_set_pool(queue, pool);
	if (err) {
		xsk_pool_dma_unmap(pool, DMA_ATTR_SKIP_CPU_SYNC);
		return err;
	}
	uvf_netlink_notify(un, UVF_CMD_FUNCTION_CHANGE_NTF);
	return 0;
}

static int disable(struct uvf_netdev *un, struct uvf_queue *queue)
{
	struct xsk_buff_pool *pool = queue->pool;

	if (!pool)
		return -EINVAL;
	uvf_queue_set_pool(queue, NULL);
	xsk_pool_dma_unmap(pool, DMA_ATTR_SKIP_CPU_SYNC);
	uvf_netlink_notify(un, UVF_CMD_FUNCTION_CHANGE_NTF);
	return 0;
}

int uvf_xsk_set_pool(struct net_device *dev, struct xsk_buff_pool *pool, u16 index)
{
	struct uvf_netdev *un = netdev_priv(dev);

	ASSERT_RTNL();
	if (index >= un->nr_queues)
		return -EINVAL;
	return pool ? enable(un, un->queue[index], pool) : disable(un, un->queue[index]);
}

/* --- running ------------------------------------------------------------------------------ */

/* Both directions are NAPI's: the flags make no difference. From a system call, under RCU. */
int uvf_xsk_wakeup(struct net_device *dev, u32 index, u32 flags)
{
	struct uvf_netdev *un = netdev_priv(dev);

	if (!netif_running(dev))
		return -ENETDOWN;
	if (index >= READ_ONCE(un->nr_queues) || !READ_ONCE(un->queue[index]->pool))
		return -EINVAL;
	/* On the vector's processor, enabling softirqs runs NAPI: the frames are on their way. */
	local_bh_disable();
	uvf_queue_kick(un->queue[index]);
	local_bh_enable();
	return 0;
}

static void *data_of(struct uvf_burst *burst, const struct xdp_desc *desc)
{
	/* The core has checked address and length, and read them once. */
	return xsk_buff_raw_get_data(burst->queue->pool, desc->addr);
}

/* A frame in `n` descriptors. It is put together, so that an uplink needs no fragments. */
static noinline void transmit(struct uvf_burst *burst, const struct xdp_desc *desc, unsigned int n)
{
	struct xdp_buff xdp;
	unsigned int i;
	u32 len = 0;
	void *to;

	for (i = 0; i < n; i++)
		len += desc[i].len;
	if (unlikely(len > burst->queue->un->dev->mtu + VLAN_ETH_HLEN)) {
		uvf_burst_drop(burst, UVF_DROP_TX_INVALID);
		return;
	}
	if (unlikely(!uvf_tx_alloc(&xdp, len))) {
		uvf_burst_drop(burst, UVF_DROP_TX_NO_MEMORY);
		return;
	}
	for (i = 0, to = xdp.data; i < n; to += desc[i++].len)
		memcpy(to, data_of(burst, &desc[i]), desc[i].len);
	if (likely(!uvf_tx_buff(burst, &xdp)))
		return;
	xdp_return_buff(&xdp);
	uvf_burst_drop(burst, UVF_DROP_TX_INVALID);
}

/* The descriptors of the frame that begins at `desc`. */
static unsigned int nr_descriptors(const struct xdp_desc *desc, unsigned int n)
{
	unsigned int i = 0;

	while (uvf_compat_continues(&desc[i]) && i + 1 < n)
		i++;
	return i + 1;
}

static void charge(struct uvf_netdev *un, const struct xdp_desc *desc, unsigned int n)
{
	unsigned int i, frames = 0;
	u32 bytes = 0;

	for (i = 0; i < n; i++) {
		bytes += desc[i].len;
		frames += !uvf_compat_continues(&desc[i]);
	}
	uvf_limit_charge(un, frames, bytes);
}

static noinline void transmit_batch(struct uvf_burst *burst, unsigned int n)
{
	struct xsk_buff_pool *pool = burst->queue->pool;
	const struct xdp_desc *desc;
	struct uvf_burst peer;
	unsigned int i, k;

	peer.queue = NULL; /* the rest is for who takes one over */
	for (i = 0; i < n; i += k) {
		desc = &pool->tx_descs[i];
		k = nr_descriptors(desc, n - i);
		if (k > 1 || !uvf_sibling_copy(burst, &peer, data_of(burst, desc), desc->len))
			transmit(burst, desc, k);
	}
	uvf_sibling_done(&peer);
	xsk_tx_completed(pool, n);
}

enum outcome {
	OUTCOME_DONE,
	OUTCOME_MORE,  /* may be waiting: the budget is spent */
	OUTCOME_WAITS, /* for a timer of ours */
};

/* How long a frame is shows when it has left the ring: so they are taken by as few as can be. */
static noinline enum outcome transmit_limited(struct uvf_burst *burst, unsigned int max)
{
	struct xsk_buff_pool *pool = burst->queue->pool;
	struct uvf_netdev *un = burst->queue->un;
	unsigned int n, done, step;
	u64 wait;

	step = uvf_compat_pool_has_sg(pool) ? UVF_COMPAT_MAX_SEGMENTS : 1;
	/* The last step may go beyond it. */
	max = min(max, UVF_TX_MAX - step + 1);
	for (done = 0; done < max; done += n) {
		wait = uvf_limit_wait(un);
		if (wait) {
			uvf_tx_wait(burst->queue, wait, done);
			return OUTCOME_WAITS;
		}
		n = xsk_tx_peek_release_desc_batch(pool, step);
		if (!n)
			return OUTCOME_DONE;
		charge(un, pool->tx_descs, n);
		transmit_batch(burst, n);
	}
	return OUTCOME_MORE;
}

/* Mostly there is nothing to send: NAPI runs for what came in. */
static enum outcome transmit_all(struct uvf_burst *burst, int budget)
{
	unsigned int n, max = min(budget, UVF_TX_MAX);

	/* There is room for all of these frames only when none are left over. */
	uvf_tx_flush(burst);
	if (unlikely(burst->queue->nr_tx))
		return OUTCOME_WAITS;
	if (uvf_limit_is_on(burst->queue->un))
		return transmit_limited(burst, max);
	n = xsk_tx_peek_release_desc_batch(burst->queue->pool, max);
	if (n)
		transmit_batch(burst, n);
	return n == max ? OUTCOME_MORE : OUTCOME_DONE;
}

bool uvf_xsk_transmit(struct uvf_burst *burst, int budget)
{
	struct xsk_buff_pool *pool = burst->queue->pool;
	enum outcome outcome;

	if (!xsk_uses_need_wakeup(pool))
		return transmit_all(burst, budget) == OUTCOME_MORE;
	xsk_clear_tx_need_wakeup(pool);
	outcome = transmit_all(burst, budget);
	if (outcome != OUTCOME_DONE)
		return outcome == OUTCOME_MORE;
	xsk_set_tx_need_wakeup(pool);
	/*
	 * The flag before the look at the ring. Pairs with the owner's order: the descriptor
	 * first, then its look at the flag. One of us sees the other.
	 */
	smp_mb();
	outcome = transmit_all(burst, budget);
	if (unlikely(outcome == OUTCOME_WAITS))
		xsk_clear_tx_need_wakeup(pool);
	return outcome == OUTCOME_MORE;
}

/*
 * Frames are not kept for an owner that does not fill: they are memory of the uplink's. So the
 * flag is a hint to the owner, whose wake-up then clears it.
 */
void uvf_xsk_need_rx(const struct uvf_burst *burst)
{
	struct xsk_buff_pool *pool = burst->queue->pool;

	if (!xsk_uses_need_wakeup(pool))
		return;
	if (burst->fill_empty)
		xsk_set_rx_need_wakeup(pool);
	else if (xsk_buff_can_alloc(pool, 1))
		xsk_clear_rx_need_wakeup(pool);
}

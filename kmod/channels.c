// SPDX-License-Identifier: GPL-2.0-only
/*
 * The queues of a function.
 *
 * Their number changes under traffic. A queue is made when it is first asked for, and stays until
 * the netdev goes: what is no longer in use is closed, but keeps its counts, and who has just
 * found it through the old number still finds a queue, that takes nothing.
 */
#include "channels.h"

#include <linux/netdevice.h>
#include <linux/rtnetlink.h>

static struct uvf_queue *made(struct uvf_netdev *un, unsigned int index)
{
	if (!un->queue[index])
		/* Pairs with the READ_ONCE in uvf_channels_counts(), whose reads depend on it. */
		smp_store_release(&un->queue[index], uvf_queue_create(un, index));
	return un->queue[index];
}

static int start(struct uvf_netdev *un, unsigned int index)
{
	struct uvf_queue *queue = made(un, index);

	if (!queue)
		return -ENOMEM;
	return netif_running(un->dev) ? uvf_queue_open(queue) : 0;
}

static void stop(struct uvf_netdev *un, unsigned int from, unsigned int to)
{
	while (netif_running(un->dev) && to-- > from)
		uvf_queue_close(un->queue[to]);
}

static int grow(struct uvf_netdev *un, unsigned int nr)
{
	unsigned int i;
	int err;

	for (i = un->nr_queues; i < nr; i++) {
		err = start(un, i);
		if (err)
			goto err_queues;
	}
	err = netif_set_real_num_queues(un->dev, nr, nr);
	if (err)
		goto err_queues;
	/* Pairs with the READ_ONCE in uvf_channel(): the queues are complete. */
	smp_store_release(&un->nr_queues, nr);
	return 0;

err_queues:
	stop(un, un->nr_queues, i);
	return err;
}

static int shrink(struct uvf_netdev *un, unsigned int nr)
{
	unsigned int old = un->nr_queues;
	int err;

	err = netif_set_real_num_queues(un->dev, nr, nr);
	if (err)
		return err;
	WRITE_ONCE(un->nr_queues, nr);
	stop(un, nr, old);
	return 0;
}

int uvf_channels_set(struct uvf_netdev *un, unsigned int nr)
{
	if (nr > un->nr_queues)
		return grow(un, nr);
	return nr < un->nr_queues ? shrink(un, nr) : 0;
}

void uvf_channels_exit(struct uvf_netdev *un)
{
	int i;

	un->nr_queues = 0;
	for (i = 0; i < UVF_MAX_QUEUES && un->queue[i]; i++) {
		uvf_queue_free(un->queue[i]);
		un->queue[i] = NULL;
	}
}

int uvf_channels_open(struct uvf_netdev *un)
{
	int i, err;

	for (i = 0; i < un->nr_queues; i++) {
		err = uvf_queue_open(un->queue[i]);
		if (err)
			goto err_queues;
	}
	return 0;

err_queues:
	while (i--)
		uvf_queue_close(un->queue[i]);
	return err;
}

void uvf_channels_close(struct uvf_netdev *un)
{
	int i;

	for (i = un->nr_queues - 1; i >= 0; i--)
		uvf_queue_close(un->queue[i]);
}

void uvf_channels_counts(const struct uvf_netdev *un, struct uvf_counts *counts)
{
	struct uvf_queue *queue;
	int i;

	memset(counts, 0, sizeof(*counts));
	for (i = 0; i < UVF_MAX_QUEUES; i++) {
		queue = READ_ONCE(un->queue[i]);
		if (!queue)
			break;
		uvf_queue_counts(queue, counts);
	}
	counts->drop[UVF_DROP_TX_LIMIT] += atomic64_read(&un->skbs_over_limit);
}

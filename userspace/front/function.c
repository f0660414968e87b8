// SPDX-License-Identifier: GPL-2.0-only
/*
 * The function's side: a session with uvfd, and a queue for each pair of virtqueues. Where there
 * are more pairs than queues, they share one; a flow stays on one pair then.
 */
#include "front.h"

#include <arpa/inet.h>
#include <netinet/ip.h>
#include <string.h>

#include <linux/if_ether.h>

#include "why.h"

/* Each queue moves into a part of its own, so that it can be received from and sent by alone. */
static int queue_split(struct front *front, struct queue *queue)
{
	uint32_t frames = 4096;
	int err = uvf__split(&queue->uvf, front->uvf, frames);

	return err ?: uvf_dev__split(&queue->dev, front->dev, queue->uvf, 1, 1);
}

static int queues_open(struct front *front, unsigned int pairs)
{
	unsigned int there = uvf_dev__queues(front->dev);
	int err = 0;

	front->queues = there < pairs ? there : pairs;
	front->queue[0] = (struct queue){ .uvf = front->uvf, .dev = front->dev };
	for (unsigned int i = 1; i < front->queues && !err; i++)
		err = queue_split(front, &front->queue[i]);
	return err;
}

static void lane_give(struct front *front, unsigned int index)
{
	struct lane *lane = &front->lane[index];

	lane->front = front;
	lane->index = index;
	lane->queue = &front->queue[index / 2 % front->queues];
	lane->count = &front->counters->ring[index];
	if (lane_receives(lane))
		lane->queue->lane[lane->queue->lanes++] = lane;
	vring_init(&lane->ring, &front->guest, index);
}

int function_open(struct front *front, const char *function, unsigned int pairs)
{
	struct uvf_opts opts = { .size = sizeof(opts), .frames = 8192 * (pairs > 1 ? 4 : 1) };
	int err = uvf__open(&front->uvf, &opts);

	if (!err)
		err = uvf_dev__open(&front->dev, front->uvf, function);
	if (err)
		return uvf_fail(-err, "%s", uvf__why());
	if (!pairs)
		pairs = uvf_dev__queues(front->dev);
	if (pairs > FRONT_PAIRS)
		pairs = FRONT_PAIRS;
	err = queues_open(front, pairs);
	if (err)
		return uvf_fail(-err, "%s", uvf__why());
	front->lanes = 2 * pairs;
	front->counters->pairs = pairs;
	for (unsigned int i = 0; i < front->lanes; i++)
		lane_give(front, i);
	return 0;
}

void function_close(struct front *front)
{
	uvf__close(front->uvf);
	front->uvf = NULL;
}

/* --- receiving -------------------------------------------------------------------------------- */

static uint32_t word_at(const uint8_t *data)
{
	uint32_t word;

	memcpy(&word, data, sizeof(word));
	return word;
}

static bool has_ports(const struct iphdr *ip)
{
	return ip->ihl == 5 && !(ip->frag_off & htons(IP_MF | IP_OFFMASK)) &&
	       (ip->protocol == IPPROTO_TCP || ip->protocol == IPPROTO_UDP);
}

/* The same for all frames of a flow of IPv4, which is told by addresses and ports. */
static uint32_t flow_hash(const uint8_t *data, uint32_t len)
{
	const struct ethhdr *eth = (const void *)data;
	const struct iphdr *ip = (const void *)(eth + 1);
	const uint8_t *ports = (const uint8_t *)(ip + 1);
	uint32_t hash;

	if (len < sizeof(*eth) + sizeof(*ip) + 4 || eth->h_proto != htons(ETH_P_IP))
		return 0;
	hash = word_at((const uint8_t *)&ip->saddr) * 0x9e3779b1;
	hash = (hash ^ word_at((const uint8_t *)&ip->daddr)) * 0x85ebca6b;
	if (has_ports(ip))
		hash = (hash ^ word_at(ports)) * 0xc2b2ae35;
	return hash >> 16;
}

static bool is_open(const struct lane *lane)
{
	return lane->way && lane->ring.enabled;
}

static unsigned int lanes_open(const struct queue *queue, struct lane **open)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < queue->lanes; i++)
		if (is_open(queue->lane[i]))
			open[n++] = queue->lane[i];
	return n;
}

/* A guest that leaves one ring without buffers loses that ring's frames, not those of others. */
static void lane_add(struct lane *lane, const struct uvf_frame *frame)
{
	if (lane->first + lane->frames == BURST) {
		memmove(lane->frame, lane->frame + lane->first,
			lane->frames * sizeof(*lane->frame));
		lane->first = 0;
	}
	if (lane->frames < BURST) {
		lane->frame[lane->first + lane->frames++] = *frame;
		return;
	}
	lane->count->dropped++;
	uvf__free(lane->queue->uvf, frame, 1);
}

static void queue_spread(struct queue *queue)
{
	struct lane *open[FRONT_PAIRS];
	struct uvf_frame frame[BURST];
	unsigned int lanes = lanes_open(queue, open), n;

	n = uvf_dev__rx(queue->dev, frame, BURST);
	for (unsigned int i = 0; i < n; i++) {
		uint32_t hash = flow_hash(uvf__data(queue->uvf, &frame[i]), frame[i].len);

		lane_add(open[hash % lanes], &frame[i]);
	}
}

unsigned int function_receive(struct lane *lane)
{
	if (lane->frames)
		return lane->frames;
	lane->first = 0;
	if (lane->queue->lanes == 1)
		lane->frames = uvf_dev__rx(lane->queue->dev, lane->frame, BURST);
	else
		queue_spread(lane->queue);
	return lane->frames;
}

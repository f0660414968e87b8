// SPDX-License-Identifier: GPL-2.0-only
/*
 * The function's side: a session with uvfd, and a queue for each pair of virtqueues. Where there
 * are more pairs than queues, they share one; a flow stays on one pair then.
 */
#include "shim.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/ip.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/if_ether.h>

#include "why.h"

#define FRAMES 8192
#define PART_FRAMES 4096

/* What a successor must know before it may open the function: see function_open(). */
struct kept {
	uint32_t magic;
	uint32_t queues;
	struct uvf_dev_info info;
	struct shim_kept lane[FRONT_RINGS] __attribute__((aligned(64)));
};

#define KEPT_MAGIC 0x75766633 /* the layout */

/* --- opening ---------------------------------------------------------------------------------- */

/* Each queue moves into a part of its own, so that it can be received from and sent by alone. */
static int queue_split(struct front *front, struct queue *queue)
{
	int err = queue->uvf ? 0 : uvf__split(&queue->uvf, front->uvf, PART_FRAMES);

	return err ?: uvf_dev__split(&queue->dev, front->dev, queue->uvf, 1, 1);
}

static int queues_open(struct front *front)
{
	int err = 0;

	front->queue[0].uvf = front->uvf;
	front->queue[0].dev = front->dev;
	for (unsigned int i = 1; i < front->queues && !err; i++)
		err = queue_split(front, &front->queue[i]);
	return err;
}

static int dev_open(struct front *front)
{
	int err = uvf_dev__open(&front->dev, front->uvf, front->counters->function);

	if (err) {
		uvf_fail(-err, "%s", uvf__why());
		return err;
	}
	front->info = *uvf_dev__info(front->dev);
	if (!front->function_queues)
		front->function_queues = uvf_dev__queues(front->dev);
	return 0;
}

static int queues_give(struct front *front)
{
	int err = queues_open(front);

	if (err)
		return uvf_fail(-err, "%s", uvf__why());
	return front->base ? loop_watch_queues(front) : 0;
}

static void lane_give(struct front *front, unsigned int index)
{
	struct kept *kept = uvf__kept(front->uvf);
	struct lane *lane = &front->lane[index];

	lane->front = front;
	lane->index = index;
	lane->queue = &front->queue[index / 2 % front->queues];
	lane->count = &front->counters->ring[index];
	if (lane_receives(lane))
		lane->queue->lane[lane->queue->lanes++] = lane;
	front->shim[index].kept = &kept->lane[index];
	lane->state = &front->shim[index];
	vring_init(&lane->ring, &front->guest, index);
}

static void lanes_give(struct front *front, unsigned int pairs)
{
	if (!pairs)
		pairs = front->function_queues ?: 1;
	if (pairs > FRONT_PAIRS)
		pairs = FRONT_PAIRS;
	front->queues = front->function_queues && front->function_queues < pairs ?
				front->function_queues : pairs;
	front->lanes = 2 * pairs;
	front->counters->pairs = pairs;
	for (unsigned int i = 0; i < front->lanes; i++)
		lane_give(front, i);
}

/*
 * A predecessor's sockets lead into guest memory, which is not here yet: they are opened when it
 * is. Meanwhile what it had kept tells what the function is.
 */
static bool is_left_mapped(struct front *front)
{
	const struct kept *kept = uvf__kept(front->uvf);
	struct uvf_account account;

	uvf__account(front->uvf, &account);
	if (!account.mapped || front->shim_wanted == SHIM_OFF || kept->magic != KEPT_MAGIC ||
	    !kept->queues || kept->queues > FRONT_PAIRS * 2)
		return false;
	front->function_queues = kept->queues;
	front->info = kept->info;
	return true;
}

/* A predecessor's in-flight regions hold for rings that are copied, too; what it lent does not. */
static void keep(struct front *front)
{
	struct kept *kept = uvf__kept(front->uvf);
	struct uvf_account account;

	uvf__account(front->uvf, &account);
	if (!account.resumed || kept->magic != KEPT_MAGIC)
		memset(kept, 0, sizeof(*kept));
	for (unsigned int i = 0; i < FRONT_RINGS; i++)
		memset(kept->lane[i].entry, 0, sizeof(kept->lane[i].entry));
	kept->queues = front->function_queues;
	kept->info = front->info;
	__atomic_store_n(&kept->magic, KEPT_MAGIC, __ATOMIC_RELEASE);
}

int function_open(struct front *front, unsigned int pairs)
{
	struct uvf_opts opts = {
		.size = sizeof(opts),
		.frames = FRAMES * (pairs > 1 ? 4 : 1),
		.keep = sizeof(struct kept),
	};
	int err = uvf__open(&front->uvf, &opts);
	bool left;

	front->shim = calloc(FRONT_RINGS, sizeof(*front->shim));
	if (!front->shim)
		return uvf_fail(ENOMEM, "no memory for %d virtqueues", FRONT_RINGS);
	if (err)
		return uvf_fail(-err, "%s", uvf__why());
	left = is_left_mapped(front);
	if (!left)
		err = dev_open(front);
	if (err)
		return err;
	if (!left)
		keep(front);
	lanes_give(front, pairs);
	return left ? 0 : queues_give(front);
}

void function_close(struct front *front)
{
	uvf__close(front->uvf);
	front->uvf = NULL;
	front->dev = NULL;
	free(front->shim);
	front->shim = NULL;
}

/* --- guest memory as the UMEM ----------------------------------------------------------------- */

void function_quiesce(struct front *front)
{
	if (!front->dev)
		return;
	loop_forget_queues(front);
	uvf_dev__close(front->dev);
	front->dev = NULL;
	standby_lost(front);
	for (unsigned int i = 0; i < front->queues; i++)
		front->queue[i].dev = NULL;
}

/* As guest memory is now; its files in the order of their numbers. -E2BIG: there are too many. */
static int memories_list(struct front *front, struct uvf_memory *memory, uint8_t **at,
			 uint64_t *mapping)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < GUEST_FILES; i++) {
		const struct guest_file *file = &front->guest.file[i];

		if (!file->map)
			continue;
		if (n == UVF_MEMORIES)
			return uvf_fail(E2BIG, "guest memory is in more than %d files",
					UVF_MEMORIES);
		memory[n] = (struct uvf_memory){ .fd = file->fd, .size = file->size & -4096ULL };
		mapping[n] = file->mapping;
		at[n++] = file->map;
	}
	return n;
}

/* Address and descriptor of what has gone may be those of what came. */
static bool is_mapped_already(const struct front *front, const uint64_t *mapping, unsigned int n)
{
	return front->mapped && front->dev && n == front->memories &&
	       !memcmp(mapping, front->mapping, n * sizeof(*mapping));
}

/* An Ethernet header, a VLAN tag, and the MTU: longer frames a function has none. */
static uint32_t frame_max(const struct front *front)
{
	return front->info.mtu + ETH_HLEN + 4;
}

static int map(struct front *front, struct uvf_memory *memory, uint8_t *const *at, unsigned int n)
{
	int err = uvf__map(front->uvf, memory, n, frame_max(front));

	if (err)
		return uvf_fail(-err, "%s", uvf__why());
	memcpy(front->memory, memory, n * sizeof(*memory));
	memcpy(front->memory_at, at, n * sizeof(*at));
	front->memories = n;
	front->frame_max = frame_max(front);
	front->mapped = true;
	return 0;
}

static int check_shim(const struct front *front)
{
	if (front->shim_wanted == SHIM_OFF)
		return uvf_fail(ENOTSUP, "--shim off");
	if (front->lanes / 2 != front->function_queues)
		return uvf_fail(ENOTSUP, "%u queue pairs are offered, and %s has %u queues",
				front->lanes / 2, front->counters->function,
				front->function_queues);
	return 0;
}

/* The sockets have no memory but the session's. */
static int open_unmapped(struct front *front)
{
	int err = 0;

	snprintf(front->unmapped_why, sizeof(front->unmapped_why), "%s", uvf_why());
	if (front->shim_wanted == SHIM_REQUIRE)
		return uvf_fail(ENOTSUP, "not without a copy: %s", front->unmapped_why);
	if (front->dev && !front->mapped)
		return 0;
	function_quiesce(front);
	if (front->mapped)
		err = uvf__map(front->uvf, NULL, 0, 0);
	if (err)
		return uvf_fail(-err, "%s", uvf__why());
	front->mapped = false;
	return dev_open(front) ?: queues_give(front);
}

int function_prepare(struct front *front)
{
	struct uvf_memory memory[UVF_MEMORIES] = { 0 };
	uint8_t *at[UVF_MEMORIES] = { 0 };
	uint64_t mapping[UVF_MEMORIES];
	int n, err = check_shim(front);

	n = err ? err : memories_list(front, memory, at, mapping);
	if (n < 0)
		return open_unmapped(front);
	if (is_mapped_already(front, mapping, n))
		return 0;
	function_quiesce(front);
	memcpy(front->mapping, mapping, n * sizeof(*mapping));
	err = map(front, memory, at, n) ?: dev_open(front);
	return err ? open_unmapped(front) : queues_give(front);
}

void function_give_up(struct front *front)
{
	front->shim_wanted = front->shim_wanted == SHIM_AUTO ? SHIM_OFF : front->shim_wanted;
	open_unmapped(front);
}

int function_reopen(struct front *front)
{
	int err = dev_open(front) ?: queues_give(front);

	for (unsigned int i = 0; i < front->lanes && !err; i++)
		if (front->lane[i].way == &shim_receive || front->lane[i].way == &shim_send)
			shim_again(&front->lane[i]);
	return err;
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
	if (lane->first + lane->frames == HELD) {
		memmove(lane->frame, lane->frame + lane->first,
			lane->frames * sizeof(*lane->frame));
		lane->first = 0;
	}
	if (lane->frames < HELD) {
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

	n = lanes ? uvf_dev__rx(queue->dev, frame, BURST) : 0;
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

// SPDX-License-Identifier: GPL-2.0-only
/*
 * How much a function may send.
 *
 * A bucket is one number: until when the line would be busy with what was sent, at the rate that is
 * allowed (the virtual scheduling algorithm of ITU-T I.371, with a burst for its tolerance). While
 * that lies in the future nothing is sent; how far it may lie in the past is the burst. To charge a
 * frame is one compare-and-exchange, which no processor waits for another in.
 */
#include "limit.h"
#include "drop.h"
#include "trace.h"

#include <linux/atomic.h>
#include <linux/rtnetlink.h>
#include <linux/slab.h>
#include <linux/tcp.h>
#include <linux/udp.h>

DEFINE_STATIC_KEY_FALSE(uvf_limit_key);

/* Time has units of a 16th of ns, and what a byte takes 10 more bits: 36 years of uptime fit. */
#define UNIT_SHIFT 4
#define BYTE_SHIFT 10

/* Where the burst is not given, and for frames always: what comes in a fiftieth of a second. */
#define BURST_PART 50
#define BURST_LEAST 65536
#define FRAMES_LEAST 16

struct bucket {
	atomic64_t busy_until;
	u64 burst; /* time */
};

struct uvf_limit {
	u64 byte_time;
	u64 frame_time;
	struct bucket bytes;
	struct bucket frames;

	/* slow path */
	struct uvf_limit_words words;
	struct rcu_head rcu;
};

static u64 now(void)
{
	return ktime_get_ns() << UNIT_SHIFT;
}

/* --- setting ------------------------------------------------------------------------------ */

static struct uvf_limit *create(const struct uvf_limit_words *words)
{
	struct uvf_limit *limit = kzalloc(sizeof(*limit), GFP_KERNEL);
	u64 bytes, frames, second = (u64)NSEC_PER_SEC << UNIT_SHIFT;

	if (!limit)
		return NULL;
	limit->words = *words;
	if (words->rate) {
		/* Rounded up: never more than was asked for. */
		limit->byte_time = DIV64_U64_ROUND_UP((8 * second) << BYTE_SHIFT, words->rate);
		bytes = max_t(u64, div_u64(words->rate, 8 * BURST_PART), BURST_LEAST);
		bytes = words->burst ?: bytes;
		limit->bytes.burst = limit->byte_time * bytes >> BYTE_SHIFT;
	}
	if (words->pps) {
		limit->frame_time = DIV_ROUND_UP_ULL(second, words->pps);
		frames = max_t(u64, words->pps / BURST_PART, FRAMES_LEAST);
		limit->frames.burst = limit->frame_time * frames;
	}
	return limit;
}

/* What waits in transmit rings waits for a timer that may be far off. */
static void kick_queues(struct uvf_netdev *un)
{
	int i;

	local_bh_disable();
	for (i = 0; netif_running(un->dev) && i < un->nr_queues; i++)
		uvf_queue_kick(un->queue[i]);
	local_bh_enable();
}

int uvf_limit_set(struct uvf_netdev *un, const struct uvf_limit_words *words)
{
	struct uvf_limit *limit = NULL, *old = rtnl_dereference(un->limit);

	if (words->rate || words->pps) {
		limit = create(words);
		if (!limit)
			return -ENOMEM;
	}
	if (limit && !old)
		static_branch_inc(&uvf_limit_key);
	rcu_assign_pointer(un->limit, limit);
	if (old && !limit)
		static_branch_dec(&uvf_limit_key);
	if (old) {
		kfree_rcu(old, rcu);
		kick_queues(un);
	}
	return 0;
}

void uvf_limit_free(struct uvf_netdev *un)
{
	struct uvf_limit *limit = rcu_dereference_protected(un->limit, 1);

	RCU_INIT_POINTER(un->limit, NULL);
	if (limit)
		static_branch_dec(&uvf_limit_key);
	kfree(limit);
}

struct uvf_limit_words uvf_limit_get(const struct uvf_netdev *un)
{
	const struct uvf_limit *limit = rtnl_dereference(un->limit);

	return limit ? limit->words : (struct uvf_limit_words){};
}

/* --- sending ------------------------------------------------------------------------------ */

static u64 late(const struct bucket *bucket, u64 when)
{
	u64 busy_until = atomic64_read(&bucket->busy_until);

	return busy_until > when ? busy_until - when : 0;
}

static u64 wait(const struct uvf_limit *limit)
{
	u64 when = now();

	/* Up, so that it is not 0 before it is time. */
	return DIV_ROUND_UP_ULL(max(late(&limit->bytes, when), late(&limit->frames, when)),
				1 << UNIT_SHIFT);
}

static void fill(struct bucket *bucket, u64 time)
{
	u64 when = now(), earliest = when > bucket->burst ? when - bucket->burst : 0;
	s64 old = atomic64_read(&bucket->busy_until);

	while (!atomic64_try_cmpxchg(&bucket->busy_until, &old, max_t(u64, old, earliest) + time))
		;
}

static void charge(struct uvf_limit *limit, unsigned int frames, u32 bytes)
{
	if (limit->byte_time)
		fill(&limit->bytes, limit->byte_time * bytes >> BYTE_SHIFT);
	if (limit->frame_time)
		fill(&limit->frames, limit->frame_time * frames);
}

u64 uvf_limit_wait(const struct uvf_netdev *un)
{
	const struct uvf_limit *limit = rcu_dereference_bh(un->limit);

	return limit ? wait(limit) : 0;
}

void uvf_limit_charge(struct uvf_netdev *un, unsigned int frames, u32 bytes)
{
	struct uvf_limit *limit = rcu_dereference_bh(un->limit);

	if (limit)
		charge(limit, frames, bytes);
}

bool uvf_limit_take(struct uvf_netdev *un, u32 bytes)
{
	if (uvf_limit_wait(un))
		return false;
	uvf_limit_charge(un, 1, bytes);
	return true;
}

/* --- from the stack ----------------------------------------------------------------------- */

/* What is in front of each segment's payload. The skb may be a packet socket's, and lie. */
static unsigned int header_len(const struct sk_buff *skb)
{
	struct tcphdr buffer;
	const struct tcphdr *tcp;
	unsigned int offset;

	if (!skb_transport_header_was_set(skb))
		return 0;
	offset = skb->encapsulation ? skb_inner_transport_offset(skb) : skb_transport_offset(skb);
	if (!(skb_shinfo(skb)->gso_type & (SKB_GSO_TCPV4 | SKB_GSO_TCPV6)))
		return min_t(unsigned int, offset + sizeof(struct udphdr), skb->len);
	tcp = skb_header_pointer(skb, offset, sizeof(buffer), &buffer);
	return min(offset + (tcp ? __tcp_hdrlen(tcp) : 0), skb->len);
}

bool uvf_limit_take_skb(struct uvf_netdev *un, struct sk_buff *skb)
{
	unsigned int frames = 1, header = 0;

	if (unlikely(uvf_limit_wait(un))) {
		atomic64_inc(&un->skbs_over_limit);
		trace_uvf_drop(un->dev, skb_get_queue_mapping(skb), UVF_DROP_TX_LIMIT);
		kfree_skb(skb);
		return false;
	}
	if (skb_is_gso(skb)) {
		header = header_len(skb);
		frames = max(1U, DIV_ROUND_UP(skb->len - header, skb_shinfo(skb)->gso_size));
	}
	uvf_limit_charge(un, frames, skb->len + (frames - 1) * header);
	return true;
}

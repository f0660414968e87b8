/* SPDX-License-Identifier: GPL-2.0-only */
/* How much a function may send: a token bucket that its queues and the stack share. */
#ifndef UVF_LIMIT_H
#define UVF_LIMIT_H

#include "netdev.h"

#include <linux/jump_label.h>

/* As it was asked for; 0: no limit, or for the burst, what suits the rate. */
struct uvf_limit_words {
	u64 rate; /* bits a second */
	u32 pps;  /* frames a second */
	u32 burst; /* bytes */
};

/* Sets or, with zeroes, removes it. On an error all is as it was. Under RTNL. */
int uvf_limit_set(struct uvf_netdev *un, const struct uvf_limit_words *words);
struct uvf_limit_words uvf_limit_get(const struct uvf_netdev *un);

/* With its function, when nobody sends any more. */
void uvf_limit_free(struct uvf_netdev *un);

DECLARE_STATIC_KEY_FALSE(uvf_limit_key);

/* Costs nothing while no function has one. */
static inline bool uvf_limit_is_on(const struct uvf_netdev *un)
{
	return static_branch_unlikely(&uvf_limit_key) && rcu_access_pointer(un->limit);
}

/*
 * With softirqs off. How long, in ns, until something may be sent, 0: now. Whoever sends then
 * charges what it was, which may be more than is left: the next has to wait the longer. So two
 * processors may both send where there is enough for one; neither waits for the other.
 */
u64 uvf_limit_wait(const struct uvf_netdev *un);
void uvf_limit_charge(struct uvf_netdev *un, unsigned int frames, u32 bytes);

/* Both together, where nothing can wait: false, it is to be dropped. */
bool uvf_limit_take(struct uvf_netdev *un, u32 bytes);

/* Of a frame from the stack, which may be many; frees and counts what is too much. */
bool uvf_limit_take_skb(struct uvf_netdev *un, struct sk_buff *skb);

#endif /* UVF_LIMIT_H */

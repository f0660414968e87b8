/* SPDX-License-Identifier: GPL-2.0-only */
/* Rules: the best one that takes a frame. See include/uvf/steer.h for how they are laid out. */
#ifndef UVF_BPF_RULES_H
#define UVF_BPF_RULES_H

#include "flow.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2 * UVF_TUPLES);
	__type(key, __u32);
	__type(value, struct uvf_tuple);
} tuples SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 2 * UVF_RULE_KEYS);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct uvf_rule_key);
	__type(value, struct uvf_rule_entry);
} rules SEC(".maps");

/* Frames that a rule took. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, UVF_RULES);
	__type(key, __u32);
	__type(value, __u64);
} hits SEC(".maps");

#define FLOW_WORDS (sizeof(struct uvf_flow) / sizeof(__u64))

struct rule_walk {
	union {
		struct uvf_flow flow;
		__u64 words[FLOW_WORDS];
	};
	struct uvf_rule_entry *best;
	__u32 rank; /* of @best */
	__u32 bank;
	bool ports;
};

struct masked {
	__u64 words[FLOW_WORDS];
	__u32 tuple;
	__u32 bank;
};

_Static_assert(sizeof(struct masked) == sizeof(struct uvf_rule_key), "the key of rules, in words");

static long tuple_try(__u32 i, struct rule_walk *walk)
{
	__u32 at = walk->bank * UVF_TUPLES + i;
	struct uvf_tuple *tuple = bpf_map_lookup_elem(&tuples, &at);
	struct masked key = { .tuple = i, .bank = walk->bank };
	struct uvf_rule_entry *entry;
	const __u64 *mask;

	if (!tuple || walk->rank < tuple->best)
		return 1;
	if (tuple->ports && !walk->ports)
		return 0;
	mask = (const __u64 *)&tuple->mask;
	for (unsigned int w = 0; w < FLOW_WORDS; w++)
		key.words[w] = walk->words[w] & mask[w];
	entry = bpf_map_lookup_elem(&rules, &key);
	if (entry && entry->rank < walk->rank) {
		walk->best = entry;
		walk->rank = entry->rank;
	}
	return 0;
}

static __always_inline void uvf_rule_hit(__u32 index)
{
	__u64 *count = bpf_map_lookup_elem(&hits, &index);

	if (count)
		*count += 1;
}

/* @at: behind the Ethernet header and its tag, which says what @proto comes. */
static __always_inline struct uvf_rule_entry *uvf_rule_find(const void *at, const void *end,
							    __be16 proto, __u16 vlan)
{
	struct rule_walk walk = { .flow.vlan = vlan, .rank = ~0u };
	struct uvf_config *now = uvf_config_get();

	if (!now)
		return NULL;
	walk.bank = now->bank & 1;
	walk.ports = uvf_flow_read(at, end, proto, &walk.flow);
	bpf_loop(now->tuples[walk.bank], tuple_try, &walk, 0);
	return walk.best;
}

#endif /* UVF_BPF_RULES_H */

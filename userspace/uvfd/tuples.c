// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rules into the maps of an uplink: tuples, keys, and the exchange of banks. See
 * include/uvf/steer.h for what they are, and bpf/rules.h for who reads them.
 */
#include "steer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <linux/membarrier.h>

#include "why.h"

/* What rules look at: the key of the table of those seen so far. */
struct shape {
	struct uvf_flow mask;
	uint32_t ports;
	uint32_t index;
	UT_hash_handle hh;
};

struct build {
	struct steer *steer;
	uint32_t bank;
	uint32_t rank;
	const struct steer_rule *rule;
	uint16_t sport, sport_mask;
	struct shape *shapes;
	uint32_t nr_shapes;
	struct uvf_rule_key *keys;
	uint32_t nr_keys, room;
};

/* --- one rule ----------------------------------------------------------------------------- */

static void mask_bits(uint8_t *to, unsigned int bits)
{
	for (unsigned int i = 0; i < bits; i++)
		to[i / 8] |= 0x80 >> i % 8;
}

static void flow_of(const struct uvf_rule *rule, struct uvf_flow *flow, struct uvf_flow *mask)
{
	*flow = (struct uvf_flow){ .proto = rule->proto, .family = rule->family };
	*mask = (struct uvf_flow){
		.proto = rule->proto ? 0xff : 0,
		.family = rule->family ? 0xff : 0,
	};
	memcpy(flow->src, rule->src, sizeof(flow->src));
	memcpy(flow->dst, rule->dst, sizeof(flow->dst));
	mask_bits(mask->src, rule->src_bits);
	mask_bits(mask->dst, rule->dst_bits);
	if (rule->vlan != UVF_VLAN_ANY) {
		flow->vlan = rule->vlan;
		mask->vlan = 0xffff;
	}
}

static struct shape *shape_add(struct build *build, const struct shape *new)
{
	const struct bpf_map *tuples = build->steer->bpf->maps.tuples;
	struct uvf_tuple tuple = { .mask = new->mask, .best = build->rank, .ports = new->ports };
	uint32_t at = build->bank * UVF_TUPLES + build->nr_shapes;
	struct shape *shape;

	if (build->nr_shapes == UVF_TUPLES) {
		uvf_fail(ENOSPC, "the rules of the uplink look at too many different bits: %d "
				 "combinations of prefix lengths and the like are possible",
			 UVF_TUPLES);
		return NULL;
	}
	shape = malloc(sizeof(*shape));
	if (!shape || steer_put(tuples, &at, sizeof(at), &tuple, sizeof(tuple))) {
		free(shape);
		uvf_fail(ENOMEM, "no memory for rules");
		return NULL;
	}
	*shape = *new;
	shape->index = build->nr_shapes++;
	HASH_ADD(hh, build->shapes, mask, offsetof(struct shape, index), shape);
	return shape;
}

static struct shape *shape_get(struct build *build, const struct uvf_flow *mask)
{
	struct shape *shape, new;

	/* As a key it has no undefined bytes between its members. */
	memset(&new, 0, sizeof(new));
	new.mask = *mask;
	new.ports = build->rule->rule.sport[0] || build->rule->rule.sport[1] != 65535 ||
		    build->rule->rule.dport[0] || build->rule->rule.dport[1] != 65535;
	HASH_FIND(hh, build->shapes, &new.mask, offsetof(struct shape, index), shape);
	return shape ?: shape_add(build, &new);
}

static int key_keep(struct build *build, const struct uvf_rule_key *key)
{
	struct uvf_rule_key *keys;

	if (build->nr_keys == build->room) {
		build->room = build->room ? 2 * build->room : 64;
		keys = realloc(build->keys, build->room * sizeof(*keys));
		if (!keys)
			return uvf_fail(ENOMEM, "no memory for rules");
		build->keys = keys;
	}
	build->keys[build->nr_keys++] = *key;
	return 0;
}

/* Rules come best first: who finds the key taken can never be the one that counts. */
static int key_put(struct build *build, const struct uvf_rule_key *key)
{
	const struct steer_rule *rule = build->rule;
	struct uvf_rule_entry entry = {
		.rank = build->rank,
		.id = rule->id,
		.index = rule->index,
		.slot = rule->slot,
		.action = rule->rule.action,
		.flags = rule->flags,
	};
	int fd = bpf_map__fd(build->steer->bpf->maps.rules);

	if (build->nr_keys == UVF_RULE_KEYS)
		return uvf_fail(ENOSPC, "the rules of the uplink are more than %d prefixes of ports "
					"and addresses", UVF_RULE_KEYS);
	if (!bpf_map_update_elem(fd, key, &entry, BPF_NOEXIST))
		return key_keep(build, key);
	return errno == EEXIST ? 0 : uvf_fail(errno, "the kernel does not take a rule: %s",
					      strerror(errno));
}

static int on_dport(uint16_t value, uint16_t mask, void *arg)
{
	struct build *build = arg;
	struct uvf_rule_key key = { .bank = build->bank };
	struct uvf_flow mask_of;
	struct shape *shape;

	flow_of(&build->rule->rule, &key.flow, &mask_of);
	key.flow.sport = htons(build->sport);
	key.flow.dport = htons(value);
	mask_of.sport = htons(build->sport_mask);
	mask_of.dport = htons(mask);
	shape = shape_get(build, &mask_of);
	if (!shape)
		return -ENOSPC;
	key.tuple = shape->index;
	return key_put(build, &key);
}

static int on_sport(uint16_t value, uint16_t mask, void *arg)
{
	struct build *build = arg;

	build->sport = value;
	build->sport_mask = mask;
	return uvf_ports_split(build->rule->rule.dport, on_dport, build);
}

/* --- the bank ----------------------------------------------------------------------------- */

static void keys_delete(struct steer *steer, const struct uvf_rule_key *keys, uint32_t count)
{
	int fd = bpf_map__fd(steer->bpf->maps.rules);

	for (uint32_t i = 0; i < count; i++)
		bpf_map_delete_elem(fd, &keys[i]);
}

static void shapes_free(struct build *build)
{
	struct shape *shape, *next;

	HASH_ITER(hh, build->shapes, shape, next) {
		HASH_DEL(build->shapes, shape);
		free(shape);
	}
}

/* Until every frame that was on its way through the old bank is through. */
static void wait_for_readers(void)
{
	/* An RCU grace period; where it can't be had so, no frame takes a fiftieth of a second. */
	if (syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0))
		usleep(20000);
}

static void bank_switch(struct build *build)
{
	struct steer *steer = build->steer;

	steer->config.bank = build->bank;
	steer->config.tuples[build->bank] = build->nr_shapes;
	steer_config_write(steer);
	wait_for_readers();
	keys_delete(steer, steer->keys, steer->nr_keys);
	free(steer->keys);
	steer->keys = build->keys;
	steer->nr_keys = build->nr_keys;
}

/* Counters of rules that are no more. */
static void hits_settle(struct steer *steer, const struct steer_rule *rules, uint32_t count)
{
	memset(steer->hit_ids, 0, sizeof(steer->hit_ids));
	for (uint32_t i = 0; i < count; i++)
		if (rules[i].index < UVF_RULES)
			steer->hit_ids[rules[i].index] = rules[i].id;
	steer->hits_inherited = false;
}

int steer_rules(struct steer *steer, const struct steer_rule *rules, uint32_t count)
{
	struct build build = { .steer = steer, .bank = !steer->config.bank };
	int err = 0;

	for (; !err && build.rank < count; build.rank++) {
		build.rule = &rules[build.rank];
		err = uvf_ports_split(build.rule->rule.sport, on_sport, &build);
	}
	shapes_free(&build);
	if (err) {
		keys_delete(steer, build.keys, build.nr_keys);
		free(build.keys);
		return err;
	}
	bank_switch(&build);
	if (steer->hits_inherited)
		hits_settle(steer, rules, count);
	steer->wanted.rules = count > 0;
	return 0;
}

/* --- what an earlier uvfd left ------------------------------------------------------------ */

void inherit_rules(struct steer *steer)
{
	struct build build = { .steer = steer };
	int fd = bpf_map__fd(steer->bpf->maps.rules);
	struct uvf_rule_key key, next;
	struct uvf_rule_entry entry;
	int end = bpf_map_get_next_key(fd, NULL, &key);

	for (; !end; key = next) {
		end = bpf_map_get_next_key(fd, &key, &next);
		if (bpf_map_lookup_elem(fd, &key, &entry) || entry.index >= UVF_RULES)
			continue;
		/* It was killed in the midst of writing the other bank, or of clearing it. */
		if (key.bank != steer->config.bank)
			bpf_map_delete_elem(fd, &key);
		else if (!key_keep(&build, &key))
			steer->hit_ids[entry.index] = entry.id;
	}
	steer->keys = build.keys;
	steer->nr_keys = build.nr_keys;
}

/* --- counters ----------------------------------------------------------------------------- */

static int hits_clear(struct steer *steer, uint32_t index)
{
	int cpus = libbpf_num_possible_cpus();
	uint64_t *zero = cpus > 0 ? calloc(cpus, sizeof(*zero)) : NULL;
	int err;

	if (!zero)
		return -ENOMEM;
	err = steer_put(steer->bpf->maps.hits, &index, sizeof(index), zero, cpus * sizeof(*zero));
	free(zero);
	return err;
}

int steer_hits_take(struct steer *steer, uint32_t id)
{
	uint32_t i, at;

	/* Where its rule was counted by an earlier uvfd. */
	for (i = 0; steer->hits_inherited && i < UVF_RULES; i++)
		if (steer->hit_ids[i] == id)
			return i;
	for (i = 0; i < UVF_RULES; i++) {
		at = (steer->hits_next + i) % UVF_RULES;
		if (steer->hit_ids[at])
			continue;
		steer->hit_ids[at] = id;
		steer->hits_next = at + 1;
		hits_clear(steer, at);
		return at;
	}
	return -ENOSPC;
}

void steer_hits_give(struct steer *steer, uint32_t index)
{
	steer->hit_ids[index] = 0;
}

uint64_t steer_hits(const struct steer *steer, uint32_t index)
{
	int cpus = libbpf_num_possible_cpus();
	uint64_t *each = cpus > 0 ? calloc(cpus, sizeof(*each)) : NULL, sum = 0;

	if (each && !bpf_map__lookup_elem(steer->bpf->maps.hits, &index, sizeof(index), each,
					  cpus * sizeof(*each), 0))
		for (int i = 0; i < cpus; i++)
			sum += each[i];
	free(each);
	return sum;
}

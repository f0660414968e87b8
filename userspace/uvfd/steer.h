/* SPDX-License-Identifier: GPL-2.0-only */
/* An uplink's steering, within uvfd: what its files share. See uvfd.h for what others see. */
#ifndef UVFD_STEER_H
#define UVFD_STEER_H

#include "uvfd.h"

#include <string.h>

#include <bpf/libbpf.h>

#include "port.skel.h"
#include "steer.skel.h"
#include "tc.h"

enum slot {
	SLOT_FREE,
	SLOT_TAKEN,
	SLOT_KEPT, /* an earlier uvfd gave it; its function has not been seen yet */
};

struct steer {
	int ifindex;
	char name[IFNAMSIZ];
	struct steer_bpf *bpf; /* the maps, no program */
	struct uvf_config config;
	struct uvf_features wanted, loaded;
	uint64_t direct; /* queues that are leased */
	uint8_t slots[UVF_SLOTS]; /* enum slot */
	bool settled; /* attached, as far as the uplink allows */
	bool fast; /* with XDP */
	bool taken; /* not, as somebody else's program is there */
	bool tc_behind_xdp; /* as the tc programs know it */
	bool inherited; /* maps of an earlier uvfd */
	bool unswept; /* and there may be addresses in them that are out of date */
	bool has_ports; /* some function was veth-backed: then there are tc programs */
	struct port_bpf *tc;
	struct tc_hook hook;
	bool flooding; /* @hook is attached */
	struct steer_bpf *explain; /* uvf_explain with these features; NULL until somebody asks */
	struct uvf_features explains;
	struct uvf_rule_key *keys; /* of the rules that hold */
	uint32_t nr_keys;
	uint32_t hit_ids[UVF_RULES]; /* whose rule's each counter is; 0: nobody's */
	uint32_t hits_next;
	bool hits_inherited;
};

static inline bool is_group(const uint8_t *mac)
{
	return mac[0] & 1;
}

static inline struct uvf_station_key station_key(uint16_t vlan, const uint8_t *mac)
{
	struct uvf_station_key key = { .vlan = vlan };

	memcpy(key.mac, mac, sizeof(key.mac));
	return key;
}

/* --- attach.c: the XDP program of an uplink, alone or behind libxdp's dispatcher --------- */

/* The uvf_steer that is attached, of this uvfd or an earlier one; a descriptor, or -1. */
int xdp_find(int ifindex);
/* Loads @bpf's program and puts it on the uplink, without a gap in the place of ours if there. */
int xdp_put(int ifindex, struct steer_bpf *bpf);
void xdp_take_off(int ifindex);

/* --- inherit.c: the maps that an earlier uvfd left to its programs ------------------------- */

/* Before @steer's maps are made: true when there are some to go on with. */
bool inherit_maps(struct steer *steer);
/* After it: the slots that are in them. */
void inherit_slots(struct steer *steer);
/* What is left of functions that are no more. */
void inherit_clear(struct steer *steer);

/* --- tuples.c: rules into maps ------------------------------------------------------------- */

struct steer_rule {
	struct uvf_rule rule;
	uint32_t id, index, slot, flags;
};

/* @rules: the best one first. All of them hold for all frames from one moment on; or an error. */
int steer_rules(struct steer *steer, const struct steer_rule *rules, uint32_t count);
void inherit_rules(struct steer *steer);
/* A counter for the rule @id, its old one if there is; -ENOSPC. */
int steer_hits_take(struct steer *steer, uint32_t id);
void steer_hits_give(struct steer *steer, uint32_t index);
uint64_t steer_hits(const struct steer *steer, uint32_t index);

/* --- steer.c ------------------------------------------------------------------------------- */

int steer_put(const struct bpf_map *map, const void *key, size_t key_size, const void *value,
	      size_t size);
void steer_config_write(struct steer *steer);
/* UVF_STATION_* of a function. */
uint32_t steer_flags(const struct steer_entry *entry);
void steer_slot_clear(struct steer *steer, uint32_t slot);

#endif /* UVFD_STEER_H */

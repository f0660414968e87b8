/* SPDX-License-Identifier: GPL-2.0-only */
/* An uplink's steering, within uvfd: what its files share. See uvfd.h for what others see. */
#ifndef UVFD_STEER_H
#define UVFD_STEER_H

#include "uvfd.h"

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
	bool inherited; /* maps of an earlier uvfd */
	struct port_bpf *tc; /* NULL until the first veth-backed function */
	struct tc_hook hook;
	bool flooding; /* @hook is attached */
};

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

/* --- steer.c ------------------------------------------------------------------------------- */

int steer_put(const struct bpf_map *map, const void *key, size_t key_size, const void *value,
	      size_t size);
void steer_slot_clear(struct steer *steer, uint32_t slot);

#endif /* UVFD_STEER_H */

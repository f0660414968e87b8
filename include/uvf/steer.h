/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * What the steering programs on an uplink and uvfd agree on: the layout of their maps.
 *
 * Each uplink has its own maps. A function has a slot on its uplink, given by uvfd; the slot is
 * its index in `ports`, `flood` and `counts`. Order of writing for uvfd: the port first, then the
 * keys that lead to it; order of removal: the other way round. A key without a port is not an
 * error: the frame passes to the host.
 *
 * The maps are full before a program that uses them is attached. They live as long as a program
 * does: a uvfd that finds the programs of one that was killed goes on with their maps, if these
 * have the layout that it knows, and puts its own programs in their place.
 */
#ifndef UVF_STEER_H
#define UVF_STEER_H

#include <linux/types.h>

/* To be raised when anything in this file changes its meaning. */
#define UVF_LAYOUT 1

/* Functions on one uplink. */
#define UVF_SLOTS 4096

/* Receive queues of an uplink that can be leased: its first ones. */
#define UVF_DIRECT_QUEUES 64

/* A station's VLAN when it takes its MAC address on every VLAN; no tag has this id. */
#define UVF_VLAN_ANY 0xffff
/* The VLAN of a frame that has no tag. */
#define UVF_VLAN_NONE 0

/* What the programs of an uplink are to do. All else is taken out of them when they are loaded. */
struct uvf_features {
	__u8 passthru; /* one function takes all but what is the uplink's own */
	__u8 direct; /* some queue of the uplink is leased */
};

/* The one entry of `config`. */
struct uvf_config {
	__u32 layout; /* UVF_LAYOUT; first for ever */
	__u32 flood_end; /* no slot from here on is in `flood` */
	__u32 passthru; /* slot of the function that takes all */
	__u8 uplink[6]; /* MAC address of the uplink */
	__u8 pad[2];
};

/* Key of `stations`: who is at this address? IEEE 802.1Q-2018 12 bit VLAN id, host order. */
struct uvf_station_key {
	__u8 mac[6];
	__u16 vlan; /* 1..4094, UVF_VLAN_NONE or UVF_VLAN_ANY */
};

/* Value of `stations`. */
struct uvf_station {
	__u32 slot;
	__u32 flags; /* UVF_STATION_* */
};

/*
 * A veth-backed function that sees untagged frames: XDP leaves them to the tc program, which
 * takes the tag off. (uvf.ko does so itself.)
 */
#define UVF_STATION_UNTAG (1u << 0)

/*
 * Entry of `flood`, by slot: the port of a veth-backed function. Broadcast and multicast are
 * copied to each; unicast comes this way when XDP did not take it.
 */
struct uvf_flood {
	__u32 ifindex; /* of the function's port; 0: none */
	__u16 vlan; /* only frames of this VLAN, untagged on delivery; UVF_VLAN_ANY: all */
	__u16 pad;
};

/* Value of `uplifts`, keyed by a port's ifindex: where a function's frames leave. */
struct uvf_uplift {
	__u32 ifindex; /* of the uplink */
	__u32 slot;
	__u16 vlan; /* tag to put on, or UVF_VLAN_ANY: leave as it is */
	__u16 pad;
};

/* Entry of `counts`, one for each slot and processor. Frames without FCS. */
struct uvf_counts {
	__u64 rx_frames; /* unicast, handed to the function */
	__u64 rx_bytes;
	__u64 flood_frames; /* copies of broadcast and multicast handed to the function */
	__u64 flood_bytes;
	__u64 tx_frames; /* from the function to the uplink (veth backend) */
	__u64 tx_bytes;
};

#endif /* UVF_STEER_H */

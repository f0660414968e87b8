/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * What the steering programs on an uplink and uvfd agree on: the layout of their maps.
 *
 * Each uplink has its own maps. A function has a slot on its uplink, given by uvfd; the slot is
 * its index in `ports` and in `counts`. Order of writing for uvfd: the port first, then the
 * keys that lead to it; order of removal: the other way round. A key without a port is not an
 * error: the frame passes to the host.
 */
#ifndef UVF_STEER_H
#define UVF_STEER_H

#include <linux/types.h>

/* Functions on one uplink. */
#define UVF_SLOTS 4096

/* A station's VLAN when it takes its MAC address on every VLAN; no tag has this id. */
#define UVF_VLAN_ANY 0xffff
/* The VLAN of a frame that has no tag. */
#define UVF_VLAN_NONE 0

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

/* Entry of `flood`: a function that is to get a copy of each broadcast and multicast frame. */
struct uvf_flood {
	__u32 ifindex; /* of the function's port; 0 ends the list */
	__u32 slot;
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

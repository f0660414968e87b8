/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * What the steering programs on an uplink and uvfd agree on: the layout of their maps.
 *
 * Each uplink has its own maps. A function has a slot on its uplink, given by uvfd; the slot is
 * its index in `ports`, `flood` and `counts`. Order of writing for uvfd: the port first, then the
 * keys that lead to it; order of removal: the other way round. A key without a port is not an
 * error: the frame passes to the host.
 *
 * What becomes of a frame that comes in on the uplink (bpf/decide.h):
 *
 *	broadcast, multicast ─▶ the host; and tc gives copies to veth-backed functions, to each
 *	                        that listens (`flood`, `groups`). uvf.ko sees to its own.
 *	unicast ─▶ 1. the best of the rules that are true of it (`tuples`, `rules`), unless its
 *	              action is to pass
 *	           2. a function in passthru mode: all but what is for the uplink's own address
 *	           3. (MAC, VLAN), then (MAC, any VLAN) of a function (`stations`)
 *	           4. the host
 *
 * And of one that is given to a function: dropped when it is over the limit (`limits`), else
 * counted (`counts`), copied (`mirrors`, `taps`), and redirected to a socket on the uplink's own
 * queue (`owners`, `direct`) or to the function's port (`ports`; by tc, `flood`), which may be
 * another function's that gets its frames. What a veth-backed function sends, tc redirects from
 * its port (`uplifts`), limits and copies.
 *
 * The maps are full before a program that uses them is attached. They live as long as a program
 * does: a uvfd that finds the programs of one that was killed goes on with their maps, if these
 * have the layout that it knows, and puts its own programs in their place.
 */
#ifndef UVF_STEER_H
#define UVF_STEER_H

#include <linux/types.h>

/* To be raised when anything in this file changes its meaning. */
#define UVF_LAYOUT 6

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
	__u8 rules;
	__u8 limits;
	__u8 mirrors;
	__u8 xdp; /* to the tc programs: XDP has seen the frame, and counted it */
};

/* The one entry of `config`. */
struct uvf_config {
	__u32 layout; /* UVF_LAYOUT; first for ever */
	__u32 flood_end; /* no slot from here on is in `flood` */
	__u32 passthru; /* slot of the function that takes all */
	__u8 uplink[6]; /* MAC address of the uplink */
	__u8 pad[2];
	__u32 bank; /* of the rules that hold: 0 or 1 */
	__u32 tuples[2]; /* number in each bank */
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
 * Rules. A rule gives unicast frames to a function by what is in them, whatever their address.
 * Rules that look at the same bits are a tuple: one look-up finds the best of them. Tuples are in
 * order of their best rule, so that the search ends when what it has is better than all to come.
 * A range of ports is as many keys as it has prefixes.
 *
 * There are two banks. A new set of rules is written into the one that is not in use; then
 * `config` names it, for all frames at once; when nobody can be reading the other one any more,
 * its keys are removed.
 */
#define UVF_RULES 16384 /* of an uplink */
#define UVF_RULE_KEYS 32768 /* that they are, in one bank */
#define UVF_TUPLES 1024 /* in one bank */

/* What a rule can look at, and which bits of it one does. */
struct uvf_flow {
	__u8 src[16]; /* an IPv4 address in the first four */
	__u8 dst[16];
	__be16 sport;
	__be16 dport;
	__u16 vlan; /* UVF_VLAN_NONE, or 1..4094 */
	__u8 proto; /* IANA's number; 0 in a frame that is not IP */
	__u8 family; /* 4, 6, or 0 */
};

/* Entry of `tuples`: those of bank 0 are the first UVF_TUPLES. */
struct uvf_tuple {
	struct uvf_flow mask;
	__u32 best; /* rank of its best rule */
	__u32 ports; /* only frames that have ports, that is no later fragments */
};

/* Key of `rules`. */
struct uvf_rule_key {
	struct uvf_flow flow;
	__u32 tuple;
	__u32 bank;
};

enum uvf_action {
	UVF_ACTION_ACCEPT, /* the function gets the frame */
	UVF_ACTION_DROP, /* nobody does */
	UVF_ACTION_PASS, /* who it is addressed to: an exception to a rule of less priority */
	UVF_ACTIONS,
};

/* Value of `rules`. */
struct uvf_rule_entry {
	__u32 rank; /* 0: the best of the uplink */
	__u32 id; /* as uvfd's clients know it */
	__u32 index; /* in `hits` */
	__u32 slot;
	__u32 action; /* enum uvf_action */
	__u32 flags; /* UVF_STATION_* */
};

/* Why a frame goes where it goes. */
enum uvf_reason {
	UVF_FOR_HOST, /* nobody else's */
	UVF_FOR_ALL, /* broadcast or multicast: the host, and copies to functions */
	UVF_BY_STATION, /* address and VLAN of a function */
	UVF_BY_RULE,
	UVF_BY_PASSTHRU,
	UVF_REASONS,
};

/* What is decided of a frame. Also the one entry of `verdict`, where uvf_explain() leaves it. */
struct uvf_verdict {
	__u32 reason; /* enum uvf_reason */
	__u32 slot; /* of the function, when there is one */
	__u32 rule; /* id of the best rule that is true of it, 0: none */
	__u32 index; /* of that rule, in `hits` */
	__u32 action; /* enum uvf_action */
	__u32 flags; /* UVF_STATION_* */
	__u32 vlan;
};

/*
 * Entry of `flood`, by slot: the port of a veth-backed function. Broadcast and multicast are
 * copied to each; unicast comes this way when XDP did not take it.
 */
struct uvf_flood {
	__u32 ifindex; /* of the function's port, or of who gets its frames; 0: none */
	__u16 vlan; /* only frames of this VLAN, untagged on delivery; UVF_VLAN_ANY: all */
	__u16 flags; /* UVF_FLOOD_* */
};

/* All multicast; else only that of groups which it has in `groups`. Broadcast in any case. */
#define UVF_FLOOD_ALL (1u << 0)
/* Neither: another function gets its frames, and has copies of its own. */
#define UVF_FLOOD_NONE (1u << 1)

/* Key of `groups`: a multicast address that a veth-backed function listens to. */
struct uvf_group_key {
	__u8 mac[6];
	__u16 pad;
	__u32 slot;
};

#define UVF_STATIONS (2 * UVF_SLOTS) /* functions may have more addresses than one */
#define UVF_GROUPS (8 * UVF_SLOTS)

/* Value of `uplifts`, keyed by a port's ifindex: where a function's frames leave. */
struct uvf_uplift {
	__u32 ifindex; /* of the uplink */
	__u32 slot;
	__u16 vlan; /* tag to put on, or UVF_VLAN_ANY: leave as it is */
	__u16 pad;
};

enum uvf_direction {
	UVF_RX,
	UVF_TX,
	UVF_DIRECTIONS,
};

/*
 * Value of `limits`: a bucket of bytes and one of frames, whose contents are counted in time. A
 * frame costs as long as the rate takes for it, and passes when it is paid for: when that time,
 * added to the end of what was spent before, is not in the future. Who did not spend for a while
 * has the burst and no more. Under the lock the sum is exact on any number of processors: in a
 * time t no more passes than burst + rate * t, for each bucket.
 */
struct uvf_limit {
#ifdef __bpf__
	struct bpf_spin_lock lock; /* of linux/bpf.h, which <pcap.h> can't be included beside */
#else
	__u32 lock;
#endif
	__u32 pad;
	__u64 byte_cost; /* nanoseconds, << UVF_LIMIT_SHIFT; 0: no limit */
	__u64 bytes_burst; /* nanoseconds */
	__u64 bytes_spent; /* CLOCK_MONOTONIC */
	__u64 frame_cost; /* nanoseconds; 0: no limit */
	__u64 frames_burst;
	__u64 frames_spent;
};

#define UVF_LIMIT_SHIFT 20
#define UVF_LIMIT_KEY(slot, direction) ((slot) * UVF_DIRECTIONS + (direction))

/* Ports in a map of `mirrors`: the function's, and that of who gets the copies. */
#define UVF_MIRROR_PORTS 2

/* Value of `taps`. */
struct uvf_mirror {
	__u32 ifindex; /* port of who gets the copies */
	__u32 flags; /* UVF_MIRROR_* */
};

#define UVF_MIRROR_RX (1u << 0)
#define UVF_MIRROR_TX (1u << 1)
/* Of broadcast and multicast too: of another uplink's, it does not get them itself. */
#define UVF_MIRROR_FLOOD (1u << 2)

/* Why a frame of a function was dropped, or not given to it. */
enum uvf_drop {
	UVF_DROP_RULE, /* its rule says so */
	UVF_DROP_RX_LIMIT,
	UVF_DROP_TX_LIMIT,
	UVF_DROP_VLAN, /* no tag could be taken off or put on */
	UVF_DROPS,
};

/* Entry of `counts`, one for each slot and processor. Frames without FCS. */
struct uvf_counts {
	__u64 rx_frames; /* unicast, handed to the function */
	__u64 rx_bytes;
	__u64 flood_frames; /* copies of broadcast and multicast handed to the function */
	__u64 flood_bytes;
	__u64 tx_frames; /* from the function to the uplink (veth backend) */
	__u64 tx_bytes;
	__u64 direct_frames; /* of the unicast: to sockets on leased queues of the uplink */
	__u64 direct_bytes;
	__u64 mirror_frames; /* copies of its frames for another function */
	__u64 drops[UVF_DROPS];
};

#endif /* UVF_STEER_H */

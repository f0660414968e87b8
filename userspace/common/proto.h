/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * What uvfd and its clients say to each other, over a Unix socket of type SOCK_SEQPACKET.
 *
 * One request, one reply, in order; the reply carries the request's number. A request stays in the
 * socket's queue until it is answered: when uvfd is killed meanwhile, its successor, which has the
 * same socket, serves it again. So all requests may be repeated, and a reply with an old number is
 * passed over. Between them uvfd may send a notice: a reply of type
 * UVF_MSG_NOTICE. With status 0 it says that a leased function changed; look at its socket. With
 * -ESHUTDOWN uvfd ends in order and takes all functions back. Messages have a fixed size, so that
 * a message of another size is one of another version and is refused. Strings end with NUL
 * inside their field.
 *
 * Who may say what. A connection made by root may say everything. UVF_MSG_BECOME turns it, once
 * and for good, into the connection of one appliance: it then reaches that appliance's functions
 * only. `uvf run` does so, drops its privileges, and executes the appliance, which inherits the
 * connection. Users that uvf.conf(5) names may connect as well, and say UVF_MSG_BECOME before
 * anything else; their functions must have been made for that appliance. Others are refused.
 *
 * A lease lives as long as the connection that asked for it; and for some seconds more, if the
 * appliance said so (UVF_MSG_MEMORY) and did not give it back. Who becomes the same appliance on
 * the same functions in this time is told by UVF_MSG_BECOME that there is something to resume, and
 * gets memory and sockets as they were.
 */
#ifndef UVF_PROTO_H
#define UVF_PROTO_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define UVF_PROTO_VERSION 2

#define UVF_PROTO_NAME 16 /* IFNAMSIZ */
#define UVF_PROTO_APPLIANCE 32
#define UVF_PROTO_FUNCTIONS 32 /* functions that one appliance can be started on */
#define UVF_PROTO_SOURCES 32 /* AF_XDP sockets of one lease */
#define UVF_PROTO_MAPS 16 /* files behind the frames of one UMEM */

#define UVF_PROTO_TEXT 256
#define UVF_PROTO_FRAME 508
#define UVF_RULE_LINES (4 << 20) /* bytes of the memfd of RULE_ADD */

enum uvf_msg_type {
	UVF_MSG_NOTICE, /* from uvfd only */
	UVF_MSG_BECOME, /* be an appliance from now on */
	UVF_MSG_MEMORY, /* here is my UMEM; carries the memfd, sealed against shrinking */
	UVF_MSG_LEASE, /* give me a function; the reply carries the first AF_XDP socket */
	UVF_MSG_BIND, /* all rings are mapped and filled: bind them (when the reply said so) */
	UVF_MSG_RELEASE, /* take it back */
	UVF_MSG_LIST, /* counters and lease of one function: of @function, or the next one */
	UVF_MSG_RESUME, /* the reply carries the memfd that the predecessor left */
	UVF_MSG_SOURCE, /* the reply carries a further AF_XDP socket of a leased function */
	UVF_MSG_DIRECT, /* reserve receive queues of the uplink for a function, or none */
	UVF_MSG_RULE_ADD, /* a rule, or with a memfd as many as it has lines; all of them or none */
	UVF_MSG_RULE_DEL, /* by its id, its words, or "all" */
	UVF_MSG_RULE_LIST, /* the next rule, of @function or of all */
	UVF_MSG_EXPLAIN, /* what would become of a frame that came in on the uplink @function? */
	UVF_MSG_WATCH, /* root's: from now on notices say how a function is that changed */
	UVF_MSG_LIMIT, /* of @function: set one, or ask */
	UVF_MSG_MIRROR, /* of @function: set it, take it off, or ask */
	UVF_MSG_MAP, /* a file that lies behind my frames in the UMEM; carries its descriptor */
	UVF_MSG_REDIRECT, /* of @function: who gets its frames; set it, take it off, or ask */
	UVF_MSG_TYPES,
};

/* How a function's frames come to the queues of its uplink that it has leased. */
enum uvf_direct_by {
	UVF_DIRECT_AUTO, /* asked for only: the first of these that the card can do */
	UVF_DIRECT_RULE, /* a rule for its address leads to one queue; the hash leads others away */
	UVF_DIRECT_RSS, /* the hash leads all frames of the uplink to leased queues */
	UVF_DIRECT_NONE, /* as they happen to arrive */
	UVF_DIRECT_BYS,
};

/* A rate limit, as people say it. */
struct uvf_limit_words {
	uint64_t rate; /* bits a second, UVF_RATE_MIN to UVF_RATE_MAX; 0: no limit */
	uint64_t pps; /* frames a second, up to UVF_PPS_MAX; 0: no limit */
	uint32_t burst; /* bytes, up to UVF_BURST_MAX; 0: what suits the rate */
	uint32_t pad;
};

#define UVF_RATE_MIN 8000ULL
#define UVF_RATE_MAX 400000000000ULL
#define UVF_PPS_MAX 100000000ULL
#define UVF_BURST_MAX (64u << 20)

struct uvf_request {
	uint16_t version;
	uint16_t type;
	uint32_t number; /* of the request; any, 0: the reply is taken as it comes */
	char function[UVF_PROTO_NAME]; /* LEASE, SOURCE, BIND, RELEASE, LIST, DIRECT */
	union {
		struct {
			char appliance[UVF_PROTO_APPLIANCE];
			uint32_t count;
			uint32_t pad;
			char functions[UVF_PROTO_FUNCTIONS][UVF_PROTO_NAME];
		} become;
		struct {
			uint64_t size; /* bytes, a multiple of frame_size and of the page size */
			uint32_t frame_size; /* 2048 or 4096 */
			uint32_t linger; /* seconds that leases outlive their appliance */
			uint32_t busy_budget; /* see uvf_opts; 0: no busy polling */
			uint32_t flags; /* UVF_MEMORY_* */
		} memory;
		struct {
			uint32_t ring_size; /* power of two, UVF_RING_MIN to UVF_RING_MAX */
			uint32_t pad;
		} lease;
		struct {
			uint32_t index; /* 0 to the lease's number of sources - 1 */
			uint32_t pad;
		} source;
		struct {
			uint32_t after; /* cursor of the last reply, 0 for the first function */
			uint32_t pad;
		} list; /* when @function is empty; -ENOENT ends it */
		struct {
			uint64_t queues; /* bit 0: queue 0 */
			uint32_t count; /* when @queues is 0: so many, any; 0: give them back */
			uint32_t by; /* enum uvf_direct_by */
			uint32_t copy; /* 1: not zero-copy */
			uint32_t pad;
		} direct;
		struct {
			char text[UVF_PROTO_TEXT]; /* see common/rule.h */
			uint32_t after; /* RULE_LIST: id of the last reply's, 0 for the first */
			uint32_t pad;
		} rule; /* RULE_LIST: -ENOENT ends it */
		struct {
			uint32_t size;
			uint8_t bytes[UVF_PROTO_FRAME]; /* its headers are enough */
		} frame;
		struct {
			uint32_t set; /* 0: only tell */
			uint32_t direction; /* enum uvf_direction */
			struct uvf_limit_words words;
		} limit;
		struct {
			uint32_t set; /* 0: only tell */
			uint32_t flags; /* UVF_MIRROR_RX, UVF_MIRROR_TX; 0: no more */
			char to[UVF_PROTO_NAME];
		} mirror;
		struct {
			uint32_t set; /* 0: only tell */
			uint32_t flags; /* UVF_REDIRECT_* */
			char to[UVF_PROTO_NAME]; /* "": it gets them itself */
		} redirect; /* an appliance: to one that it has leased, the standby of @function */
		struct {
			uint32_t index; /* of this file, from 0 on, in order */
			uint32_t count; /* of all; 0, without a descriptor: none any more */
			uint64_t at; /* in the UMEM: behind what is there, of UVF_MAP_ALIGN */
			uint64_t size; /* bytes from the file's beginning, a multiple of 4096 */
			uint32_t frame_max; /* bytes that may be written where a frame begins */
			uint32_t pad;
		} map; /* while the client has no lease; the same once more changes nothing */
	};
};

#define UVF_REDIRECT_LEASED (1u << 0) /* until the lease of @to ends */
#define UVF_REDIRECT_STANDBY (1u << 1) /* not now: who has leased @to may say when, by LEASED */
#define UVF_REDIRECT_FLAGS (UVF_REDIRECT_LEASED | UVF_REDIRECT_STANDBY)

#define UVF_MEMORY_JUMBO (1u << 0) /* frames may have several buffers: bind with XDP_USE_SG */
#define UVF_MEMORY_META_RX (1u << 1) /* the program leaves an uvf_meta_block before each frame */
#define UVF_MEMORY_META_TX (1u << 2) /* the kernel takes struct xsk_tx_metadata before each frame */
#define UVF_MEMORY_META (UVF_MEMORY_META_RX | UVF_MEMORY_META_TX)
#define UVF_MEMORY_FLAGS (UVF_MEMORY_JUMBO | UVF_MEMORY_META)
#define UVF_TX_META_LEN 24 /* bytes: struct xsk_tx_metadata, linux/if_xdp.h */
#define UVF_MEMORY_MAX (1ULL << 40) /* an appliance may have less: uvf.conf(5) */
#define UVF_MAP_ALIGN (2ULL << 20) /* a huge page's */
#define UVF_FRAME_MAX_MIN 64
#define UVF_XDP_HEADROOM 256 /* XDP_PACKET_HEADROOM, linux/bpf.h */
#define UVF_RING_MIN 64
#define UVF_RING_MAX 16384
#define UVF_LINGER_MAX 3600
#define UVF_BUDGET_MAX 64 /* NAPI_POLL_WEIGHT, include/linux/netdevice.h */

struct uvf_reply {
	uint16_t version;
	uint16_t type; /* that of the request */
	int32_t status; /* 0 or -errno */
	uint32_t cursor; /* LIST */
	uint32_t number; /* that of the request */
	char why[256]; /* a sentence, when status is not 0 */
	char function[UVF_PROTO_NAME];
	char uplink[UVF_PROTO_NAME];
	char holder[UVF_PROTO_APPLIANCE]; /* appliance that leases the function, or "" */
	uint32_t holder_pid;
	uint32_t ifindex;
	uint32_t ring_size;
	uint32_t mtu;
	uint32_t zerocopy;
	uint32_t sources; /* AF_XDP sockets of the lease */
	uint32_t queue; /* of the source's device */
	uint32_t direct; /* the source is on the uplink's queue, not on the function's */
	uint32_t resumable; /* BECOME: ask UVF_MSG_RESUME */
	uint32_t resumed; /* LEASE: the sockets are those of the predecessor */
	uint32_t parked; /* LIST: the holder is dead; seconds until the lease ends */
	uint32_t frame_size; /* of the holder's memory */
	uint64_t memory_size; /* RESUME */
	uint32_t unbound; /* LEASE: map the rings, then say UVF_MSG_BIND */
	uint32_t steered; /* 1: XDP on the uplink steers to it; 0: slow path only */
	uint8_t mac[6];
	uint8_t pad[2];
	uint64_t rx_frames; /* see struct uvf_counts */
	uint64_t rx_bytes;
	uint64_t flood_frames;
	uint64_t flood_bytes;
	uint64_t tx_frames;
	uint64_t tx_bytes;
	uint64_t xsk_rx_dropped; /* see struct xdp_statistics, linux/if_xdp.h */
	uint64_t xsk_rx_ring_full;
	uint64_t xsk_rx_no_frame;
	uint64_t xsk_tx_invalid;
	uint32_t rings; /* LIST: sources whose rings can be looked into (Linux 6.4) */
	uint32_t rx_waiting; /* in the receive rings of these: frames that nobody took out yet */
	uint32_t fill_left; /* in their fill rings: frames that can be received into */
	uint32_t maps; /* RESUME: files that lie behind it; say UVF_MSG_MAP as it was said */
	uint64_t direct_frames;
	uint64_t direct_bytes;
	uint64_t direct_queues; /* of the uplink, that it has reserved */
	uint32_t direct_by; /* enum uvf_direct_by: what was asked for; while on, what it came to */
	uint32_t direct_on; /* 1: an appliance is on them */
	uint32_t direct_zerocopy; /* 1: and the card writes into its memory */
	uint32_t jumbo; /* LEASE, RESUME, LIST: 1, its sockets take frames of several buffers */
	uint32_t rule; /* RULE_ADD, RULE_LIST: its id; EXPLAIN: of the best that is true, or 0 */
	uint32_t rules; /* RULE_ADD: how many were added */
	uint64_t hits; /* RULE_LIST */
	uint32_t reason; /* EXPLAIN: enum uvf_reason, @function is who gets it */
	uint32_t action; /* EXPLAIN: enum uvf_action */
	char text[UVF_PROTO_TEXT]; /* RULE_LIST, EXPLAIN: the rule */
	uint64_t drops[8]; /* LIST: by enum uvf_drop */
	uint64_t mirror_frames; /* LIST */
	struct uvf_limit_words limits[2]; /* LIMIT: by enum uvf_direction */
	union {
		char mirror[UVF_PROTO_NAME]; /* MIRROR: who gets copies, or "" */
		char redirect[UVF_PROTO_NAME]; /* REDIRECT, LIST: who gets its frames, or "" */
	};
	union {
		uint32_t mirror_flags;
		uint32_t redirect_flags; /* REDIRECT: UVF_REDIRECT_* */
	};
	uint32_t meta; /* LEASE, RESUME, LIST: UVF_MEMORY_META_* of the holder's memory */
};

/*
 * Client's side: all return 0 or -errno with a sentence in uvf_why().
 * @fd_out, @fd_in: a descriptor to send, or -1; where to put one that came, or NULL.
 */
int uvf_proto_connect(const char *path);
int uvf_proto_call(int sock, const struct uvf_request *request, int fd_out,
		   struct uvf_reply *reply, int *fd_in);
/* As long as @ms at most; -ETIMEDOUT: uvfd may do it yet, and its answer will be passed over. */
int uvf_proto_call_within(int ms, int sock, const struct uvf_request *request, int fd_out,
			  struct uvf_reply *reply, int *fd_in);
/* Of uvf_proto_call(): uvfd may wait for queues to be free, and the kernel for much memory. */
#define UVF_PATIENCE_MS 30000


/* Server's side. */
struct uvf_incoming {
	struct uvf_request request;
	int fd; /* that came along, or -1; the receiver closes it */
};

/* 1: a request; 0: nothing there; -EPIPE: the peer is gone; -EPROTO: not a request. */
int uvf_proto_receive(int sock, struct uvf_incoming *in);
/* The same, and leaves it in the queue, until uvf_proto_consume(). */
int uvf_proto_peek(int sock, struct uvf_incoming *in);
void uvf_proto_consume(int sock);
int uvf_proto_answer(int sock, const struct uvf_reply *reply, int fd);

/* 0, or -EPROTO with a sentence: what the fields of a request must be. Touches nothing else. */
int uvf_proto_check(const struct uvf_request *request);

/*
 * One message, of any protocol, and with it a descriptor or -1. Sending: 0 or -errno. Receiving:
 * the bytes, 0 at the end, or -errno; -EPROTO with a sentence. @fd is set always.
 */
int uvf_message_send(int sock, const void *data, size_t size, int fd, int flags);
ssize_t uvf_message_receive(int sock, void *data, size_t size, int flags, int *fd);

#endif /* UVF_PROTO_H */

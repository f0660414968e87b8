/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The packet core: frames in, frames out, no system call, no memory of its own making.
 *
 * A frame is handed in with fw_input() and then belongs to the core, which ends it in exactly
 * one way: frame_send(), frame_free(), or it is held until a neighbour answers and then ends
 * in one of the two. It is answered, forwarded and turned into an ICMP error where it lies.
 *
 * Accounting. Every frame received is counted once: rx_frames = forwarded + local + the sum
 * of drop[] + those held at the moment. What the firewall says of its own accord is counted
 * apart from that.
 */
#ifndef FW_FW_H
#define FW_FW_H

#include <stdbool.h>
#include <stdint.h>

#include "config.h"
#include "neigh.h"
#include "packet.h"

#define FRAME_ROOM_MIN 590 /* an ICMP error is written over what it is about */

/* A frame in our hands: @room bytes from @data on are ours, @len of them are the frame. */
struct frame {
	uint8_t *data;
	uint64_t addr; /* what the owner of the memory knows it by */
	uint32_t len;
	uint32_t room; /* at least FRAME_ROOM_MIN, and an MTU's worth behind the header */
	uint8_t in;    /* port it came from, or on whose account it was made */
	bool own;      /* the firewall itself speaks: never answered with an error */
};

/*
 * The memory and the wire: port.c does it with libuvf, the tests with arrays. A frame from
 * frame_alloc() has len 0.
 */
bool frame_alloc(struct frame *frame);
void frame_free(const struct frame *frame);
void frame_send(unsigned int port, const struct frame *frame);

/* Why a received frame went no further. The names are those of the JSON statistics. */
/* clang-format off */
#define DROP_REASONS(X)                                                                            \
	X(SHORT, "short") /* ends within a header */                                               \
	X(SOURCE_MAC, "source_mac") /* from a group address, or from ourselves */                  \
	X(OTHER_HOST, "other_host") /* for another MAC */                                          \
	X(ETHERTYPE, "ethertype") /* neither ARP nor IPv4 */                                       \
	X(ARP, "arp") /* malformed, off-link, or not for us */                                     \
	X(ARP_CONFLICT, "arp_conflict") /* somebody else claims our address */                     \
	X(IP_HEADER, "ip_header") /* version or header length */                                   \
	X(IP_LENGTH, "ip_length") /* total length and frame disagree */                            \
	X(IP_CHECKSUM, "ip_checksum")                                                              \
	X(IP_OPTIONS, "ip_options")                                                                \
	X(FRAGMENT, "fragment") /* too long together, or cuts the TCP header */                    \
	X(SOURCE, "source") /* an address that nothing may be sent from */                         \
	X(DESTINATION, "destination") /* an address that nothing is forwarded to */                \
	X(SPOOFED, "spoofed") /* the way back leads to another port */                             \
	X(BROADCAST, "broadcast") /* broadcast or multicast, in either layer */                    \
	X(BLOCKED, "blocked") /* by a rule, or by none */                                          \
	X(LOCAL, "local") /* for us, but nothing here takes it */                                  \
	X(TTL, "ttl")                                                                              \
	X(NO_ROUTE, "no_route")                                                                    \
	X(TOO_BIG, "too_big") /* may not be fragmented */                                          \
	X(UNREACHABLE, "unreachable") /* the next hop does not answer ARP */                       \
	X(HOLD_FULL, "hold_full") /* waiting for ARP, and newer ones came */                       \
	X(NEIGH_FULL, "neigh_full") /* too many next hops to ask for */                                \
	X(NO_FRAME, "no_frame") /* nothing free to put fragments in */
/* clang-format on */

enum drop {
#define X(id, name) DROP_##id,
	DROP_REASONS(X)
#undef X
		DROP_COUNT
};

extern const char *const drop_names[DROP_COUNT];

struct bucket {
	uint64_t then;
	uint32_t tokens;
};

struct port {
	/* on every packet */
	uint8_t mac[MAC_SIZE];
	uint16_t mtu;
	uint32_t addr;
	uint64_t rx_frames, rx_bytes;
	uint64_t forwarded; /* came in here and went on */
	uint64_t local;	    /* came in here for the firewall itself: ARP, echo */
	uint64_t tx_frames, tx_bytes;
	const struct rule **rule; /* those that apply here, in order */
	unsigned int rules;

	/* now and then */
	uint64_t drop[DROP_COUNT];
	uint64_t own_drop; /* of our own frames, whatever the reason */
	uint64_t tx_full;  /* the transmit ring had no room */
	uint64_t arp_requests, echo_replies, icmp_errors, tcp_resets;
	uint64_t unanswered; /* due an error that the rate limit or RFC 1812 forbade */
	struct bucket answers, questions;
	struct neigh_table neigh;
	struct {
		uint64_t dropped, full, no_frame, invalid;
	} ring; /* as libuvf counts, see struct uvf_dev_stats */
};

struct hits {
	uint64_t packets, bytes;
};

struct fw {
	const struct config *config;
	uint64_t now; /* milliseconds, monotonic */
	uint16_t ip_id;
	unsigned int ports;
	struct port port[CONFIG_PORTS];
	struct hits *hits; /* one for each rule, and one for the default */
	struct neigh_pool held;
};

/* fw.c. The MAC and MTU of each port are the caller's to fill in. */
int fw_init(struct fw *fw, const struct config *config, uint32_t seed);
void fw_free(struct fw *fw);
void fw_input(struct fw *fw, unsigned int in, struct frame *frame);
void fw_start(struct fw *fw); /* tell the neighbours who we are */
void fw_tick(struct fw *fw);  /* once a second */
void drop(struct fw *fw, const struct frame *frame, enum drop why);

/* bucket_take - may one more be sent? A thousand a second, two hundred at once. */
bool bucket_take(struct bucket *bucket, uint64_t now);

/* arp.c */
void arp_input(struct fw *fw, unsigned int in, struct frame *frame);
void arp_request(struct fw *fw, unsigned int port, uint32_t addr, const uint8_t *mac);

/* ip.c */
void ip_input(struct fw *fw, unsigned int in, struct frame *frame);
void ip_build(struct fw *fw, struct frame *frame, uint8_t proto, uint16_t payload, uint32_t src,
	      uint32_t dst);

/* forward.c: ip_forward() is for packets of others, ip_send() for all. */
void ip_forward(struct fw *fw, struct frame *frame);
void ip_send(struct fw *fw, struct frame *frame);

/* fragment.c */
void ip_fragment(struct fw *fw, struct frame *frame, unsigned int port, uint32_t hop);

/* icmp.c, tcp.c */
void icmp_input(struct fw *fw, struct frame *frame);
void icmp_error(struct fw *fw, struct frame *frame, enum drop why, uint8_t type, uint8_t code,
		uint16_t mtu);
void tcp_reset(struct fw *fw, struct frame *frame, enum drop why);

/* rules.c */
int rules_compile(struct config *config);
int rules_assign(struct fw *fw);
enum rule_action rules_match(struct fw *fw, unsigned int in, const struct frame *frame);

/* stats.c: one JSON object for all that was counted; the caller frees it. */
char *stats_json(const struct fw *fw);

#endif /* FW_FW_H */

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A rule that gives frames to a function, as people write it:
 *
 *	[prio N] [src PREFIX] [dst PREFIX] [proto P] [sport A[-B]] [dport A[-B]] [vlan N|none]
 *	[action accept|drop|pass]
 *
 * in any order, each word once; at least one of them says something of the frame. P is tcp, udp,
 * icmp, icmp6, sctp, udplite, dccp, gre, esp, ah or a number from 1 to 255. A prefix is IPv4 or
 * IPv6; an address alone is a prefix of all its bits.
 */
#ifndef UVF_RULE_H
#define UVF_RULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <uvf/steer.h>

#define UVF_RULE_TEXT 256 /* of the longest, with its NUL */
#define UVF_RULE_PRIORITY 100 /* when none is given */
#define UVF_RULE_PRIORITY_MAX 65535

struct uvf_rule {
	uint32_t priority;
	uint8_t family; /* 4, 6, or 0: any */
	uint8_t proto; /* 0: any */
	uint8_t action; /* enum uvf_action */
	uint8_t src_bits, dst_bits; /* of the prefixes */
	uint8_t src[16], dst[16];
	uint16_t vlan; /* UVF_VLAN_ANY, UVF_VLAN_NONE: untagged, or an id */
	uint16_t sport[2], dport[2]; /* from and to */
};

/* 0, or -EINVAL with a sentence. */
int uvf_rule_parse(const char *text, struct uvf_rule *rule);
/* The same rule in its canonical words; returns @to, of UVF_RULE_TEXT bytes. */
char *uvf_rule_text(const struct uvf_rule *rule, char *to);
bool uvf_rule_same(const struct uvf_rule *a, const struct uvf_rule *b);

/*
 * A range of ports as prefixes: @each is called with a value and a mask until it returns other
 * than 0, which is then returned. At most 30 times.
 */
int uvf_ports_split(const uint16_t *range, int (*each)(uint16_t value, uint16_t mask, void *arg),
		    void *arg);

/* The word for a protocol, or NULL; @number for one that has a name only. */
const char *uvf_proto_name(uint8_t number);

#endif /* UVF_RULE_H */

/* SPDX-License-Identifier: GPL-2.0-only */
/* Which function is a unicast frame for? The same for XDP, for tc, and for `uvf rule test`. */
#ifndef UVF_BPF_DECIDE_H
#define UVF_BPF_DECIDE_H

#include "rules.h"

/* A frame, wherever its tag is kept. */
struct frame {
	const __u8 *mac; /* destination */
	const void *inner; /* behind the Ethernet header and its tag */
	const void *end;
	__be16 proto; /* of @inner */
	__u16 vlan;
};

static __always_inline bool same_mac(const __u8 *a, const __u8 *b)
{
	const __u16 *x = (const void *)a, *y = (const void *)b;

	return x[0] == y[0] && x[1] == y[1] && x[2] == y[2];
}

/* In passthru mode addresses do not matter, but for the uplink's own (as in kmod/uplink.c). */
static __always_inline void by_passthru(const struct frame *frame, struct uvf_verdict *verdict)
{
	struct uvf_config *now = uvf_config_get();

	if (!now || same_mac(now->uplink, frame->mac))
		return;
	verdict->reason = UVF_BY_PASSTHRU;
	verdict->slot = now->passthru;
	verdict->action = UVF_ACTION_ACCEPT;
}

static __always_inline void by_station(const struct frame *frame, struct uvf_verdict *verdict)
{
	struct uvf_station *station = uvf_station_find(frame->mac, frame->vlan);

	if (!station)
		return;
	verdict->reason = UVF_BY_STATION;
	verdict->slot = station->slot;
	verdict->flags = station->flags;
	verdict->action = UVF_ACTION_ACCEPT;
}

static __always_inline bool by_rule(const struct frame *frame, struct uvf_verdict *verdict)
{
	struct uvf_rule_entry *entry;

	entry = uvf_rule_find(frame->inner, frame->end, frame->proto, frame->vlan);
	if (!entry)
		return false;
	verdict->rule = entry->id;
	verdict->index = entry->index;
	verdict->action = entry->action;
	if (entry->action == UVF_ACTION_PASS)
		return false;
	verdict->reason = UVF_BY_RULE;
	verdict->slot = entry->slot;
	verdict->flags = entry->flags;
	return true;
}

/* @verdict is for the host when nobody else wants the frame. */
static __always_inline void uvf_decide(const struct frame *frame, struct uvf_verdict *verdict)
{
	*verdict = (struct uvf_verdict){ .action = UVF_ACTION_PASS, .vlan = frame->vlan };
	if (frame->mac[0] & 1)
		verdict->reason = UVF_FOR_ALL;
	else if (on.rules && by_rule(frame, verdict))
		return;
	else if (on.passthru)
		by_passthru(frame, verdict);
	else
		by_station(frame, verdict);
}

#endif /* UVF_BPF_DECIDE_H */

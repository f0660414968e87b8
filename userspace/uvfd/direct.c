// SPDX-License-Identifier: GPL-2.0-only
/* Who has which queues of an uplink, and that the function's frames arrive there. See direct.h. */
#include "direct.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "uapi/linux/uvf.h"
#include "uvfd.h"
#include "why.h"

static struct ledger ledger;
static char ledger_path[120];

static const char *name_of(int ifindex, char *name)
{
	return if_indextoname(ifindex, name) ? name : strcpy(name, "?");
}

static bool note(void)
{
	if (!ledger_write(&ledger, ledger_path))
		return true;
	say("%s", uvf_why());
	return false;
}

/* --- the card: a rule for a function's address ------------------------------------------- */

static bool rule_add(struct direct *direct, const char *uplink)
{
	uint32_t queue = queue_first(direct->queues);

	/* An operator's own, which stays when we go. */
	if (!uvf_ethtool_rule_find(uplink, direct->mac, queue))
		return true;
	direct->ruled = true;
	if (note() && !uvf_ethtool_rule_add(uplink, direct->mac, queue))
		return true;
	direct->ruled = false;
	return false;
}

static void rule_remove(struct direct *direct)
{
	char uplink[IFNAMSIZ];
	int err;

	if (!direct->ruled)
		return;
	direct->ruled = false;
	if (!if_indextoname(direct->uplink, uplink))
		return;
	err = uvf_ethtool_rule_remove(uplink, direct->mac, queue_first(direct->queues));
	if (err && err != -ENOENT)
		say("%s: the rule for a queue that was leased stays: %s", uplink, strerror(-err));
}

/* --- the card: its indirection table ------------------------------------------------------ */

static uint64_t queues_on(int uplink, uint32_t by)
{
	const struct direct *direct;
	uint64_t queues = 0;

	for (direct = ledger.directs; direct; direct = direct->hh.next)
		if (direct->on && direct->uplink == uplink && direct->by == by)
			queues |= direct->queues;
	return queues;
}

static uint64_t queues_away(int uplink)
{
	const struct direct *direct;
	uint64_t queues = queues_on(uplink, UVF_DIRECT_RULE);

	for (direct = ledger.directs; direct; direct = direct->hh.next)
		if (direct->away && direct->uplink == uplink)
			queues |= direct->queues;
	return queues;
}

static uint64_t queues_all(unsigned int queues)
{
	return queues >= 64 ? ~0ULL : (1ULL << queues) - 1;
}

/* The @n-th queue of a mask, and round again. */
static uint32_t queue_nth(uint64_t queues, uint32_t n)
{
	for (n %= __builtin_popcountll(queues); n; n--)
		queues &= queues - 1;
	return queue_first(queues);
}

/*
 * Where functions are found by the hash, it leads to their queues alone: theirs and all others'
 * frames. Where they are found by rules, the hash leads away from their queues; and from those
 * that a socket is about to be bound to, which receive nothing before its rings are filled.
 */
static void spread_plan(struct spread *spread)
{
	uint64_t hashed = queues_on(spread->uplink, UVF_DIRECT_RSS);
	uint64_t away = queues_away(spread->uplink);
	uint64_t others = queues_all(spread->queues) & ~away;
	struct uvf_rss *ours = &spread->ours;

	*ours = spread->before;
	for (uint32_t i = 0; i < ours->size; i++) {
		uint32_t queue = ours->queue[i];

		if (hashed)
			ours->queue[i] = queue_nth(hashed, i);
		else if (others && queue < 64 && away & 1ULL << queue)
			ours->queue[i] = queue_nth(others, i);
	}
}

static struct spread *spread_get(int uplink, const char *name)
{
	struct spread *spread = ledger_spread(&ledger, uplink);
	int queues = uvf_ethtool_queues(name);

	if (spread || queues <= 1)
		return spread;
	spread = calloc(1, sizeof(*spread));
	if (!spread)
		return NULL;
	spread->uplink = uplink;
	spread->queues = queues;
	if (uvf_ethtool_rss_get(name, &spread->before)) {
		free(spread);
		return NULL;
	}
	spread->last = spread->ours = spread->before;
	HASH_ADD_INT(ledger.spreads, uplink, spread);
	return spread;
}

/* A table that somebody else has changed since is theirs. */
static bool is_ours(struct spread *spread, const char *name)
{
	struct uvf_rss now;

	if (uvf_ethtool_rss_get(name, &now))
		return false;
	if (uvf_rss_equal(&now, &spread->ours) || uvf_rss_equal(&now, &spread->last)) {
		spread->last = now;
		return true;
	}
	say("%s: its indirection table was changed by somebody else, and stays so", name);
	return false;
}

static void spread_tell(const struct spread *spread, const char *name)
{
	int err = 0;

	if (!uvf_rss_equal(&spread->ours, &spread->last))
		err = uvf_ethtool_rss_set(name, &spread->ours, spread->queues);
	if (err)
		say("%s: can't set its indirection table: %s", name, strerror(-err));
}

/* What the leases on @uplink want of its table; without any, what it was before. */
static void spread_update(int uplink)
{
	bool wanted = queues_on(uplink, UVF_DIRECT_RSS) || queues_away(uplink);
	struct spread *spread = ledger_spread(&ledger, uplink);
	char name[IFNAMSIZ];

	if (!spread && !wanted)
		return;
	if (!if_indextoname(uplink, name)) {
		if (spread)
			ledger_drop_spread(&ledger, spread);
		return;
	}
	spread = spread_get(uplink, name);
	if (!spread)
		return;
	if (!is_ours(spread, name)) {
		ledger_drop_spread(&ledger, spread);
		return;
	}
	spread_plan(spread);
	/* What can't be noted is not changed, but for the better. */
	if (note() || !wanted)
		spread_tell(spread, name);
	if (!wanted)
		ledger_drop_spread(&ledger, spread);
}

/* --- on and off --------------------------------------------------------------------------- */

static const char *const ways[] = {
	[UVF_DIRECT_RULE] = "by a rule for its address",
	[UVF_DIRECT_RSS] = "by the hash, with all other frames of the uplink",
	[UVF_DIRECT_NONE] = "as they happen to arrive",
};

static uint32_t way_choose(struct direct *direct, const char *uplink)
{
	bool any = direct->asked == UVF_DIRECT_AUTO;
	struct uvf_rss rss;

	if (uvf_ethtool_queues(uplink) == 1)
		return UVF_DIRECT_NONE;
	/* A rule leads to one queue. */
	if ((any || direct->asked == UVF_DIRECT_RULE) &&
	    __builtin_popcountll(direct->queues) == 1 && rule_add(direct, uplink))
		return UVF_DIRECT_RULE;
	if ((any || direct->asked == UVF_DIRECT_RSS) && !uvf_ethtool_rss_get(uplink, &rss))
		return UVF_DIRECT_RSS;
	return UVF_DIRECT_NONE;
}

/* What the kernel keeps free in front of a received frame: XDP_PACKET_HEADROOM. */
#define HEADROOM 256
/* Header and VLAN tag; the card has taken the checksum off. */
#define FRAME_HEAD 18

/*
 * These drivers give the card the size of a buffer in whole KiB, rounded down (igb_setup_srrctl()
 * and its like), and drop what does not fit one: frames of others as well.
 */
static bool is_too_small(const struct lease *lease, const char *uplink)
{
	uint32_t room = (lease->session->frame_size - HEADROOM) & ~1023;
	char driver[UVF_DRIVER_SIZE];
	struct uvf_function links;

	if (uvf_ethtool_driver(uplink, driver) || (strcmp(driver, "igb") && strcmp(driver, "igc")) ||
	    !model_look(lease->function, &links) || !links.uplink ||
	    links.uplink->mtu + FRAME_HEAD <= room)
		return false;
	say("%s: no zero-copy on %s: its driver makes %u bytes of a frame's %u, too few for an MTU of "
	    "%u", lease->function->name, uplink, room, lease->session->frame_size,
	    links.uplink->mtu);
	return true;
}

void direct_plan(struct lease *lease)
{
	struct direct *direct = ledger_direct(&ledger, lease->function->key);
	const struct uplink *uplink = lease->function->uplink;
	char name[IFNAMSIZ];
	bool copy;

	if (!direct || !uplink || !steer_is_fast(uplink->steer))
		return;
	copy = direct->copy || is_too_small(lease, name_of(direct->uplink, name));
	for (uint64_t queues = direct->queues; queues && lease->sources < UVF_PROTO_SOURCES;
	     queues &= queues - 1)
		lease->source[lease->sources++] = (struct source){
			.netdev = direct->uplink,
			.queue = queue_first(queues),
			.direct = true,
			.copy = copy,
		};
	direct->away = true;
	spread_update(direct->uplink);
}

/* Frames for a dead appliance would pile up in a queue that is not its alone. */
static bool is_leased(const struct function *function)
{
	const struct lease *lease = function->lease;

	if (!lease || session_is_parked(lease->session))
		return false;
	for (unsigned int i = 0; i < lease->sources; i++)
		if (lease->source[i].direct)
			return true;
	return false;
}

/* How many of its sockets are on queues of the uplink. */
static unsigned int sockets_add(const struct function *function, uint64_t queues)
{
	const struct lease *lease = function->lease;
	unsigned int added = 0;

	for (unsigned int i = 0; lease && i < lease->sources; i++) {
		const struct source *source = &lease->source[i];

		/* An appliance may still have what was leased before. */
		if (source->direct && source->bound && queues & 1ULL << source->queue &&
		    !steer_direct_add(function->uplink->steer, source->queue, function->entry.slot,
				      source->xsk))
			added++;
	}
	return added;
}

static void sockets_remove(const struct function *function, uint64_t queues)
{
	if (!function->uplink)
		return;
	for (; queues; queues &= queues - 1)
		steer_direct_remove(function->uplink->steer, queue_first(queues));
}

/* First the sockets, then the frames. On already, an earlier uvfd did the rest. */
void direct_on(const struct function *function)
{
	struct direct *direct = ledger_direct(&ledger, function->key);
	char uplink[IFNAMSIZ];

	if (!direct || !function->uplink || !is_leased(function) ||
	    !sockets_add(function, direct->queues) || direct->on)
		return;
	name_of(direct->uplink, uplink);
	memcpy(direct->mac, function->mac, sizeof(direct->mac));
	direct->by = way_choose(direct, uplink);
	direct->away = false;
	direct->on = true;
	spread_update(direct->uplink);
	note();
	say("%s: has queues of %s, and its frames come there %s", function->name, uplink,
	    ways[direct->by]);
}

static void take_back(struct direct *direct)
{
	direct->on = direct->away = false;
	spread_update(direct->uplink);
	rule_remove(direct);
	note();
}

void direct_off(const struct function *function)
{
	struct direct *direct = ledger_direct(&ledger, function->key);

	if (!direct || (!direct->on && !direct->away))
		return;
	take_back(direct);
	sockets_remove(function, direct->queues);
	say("%s: its queues are the uplink's again, as they were", function->name);
}

/* What leaves by the uplink's queue passes siblings by. */
bool direct_sends(const struct function *function)
{
	struct uvf_function links;

	return model_look(function, &links) && links.port->mode != UVF_MODE_BRIDGE;
}

void direct_start(const struct function *function)
{
	direct_on(function);
	if (function->uplink)
		steer_settle(function->uplink->steer);
}

void direct_stop(const struct function *function)
{
	direct_off(function);
	if (function->uplink)
		steer_settle(function->uplink->steer);
}

/* --- reserving ---------------------------------------------------------------------------- */

static uint64_t queues_taken(int uplink, int but)
{
	const struct direct *direct;
	uint64_t taken = 0;

	for (direct = ledger.directs; direct; direct = direct->hh.next)
		if (direct->uplink == uplink && direct->key != but)
			taken |= direct->queues;
	return taken;
}

/* The last ones: what is not hashed, such as ARP, comes to the first. */
static int queues_pick(uint64_t free, uint32_t count, const char *uplink, uint64_t *queues)
{
	if (count > (uint32_t)__builtin_popcountll(free))
		return uvf_fail(ENOSPC, "%s has %d queues that are not leased, not %u", uplink,
				__builtin_popcountll(free), count);
	for (*queues = 0; count; count--) {
		uint64_t last = 1ULL << (63 - __builtin_clzll(free));

		*queues |= last;
		free &= ~last;
	}
	return 0;
}

static int queues_choose(const struct uvf_request *request, const struct function *function,
			 const struct uvf_link *uplink, uint64_t *queues)
{
	uint64_t taken = queues_taken(uplink->ifindex, function->key), wrong;
	int count = uvf_ethtool_queues(uplink->name);

	if (count < 0)
		return uvf_fail(-count, "can't ask %s for its queues: %s", uplink->name,
				strerror(-count));
	*queues = request->direct.queues;
	if (!*queues)
		return queues_pick(queues_all(count) & ~taken, request->direct.count,
				   uplink->name, queues);
	wrong = *queues & ~queues_all(count);
	if (wrong)
		return uvf_fail(ERANGE, "%s has no queue %u: it has %d, counted from 0 (`ethtool -L` "
					"may change that)", uplink->name, queue_first(wrong), count);
	wrong = *queues & taken;
	if (wrong)
		return uvf_fail(EBUSY, "queue %u of %s is leased by another function: `uvf lease` "
				       "shows by which", queue_first(wrong), uplink->name);
	return 0;
}

static int check_way(uint32_t by, uint64_t queues, const char *uplink)
{
	struct uvf_rss rss;

	if (by == UVF_DIRECT_RULE && __builtin_popcountll(queues) > 1)
		return uvf_fail(EINVAL, "a rule leads to one queue: lease one, or by rss");
	if (by == UVF_DIRECT_RSS && uvf_ethtool_rss_get(uplink, &rss))
		return uvf_fail(EOPNOTSUPP, "%s has no indirection table that could be set: lease "
					    "by rule or none", uplink);
	return 0;
}

static int reserve(const struct uvf_request *request, const struct function *function,
		   const struct uvf_link *uplink)
{
	struct direct *direct = ledger_direct(&ledger, function->key);
	uint64_t queues = 0;
	int err;

	err = queues_choose(request, function, uplink, &queues);
	if (!err)
		err = check_way(request->direct.by, queues, uplink->name);
	if (err)
		return err;
	if (!direct) {
		direct = calloc(1, sizeof(*direct));
		if (!direct)
			return uvf_fail(ENOMEM, "no memory for a lease of queues");
		direct->key = function->key;
		HASH_ADD_INT(ledger.directs, key, direct);
	}
	direct->uplink = uplink->ifindex;
	direct->queues = queues;
	direct->asked = request->direct.by;
	direct->copy = request->direct.copy;
	return ledger_write(&ledger, ledger_path);
}

void direct_forget(const struct function *function)
{
	struct direct *direct = ledger_direct(&ledger, function->key);

	if (!direct)
		return;
	direct_off(function);
	ledger_drop_direct(&ledger, direct);
	note();
}

/* The same request again changes nothing. */
int direct_request(const struct uvf_request *request, const struct function *function,
		   const struct uvf_function *links)
{
	const struct direct *direct = ledger_direct(&ledger, function->key);

	if (!request->direct.queues && !request->direct.count) {
		direct_stop(function);
		direct_forget(function);
		return 0;
	}
	if (direct && direct->on)
		return uvf_fail(EBUSY, "%s has queues in use: `uvf lease %s off` first",
				function->name, function->name);
	if (!links->uplink)
		return uvf_fail(ENETDOWN, "the uplink of %s is not in this network namespace",
				function->name);
	if (links->port->vlan != UVF_VLAN_ANY)
		return uvf_fail(EOPNOTSUPP, "%s is of VLAN %u, and on the uplink's queues its frames "
					    "have the tag on: only functions of all VLANs lease queues",
				function->name, links->port->vlan);
	return reserve(request, function, links->uplink);
}

static bool is_zerocopy(const struct lease *lease)
{
	struct xdp_options options = { 0 };
	socklen_t len = sizeof(options);

	for (unsigned int i = 0; lease && i < lease->sources; i++)
		if (lease->source[i].direct &&
		    !getsockopt(lease->source[i].xsk, SOL_XDP, XDP_OPTIONS, &options, &len) &&
		    options.flags & XDP_OPTIONS_ZEROCOPY)
			return true;
	return false;
}

void direct_describe(struct uvf_reply *reply, const struct function *function)
{
	const struct direct *direct = ledger_direct(&ledger, function->key);

	if (!direct)
		return;
	reply->direct_queues = direct->queues;
	reply->direct_by = direct->on ? direct->by : direct->asked;
	reply->direct_on = direct->on;
	reply->direct_zerocopy = direct->on && is_zerocopy(function->lease);
}

/* --- life --------------------------------------------------------------------------------- */

void direct_open(const char *socket)
{
	const char *slash = strrchr(socket, '/');
	int err;

	snprintf(ledger_path, sizeof(ledger_path), "%.*squeues.json",
		 slash ? (int)(slash + 1 - socket) : 0, socket);
	err = ledger_read(&ledger, ledger_path);
	if (err && err != -ENOENT)
		say("%s is passed over: %s: `ethtool -x` and `ethtool -n` tell how the uplinks are",
		    ledger_path, uvf_why());
}

/* A function, or its appliance, went while there was no uvfd; or both are as they were. */
static void settle(struct direct *direct)
{
	const struct function *function = model_get(direct->key);

	if (!function || !function->uplink || !is_leased(function)) {
		if (direct->on || direct->ruled)
			take_back(direct);
	} else {
		direct_start(function);
	}
	if (!function)
		ledger_drop_direct(&ledger, direct);
}

void direct_settle(void)
{
	struct direct *direct, *next;
	struct spread *spread, *other;

	HASH_ITER(hh, ledger.directs, direct, next)
		settle(direct);
	HASH_ITER(hh, ledger.spreads, spread, other)
		spread_update(spread->uplink);
	note();
}

void direct_close(void)
{
	ledger_free(&ledger);
}

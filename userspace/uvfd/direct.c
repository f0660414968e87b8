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

struct ledger direct_ledger;
static char ledger_path[120];

static const char *name_of(int ifindex, char *name)
{
	return if_indextoname(ifindex, name) ? name : strcpy(name, "?");
}

bool direct_note(void)
{
	if (!ledger_write(&direct_ledger, ledger_path))
		return true;
	say("%s", uvf_why());
	return false;
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
	    __builtin_popcountll(direct->queues) == 1 && card_rule_add(direct, uplink))
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
	struct direct *direct = ledger_direct(&direct_ledger, lease->function->key);
	const struct uplink *uplink = lease->function->uplink;
	char name[IFNAMSIZ];
	bool copy;

	if (!direct || !uplink)
		return;
	if (!steer_is_fast(uplink->steer)) {
		say("%s: gets no queues of its uplink, which is not steered with XDP",
		    lease->function->name);
		return;
	}
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
	card_spread(direct->uplink);
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
	struct direct *direct = ledger_direct(&direct_ledger, function->key);
	char uplink[IFNAMSIZ];

	if (!direct || !function->uplink || !is_leased(function) ||
	    !sockets_add(function, direct->queues) || direct->on)
		return;
	name_of(direct->uplink, uplink);
	memcpy(direct->mac, function->mac, sizeof(direct->mac));
	direct->by = way_choose(direct, uplink);
	direct->away = false;
	direct->on = true;
	card_spread(direct->uplink);
	direct_note();
	say("%s: has queues of %s, and its frames come there %s", function->name, uplink,
	    ways[direct->by]);
}

static void take_back(struct direct *direct)
{
	direct->on = direct->away = false;
	card_spread(direct->uplink);
	card_rule_remove(direct);
	direct_note();
}

void direct_off(const struct function *function)
{
	struct direct *direct = ledger_direct(&direct_ledger, function->key);

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

	for (direct = direct_ledger.directs; direct; direct = direct->hh.next)
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
	struct direct *direct = ledger_direct(&direct_ledger, function->key);
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
		HASH_ADD_INT(direct_ledger.directs, key, direct);
	}
	direct->uplink = uplink->ifindex;
	direct->queues = queues;
	direct->asked = request->direct.by;
	direct->copy = request->direct.copy;
	return ledger_write(&direct_ledger, ledger_path);
}

void direct_forget(const struct function *function)
{
	struct direct *direct = ledger_direct(&direct_ledger, function->key);

	if (!direct)
		return;
	direct_off(function);
	ledger_drop_direct(&direct_ledger, direct);
	direct_note();
}

bool direct_is_leased(const struct function *function)
{
	return ledger_direct(&direct_ledger, function->key) ||
	       (function->lease && lease_has_direct(function->lease));
}

/*
 * What is to be seen of all that it sends would not see what leaves by the uplink's queues; nor
 * would what comes there go to another one.
 */
static int check_watched(const struct function *function)
{
	const struct uvf_limit_words *limit = &function->limits[UVF_TX];

	if (limit->rate || limit->pps)
		return uvf_fail(EBUSY, "%s has a limit on what it sends, which queues of its uplink "
				       "would not keep: take that off first", function->name);
	if (function->mirror_to && function->mirror_flags & UVF_MIRROR_TX)
		return uvf_fail(EBUSY, "%s has a mirror of what it sends, which would not see what "
				       "leaves by queues of its uplink: take that off first",
				function->name);
	if (function->redirect_to)
		return uvf_fail(EBUSY, "the frames of %s are for another function: `uvf redirect %s "
				       "off` first", function->name, function->name);
	return 0;
}

/* The same request again changes nothing. */
int direct_request(const struct uvf_request *request, const struct function *function,
		   const struct uvf_function *links)
{
	const struct direct *direct = ledger_direct(&direct_ledger, function->key);

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
	return check_watched(function) ?: reserve(request, function, links->uplink);
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
	const struct direct *direct = ledger_direct(&direct_ledger, function->key);

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
	err = ledger_read(&direct_ledger, ledger_path);
	if (err && err != -ENOENT)
		say("%s is passed over: %s: `ethtool -x` and `ethtool -n` tell how the uplinks are",
		    ledger_path, uvf_why());
}

/* A function, or its appliance, went while there was no uvfd; or both are as they were. */
static void settle(struct direct *direct)
{
	const struct function *function = model_get(direct->key);

	bool stays = function && function->uplink && is_leased(function);

	if ((direct->on || direct->ruled) &&
	    (!stays || memcmp(direct->mac, function->mac, sizeof(direct->mac))))
		take_back(direct);
	if (stays)
		direct_start(function);
	if (!function)
		ledger_drop_direct(&direct_ledger, direct);
}

void direct_settle(void)
{
	struct direct *direct, *next;
	struct spread *spread, *other;

	HASH_ITER(hh, direct_ledger.directs, direct, next)
		settle(direct);
	HASH_ITER(hh, direct_ledger.spreads, spread, other)
		card_spread(spread->uplink);
	direct_note();
}

void direct_close(void)
{
	ledger_free(&direct_ledger);
}

// SPDX-License-Identifier: GPL-2.0-only
/* What clients may ask, and what they get. See common/proto.h. */
#include "uvfd.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "why.h"

static bool may_use(const struct session *session, const char *name, const char *appliance)
{
	if (!session->is_appliance)
		return true;
	if (*appliance && strcmp(appliance, session->appliance)) {
		uvf_fail(EPERM, "%s belongs to the appliance %s, not to %s", name, appliance,
			 session->appliance);
		return false;
	}
	if (!*appliance && session->uid) {
		uvf_fail(EPERM, "%s was made for no appliance, and is root's to give: make it with "
				"--appliance %s", name, session->appliance);
		return false;
	}
	if (!session->functions)
		return true;
	for (unsigned int i = 0; i < session->functions; i++)
		if (!strcmp(session->function[i], name))
			return true;
	uvf_fail(EPERM, "%s was started without %s: start it with `uvf run --on %s`",
		 session->appliance, name, name);
	return false;
}

static int find_own(const struct session *session, const char *name, struct function **function,
		    struct uvf_function *links)
{
	*function = model_find(name, links);
	if (!*function)
		return -ENODEV;
	return may_use(session, name, links->port->appliance) ? 0 : -EPERM;
}

/* Not in somebody else's hands. @session inherits from the dead appliance @parked, or NULL. */
static int check_free(const struct function *function, const struct session *parked)
{
	const struct lease *lease = function->lease;

	if (!lease || lease->session == parked)
		return 0;
	if (session_is_parked(lease->session))
		return uvf_fail(EBUSY, "%s waits %u s more for a successor of %s (pid %d), which "
				       "is dead: `uvf release %s` ends that", function->name,
				session_left(lease->session), lease->session->appliance,
				(int)lease->session->pid, function->name);
	return uvf_fail(EBUSY, "%s is leased already, by %s (pid %d)", function->name,
			lease->session->appliance, (int)lease->session->pid);
}

static bool is_same(const struct session *session, const struct uvf_request *request)
{
	return !strcmp(session->appliance, request->become.appliance) &&
	       session->functions == request->become.count &&
	       !memcmp(session->function, request->become.functions,
		       session->functions * sizeof(session->function[0]));
}

static int become(struct session *session, const struct uvf_request *request)
{
	struct session *parked = session_parked(request->become.appliance,
						request->become.functions, request->become.count);
	struct uvf_function links;
	struct function *function;
	int err = 0;

	for (uint32_t i = 0; !err && i < request->become.count; i++) {
		err = find_own(session, request->become.functions[i], &function, &links);
		if (!err)
			err = check_free(function, parked);
	}
	if (err)
		return err;
	session->functions = request->become.count;
	memcpy(session->function, request->become.functions, sizeof(session->function));
	if (parked)
		session_inherit(session, parked);
	park_session(session);
	return 0;
}

static int on_become(struct session *session, const struct uvf_request *request,
		     struct uvf_reply *reply)
{
	int err = 0;

	if (session->is_appliance && !is_same(session, request))
		return uvf_fail(EPERM, "this connection is that of %s already",
				session->appliance);
	if (!uvf_appliance_valid(request->become.appliance))
		return uvf_fail(EINVAL, "'%s' can't name an appliance: 1 to %d letters, digits, "
					"'.', '_' and '-', the first a letter or digit",
				request->become.appliance, UVF_APPLIANCE_SIZE - 1);
	err = appliance_check_user(session->uid, request->become.appliance);
	if (err)
		return err;
	if (!session->is_appliance) {
		strcpy(session->appliance, request->become.appliance);
		session->is_appliance = true;
		err = become(session, request);
	}
	if (err) {
		session->is_appliance = false;
		strcpy(session->appliance, SESSION_ROOT);
	}
	reply->resumable = session->memory >= 0;
	return err;
}

static void describe_redirect(struct uvf_reply *reply, const struct function *function)
{
	const struct function *to = model_function(function->redirect_to);

	if (to)
		strcpy(reply->redirect, to->name);
}

static void describe(struct uvf_reply *reply, const struct function *function,
		     const struct uvf_function *links)
{
	const struct lease *lease = function->lease;

	strcpy(reply->function, function->name);
	if (links->uplink)
		strcpy(reply->uplink, links->uplink->name);
	reply->cursor = function->key;
	reply->ifindex = function->netdev;
	reply->mtu = links->netdev->mtu;
	memcpy(reply->mac, links->netdev->mac, sizeof(reply->mac));
	reply->steered = function->uplink && steer_is_fast(function->uplink->steer);
	direct_describe(reply, function);
	describe_redirect(reply, function);
	if (!lease)
		return;
	strcpy(reply->holder, lease->session->appliance);
	reply->holder_pid = lease->session->pid;
	reply->ring_size = lease->ring_size;
	reply->zerocopy = lease->source[0].zerocopy;
	reply->sources = lease->sources;
	reply->frame_size = lease->session->frame_size;
	reply->jumbo = lease->session->memory_flags & UVF_MEMORY_JUMBO;
	reply->meta = lease->session->memory_flags & UVF_MEMORY_META;
	reply->resumed = lease->inherited;
	if (session_is_parked(lease->session))
		reply->parked = session_left(lease->session) ?: 1;
}

static int check_up(const struct uvf_function *links)
{
	const char *name = links->netdev->name;

	if (!links->uplink)
		return uvf_fail(ENETDOWN, "the uplink of %s is not in this network namespace",
				name);
	if (!(links->netdev->flags & IFF_UP))
		return uvf_fail(ENETDOWN, "%s is down: `ip link set %s up` first", name, name);
	if (!(links->uplink->flags & IFF_UP))
		return uvf_fail(ENETDOWN, "%s, the uplink of %s, is down: `ip link set %s up` first",
				links->uplink->name, name, links->uplink->name);
	if (links->netdev->queues > UVF_PROTO_SOURCES)
		return uvf_fail(EOPNOTSUPP, "%s has %u queues, and %d can be leased: "
					    "`ethtool -L %s combined %d` first", name,
				links->netdev->queues, UVF_PROTO_SOURCES, name,
				UVF_PROTO_SOURCES);
	return 0;
}

/* This client's already: it was inherited, or the request is served once more. */
static bool has_lease(const struct session *session, const struct function *function,
		      const struct uvf_request *request)
{
	struct lease *lease = function->lease;

	if (!lease || lease->session != session)
		return false;
	if (lease->request == request->number && request->number)
		return true;
	if (!lease->inherited || lease->request)
		return false;
	lease->request = request->number;
	return true;
}

static int on_lease(struct session *session, const struct uvf_request *request,
		    struct uvf_reply *reply, int *fd)
{
	struct uvf_function links;
	struct function *function;
	int err;

	err = memory_check_complete(session);
	if (err)
		return err;
	model_refresh(request->function);
	err = find_own(session, request->function, &function, &links);
	if (err)
		return err;
	if (!has_lease(session, function, request)) {
		err = check_free(function, NULL);
		if (!err)
			err = check_up(&links);
		if (!err)
			err = lease_open(session, function, links.netdev->queues ?: 1,
					 request->lease.ring_size, request->number);
		if (err)
			return err;
	}
	describe(reply, function, &links);
	reply->unbound = !function->lease->bound || lease_has_direct(function->lease);
	*fd = function->lease->source[0].xsk;
	return 0;
}

static struct lease *find_lease(const struct session *session, const struct uvf_request *request)
{
	struct lease *lease;

	LIST_FOREACH(lease, &session->leases, entry)
		if (!strcmp(lease->name, request->function))
			return lease;
	uvf_fail(ENOENT, "%s is not leased by this connection", request->function);
	return NULL;
}

static int on_source(const struct session *session, const struct uvf_request *request,
		     struct uvf_reply *reply, int *fd)
{
	const struct lease *lease = find_lease(session, request);
	const struct source *source;

	if (!lease)
		return -ENOENT;
	if (request->source.index >= lease->sources)
		return uvf_fail(ENOENT, "%s has %u sources: there is no source %u", lease->name,
				lease->sources, request->source.index);
	source = &lease->source[request->source.index];
	reply->ifindex = source->netdev;
	reply->queue = source->queue;
	reply->direct = source->direct && direct_sends(lease->function);
	reply->zerocopy = source->zerocopy;
	reply->ring_size = lease->ring_size;
	*fd = source->xsk;
	return 0;
}

static int on_bind(struct session *session, const struct uvf_request *request,
		   struct uvf_reply *reply)
{
	struct lease *lease = find_lease(session, request);
	int err;

	if (!lease)
		return -ENOENT;
	err = lease_bind(lease);
	if (err && err != -EALREADY)
		lease_close(lease);
	else
		reply->zerocopy = lease->source[0].zerocopy;
	return err;
}

/* Who does not read what it is told is told no more: it comes back, and asks how things are. */
void serve_tell(const struct function *function)
{
	struct uvf_reply event = { .version = UVF_PROTO_VERSION, .type = UVF_MSG_NOTICE };
	struct uvf_function links;

	if (model_look(function, &links))
		describe(&event, function, &links);
	else
		strcpy(event.function, function->name);
	event.cursor = function->key;
	sessions_tell(&event);
}

static int on_watch(struct session *session)
{
	if (session->is_appliance)
		return uvf_fail(EPERM, "an appliance is not told of others");
	session->watches = true;
	return 0;
}

/* Root gives back what the dead left, with all that belongs to it. */
static int release_parked(const char *name)
{
	struct uvf_function links;
	struct function *function = model_find(name, &links);

	if (!function)
		return -ENODEV;
	if (!function->lease || !session_is_parked(function->lease->session))
		return uvf_fail(ENOENT, "%s waits for no successor of a dead appliance", name);
	session_close(function->lease->session);
	return 0;
}

static int on_release(struct session *session, const struct uvf_request *request)
{
	struct lease *lease = find_lease(session, request);

	if (lease) {
		lease_close(lease);
		return 0;
	}
	return session->is_appliance ? -ENOENT : release_parked(request->function);
}

/* It takes from the uplink, which is the host's: no appliance may. */
static int on_direct(const struct session *session, const struct uvf_request *request)
{
	struct uvf_function links;
	struct function *function;

	if (session->is_appliance)
		return uvf_fail(EPERM, "an appliance can't lease queues of an uplink: `uvf lease` "
				       "does, as root");
	function = model_find(request->function, &links);
	return function ? direct_request(request, function, &links) : -ENODEV;
}

static bool holds(const struct session *session, int key)
{
	const struct function *function = model_function(key);

	return function && function->lease && function->lease->session == session;
}

/* Root may all; an appliance has frames come to what it holds. @to: NULL, no longer. */
static int check_redirect(const struct session *session, const struct function *function,
			  const struct function *to, uint32_t flags)
{
	if (flags & UVF_REDIRECT_LEASED && to && !to->lease)
		return uvf_fail(ENOENT, "no appliance has %s", to->name);
	if (!session->is_appliance)
		return 0;
	if (to && (function->standby != to->key || flags != UVF_REDIRECT_LEASED))
		return uvf_fail(EPERM, "%s is no standby of %s: `uvf redirect %s standby %s` lets it "
				       "take the frames", to->name, function->name, function->name,
				to->name);
	if (to && !holds(session, to->key))
		return uvf_fail(EPERM, "%s does not hold %s", session->appliance, to->name);
	if (to && function->redirect_to && function->redirect_to != to->key)
		return uvf_fail(EBUSY, "the frames of %s are for another function", function->name);
	return 0;
}

static int redirect(const struct session *session, const struct uvf_request *request,
		    struct function *function)
{
	uint32_t flags = request->redirect.flags;
	struct function *to = NULL;
	struct uvf_function links;
	int err;

	if (*request->redirect.to) {
		to = model_find(request->redirect.to, &links);
		if (!to)
			return -ENODEV;
	}
	err = check_redirect(session, function, to, flags);
	if (err)
		return err;
	if (flags & UVF_REDIRECT_STANDBY)
		return redirect_allow(function, to);
	if (!to && !session->is_appliance)
		redirect_allow(function, NULL);
	else if (!to && !holds(session, function->redirect_to))
		return 0; /* what it has not is not its to give back */
	return redirect_set(function, to, flags & UVF_REDIRECT_LEASED);
}

static void tell_redirect(struct uvf_reply *reply, const struct function *function)
{
	const struct function *standby = model_function(function->standby);

	describe_redirect(reply, function);
	if (function->redirect_to || !standby)
		return;
	strcpy(reply->redirect, standby->name);
	reply->redirect_flags = UVF_REDIRECT_STANDBY;
}

static int on_redirect(const struct session *session, const struct uvf_request *request,
		       struct uvf_reply *reply)
{
	struct uvf_function links;
	struct function *function = model_find(request->function, &links);
	int err = 0;

	if (!function)
		return -ENODEV;
	if (request->redirect.set)
		err = redirect(session, request, function);
	else if (session->is_appliance)
		err = uvf_fail(EPERM, "an appliance is not told of others");
	if (!err)
		tell_redirect(reply, function);
	return err;
}

static void look_into_rings(struct uvf_reply *reply, const struct lease *lease)
{
	uint32_t rx, fill;

	for (unsigned int i = 0; i < lease->sources; i++) {
		if (!source_look(&lease->source[i], lease->ring_size, &rx, &fill))
			continue;
		reply->rings++;
		reply->rx_waiting += rx;
		reply->fill_left += fill;
	}
}

static void count_sockets(struct uvf_reply *reply, const struct lease *lease)
{
	for (unsigned int i = 0; i < lease->sources; i++) {
		struct xdp_statistics stats = { 0 };
		socklen_t len = sizeof(stats);

		if (getsockopt(lease->source[i].xsk, SOL_XDP, XDP_STATISTICS, &stats, &len))
			continue;
		reply->xsk_rx_dropped += stats.rx_dropped;
		reply->xsk_rx_ring_full += stats.rx_ring_full;
		reply->xsk_rx_no_frame += stats.rx_fill_ring_empty_descs;
		reply->xsk_tx_invalid += stats.tx_invalid_descs;
	}
}

_Static_assert(sizeof(((struct uvf_reply *)0)->drops) >=
	       sizeof(((struct uvf_counts *)0)->drops), "room for each reason");

static int on_list(const struct session *session, const struct uvf_request *request,
		   struct uvf_reply *reply)
{
	struct uvf_function links;
	struct function *function;
	struct uvf_counts counts;
	int err;

	if (*request->function) {
		err = find_own(session, request->function, &function, &links);
		if (err)
			return err;
	} else {
		if (session->is_appliance)
			return uvf_fail(EPERM, "an appliance may ask for its own functions only");
		function = model_next(request->list.after, &links);
		if (!function)
			return uvf_fail(ENOENT, "no further function");
	}
	describe(reply, function, &links);
	if (function->lease) {
		count_sockets(reply, function->lease);
		look_into_rings(reply, function->lease);
	}
	if (!function->uplink)
		return 0;
	steer_counts(function->uplink->steer, function->entry.slot, &counts);
	reply->rx_frames = counts.rx_frames;
	reply->rx_bytes = counts.rx_bytes;
	reply->flood_frames = counts.flood_frames;
	reply->flood_bytes = counts.flood_bytes;
	reply->tx_frames = counts.tx_frames;
	reply->tx_bytes = counts.tx_bytes;
	reply->direct_frames = counts.direct_frames;
	reply->direct_bytes = counts.direct_bytes;
	reply->mirror_frames = counts.mirror_frames;
	memcpy(reply->drops, counts.drops, sizeof(counts.drops));
	return 0;
}

/* Without a name a connection is root's, and may ask for anything. */
static int check_named(const struct session *session, const struct uvf_incoming *in)
{
	if (!session->uid || session->is_appliance || in->request.type == UVF_MSG_BECOME)
		return 0;
	return uvf_fail(EPERM, "who is not root says first which appliance it is");
}

/* @back: a descriptor that goes along with the reply. */
static int serve(struct session *session, struct uvf_incoming *in, struct uvf_reply *reply,
		 int *back)
{
	switch (in->request.type) {
	case UVF_MSG_BECOME:
		return on_become(session, &in->request, reply);
	case UVF_MSG_MEMORY:
		return memory_set(session, &in->request, &in->fd);
	case UVF_MSG_LEASE:
		return on_lease(session, &in->request, reply, back);
	case UVF_MSG_RESUME:
		return memory_resume(session, reply, back);
	case UVF_MSG_MAP:
		return memory_map(session, &in->request, &in->fd);
	case UVF_MSG_SOURCE:
		return on_source(session, &in->request, reply, back);
	case UVF_MSG_BIND:
		return on_bind(session, &in->request, reply);
	case UVF_MSG_RELEASE:
		return on_release(session, &in->request);
	case UVF_MSG_DIRECT:
		return on_direct(session, &in->request);
	case UVF_MSG_WATCH:
		return on_watch(session);
	case UVF_MSG_REDIRECT:
		return on_redirect(session, &in->request, reply);
	case UVF_MSG_LIST:
		return on_list(session, &in->request, reply);
	}
	return serve_settings(session, in, reply);
}

int session_serve(struct session *session, struct uvf_incoming *in)
{
	struct uvf_reply reply = {
		.version = UVF_PROTO_VERSION,
		.type = in->request.type,
		.number = in->request.number,
	};
	int back = -1;

	reply.status = check_named(session, in) ?: serve(session, in, &reply, &back);
	if (reply.status)
		strncpy(reply.why, uvf_why(), sizeof(reply.why) - 1);
	return uvf_proto_answer(session->sock, &reply, back);
}

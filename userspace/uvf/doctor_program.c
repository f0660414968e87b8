// SPDX-License-Identifier: GPL-2.0-only
/* The programs that carry a function's frames: are they in place, and who has the queues? */
#include "doctor.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "queues.h"

static bool is_up(const struct uvf_link *link)
{
	return link && link->flags & IFF_UP;
}

static void uplink_foreign(struct doctor *doctor, const struct fact *fact, const struct prog *other)
{
	const char *uplink = fact->function.uplink->name;
	const char *name = fact->function.netdev->name;

	found(doctor, SEVERITY_WARNING, fact->lease.steered ? "steering-replaced" :
							      "steering-taken", name,
	      "the %s XDP program %s (id %u) of somebody else is on its uplink %s%s: %s gets only "
	      "what that one passes, by the slow path", other->native ? "native" : "generic",
	      other->name, other->id, uplink,
	      fact->lease.steered ? " in place of uvfd's" : "", name);
	advise(doctor, "take it off (`ip link set %s xdp off`)%s, or attach it with "
		       "xdp-loader(8), beside uvfd's", uplink,
	       fact->lease.steered ? " and restart uvfd" : ", and uvfd's takes its place");
}

static void uplink_bare(struct doctor *doctor, const struct fact *fact)
{
	const char *uplink = fact->function.uplink->name;
	const char *name = fact->function.netdev->name;

	if (fact->lease.steered) {
		found(doctor, SEVERITY_WARNING, "steering-removed", name,
		      "uvfd's XDP program was taken off its uplink %s: %s has the slow path", uplink,
		      name);
		advise(doctor, "restart uvfd, which attaches it again");
		return;
	}
	found(doctor, SEVERITY_WARNING, "no-native-xdp", name,
	      "no XDP program steers on its uplink %s, whose driver has no native XDP or refused "
	      "it: %s has the slow path", uplink, name);
	advise(doctor, "see what the driver said: `uvfd --verbose`, `dmesg`; often an MTU or a "
		       "number of queues is too large for it");
}

/* One uplink has many functions, mostly in a row. */
static const struct progs *uplink_progs(struct doctor *doctor, const struct uvf_link *uplink)
{
	if (doctor->progs_of != uplink->ifindex)
		progs_xdp(uplink, &doctor->progs);
	doctor->progs_of = uplink->ifindex;
	return &doctor->progs;
}

static void examine_steering(struct doctor *doctor, const struct fact *fact)
{
	const struct progs *progs = uplink_progs(doctor, fact->function.uplink);

	if (progs_find(progs, "uvf_steer"))
		return;
	if (progs->count)
		uplink_foreign(doctor, fact, &progs->prog[0]);
	else
		uplink_bare(doctor, fact);
}

/* Of a veth-backed function: what carries broadcast to it, and all that it sends. */
static void examine_tc(struct doctor *doctor, const struct fact *fact)
{
	const struct uvf_function *function = &fact->function;
	const struct {
		const struct uvf_link *on;
		const char *program, *carries;
	} places[] = {
		{ function->uplink, "uvf_flood", "broadcast and multicast to it" },
		{ function->port, "uvf_uplift", "what it sends to the uplink" },
	};

	for (unsigned int i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		if (!strcmp(prog_tc(places[i].on->ifindex).name, places[i].program))
			continue;
		found(doctor, SEVERITY_ERROR, "tc-removed", function->netdev->name,
		      "uvfd's tc program %s, which carries %s, is not on %s", places[i].program,
		      places[i].carries, places[i].on->name);
		advise(doctor, "restart uvfd, which attaches it again: something removed the "
			       "clsact qdisc or its filter");
	}
}

/* The letter of proc(5), or 0: there is no such process. */
static char process_state(uint32_t pid)
{
	char path[64], state = 0;
	FILE *stat;

	snprintf(path, sizeof(path), "/proc/%u/stat", pid);
	stat = fopen(path, "re");
	if (!stat)
		return 0;
	if (fscanf(stat, "%*d (%*[^)]) %c", &state) != 1)
		state = '?';
	fclose(stat);
	return state;
}

static void examine_holder(struct doctor *doctor, const struct fact *fact)
{
	const struct uvf_reply *lease = &fact->lease;
	const char *name = fact->function.netdev->name;
	char state = process_state(lease->holder_pid);

	if (lease->parked) {
		found(doctor, SEVERITY_ERROR, "appliance-dead", name,
		      "its appliance %s (pid %u) has ended; what it held is kept for a successor for "
		      "%u seconds more", lease->holder, lease->holder_pid, lease->parked);
		advise(doctor, "start the appliance again: `uvf run --on %s -- …`", name);
	} else if (state == 'T' || state == 't') {
		found(doctor, SEVERITY_ERROR, "appliance-stopped", name,
		      "its appliance %s (pid %u) is stopped", lease->holder, lease->holder_pid);
		advise(doctor, "let it go on: `kill -CONT %u`", lease->holder_pid);
	}
}

static void examine_redirect(struct doctor *doctor, const struct fact *fact)
{
	const char *name = fact->function.netdev->name;

	if (!*fact->lease.redirect)
		return;
	found(doctor, SEVERITY_NOTE, "redirected", name, "its frames are for %s, while that is up",
	      fact->lease.redirect);
	advise(doctor, "`uvf redirect %s off` gives them back", name);
}

static void examine_receiver(struct doctor *doctor, const struct fact *fact)
{
	const char *name = fact->function.netdev->name;
	struct progs progs;

	progs_xdp(fact->function.netdev, &progs);
	if (!*fact->lease.holder) {
		if (!progs.count && *fact->function.port->appliance) {
			found(doctor, SEVERITY_NOTE, "no-appliance", name,
			      "no appliance has it: its frames go to the host's network stack");
			advise(doctor, "start its appliance: `uvf run --on %s -- %s …`", name,
			       fact->function.port->appliance);
		}
		return;
	}
	examine_holder(doctor, fact);
	if (progs_find(&progs, "uvf_socket"))
		return;
	found(doctor, SEVERITY_ERROR, "socket-program-replaced", name,
	      "it is leased to %s, but the XDP program that feeds the socket %s%s", fact->lease.holder,
	      progs.count ? "was replaced by " : "was taken off",
	      progs.count ? progs.prog[0].name : "");
	advise(doctor, "restart %s; whoever attaches programs to %s must leave uvfd's alone",
	       fact->lease.holder, name);
}

static void list_queues(const struct queues *queues, bool with_socket, char *text, size_t size)
{
	size_t at = 0;

	*text = '\0';
	for (unsigned int i = 0; i < queues->count && at + 8 < size; i++)
		if (!(queues->sockets & 1ULL << i) == !with_socket)
			at += snprintf(text + at, size - at, "%s%u", at ? ", " : "", i);
}

/* Frames are spread over all queues; those of a queue without a socket go to the stack. */
static void examine_queues(struct doctor *doctor, const struct fact *fact)
{
	const char *name = fact->function.netdev->name;
	char with[128], without[128];
	struct queues queues;

	queues_ask(&fact->function, &queues);
	list_queues(&queues, true, with, sizeof(with));
	list_queues(&queues, false, without, sizeof(without));
	if (!*with || !*without)
		return;
	found(doctor, queues.sockets & 1 ? SEVERITY_WARNING : SEVERITY_ERROR, "queue-without-socket",
	      name, "it has %u receive queues, and AF_XDP sockets only on queue %s: frames of queue "
	      "%s miss them", queues.count, with, without);
	advise(doctor, "bind a socket to each queue, or spread over fewer: `ethtool -L %s …`, with "
		       "the program on queue 0", name);
}

void examine_programs(struct doctor *doctor, const struct fact *fact)
{
	const struct uvf_function *function = &fact->function;

	if (!is_up(function->netdev))
		return;
	if (fact->uvfd) {
		if (is_up(function->uplink)) {
			examine_steering(doctor, fact);
			if (function->port->is_port)
				examine_tc(doctor, fact);
		}
		examine_redirect(doctor, fact);
		examine_receiver(doctor, fact);
	}
	examine_queues(doctor, fact);
}

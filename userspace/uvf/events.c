// SPDX-License-Identifier: GPL-2.0-only
/* uvf events: what becomes of functions and their leases, a line for each event. */
#include "events.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <time.h>

#include "why.h"

static const struct argp argp = {
	.options = query_options,
	.parser = query_parse,
	.doc = "Tells of functions that are made, change or go in this network namespace, of leases "
	       "and of steering, until it is interrupted.",
};

static const struct events_source *const sources[] = {
	&events_module, &events_link, &events_uvfd,
};

#define SOURCES (sizeof(sources) / sizeof(sources[0]))

struct json_object *told_new(const char *kind)
{
	struct json_object *event = json_object_new_object();

	told_text(event, "event", kind);
	return event;
}

void told_text(struct json_object *event, const char *key, const char *value)
{
	json_object_object_add(event, key, json_object_new_string(value));
}

void told_number(struct json_object *event, const char *key, int64_t value)
{
	json_object_object_add(event, key, json_object_new_int64(value));
}

static void print_text(struct json_object *event)
{
	const char *space = "";

	json_object_object_foreach(event, key, value) {
		printf("%s%s %s", space, key, json_object_get_string(value));
		space = "  ";
	}
	puts("");
}

void told_print(const struct events *events, struct json_object *event)
{
	struct timespec now;

	if (events->json) {
		clock_gettime(CLOCK_REALTIME, &now);
		json_object_object_add(event, "time",
				       json_object_new_double(now.tv_sec + now.tv_nsec / 1e9));
		puts(json_object_to_json_string_ext(event, JSON_C_TO_STRING_PLAIN));
	} else {
		print_text(event);
	}
	json_object_put(event);
}

static void open_missing(struct events *events, struct pollfd *polled)
{
	for (unsigned int i = 0; i < SOURCES; i++) {
		if (polled[i].fd < 0)
			polled[i].fd = sources[i]->open(events);
		polled[i].events = POLLIN;
	}
}

/* Ends when nobody reads any more. */
static void run(struct events *events)
{
	struct pollfd polled[SOURCES];

	for (unsigned int i = 0; i < SOURCES; i++)
		polled[i].fd = -1;
	open_missing(events, polled);
	events->started = true;
	while (!ferror(stdout)) {
		if (poll(polled, SOURCES, 1000) < 0 && errno != EINTR)
			return;
		for (unsigned int i = 0; i < SOURCES; i++)
			if (polled[i].fd >= 0 && polled[i].revents && sources[i]->read(events))
				polled[i].fd = -1;
		open_missing(events, polled);
	}
}

int cmd_events(int argc, char **argv)
{
	struct query query = { 0 };
	struct events events = { 0 };

	parse(&argp, argc, argv, &query);
	if (query.count) {
		fprintf(stderr, "%s: it takes no names: it tells of all functions\n", argv[0]);
		return 64;
	}
	events.json = query.json;
	if (facts_open(&events.facts, false))
		return fail();
	setvbuf(stdout, NULL, _IOLBF, 0);
	run(&events);
	uvf_fail(errno, "no more events can be told");
	return fail();
}

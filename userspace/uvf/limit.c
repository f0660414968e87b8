// SPDX-License-Identifier: GPL-2.0-only
/* uvf limit: how much a function may receive and send. */
#include "rule_cmd.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <uvf/steer.h>

#include "why.h"

static const char *const directions[] = { "rx", "tx" };

_Static_assert(sizeof(directions) / sizeof(directions[0]) == UVF_DIRECTIONS, "a word for each");

/* --- numbers with a unit ------------------------------------------------------------------ */

struct unit {
	const char *name;
	uint64_t factor;
};

/* As tc(8) has them. */
static const struct unit bits[] = {
	{ "", 1 }, { "bit", 1 }, { "k", 1000 }, { "kbit", 1000 }, { "m", 1000000 },
	{ "mbit", 1000000 }, { "g", 1000000000 }, { "gbit", 1000000000 }, { NULL },
};
static const struct unit bytes[] = {
	{ "", 1 }, { "b", 1 }, { "k", 1 << 10 }, { "kb", 1 << 10 }, { "m", 1 << 20 },
	{ "mb", 1 << 20 }, { NULL },
};
static const struct unit frames[] = { { "", 1 }, { "k", 1000 }, { "m", 1000000 }, { NULL } };

static int number(const char *text, const struct unit *units, uint64_t least, uint64_t most,
		  uint64_t *value)
{
	char *end;
	double amount = strtod(text, &end);

	if (end == text || strspn(text, "0123456789.") != (size_t)(end - text))
		return uvf_fail(EINVAL, "'%s' is not a number", text);
	for (; units->name; units++) {
		if (strcasecmp(units->name, end))
			continue;
		amount *= units->factor;
		if (amount < least || amount > most)
			return uvf_fail(EINVAL, "'%s' is out of range: %llu to %llu", text,
					(unsigned long long)least, (unsigned long long)most);
		*value = amount;
		return 0;
	}
	return uvf_fail(EINVAL, "'%s' is not a unit", end);
}

static int parse_word(const char *word, const char *text, struct uvf_limit_words *limit)
{
	uint64_t value = 0;
	int err;

	if (!strcmp(word, "rate"))
		return number(text, bits, UVF_RATE_MIN, UVF_RATE_MAX, &limit->rate);
	if (!strcmp(word, "pps"))
		return number(text, frames, 1, UVF_PPS_MAX, &limit->pps);
	if (strcmp(word, "burst"))
		return uvf_fail(EINVAL, "'%s' is not a word of a limit: rate, pps, burst", word);
	err = number(text, bytes, 64, UVF_BURST_MAX, &value);
	limit->burst = value;
	return err;
}

static int parse_limit(int argc, char **argv, struct uvf_limit_words *limit)
{
	int err = 0;

	if (argc == 1 && !strcmp(argv[0], "off"))
		return 0;
	for (int i = 0; !err && i < argc; i += 2)
		err = i + 1 < argc ? parse_word(argv[i], argv[i + 1], limit) :
			uvf_fail(EINVAL, "'%s' is said, and not how much", argv[i]);
	if (!err && !limit->rate && !limit->pps)
		return uvf_fail(EINVAL, "a limit is a rate, a number of frames a second (pps), or "
					"both; or off");
	if (!err && limit->burst && !limit->rate)
		return uvf_fail(EINVAL, "a burst is one of bytes, and needs a rate");
	return err;
}

/* --- what there is ------------------------------------------------------------------------ */

static struct json_object *limit_json(const struct uvf_limit_words *limit)
{
	struct json_object *object;

	if (!limit->rate && !limit->pps)
		return NULL;
	object = json_object_new_object();
	json_object_object_add(object, "rate", limit->rate ?
			       json_object_new_uint64(limit->rate) : NULL);
	json_object_object_add(object, "pps", limit->pps ?
			       json_object_new_uint64(limit->pps) : NULL);
	json_object_object_add(object, "burst", limit->burst ?
			       json_object_new_int64(limit->burst) : NULL);
	return object;
}

static void show_json(const struct uvf_reply *reply)
{
	struct json_object *object = json_object_new_object();

	for (int i = 0; i < UVF_DIRECTIONS; i++)
		json_object_object_add(object, directions[i], limit_json(&reply->limits[i]));
	puts(json_object_to_json_string_ext(object, JSON_C_TO_STRING_PRETTY));
	json_object_put(object);
}

static void show_text(const struct uvf_reply *reply)
{
	for (int i = 0; i < UVF_DIRECTIONS; i++) {
		const struct uvf_limit_words *limit = &reply->limits[i];

		printf("%s", directions[i]);
		if (limit->rate)
			printf(" rate %llu", (unsigned long long)limit->rate);
		if (limit->pps)
			printf(" pps %llu", (unsigned long long)limit->pps);
		if (limit->burst)
			printf(" burst %u", limit->burst);
		puts(limit->rate || limit->pps ? "" : " off");
	}
}

/* --- the command -------------------------------------------------------------------------- */

static int show(const char *function, bool json)
{
	struct uvf_request request = { .type = UVF_MSG_LIMIT };
	struct uvf_reply reply;

	if (rule_call(&request, function, -1, &reply))
		return fail();
	if (json)
		show_json(&reply);
	else
		show_text(&reply);
	return 0;
}

static int set(const char *function, int direction, const struct uvf_limit_words *limit)
{
	struct uvf_request request = {
		.type = UVF_MSG_LIMIT,
		.limit = { .set = 1, .direction = direction, .words = *limit },
	};
	struct uvf_reply reply;

	return rule_call(&request, function, -1, &reply);
}

static int set_words(const struct query *query)
{
	struct uvf_limit_words limit = { 0 };
	int direction;

	if (query->count == 2 && !strcmp(query->names[1], "off")) {
		for (direction = 0; direction < UVF_DIRECTIONS; direction++)
			if (set(query->names[0], direction, &limit))
				return fail();
		return 0;
	}
	for (direction = 0; direction < UVF_DIRECTIONS; direction++)
		if (!strcmp(query->names[1], directions[direction]))
			break;
	if (direction == UVF_DIRECTIONS) {
		uvf_fail(EINVAL, "'%s' is not a direction: rx, tx, or off", query->names[1]);
		return fail();
	}
	if (parse_limit(query->count - 2, query->names + 2, &limit) ||
	    set(query->names[0], direction, &limit))
		return fail();
	return 0;
}

int cmd_limit(int argc, char **argv)
{
	static const struct argp argp = {
		.options = query_options,
		.parser = query_parse,
		.args_doc = "FUNCTION [rx|tx [rate BITS] [pps N] [burst BYTES]]\n"
			    "FUNCTION [rx|tx] off",
		.doc = "Limits what a function receives or sends in a second, or tells the limits.",
	};
	struct query query = { 0 };

	parse(&argp, argc, argv, &query);
	if (!query.count) {
		fprintf(stderr, "uvf limit: of which function? `uvf list` shows those there are\n");
		return 64;
	}
	return query.count == 1 ? show(query.names[0], query.json) : set_words(&query);
}

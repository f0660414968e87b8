// SPDX-License-Identifier: GPL-2.0-only
/* uvf top: live rates; on a terminal full-screen, else a table or a line of JSON for each look. */
#include "top.h"

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "why.h"

struct plan {
	struct top *top;
	bool json;
	bool batch;
};

static const struct argp_option options[] = {
	{ "json", 'j', NULL, 0, "print a line of JSON for each look", 0 },
	{ "batch", 'b', NULL, 0, "print a table for each look, also on a terminal", 0 },
	{ "interval", 'i', "S", 0, "seconds from look to look (default: 1)", 0 },
	{ "count", 'n', "N", 0, "end after N looks", 0 },
	{ 0 },
};

static error_t on_option(int key, char *arg, struct argp_state *state)
{
	struct plan *plan = state->input;
	struct top *top = plan->top;
	char *end;

	switch (key) {
	case 'j':
		plan->json = true;
		return 0;
	case 'b':
		plan->batch = true;
		return 0;
	case 'i':
		top->milliseconds = seconds_parse(arg, state);
		return 0;
	case 'n':
		top->count = strtoul(arg, &end, 10);
		if (*end || end == arg || *arg == '-' || !top->count)
			argp_failure(state, 64, 0, "'%s' is not a number of looks", arg);
		return 0;
	case ARGP_KEY_ARGS:
		top->names = state->argv + state->next;
		top->nr_names = state->argc - state->next;
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp argp = {
	.options = options,
	.parser = on_option,
	.args_doc = "[FUNCTION...]",
	.doc = "Shows what functions receive, send and drop a second.\v"
	       "On a terminal: n, r, t, b and d sort by name, received frames, sent frames, bits and "
	       "drops; arrows scroll; q quits.",
};

const char *top_number(double value, char *text)
{
	static const char units[] = " kMGT";
	int unit = 0;

	while (value >= 9999.5 && units[unit + 1]) {
		value /= 1000;
		unit++;
	}
	if (unit)
		snprintf(text, 16, "%.4g%c", value, units[unit]);
	else
		snprintf(text, 16, "%.0f", value);
	return text;
}

static int by_name(const struct rates_row *a, const struct rates_row *b)
{
	return strcmp(a->function, b->function);
}

static int descending(double a, double b, const struct rates_row *ra, const struct rates_row *rb)
{
	return a < b ? 1 : a > b ? -1 : by_name(ra, rb);
}

static int by_rx(const struct rates_row *a, const struct rates_row *b)
{
	return descending(a->rate[RATE_RX_FRAMES], b->rate[RATE_RX_FRAMES], a, b);
}

static int by_tx(const struct rates_row *a, const struct rates_row *b)
{
	return descending(a->rate[RATE_TX_FRAMES], b->rate[RATE_TX_FRAMES], a, b);
}

static int by_bits(const struct rates_row *a, const struct rates_row *b)
{
	return descending(a->rate[RATE_RX_BITS] + a->rate[RATE_TX_BITS],
			  b->rate[RATE_RX_BITS] + b->rate[RATE_TX_BITS], a, b);
}

static int by_drops(const struct rates_row *a, const struct rates_row *b)
{
	int reason;

	return descending(rates_drops(a, &reason), rates_drops(b, &reason), a, b);
}

void top_sort(struct top *top, enum top_key key)
{
	static int (*const orders[TOP_KEYS])(const struct rates_row *a,
					     const struct rates_row *b) = {
		[TOP_BY_NAME] = by_name, [TOP_BY_RX] = by_rx, [TOP_BY_TX] = by_tx,
		[TOP_BY_BITS] = by_bits, [TOP_BY_DROPS] = by_drops,
	};

	HASH_SRT(hh, top->rates.rows, orders[key]);
}

const char *top_share(double share, char *text)
{
	if (share < 0)
		strcpy(text, "-");
	else
		snprintf(text, 16, "%.0f%%", share * 100);
	return text;
}

static void print_table(struct top *top)
{
	const struct rates_row *row;
	char text[7][16];
	int reason;

	printf("%-15s %-15s %-15s %8s %8s %8s %8s %5s %5s %8s %s\n", "FUNCTION", "UPLINK", "HELD BY",
	       "RX/s", "RXbit/s", "TX/s", "TXbit/s", "RING", "FILL", "DROP/s", "REASON");
	for (row = top->rates.rows; row; row = row->hh.next) {
		for (int i = 0; i < RATE_DROPS; i++)
			top_number(row->rate[i], text[i]);
		top_number(rates_drops(row, &reason), text[4]);
		printf("%-15s %-15s %-15s %8s %8s %8s %8s %5s %5s %8s %s\n", row->function, row->uplink,
		       row->holder, text[0], text[1], text[2], text[3],
		       top_share(row->rx_ring, text[5]), top_share(row->fill_ring, text[6]),
		       text[4],
		       reason < 0 ? "-" : rate_names[reason]);
	}
	puts("");
}

static struct json_object *row_json(const struct rates_row *row)
{
	struct json_object *object = json_object_new_object();
	struct json_object *drops = json_object_new_object();

	json_object_object_add(object, "function", json_object_new_string(row->function));
	json_object_object_add(object, "uplink", json_object_new_string(row->uplink));
	json_object_object_add(object, "holder", json_object_new_string(row->holder));
	for (int i = 0; i < RATES; i++)
		json_object_object_add(i < RATE_DROPS ? object : drops, rate_names[i],
				       json_object_new_double(row->rate[i]));
	json_object_object_add(object, "rx_ring", row->rx_ring < 0 ? NULL :
			       json_object_new_double(row->rx_ring));
	json_object_object_add(object, "fill_ring", row->fill_ring < 0 ? NULL :
			       json_object_new_double(row->fill_ring));
	json_object_object_add(object, "drops", drops);
	return object;
}

static void print_json(struct top *top)
{
	struct json_object *object = json_object_new_object();
	struct json_object *rows = json_object_new_array();
	const struct rates_row *row;

	json_object_object_add(object, "time", json_object_new_int64(time(NULL)));
	json_object_object_add(object, "seconds",
			       json_object_new_double(top->rates.at - top->rates.since));
	for (row = top->rates.rows; row; row = row->hh.next)
		json_object_array_add(rows, row_json(row));
	json_object_object_add(object, "functions", rows);
	puts(json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN));
	json_object_put(object);
}

/* The first look has nothing to compare with: it is not shown. */
static int print_looks(struct top *top, void (*print)(struct top *top))
{
	const struct timespec pause = {
		.tv_sec = top->milliseconds / 1000,
		.tv_nsec = top->milliseconds % 1000 * 1000000,
	};

	if (rates_look(&top->rates, &top->facts, top->names, top->nr_names))
		return fail();
	for (unsigned int i = 0; !top->count || i < top->count; i++) {
		nanosleep(&pause, NULL);
		if (rates_look(&top->rates, &top->facts, top->names, top->nr_names))
			return fail();
		top_sort(top, TOP_BY_NAME);
		print(top);
		if (fflush(stdout))
			return 1; /* nobody reads any more */
	}
	return 0;
}

static int check_names(struct top *top)
{
	struct fact fact;

	for (int i = 0; i < top->nr_names; i++)
		if (facts_find(&top->facts, top->names[i], &fact))
			return fail();
	return 0;
}

int cmd_top(int argc, char **argv)
{
	struct top top = { .milliseconds = 1000 };
	struct plan plan = { .top = &top };
	int status;

	parse(&argp, argc, argv, &plan);
	if (facts_open(&top.facts, false))
		return fail();
	status = check_names(&top);
	if (!status && plan.json)
		status = print_looks(&top, print_json);
	else if (!status && (plan.batch || !isatty(STDOUT_FILENO)))
		status = print_looks(&top, print_table);
	else if (!status)
		status = top_screen(&top);
	rates_free(&top.rates);
	facts_close(&top.facts);
	return status;
}

// SPDX-License-Identifier: GPL-2.0-only
/* uvf metrics: all counters of all functions, as OpenMetrics. */
#include "metrics.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <uvf/steer.h>

#include "why.h"

struct plan {
	const char *listen;
	const char *user;
};

static const struct argp_option options[] = {
	{ "listen", 'l', "WHERE", 0, "serve it over HTTP on [ADDRESS:]PORT or unix:PATH", 0 },
	{ "user", 'u', "USER", 0, "serve as USER (default: nobody)", 0 },
	{ 0 },
};

static error_t on_option(int key, char *arg, struct argp_state *state)
{
	struct plan *plan = state->input;

	switch (key) {
	case 'l':
		plan->listen = arg;
		return 0;
	case 'u':
		plan->user = arg;
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp argp = {
	.options = options,
	.parser = on_option,
	.doc = "Prints all counters of all functions as OpenMetrics, or serves them over HTTP.",
};

typedef uint64_t value_of(const struct fact *fact);

#define VALUE(name, expression)                                                                    \
	static uint64_t name(const struct fact *fact)                                              \
	{                                                                                          \
		return expression;                                                                 \
	}

VALUE(one, 1)
VALUE(is_up, !strcmp(fact_state(fact), "up"))
VALUE(is_leased, *fact->lease.holder != '\0')
VALUE(is_steered, fact->lease.steered)
VALUE(mtu, fact->function.netdev->mtu)
VALUE(rx_frames, fact->function.netdev->stats.rx_packets)
VALUE(rx_bytes, fact->function.netdev->stats.rx_bytes)
VALUE(rx_dropped, fact->function.netdev->stats.rx_dropped)
VALUE(multicast, fact->function.netdev->stats.multicast)
VALUE(tx_frames, fact->function.netdev->stats.tx_packets)
VALUE(tx_bytes, fact->function.netdev->stats.tx_bytes)
VALUE(tx_dropped, fact->function.netdev->stats.tx_dropped)
VALUE(steered_frames, fact->lease.rx_frames)
VALUE(steered_bytes, fact->lease.rx_bytes)
VALUE(direct_frames, fact->lease.direct_frames)
VALUE(direct_bytes, fact->lease.direct_bytes)
VALUE(flooded_frames, fact->lease.flood_frames)
VALUE(flooded_bytes, fact->lease.flood_bytes)
VALUE(mirrored_frames, fact->lease.mirror_frames)
VALUE(dropped_rule, fact->lease.drops[UVF_DROP_RULE])
VALUE(dropped_rx_limit, fact->lease.drops[UVF_DROP_RX_LIMIT])
VALUE(dropped_tx_limit, fact->lease.drops[UVF_DROP_TX_LIMIT])
VALUE(dropped_vlan, fact->lease.drops[UVF_DROP_VLAN])
VALUE(ring_waiting, fact->lease.rx_waiting)
VALUE(ring_fill, fact->lease.fill_left)
VALUE(socket_dropped, fact->lease.xsk_rx_dropped)
VALUE(socket_full, fact->lease.xsk_rx_ring_full)
VALUE(socket_no_frame, fact->lease.xsk_rx_no_frame)
VALUE(socket_invalid, fact->lease.xsk_tx_invalid)

/* Who knows it: the kernel, uvfd, uvfd while the function is leased, or where it sees the rings. */
enum source { KERNEL, UVFD, LEASE, RINGS };

struct family {
	const char *name; /* without "_total", which a counter's sample has */
	bool counter;
	enum source source;
	const char *unit; /* the end of @name, or NULL */
	value_of *value;
	const char *help;
};

static const struct family families[] = {
	{ "uvf_function_info", false, KERNEL, NULL, one, "What a function is, in its labels." },
	{ "uvf_function_up", false, KERNEL, NULL, is_up, "Whether it is up, and its uplink too." },
	{ "uvf_function_leased", false, UVFD, NULL, is_leased, "Whether an appliance has it." },
	{ "uvf_function_steered", false, UVFD, NULL, is_steered, "Whether XDP steers to it." },
	{ "uvf_function_mtu_bytes", false, KERNEL, "bytes", mtu, "Its MTU." },
	{ "uvf_receive_frames", true, KERNEL, NULL, rx_frames, "Frames received." },
	{ "uvf_receive_bytes", true, KERNEL, "bytes", rx_bytes, "Bytes received." },
	{ "uvf_receive_dropped_frames", true, KERNEL, NULL, rx_dropped, "Received, and dropped." },
	{ "uvf_receive_multicast_frames", true, KERNEL, NULL, multicast, "Multicast received." },
	{ "uvf_transmit_frames", true, KERNEL, NULL, tx_frames, "Frames sent." },
	{ "uvf_transmit_bytes", true, KERNEL, "bytes", tx_bytes, "Bytes sent." },
	{ "uvf_transmit_dropped_frames", true, KERNEL, NULL, tx_dropped, "To be sent, and dropped." },
	{ "uvf_steered_frames", true, UVFD, NULL, steered_frames,
	  "Unicast that the program on the uplink handed to it since it came up." },
	{ "uvf_steered_bytes", true, UVFD, "bytes", steered_bytes, "Bytes of these." },
	{ "uvf_direct_frames", true, UVFD, NULL, direct_frames,
	  "Of these, what came to sockets on leased queues of the uplink." },
	{ "uvf_direct_bytes", true, UVFD, "bytes", direct_bytes, "Bytes of these." },
	{ "uvf_mirrored_frames", true, UVFD, NULL, mirrored_frames, "Copies for another function." },
	{ "uvf_dropped_rule_frames", true, UVFD, NULL, dropped_rule, "Dropped by its rules." },
	{ "uvf_dropped_receive_limit_frames", true, UVFD, NULL, dropped_rx_limit,
	  "To it, above its limit." },
	{ "uvf_dropped_transmit_limit_frames", true, UVFD, NULL, dropped_tx_limit,
	  "From it, above its limit." },
	{ "uvf_dropped_vlan_frames", true, UVFD, NULL, dropped_vlan,
	  "No tag could be taken off or put on." },
	{ "uvf_flooded_frames", true, UVFD, NULL, flooded_frames,
	  "Copies of broadcast and multicast handed to it (backend veth) since it came up." },
	{ "uvf_flooded_bytes", true, UVFD, "bytes", flooded_bytes, "Bytes of these." },
	{ "uvf_ring_waiting_frames", false, RINGS, NULL, ring_waiting,
	  "Frames that the appliance has not taken out of its receive rings yet." },
	{ "uvf_ring_fill_frames", false, RINGS, NULL, ring_fill,
	  "Frames that the appliance has left to receive into." },
	{ "uvf_socket_dropped_frames", true, LEASE, NULL, socket_dropped,
	  "Dropped by its AF_XDP socket, for want of a frame or too long for one." },
	{ "uvf_socket_ring_full", true, LEASE, NULL, socket_full,
	  "Times that the appliance's receive ring was full." },
	{ "uvf_socket_no_frame", true, LEASE, NULL, socket_no_frame,
	  "Times that the appliance had left no frame to receive into." },
	{ "uvf_socket_invalid_descriptors", true, LEASE, NULL, socket_invalid,
	  "Descriptors of the appliance that the kernel refused." },
};

static bool knows(const struct fact *fact, enum source source)
{
	switch (source) {
	case KERNEL:
		return true;
	case UVFD:
		return fact->uvfd;
	case LEASE:
		return fact->uvfd && *fact->lease.holder;
	case RINGS:
		return fact->uvfd && fact->lease.rings;
	}
	return false;
}

static void print_label(FILE *to, const char *name, const char *value)
{
	fprintf(to, "%s=\"", name);
	for (; *value; value++) {
		if (*value == '\n')
			fputs("\\n", to);
		else
			fprintf(to, strchr("\\\"", *value) ? "\\%c" : "%c", *value);
	}
	fputc('"', to);
}

static void print_labels(FILE *to, const struct fact *fact, bool info)
{
	const struct uvf_function *function = &fact->function;
	char mac[MAC_TEXT_SIZE];

	fputc('{', to);
	print_label(to, "pci_addr", function->port->pci);
	fputc(',', to);
	print_label(to, "function", function->netdev->name);
	fputc(',', to);
	print_label(to, "uplink", function->uplink ? function->uplink->name : "");
	fputc(',', to);
	print_label(to, "appliance", function->port->appliance);
	if (info) {
		fputc(',', to);
		print_label(to, "backend", fact_backend(fact));
		fputc(',', to);
		print_label(to, "mac", mac_text(function->netdev->mac, mac));
	}
	fputc('}', to);
}

struct walk {
	struct fact *facts;
	unsigned int count;
};

static void keep(const struct fact *fact, void *arg)
{
	struct walk *walk = arg;
	struct fact *facts = realloc(walk->facts, (walk->count + 1) * sizeof(*facts));

	if (!facts)
		return;
	facts[walk->count++] = *fact;
	walk->facts = facts;
}

static void print_family(FILE *to, const struct family *family, const struct walk *walk)
{
	fprintf(to, "# TYPE %s %s\n", family->name, family->counter ? "counter" : "gauge");
	if (family->unit)
		fprintf(to, "# UNIT %s %s\n", family->name, family->unit);
	fprintf(to, "# HELP %s %s\n", family->name, family->help);
	for (unsigned int i = 0; i < walk->count; i++) {
		const struct fact *fact = &walk->facts[i];

		if (!knows(fact, family->source))
			continue;
		fprintf(to, "%s%s", family->name, family->counter ? "_total" : "");
		print_labels(to, fact, family->value == one);
		fprintf(to, " %llu\n", (unsigned long long)family->value(fact));
	}
}

static void print(FILE *to, struct facts *facts)
{
	struct walk walk = { 0 };

	facts_walk(facts, keep, &walk);
	fprintf(to, "# TYPE uvf_daemon_up gauge\n# HELP uvf_daemon_up Whether uvfd answers.\n"
		    "uvf_daemon_up %d\n", facts->uvfd >= 0);
	for (unsigned int i = 0; i < sizeof(families) / sizeof(families[0]); i++)
		print_family(to, &families[i], &walk);
	fputs("# EOF\n", to);
	free(walk.facts);
}

char *metrics_text(struct facts *facts, size_t *size)
{
	char *text = NULL;
	FILE *to;

	if (facts_refresh(facts))
		return NULL;
	to = open_memstream(&text, size);
	if (to)
		print(to, facts);
	if (!to || fclose(to)) {
		uvf_fail(ENOMEM, "no memory for the metrics");
		free(text);
		return NULL;
	}
	return text;
}

static int print_once(void)
{
	struct facts facts;
	size_t size;
	char *text = facts_open(&facts, false) ? NULL : metrics_text(&facts, &size);
	int status = 0;

	if (!text)
		status = fail();
	else if (fwrite(text, 1, size, stdout) != size || fflush(stdout))
		status = 1;
	free(text);
	facts_close(&facts);
	return status;
}

int cmd_metrics(int argc, char **argv)
{
	struct plan plan = { .user = "nobody" };

	parse(&argp, argc, argv, &plan);
	return plan.listen ? metrics_serve(plan.listen, plan.user) : print_once();
}
